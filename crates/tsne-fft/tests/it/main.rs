//! Tests of the particle mesh.

mod accuracy;
