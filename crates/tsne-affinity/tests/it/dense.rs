//! All pairs: against the oracle, and against a graph of all neighbors.

use tsne_affinity::{AllPairs, Normalization, Options, PerplexityBased};
use tsne_core::{Affinities, Control, Csr, Points, Scalar, Seed};
use tsne_testkit::close::{assert_rows_close, assert_same_bits};
use tsne_testkit::conformance::{check_affinities, check_new_rows};
use tsne_testkit::data;
use tsne_testkit::oracle::{self, dense};

use crate::index::graph;

fn from_points<T: Scalar>(
    values: &[T],
    n_features: usize,
    perplexity: f64,
    options: &Options,
) -> AllPairs<T> {
    let points = Points::from_row_major(values, n_features).expect("whole rows");
    AllPairs::from_points(points, perplexity, options, &Control::NONE)
        .unwrap_or_else(|error| panic!("perplexity {perplexity}: {error}"))
}

fn values<T: Scalar>(p: &AllPairs<T>) -> Csr<T> {
    Box::new(p.clone()).into_csr()
}

#[test]
fn equals_the_oracle() {
    for set in [
        data::blobs(Seed(1), 150, 5, 3),
        data::far_outlier(Seed(2), 90, 6),
        data::swiss_roll(Seed(3), 120, 0.1),
    ] {
        let n = set.n_points();
        let want = oracle::joint_probabilities(&oracle::knn(set.points(), n - 1), 20.0);
        for scale in [1.0, 1e150, 1e-150] {
            let x: Vec<f64> = set.values_as::<f64>().iter().map(|x| x * scale).collect();
            let p = from_points(&x, set.points().n_features(), 20.0, &Options::default());
            // Distances are rounded on both sides, and β d² is up to 100.
            assert_rows_close(dense(&values(&p)).as_slice(), want.as_slice(), n, 1e-12, "all pairs");
            check_affinities(&p);
        }
        let p = from_points(&set.to_f32(), set.points().n_features(), 20.0, &Options::default());
        check_affinities(&p);
        assert_eq!(p.calibration().scales[0].unreached, [], "all rows calibrate");
    }
}

#[test]
fn equals_a_graph_of_all_neighbors() {
    for (name, set) in data::suite(Seed(4)) {
        let n = set.n_points();
        for symmetrize in [true, false] {
            let options = Options::default().with_symmetrize(symmetrize);
            let p = from_points(&set.values_as::<f64>(), set.points().n_features(), 10.0, &options);
            let options = options.with_n_neighbors(n - 1);
            let neighbors = graph::<f64>(&set, n - 1, 1.0);
            let q = PerplexityBased::from_graph(neighbors, 10.0, &options, &Control::NONE).expect(name);
            assert_rows_close(dense(&values(&p)).as_slice(), dense(q.matrix()).as_slice(), n, 1e-9, name);
            let (p, q) = (&p.calibration(), &q.calibration());
            assert_eq!(p.adjustments, q.adjustments, "{name}");
            assert_eq!(p.scales[0].unreached, q.scales[0].unreached, "{name}");
        }
    }
    let options = Options::default().with_normalization(Normalization::PointWise);
    check_new_rows(values(&from_points(&data::iris().values_as::<f64>(), 4, 30.0, &options)));
}

#[test]
fn distances_serve_as_well_as_points() {
    let set = data::blobs(Seed(5), 80, 4, 3);
    let d: Vec<f64> = oracle::squared_distances(set.points()).as_slice().iter().map(|d2| d2.sqrt()).collect();
    let options = Options::default();
    let p = AllPairs::from_distances(80, &d, 15.0, &options, &Control::NONE).expect("legal distances");
    let q = from_points(&set.values_as::<f64>(), 4, 15.0, &options);
    assert_rows_close(
        dense(&values(&p)).as_slice(),
        dense(&values(&q)).as_slice(),
        80,
        1e-12,
        "from distances",
    );
    check_affinities(&p);

    // Rounding between a distance and its transpose is evened out, whatever is on the diagonal is passed over.
    let mut rough = d.clone();
    for i in 0..80 {
        rough[i * 80 + (i + 1) % 80] *= 1.0 + 1e-9;
        rough[i * 80 + i] = f64::NAN;
    }
    let rough =
        AllPairs::from_distances(80, &rough, 15.0, &options, &Control::NONE).expect("legal distances");
    check_affinities(&rough);

    // Bytes and sparse rows are points too.
    let digits = data::digits().first(60);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "pixels are integers from 0 to 16"
    )]
    let bytes: Vec<u8> = digits.values_as::<f64>().iter().map(|&x| x as u8).collect();
    let q = from_points(&digits.values_as::<f64>(), 64, 10.0, &options);
    let points = Points::<f64>::from_bytes(&bytes, 64).expect("whole rows");
    let p = AllPairs::from_points(points, 10.0, &options, &Control::NONE).expect("legal");
    assert_same_bits(&values(&p), &values(&q), "bytes");
    let sparse = oracle::Matrix::from_fn(60, 64, |i, j| digits.row(i)[j]).to_csr::<f64>();
    let points = Points::from_csr(&sparse).expect("64 columns");
    let p = AllPairs::from_points(points, 10.0, &options, &Control::NONE).expect("legal");
    assert_same_bits(&values(&p), &values(&q), "sparse");
}
