//! Repulsion of t-SNE: by all pairs.
//!
//! Use this crate to compute the repulsive half of the gradient on its own. To make a map, use `tsne`.
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
