//! Affinities for t-SNE: from a neighbor graph to the joint distribution P that a map is fitted to.
#![forbid(unsafe_code)]

mod calibrated;
mod calibration;
mod cells;
mod connectivity;
mod dense;
mod directed;
mod error;
mod expo;
mod family;
mod incoming;
mod multiscale;
mod options;
mod perplexity;
mod precomputed;
mod row;
mod rule;
mod sigma;
mod symmetrize;
mod tasks;
mod uniform;
mod view;

pub use calibration::{Adjustment, Calibration, Reason, Scale, UnreachedRow};
pub use connectivity::Connectivity;
pub use dense::AllPairs;
pub use error::Error;
pub use multiscale::{Multiscale, MultiscaleMixture};
pub use options::{Normalization, Options, neighbors_for, perplexity_limit};
pub use perplexity::PerplexityBased;
pub use precomputed::{Precomputed, PrecomputedOptions};
pub use sigma::FixedSigma;
pub use uniform::{Symmetrization, Uniform};
