//! Everything a descent remembers between iterations, as plain data.

use tsne_core::Scalar;

use crate::Error;

/// Positions, velocity, gains and recoveries: what must be kept for a descent to go on to the same bits.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct State<T, const D: usize> {
    /// Position of every point.
    pub positions: Vec<[T; D]>,
    /// Last step of every point, after clipping.
    pub velocity: Vec<[T; D]>,
    /// Gain of every coordinate.
    pub gains: Vec<[T; D]>,
    /// Divergences the descent has got over; each halved its learning rate for good. 0 gives back the full rate.
    pub recoveries: u32,
}

impl<T: Scalar, const D: usize> State<T, D> {
    /// At rest at `positions`: velocity 0, gains 1, no recoveries.
    #[must_use]
    pub fn at_rest(positions: Vec<[T; D]>) -> Self {
        let n = positions.len();
        let (velocity, gains) = (vec![[T::default(); D]; n], vec![[T::lit(1.0); D]; n]);
        Self { positions, velocity, gains, recoveries: 0 }
    }

    /// From its parts, for instance read back from a file, without recoveries.
    ///
    /// # Errors
    /// When the lengths differ or a value is not finite.
    pub fn from_parts(
        positions: Vec<[T; D]>,
        velocity: Vec<[T; D]>,
        gains: Vec<[T; D]>,
    ) -> Result<Self, Error> {
        let state = Self { positions, velocity, gains, recoveries: 0 };
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

    /// What is left of `learning_rate` after the recoveries; halving is exact.
    pub(crate) fn slowed(&self, learning_rate: f64) -> f64 {
        learning_rate * 0.5_f64.powi(self.recoveries.try_into().unwrap_or(i32::MAX))
    }

    pub(crate) fn come_to_rest(&mut self) {
        self.velocity.fill([T::default(); D]);
        self.gains.fill([T::lit(1.0); D]);
    }
}
