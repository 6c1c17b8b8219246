//! Repulsion on a particle mesh, plainly: any order of spline, both forms, f64, the mesh padded to twice its size
//! (\[M40\] to \[M46\]).
//!
//! What a mesh of an order, a form and a spacing can give at best, for choosing among them, and what a fast mesh of the
//! same order, form and spacing must give to rounding. Splines come from their recursion, the sums over aliases from
//! splines of twice the order, and self terms from the kernel that the mesh really has.

use std::f64::consts::TAU;

use realfft::RealFftPlanner;
use rustfft::num_complex::Complex;
use rustfft::{FftDirection, FftPlanner};
use tsne_core::StudentT;

use super::Repulsion;

/// Nodes beyond those that the points reach, where the kernel jumps to its periodic image: what the correction spreads
/// of the jump falls by 0.43 to 0.66 per node, for splines of order 3 to 6.
const MARGIN: usize = 32;

/// How forces are read from a mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MeshForm {
    /// A: from the potential, by differentiating the splines. A point pushes itself, which is subtracted.
    Potential,
    /// B: each component from a kernel of its own. No point pushes itself.
    Forces,
}

/// Repulsion by a mesh with nodes `spacing` apart, the second of a row of four at the lowest coordinate, and splines of
/// `order`. Time and memory O(m log m) and O(m) for a mesh of m nodes.
///
/// # Panics
/// If the order is below 2, where splines have no derivative.
#[must_use]
pub fn mesh_repulsion<const D: usize>(
    kernel: StudentT,
    y: &[[f64; D]],
    order: usize,
    spacing: f64,
    form: MeshForm,
) -> Repulsion<D> {
    assert!(order >= 2, "a spline of order {order} has no derivative");
    let mut nodes = [0; D];
    let mut lower = [f64::INFINITY; D];
    for axis in 0..D {
        let along = || y.iter().map(|y| y[axis]);
        lower[axis] = along().fold(f64::INFINITY, f64::min);
        let extent = along().fold(f64::NEG_INFINITY, f64::max) - lower[axis];
        nodes[axis] = good_length(2 * (whole(extent / spacing) + order + 1 + MARGIN));
    }
    let mesh = Mesh { kernel, order, spacing, nodes };
    let stencils: Vec<[Stencil; D]> = y
        .iter()
        .map(|y| std::array::from_fn(|axis| Stencil::new(order, (y[axis] - lower[axis]) / spacing)))
        .collect();

    let mut charges = vec![0.0; nodes.iter().product()];
    for stencil in &stencils {
        mesh.visit(stencil, |node, offsets| charges[node] += weight(stencil, offsets, None));
    }
    let charges = forward(&nodes, &charges);
    let field = |term: Option<usize>| {
        let corrected = mesh.spectrum(term);
        let own = inverse(&nodes, corrected.clone());
        let product = charges.iter().zip(corrected).map(|(a, b)| a * b).collect();
        (inverse(&nodes, product), own)
    };

    let (potential, own) = field(None);
    let mut forces = vec![[0.0; D]; y.len()];
    let mut normalizer = 0.0;
    for (stencil, force) in stencils.iter().zip(&mut forces) {
        mesh.visit(stencil, |node, offsets| normalizer += weight(stencil, offsets, None) * potential[node]);
        let slopes = (0..D).filter(|_| form == MeshForm::Potential);
        for (axis, slope) in std::iter::once(None).chain(slopes.map(Some)).enumerate() {
            let mut itself = 0.0;
            mesh.visit(stencil, |node, here| {
                mesh.visit(stencil, |other, there| {
                    let lag = mesh.difference(node, other);
                    itself += weight(stencil, here, slope) * weight(stencil, there, None) * own[lag];
                });
            });
            match axis.checked_sub(1) {
                None => normalizer -= itself,
                Some(axis) => force[axis] += itself / (2.0 * spacing),
            }
        }
        if form == MeshForm::Potential {
            for axis in 0..D {
                mesh.visit(stencil, |node, offsets| {
                    force[axis] -= weight(stencil, offsets, Some(axis)) * potential[node] / (2.0 * spacing);
                });
            }
        }
    }
    if form == MeshForm::Forces {
        for axis in 0..D {
            let (component, _) = field(Some(axis));
            for (stencil, force) in stencils.iter().zip(&mut forces) {
                mesh.visit(stencil, |node, offsets| {
                    force[axis] += weight(stencil, offsets, None) * component[node];
                });
            }
        }
    }
    Repulsion { forces, normalizer }
}

struct Mesh<const D: usize> {
    kernel: StudentT,
    order: usize,
    spacing: f64,
    nodes: [usize; D],
}

/// The nodes that a point meets along an axis, from the first on, with weights and their slopes.
struct Stencil {
    first: usize,
    weights: Vec<f64>,
    slopes: Vec<f64>,
}

impl Stencil {
    /// Of a point `at` spacings behind the lowest one.
    fn new(order: usize, at: f64) -> Self {
        // The lowest point has nodes before it; they are the first of the mesh.
        let at = at + order as f64;
        let first = whole((at - order as f64 / 2.0).floor()) + 1;
        let distances = || (first..first + order).map(|node| at - node as f64);
        Self {
            first,
            weights: distances().map(|u| spline(order, u)).collect(),
            slopes: distances().map(|u| spline(order - 1, u + 0.5) - spline(order - 1, u - 0.5)).collect(),
        }
    }
}

/// The weight of a node of a stencil, or its slope along an axis.
fn weight<const D: usize>(stencil: &[Stencil; D], offsets: &[usize; D], slope: Option<usize>) -> f64 {
    (0..D)
        .map(|axis| {
            let along = &stencil[axis];
            if slope == Some(axis) { along.slopes[offsets[axis]] } else { along.weights[offsets[axis]] }
        })
        .product()
}

impl<const D: usize> Mesh<D> {
    /// Calls `with` for every node of a stencil, and its place there.
    fn visit(&self, stencil: &[Stencil; D], mut with: impl FnMut(usize, &[usize; D])) {
        for place in 0..self.order.pow(number(D)) {
            let (mut rest, mut node, mut offsets) = (place, 0, [0; D]);
            for axis in (0..D).rev() {
                offsets[axis] = rest % self.order;
                rest /= self.order;
            }
            for axis in 0..D {
                node = node * self.nodes[axis] + stencil[axis].first + offsets[axis];
            }
            with(node, &offsets);
        }
    }

    /// The node that lies from the first as `a` does from `b`, around the edges.
    fn difference(&self, a: usize, b: usize) -> usize {
        let (mut a, mut b, mut stride, mut node) = (a, b, 1, 0);
        for axis in (0..D).rev() {
            let n = self.nodes[axis];
            node += (a % n + n - b % n) % n * stride;
            (a, b, stride) = (a / n, b / n, stride * n);
        }
        node
    }

    /// The corrected spectrum of w, or of a component of the force.
    fn spectrum(&self, term: Option<usize>) -> Vec<Complex<f64>> {
        let mut sampled = vec![0.0; self.nodes.iter().product()];
        for (node, value) in sampled.iter_mut().enumerate() {
            let lag = self.signed(node);
            let difference = lag.map(|lag| lag * self.spacing);
            let d2 = difference.iter().map(|x| x * x).sum();
            *value = match term {
                None => self.kernel.similarity(d2),
                // Halfway around, a lag has both signs.
                Some(axis) if 2.0 * lag[axis].abs() == self.nodes[axis] as f64 => 0.0,
                Some(axis) => difference[axis] * self.kernel.repulsion(d2),
            };
        }
        let corrections: Vec<Vec<f64>> = self.nodes.iter().map(|&n| corrections(self.order, n)).collect();
        let mut spectrum = forward(&self.nodes, &sampled);
        let mut widths = self.nodes;
        widths[D - 1] = self.nodes[D - 1] / 2 + 1;
        for (at, value) in spectrum.iter_mut().enumerate() {
            let mut rest = at;
            for axis in (0..D).rev() {
                *value *= corrections[axis][rest % widths[axis]];
                rest /= widths[axis];
            }
        }
        spectrum
    }

    /// Where a node lies from the first, the shorter way around.
    fn signed(&self, node: usize) -> [f64; D] {
        let (mut rest, mut lag) = (node, [0.0; D]);
        for axis in (0..D).rev() {
            let (n, at) = (self.nodes[axis], rest % self.nodes[axis]);
            lag[axis] = if 2 * at <= n { at as f64 } else { at as f64 - n as f64 };
            rest /= n;
        }
        lag
    }
}

/// The centered B-spline of an order.
fn spline(order: usize, u: f64) -> f64 {
    let half = order as f64 / 2.0;
    if order == 1 {
        return if (-half..half).contains(&u) { 1.0 } else { 0.0 };
    }
    ((half + u) * spline(order - 1, u + 0.5) + (half - u) * spline(order - 1, u - 0.5)) / (order - 1) as f64
}

/// Ŵ² / (Σ_m Ŵ(θ + 2πm)²)² at the frequencies of n nodes.
fn corrections(order: usize, n: usize) -> Vec<f64> {
    // By Poisson's formula the sum over aliases is a series whose coefficients are the spline of twice the order.
    let twice: Vec<f64> = (0..order).map(|k| spline(2 * order, k as f64)).collect();
    (0..n)
        .map(|k| {
            let k = if 2 * k <= n { k as f64 } else { k as f64 - n as f64 };
            let angle = TAU * k / n as f64;
            let sinc = if angle == 0.0 { 1.0 } else { (angle / 2.0).sin() / (angle / 2.0) };
            let harmonics = twice.iter().enumerate().skip(1);
            let aliases = twice[0] + harmonics.map(|(j, c)| 2.0 * c * (j as f64 * angle).cos()).sum::<f64>();
            sinc.powi(2 * number::<i32>(order)) / (aliases * aliases)
        })
        .collect()
}

/// Transforms real numbers along all axes; of the last, the upper half of the frequencies is left out.
fn forward<const D: usize>(nodes: &[usize; D], grid: &[f64]) -> Vec<Complex<f64>> {
    let n = nodes[D - 1];
    let plan = RealFftPlanner::new().plan_fft_forward(n);
    let mut spectrum = vec![Complex::default(); grid.len() / n * (n / 2 + 1)];
    for (row, to) in grid.chunks_exact(n).zip(spectrum.chunks_exact_mut(n / 2 + 1)) {
        plan.process(&mut row.to_vec(), to).expect("the buffers have the lengths of the plan");
    }
    other_axes(nodes, &mut spectrum, FftDirection::Forward);
    spectrum
}

/// The inverse of [`forward`].
fn inverse<const D: usize>(nodes: &[usize; D], mut spectrum: Vec<Complex<f64>>) -> Vec<f64> {
    other_axes(nodes, &mut spectrum, FftDirection::Inverse);
    let n = nodes[D - 1];
    let plan = RealFftPlanner::new().plan_fft_inverse(n);
    let n_all: usize = nodes.iter().product();
    let mut grid = vec![0.0; n_all];
    for (row, to) in spectrum.chunks_exact_mut(n / 2 + 1).zip(grid.chunks_exact_mut(n)) {
        // Real but for rounding, and required to be so.
        (row[0].im, row[n / 2].im) = (0.0, 0.0);
        plan.process(row, to).expect("the buffers have the lengths of the plan");
        to.iter_mut().for_each(|x| *x /= n_all as f64);
    }
    grid
}

fn other_axes<const D: usize>(nodes: &[usize; D], spectrum: &mut [Complex<f64>], direction: FftDirection) {
    let mut stride = nodes[D - 1] / 2 + 1;
    for &n in nodes[..D - 1].iter().rev() {
        let plan = FftPlanner::new().plan_fft(n, direction);
        let mut line = vec![Complex::default(); n];
        for block in spectrum.chunks_exact_mut(n * stride) {
            for first in 0..stride {
                let places = (first..n * stride).step_by(stride);
                for (to, at) in line.iter_mut().zip(places.clone()) {
                    *to = block[at];
                }
                plan.process(&mut line);
                for (from, at) in line.iter().zip(places) {
                    block[at] = *from;
                }
            }
        }
        stride *= n;
    }
}

/// The smallest even number from `n` on without prime factors above 5.
fn good_length(n: usize) -> usize {
    let smooth = |n: &usize| {
        let mut rest = *n;
        for factor in [2, 3, 5] {
            while rest.is_multiple_of(factor) {
                rest /= factor;
            }
        }
        rest == 1
    };
    (n..).filter(|n| n.is_multiple_of(2)).find(smooth).expect("powers of 2 have no end")
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of nodes that fit in memory"
)]
fn whole(x: f64) -> usize {
    x as usize
}

fn number<N: TryFrom<usize>>(n: usize) -> N {
    N::try_from(n).unwrap_or_else(|_| panic!("{n} is small"))
}
