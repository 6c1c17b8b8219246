//! Boxes around points.

use rayon::prelude::*;
use tsne_core::Scalar;

/// Points of one parallel task.
const CHUNK: usize = 4096;

/// The smallest box around some points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds<T, const D: usize> {
    pub(crate) low: [T; D],
    pub(crate) high: [T; D],
}

impl<T: Scalar, const D: usize> Bounds<T, D> {
    /// Around nothing.
    pub(crate) fn empty() -> Self {
        Self { low: [T::INFINITY; D], high: [-T::INFINITY; D] }
    }

    /// Around these points.
    pub(crate) fn of(points: &[[T; D]]) -> Self {
        points.iter().fold(Self::empty(), |bounds, &point| bounds.join(&Self { low: point, high: point }))
    }

    /// Around these points, by all threads.
    pub(crate) fn of_many(points: &[[T; D]]) -> Self {
        points.par_chunks(CHUNK).map(Self::of).reduce(Self::empty, |a, b| a.join(&b))
    }

    /// Around both.
    #[inline]
    pub(crate) fn join(mut self, other: &Self) -> Self {
        for c in 0..D {
            self.low[c] = if other.low[c] < self.low[c] { other.low[c] } else { self.low[c] };
            self.high[c] = if other.high[c] > self.high[c] { other.high[c] } else { self.high[c] };
        }
        self
    }

    /// The longest edge.
    pub(crate) fn side(&self) -> T {
        let mut side = T::lit(0.0);
        for c in 0..D {
            let edge = self.high[c] - self.low[c];
            side = if edge > side { edge } else { side };
        }
        side
    }

    /// Squared distance from the nearest point of the box.
    #[inline(always)]
    pub(crate) fn distance2(&self, to: &[T; D]) -> T {
        let zero = T::lit(0.0);
        let mut d2 = zero;
        for c in 0..D {
            let (below, above) = (self.low[c] - to[c], to[c] - self.high[c]);
            let gap = if below > above { below } else { above };
            let gap = if gap > zero { gap } else { zero };
            d2 += gap * gap;
        }
        d2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_knows_its_side_and_its_distances() {
        let bounds = Bounds::of(&[[0.0, 1.0], [4.0, 1.5], [2.0, 0.0]]);
        assert_eq!(bounds, Bounds { low: [0.0, 0.0], high: [4.0, 1.5] });
        assert_eq!(bounds.side(), 4.0);
        assert_eq!(bounds.distance2(&[3.0, 1.0]), 0.0);
        assert_eq!(bounds.distance2(&[7.0, 5.5]), 25.0);
        assert_eq!(bounds.distance2(&[-1.0, 1.0]), 1.0);
        assert_eq!(Bounds::<f64, 2>::empty().side(), 0.0);
    }
}
