//! What a run notices about its data and its map beyond what the library says.

use tsne::{Metric, Points, Scalar, TsneEmbedding};

/// A map narrower than this after its descent has not unfolded: it began a few times 1e-4 wide.
const COLLAPSED: f64 = 1e-3;
/// Iterations after which a map should have unfolded.
const SETTLED: usize = 100;

/// A map whose points still move by more than this share of its width in a step has some way to go: finished maps of
/// thousands of points are at a quarter of it.
const MOVING: f64 = 2e-3;

/// Code and text of a warning.
pub(crate) type Notice = (String, String);

/// Rows of zeros where the metric looks at directions.
pub(crate) fn zero_rows<T: Scalar>(points: Points<'_, T>, metric: &Metric) -> Option<Notice> {
    if !matches!(metric, Metric::Cosine) {
        return None;
    }
    let mut row = vec![T::default(); points.n_features()];
    let (mut count, mut first) = (0_usize, 0);
    for i in 0..points.n_points() {
        points.copy_row(i, &mut row);
        if row.iter().all(|x| *x == T::default()) {
            if count == 0 {
                first = i + 1;
            }
            count += 1;
        }
    }
    let (rows, are) = if count == 1 { ("row", "is") } else { ("rows", "are") };
    let text = format!(
        "{count} {rows} {are} zero and have no direction, the first is row {first}; by cosine they are far from all others"
    );
    (count > 0).then(|| ("W04".to_owned(), text))
}

/// What a finished map shows of itself.
pub(crate) fn of_map<T: Scalar, const D: usize>(map: &TsneEmbedding<T, D>) -> Vec<Notice> {
    if map.report().n_iter < SETTLED {
        return Vec::new(); // Whoever makes so few iterations knows.
    }
    collapsed(map).or_else(|| still_moving(map)).into_iter().collect()
}

/// A map whose points have not come apart.
fn collapsed<T: Scalar, const D: usize>(map: &TsneEmbedding<T, D>) -> Option<Notice> {
    let (n_iter, span) = (map.report().n_iter, span(map.positions()));
    let text = format!(
        "the map has collapsed: it is {span:.1e} wide after {n_iter} iterations; lower --early-exaggeration or raise --n-iter"
    );
    (span < COLLAPSED).then(|| ("W12".to_owned(), text))
}

/// A map whose points are still on their way.
fn still_moving<T: Scalar, const D: usize>(map: &TsneEmbedding<T, D>) -> Option<Notice> {
    let length = |v: &[T; D]| v.iter().map(|x| x.to_f64().powi(2)).sum::<f64>().sqrt();
    let mut steps: Vec<f64> = map.state().velocity.iter().map(length).collect();
    let middle = steps.len() / 2;
    let (_, &mut median, _) = steps.select_nth_unstable_by(middle, f64::total_cmp);
    let share = median / span(map.positions());
    let text = format!(
        "still moving: the median step is {:.1} % of the map's width; go on with tsne resume --n-iter 250",
        100.0 * share
    );
    (share > MOVING).then(|| ("W09".to_owned(), text))
}

/// The longest side of a map.
fn span<T: Scalar, const D: usize>(positions: &[[T; D]]) -> f64 {
    let side = |axis: usize| {
        let values = || positions.iter().map(|y| y[axis].to_f64());
        values().fold(f64::NEG_INFINITY, f64::max) - values().fold(f64::INFINITY, f64::min)
    };
    (0..D).map(side).fold(0.0, f64::max)
}
