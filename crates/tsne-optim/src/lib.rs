//! Gradient descent of t-SNE over any affinities and any repulsion.
//!
//! Depend on this crate when you have attraction weights of your own (a graph, text, a pipeline elsewhere) and want the
//! optimizer alone; `tsne` puts it together with the rest. What you bring are two traits of [`tsne_core`]:
//! [`Affinities`] (a [`Csr`] will do) and [`NegativeGradient`], or
//! [`ReferenceField`](tsne_core::ReferenceField) for new points.
//!
//! | item | what it is |
//! | --- | --- |
//! | [`Descent`] | owns P, repulsion and state; makes steps and runs |
//! | [`CheckedAffinities`] | a P that was checked once, for descents that start at once |
//! | [`PartialDescent`] | the same for new points in a frozen map, each placed alone |
//! | [`Phase`] | parameters of a stretch: iterations, exaggeration, momentum, learning rate, bounds |
//! | [`State`] | positions, velocity, gains: what must be kept to go on to the same bits |
//!
//! A phase after another goes on with velocity and gains as they are, so that a fit is its phases and nothing else.
//! Runs on rayon's current pool; formulas marked [M..] are in `docs/math.md`.
#![forbid(unsafe_code)]

mod attraction;
mod checked;
mod descent;
mod divergence;
mod error;
mod packed;
mod partial;
mod phase;
mod rows;
mod state;
mod update;
mod validate;

pub use checked::CheckedAffinities;
pub use descent::{Descent, Progress, Recovery, StopReason};
pub use error::Error;
pub use partial::PartialDescent;
pub use phase::{LearningRate, Phase};
pub use state::State;
pub use tsne_core::{self, Affinities, Csr, NegativeGradient, Scalar, StudentT};
