//! What the lab measures with: arguments, clocks, all-pairs sums to judge by, and the lines it reports.
//!
//! Run a workload with `cargo run --release -p tsne-benches --bin lab -- WORKLOAD ARGUMENTS`; `lab help` lists them. A
//! workload checks its result before it reports a time.
#![forbid(unsafe_code)]

mod args;
pub mod exact;
mod files;
pub mod measure;
mod protocol;
mod repulsion;
mod workloads;

pub use args::Args;
pub use protocol::Report;
pub use workloads::{WORKLOADS, Workload};

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
