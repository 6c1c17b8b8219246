//! What a run notices about its data beyond what the library says.

use tsne::{Metric, Points, Scalar};

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
