//! Nearest-neighbor graphs on a CPU.
//!
//! Use this crate when you need the k nearest neighbors of every point of a data set, for t-SNE or for anything else
//! that starts from such a graph. To make a t-SNE map, use `tsne`, which calls this crate.
//!
//! | index | finds | answers queries | points |
//! | --- | --- | --- | --- |
//! | [`Exact`] | the true neighbors | yes | dense `f32`, `f64`, bytes; sparse |
//! | [`RandomProjectionForest`] | most of them | yes | dense, bytes |
//! | `Hnsw`, feature `hnsw` | most of them | yes | dense, bytes |
//! | `InstantDistance`, feature `instant-distance` | most of them | yes | dense, bytes |
//! | [`NnDescent`] | nearly all of them, among many points | yes | as [`Exact`] |
//! | [`PrecomputedDistances`] | the smallest entries of each row | yes, rows of distances | a square matrix |
//! | [`KnnGraph`] itself, see [`precomputed_neighbors`] | what it holds | no | |
//!
//! Distances are chosen by [`Metric`]; [`quality`] measures a graph or a map.
//!
//! An index is built over [`Points`] by its own constructor, then asked through [`NeighborIndex`] for the whole graph
//! or through [`NeighborQuery`] for the neighbors of unseen points. Work runs on the current rayon pool; to bound it,
//! call from inside `pool.install(..)`. Results do not depend on the number of threads.
#![forbid(unsafe_code)]

mod bound;
mod compiled;
mod coordinates;
mod dense;
mod descent;
mod direct;
mod error;
mod exact;
mod forest;
mod geometry;
#[cfg(feature = "hnsw")]
mod hnsw;
#[cfg(feature = "instant-distance")]
mod instant;
mod join;
mod kernels;
mod lanes;
mod metric;
mod nn_descent;
mod output;
mod pair;
mod precomputed;
mod progress;
pub mod quality;
#[cfg(any(feature = "hnsw", feature = "instant-distance"))]
mod row;
mod rp_tree;
mod selection;
mod sparse;
mod store;
mod tile;
mod tiled;
mod top_k;

pub use error::Error;
pub use exact::Exact;
pub use forest::{ForestParams, RandomProjectionForest};
#[cfg(feature = "hnsw")]
pub use hnsw::{Hnsw, HnswParams};
#[cfg(feature = "instant-distance")]
pub use instant::{InstantDistance, InstantDistanceParams};
pub use metric::{CustomMetric, Metric, MetricParameters};
pub use nn_descent::NnDescent;
pub use precomputed::{PrecomputedDistances, precomputed_neighbors};
pub use tsne_core::{
    BackendError, Control, Csr, KnnGraph, NeighborIndex, NeighborQuery, Points, Scalar, Seed,
};
