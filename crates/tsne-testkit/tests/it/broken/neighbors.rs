//! Broken indexes and broken queries.

use std::sync::atomic::{AtomicUsize, Ordering};

use tsne_core::{BackendError, Control, KnnGraph, NeighborIndex, NeighborQuery, Points};
use tsne_testkit::conformance::{NeighborContract, check_neighbor_index, check_neighbor_query};

use super::fails;
use crate::plain::BruteForce;

type Found = Result<KnnGraph<f64>, BackendError>;
type Search = fn(&BruteForce<'_, f64>, usize, &Control<'_>) -> Found;
type Query = fn(&BruteForce<'_, f64>, Points<'_, f64>, usize, &Control<'_>) -> Found;

/// Brute force with one of its two answers replaced.
struct Broken<'a> {
    right: BruteForce<'a, f64>,
    search: Search,
    query: Query,
}

impl NeighborIndex<f64> for Broken<'_> {
    fn n_points(&self) -> usize {
        self.right.n_points()
    }

    fn knn_graph(&self, k: usize, control: &Control<'_>) -> Found {
        (self.search)(&self.right, k, control)
    }
}

impl NeighborQuery<f64> for Broken<'_> {
    fn n_features(&self) -> usize {
        self.right.n_features()
    }

    fn query(&self, queries: Points<'_, f64>, k: usize, control: &Control<'_>) -> Found {
        (self.query)(&self.right, queries, k, control)
    }
}

const SEARCH: Search = |right, k, control| right.knn_graph(k, control);
const QUERY: Query = |right, queries, k, control| right.query(queries, k, control);

fn exact() -> NeighborContract {
    NeighborContract::exact().with_parallel_points(200)
}

fn search_fails(reason: &str, search: Search) {
    search_fails_for(exact(), reason, search);
}

fn search_fails_for(contract: NeighborContract, reason: &str, search: Search) {
    fails(reason, || {
        check_neighbor_index::<f64>(
            |points| Ok(Box::new(Broken { right: BruteForce { points }, search, query: QUERY })),
            contract,
        );
    });
}

fn query_fails(reason: &str, query: Query) {
    fails(reason, || {
        check_neighbor_query::<f64>(
            |points| Ok(Box::new(Broken { right: BruteForce { points }, search: SEARCH, query })),
            exact(),
        );
    });
}

/// The graph with every row changed.
fn changed(graph: Found, change: impl Fn(usize, &mut [u32], &mut [f64])) -> Found {
    let (k, mut neighbors, mut distances) = graph?.into_parts();
    let rows = neighbors.chunks_exact_mut(k).zip(distances.chunks_exact_mut(k)).enumerate();
    rows.for_each(|(i, (neighbors, distances))| change(i, neighbors, distances));
    Ok(KnnGraph::from_parts(k, neighbors, distances).expect("the shape is kept"))
}

#[test]
fn a_row_that_lists_its_own_point() {
    search_fails("lists the point itself", |right, k, control| {
        if k >= right.n_points() {
            right.knn_graph(k, control)
        } else {
            right.query(right.points, k, control)
        }
    });
}

#[test]
fn duplicates_left_out_along_with_the_point() {
    // By distance instead of index: what lies at 0 is dropped, farther neighbors move up.
    search_fails("but the true one is", |right, k, control| {
        let n = right.n_points();
        let all = right.knn_graph(n - 1, control)?;
        let graph = right.knn_graph(k, control);
        changed(graph, |i, neighbors, distances| {
            let (others, far) = all.row(i);
            let first = far.iter().position(|&d| d > 0.0).unwrap_or(0).min(n - 1 - neighbors.len());
            neighbors.copy_from_slice(&others[first..first + neighbors.len()]);
            distances.copy_from_slice(&far[first..first + neighbors.len()]);
        })
    });
}

#[test]
fn ties_in_another_order() {
    search_fails("ties must be in order of index", |right, k, control| {
        changed(right.knn_graph(k, control), |_, neighbors, distances| {
            for at in 1..neighbors.len() {
                if distances[at] == distances[at - 1] {
                    neighbors.swap(at - 1, at);
                }
            }
        })
    });
}

#[test]
fn a_tie_at_the_end_of_the_row_broken_by_another_index() {
    search_fails("where every distance is exact", |right, k, control| {
        let all = right.knn_graph((k + 1).min(right.n_points() - 1), control)?;
        changed(right.knn_graph(k, control), |i, neighbors, distances| {
            let (next, farther) = all.row(i);
            if next.len() > k && farther[k] == distances[k - 1] && distances[0] < distances[k - 1] {
                neighbors[k - 1] = next[k];
            }
        })
    });
}

#[test]
fn distances_that_are_squared() {
    search_fails("distance", |right, k, control| {
        changed(right.knn_graph(k, control), |_, _, distances| distances.iter_mut().for_each(|d| *d *= *d))
    });
}

#[test]
fn distances_with_an_error_above_rounding() {
    search_fails("away", |right, k, control| {
        changed(right.knn_graph(k, control), |_, _, distances| {
            distances.iter_mut().for_each(|d| *d *= 1.0 + 1e-12);
        })
    });
}

#[test]
fn rows_out_of_order() {
    search_fails("smaller than the one before", |right, k, control| {
        changed(right.knn_graph(k, control), |_, neighbors, distances| {
            neighbors.reverse();
            distances.reverse();
        })
    });
}

/// The last neighbor of a tenth of the rows replaced by the next one.
fn missing_some(right: &BruteForce<'_, f64>, k: usize, control: &Control<'_>) -> Found {
    let all = right.knn_graph((k + 1).min(right.n_points() - 1), control)?;
    changed(right.knn_graph(k, control), |i, neighbors, distances| {
        let (next, farther) = all.row(i);
        if i % 10 == 3 && next.len() > k {
            neighbors[k - 1] = next[k];
            distances[k - 1] = farther[k];
        }
    })
}

#[test]
fn neighbors_that_are_not_the_nearest() {
    search_fails("but the true one is", missing_some);
    let contract = NeighborContract::recall_at_least(0.95).with_parallel_points(200);
    search_fails_for(contract, "recall 0.9", missing_some);
    // A tenth of one neighbor a row misses is what this one allows.
    let contract = NeighborContract::recall_at_least(0.85).with_parallel_points(200);
    check_neighbor_index::<f64>(
        |points| Ok(Box::new(Broken { right: BruteForce { points }, search: missing_some, query: QUERY })),
        contract,
    );
}

#[test]
fn an_illegal_k_accepted() {
    search_fails("k = 0 of 240 points: accepted", |right, k, control| right.knn_graph(k.max(1), control));
    search_fails("k = 240 of 240 points: accepted", |right, k, control| {
        right.knn_graph(k.min(right.n_points() - 1), control)
    });
}

#[test]
fn a_panic_instead_of_an_error() {
    search_fails("k = 240 of 240 points: panicked", |right, k, control| {
        assert!(k < right.n_points(), "k is out of range");
        right.knn_graph(k, control)
    });
}

#[test]
fn a_graph_with_fewer_columns() {
    search_fails("shape of the graph", |right, k, control| {
        Ok(right.knn_graph(k, control)?.truncated(k.saturating_sub(1).max(1)))
    });
}

#[test]
fn results_that_depend_on_threads() {
    search_fails("2 threads against 1", |right, k, control| {
        let threads = rayon::current_num_threads();
        changed(right.knn_graph(k, control), |_, _, distances| {
            let last = distances.len() - 1;
            distances[last] *= 1.0 + threads as f64 * f64::EPSILON;
        })
    });
}

/// Right on the first search of its 200 points, one rounding off on the second.
struct Wearing<'a>(BruteForce<'a, f64>, AtomicUsize);

impl NeighborIndex<f64> for Wearing<'_> {
    fn n_points(&self) -> usize {
        self.0.n_points()
    }

    fn knn_graph(&self, k: usize, control: &Control<'_>) -> Found {
        let worn = self.n_points() == 200 && self.1.fetch_add(1, Ordering::Relaxed) > 0;
        let factor = if worn { 1.0 + f64::EPSILON } else { 1.0 };
        changed(self.0.knn_graph(k, control), |_, _, distances| {
            distances.iter_mut().for_each(|d| *d *= factor)
        })
    }
}

#[test]
fn results_that_depend_on_earlier_searches() {
    fails("neighbor graph searched again", || {
        check_neighbor_index::<f64>(
            |points| Ok(Box::new(Wearing(BruteForce { points }, AtomicUsize::new(0)))),
            exact(),
        );
    });
}

#[test]
fn a_search_that_cannot_be_stopped() {
    search_fails("never called its hook", |right, k, _| right.knn_graph(k, &Control::NONE));
    search_fails("went on although its hook said to stop", |right, k, control| {
        let _ = control.tick(1, 2);
        right.knn_graph(k, &Control::NONE)
    });
    search_fails("told to stop, but failed with: lost", |right, k, control| {
        right
            .knn_graph(k, control)
            .map_err(|e| if e.is_interrupted() { BackendError::new("lost") } else { e })
    });
    search_fails("more done than there is", |right, k, control| {
        control.tick(3, 2)?;
        right.knn_graph(k, &Control::NONE)
    });
}

#[test]
fn queries_that_leave_out_their_equal() {
    query_fails("query equal to point 0 found", |right, queries, k, control| {
        if k > right.n_points() || queries != right.points {
            return right.query(queries, k, control);
        }
        let k = k.min(right.n_points() - 1);
        right.knn_graph(k, control)
    });
}

#[test]
fn queries_that_see_each_other() {
    query_fails("one by one against all at once", |right, queries, k, control| {
        let graph = right.query(queries, k, control);
        if queries.n_points() == 1 {
            return graph;
        }
        changed(graph, |_, _, distances| distances.iter_mut().for_each(|d| *d *= 1.0 + f64::EPSILON))
    });
}

#[test]
fn illegal_queries_accepted() {
    query_fails("not 10: accepted", |right, queries, k, control| {
        if queries.n_features() == right.n_features() {
            return right.query(queries, k, control);
        }
        let zeros = vec![0.0; right.n_features()];
        right.query(Points::from_row_major(&zeros, right.n_features()).expect("a row"), k, control)
    });
    query_fails("query with NaN: accepted", |right, queries, k, control| {
        if queries.check_finite().is_ok() {
            right.query(queries, k, control)
        } else {
            right.knn_graph(1, control)
        }
    });
    query_fails("query for k = 241 of 240 points: accepted", |right, queries, k, control| {
        right.query(queries, k.min(right.n_points()), control)
    });
    query_fails("query for k = 0 of 240 points: panicked", |right, queries, k, control| {
        assert_ne!(k, 0, "k must not be 0");
        right.query(queries, k, control)
    });
    query_fails("no queries", |right, queries, k, control| {
        if queries.n_points() == 0 {
            Err(BackendError::new("empty"))
        } else {
            right.query(queries, k, control)
        }
    });
}

#[test]
fn queries_of_another_kind_answered_wrongly() {
    query_fails("bytes queries against dense ones", |right, queries, k, control| {
        if matches!(queries, Points::Bytes(_)) {
            right.query(right.points, k - 1, control)
        } else {
            right.query(queries, k, control)
        }
    });
}

#[test]
fn queries_that_cannot_be_stopped() {
    query_fails("queries: never called its hook", |right, queries, k, _| {
        right.query(queries, k, &Control::NONE)
    });
}
