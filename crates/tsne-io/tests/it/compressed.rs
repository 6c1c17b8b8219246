//! Text in gzip and zstd: read whatever the name says, written and read back, and judged when damaged.

use proptest::prelude::*;
use tsne_io::{Compression, Error, ReadOptions, read_table};

const BOTH: [Compression; 2] = [Compression::Gzip, Compression::Zstd];

fn packed(text: &[u8], compression: Compression) -> Vec<u8> {
    let mut bytes = Vec::new();
    compression.write(text, &mut bytes).expect("writes to memory");
    bytes
}

#[test]
fn compressed_tables_are_the_same_tables() {
    let text: String = (0..5000).map(|i| format!("{i},{},{}\n", i * 7 % 13, i * 5 % 11)).collect();
    let plain = read_table(text.as_bytes(), &ReadOptions::default()).expect("plain");
    for compression in BOTH {
        let bytes = packed(text.as_bytes(), compression);
        assert!(bytes.len() < text.len(), "{compression:?} compresses");
        let data = read_table(&bytes[..], &ReadOptions::default()).expect("reads");
        assert_eq!(data, plain, "{compression:?}");
    }
}

#[test]
fn files_of_several_frames_are_read_to_their_end() {
    for compression in BOTH {
        let mut bytes = packed(b"1,2\n3,4\n", compression);
        if compression == Compression::Zstd {
            bytes.extend_from_slice(b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"); // a frame to be skipped
        }
        bytes.extend(packed(b"5,6\n", compression));
        let data = read_table(&bytes[..], &ReadOptions::default()).expect("reads");
        assert_eq!(data.features.n_rows(), 3, "{compression:?}");
    }
}

/// Written by the command zstd 1.5 with a checksum: a file of other hands than ours.
#[test]
fn a_file_of_the_reference_encoder_is_read() {
    let bytes = include_bytes!("../../testdata/three-rows.csv.zst");
    let data = read_table(&bytes[..], &ReadOptions::default()).expect("reads");
    assert_eq!((data.features.n_rows(), data.features.n_features()), (3, 2), "its shape");
    let mut damaged = bytes.to_vec();
    *damaged.last_mut().expect("a checksum") ^= 1;
    let error = read_table(&damaged[..], &ReadOptions::default()).expect_err("another checksum");
    assert_eq!(error.code(), "E107", "{error}");
}

#[test]
fn cut_files_are_malformed() {
    let text: String = (0..1000).map(|i| format!("{i},{}\n", i * i)).collect();
    for compression in BOTH {
        let bytes = packed(text.as_bytes(), compression);
        for end in [5, bytes.len() / 2, bytes.len() - 1] {
            let error = read_table(&bytes[..end], &ReadOptions::default()).expect_err("cut");
            assert!(matches!(error, Error::Malformed { .. }), "{compression:?} cut at {end}: {error}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_behind_the_signature_are_judged(
        start in prop::sample::select(vec![&b"\x1f\x8b\x08\0\0\0\0\0\0\x03"[..], b"\x28\xb5\x2f\xfd"]),
        rest in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let bytes = [start, &rest].concat();
        if let Err(e) = read_table(&bytes[..], &ReadOptions::default()) {
            prop_assert!(e.code() == "E107" || e.code() == "E101", "{e}");
        }
    }
}
