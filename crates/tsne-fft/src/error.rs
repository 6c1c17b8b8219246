//! What can go wrong.

use tsne_core::NonFinite;

/// Why there is no mesh, or no force from it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A count among the parameters is 0.
    #[error("{name} must be at least 1, got 0")]
    #[non_exhaustive]
    ZeroCount {
        /// The parameter.
        name: &'static str,
    },
    /// A side of a cell that is not a finite number above 0.
    #[error("ints_in_interval must be a finite number above 0, got {ints_in_interval}")]
    #[non_exhaustive]
    BadCellSide {
        /// The value given.
        ints_in_interval: f64,
    },
    /// A padding that is not a finite number of at least 0.
    #[error("padding must be a finite number of at least 0, got {padding}")]
    #[non_exhaustive]
    BadPadding {
        /// The value given.
        padding: f64,
    },
    /// The map needs a mesh that takes more memory than allowed.
    #[error(
        "a mesh over a map of extent {extent:.4e} takes {bytes:.4e} bytes, more than the {max_bytes} allowed; raise \
         max_bytes, widen the cells through ints_in_interval, or repel by a tree"
    )]
    #[non_exhaustive]
    MeshTooLarge {
        /// Longest side of the map.
        extent: f64,
        /// Bytes that mesh, spectra, scratch and sorted points would take: a float, for they may be beyond counting.
        bytes: f64,
        /// The bound, `max_bytes`.
        max_bytes: usize,
    },
    /// More points than 32-bit indices can number.
    #[error("{n_points} points are more than the {max} that 32-bit indices can number; split the data")]
    #[non_exhaustive]
    TooManyPoints {
        /// Number of points given.
        n_points: usize,
        /// Largest number allowed.
        max: usize,
    },
    /// A coordinate that is NaN or infinite.
    #[error(transparent)]
    NonFinite(#[from] NonFinite),
}
