//! One test binary for the crate.
mod exact;
mod oracle;
