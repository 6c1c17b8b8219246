//! Models that are whole and wrong: the files of `testdata/models`, and changes to them under checksums that agree.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use crate::judge::judge;

/// The files, by name.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/models");
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .expect("the models are there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|suffix| suffix == "tsne"))
        .map(|path| (path.display().to_string(), fs::read(&path).expect("a file")))
        .collect();
    files.sort();
    files
}

#[test]
fn every_model_of_the_corpus_is_read() {
    let files = corpus();
    assert!(files.len() >= 6, "{} models", files.len());
    for (name, file) in files {
        assert!(judge(&file), "{name} is accepted");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_changed_model_is_refused_or_is_one(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        let files = corpus();
        let mut file = which.get(&files).1.clone();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Some(end) = cut {
            file.truncate(end.index(file.len()));
        }
        judge(&file);
    }

    #[test]
    fn a_changed_number_in_the_head_is_refused_or_harmless(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        digit in b'0'..=b'9',
    ) {
        let files = corpus();
        let mut file = which.get(&files).1.clone();
        let n = usize::try_from(u64::from_le_bytes(file[16..24].try_into().expect("eight bytes"))).expect("short");
        let digits: Vec<usize> = (24..24 + n).filter(|&i| file[i].is_ascii_digit()).collect();
        file[*at.get(&digits)] = digit;
        judge(&file);
    }
}

#[test]
fn points_without_features_are_refused() {
    // Of what a report says, not of the data kept, which have a length to agree with.
    let (before, after) = (br#"n_features\":"#, br#",\"pca\""#);
    for (name, mut file) in corpus() {
        let is_it = |at: &[u8]| at.starts_with(before) && at[before.len() + 1..].starts_with(after);
        let length = before.len() + 1 + after.len();
        let at = file.windows(length).position(is_it).expect("each of them has up to nine features");
        file[at + before.len()] = b'0';
        assert!(!judge(&file), "{name} without features is accepted");
    }
}
