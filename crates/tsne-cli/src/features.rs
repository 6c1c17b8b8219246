//! From the numbers of a file to points that can be computed with.

use tsne::core::ShapeError;
use tsne::{Csr, Data, Metric, Scalar};
use tsne_io::{Cells, Matrix, Narrowing, Sparse};

/// Features as points, and how their columns were shifted and scaled: only where the metric does not mind.
pub(crate) fn points<T: Scalar>(
    features: Matrix,
    metric: &Metric,
) -> Result<(Data<T>, Option<Narrowing>), ShapeError> {
    let n_features = features.n_features();
    let narrowing = match features.cells() {
        Cells::F32(x) if may_move(metric) => Some(Narrowing::of(x, n_features)),
        Cells::F64(x) if may_move(metric) => Some(Narrowing::of(x, n_features)),
        _ => None,
    };
    Ok((points_like(features, None, narrowing.as_ref())?, narrowing))
}

/// Features as points, their columns taken from these places, then shifted and scaled as others were.
pub(crate) fn points_like<T: Scalar>(
    features: Matrix,
    places: Option<&[usize]>,
    narrowing: Option<&Narrowing>,
) -> Result<Data<T>, ShapeError> {
    fn arranged<X: Copy>(values: Vec<X>, places: Option<&[usize]>) -> Vec<X> {
        let Some(places) = places else { return values };
        values.chunks_exact(places.len()).flat_map(|row| places.iter().map(|&place| row[place])).collect()
    }
    let n_features = features.n_features();
    let mut values = match (features.into_cells(), narrowing) {
        (Cells::U8(x), None) => return Data::from_bytes(arranged(x, places), n_features),
        (Cells::U8(x), Some(_)) => arranged(x, places).into_iter().map(f64::from).collect(),
        (Cells::F32(x), None) => {
            let x = arranged(x, places);
            return Data::from_row_major(x.into_iter().map(|x| T::lit(x.into())).collect(), n_features);
        }
        (Cells::F32(x), Some(_)) => arranged(x, places).into_iter().map(f64::from).collect(),
        (Cells::F64(x), _) => arranged(x, places),
        // Sparse data are not moved: zeros would not stay zeros.
        (Cells::Sparse(x), _) => return Data::from_csr(csr(x, n_features, places)?),
    };
    if let Some(narrowing) = narrowing {
        narrowing.apply(&mut values);
    }
    // Beyond the range of f32 a value becomes infinite, which the fit refuses by row and column.
    Data::from_row_major(values.into_iter().map(T::lit).collect(), n_features)
}

/// A sparse matrix as points are taken, its columns from these places.
pub(crate) fn csr<T: Scalar>(
    matrix: Sparse,
    n_columns: usize,
    places: Option<&[usize]>,
) -> Result<Csr<T>, ShapeError> {
    let (offsets, mut columns, values) = matrix.into_parts();
    let mut values: Vec<T> = values.into_iter().map(T::lit).collect();
    if let Some(places) = places {
        let mut numbers = vec![0; n_columns];
        for (number, &place) in (0_u32..).zip(places) {
            numbers[place] = number;
        }
        for pair in offsets.windows(2) {
            let (columns, values) = (&mut columns[pair[0]..pair[1]], &mut values[pair[0]..pair[1]]);
            let mut row: Vec<(u32, T)> =
                columns.iter().map(|&c| numbers[c as usize]).zip(values.iter().copied()).collect();
            row.sort_by_key(|entry| entry.0);
            for ((column, value), entry) in columns.iter_mut().zip(values).zip(row) {
                (*column, *value) = entry;
            }
        }
    }
    Csr::from_parts(n_columns, offsets, columns, values)
}

/// Whether neighbors stay what they are when all rows are moved alike and scaled, which keeps data whole in f32.
fn may_move(metric: &Metric) -> bool {
    matches!(
        metric,
        Metric::Euclidean
            | Metric::SquaredEuclidean
            | Metric::StandardizedEuclidean { .. }
            | Metric::Manhattan
            | Metric::Chebyshev
            | Metric::Minkowski { .. }
    )
}
