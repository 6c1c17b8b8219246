//! Both directions of every edge in one matrix, against the sum made entry by entry.

use std::collections::BTreeMap;

use tsne_affinity::{Options, PerplexityBased};
use tsne_core::{Control, Csr, KnnGraph, Scalar, Seed};

/// `n` points with `k` neighbors each, at rising distances.
fn graph<T: Scalar>(n: u32, k: u32, neighbor: impl Fn(u32, u32) -> u32) -> KnnGraph<T> {
    let (mut neighbors, mut distances) = (Vec::new(), Vec::new());
    for i in 0..n {
        for position in 0..k {
            neighbors.push(neighbor(i, position));
            let random = (Seed(u64::from(i)).derive(u64::from(position)).0 % 64) as f64;
            distances.push(T::lit(1.0 + f64::from(position) / 10.0 + random / 1000.0));
        }
    }
    KnnGraph::from_parts(k as usize, neighbors, distances).expect("n rows of k")
}

/// The matrix and its transpose, each halved: both are exact but for the one addition.
fn average<T: Scalar>(directed: &Csr<T>) -> Vec<BTreeMap<u32, T>> {
    let mut rows = vec![BTreeMap::new(); directed.n_rows()];
    for i in 0..directed.n_rows() {
        let (columns, values) = directed.row(i);
        for (&j, &value) in columns.iter().zip(values) {
            let half = T::lit(0.5) * value;
            let source = u32::try_from(i).expect("few points");
            for (row, column) in [(i, j), (j as usize, source)] {
                rows[row].entry(column).and_modify(|sum: &mut T| *sum += half).or_insert(half);
            }
        }
    }
    rows
}

fn check<T: Scalar>(what: &str, neighbors: &KnnGraph<T>) {
    let build = |symmetrize: bool| {
        let options = Options::default().with_symmetrize(symmetrize);
        let perplexity = (neighbors.k() as f64 / 3.0).max(1.0);
        let p = PerplexityBased::from_graph(neighbors.clone(), perplexity, &options, &Control::NONE);
        p.unwrap_or_else(|error| panic!("{what}: {error}")).matrix().clone()
    };
    let (symmetric, want) = (build(true), average(&build(false)));
    for (i, want) in want.iter().enumerate() {
        let (columns, values) = symmetric.row(i);
        let want_columns: Vec<u32> = want.keys().copied().collect();
        let want_values: Vec<T> = want.values().copied().collect();
        assert_eq!(columns, want_columns, "{what}: columns of row {i}");
        assert_eq!(values, want_values, "{what}: values of row {i}");
    }
}

fn check_all<T: Scalar>() {
    // Rows for several blocks and rounds, with and without room between the lists and the rows.
    let (n, k) = (9001, 24);
    let ring = |i: u32, position: u32, back: u32| {
        let step = 1 + position / 2;
        if position.is_multiple_of(2) { (i + step) % n } else { (i + n - back * step) % n }
    };
    check("all edges go both ways", &graph::<T>(n, k, |i, position| ring(i, position, 1)));
    check("some do", &graph::<T>(n, k, |i, position| ring(i, position, 2)));
    check("none does", &graph::<T>(n, k, |i, position| (i + 1 + position) % n));
    // The first points are neighbors of all.
    let popular = |i: u32, position: u32| if position < i { position } else { position + 1 };
    check("few targets", &graph::<T>(n, k, popular));
    check("one neighbor", &graph::<T>(n, 1, |i, _| if i == 0 { 1 } else { i / 2 }));
}

#[test]
fn both_directions_meet_in_every_row() {
    check_all::<f32>();
    check_all::<f64>();
}
