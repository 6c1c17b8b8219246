//! One test binary for the crate.
mod accuracy;
mod conformance;
mod degenerate;
mod maps;
mod properties;
