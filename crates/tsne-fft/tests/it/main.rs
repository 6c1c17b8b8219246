//! Tests of the particle mesh.

mod accuracy;
mod conformance;
mod degenerate;
mod determinism;
mod invariants;
mod reference;
