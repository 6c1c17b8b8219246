//! The traits are object-safe, go through every pointer without losing a method, and are Send and Sync where promised.

use std::sync::Arc;

use tsne_core::{
    Affinities, AffinityRow, BackendError, Ball, Control, Csr, KnnGraph, NegativeGradient, NeighborIndex,
    NeighborQuery, NewAffinities, NewRows, Points, ReferenceField, Scalar, StudentT, ToNew,
};

/// Answers that no default gives, so that a method that is not forwarded is seen.
struct Index;

impl<T: Scalar> NeighborIndex<T> for Index {
    fn n_points(&self) -> usize {
        7
    }

    fn knn_graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, BackendError> {
        control.tick(0, 1)?;
        Ok(KnnGraph::from_parts(k, vec![3; k], vec![T::lit(0.5); k]).expect("one row"))
    }
}

impl<T: Scalar> NeighborQuery<T> for Index {
    fn n_features(&self) -> usize {
        11
    }

    fn query(
        &self,
        queries: Points<'_, T>,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, BackendError> {
        control.tick(0, 1)?;
        let entries = queries.n_points() * k;
        Ok(KnnGraph::from_parts(k, vec![5; entries], vec![T::lit(0.25); entries]).expect("k a query"))
    }
}

fn use_index<T: Scalar>(index: impl NeighborIndex<T>) {
    assert_eq!(index.n_points(), 7, "n_points");
    let graph = index.knn_graph(2, &Control::NONE).expect("no hook stops it");
    assert_eq!(graph.row(0), (&[3, 3][..], &[T::lit(0.5); 2][..]), "knn_graph");
    let stop = |_| std::ops::ControlFlow::Break(());
    assert!(
        index.knn_graph(2, &Control::new(&stop)).is_err_and(|e| e.is_interrupted()),
        "control reaches it"
    );
}

fn use_query<T: Scalar>(index: impl NeighborQuery<T>) {
    assert_eq!(index.n_features(), 11, "n_features");
    let values = [T::default(); 22];
    let queries = Points::from_row_major(&values, 11).expect("two rows");
    let graph = index.query(queries, 3, &Control::NONE).expect("no hook stops it");
    assert_eq!((graph.n_points(), graph.row(1).0), (2, &[5; 3][..]), "query");
    let stop = |_| std::ops::ControlFlow::Break(());
    assert!(index.query(queries, 3, &Control::new(&stop)).is_err_and(|e| e.is_interrupted()), "control");
    use_index(index);
}

fn indexes<T: Scalar>() {
    use_query::<T>(Index);
    use_query::<T>(&Index);
    use_query::<T>(Box::new(Index));
    use_query::<T>(Arc::new(Index));
    use_query::<T>(&Index as &dyn NeighborQuery<T>);
    use_query::<T>(Box::new(Index) as Box<dyn NeighborQuery<T>>);
    use_query::<T>(Arc::new(Index) as Arc<dyn NeighborQuery<T>>);
    use_index::<T>(&Index as &dyn NeighborIndex<T>);
    use_index::<T>(Box::new(Index) as Box<dyn NeighborIndex<T>>);
    use_index::<T>(Arc::new(Index) as Arc<dyn NeighborIndex<T>>);
    // An object that answers queries serves where an index is asked for.
    let query: Box<dyn NeighborQuery<T>> = Box::new(Index);
    let index: Box<dyn NeighborIndex<T>> = query;
    use_index(index);
    use_index::<T>(&&&Box::new(Arc::new(Index)));
}

#[test]
fn indexes_go_through_every_pointer() {
    indexes::<f32>();
    indexes::<f64>();
}

/// One row over five references, and rows for new points.
struct Rectangle<T>(Csr<T>);

impl<T: Scalar> Rectangle<T> {
    fn new() -> Self {
        Self(Csr::from_parts(5, vec![0, 2], vec![1, 4], vec![T::lit(0.25), T::lit(0.75)]).expect("legal"))
    }
}

impl<T: Scalar> Affinities<T> for Rectangle<T> {
    fn n_points(&self) -> usize {
        1
    }

    fn n_references(&self) -> usize {
        5
    }

    fn row(&self, i: usize) -> AffinityRow<'_, T> {
        Affinities::row(&self.0, i)
    }

    fn into_csr(self: Box<Self>) -> Csr<T> {
        self.0
    }
}

impl<T: Scalar> ToNew<T> for Rectangle<T> {
    fn to_new(
        &self,
        index: &dyn NeighborQuery<T>,
        points: Points<'_, T>,
        request: &NewRows,
        control: &Control<'_>,
    ) -> Result<NewAffinities<T>, BackendError> {
        let neighbors = index.query(points, request.min_neighbors, control)?;
        Ok(NewAffinities { rows: self.0.clone(), neighbors })
    }
}

fn use_affinities<T: Scalar>(affinities: impl Affinities<T>) -> Csr<T> {
    assert_eq!((affinities.n_points(), affinities.n_references()), (1, 5), "shape");
    assert_eq!(affinities.row(0).columns, [1, 4], "columns");
    let csr = Box::new(affinities).into_csr();
    assert_eq!(csr, Rectangle::new().0, "the whole matrix");
    csr
}

fn use_to_new<T: Scalar>(affinities: impl ToNew<T>) -> Csr<T> {
    let values = [T::default(); 11];
    let points = Points::from_row_major(&values, 11).expect("one row");
    let mut request = NewRows::default();
    request.min_neighbors = 4;
    let new = affinities.to_new(&Index, points, &request, &Control::NONE).expect("no hook stops it");
    assert_eq!((new.rows, new.neighbors.k()), (Rectangle::new().0, 4), "rows for new points");
    use_affinities(affinities)
}

/// Where the storage of a matrix lies: the same before and after if it was moved, another if it was copied.
fn address<T: Scalar>(csr: &Csr<T>) -> *const T {
    csr.values().as_ptr()
}

fn affinities<T: Scalar>() {
    let rectangle = Rectangle::<T>::new();
    let at = address(&rectangle.0);
    assert_ne!(address(&use_to_new(&rectangle)), at, "a reference must copy");
    assert_ne!(address(&use_to_new(&rectangle as &dyn ToNew<T>)), at, "a reference must copy");
    assert_eq!(address(&use_to_new(rectangle)), at, "the matrix itself moves");

    let boxed: Box<dyn ToNew<T>> = Box::new(Rectangle::new());
    use_to_new(boxed);
    let shared = Arc::new(Rectangle::<T>::new());
    let at = address(&shared.0);
    assert_ne!(address(&use_to_new(Arc::clone(&shared))), at, "a shared matrix must copy");
    assert_ne!(address(&use_to_new(shared as Arc<dyn ToNew<T>>)), at, "a shared matrix must copy");

    let rectangle = Rectangle::<T>::new();
    let at = address(&rectangle.0);
    let boxed: Box<dyn Affinities<T>> = Box::new(rectangle);
    assert_eq!(address(&use_affinities(boxed)), at, "a boxed matrix moves");
    let rectangle = Rectangle::<T>::new();
    let at = address(&rectangle.0);
    let twice: Box<Box<dyn Affinities<T>>> = Box::new(Box::new(rectangle));
    assert_eq!(address(&twice.into_csr()), at, "a twice boxed matrix moves");
    // What extends to new points serves where affinities are asked for.
    let to_new: Box<dyn ToNew<T>> = Box::new(Rectangle::new());
    let affinities: Box<dyn Affinities<T>> = to_new;
    use_affinities(affinities);
}

#[test]
fn affinities_go_through_every_pointer_and_boxes_move() {
    affinities::<f32>();
    affinities::<f64>();
}

/// Row and shape alone, which is all a plug-in must give.
struct Diagonal;

impl Affinities<f32> for Diagonal {
    fn n_points(&self) -> usize {
        3
    }

    fn row(&self, i: usize) -> AffinityRow<'_, f32> {
        AffinityRow { columns: &[[0], [1], [2]][i], values: &[1.0] }
    }
}

#[test]
fn the_matrix_of_plain_rows_is_copied_row_by_row() {
    assert_eq!(Diagonal.n_references(), 3, "square unless stated otherwise");
    let csr = Box::new(Diagonal).into_csr();
    assert_eq!(csr.into_parts(), (3, vec![0, 1, 2, 3], vec![0, 1, 2], vec![1.0; 3]), "identity");
}

/// Counts its calls in the forces; its kernel is not the default.
#[derive(Default)]
struct Counter(u8);

fn lighter() -> StudentT {
    StudentT::with_dof(2.5).expect("legal")
}

impl<T: Scalar, const D: usize> NegativeGradient<T, D> for Counter {
    fn kernel(&self) -> StudentT {
        lighter()
    }

    fn repel(&mut self, y: &[[T; D]], forces: &mut [[T; D]]) -> Result<f64, BackendError> {
        self.0 += 1;
        forces.fill([T::lit(f64::from(self.0)); D]);
        Ok(y.len() as f64)
    }
}

fn use_gradient<T: Scalar, const D: usize>(mut gradient: impl NegativeGradient<T, D>) {
    assert_eq!(gradient.kernel(), lighter(), "kernel");
    let mut forces = [[T::default(); D]; 4];
    assert_eq!(gradient.repel(&[[T::default(); D]; 4], &mut forces).expect("never fails"), 4.0, "Z");
    assert_eq!(forces, [[T::lit(1.0); D]; 4], "forces");
}

fn gradients<T: Scalar, const D: usize>() {
    use_gradient::<T, D>(Counter::default());
    use_gradient::<T, D>(&mut Counter::default());
    use_gradient::<T, D>(Box::new(Counter::default()));
    use_gradient::<T, D>(&mut Counter::default() as &mut dyn NegativeGradient<T, D>);
    use_gradient::<T, D>(Box::new(Counter::default()) as Box<dyn NegativeGradient<T, D>>);
    // State is kept behind a pointer that is passed on.
    let mut counter = Counter::default();
    use_gradient::<T, D>(&mut counter);
    assert_eq!(counter.0, 1, "the call reached the counter itself");
}

#[test]
fn repulsions_go_through_every_pointer() {
    gradients::<f32, 1>();
    gradients::<f32, 2>();
    gradients::<f32, 3>();
    gradients::<f64, 1>();
    gradients::<f64, 2>();
    gradients::<f64, 3>();
}

struct Constant;

impl<T: Scalar, const D: usize> ReferenceField<T, D> for Constant {
    fn kernel(&self) -> StudentT {
        lighter()
    }

    fn n_references(&self) -> usize {
        9
    }

    fn repel_targets(
        &self,
        _targets: &[[T; D]],
        forces: &mut [[T; D]],
        normalizers: &mut [f64],
    ) -> Result<(), BackendError> {
        forces.fill([T::lit(2.0); D]);
        normalizers.fill(3.0);
        Ok(())
    }

    fn bounds(&self) -> Option<Ball<D>> {
        Some(Ball { center: [1.0; D], radius: 4.0 })
    }
}

fn use_field<T: Scalar, const D: usize>(field: impl ReferenceField<T, D>) {
    assert_eq!((field.kernel(), field.n_references()), (lighter(), 9), "kernel and n_references");
    assert_eq!(field.bounds(), Some(Ball { center: [1.0; D], radius: 4.0 }), "bounds");
    let (mut forces, mut normalizers) = ([[T::default(); D]; 2], [0.0; 2]);
    field.repel_targets(&[[T::default(); D]; 2], &mut forces, &mut normalizers).expect("never fails");
    assert_eq!((forces, normalizers), ([[T::lit(2.0); D]; 2], [3.0; 2]), "repel_targets");
}

fn fields<T: Scalar, const D: usize>() {
    use_field::<T, D>(Constant);
    use_field::<T, D>(&Constant);
    use_field::<T, D>(Box::new(Constant));
    use_field::<T, D>(Arc::new(Constant));
    use_field::<T, D>(&Constant as &dyn ReferenceField<T, D>);
    use_field::<T, D>(Box::new(Constant) as Box<dyn ReferenceField<T, D>>);
    use_field::<T, D>(Arc::new(Constant) as Arc<dyn ReferenceField<T, D>>);
}

#[test]
fn fields_go_through_every_pointer() {
    fields::<f32, 1>();
    fields::<f32, 2>();
    fields::<f32, 3>();
    fields::<f64, 1>();
    fields::<f64, 2>();
    fields::<f64, 3>();
}

/// What must be overridden and what need not.
struct Least;

impl NegativeGradient<f64, 2> for Least {
    fn repel(&mut self, _: &[[f64; 2]], _: &mut [[f64; 2]]) -> Result<f64, BackendError> {
        Ok(1.0)
    }
}

impl ReferenceField<f64, 2> for Least {
    fn n_references(&self) -> usize {
        0
    }

    fn repel_targets(&self, _: &[[f64; 2]], _: &mut [[f64; 2]], _: &mut [f64]) -> Result<(), BackendError> {
        Ok(())
    }
}

#[test]
fn defaults_are_the_usual_kernel_and_no_bounds() {
    assert_eq!(NegativeGradient::kernel(&Least), StudentT::CAUCHY, "kernel of a repulsion");
    assert_eq!(ReferenceField::kernel(&Least), StudentT::CAUCHY, "kernel of a field");
    assert_eq!(Least.bounds(), None, "bounds of a field");
}

fn send<T: Send + ?Sized>() {}
fn shared<T: Send + Sync + ?Sized>() {}

#[test]
fn what_threads_share_is_send_and_sync() {
    shared::<dyn NeighborIndex<f32>>();
    shared::<dyn NeighborQuery<f64>>();
    shared::<dyn Affinities<f32>>();
    shared::<dyn ToNew<f64>>();
    shared::<dyn ReferenceField<f32, 2>>();
    // A repulsion keeps scratch: it moves between threads and is not shared.
    send::<dyn NegativeGradient<f64, 3>>();
    shared::<BackendError>();
    shared::<Control<'static>>();
    shared::<Points<'static, f32>>();
    shared::<KnnGraph<f64>>();
    shared::<Csr<f32>>();
}
