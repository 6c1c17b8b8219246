//! Data that are written as they were read: every kind of file gives back the same bits.

use std::io::Cursor;

use proptest::prelude::*;
use tsne_io::{
    Cells, Dataset, Labels, NpzReader, ReadOptions, read_npy, read_stream, read_table, write_features,
    write_mtx, write_npy, write_npz, write_table,
};

fn options(has_company: bool) -> ReadOptions {
    if !has_company {
        return ReadOptions::default();
    }
    ReadOptions { label: Some("label".into()), id: Some("id".into()), ..ReadOptions::default() }
}

/// A table of two features with labels and ids.
fn table(rows: &[(f64, f64, String)]) -> Dataset {
    let mut text = "a,b,label,id\n".to_owned();
    for (x, y, word) in rows {
        let word = word.replace('"', "\"\"");
        text += &format!("{x:e},{y:e},\"{word}\",\"{word}\"\n");
    }
    read_table(text.as_bytes(), &options(true)).expect("reads")
}

fn npz(data: &Dataset) -> Vec<u8> {
    let mut archive = Cursor::new(Vec::new());
    write_npz(&mut archive, data).expect("memory takes all");
    archive.into_inner()
}

fn bits(data: &Dataset) -> Vec<u64> {
    match data.features.cells() {
        Cells::F64(values) => values.iter().map(|x| x.to_bits()).collect(),
        other => panic!("the features are not f64: {other:?}"),
    }
}

proptest! {
    #[test]
    fn tables_survive_every_kind(
        rows in prop::collection::vec(
            (
                prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
                prop::num::f64::NORMAL,
                "[ -~é\n]{0,8}",
            ),
            1..10,
        ),
        delimiter in prop::sample::select(vec![b',', b'\t']),
    ) {
        let data = table(&rows);
        let mut text = Vec::new();
        write_table(&mut text, &data, delimiter, false).expect("memory takes all");
        let given = ReadOptions { delimiter: Some(delimiter), ..options(true) };
        let again = read_table(&text[..], &given).expect("reads");
        prop_assert_eq!(bits(&again), bits(&data));
        prop_assert_eq!((&again.labels, &again.ids), (&data.labels, &data.ids));
        prop_assert_eq!(&again.feature_names, &data.feature_names);

        let again = read_stream(&npz(&data)[..], &options(true)).expect("reads");
        prop_assert_eq!(bits(&again), bits(&data));
        prop_assert_eq!((&again.labels, &again.ids), (&data.labels, &data.ids));

        #[cfg(feature = "parquet")]
        {
            let mut file = Vec::new();
            tsne_io::write_parquet(&mut file, &data).expect("memory takes all");
            let again = read_stream(&file[..], &options(true)).expect("reads");
            prop_assert_eq!(bits(&again), bits(&data));
            prop_assert_eq!((&again.labels, &again.ids), (&data.labels, &data.ids));
            prop_assert_eq!(&again.feature_names, &data.feature_names);
        }

        let mut mtx = Vec::new();
        write_mtx(&mut mtx, &data.features).expect("memory takes all");
        prop_assert_eq!(bits(&read_stream(&mtx[..], &options(false)).expect("reads")), bits(&data));

        let mut npy = Vec::new();
        write_features(&mut npy, &data).expect("memory takes all");
        prop_assert_eq!(bits(&read_stream(&npy[..], &options(false)).expect("reads")), bits(&data));
    }
}

#[test]
fn element_types_survive_archives_and_arrays() {
    let mut files = [Vec::new(), Vec::new()];
    write_npy(&mut files[0], &[2, 2], &[1_u8, 2, 3, 255]).expect("memory takes all");
    let single = [0.1_f32, -0.0, f32::MIN_POSITIVE, f32::MAX];
    write_npy(&mut files[1], &[2, 2], &single).expect("memory takes all");
    for file in &files {
        let array = read_npy(&file[..], None).expect("reads");
        let data = array.into_dataset(&options(false)).expect("a matrix");
        let mut again = Vec::new();
        write_features(&mut again, &data).expect("memory takes all");
        assert_eq!(&again, file, "the same file");
        let archived = NpzReader::open(Cursor::new(npz(&data))).expect("opens").dataset(&options(false));
        assert_eq!(archived.expect("reads").features, data.features, "the same numbers");
        #[cfg(feature = "parquet")]
        {
            let mut table = Vec::new();
            tsne_io::write_parquet(&mut table, &data).expect("memory takes all");
            let again = read_stream(&table[..], &options(false)).expect("reads");
            assert_eq!(again.features, data.features, "the same numbers of the same type");
        }
        let mut text = Vec::new();
        write_table(&mut text, &data, b',', false).expect("memory takes all");
        let wide = read_table(&text[..], &options(false)).expect("reads").features.into_cells().into_f64();
        assert_eq!(wide, data.features.into_cells().into_f64(), "text holds them exactly");
    }
}

#[test]
fn sparse_data_survive_archives_with_their_company() {
    let mtx = b"%%MatrixMarket matrix coordinate real general\n3 4 3\n1 2 0.1\n3 1 -1e-300\n3 4 7\n";
    let mut data = read_stream(&mtx[..], &options(false)).expect("reads");
    data.labels = Some(Labels::from_texts("label", ["a", "b", "a"]));
    data.ids = Some(["1", "2", "\u{1f600}"].map(str::to_owned).to_vec());
    let again = read_stream(&npz(&data)[..], &options(true)).expect("reads");
    assert_eq!(
        (again.features, again.labels, again.ids),
        (data.features, data.labels, data.ids),
        "all of it"
    );
}
