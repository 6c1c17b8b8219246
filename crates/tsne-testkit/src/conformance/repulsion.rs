//! Conformance of `NegativeGradient` and `ReferenceField`.

use tsne_core::{BackendError, NegativeGradient, ReferenceField, Scalar, Seed, StudentT};

use super::{check_panics, check_refused};
use crate::close::{assert_close, assert_close_value, assert_forces_close, assert_same_bits};
use crate::data;
use crate::oracle::{self, Repulsion, TargetRepulsion, widened};
use crate::threads::assert_thread_invariant;

/// What a repulsion promises beyond the trait.
#[derive(Clone, Debug)]
pub struct RepulsionContract {
    force_error: f64,
    normalizer_error: f64,
    dofs: Vec<f64>,
    spans: Vec<f64>,
    sizes: Vec<usize>,
    n_parallel: usize,
}

impl RepulsionContract {
    /// Accurate to `force_error`, the norm of the error of all forces over the norm of the forces, and to
    /// `normalizer_error`, the relative error of Z.
    #[must_use]
    pub fn accurate_to(force_error: f64, normalizer_error: f64) -> Self {
        Self {
            force_error,
            normalizer_error,
            dofs: vec![1.0, 0.5, 2.0],
            spans: vec![1e-3, 2.0, 30.0, 150.0],
            sizes: vec![60, 500],
            n_parallel: 5000,
        }
    }

    /// Degrees of freedom that are checked; 1, 0.5 and 2 otherwise.
    #[must_use]
    pub fn with_dofs(self, dofs: &[f64]) -> Self {
        Self { dofs: dofs.to_vec(), ..self }
    }

    /// Spans of the maps on which accuracy is checked; 1e-3, 2, 30 and 150 otherwise. No map of any check is wider
    /// than the largest.
    #[must_use]
    pub fn with_spans(self, spans: &[f64]) -> Self {
        Self { spans: spans.to_vec(), ..self }
    }

    /// Numbers of points at which accuracy is checked; 60 and 500 otherwise.
    #[must_use]
    pub fn with_sizes(self, sizes: &[usize]) -> Self {
        Self { sizes: sizes.to_vec(), ..self }
    }

    /// Determinism is checked with `n` points, 5000 otherwise: take several chunks.
    #[must_use]
    pub fn with_parallel_points(self, n: usize) -> Self {
        Self { n_parallel: n, ..self }
    }

    /// `span`, or the largest of the spans promised where that is less.
    fn at_most(&self, span: f64) -> f64 {
        self.spans.iter().copied().fold(0.0, f64::max).min(span)
    }

    fn kernels(&self) -> impl Iterator<Item = StudentT> {
        self.dofs.iter().map(|&dof| StudentT::with_dof(dof).expect("legal degrees of freedom"))
    }
}

/// Checks a repulsion that `build` makes for a kernel, in one type and number of dimensions.
///
/// Accuracy against the oracle on uniform, clustered and shifted maps of several sizes and spans, for every kernel.
/// On few points, coincident ones and none: finite, and off by no more than the promised error times the largest force
/// so many points can exert. The kernel is the one asked for; forces are overwritten; NaN and infinite positions are
/// refused; unequal lengths panic; the same bits from a repeated call after another map, from a fresh instance, and
/// from 1, 2, 3 and 8 threads.
///
/// # Panics
/// With the first promise that is broken.
pub fn check_negative_gradient<T: Scalar, const D: usize, G: NegativeGradient<T, D>>(
    build: impl Fn(StudentT) -> Result<G, BackendError> + Sync,
    contract: &RepulsionContract,
) {
    let built = |kernel: StudentT| {
        build(kernel).unwrap_or_else(|error| panic!("a repulsion for dof {}: {error}", kernel.dof()))
    };
    for kernel in contract.kernels() {
        let dof = kernel.dof();
        let mut field = built(kernel);
        assert_eq!(field.kernel(), kernel, "kernel() is not the one it was built for");
        for &n in &contract.sizes {
            for &span in &contract.spans {
                let what = |map: &str| format!("D = {D}, dof {dof}, {n} points, {map} map of span {span}");
                let uniform = data::map::<T, D>(Seed(1), n, span);
                check_accuracy(&what("uniform"), &mut field, &uniform, kernel, contract);
                let clustered = data::clustered_map::<T, D>(Seed(2), n, span);
                check_accuracy(&what("clustered"), &mut field, &clustered, kernel, contract);
            }
        }
        check_degenerate::<T, D>(dof, &mut field, kernel, contract);
        check_translation::<T, D>(dof, &mut field, kernel, contract);
        check_illegal::<T, D>(dof, &mut field);
        check_repeatable::<T, D, G>(dof, &built, kernel, contract);
    }
    let kernel = contract.kernels().next().unwrap_or_default();
    let y = data::clustered_map::<T, D>(Seed(3), contract.n_parallel, contract.at_most(50.0));
    assert_thread_invariant("repulsion of many points", || repelled("many points", &mut built(kernel), &y));
}

fn check_accuracy<T: Scalar, const D: usize>(
    what: &str,
    field: &mut impl NegativeGradient<T, D>,
    y: &[[T; D]],
    kernel: StudentT,
    contract: &RepulsionContract,
) {
    let (forces, normalizer) = repelled(what, field, y);
    let want = oracle::repulsion(kernel, y);
    assert_forces_close(&forces, &want.forces, contract.force_error, what);
    let z = format!("{what}: Z");
    assert_close_value(normalizer, want.normalizer, contract.normalizer_error, 0.0, &z);
}

/// Few points, coincident points and none. Forces that cancel leave nothing to measure errors by, so they are measured
/// in what n points could do at most: a pair's force never exceeds 1/2, whatever the kernel.
fn check_degenerate<T: Scalar, const D: usize>(
    dof: f64,
    field: &mut impl NegativeGradient<T, D>,
    kernel: StudentT,
    contract: &RepulsionContract,
) {
    let at = |x: f64| [T::lit(x); D];
    let widest = contract.at_most(120.0);
    let mut twins = data::map::<T, D>(Seed(4), 90, contract.at_most(20.0));
    for i in (0..90).step_by(3) {
        twins[i + 1] = twins[i];
    }
    let mut outlier = data::map::<T, D>(Seed(5), 50, widest / 40.0);
    outlier[49] = at(0.98 * widest);
    let maps = [
        ("no points", vec![]),
        ("one point", vec![at(3.0)]),
        ("two points", vec![at(-0.5), at(0.75)]),
        ("two distant points", vec![at(-0.5 * widest), at(0.5 * widest)]),
        ("two coincident points", vec![at(0.25); 2]),
        ("three points on a line", vec![at(0.0), at(1.0), at(5.0)]),
        ("300 points at the origin", vec![at(0.0); 300]),
        ("300 points at one place", vec![at(7.25); 300]),
        ("every third point twice", twins),
        ("one far outlier", outlier),
    ];
    for (name, y) in maps {
        let what = format!("D = {D}, dof {dof}, {name}");
        let (forces, normalizer) = repelled(&what, field, &y);
        let Repulsion { forces: want, normalizer: z } = oracle::repulsion(kernel, &y);
        let most = 0.5 * (y.len() as f64).max(2.0);
        let (forces, want) = (forces.as_flattened(), want.as_flattened());
        assert_close(forces, want, 0.0, contract.force_error * most, &format!("{what}: forces"));
        assert_close_value(
            normalizer,
            z,
            contract.normalizer_error,
            contract.normalizer_error,
            &format!("{what}: Z"),
        );
    }
}

/// A shift without rounding changes nothing but rounding inside.
fn check_translation<T: Scalar, const D: usize>(
    dof: f64,
    field: &mut impl NegativeGradient<T, D>,
    kernel: StudentT,
    contract: &RepulsionContract,
) {
    let y = data::lattice_map::<T, D>(Seed(6), 300, contract.at_most(30.0));
    for shift in [0.0, 1024.0, -4096.0] {
        let shifted: Vec<[T; D]> = y.iter().map(|y| y.map(|x| x + T::lit(shift))).collect();
        let what = format!("D = {D}, dof {dof}, a map shifted by {shift}");
        check_accuracy(&what, field, &shifted, kernel, contract);
    }
}

fn check_illegal<T: Scalar, const D: usize>(dof: f64, field: &mut impl NegativeGradient<T, D>) {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for n in [1, 2, 60] {
            let mut y = data::map::<T, D>(Seed(7), n, 2.0);
            y[n - 1][D - 1] = T::lit(bad);
            let mut forces = vec![[T::default(); D]; n];
            let what = format!("D = {D}, dof {dof}, {n} points, one at {bad}");
            check_refused(&what, || field.repel(&y, &mut forces));
        }
    }
    let y = data::map::<T, D>(Seed(8), 10, 2.0);
    let mut short = vec![[T::default(); D]; 9];
    check_panics("ten positions and nine forces", || field.repel(&y, &mut short));
}

fn check_repeatable<T: Scalar, const D: usize, G: NegativeGradient<T, D>>(
    dof: f64,
    built: &impl Fn(StudentT) -> G,
    kernel: StudentT,
    contract: &RepulsionContract,
) {
    let what = format!("D = {D}, dof {dof}: repeated");
    let y = data::map::<T, D>(Seed(9), 400, contract.at_most(40.0));
    let mut field = built(kernel);
    let first = repelled(&what, &mut field, &y);
    for (n, span) in [(700, 3.0), (20, 120.0), (400, 90.0)] {
        let span = contract.at_most(span);
        repelled(&what, &mut field, &data::clustered_map::<T, D>(Seed(10), n, span));
        let again = repelled(&what, &mut field, &y);
        assert_same_bits(&again, &first, &format!("{what} after a map of {n} points and span {span}"));
    }
    let fresh = repelled(&what, &mut built(kernel), &y);
    assert_same_bits(&fresh, &first, &format!("{what} by another instance"));
}

/// Forces, widened, and normalizer; the forces written over a value that would be seen if it were kept or added to.
fn repelled<T: Scalar, const D: usize>(
    what: &str,
    field: &mut impl NegativeGradient<T, D>,
    y: &[[T; D]],
) -> (Vec<[f64; D]>, f64) {
    let mut forces = vec![[T::lit(1e6); D]; y.len()];
    let normalizer = field.repel(y, &mut forces).unwrap_or_else(|error| panic!("{what}: {error}"));
    (widened(&forces), normalizer)
}

/// Checks a field of frozen sources that `build` makes for a kernel, in one type and number of dimensions.
///
/// Accuracy against the oracle on several sizes and spans, for every kernel, with targets among the sources; a target
/// at the place of a source gets its whole force and its 1 in Z. Targets do not see each other, bit for bit; one a
/// million spans away gets finite values, and one in the bounds is treated as accurately; forces and normalizers are
/// overwritten; NaN and infinite targets are refused; unequal lengths panic; 1, 2, 3 and 8 threads give the same bits.
///
/// # Panics
/// With the first promise that is broken.
pub fn check_reference_field<T: Scalar, const D: usize>(
    build: impl Fn(StudentT, &[[T; D]]) -> Result<Box<dyn ReferenceField<T, D> + '_>, BackendError> + Sync,
    contract: &RepulsionContract,
) {
    for kernel in contract.kernels() {
        let dof = kernel.dof();
        for &n in &contract.sizes {
            for &span in &contract.spans {
                let what = format!("D = {D}, dof {dof}, {n} sources of span {span}");
                let sources = data::clustered_map::<T, D>(Seed(11), n, span);
                let field = built_field(&build, kernel, &sources);
                assert_eq!(field.kernel(), kernel, "kernel() is not the one it was built for");
                assert_eq!(field.n_references(), n, "{what}: n_references");
                let mut targets = data::map::<T, D>(Seed(12), 40, span);
                targets.extend_from_slice(&sources[..n.min(30)]);
                let together = check_targets(&what, &*field, kernel, &sources, &targets, contract);
                check_independent(&what, &*field, &targets, &together);
                check_bounds(&what, &*field, &sources);
                check_far(&what, &*field, span);
            }
        }
        check_few_sources::<T, D>(dof, &build, kernel, contract);
        check_illegal_targets::<T, D>(&build, kernel);
    }
    let kernel = contract.kernels().next().unwrap_or_default();
    let sources = data::clustered_map::<T, D>(Seed(13), contract.n_parallel, contract.at_most(50.0));
    let targets = data::map::<T, D>(Seed(14), contract.n_parallel, contract.at_most(50.0));
    assert_thread_invariant("repulsion on many targets", || {
        on_targets("many targets", &*built_field(&build, kernel, &sources), &targets)
    });
}

fn check_targets<T: Scalar, const D: usize>(
    what: &str,
    field: &dyn ReferenceField<T, D>,
    kernel: StudentT,
    sources: &[[T; D]],
    targets: &[[T; D]],
    contract: &RepulsionContract,
) -> (Vec<[f64; D]>, Vec<f64>) {
    let (forces, normalizers) = on_targets(what, field, targets);
    let want: TargetRepulsion<D> = oracle::reference_field(kernel, sources, targets);
    assert_forces_close(&forces, &want.forces, contract.force_error, what);
    let z = format!("{what}: Z of targets");
    assert_close(&normalizers, &want.normalizers, contract.normalizer_error, 0.0, &z);
    (forces, normalizers)
}

fn check_independent<T: Scalar, const D: usize>(
    what: &str,
    field: &dyn ReferenceField<T, D>,
    targets: &[[T; D]],
    together: &(Vec<[f64; D]>, Vec<f64>),
) {
    for (i, target) in targets.iter().enumerate() {
        let (force, normalizer) = on_targets(what, field, std::slice::from_ref(target));
        let (all, alone) = ((together.0[i], together.1[i]), (force[0], normalizer[0]));
        assert_same_bits(&alone, &all, &format!("{what}: target {i} alone against all at once"));
    }
    let reversed: Vec<[T; D]> = targets.iter().rev().copied().collect();
    let (mut forces, mut normalizers) = on_targets(what, field, &reversed);
    forces.reverse();
    normalizers.reverse();
    assert_same_bits(&(forces, normalizers), together, &format!("{what}: targets in reverse order"));
}

fn check_bounds<T: Scalar, const D: usize>(what: &str, field: &dyn ReferenceField<T, D>, sources: &[[T; D]]) {
    let Some(ball) = field.bounds() else { return };
    assert!(
        ball.radius.is_finite() && ball.center.iter().all(|x| x.is_finite()),
        "{what}: bounds {ball:?} are not finite"
    );
    for (i, source) in sources.iter().enumerate() {
        let d2: f64 = (0..D).map(|a| (source[a].to_f64() - ball.center[a]).powi(2)).sum();
        assert!(
            d2.sqrt() <= ball.radius * (1.0 + 1e-6),
            "{what}: source {i} lies outside the bounds {ball:?}"
        );
    }
}

fn check_far<T: Scalar, const D: usize>(what: &str, field: &dyn ReferenceField<T, D>, span: f64) {
    let targets = [[T::lit(1e6 * span); D], [T::lit(-1e6 * span); D], [T::lit(1e30); D]];
    let (forces, normalizers) = on_targets(what, field, &targets);
    let finite =
        forces.as_flattened().iter().all(|x| x.is_finite()) && normalizers.iter().all(|z| z.is_finite());
    assert!(finite, "{what}: far targets get {forces:?} and {normalizers:?}");
}

fn check_few_sources<T: Scalar, const D: usize>(
    dof: f64,
    build: &impl Fn(StudentT, &[[T; D]]) -> Result<Box<dyn ReferenceField<T, D> + '_>, BackendError>,
    kernel: StudentT,
    contract: &RepulsionContract,
) {
    let at = |x: f64| [T::lit(x); D];
    let cases = [
        ("one source", vec![at(1.0)]),
        ("two sources", vec![at(-1.0), at(2.0)]),
        ("200 sources at one place", vec![at(7.25); 200]),
    ];
    for (name, sources) in cases {
        let what = format!("D = {D}, dof {dof}, {name}");
        let field = built_field(build, kernel, &sources);
        let targets = [sources[0], at(0.5), at(-3.0)];
        let (forces, normalizers) = on_targets(&what, &*field, &targets);
        let want = oracle::reference_field(kernel, &sources, &targets);
        let most = 0.5 * (sources.len() as f64).max(2.0);
        let (got, wanted) = (forces.as_flattened(), want.forces.as_flattened());
        assert_close(got, wanted, 0.0, contract.force_error * most, &format!("{what}: forces"));
        let error = contract.normalizer_error;
        assert_close(&normalizers, &want.normalizers, error, error, &format!("{what}: Z"));
    }
}

fn check_illegal_targets<T: Scalar, const D: usize>(
    build: &impl Fn(StudentT, &[[T; D]]) -> Result<Box<dyn ReferenceField<T, D> + '_>, BackendError>,
    kernel: StudentT,
) {
    let sources = data::map::<T, D>(Seed(15), 60, 2.0);
    let field = built_field(build, kernel, &sources);
    let mut targets = data::map::<T, D>(Seed(16), 9, 2.0);
    let (mut forces, mut normalizers) = (vec![[T::default(); D]; 9], vec![0.0; 9]);
    check_panics("nine targets and eight forces", || {
        field.repel_targets(&targets, &mut [[T::default(); D]; 8], &mut [0.0; 9])
    });
    check_panics("nine targets and eight normalizers", || {
        field.repel_targets(&targets, &mut [[T::default(); D]; 9], &mut [0.0; 8])
    });
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        targets[8][D - 1] = T::lit(bad);
        check_refused(&format!("D = {D}, a target at {bad}"), || {
            field.repel_targets(&targets, &mut forces, &mut normalizers)
        });
    }
    on_targets("no targets", &*field, &[]);
}

fn built_field<'a, T: Scalar, const D: usize>(
    build: &impl Fn(StudentT, &'a [[T; D]]) -> Result<Box<dyn ReferenceField<T, D> + 'a>, BackendError>,
    kernel: StudentT,
    sources: &'a [[T; D]],
) -> Box<dyn ReferenceField<T, D> + 'a> {
    build(kernel, sources)
        .unwrap_or_else(|error| panic!("a field of {} sources, dof {}: {error}", sources.len(), kernel.dof()))
}

fn on_targets<T: Scalar, const D: usize>(
    what: &str,
    field: &dyn ReferenceField<T, D>,
    targets: &[[T; D]],
) -> (Vec<[f64; D]>, Vec<f64>) {
    let mut forces = vec![[T::lit(1e6); D]; targets.len()];
    let mut normalizers = vec![1e6; targets.len()];
    if let Err(error) = field.repel_targets(targets, &mut forces, &mut normalizers) {
        panic!("{what}: {error}");
    }
    (widened(&forces), normalizers)
}
