//! Repulsion of t-SNE among the points of a map, and from a frozen map onto new points.
//!
//! Use this crate to compute the repulsive half of the gradient on its own. To make a map, use `tsne`.
//!
//! | you want | use | dimensions | time |
//! | --- | --- | --- | --- |
//! | no error but rounding, or few points | [`Exact`], [`ExactField`] | any | O(n²) |
//! | many points, however they are spread | [`BarnesHut`], [`BarnesHutField`] | 1, 2, 3 | O(n log n) |
//!
//! All serve `f32` and `f64` and any degrees of freedom, use the current rayon pool and the vector instructions of the
//! CPU, and give the same bits for any number of threads. Errors of the tree are tabulated in `docs/accuracy.md`.
#![forbid(unsafe_code)]

mod barnes_hut;
mod bounds;
mod error;
mod exact;
mod field;
mod kernel;
mod law;
mod morton;
mod tree;
mod walk;

pub use barnes_hut::{BarnesHut, Params};
pub use error::Error;
pub use exact::{Exact, ExactField};
pub use field::BarnesHutField;
pub use tsne_core::{self, BackendError, NegativeGradient, ReferenceField, Scalar, StudentT};
