//! Maps as files: what comes back, and what is refused.

use std::io::{self, Write};
use std::sync::Arc;

use proptest::prelude::*;
use tsne::affinity::{FixedSigma, Multiscale, MultiscaleMixture, Options, Symmetrization, Uniform};
use tsne::core::Control;
use tsne::neighbors::{CustomMetric, Exact, Metric};
use tsne::{
    Csr, Data, Error, Initialization, Input, JointAffinities, LearningRate, ModelInfo,
    NegativeGradientMethod, Neighbors, Points, SaveOptions, Scalar, Seed, Tsne, TsneEmbedding,
};
use tsne_testkit::data;

fn quick() -> Tsne {
    Tsne::new().perplexity(8.0).early_exaggeration_iter(20).n_iter(20)
}

fn saved<T: Scalar, const D: usize>(map: &TsneEmbedding<T, D>) -> Vec<u8> {
    let mut file = Vec::new();
    map.save(&mut file, SaveOptions::new()).expect("a plain map");
    file
}

/// Saves, loads, and compares all that follows.
fn comes_back<T: Scalar>(config: &Tsne, data: Data<T>, new: Points<'_, T>) {
    map_comes_back(config.fit(Arc::new(data)).expect("a plain fit"), new);
}

fn map_comes_back<T: Scalar>(mut map: TsneEmbedding<T, 2>, new: Points<'_, T>) {
    let mut again = TsneEmbedding::<T, 2>::load(&saved(&map)[..]).expect("what was saved");
    assert_eq!(again.state(), map.state(), "state");
    assert_eq!(again.affinities(), map.affinities(), "P");
    assert_eq!(again.joint_affinities().placement(), map.joint_affinities().placement(), "rule");
    assert_eq!(again.optimization(), map.optimization(), "parameters");
    assert_eq!(again.kl_divergence().to_bits(), map.kl_divergence().to_bits(), "divergence");
    assert_eq!(again.report().plan, map.report().plan, "plan");
    assert_eq!(again.report().recall, map.report().recall, "recall");
    assert_eq!(again.report().warnings, map.report().warnings, "warnings");
    let (there, here) = (again.transform(new).expect("new points"), map.transform(new).expect("new points"));
    assert_eq!(there.positions(), here.positions(), "new points");
    let run = map.optimization().n_iter(10);
    map.optimize(&run).expect("a run");
    again.optimize(&run).expect("a run");
    assert_eq!(again.state(), map.state(), "after going on");
}

#[test]
fn dense_maps_come_back_by_every_method_and_in_both_precisions() {
    let set = data::blobs(Seed(3), 120, 6, 3);
    let wide: Vec<f64> = match set.points() {
        Points::Dense(x) => x.as_slice().to_vec(),
        _ => panic!("blobs are dense"),
    };
    #[allow(clippy::cast_possible_truncation, reason = "single precision is what is tested")]
    let narrow: Vec<f32> = wide.iter().map(|&x| x as f32).collect();
    for method in
        [NegativeGradientMethod::Exact, NegativeGradientMethod::BarnesHut, NegativeGradientMethod::Fft]
    {
        let config = quick().negative_gradient_method(method);
        let data = Data::from_row_major(wide.clone(), 6).expect("a matrix");
        comes_back(&config, data, Points::from_row_major(&wide[..30], 6).expect("a matrix"));
        let data = Data::from_row_major(narrow.clone(), 6).expect("a matrix");
        comes_back(&config, data, Points::from_row_major(&narrow[..30], 6).expect("a matrix"));
    }
    for config in [
        quick().pca(3),
        quick().metric(Metric::Minkowski { p: 3.0 }),
        quick().neighbors(Neighbors::NnDescent),
    ] {
        let data = Data::from_row_major(narrow.clone(), 6).expect("a matrix");
        comes_back(&config, data, Points::from_row_major(&narrow[..30], 6).expect("a matrix"));
    }
}

fn bytes() -> Vec<u8> {
    (0..360_u32).map(|i| (i * i * 37 % 251) as u8).collect()
}

#[test]
fn maps_of_bytes_and_of_sparse_rows_come_back() {
    let values = bytes();
    let data = Data::<f32>::from_bytes(values.clone(), 4).expect("a matrix");
    comes_back(&quick(), data, Points::from_bytes(&values[..8], 4).expect("a matrix"));

    let rows = 90;
    let offsets = (0..=rows).map(|i| 2 * i).collect();
    let columns = (0..u32::try_from(rows).expect("few rows")).flat_map(|i| [i % 5, 5 + i % 4]).collect();
    let values = (0..2 * rows).map(|i| (i * 31 % 17) as f32).collect();
    let matrix = Csr::from_parts(9, offsets, columns, values).expect("a matrix");
    let data = Data::from_csr(matrix.clone()).expect("a matrix");
    comes_back(&quick(), data, Points::from_csr(&matrix).expect("a matrix"));
}

#[test]
fn every_rule_for_new_points_comes_back() {
    let set = data::blobs(Seed(3), 100, 6, 3);
    let index = Exact::new(set.points()).expect("finite");
    let (options, control) = (Options::default(), Control::NONE);
    let families: [JointAffinities<f64>; 4] = [
        MultiscaleMixture::from_index(&index, &[5.0, 15.0], &options, &control).expect("legal").into(),
        Multiscale::from_index(&index, &[5.0, 15.0], &options, &control).expect("legal").into(),
        FixedSigma::from_index(&index, 2.0, &options, &control).expect("legal").into(),
        Uniform::from_index(&index, Some(10), Symmetrization::Max, &control).expect("legal").into(),
    ];
    let data = Arc::new(Data::copy_of(set.points()));
    let new = Points::from_row_major(&set.values[..30], 6).expect("a matrix");
    for affinities in families {
        assert!(affinities.placement().is_some(), "a rule to lose");
        let input = Input::from_affinities(affinities).with_data(&data);
        map_comes_back(quick().fit(input).expect("a plain fit"), new);
    }
}

#[test]
fn a_run_that_recovered_and_was_cut_goes_on_to_the_same_bits() {
    let set = data::blobs(Seed(5), 50, 4, 3);
    let start = (0..50).map(|i| [f64::from(i) * 1e-4, 0.0]).collect();
    let prepared = Tsne::new()
        .perplexity(5.0)
        .max_step_norm(None)
        .initialization(Initialization::Positions(start))
        .prepare_initial(set.points())
        .expect("a plain start");
    let run = |exponent: i32, n_iter| {
        prepared.optimization().n_iter(n_iter).learning_rate(LearningRate::Fixed(f64::from(exponent).exp2()))
    };
    // Some rate is recovered from in the first half of the run, and not again in the second.
    let recovered = (10..40).find_map(|exponent| {
        let (half, whole) =
            (prepared.optimized(&run(exponent, 50)).ok()?, prepared.optimized(&run(exponent, 100)).ok()?);
        let n = half.state().recoveries;
        (n > 0 && n == whole.state().recoveries).then_some((exponent, half, whole))
    });
    let (exponent, half, whole) = recovered.expect("a rate that is halved to a good one");
    let mut again = TsneEmbedding::<f64, 2>::load(&saved(&half)[..]).expect("what was saved");
    again.optimize(&run(exponent, 50)).expect("the second half");
    assert_eq!(again.state(), whole.state(), "cut in the middle");
}

#[test]
fn notes_come_back_and_are_under_the_checksum() {
    let data = Arc::new(Data::<f32>::from_bytes(bytes()[..80].to_vec(), 4).expect("a matrix"));
    let mut map = quick().perplexity(3.0).fit(&data).expect("a plain fit");
    assert_eq!(map.note("columns"), None, "nothing was kept");
    map.set_note("columns", "width, größe, \"quoted\"");
    map.set_note("scale", "0.25");
    let file = saved(&map);
    let again = TsneEmbedding::<f32, 2>::load(&file[..]).expect("what was saved");
    for name in ["columns", "scale", "absent"] {
        assert_eq!(again.note(name), map.note(name), "{name}");
    }
    let mut damaged = file;
    let at = damaged.windows(5).position(|part| part == b"width").expect("plain text");
    damaged[at] = b'W';
    assert_eq!(code(&damaged), Some("E504"), "a changed note");
}

#[test]
fn notes_without_end_are_neither_written_nor_read() {
    let data = Arc::new(Data::<f32>::from_bytes(bytes()[..80].to_vec(), 4).expect("a matrix"));
    let mut map = quick().perplexity(3.0).fit(&data).expect("a plain fit");
    map.set_note("novel", "x");
    let file = saved(&map);
    let long = "x".repeat(1 << 25);
    let forged = forged(&file, "\\\"novel\\\":\\\"x", &format!("\\\"novel\\\":\\\"{long}"));
    map.set_note("novel", long);
    let error = map.save(Vec::new(), SaveOptions::new()).expect_err("more than 32 MiB");
    assert!(matches!(error, Error::Model(tsne::ModelError::NotesTooLarge { .. })), "{error}");
    assert_eq!((error.code(), code(&forged)), (Some("E506"), Some("E506")), "{error}");
}

/// A disc with room for so many bytes.
struct Disc {
    room: usize,
}

impl Write for Disc {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(self.room);
        self.room -= n;
        if n == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(n) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disc_is_an_error_wherever_it_fills() {
    let data = Arc::new(Data::<f32>::from_bytes(bytes()[..80].to_vec(), 4).expect("a matrix"));
    let map = quick().perplexity(3.0).fit(&data).expect("a plain fit");
    let n_bytes = saved(&map).len();
    for room in 0..n_bytes {
        let error = map.save(Disc { room }, SaveOptions::new()).expect_err("one byte too many");
        assert_eq!(error.code(), Some("E602"), "{room} bytes: {error}");
    }
    map.save(Disc { room: n_bytes }, SaveOptions::new()).expect("room for all");
}

fn small() -> Vec<u8> {
    let data = Arc::new(Data::<f32>::from_bytes(bytes()[..80].to_vec(), 4).expect("a matrix"));
    saved(&quick().perplexity(3.0).fit(&data).expect("a plain fit"))
}

fn code(bytes: &[u8]) -> Option<&'static str> {
    TsneEmbedding::<f32, 2>::load(bytes).err().and_then(|error| error.code())
}

#[test]
fn every_prefix_is_an_error() {
    let file = small();
    assert_eq!(code(&file), None, "the whole file is a model");
    for end in 0..file.len() {
        let expected = if end == 0 { "E501" } else { "E503" };
        assert_eq!(code(&file[..end]), Some(expected), "{end} bytes of {}", file.len());
    }
    assert_eq!(code(&[&file[..], b"x"].concat()), Some("E505"), "bytes after the end");
}

#[test]
fn every_flipped_bit_is_an_error() {
    let mut file = small();
    for at in 0..file.len() {
        file[at] ^= 1 << (at % 8);
        let found = code(&file);
        assert!(found.is_some_and(|code| code.starts_with("E50")), "byte {at}: {found:?}");
        file[at] ^= 1 << (at % 8);
    }
}

#[test]
fn other_files_other_types_and_other_versions_are_named() {
    let file = small();
    assert_eq!(code(b"\x93NUMPY\x01\x00"), Some("E501"), "an array");
    let mut newer = file.clone();
    newer[8] = 2;
    assert_eq!(code(&newer), Some("E502"), "a newer version");
    let error = TsneEmbedding::<f64, 3>::load(&file[..]).expect_err("another type");
    let text = error.to_string();
    assert_eq!(error.code(), Some("E505"), "{text}");
    assert!(["f32", "f64", "2 components", "3 in"].iter().all(|word| text.contains(word)), "{text}");
    let info = ModelInfo::read(&file[..]).expect("a model");
    assert_eq!((info.scalar.as_str(), info.n_components, info.n_points), ("f32", 2, 20), "{info:?}");
    assert!(info.has_data && info.n_features == Some(4), "{info:?}");
}

/// The file with `from` in its header replaced by `to`, and the checksum of a hostile hand.
fn forged(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    let n = u64::from_le_bytes(file[16..24].try_into().expect("eight bytes"));
    let end = 24 + usize::try_from(n).expect("a small header");
    let header = std::str::from_utf8(&file[24..end]).expect("JSON");
    assert!(header.contains(from), "{from} in {header}");
    let header = header.replace(from, to);
    let length = (header.len() as u64).to_le_bytes();
    let crc = crc32fast::hash(&[&file[..12], &length, header.as_bytes()].concat());
    [&file[..12], &crc.to_le_bytes(), &length, header.as_bytes(), &file[end..]].concat()
}

#[test]
fn forged_headers_are_refused() {
    let file = small();
    let points = "\\\"n_points\\\":20";
    assert_eq!(code(&forged(&file, points, "\\\"n_points\\\":4000000000")), Some("E505"), "table differs");
    assert_eq!(
        code(&forged(&file, points, "\\\"n_points\\\":18446744073709551615")),
        Some("E506"),
        "too many"
    );
    assert_eq!(
        code(&forged(&file, "\\\"theta\\\":0.5", "\\\"theta\\\":7.5")),
        Some("E505"),
        "a bad parameter"
    );
    let mut long = file;
    long[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(code(&long), Some("E506"), "a header without end");
}

#[test]
fn what_cannot_be_saved_is_refused_or_named() {
    let data = Arc::new(Data::<f32>::from_bytes(bytes(), 4).expect("a matrix"));
    let custom = CustomMetric::new(|a, b| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum());
    let map = quick().metric(Metric::Custom(custom)).fit(&data).expect("a plain fit");
    let error = map.save(Vec::new(), SaveOptions::new()).expect_err("a function");
    assert!(matches!(error, Error::Model(_)) && error.code() == Some("E207"), "{error}");

    let map = quick().fit(&data).expect("a plain fit");
    let mut file = Vec::new();
    let info = map.save(&mut file, SaveOptions::new().data(false)).expect("a plain map");
    assert!(!info.has_data && info.left_out.iter().any(|what| what == "data"), "{info:?}");
    let mut again = TsneEmbedding::<f32, 2>::load(&file[..]).expect("what was saved");
    assert!(matches!(again.transform(data.points()), Err(Error::NoReferenceData)), "no data");
    again.keep_data(Arc::clone(&data)).expect("as many");
    assert!(again.transform(data.points()).is_ok(), "data again");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(code(&bytes).is_some());
        let tail = [b"TSNEMDL\0\x01\0\0\0", &bytes[..]].concat();
        prop_assert!(code(&tail).is_some());
    }
}
