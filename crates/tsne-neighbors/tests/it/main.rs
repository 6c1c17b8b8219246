//! Behavior of the indexes against f64 brute force.

mod data;
mod degenerate;
mod exact;
