//! Tests of the affinities against f64 oracles that share no code with them.

mod dense;
mod errors;
mod families;
mod index;
mod multiscale;
mod new_rows;
mod oracle;
mod perplexity;
mod precomputed;
mod properties;
mod symmetrization;
mod threads;
