//! Broken affinities and broken rows for new points.

use tsne_core::{
    Affinities, AffinityRow, BackendError, Control, Csr, NeighborQuery, NewAffinities, NewRows, Points,
    Scalar, Seed, ToNew,
};
use tsne_testkit::conformance::{check_affinities, check_new_rows, check_to_new};
use tsne_testkit::data;

use super::fails;
use crate::plain::{BruteForce, Uniform};

/// A matrix that promises nothing, and may give another one away.
struct Loose {
    n_references: usize,
    rows: Vec<(Vec<u32>, Vec<f32>)>,
    given_away: Option<Csr<f32>>,
}

impl Affinities<f32> for Loose {
    fn n_points(&self) -> usize {
        self.rows.len()
    }

    fn n_references(&self) -> usize {
        self.n_references
    }

    fn row(&self, i: usize) -> AffinityRow<'_, f32> {
        let (columns, values) = &self.rows[i];
        AffinityRow { columns, values }
    }

    fn into_csr(self: Box<Self>) -> Csr<f32> {
        self.given_away.expect("set where the check comes so far")
    }
}

fn loose(rows: &[(&[u32], &[f32])]) -> Loose {
    let rows = rows.iter().map(|&(columns, values)| (columns.to_vec(), values.to_vec())).collect();
    Loose { n_references: 3, rows, given_away: None }
}

fn joint_fails(reason: &str, rows: &[(&[u32], &[f32])]) {
    fails(reason, || check_affinities(loose(rows)));
}

#[test]
fn rows_of_a_matrix_out_of_shape() {
    let right: &[u32] = &[0, 2];
    joint_fails("square", &[(right, &[0.5, 0.5])]);
    joint_fails("columns and values differ", &[(&[1], &[0.5, 0.5]), (&[], &[]), (&[], &[])]);
    joint_fails("column 1 follows 2", &[(&[2, 1], &[0.5, 0.5]), (&[], &[]), (&[], &[])]);
    joint_fails("column 1 follows 1", &[(&[1, 1], &[0.5, 0.5]), (&[], &[]), (&[], &[])]);
    joint_fails("column 3 of 3", &[(&[3], &[0.5]), (&[], &[]), (&[], &[])]);
}

#[test]
fn values_that_are_no_distribution() {
    joint_fails("row 0, column 1: affinity NaN", &[(&[1], &[f32::NAN]), (&[0], &[0.5]), (&[], &[])]);
    joint_fails("row 0, column 1: affinity -0.5", &[(&[1], &[-0.5]), (&[0], &[-0.5]), (&[], &[])]);
    joint_fails("row 2: 5e-1 on the diagonal", &[(&[1], &[0.25]), (&[0], &[0.25]), (&[2], &[0.5])]);
    joint_fails("p[0, 1] is 7.5e-1, but p[1, 0] is 2.5e-1", &[(&[1], &[0.75]), (&[0], &[0.25]), (&[], &[])]);
    joint_fails("p[0, 1] is 1e0, but p[1, 0] is 0e0", &[(&[1], &[1.0]), (&[], &[]), (&[], &[])]);
    joint_fails("the sum of all affinities is 2.0", &[(&[1], &[1.0]), (&[0], &[1.0]), (&[], &[])]);
}

#[test]
fn another_matrix_given_away() {
    let mut affinities = loose(&[(&[1], &[0.5]), (&[0], &[0.5]), (&[], &[])]);
    let other = Csr::from_parts(3, vec![0, 1, 2, 2], vec![2, 0], vec![0.5, 0.5]).expect("legal");
    affinities.given_away = Some(other);
    fails("row 0 given away", || check_affinities(affinities));
    let mut affinities = loose(&[(&[1], &[0.5]), (&[0], &[0.5]), (&[], &[])]);
    affinities.given_away =
        Some(Csr::from_parts(2, vec![0, 1, 2], vec![1, 0], vec![0.5, 0.5]).expect("legal"));
    fails("shape given away", || check_affinities(affinities));
}

#[test]
fn new_rows_that_do_not_sum_to_one() {
    fails("the sum of row 1 is 0.75", || check_new_rows(loose(&[(&[1], &[1.0]), (&[0], &[0.75])])));
    fails("the sum of row 0 is 0", || check_new_rows(loose(&[(&[], &[])])));
}

type Rows = fn(
    &Uniform<f64>,
    &dyn NeighborQuery<f64>,
    Points<'_, f64>,
    &NewRows,
    &Control<'_>,
) -> Result<NewAffinities<f64>, BackendError>;

/// Right affinities with wrong rows for new points.
struct Broken {
    right: Uniform<f64>,
    rows: Rows,
}

impl Affinities<f64> for Broken {
    fn n_points(&self) -> usize {
        self.right.n_points()
    }

    fn row(&self, i: usize) -> AffinityRow<'_, f64> {
        self.right.row(i)
    }
}

impl ToNew<f64> for Broken {
    fn to_new(
        &self,
        index: &dyn NeighborQuery<f64>,
        points: Points<'_, f64>,
        request: &NewRows,
        control: &Control<'_>,
    ) -> Result<NewAffinities<f64>, BackendError> {
        (self.rows)(&self.right, index, points, request, control)
    }
}

fn new_fails(reason: &str, rows: Rows) {
    let reference = data::blobs(Seed(1), 40, 4, 2);
    let new = data::blobs(Seed(2), 9, 4, 2);
    let broken = Broken { right: Uniform::of(reference.points(), 5), rows };
    let index = BruteForce { points: reference.points() };
    fails(reason, || check_to_new(&broken, &index, new.points(), &NewRows::default()));
}

/// The rows with every value changed.
fn scaled(new: NewAffinities<f64>, factor: impl Fn(usize) -> f64) -> NewAffinities<f64> {
    let (n_columns, offsets, columns, mut values) = new.rows.into_parts();
    values.iter_mut().enumerate().for_each(|(at, value)| *value *= factor(at));
    let rows = Csr::from_parts(n_columns, offsets, columns, values).expect("the shape is kept");
    NewAffinities { rows, neighbors: new.neighbors }
}

#[test]
fn new_rows_of_the_wrong_shape_or_sum() {
    new_fails("rows for new points", |right, index, points, request, control| {
        let mut new = right.to_new(index, points, request, control)?;
        new.rows = right.joint.clone();
        Ok(new)
    });
    new_fails("columns of rows for new points", |right, index, points, request, control| {
        let mut new = right.to_new(index, points, request, control)?;
        let (n_columns, offsets, columns, values) = new.rows.into_parts();
        new.rows = Csr::from_parts(n_columns + 1, offsets, columns, values).expect("legal");
        Ok(new)
    });
    new_fails("the sum of row 0 is 0.5", |right, index, points, request, control| {
        Ok(scaled(right.to_new(index, points, request, control)?, |_| 0.5))
    });
}

#[test]
fn too_few_neighbors_returned_or_rows_changed_by_them() {
    new_fails("at least 25 were asked for", |right, index, points, request, control| {
        let mut request = request.clone();
        request.min_neighbors = 0;
        right.to_new(index, points, &request, control)
    });
    new_fails("rows with another min_neighbors", |right, index, points, request, control| {
        let mut request = request.clone();
        request.n_neighbors = Some(request.min_neighbors.clamp(5, 40));
        right.to_new(index, points, &request, control)
    });
    new_fails("rows of neighbors for new points", |right, index, points, request, control| {
        let mut new = right.to_new(index, points, request, control)?;
        new.neighbors = index.knn_graph(5, control)?;
        Ok(new)
    });
}

#[test]
fn new_points_that_see_each_other() {
    // Two halves exchange a bit when there is more than one row, which leaves the sums at 1.
    new_fails("alone against all at once", |right, index, points, request, control| {
        let new = right.to_new(index, points, request, control)?;
        let several = points.n_points() > 1;
        Ok(scaled(new, |at| if several && at == 0 { 1.0 + f64::EPSILON } else { 1.0 }))
    });
    new_fails("2 threads against 1", |right, index, points, request, control| {
        let new = right.to_new(index, points, request, control)?;
        // The pool of the test runner itself has neither one nor three threads of ours.
        let three = rayon::current_num_threads() == 2 && points.n_points() > 1;
        let in_own_pool = std::thread::current().name().is_none();
        Ok(scaled(new, |at| if three && in_own_pool && at == 0 { 1.0 + f64::EPSILON } else { 1.0 }))
    });
}

#[test]
fn illegal_new_points_accepted_or_unstoppable() {
    new_fails("a feature too many: accepted", |right, index, points, request, control| {
        let zeros = vec![0.0; index.n_features()];
        let legal = points.n_features() == index.n_features();
        let zeros = Points::from_row_major(&zeros, index.n_features()).expect("a row");
        right.to_new(index, if legal { points } else { zeros }, request, control)
    });
    new_fails("a new point with NaN: panicked", |right, index, points, request, control| {
        assert!(points.check_finite().is_ok(), "not finite");
        right.to_new(index, points, request, control)
    });
    new_fails("rows for 0 new points", |right, index, points, request, control| {
        if points.n_points() == 0 {
            return Err(BackendError::new("empty"));
        }
        right.to_new(index, points, request, control)
    });
    new_fails("never called its hook", |right, index, points, request, _| {
        right.to_new(index, points, request, &Control::NONE)
    });
}

#[test]
fn roundings_of_the_type_are_forgiven() {
    // Three parts in f32 do not sum to 1 exactly.
    let third = f32::lit(1.0 / 3.0);
    let rows = Csr::from_parts(3, vec![0, 3], vec![0, 1, 2], vec![third; 3]).expect("legal");
    check_new_rows(rows);
}
