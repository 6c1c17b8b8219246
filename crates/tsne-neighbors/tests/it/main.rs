//! Behavior of the indexes against f64 brute force.

mod conformance;
mod data;
mod degenerate;
mod exact;
mod metrics;
mod nn_descent;
mod precomputed;
mod quality;
mod sparse;
