//! From the numbers of a file to points that can be computed with.

use tsne::core::ShapeError;
use tsne::{Csr, Data, Metric, Scalar};
use tsne_io::{Cells, Matrix, Narrowing, Sparse, Standardization};

use crate::args::Scale;
use crate::exit::Failure;

/// What was done to the columns of features, in this order, and is done to those of new rows too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Treatment {
    pub(crate) standardization: Option<Standardization>,
    /// Shifts and a scale that keep data whole in f32.
    pub(crate) narrowing: Option<Narrowing>,
}

/// Refuses to standardize what would not stay sparse.
pub(crate) fn check_scale(features: &Matrix, scale: Scale) -> Result<(), Failure> {
    if scale == Scale::None || !matches!(features.cells(), Cells::Sparse(_)) {
        return Ok(());
    }
    let what = "sparse data cannot be standardized: their zeros would become numbers";
    let help = "leave --scale out, or give a dense matrix";
    Err(Failure::new("E207", what, help).at("--scale"))
}

/// Features as points, and what was done to their columns: they are moved only where the metric does not mind.
pub(crate) fn points<T: Scalar>(
    features: Matrix,
    scale: Scale,
    metric: &Metric,
) -> Result<(Data<T>, Treatment), ShapeError> {
    let n_features = features.n_features();
    let standardization = match (scale, features.cells()) {
        (Scale::None, _) | (_, Cells::Sparse(_)) => None,
        (_, Cells::U8(x)) => Some(Standardization::of(x, n_features)),
        (_, Cells::F32(x)) => Some(Standardization::of(x, n_features)),
        (_, Cells::F64(x)) => Some(Standardization::of(x, n_features)),
    };
    if let Some(standardization) = standardization {
        let mut values = features.into_cells().into_f64().expect("sparse data are not standardized");
        standardization.apply(&mut values);
        let narrowing = may_move(metric).then(|| Narrowing::of(&values, n_features));
        if let Some(narrowing) = &narrowing {
            narrowing.apply(&mut values);
        }
        let data = Data::from_row_major(values.into_iter().map(T::lit).collect(), n_features)?;
        return Ok((data, Treatment { standardization: Some(standardization), narrowing }));
    }
    let narrowing = match features.cells() {
        Cells::F32(x) if may_move(metric) => Some(Narrowing::of(x, n_features)),
        Cells::F64(x) if may_move(metric) => Some(Narrowing::of(x, n_features)),
        _ => None,
    };
    let treatment = Treatment { standardization: None, narrowing };
    Ok((points_like(features, None, &treatment)?, treatment))
}

/// Features as points, their columns taken from these places, then treated as others were.
pub(crate) fn points_like<T: Scalar>(
    features: Matrix,
    places: Option<&[usize]>,
    treatment: &Treatment,
) -> Result<Data<T>, ShapeError> {
    fn arranged<X: Copy>(values: Vec<X>, places: Option<&[usize]>) -> Vec<X> {
        let Some(places) = places else { return values };
        values.chunks_exact(places.len()).flat_map(|row| places.iter().map(|&place| row[place])).collect()
    }
    let n_features = features.n_features();
    let Treatment { standardization, narrowing } = treatment;
    let is_left = standardization.is_none() && narrowing.is_none();
    let mut values = match features.into_cells() {
        Cells::U8(x) if is_left => return Data::from_bytes(arranged(x, places), n_features),
        Cells::F32(x) if is_left => {
            let x = arranged(x, places);
            return Data::from_row_major(x.into_iter().map(|x| T::lit(x.into())).collect(), n_features);
        }
        Cells::U8(x) => arranged(x, places).into_iter().map(f64::from).collect(),
        Cells::F32(x) => arranged(x, places).into_iter().map(f64::from).collect(),
        Cells::F64(x) => arranged(x, places),
        // Sparse data are not moved: zeros would not stay zeros.
        Cells::Sparse(x) => return Data::from_csr(csr(x, n_features, places)?),
    };
    if let Some(standardization) = standardization {
        standardization.apply(&mut values);
    }
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
            | Metric::Mahalanobis { .. }
            | Metric::Manhattan
            | Metric::Chebyshev
            | Metric::Minkowski { .. }
            | Metric::WeightedMinkowski { .. }
    )
}
