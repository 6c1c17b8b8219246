//! Delimited text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tsne_io::{Missing, ReadOptions, read_table};

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, text)) = bytes.split_first() else { return };
    let options = ReadOptions {
        label: (choice & 1 != 0).then(|| "1".to_owned()),
        id: (choice & 2 != 0).then(|| "2".to_owned()),
        has_header: (choice & 4 != 0).then_some(choice & 8 != 0),
        missing: match choice >> 6 {
            0 => Missing::Error,
            1 => Missing::Drop,
            _ => Missing::Mean,
        },
        ..ReadOptions::default()
    };
    if let Ok(data) = read_table(text, &options) {
        assert!(data.features.n_rows() <= data.n_rows_in_file, "no row is made up");
    }
});
