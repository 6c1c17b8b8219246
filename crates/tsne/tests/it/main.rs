//! Tests of the whole: plans, fits, maps and new points in them, callbacks, initial positions, errors.

mod any_input;
mod callbacks;
#[cfg(feature = "serde")]
mod configuration;
mod determinism;
mod documents;
mod embedding;
mod errors;
mod examples;
mod fit;
mod hostile;
mod init;
mod judge;
mod kl;
mod model;
mod new_points;
mod opentsne;
mod parameters;
mod partial;
mod pca;
mod plan;
mod samples;
mod spectral;
