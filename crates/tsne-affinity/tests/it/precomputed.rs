//! Matrices and graphs that somebody has already.

use tsne_affinity::{Precomputed, PrecomputedOptions};
use tsne_core::{Csr, Scalar, Seed};
use tsne_testkit::close::{assert_close, assert_same_bits};
use tsne_testkit::conformance::check_affinities;
use tsne_testkit::data;
use tsne_testkit::oracle::{self, Matrix, dense};

fn matrix(n: usize, value: impl FnMut(usize, usize) -> f64) -> Matrix {
    Matrix::from_fn(n, n, value)
}

fn csr<T: Scalar>(matrix: &Matrix, options: &PrecomputedOptions) -> Precomputed<T> {
    Precomputed::from_csr(&matrix.to_csr(), options).expect("a legal matrix")
}

#[test]
fn a_distribution_stays_as_it_is() {
    let set = data::blobs(Seed(1), 60, 4, 3);
    let p = oracle::joint_probabilities(&oracle::knn(set.points(), 59), 10.0);
    let given = csr::<f64>(&p, &PrecomputedOptions::default().with_normalize(false));
    assert_same_bits(given.matrix(), &p.to_csr(), "not normalized");
    check_affinities(&given);
    // Twice the matrix is the same distribution.
    let twice = matrix(60, |i, j| 2.0 * p.at(i, j));
    let normalized = csr::<f64>(&twice, &PrecomputedOptions::default());
    assert_close(dense(normalized.matrix()).as_slice(), p.as_slice(), 1e-14, 0.0, "2 P normalized");
    assert_eq!(twice.to_csr::<f64>().n_entries(), normalized.matrix().n_entries(), "same entries");
    // Dense and sparse are the same thing, zeros left out.
    let from_dense = Precomputed::from_dense(60, twice.as_slice(), &PrecomputedOptions::default());
    assert_same_bits(from_dense.expect("a legal matrix").matrix(), normalized.matrix(), "dense");
    check_affinities(csr::<f32>(&twice, &PrecomputedOptions::default()));
}

#[test]
fn a_matrix_is_averaged_with_its_transpose_on_request() {
    let one_way = matrix(4, |i, j| if j == i + 1 { 1.0 + i as f64 } else { 0.0 });
    let options = PrecomputedOptions::default().with_symmetrize(true);
    let p = csr::<f64>(&one_way, &options);
    let want = matrix(4, |i, j| (one_way.at(i, j) + one_way.at(j, i)) / 12.0);
    assert_close(dense(p.matrix()).as_slice(), want.as_slice(), 1e-15, 0.0, "averaged");
    check_affinities(&p);
    let kept = csr::<f64>(&one_way, &options.with_normalize(false));
    assert_eq!(kept.matrix().row(1), (&[0, 2][..], &[0.5, 1.0][..]), "half of each direction");
}

#[test]
fn edges_make_a_graph() {
    // 0 – 1 twice, 1 – 2 from the other end, 3 with an edge of no weight, 4 with none at all.
    let edges = [(0, 1, 1.0), (2, 1, 3.0), (1, 0, 0.5), (3, 0, 0.0)];
    let p = Precomputed::<f64>::from_edges(5, edges).expect("legal edges");
    let unit = 1.0 / 9.0;
    assert_eq!(p.matrix().row(1), (&[0, 2][..], &[1.5 * unit, 3.0 * unit][..]), "sums of edges");
    assert_eq!(p.matrix().row(3), (&[][..], &[][..]), "no weight, no edge");
    let connectivity = p.connectivity();
    assert_eq!((connectivity.n_components, connectivity.largest), (3, 3), "0, 1 and 2 hang together");
    assert_eq!(connectivity.isolated, [3, 4], "points without edges");
    check_affinities(&p);

    // A large random graph, each edge in a random direction: symmetric to the bit, whatever the order of summation.
    let random = |i: u64| Seed(2).derive(i).0;
    let point = |x: u64| u32::try_from(x % 200).expect("200 points");
    let edges: Vec<(u32, u32, f32)> = (0..4000)
        .map(|i| (point(random(3 * i)), point(random(3 * i + 1)), (random(3 * i + 2) % 1000) as f32 / 999.0))
        .filter(|(i, j, _)| i != j)
        .collect();
    let p = Precomputed::from_edges(200, edges.iter().copied()).expect("legal edges");
    check_affinities(&p);
    let total: f64 = edges.iter().map(|(.., w)| f64::from(*w)).sum();
    let want = {
        let mut sums = vec![0.0; 200 * 200];
        for &(i, j, w) in &edges {
            sums[i as usize * 200 + j as usize] += f64::from(w) / (2.0 * total);
            sums[j as usize * 200 + i as usize] += f64::from(w) / (2.0 * total);
        }
        sums
    };
    assert_close(dense(p.matrix()).as_slice(), &want, 1e-6, 0.0, "sums of edges");
    let transposed: Csr<f32> = Matrix::from_fn(200, 200, |i, j| dense(p.matrix()).at(j, i)).to_csr();
    assert_same_bits(&transposed, p.matrix(), "the transpose");
}

#[test]
fn rounding_is_not_asymmetry() {
    let almost = matrix(3, |i, j| if i == j { 0.0 } else { 1.0 + 1e-6 * i as f64 });
    assert_eq!(csr::<f64>(&almost, &PrecomputedOptions::default()).matrix().n_entries(), 6, "accepted");
}
