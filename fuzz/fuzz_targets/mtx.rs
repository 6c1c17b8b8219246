//! Matrix Market files; what is accepted is written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tsne_io::{ReadOptions, read_mtx, write_mtx};

fuzz_target!(|bytes: &[u8]| {
    let Ok(data) = read_mtx(bytes, &ReadOptions::default()) else { return };
    let mut written = Vec::new();
    write_mtx(&mut written, &data.features).expect("memory takes all");
    let again = read_mtx(&written[..], &ReadOptions::default()).expect("what we write we read");
    assert_eq!(again.features, data.features, "the same numbers");
});
