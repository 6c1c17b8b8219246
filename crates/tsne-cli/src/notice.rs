//! What a run notices about its data and its map beyond what the library says.

use tsne::{Metric, Points, Scalar, TsneEmbedding};

/// A map narrower than this after its descent has not unfolded: it began a few times 1e-4 wide.
const COLLAPSED: f64 = 1e-3;
/// Iterations after which a map should have unfolded.
const SETTLED: usize = 100;

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

/// A map whose points have not come apart.
pub(crate) fn collapsed<T: Scalar, const D: usize>(map: &TsneEmbedding<T, D>) -> Option<Notice> {
    let n_iter = map.report().n_iter;
    let span = |axis: usize| {
        let values = || map.positions().iter().map(|y| y[axis].to_f64());
        values().fold(f64::NEG_INFINITY, f64::max) - values().fold(f64::INFINITY, f64::min)
    };
    let span = (0..D).map(span).fold(0.0, f64::max);
    let text = format!(
        "the map has collapsed: it is {span:.1e} wide after {n_iter} iterations; lower --early-exaggeration or raise --n-iter"
    );
    (n_iter >= SETTLED && span < COLLAPSED).then(|| ("W12".to_owned(), text))
}
