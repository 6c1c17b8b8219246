//! Conformance of `NeighborIndex` and `NeighborQuery`.

use tsne_core::{BackendError, Control, Csr, KnnGraph, NeighborIndex, NeighborQuery, Points, Scalar, Seed};

use super::{check_interruption, check_refused};
use crate::close::assert_same_bits;
use crate::data::{self, DataSet};
use crate::oracle;
use crate::threads::assert_thread_invariant;

/// What an index promises beyond the trait.
#[derive(Clone, Copy, Debug)]
pub struct NeighborContract {
    recall: Option<f64>,
    deterministic: bool,
    distance: fn(&[f64], &[f64]) -> f64,
    exact_on_integers: bool,
    tolerance: f64,
    n_parallel: usize,
}

impl NeighborContract {
    /// Every neighbor is a nearest one.
    #[must_use]
    pub fn exact() -> Self {
        Self {
            recall: None,
            deterministic: true,
            distance: oracle::euclidean,
            exact_on_integers: true,
            tolerance: 4.0,
            n_parallel: 3000,
        }
    }

    /// On every data set at least this part of the neighbors, on average over the rows, are nearest ones: no farther
    /// than the true k-th by more than 1e-6, so that ties do not count against anyone.
    #[must_use]
    pub fn recall_at_least(recall: f64) -> Self {
        Self { recall: Some(recall), ..Self::exact() }
    }

    /// Searches by `distance` instead of the Euclidean one. Neighbors at equal distances are then not compared by
    /// index with the truth, since rounding may tell them apart.
    #[must_use]
    pub fn with_distance(self, distance: fn(&[f64], &[f64]) -> f64) -> Self {
        Self { distance, exact_on_integers: false, ..self }
    }

    /// Reported distances may be off by `tolerance` roundings a feature, of 4 otherwise.
    #[must_use]
    pub fn with_tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// Results may depend on the number of threads and differ from run to run, and the documentation says so.
    #[must_use]
    pub fn not_deterministic(self) -> Self {
        Self { deterministic: false, ..self }
    }

    /// Determinism and interruption are checked with `n` points, 3000 otherwise: take several chunks.
    #[must_use]
    pub fn with_parallel_points(self, n: usize) -> Self {
        Self { n_parallel: n, ..self }
    }
}

/// Checks the graph of an index that `build` makes from points.
///
/// On every set of [`data::suite`] and several k: shape, indices in range and distinct, the point itself left out by
/// index, distances true and ascending, ties by index, exactness or recall. Then: k of 0 and n refused; the same bits
/// from a repeated search, a second index and 1, 2, 3 and 8 threads; progress and interruption.
///
/// # Panics
/// With the first promise that is broken.
pub fn check_neighbor_index<T: Scalar>(
    build: impl Fn(Points<'_, T>) -> Result<Box<dyn NeighborIndex<T> + '_>, BackendError> + Sync,
    contract: NeighborContract,
) {
    for (name, set) in data::suite(Seed(1)) {
        let values = set.values_as::<T>();
        let points = view(&values, &set);
        let (index, n) = (built(&build, points), set.n_points());
        assert_eq!(index.n_points(), n, "{name}: n_points of the index");
        let mut ks = vec![1, 5.min(n - 1), 30.min(n - 1), n - 1];
        ks.dedup();
        for k in ks {
            let what = format!("{name}, n = {n}, k = {k}");
            let graph = found(index.knn_graph(k, &Control::NONE), &what);
            assert_eq!((graph.n_points(), graph.k()), (n, k), "{what}: shape of the graph");
            if let Err(broken) = graph.check_rows(n, true) {
                panic!("{what}: {broken}");
            }
            let truth = oracle::knn_by(points, k, contract.distance);
            check_rows(&what, &graph, &truth, points, points, &contract);
        }
        for k in [0, n, n + 1] {
            check_refused(&format!("{name}: k = {k} of {n} points"), || index.knn_graph(k, &Control::NONE));
        }
    }

    let set = data::blobs(Seed(2), contract.n_parallel, 8, 10);
    let values = set.values_as::<T>();
    let points = view(&values, &set);
    let search = |index: &dyn NeighborIndex<T>| found(index.knn_graph(10, &Control::NONE), "many points");
    if contract.deterministic {
        let graph = assert_thread_invariant("neighbor graph", || search(&*built(&build, points)));
        let index = built(&build, points);
        assert_same_bits(&search(&*index), &graph, "neighbor graph of a second index");
        assert_same_bits(&search(&*index), &graph, "neighbor graph searched again");
    }
    let index = built(&build, points);
    check_interruption("neighbor search", |control| index.knn_graph(10, control));
}

/// Checks the answers to queries of an index that `build` makes from points; [`check_neighbor_index`] is not included.
///
/// A query equal to an indexed point finds it at distance 0; new queries are answered as exactly as promised; one by
/// one equals all at once, bit for bit; k = n and no queries are answered; k of 0 and above n, NaN, infinities and a
/// wrong number of features are refused; bytes and sparse queries are refused or answered like dense ones; the number
/// of threads changes nothing; progress and interruption.
///
/// # Panics
/// With the first promise that is broken.
pub fn check_neighbor_query<T: Scalar>(
    build: impl Fn(Points<'_, T>) -> Result<Box<dyn NeighborQuery<T> + '_>, BackendError> + Sync,
    contract: NeighborContract,
) {
    for (name, set) in data::suite(Seed(3)) {
        let values = set.values_as::<T>();
        let points = view(&values, &set);
        let (index, n) = (built_query(&build, points), set.n_points());
        assert_eq!(index.n_points(), n, "{name}: n_points of the index");
        assert_eq!(index.n_features(), set.n_features, "{name}: n_features of the index");
        check_finds_itself(name, &*index, points, &contract);

        let between = between(&values, set.n_features);
        let queries = view(&between, &set);
        for k in [1, 4.min(n), n] {
            let what = format!("{name}, {n} queries, k = {k}");
            let graph = found(index.query(queries, k, &Control::NONE), &what);
            assert_eq!((graph.n_points(), graph.k()), (n, k), "{what}: shape of the answer");
            if let Err(broken) = graph.check_rows(n, false) {
                panic!("{what}: {broken}");
            }
            let truth = oracle::query_by(points, queries, k, contract.distance);
            check_rows(&what, &graph, &truth, points, queries, &contract);
            check_one_by_one(&what, &*index, &between, set.n_features, &graph);
        }
        check_illegal_queries(name, &*index, &between, set.n_features);
    }
    check_kinds(&build);

    let set = data::blobs(Seed(4), contract.n_parallel, 8, 10);
    let values = set.values_as::<T>();
    let index = built_query(&build, view(&values, &set));
    let queries = between(&values, set.n_features);
    let queries = view(&queries, &set);
    assert_thread_invariant("queries", || found(index.query(queries, 10, &Control::NONE), "many queries"));
    check_interruption("queries", |control| index.query(queries, 10, control));
}

/// Compares with the truth: rank by rank where exact, by recall otherwise. In both cases a reported distance is the
/// distance of the neighbor reported, and ties are in order of index.
fn check_rows<T: Scalar>(
    what: &str,
    graph: &KnnGraph<T>,
    truth: &KnnGraph<f64>,
    points: Points<'_, T>,
    queries: Points<'_, T>,
    contract: &NeighborContract,
) {
    let (points, queries) = (rows_of(points), rows_of(queries));
    let n_features = points.first().map_or(1, Vec::len);
    let rel = contract.tolerance * (n_features as f64) * T::EPSILON.to_f64();
    let mut nearest = 0_usize;
    for (i, query) in queries.iter().enumerate() {
        let (neighbors, distances) = graph.row(i);
        let (true_neighbors, true_distances) = truth.row(i);
        let limit = true_distances[true_distances.len() - 1] * (1.0 + 1e-6);
        for position in 0..graph.k() {
            let (j, distance) = (neighbors[position], distances[position].to_f64());
            let direct = (contract.distance)(query, &points[j as usize]);
            let here = || format!("{what}: row {i}, position {position}, neighbor {j}");
            assert!(
                (distance - direct).abs() <= rel * direct,
                "{}: distance {distance:e}, but it is {direct:e} away",
                here()
            );
            if position > 0 && distances[position] == distances[position - 1] {
                assert!(neighbors[position - 1] < j, "{}: ties must be in order of index", here());
            }
            nearest += usize::from(direct <= limit);
            if contract.recall.is_none() {
                let (want, true_neighbor) = (true_distances[position], true_neighbors[position]);
                assert!(
                    (direct - want).abs() <= 2.0 * rel * want,
                    "{} is {direct:e} away, but the true one is {true_neighbor} at {want:e}",
                    here()
                );
            }
        }
        let exact = contract.recall.is_none() && contract.exact_on_integers;
        if exact && exactly_representable(query, &points) {
            assert_eq!(neighbors, true_neighbors, "{what}: row {i}, where every distance is exact");
        }
    }
    if let Some(bound) = contract.recall {
        let recall = nearest as f64 / graph.neighbors().len() as f64;
        assert!(recall >= bound, "{what}: recall {recall:.4}, promised {bound}");
    }
}

/// Small integers: squared distances are exact in any type and order of summation, so ties are ties for everyone.
fn exactly_representable(query: &[f64], points: &[Vec<f64>]) -> bool {
    points.iter().flatten().chain(query).all(|x| x.fract() == 0.0 && x.abs() < 100.0)
}

fn check_finds_itself<T: Scalar>(
    name: &str,
    index: &dyn NeighborQuery<T>,
    points: Points<'_, T>,
    contract: &NeighborContract,
) {
    let n = points.n_points();
    let k = n.min(5);
    let graph = found(index.query(points, k, &Control::NONE), name);
    let rows = rows_of(points);
    let mut found = 0_usize;
    for (i, index) in (0..n).zip(0_u32..) {
        let (neighbors, distances) = graph.row(i);
        let twins = rows.iter().filter(|row| **row == rows[i]).count();
        let itself = distances[0].to_f64() == 0.0 && (twins > k || neighbors.contains(&index));
        found += usize::from(itself);
        if contract.recall.is_none() {
            assert!(
                itself,
                "{name}: query equal to point {i} found {neighbors:?} at {distances:?}, must find {i} at 0"
            );
        }
    }
    let bound = contract.recall.unwrap_or(1.0);
    let part = found as f64 / n as f64;
    assert!(part >= bound, "{name}: {part:.4} of queries equal to a point found it at 0, promised {bound}");
}

fn check_one_by_one<T: Scalar>(
    what: &str,
    index: &dyn NeighborQuery<T>,
    queries: &[T],
    n_features: usize,
    all: &KnnGraph<T>,
) {
    let (mut neighbors, mut distances) = (Vec::new(), Vec::new());
    for query in queries.chunks_exact(n_features) {
        let graph = found(index.query(dense(query, n_features), all.k(), &Control::NONE), what);
        neighbors.extend_from_slice(graph.neighbors());
        distances.extend_from_slice(graph.distances());
    }
    let graph = KnnGraph::from_parts(all.k(), neighbors, distances).expect("k entries a query");
    assert_same_bits(&graph, all, &format!("{what}: one by one against all at once"));
}

fn check_illegal_queries<T: Scalar>(
    name: &str,
    index: &dyn NeighborQuery<T>,
    queries: &[T],
    n_features: usize,
) {
    let n = index.n_points();
    for k in [0, n + 1] {
        check_refused(&format!("{name}: query for k = {k} of {n} points"), || {
            index.query(dense(queries, n_features), k, &Control::NONE)
        });
    }
    for wrong in [n_features + 1, n_features - 1].into_iter().filter(|&wrong| wrong > 0) {
        let values = vec![T::default(); wrong];
        check_refused(&format!("{name}: query of {wrong} features, not {n_features}"), || {
            index.query(dense(&values, wrong), 1, &Control::NONE)
        });
    }
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut values = queries.to_vec();
        values[queries.len() - 1] = T::lit(bad);
        check_refused(&format!("{name}: query with {bad}"), || {
            index.query(dense(&values, n_features), 1, &Control::NONE)
        });
    }
    let none = found(index.query(dense(&[], n_features), 1, &Control::NONE), &format!("{name}: no queries"));
    assert_eq!(none.n_points(), 0, "{name}: rows for no queries");
}

/// Queries of another kind than the points: the same answer, or a refusal.
fn check_kinds<T: Scalar>(
    build: &impl Fn(Points<'_, T>) -> Result<Box<dyn NeighborQuery<T> + '_>, BackendError>,
) {
    let set = data::integer_grid(5, 3);
    let values = set.values_as::<T>();
    let points = view(&values, &set);
    let index = built_query(build, points);
    let dense = found(index.query(points, 4, &Control::NONE), "integer grid");
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "coordinates are 0 to 4")]
    let bytes: Vec<u8> = set.values.iter().map(|&x| x as u8).collect();
    let bytes = Points::from_bytes(&bytes, 3).expect("whole rows");
    let sparse: Csr<T> = oracle::Matrix::from_fn(set.n_points(), 3, |i, j| set.values[3 * i + j]).to_csr();
    let sparse = Points::from_csr(&sparse).expect("three columns");
    for (kind, queries) in [("bytes", bytes), ("sparse", sparse)] {
        match index.query(queries, 4, &Control::NONE) {
            Ok(graph) => assert_same_bits(&graph, &dense, &format!("{kind} queries against dense ones")),
            Err(error) => {
                assert!(!error.is_interrupted(), "{kind} queries reported as interrupted");
            }
        }
    }
}

/// Points halfway from each row to the next one.
fn between<T: Scalar>(values: &[T], n_features: usize) -> Vec<T> {
    let next = values.iter().cycle().skip(n_features);
    values.iter().zip(next).map(|(a, b)| T::lit(0.5 * a.to_f64() + 0.5 * b.to_f64())).collect()
}

fn dense<T: Scalar>(values: &[T], n_features: usize) -> Points<'_, T> {
    Points::from_row_major(values, n_features).expect("whole rows")
}

fn view<'a, T: Scalar>(values: &'a [T], set: &DataSet) -> Points<'a, T> {
    dense(values, set.n_features)
}

fn built<'a, T: Scalar>(
    build: &impl Fn(Points<'a, T>) -> Result<Box<dyn NeighborIndex<T> + 'a>, BackendError>,
    points: Points<'a, T>,
) -> Box<dyn NeighborIndex<T> + 'a> {
    build(points).unwrap_or_else(|error| panic!("an index of {} points: {error}", points.n_points()))
}

fn built_query<'a, T: Scalar>(
    build: &impl Fn(Points<'a, T>) -> Result<Box<dyn NeighborQuery<T> + 'a>, BackendError>,
    points: Points<'a, T>,
) -> Box<dyn NeighborQuery<T> + 'a> {
    build(points).unwrap_or_else(|error| panic!("an index of {} points: {error}", points.n_points()))
}

fn found<T>(graph: Result<KnnGraph<T>, BackendError>, what: &str) -> KnnGraph<T> {
    graph.unwrap_or_else(|error| panic!("{what}: {error}"))
}

fn rows_of<T: Scalar>(points: Points<'_, T>) -> Vec<Vec<f64>> {
    let mut row = vec![T::default(); points.n_features()];
    (0..points.n_points())
        .map(|i| {
            points.copy_row(i, &mut row);
            row.iter().map(|x| x.to_f64()).collect()
        })
        .collect()
}
