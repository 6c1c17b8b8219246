//! Tests of the particle mesh.

mod accuracy;
mod conformance;
