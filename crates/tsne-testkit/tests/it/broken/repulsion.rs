//! Broken repulsions and broken fields of frozen sources.

use tsne_core::{BackendError, Ball, NegativeGradient, ReferenceField, StudentT};
use tsne_testkit::conformance::{RepulsionContract, check_negative_gradient, check_reference_field};

use super::fails;
use crate::plain::{AllPairs, AllSources};

type Map<'a> = &'a [[f64; 2]];
type Forces<'a> = &'a mut [[f64; 2]];
type Repel = fn(&mut AllPairs, &mut Memory, Map<'_>, Forces<'_>) -> Result<f64, BackendError>;

/// What a broken repulsion keeps between calls.
#[derive(Default)]
struct Memory {
    calls: usize,
    widest: f64,
}

struct Broken {
    right: AllPairs,
    memory: Memory,
    kernel: StudentT,
    repel: Repel,
}

impl NegativeGradient<f64, 2> for Broken {
    fn kernel(&self) -> StudentT {
        self.kernel
    }

    fn repel(&mut self, y: &[[f64; 2]], forces: &mut [[f64; 2]]) -> Result<f64, BackendError> {
        (self.repel)(&mut self.right, &mut self.memory, y, forces)
    }
}

/// Exact to 1e-9, on fewer and smaller maps than usual.
fn contract() -> RepulsionContract {
    RepulsionContract::accurate_to(1e-9, 1e-9)
        .with_dofs(&[1.0, 0.5])
        .with_sizes(&[50])
        .with_spans(&[2.0, 100.0])
        .with_parallel_points(300)
}

fn gradient_fails(reason: &str, repel: Repel) {
    fails(reason, || {
        let build = |kernel| Broken { right: AllPairs { kernel }, memory: Memory::default(), kernel, repel };
        check_negative_gradient(|kernel| Ok(build(kernel)), &contract());
    });
}

#[test]
fn another_kernel_than_asked_for() {
    fails("kernel() is not the one", || {
        let repel: Repel = |right, _, y, forces| right.repel(y, forces);
        let build = |kernel| Broken {
            right: AllPairs { kernel },
            memory: Memory::default(),
            kernel: StudentT::CAUCHY,
            repel,
        };
        check_negative_gradient(|kernel| Ok(build(kernel)), &contract());
    });
    gradient_fails("dof 0.5, 50 points, uniform map of span 2: relative error", |_, _, y, forces| {
        AllPairs { kernel: StudentT::CAUCHY }.repel(y, forces)
    });
}

#[test]
fn forces_added_to_what_was_there() {
    gradient_fails("relative error", |right, _, y, forces| {
        let mut new = vec![[0.0; 2]; y.len()];
        let normalizer = right.repel(y, &mut new)?;
        forces.iter_mut().zip(new).for_each(|(force, new)| *force = [force[0] + new[0], force[1] + new[1]]);
        Ok(normalizer)
    });
}

#[test]
fn forces_off_by_more_than_promised() {
    gradient_fails("relative error 1.99", |right, _, y, forces| {
        let normalizer = right.repel(y, forces)?;
        forces.iter_mut().for_each(|force| *force = force.map(|x| -x * 0.99999));
        Ok(normalizer)
    });
    gradient_fails("worst is point 7", |right, _, y, forces| {
        let normalizer = right.repel(y, forces)?;
        if let Some(force) = forces.get_mut(7) {
            force[1] += 0.1;
        }
        Ok(normalizer)
    });
    gradient_fails("relative error", |right, _, y, forces| {
        let normalizer = right.repel(y, forces)?;
        forces.iter_mut().for_each(|force| *force = force.map(|x| x / normalizer));
        Ok(normalizer)
    });
}

#[test]
fn a_wrong_normalizer() {
    gradient_fails("uniform map of span 2: Z is", |right, _, y, forces| {
        // Counts every point on itself.
        Ok(right.repel(y, forces)? + y.len() as f64)
    });
    gradient_fails("uniform map of span 2: Z is", |right, _, y, forces| Ok(0.5 * right.repel(y, forces)?));
}

#[test]
fn coincident_points_forgotten() {
    // Leaves out what lies at distance 0 instead of the point itself.
    gradient_fails("two coincident points: Z is", |right, _, y, forces| {
        let mut normalizer = right.repel(y, forces)?;
        for (i, a) in y.iter().enumerate() {
            normalizer -= y.iter().enumerate().filter(|&(j, b)| i != j && a == b).count() as f64;
        }
        Ok(normalizer)
    });
}

#[test]
fn rounding_that_grows_with_the_distance_from_the_origin() {
    gradient_fails("a map shifted by 1024", |right, _, y, forces| {
        let normalizer = right.repel(y, forces)?;
        for (y, force) in y.iter().zip(forces) {
            force[0] += 1e-10 * (y[0] * y[0] + y[1] * y[1]).powi(2) / 1e9;
        }
        Ok(normalizer)
    });
}

#[test]
fn no_points_refused_or_badly_placed_ones_accepted() {
    gradient_fails("no points: empty", |right, _, y, forces| {
        if y.is_empty() { Err(BackendError::new("empty")) } else { right.repel(y, forces) }
    });
    gradient_fails("1 points, one at NaN: accepted", |right, _, y, forces| {
        let finite: Vec<[f64; 2]> = y.iter().map(|y| y.map(|x| if x.is_nan() { 0.0 } else { x })).collect();
        right.repel(&finite, forces)
    });
    gradient_fails("1 points, one at inf: panicked", |right, _, y, forces| {
        assert!(y.as_flattened().iter().all(|x| x.abs() < f64::INFINITY || x.is_nan()), "infinite");
        right.repel(y, forces)
    });
    gradient_fails("ten positions and nine forces: must panic", |right, _, y, forces| {
        let n = y.len().min(forces.len());
        right.repel(&y[..n], &mut forces[..n])
    });
}

#[test]
fn results_that_depend_on_earlier_calls_or_on_threads() {
    gradient_fails("repeated after a map of", |right, memory, y, forces| {
        memory.widest = y.as_flattened().iter().fold(memory.widest, |m, x| m.max(x.abs()));
        Ok(right.repel(y, forces)? * (1.0 + 1e-13 * memory.widest))
    });
    gradient_fails("repeated by another instance", |right, memory, y, forces| {
        // The same bits as long as the instance lives, for this map.
        memory.calls += 1;
        let normalizer = right.repel(y, forces)?;
        thread_local!(static INSTANCE: std::cell::Cell<f64> = const { std::cell::Cell::new(0.0) });
        if memory.calls == 1 {
            INSTANCE.set(INSTANCE.get() + 1e-12);
        }
        Ok(normalizer * (1.0 + INSTANCE.get()))
    });
    gradient_fails("repulsion of many points: 2 threads against 1", |right, _, y, forces| {
        Ok(right.repel(y, forces)? * (1.0 + 1e-14 * rayon::current_num_threads() as f64))
    });
}

type OnTargets = fn(&AllSources<'_, f64, 2>, Map<'_>, Forces<'_>, &mut [f64]) -> Result<(), BackendError>;

struct BrokenField<'a> {
    right: AllSources<'a, f64, 2>,
    kernel: StudentT,
    n_references: usize,
    bounds: Option<Ball<2>>,
    repel: OnTargets,
}

impl ReferenceField<f64, 2> for BrokenField<'_> {
    fn kernel(&self) -> StudentT {
        self.kernel
    }

    fn n_references(&self) -> usize {
        self.n_references
    }

    fn repel_targets(
        &self,
        targets: &[[f64; 2]],
        forces: &mut [[f64; 2]],
        normalizers: &mut [f64],
    ) -> Result<(), BackendError> {
        (self.repel)(&self.right, targets, forces, normalizers)
    }

    fn bounds(&self) -> Option<Ball<2>> {
        self.bounds
    }
}

const RIGHT: OnTargets =
    |right, targets, forces, normalizers| right.repel_targets(targets, forces, normalizers);

fn field_with(reason: &str, repel: OnTargets, change: impl for<'a> Fn(&mut BrokenField<'a>) + Sync) {
    fails(reason, || {
        check_reference_field::<f64, 2>(
            |kernel, sources| {
                let right = AllSources { kernel, sources };
                let mut field =
                    BrokenField { right, kernel, n_references: sources.len(), bounds: None, repel };
                change(&mut field);
                Ok(Box::new(field))
            },
            &contract(),
        );
    });
}

fn field_fails(reason: &str, repel: OnTargets) {
    field_with(reason, repel, |_| {});
}

#[test]
fn a_field_that_misstates_itself() {
    field_with("kernel() is not the one", RIGHT, |field| field.kernel = StudentT::CAUCHY);
    field_with("n_references", RIGHT, |field| field.n_references += 1);
    let small = Ball { center: [0.0; 2], radius: 0.1 };
    field_with("outside the bounds", RIGHT, |field| field.bounds = Some(small));
    let endless = Ball { center: [0.0; 2], radius: f64::INFINITY };
    field_with("are not finite", RIGHT, |field| field.bounds = Some(endless));
}

#[test]
fn a_field_that_is_inaccurate() {
    field_fails("relative error", |right, targets, forces, normalizers| {
        right.repel_targets(targets, forces, normalizers)?;
        forces.iter_mut().for_each(|force| *force = force.map(|x| x * 1.001));
        Ok(())
    });
    field_fails("Z of targets: entry", |right, targets, forces, normalizers| {
        right.repel_targets(targets, forces, normalizers)?;
        normalizers.iter_mut().for_each(|z| *z *= 1.001);
        Ok(())
    });
    field_fails("relative error", |right, targets, forces, normalizers| {
        let mut new = vec![[0.0; 2]; targets.len()];
        right.repel_targets(targets, &mut new, normalizers)?;
        forces.iter_mut().zip(new).for_each(|(force, new)| *force = [force[0] + new[0], force[1] + new[1]]);
        Ok(())
    });
}

#[test]
fn a_source_that_a_target_coincides_with_left_out() {
    // The targets from the 40th on are sources.
    field_fails("Z of targets: entry", |right, targets, forces, normalizers| {
        right.repel_targets(targets, forces, normalizers)?;
        for (target, z) in targets.iter().zip(normalizers) {
            *z -= right.sources.iter().filter(|source| *source == target).count() as f64;
        }
        Ok(())
    });
}

#[test]
fn targets_that_see_each_other() {
    field_fails("alone against all at once", |right, targets, forces, normalizers| {
        right.repel_targets(targets, forces, normalizers)?;
        normalizers[0] *= 1.0 + f64::EPSILON * targets.len() as f64;
        Ok(())
    });
    field_fails("targets in reverse order", |right, targets, forces, normalizers| {
        right.repel_targets(targets, forces, normalizers)?;
        if targets.len() > 60 && targets[0][0] > targets[targets.len() - 1][0] {
            normalizers[60] *= 1.0 + f64::EPSILON;
        }
        Ok(())
    });
    field_fails("many targets: 2 threads against 1", |right, targets, forces, normalizers| {
        right.repel_targets(targets, forces, normalizers)?;
        if targets.len() >= 300 {
            normalizers[0] *= 1.0 + 1e-14 * rayon::current_num_threads() as f64;
        }
        Ok(())
    });
}

#[test]
fn targets_far_away_or_nowhere() {
    field_fails("far targets get", |right, targets, forces, normalizers| {
        right.repel_targets(targets, forces, normalizers)?;
        for (target, z) in targets.iter().zip(normalizers) {
            if target[0].abs() > 1e5 {
                *z = 1.0 / 0.0;
            }
        }
        Ok(())
    });
    field_fails("a target at NaN: accepted", |right, targets, forces, normalizers| {
        let _ = right.repel_targets(targets, forces, normalizers);
        Ok(())
    });
    field_fails("no targets", |right, targets, forces, normalizers| {
        if targets.is_empty() {
            return Err(BackendError::new("empty"));
        }
        right.repel_targets(targets, forces, normalizers)
    });
    field_fails("nine targets and eight forces: must panic", |right, targets, forces, normalizers| {
        let n = targets.len().min(forces.len());
        right.repel_targets(&targets[..n], &mut forces[..n], &mut normalizers[..n])
    });
    field_fails("nine targets and eight normalizers: must panic", |right, targets, forces, normalizers| {
        assert_eq!(targets.len(), forces.len(), "targets and forces");
        let n = normalizers.len().min(targets.len());
        right.repel_targets(&targets[..n], &mut forces[..n], &mut normalizers[..n])
    });
}
