//! Behavior of the indexes against f64 brute force.

mod conformance;
mod data;
mod degenerate;
mod exact;
mod forest;
mod indexes;
mod metrics;
#[cfg(any(feature = "hnsw", feature = "instant-distance"))]
mod navigable;
mod nn_descent;
mod precomputed;
mod quality;
mod sparse;
mod sparse_descent;
