//! Anything, told by its first bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tsne_io::{ReadOptions, read_stream};

fuzz_target!(|bytes: &[u8]| {
    let _ = read_stream(bytes, &ReadOptions::default());
});
