//! NPZ: archives of numpy are read, damaged and lying ones refused.

use std::io::Cursor;

use proptest::prelude::*;
use tsne_io::{Cells, Dataset, Error, NpzReader, NpzWriter, ReadOptions, Values};

/// Written by numpy 2.4.6: `np.savez_compressed(f, x=np.arange(6, dtype='u1').reshape(3, 2), y=np.array([7, 8, 7]))`.
const NUMPY: &[u8] = include_bytes!("../../testdata/savez_compressed.npz");

fn dataset(bytes: &[u8], label: Option<&str>) -> Result<Dataset, Error> {
    let options = ReadOptions { label: label.map(str::to_owned), ..ReadOptions::default() };
    NpzReader::open(Cursor::new(bytes))?.dataset(&options)
}

#[test]
fn text_is_an_array_of_bytes_as_numpy_writes_it() {
    let mut archive = NpzWriter::new(Cursor::new(Vec::new()));
    archive.text("format", "csr").expect("csr");
    let bytes = archive.finish().expect("memory takes all").into_inner();
    // `np.save(f, np.array(b"csr"))` writes this header and these bytes.
    let header = b"{'descr': '|S3', 'fortran_order': False, 'shape': (), }";
    let start = bytes.windows(header.len()).position(|window| window == header).expect("the header is there");
    let end = start - 10 + (10 + header.len() + 1).next_multiple_of(64);
    assert_eq!(&bytes[end..end + 3], b"csr", "data at a multiple of 64 bytes from the magic");
}

#[test]
fn archives_of_numpy_are_read() {
    let mut archive = NpzReader::open(Cursor::new(NUMPY)).expect("opens");
    assert_eq!(archive.names(), ["x", "y"], "names without .npy");
    assert_eq!(archive.array("y").expect("y").values, Values::I64(vec![7, 8, 7]), "y");
    let data = dataset(NUMPY, Some("y")).expect("a matrix and labels");
    assert_eq!(data.features.cells(), &Cells::U8(vec![0, 1, 2, 3, 4, 5]), "bytes stay bytes");
    assert_eq!(data.labels.expect("labels").classes(), ["7", "8"], "labels by the array's name");
    let data = dataset(NUMPY, Some("2")).expect("a column of x");
    assert_eq!(data.labels.expect("labels").classes(), ["1", "3", "5"], "labels by the matrix's column");
}

#[test]
fn our_archives_are_read() {
    let mut archive = NpzWriter::new(Cursor::new(Vec::new()));
    archive.array("a", &[2], &[1_u32, u32::MAX]).expect("u32");
    archive.array("b", &[1, 2], &[0.5_f32, f32::MIN]).expect("f32");
    archive.array("c", &[2, 1], &[0.1_f64, f64::MAX]).expect("f64");
    archive.array("d", &[1], &[i64::MIN]).expect("i64");
    let mut archive = NpzReader::open(archive.finish().expect("memory takes all")).expect("opens");
    assert_eq!(archive.array("a").expect("a").values, Values::U32(vec![1, u32::MAX]), "u32");
    assert_eq!(archive.array("b").expect("b").shape, [1, 2], "shape");
    assert_eq!(archive.array("c").expect("c").values, Values::F64(vec![0.1, f64::MAX]), "f64");
    assert_eq!(archive.array("d").expect("d").values, Values::I64(vec![i64::MIN]), "i64");
}

#[test]
fn what_is_missing_or_does_not_fit_is_named() {
    let mut archive = NpzReader::open(Cursor::new(NUMPY)).expect("opens");
    let e = archive.array("z").expect_err("no z");
    assert_eq!(
        (e.code(), &*e.to_string()),
        ("E114", "the archive has no array \"z\"; it holds x, y"),
        "no such array"
    );

    let mut archive = NpzWriter::new(Cursor::new(Vec::new()));
    archive.array("x", &[2, 1], &[1.0, 2.0]).expect("x");
    archive.array("y", &[3], &[1_u8, 2, 3]).expect("y");
    let bytes = archive.finish().expect("memory takes all").into_inner();
    let e = dataset(&bytes, Some("y")).expect_err("three labels for two rows");
    assert_eq!((e.code(), &*e.to_string()), ("E114", "\"y\" has 3 entries for 2 rows"), "length");

    let mut archive = NpzWriter::new(Cursor::new(Vec::new()));
    archive.array("a", &[2, 1], &[1.0, 2.0]).expect("a");
    archive.array("b", &[2, 1], &[1.0, 2.0]).expect("b");
    let bytes = archive.finish().expect("memory takes all").into_inner();
    assert_eq!(dataset(&bytes, None).expect_err("which one?").code(), "E114", "two matrices, none named x");
}

#[test]
fn truncated_archives_are_refused() {
    for end in 0..NUMPY.len() {
        assert_eq!(dataset(&NUMPY[..end], None).expect_err("truncated").code(), "E107", "cut at {end}");
    }
}

#[test]
fn a_size_that_deflate_cannot_reach_is_refused() {
    // The central directory's uncompressed size of x.npy, 0x86 bytes, is changed to 0xffffff86.
    let mut bytes = NUMPY.to_vec();
    let entry = bytes.windows(4).position(|w| w == b"PK\x01\x02").expect("a central directory");
    assert_eq!(bytes[entry + 24], 0x86, "the size is where the format puts it");
    bytes[entry + 25..entry + 28].fill(0xff);
    let e = dataset(&bytes, None).expect_err("4 GB out of 76 bytes");
    assert_eq!(e.code(), "E107", "{e}");
}

proptest! {
    #[test]
    fn any_damage_is_judged(at in 0..NUMPY.len(), byte in any::<u8>()) {
        let mut bytes = NUMPY.to_vec();
        bytes[at] = byte;
        if let Ok(mut archive) = NpzReader::open(Cursor::new(&bytes[..])) {
            for name in archive.names().to_vec() {
                if let Ok(array) = archive.array(&name) {
                    prop_assert_eq!(array.values.len(), array.shape.iter().product::<usize>());
                }
            }
        }
    }
}
