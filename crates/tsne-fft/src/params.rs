//! What a user sets: how fine the mesh is and how much memory it may take.

use crate::error::Error;

/// How fine the mesh is, and how much memory it may take.
///
/// A cell has side `ints_in_interval` and carries `n_interpolation_points` nodes per axis, so that nodes are
/// `ints_in_interval / n_interpolation_points` apart: 1/3 by default, a third of the width of the kernel with one degree
/// of freedom. A map that spans fewer than `min_num_intervals` cells gets smaller cells, and so does a kernel of fewer
/// degrees of freedom: in proportion to its width √ν, so that the error does not rise.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Params {
    /// Nodes per cell and axis, 3 by default. The error falls with its fourth power, the time rises with its D-th.
    pub n_interpolation_points: usize,
    /// Fewest cells along the longest side of the map, 50 by default.
    pub min_num_intervals: usize,
    /// Side of a cell in units of the map, 1 by default.
    pub ints_in_interval: f64,
    /// Most bytes that mesh, spectra, scratch and sorted points may take together, 2 GiB by default.
    pub max_bytes: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self { n_interpolation_points: 3, min_num_intervals: 50, ints_in_interval: 1.0, max_bytes: 2 << 30 }
    }
}

impl Params {
    /// Sets the number of nodes per cell and axis.
    #[must_use]
    pub fn with_n_interpolation_points(self, n_interpolation_points: usize) -> Self {
        Self { n_interpolation_points, ..self }
    }

    /// Sets the fewest cells along the longest side of the map.
    #[must_use]
    pub fn with_min_num_intervals(self, min_num_intervals: usize) -> Self {
        Self { min_num_intervals, ..self }
    }

    /// Sets the side of a cell.
    #[must_use]
    pub fn with_ints_in_interval(self, ints_in_interval: f64) -> Self {
        Self { ints_in_interval, ..self }
    }

    /// Sets the most bytes to take.
    #[must_use]
    pub fn with_max_bytes(self, max_bytes: usize) -> Self {
        Self { max_bytes, ..self }
    }

    pub(crate) fn validated(self) -> Result<Self, Error> {
        for (name, value) in [
            ("n_interpolation_points", self.n_interpolation_points),
            ("min_num_intervals", self.min_num_intervals),
        ] {
            if value == 0 {
                return Err(Error::ZeroCount { name });
            }
        }
        if self.ints_in_interval.is_finite() && self.ints_in_interval > 0.0 {
            Ok(self)
        } else {
            Err(Error::BadCellSide { ints_in_interval: self.ints_in_interval })
        }
    }

    /// The longest spacing allowed in a map of this `extent`, the kernel's width being `width`.
    pub(crate) fn spacing(&self, extent: f64, width: f64) -> f64 {
        let side = (self.ints_in_interval * width.min(1.0)).min(extent / self.min_num_intervals as f64);
        side / self.n_interpolation_points as f64
    }
}
