//! Tests of the affinities against f64 oracles that share no code with them.

mod data;
mod oracle;
mod perplexity;
