//! Tests of the descent against oracles, finite differences and openTSNE.

mod descent;
mod errors;
mod golden;
mod gradient;
mod partial;
mod support;
