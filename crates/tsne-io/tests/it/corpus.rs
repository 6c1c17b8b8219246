//! Files that readers were or could be broken by: each is read or refused, by every reader.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use tsne_io::{
    Compression, Error, Graph, Missing, NpzReader, ReadOptions, read_mtx, read_npy, read_stream, read_table,
};

/// A fault has a code, a text and a remedy; a result needs no more than to have come.
fn judge<V>(name: &str, result: Result<V, Error>) {
    if let Err(e) = result {
        assert!(e.code().starts_with('E'), "{name}: a code");
        assert!(!e.to_string().is_empty() && !e.help().is_empty(), "{name}: {e}");
    }
}

#[test]
fn every_file_is_read_or_refused_by_every_reader() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/corpus");
    let mut n_files = 0;
    for entry in fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("an entry").path();
        let name = path.display().to_string();
        let bytes = fs::read(&path).expect("a file");
        for missing in [Missing::Error, Missing::Drop, Missing::Mean] {
            for label in [None, Some("1".to_owned()), Some("y".to_owned())] {
                let options = ReadOptions { missing, label, ..ReadOptions::default() };
                judge(&name, read_stream(&bytes[..], &options));
                judge(&name, read_table(&bytes[..], &options));
                judge(&name, read_mtx(&bytes[..], &options));
                judge(&name, read_npy(&bytes[..], None).and_then(|array| array.into_dataset(&options)));
                judge(&name, read_npy(&bytes[..], Some(bytes.len() as u64)));
                let archive = NpzReader::open(Cursor::new(&bytes));
                judge(&name, archive.and_then(|mut archive| archive.dataset(&options)));
            }
        }
        let archive = NpzReader::open(Cursor::new(&bytes));
        judge(&name, archive.and_then(|mut archive| Graph::from_npz(&mut archive)));
        for compression in [Compression::Gzip, Compression::Zstd] {
            let mut packed = Vec::new();
            compression.write(&bytes, &mut packed).expect("memory takes all");
            judge(&name, read_stream(&packed[..], &ReadOptions::default()));
        }
        n_files += 1;
    }
    assert!(n_files > 40, "the corpus has {n_files} files");
}
