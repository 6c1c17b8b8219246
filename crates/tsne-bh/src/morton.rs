//! Morton codes: positions on a grid of a box, their bits interleaved, and their sorting ([M31]).

use rayon::prelude::*;
use tsne_core::Scalar;

/// Points of one parallel task.
const CHUNK: usize = 4096;
/// Bits of a digit of the radix sort.
const DIGIT: u32 = 11;
/// Values of a digit.
const RADIX: usize = 1 << DIGIT;
/// Bits of a code.
const CODE: u32 = 32;

/// A key: the code in the upper half, the index of the point in the lower. No two are equal, so that there is one order.
pub(crate) type Key = u64;

/// The code of a key.
pub(crate) fn code(key: Key) -> u32 {
    (key >> CODE) as u32
}

/// The index of a key.
#[allow(clippy::cast_possible_truncation, reason = "the lower half is the index")]
pub(crate) fn index(key: Key) -> u32 {
    key as u32
}

/// A grid of 2^bits cells along each axis of a cube.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid<const D: usize> {
    low: [f64; D],
    side: f64,
}

impl<const D: usize> Grid<D> {
    /// Bits of a code for each axis.
    #[allow(clippy::cast_possible_truncation, reason = "D is 1, 2 or 3")]
    const BITS: u32 = CODE / D as u32;

    /// The grid of the smallest cube at the low corner of all points; none when they are at one place.
    pub(crate) fn around<T: Scalar>(bounds: &Bounds<T, D>) -> Option<Self> {
        let side = bounds.side().to_f64();
        (side > 0.0).then(|| Self { low: bounds.low.map(T::to_f64), side })
    }

    /// The key of a point of the cube.
    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cell is below 2^BITS")]
    pub(crate) fn key<T: Scalar>(&self, position: &[T; D], index: u32) -> Key {
        let cells = f64::from(Self::BITS).exp2();
        let mut code = 0;
        for c in 0..D {
            // Divided first: the side may be too small to have an inverse.
            let cell = ((position[c].to_f64() - self.low[c]) / self.side * cells).min(cells - 1.0);
            code |= spread::<D>(cell as u32) << c;
        }
        Key::from(code) << CODE | Key::from(index)
    }
}

/// Moves bit b to bit D b.
#[inline]
fn spread<const D: usize>(cell: u32) -> u32 {
    match D {
        1 => cell,
        2 => {
            let x = cell & 0xFFFF;
            let x = (x | x << 8) & 0x00FF_00FF;
            let x = (x | x << 4) & 0x0F0F_0F0F;
            let x = (x | x << 2) & 0x3333_3333;
            (x | x << 1) & 0x5555_5555
        }
        _ => {
            let x = cell & 0x3FF;
            let x = (x | x << 16) & 0x0300_00FF;
            let x = (x | x << 8) & 0x0300_F00F;
            let x = (x | x << 4) & 0x030C_30C3;
            (x | x << 2) & 0x0924_9249
        }
    }
}

/// Makes the keys of all points, in order of their index.
pub(crate) fn fill_keys<T: Scalar, const D: usize>(grid: &Grid<D>, y: &[[T; D]], keys: &mut Vec<Key>) {
    keys.resize(y.len(), 0);
    keys.par_chunks_mut(CHUNK).zip(y.par_chunks(CHUNK)).enumerate().for_each(|(chunk, (keys, y))| {
        for (i, (key, position)) in keys.iter_mut().zip(y).enumerate() {
            *key = grid.key(position, index((chunk * CHUNK + i) as Key));
        }
    });
}

/// Sorts keys that are in order of their index, by code and then by index. Time O(n).
pub(crate) fn sort(keys: &mut Vec<Key>, scratch: &mut Vec<Key>) {
    if keys.len() < RADIX {
        keys.sort_unstable();
        return;
    }
    // From the last digit to the first; each pass keeps the order of equal digits, the first that of the indices.
    let mut counts = [[0_u32; RADIX]; CODE.div_ceil(DIGIT) as usize];
    let digit = |key: Key, pass: usize| (code(key) >> (pass as u32 * DIGIT)) as usize % RADIX;
    for &key in keys.iter() {
        for (pass, counts) in counts.iter_mut().enumerate() {
            counts[digit(key, pass)] += 1;
        }
    }
    scratch.resize(keys.len(), 0);
    for (pass, counts) in counts.iter_mut().enumerate() {
        let mut next = 0;
        for count in counts.iter_mut() {
            next += std::mem::replace(count, next);
        }
        for &key in keys.iter() {
            let to = &mut counts[digit(key, pass)];
            scratch[*to as usize] = key;
            *to += 1;
        }
        std::mem::swap(keys, scratch);
    }
}

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

    /// The longest edge.
    pub(crate) fn side(&self) -> T {
        let edges = (0..D).map(|c| self.high[c] - self.low[c]);
        edges.fold(T::lit(0.0), |side, edge| if edge > side { edge } else { side })
    }
}
