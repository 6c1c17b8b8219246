//! Numpy arrays.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tsne_io::{ReadOptions, read_npy};

fuzz_target!(|bytes: &[u8]| {
    let streamed = read_npy(bytes, None);
    if let Ok(array) = read_npy(bytes, Some(bytes.len() as u64)) {
        assert!(streamed.is_ok(), "a file that is read is read as a stream too");
        let _ = array.into_dataset(&ReadOptions::default());
    }
});
