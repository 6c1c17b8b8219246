//! Repulsion of t-SNE on a particle mesh, in one, two and three dimensions.
//!
//! Use this crate to compute the repulsive half of the gradient on its own, in time that grows like n. To make a map,
//! use `tsne`.
//!
//! | type | what it does | implements |
//! | --- | --- | --- |
//! | [`ParticleMesh`] | repulsion among the points of a map | [`NegativeGradient`] |
//! | [`ReferenceMesh`] | repulsion from a frozen map on new points | [`ReferenceField`] |
#![forbid(unsafe_code)]

mod bins;
mod convolve;
mod engine;
mod error;
mod extent;
mod fft;
mod grid;
mod lanes;
mod params;
mod particle_mesh;
mod pool;
mod reference_mesh;
mod spectrum;
mod spline;
mod stencil;

pub use error::Error;
pub use params::Params;
pub use particle_mesh::ParticleMesh;
pub use reference_mesh::ReferenceMesh;
pub use tsne_core::{self, BackendError, NegativeGradient, ReferenceField, Scalar, StudentT};
