//! Saved maps, their checksums made to agree; what is accepted is saved again, and places a new point.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/tsne/tests/it/judge.rs"]
mod judge;

fuzz_target!(|bytes: &[u8]| {
    judge::judge(bytes);
});
