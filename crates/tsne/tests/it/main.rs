//! Tests of the whole: plans, fits, initial positions, errors.

mod determinism;
mod errors;
mod fit;
mod init;
mod kl;
mod new_points;
mod pca;
mod plan;
mod samples;
mod spectral;
