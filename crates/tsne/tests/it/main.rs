//! Tests of the whole: plans, fits, maps and new points in them, callbacks, initial positions, errors.

mod callbacks;
mod determinism;
mod embedding;
mod errors;
mod fit;
mod init;
mod model;
mod new_points;
mod parameters;
mod partial;
mod pca;
mod plan;
mod spectral;
