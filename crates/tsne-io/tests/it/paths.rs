//! Files by name, streams without one, and labels in files of their own.

use std::fs;
use std::path::PathBuf;

use tsne_io::{Cells, Compression, Error, ReadOptions, read_labels, read_path, read_stream, write_npy};

use crate::f64s;

/// A directory that is removed with all that is in it.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("the target directory is writable");
        Self(path)
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).expect("the target directory is writable");
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn packed(text: &str, compression: Compression) -> Vec<u8> {
    let mut bytes = Vec::new();
    compression.write(text.as_bytes(), &mut bytes).expect("writes to memory");
    bytes
}

const TABLE: &str = "a,b\n1,2\n3,4\n";
const MTX: &str = "%%MatrixMarket matrix array real general\n2 2\n1\n3\n2\n4\n";

/// The same numbers in every kind of file: name and content.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let mut npy = Vec::new();
    write_npy(&mut npy, &[2, 2], &[1.0_f64, 2.0, 3.0, 4.0]).expect("writes to memory");
    let mut archive = tsne_io::NpzWriter::new(std::io::Cursor::new(Vec::new()));
    archive.array("x", &[2, 2], &[1.0_f64, 2.0, 3.0, 4.0]).expect("writes to memory");
    vec![
        ("a.csv", TABLE.into()),
        ("a.TSV", "1\t2\n3\t4\n".into()),
        ("a.csv.gz", packed(TABLE, Compression::Gzip)),
        ("a.txt.zst", packed(TABLE, Compression::Zstd)),
        ("a.gz", packed(TABLE, Compression::Gzip)),
        ("a.mtx", MTX.into()),
        ("a.mtx.gz", packed(MTX, Compression::Gzip)),
        ("a.npy", npy),
        ("a.npz", archive.finish().expect("writes to memory").into_inner()),
        ("not-named-gz.csv", packed(TABLE, Compression::Gzip)),
    ]
}

#[test]
fn suffixes_decide_and_streams_are_told_by_their_first_bytes() {
    let directory = Directory::new("suffixes");
    for (name, content) in files() {
        let data = read_path(directory.file(name, &content), &ReadOptions::default());
        assert_eq!(f64s(&data.expect(name)), [1.0, 2.0, 3.0, 4.0], "{name}");
        let data = read_stream(&content[..], &ReadOptions::default());
        assert_eq!(f64s(&data.expect(name)), [1.0, 2.0, 3.0, 4.0], "{name} as a stream");
    }
    for name in ["a", "a.xlsx", "a.npy.gz", "a.parquet.gz"] {
        let error = read_path(directory.file(name, b""), &ReadOptions::default()).expect_err(name);
        assert_eq!(error.code(), "E201", "{name}: {error}");
    }
    let error = read_path(directory.0.join("none.csv"), &ReadOptions::default()).expect_err("no file");
    assert!(matches!(error, Error::NotFound), "{error}");
}

#[test]
fn labels_of_an_archive_may_be_text() {
    /// Written by numpy 2.4.6: `savez_compressed(f, x=arange(6, dtype="f4").reshape(3, 2), kind=array(["é", "b", "é"]),
    /// key=array([b"r1", b"r2", b"r3"]))`.
    const NUMPY: &[u8] = include_bytes!("../../testdata/labels.npz");
    let options =
        ReadOptions { label: Some("kind".into()), id: Some("key".into()), ..ReadOptions::default() };
    let data = read_stream(NUMPY, &options).expect("reads");
    assert_eq!(data.features.cells(), &Cells::F32(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), "numbers");
    let labels = data.labels.expect("labels");
    assert_eq!((labels.name(), labels.classes()), ("kind", &["é".to_owned(), "b".to_owned()][..]), "labels");
    assert_eq!(data.ids.expect("ids"), ["r1", "r2", "r3"], "ids");
}

#[test]
fn labels_have_files_of_their_own() {
    let directory = Directory::new("labels");
    let read = |name: &str, content: &[u8]| read_labels(directory.file(name, content), 3);
    for (name, content) in [
        ("kind.txt", &b"a\nb\n\"a\"\n"[..]),
        ("x.csv", b"kind\r\na\r\nb\r\na\r\n"),
        ("kind.txt", &packed("a\nb\na", Compression::Gzip)),
    ] {
        let labels = read(name, content).expect(name);
        assert_eq!((labels.name(), labels.codes()), ("kind", &[0, 1, 0][..]), "{name}");
    }
    let mut npy = Vec::new();
    write_npy(&mut npy, &[3], &[7_i64, 8, 7]).expect("writes to memory");
    assert_eq!(read("y.npy", &npy).expect("reads").classes(), ["7", "8"], "an array");
    for content in [&b"a\nb\n"[..], b"a\nb\nc\nd\ne\n", b""] {
        assert_eq!(read("few.txt", content).expect_err("refused").code(), "E114", "another number of labels");
    }
    assert_eq!(read("latin.txt", b"\xe9\na\nb\n").expect_err("refused").code(), "E107", "no UTF-8");
}
