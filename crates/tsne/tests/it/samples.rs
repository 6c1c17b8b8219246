//! Containers of samples: equal values give the same rows and the same map, whatever holds them.

use tsne::core::ShapeError;
use tsne::{Csr, Points, Rows, Samples, Scalar, Seed, Tsne, init};
use tsne_testkit::{close, data};

const FLOWERS: usize = 150;

fn iris<T: Scalar>() -> Vec<[T; 4]> {
    let values: Vec<T> = data::iris().values_as();
    values.as_chunks::<4>().0.to_vec()
}

fn sparse_iris<T: Scalar>() -> Csr<T> {
    let offsets = (0..=FLOWERS).map(|i| 4 * i).collect();
    let columns = (0..FLOWERS).flat_map(|_| 0..4).collect();
    Csr::from_parts(4, offsets, columns, iris().as_flattened().to_vec()).expect("four entries a row")
}

/// The container holds the irises: value for value, and so for the map.
fn check<T: Scalar + close::Bits>(name: &str, samples: &impl Samples<T>) {
    let rows = samples.as_rows().expect(name);
    let (points, flowers) = (rows.points(), iris::<T>());
    assert_eq!((points.n_points(), points.n_features()), (FLOWERS, 4), "{name}: shape");
    let mut row = [T::default(); 4];
    for (i, flower) in flowers.iter().enumerate() {
        points.copy_row(i, &mut row);
        assert_eq!(&row, flower, "{name}: row {i}");
    }
    if matches!(points, Points::Dense(_)) {
        let map = |points| Tsne::new().n_iter(5).fit(points).expect(name).positions().to_vec();
        let plain = Points::try_from(&flowers[..]).expect("rectangular");
        close::assert_same_bits(&map(points), &map(plain), name);
    }
    let start: Vec<[T; 2]> = init::random_by_content(points, Seed(1));
    let plain = Points::try_from(&flowers[..]).expect("rectangular");
    close::assert_same_bits(&start, &init::random_by_content(plain, Seed(1)), name);
}

fn check_all<T: Scalar + close::Bits>() {
    let flowers = iris::<T>();
    let rows: Vec<Vec<T>> = flowers.iter().map(|row| row.to_vec()).collect();
    let points = Points::try_from(&flowers[..]).expect("rectangular");
    check("vector of arrays", &flowers);
    check("slice of arrays", &&flowers[..]);
    check("vector of vectors", &rows);
    check("slice of vectors", &&rows[..]);
    check("points", &points);
    check("rows again", &Rows::from(points));
    check("sparse matrix", &sparse_iris::<T>());
    let bytes = Rows::from_row_major(flowers.as_flattened().to_vec(), 4).expect("rectangular");
    check("rows of their own", &bytes);
}

#[test]
fn every_container_holds_the_same_points() {
    check_all::<f32>();
    check_all::<f64>();
}

#[test]
fn shapes_that_are_none_are_refused() {
    let ragged = vec![vec![1.0, 2.0], vec![3.0]];
    let error = ragged.as_rows().expect_err("the second row is short");
    assert!(matches!(error, ShapeError::LengthMismatch { expected: 2, got: 1, .. }), "{error}");
    let none: Vec<Vec<f64>> = Vec::new();
    assert_eq!(none.as_rows().expect_err("no rows, no features"), ShapeError::NoFeatures, "no rows");
    assert_eq!(
        vec![[0.0_f64; 0]; 3].as_rows().expect_err("no features"),
        ShapeError::NoFeatures,
        "no features"
    );
    assert_eq!(
        vec![vec![0.0_f32; 0]; 3].as_rows().expect_err("no features"),
        ShapeError::NoFeatures,
        "no features"
    );
    let no_rows: Vec<[f64; 3]> = Vec::new();
    assert_eq!(no_rows.as_rows().expect("no rows of three").points().n_points(), 0, "rows of a known length");
    let error = Rows::from_row_major(vec![1.0; 7], 2).expect_err("seven is odd");
    assert!(matches!(error, ShapeError::NotRectangular { .. }), "{error}");
}

#[cfg(feature = "nalgebra")]
#[test]
fn matrices_of_nalgebra_have_a_sample_a_row() {
    use nalgebra::{DMatrix, SMatrix};
    use nalgebra_sparse::CsrMatrix;

    let flowers = iris::<f64>();
    let matrix = DMatrix::from_fn(FLOWERS, 4, |i, j| flowers[i][j]);
    check("nalgebra, owned", &matrix);
    let wide =
        DMatrix::from_fn(
            2 * FLOWERS,
            6,
            |i, j| if i % 2 == 1 && j > 1 { flowers[i / 2][j - 2] } else { 0.0 },
        );
    check("nalgebra, a view with steps", &wide.view_with_steps((1, 2), (FLOWERS, 4), (1, 0)));
    check("nalgebra, fixed size", &SMatrix::<f64, FLOWERS, 4>::from_fn(|i, j| flowers[i][j]));
    let offsets = (0..=FLOWERS).map(|i| 4 * i).collect();
    let columns = (0..FLOWERS).flat_map(|_| 0..4).collect();
    let values = flowers.as_flattened().to_vec();
    let sparse =
        CsrMatrix::try_from_csr_data(FLOWERS, 4, offsets, columns, values).expect("four entries a row");
    check("nalgebra-sparse", &sparse);
    assert!(DMatrix::<f32>::zeros(3, 0).as_rows().is_err(), "no features");
}

#[cfg(feature = "ndarray")]
#[test]
fn arrays_of_ndarray_are_borrowed_where_they_can_be() {
    use ndarray::{Array2, ShapeBuilder as _};

    let flowers = iris::<f64>();
    let array = Array2::from_shape_fn((FLOWERS, 4), |(i, j)| flowers[i][j]);
    check("ndarray, owned", &array);
    check("ndarray, view", &array.view());
    let rows = Samples::as_rows(&array).expect("a matrix");
    let Points::Dense(points) = rows.points() else { panic!("dense points") };
    assert_eq!(points.as_slice().as_ptr(), array.as_ptr(), "an array in standard layout is not copied");
    let mut columns = Array2::zeros((FLOWERS, 4).f());
    columns.assign(&array);
    check("ndarray, column after column", &columns);
    check("ndarray, transposed", &columns.t().to_owned().t());
}

#[cfg(feature = "faer")]
#[test]
fn matrices_of_faer_have_a_sample_a_row() {
    let flowers = iris::<f32>();
    let matrix = faer::Mat::from_fn(FLOWERS, 4, |i, j| flowers[i][j]);
    check("faer, owned", &matrix);
    check("faer, view", &matrix.as_ref());
}
