//! Parquet files; what is accepted is written and read again.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use tsne_io::{Missing, ReadOptions, read_parquet, write_parquet};

fuzz_target!(
    init: {
        // A panic of the crate parquet is caught by the reader and a typed error; one of ours is a fault.
        std::panic::set_hook(Box::new(|info| {
            if !info.location().is_some_and(|place| place.file().contains("/parquet-")) {
                eprintln!("{info}");
                std::process::abort();
            }
        }));
    },
    |bytes: &[u8]| {
        for missing in [Missing::Error, Missing::Mean] {
            let options = ReadOptions { missing, ..ReadOptions::default() };
            let Ok(data) = read_parquet(Cursor::new(bytes), &options) else { continue };
            let mut written = Vec::new();
            write_parquet(&mut written, &data).expect("memory takes all");
            let again = read_parquet(Cursor::new(&written), &ReadOptions::default()).expect("what we write we read");
            assert_eq!(again.features, data.features, "the same numbers");
        }
        for (label, id) in [("kind", "key"), ("1", "2")] {
            let options =
                ReadOptions { label: Some(label.to_owned()), id: Some(id.to_owned()), ..ReadOptions::default() };
            let _ = read_parquet(Cursor::new(bytes), &options);
        }
    }
);
