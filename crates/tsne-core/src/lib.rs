//! The seams of t-SNE: what the crates of this workspace, and yours, agree on.
//!
//! Depend on this crate to write a plug-in: a neighbor index, an affinity family or a repulsion of your own. To make a
//! map, use `tsne`. This crate holds traits, views and vocabulary types, and no algorithm.
//!
//! | you have | implement | required methods |
//! | --- | --- | --- |
//! | a search structure | [`NeighborIndex`] | `n_points`, `knn_graph` |
//! | ... that answers for unseen points | [`NeighborQuery`] | `n_features`, `query` |
//! | attraction weights | [`Affinities`] (or fill a [`Csr`]) | `n_points`, `row` |
//! | ... that extend to new points | [`ToNew`] | `to_new` |
//! | a repulsion | [`NegativeGradient`] | `repel` |
//! | ... from a frozen map | [`ReferenceField`] | `n_references`, `repel_targets` |
//!
//! All are object-safe and forwarded through `&`, `Box` and `Arc` (`&mut` and `Box` for [`NegativeGradient`], which
//! keeps state). `tsne-testkit` has a `check_*` function for each that your tests can call.
//!
//! Errors of a plug-in travel as [`BackendError`]; long stages take a [`Control`]; formulas marked [M..] are in
//! `docs/math.md`.
#![forbid(unsafe_code)]

mod affinities;
mod control;
mod csr;
mod error;
mod kernel;
mod knn;
mod points;
mod repulsion;
mod scalar;
mod seed;

pub use affinities::{Affinities, AffinityRow, NewAffinities, NewRows, ToNew};
pub use control::{Control, Interrupted, Tick};
pub use csr::Csr;
pub use error::{BackendError, GraphError, NonFinite, ShapeError};
pub use kernel::{InvalidDof, StudentT};
pub use knn::{KnnGraph, NeighborIndex, NeighborQuery};
pub use points::{Dense, MAX_POINTS, Points, Sparse};
pub use repulsion::{Ball, NegativeGradient, ReferenceField};
pub use scalar::{ByScalar, Element, Scalar, Typed};
pub use seed::Seed;
