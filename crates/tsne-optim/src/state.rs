//! Everything a descent remembers between iterations, as plain data.

use tsne_core::Scalar;

use crate::Error;

/// Positions, velocity and gains: what must be kept for a descent to go on to the same bits.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct State<T, const D: usize> {
    /// Position of every point.
    pub positions: Vec<[T; D]>,
    /// Last step of every point, after clipping.
    pub velocity: Vec<[T; D]>,
    /// Gain of every coordinate.
    pub gains: Vec<[T; D]>,
}

impl<T: Scalar, const D: usize> State<T, D> {
    /// At rest at `positions`: velocity 0, gains 1.
    #[must_use]
    pub fn at_rest(positions: Vec<[T; D]>) -> Self {
        let n = positions.len();
        Self { positions, velocity: vec![[T::default(); D]; n], gains: vec![[T::lit(1.0); D]; n] }
    }

    /// From its parts, for instance read back from a file.
    ///
    /// # Errors
    /// When the lengths differ or a value is not finite.
    pub fn from_parts(
        positions: Vec<[T; D]>,
        velocity: Vec<[T; D]>,
        gains: Vec<[T; D]>,
    ) -> Result<Self, Error> {
        let state = Self { positions, velocity, gains };
        state.validate()?;
        Ok(state)
    }

    /// Number of points.
    #[must_use]
    pub fn n_points(&self) -> usize {
        self.positions.len()
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        let expected = self.positions.len();
        for (what, values) in [("velocity", &self.velocity), ("gains", &self.gains)] {
            if values.len() != expected {
                return Err(Error::LengthMismatch { what, expected, got: values.len() });
            }
        }
        for (what, values) in
            [("position", &self.positions), ("velocity", &self.velocity), ("gain", &self.gains)]
        {
            if let Some(at) = values.as_flattened().iter().position(|x| !x.is_finite()) {
                let value = values.as_flattened()[at].to_f64();
                return Err(Error::NonFinite { what, point: at / D, axis: at % D, value });
            }
        }
        Ok(())
    }

    pub(crate) fn come_to_rest(&mut self) {
        self.velocity.fill([T::default(); D]);
        self.gains.fill([T::lit(1.0); D]);
    }
}
