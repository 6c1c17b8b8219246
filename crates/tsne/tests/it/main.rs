//! Tests of the whole: plans, fits, initial positions, errors.

mod determinism;
mod errors;
mod fit;
mod init;
mod plan;
