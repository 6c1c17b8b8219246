//! Numpy archives: arrays, sparse matrices and graphs.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use tsne_io::{Graph, NpzReader, ReadOptions};

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut archive) = NpzReader::open(Cursor::new(bytes)) else { return };
    for name in archive.names().to_vec() {
        let _ = archive.array(&name);
        let _ = archive.texts(&name);
    }
    let _ = archive.dataset(&ReadOptions { label: Some("y".to_owned()), ..ReadOptions::default() });
    let _ = archive.dataset(&ReadOptions::default());
    let _ = Graph::from_npz(&mut archive);
});
