//! What a run notices about its data beyond what the library says.

use tsne::{Metric, Points, Scalar};
use tsne_io::{Cells, Matrix, shown};

/// So few rows may rise by chance.
const FEW_ROWS: usize = 20;

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

/// A column that looks like the number of its row: whole numbers that rise from each row to the next.
pub(crate) fn row_numbers(features: &Matrix, names: Option<&[String]>) -> Option<Notice> {
    fn first<X: Copy + Into<f64>>(values: &[X], n_features: usize) -> Option<usize> {
        let is_rising = |column: usize| {
            let cells = || values.iter().skip(column).step_by(n_features).map(|&x| x.into());
            cells().all(|x| x.fract() == 0.0) && cells().is_sorted_by(|a, b| a < b)
        };
        (0..n_features).find(|&column| is_rising(column))
    }
    if features.n_rows() < FEW_ROWS {
        return None;
    }
    let column = match features.cells() {
        Cells::U8(x) => first(x, features.n_features()),
        Cells::F32(x) => first(x, features.n_features()),
        Cells::F64(x) => first(x, features.n_features()),
        Cells::Sparse(_) => None,
    }?;
    let name = names.map(|names| format!(" ({})", shown(&names[column]))).unwrap_or_default();
    let text = format!(
        "feature {}{name} numbers the rows: whole numbers that rise from each to the next; if it is no measurement, keep it out with --id or --drop",
        column + 1
    );
    Some(("W15".to_owned(), text))
}
