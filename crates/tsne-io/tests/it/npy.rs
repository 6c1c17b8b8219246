//! NPY: what numpy writes is read, what we write numpy reads, and no header is believed.

use proptest::prelude::*;
use tsne_io::{Array, Cells, Dataset, Error, ReadOptions, Values, read_npy, write_npy};

use crate::f64s;

/// An NPY file with this header text, version and data.
fn file(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    let len = u32::try_from(header.len()).expect("short").to_le_bytes();
    bytes.extend_from_slice(if version == 1 { &len[..2] } else { &len });
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

fn header(descr: &str, fortran: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}")
}

fn read(bytes: &[u8]) -> Result<Array, Error> {
    read_npy(bytes, Some(bytes.len() as u64))
}

fn dataset(bytes: &[u8]) -> Result<Dataset, Error> {
    read(bytes)?.into_dataset(&ReadOptions::default())
}

/// Written by numpy 2.4.6: `np.array([[1, 2, 3], [4, 5, 6]], '<f4')`.
const NUMPY_F4: &[u8] = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }                                                          \n\x00\x00\x80?\x00\x00\x00@\x00\x00@@\x00\x00\x80@\x00\x00\xa0@\x00\x00\xc0@";
/// The same numbers as big-endian 16-bit integers in Fortran order, format version 2.
const NUMPY_I2_FORTRAN: &[u8] = b"\x93NUMPY\x02\x00t\x00\x00\x00{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }                                                         \n\x00\x01\x00\x04\x00\x02\x00\x05\x00\x03\x00\x06";
/// `np.array([[1.5, -2], [65504, 6e-8]], '<f2')`, format version 3.
const NUMPY_F2: &[u8] = b"\x93NUMPY\x03\x00t\x00\x00\x00{'descr': '<f2', 'fortran_order': False, 'shape': (2, 2), }                                                        \n\x00>\x00\xc0\xff{\x01\x00";

#[test]
fn files_of_numpy_are_read() {
    let a = read(NUMPY_F4).expect("f4");
    assert_eq!((a.shape, a.values), (vec![2, 3], Values::F32(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])), "f4");
    let a = read(NUMPY_I2_FORTRAN).expect("i2");
    assert_eq!(
        (a.shape, a.values),
        (vec![2, 3], Values::I16(vec![1, 2, 3, 4, 5, 6])),
        "Fortran order, big-endian"
    );
    let a = read(NUMPY_F2).expect("f2");
    // 6e-8 in half precision is its smallest number, 2^-24.
    assert_eq!(a.values, Values::F32(vec![1.5, -2.0, 65504.0, 2.0_f32.powi(-24)]), "half precision");
}

#[test]
fn our_files_are_those_of_numpy() {
    let mut bytes = Vec::new();
    write_npy(&mut bytes, &[2, 3], &[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]).expect("memory takes all");
    assert_eq!(bytes, NUMPY_F4, "byte for byte");
}

#[test]
fn every_type_and_byte_order_is_read() {
    for (descr, data, expected) in [
        ("|b1", &[0, 1, 2, 1][..], Values::U8(vec![0, 1, 1, 1])),
        ("|u1", &[0, 255, 7, 1], Values::U8(vec![0, 255, 7, 1])),
        ("|i1", &[0, 255, 7, 1], Values::I8(vec![0, -1, 7, 1])),
        ("<u2", &[1, 0, 0, 1, 0, 0, 255, 255], Values::U16(vec![1, 256, 0, 65535])),
        (">u2", &[1, 0, 0, 1, 0, 0, 255, 255], Values::U16(vec![256, 1, 0, 65535])),
    ] {
        let a = read(&file(1, &header(descr, "False", "(2, 2)"), data))
            .unwrap_or_else(|e| panic!("{descr}: {e}"));
        assert_eq!(a.values, expected, "{descr}");
    }
    let one = |descr: &str, data: &[u8]| {
        read(&file(2, &header(descr, "False", "(1, 1)"), data)).expect("reads").values
    };
    assert_eq!(one("<i4", &(-5_i32).to_le_bytes()), Values::I32(vec![-5]), "i4");
    assert_eq!(one(">i8", &(-5_i64).to_be_bytes()), Values::I64(vec![-5]), "i8");
    assert_eq!(one("<u4", &5_u32.to_le_bytes()), Values::U32(vec![5]), "u4");
    assert_eq!(one(">u8", &u64::MAX.to_be_bytes()), Values::U64(vec![u64::MAX]), "u8");
    assert_eq!(one(">f4", &1.25_f32.to_be_bytes()), Values::F32(vec![1.25]), "f4");
    assert_eq!(one("<f8", &1.25_f64.to_le_bytes()), Values::F64(vec![1.25]), "f8");
}

#[test]
fn bytes_and_single_precision_stay_what_they_are() {
    let bytes = dataset(&file(1, &header("|u1", "False", "(2, 2)"), &[1, 2, 3, 4])).expect("u1");
    assert_eq!(bytes.features.cells(), &Cells::U8(vec![1, 2, 3, 4]), "bytes");
    assert_eq!(bytes.format.to_string(), "numpy array of |u1", "reported");
    let single = dataset(NUMPY_F4).expect("f4");
    assert_eq!(single.features.cells(), &Cells::F32(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), "single precision");
    let integers = dataset(&file(1, &header("|i1", "False", "(2, 1)"), &[1, 255])).expect("i1");
    assert_eq!(f64s(&integers), [1.0, -1.0], "the rest becomes f64");
}

#[test]
fn columns_are_set_aside_by_number() {
    let options = ReadOptions { label: Some("2".into()), drop: vec!["1".into()], ..ReadOptions::default() };
    let data = read(NUMPY_I2_FORTRAN).expect("reads").into_dataset(&options).expect("one column is left");
    assert_eq!(f64s(&data), [3.0, 6.0], "the third column");
    assert_eq!(data.labels.expect("labels").classes(), ["2", "5"], "integers are written as integers");
}

#[test]
fn lying_headers_are_refused_before_memory_is_taken() {
    let data = [0; 40];
    for (what, shape) in [
        ("more rows than the file holds", "(6, 1)"),
        ("fewer rows than the file holds", "(4, 1)"),
        ("16 GB", "(1000000000, 2)"),
        ("a product beyond 64 bits", "(4294967296, 4294967296, 4294967296)"),
        ("bytes beyond 64 bits", "(1152921504606846976, 4)"),
        ("a dimension beyond 64 bits", "(99999999999999999999, 1)"),
    ] {
        let bytes = file(1, &header("<f8", "False", shape), &data);
        let e = read(&bytes).expect_err(what);
        assert_eq!(e.code(), "E107", "{what}: {e}");
        assert_eq!(read_npy(&bytes[..], None).is_err(), shape != "(4, 1)", "{what}, from a stream");
    }
    // numpy would take 4 GiB for this header of 12 bytes.
    let e = read(b"\x93NUMPY\x02\x00\xff\xff\xff\xff").expect_err("a header of 4 GiB");
    assert_eq!(
        e.to_string(),
        "the header claims 4294967295 bytes, at most 65536 are read",
        "refused by size"
    );
}

#[test]
fn truncated_and_foreign_files_are_refused() {
    for end in 0..NUMPY_F4.len() {
        assert_eq!(read(&NUMPY_F4[..end]).expect_err("truncated").code(), "E107", "cut at {end}");
        assert_eq!(
            read_npy(&NUMPY_F4[..end], None).expect_err("truncated").code(),
            "E107",
            "a stream cut at {end}"
        );
    }
    assert_eq!(read(b"a,b\n1,2\n3,4\n").expect_err("text").code(), "E107", "text");
    assert_eq!(read(&file(9, "{}", &[])).expect_err("version 9").code(), "E107", "unknown version");
}

#[test]
fn what_is_no_matrix_of_numbers_is_refused() {
    for (descr, code) in [("|O", "E104"), ("<U5", "E104"), ("<c16", "E105"), ("<M8[s]", "E104")] {
        let e = read(&file(1, &header(descr, "False", "(1, 1)"), &[0; 16])).expect_err(descr);
        assert_eq!(e.code(), code, "{descr}: {e}");
    }
    for (shape, n, code) in
        [("(4,)", 4, "E106"), ("()", 1, "E106"), ("(1, 2, 2)", 4, "E106"), ("(0, 3)", 0, "E101")]
    {
        let e = dataset(&file(1, &header("|u1", "False", shape), &vec![0; n])).expect_err(shape);
        assert_eq!(e.code(), code, "{shape}: {e}");
    }
    let e = dataset(&file(1, &header("|u1", "False", "(3, 0)"), &[])).expect_err("no columns");
    assert_eq!(e.code(), "E101", "{e}");
    let e = read(&file(1, &header("|u1", "True", "(1, 2, 2)"), &[0; 4])).expect_err("three dimensions");
    assert_eq!(e.code(), "E106", "{e}");
}

#[test]
fn values_that_are_not_finite_are_named() {
    let values = [0.0_f64, f64::NAN, 1.0, f64::NEG_INFINITY, 2.0, 3.0];
    let mut bytes = Vec::new();
    write_npy(&mut bytes, &[2, 3], &values).expect("memory takes all");
    let options = ReadOptions { drop: vec!["3".into()], ..ReadOptions::default() };
    let e = read(&bytes).expect("reads").into_dataset(&options).expect_err("NaN and infinity");
    assert_eq!(
        (e.code(), e.to_string().starts_with("2 missing or non-finite values")),
        ("E103", true),
        "{e}"
    );
    assert_eq!(
        e.place().expect("a place"),
        "row 0 (counted from 0), column 2 = \"NaN\"; row 1 (counted from 0), column 1 = \"-inf\"",
        "columns keep the numbers of the file"
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read(values in prop::collection::vec(any::<f64>().prop_filter("finite", |x| x.is_finite()), 1..50)) {
        let mut bytes = Vec::new();
        write_npy(&mut bytes, &[values.len(), 1], &values).expect("memory takes all");
        prop_assert_eq!(read(&bytes).expect("reads").values, Values::F64(values));
    }

    #[test]
    fn any_damage_is_judged(at in 0..NUMPY_F4.len(), byte in any::<u8>()) {
        let mut bytes = NUMPY_F4.to_vec();
        bytes[at] = byte;
        if let Ok(array) = read(&bytes) {
            prop_assert_eq!(array.values.len(), array.shape.iter().product::<usize>());
        }
    }
}
