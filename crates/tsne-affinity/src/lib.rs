//! Affinities for t-SNE: from a neighbor graph to the joint distribution P that a map is fitted to.
#![forbid(unsafe_code)]

mod calibrated;
mod calibration;
mod cells;
mod directed;
mod error;
mod expo;
mod family;
mod incoming;
mod options;
mod perplexity;
mod row;
mod rule;
mod symmetrize;
mod tasks;
mod view;

pub use calibration::{Adjustment, Calibration, Reason, Scale, UnreachedRow};
pub use error::Error;
pub use options::{Normalization, Options, neighbors_for, perplexity_limit};
pub use perplexity::PerplexityBased;
