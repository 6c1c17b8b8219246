//! Affinities for t-SNE: from a neighbor graph to the joint distribution P that a map is fitted to.
//!
//! Depend on this crate if you have an optimizer of your own and need P, or want P for another purpose. To make a map,
//! use `tsne`.
//!
//! | family | the rows are | openTSNE | rows for new points |
//! | --- | --- | --- | --- |
//! | [`PerplexityBased`] | a Gaussian, as wide as a perplexity wants it | `PerplexityBasedNN` | yes |
//! | [`MultiscaleMixture`] | a sum of Gaussians, one for each perplexity | `MultiscaleMixture` | yes |
//! | [`Multiscale`] | the average of one row for each perplexity | `Multiscale` | yes |
//! | [`FixedSigma`] | a Gaussian of given width | `FixedSigmaNN` | yes |
//! | [`Uniform`] | the same for all neighbors | `Uniform` | yes |
//! | [`AllPairs`] | a Gaussian over all other points | | yes |
//! | [`Precomputed`] | a given matrix, or the edges of a given graph | `PrecomputedAffinities` | no |
//!
//! All implement [`Affinities`](tsne_core::Affinities), those with rows for new points [`ToNew`](tsne_core::ToNew). The
//! families over a graph share it (an [`Arc`](std::sync::Arc)), so one search serves several.
//!
//! What could not be had travels with the result: [`Calibration`] says which perplexities were lowered and which rows
//! have another than was asked for, and why; [`Connectivity`] what hangs together. Nothing else is changed silently.
//!
//! Work is spread over rayon's current pool; results do not depend on the number of threads. Formulas marked \[M..\] are
//! in `docs/math.md`.
#![forbid(unsafe_code)]

mod blocks;
mod calibrated;
mod calibration;
mod connectivity;
mod dense;
mod directed;
mod error;
mod expo;
mod family;
mod incoming;
mod merge;
mod multiscale;
mod options;
mod perplexity;
mod placement;
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
pub use placement::Placement;
pub use precomputed::{Precomputed, PrecomputedOptions};
pub use sigma::FixedSigma;
pub use uniform::{Symmetrization, Uniform};
