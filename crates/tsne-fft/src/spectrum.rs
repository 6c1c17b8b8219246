//! Spectra of the kernels, corrected for the splines, and the potential a point would feel from itself
//! ([M42], [M43], [M45]).

use std::f64::consts::PI;

use fearless_simd::{Level, Simd, dispatch};
use rayon::prelude::*;
use tsne_core::{Scalar, StudentT};

use crate::fft::Plan;
use crate::grid::{MARGIN, Shape};
use crate::lanes::{Complexes, LANES, Row};
use crate::spline::{OVERLAPS, REACH, correction};

/// A field of the charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    /// Σ w, of an even kernel.
    Potential,
    /// Component of Σ s^(ν+1)·(difference) along the first, middle or last axis, of a kernel odd along it.
    Force(usize),
}

/// What multiplies the spectrum of the charges, for one geometry.
#[derive(Debug)]
pub(crate) struct Spectra<T> {
    nodes: [usize; 3],
    spacing: f64,
    /// The spectrum of each term: for every bundle without mirror image, its lines along the last axis.
    potential: Vec<Row<T>>,
    forces: [Vec<Row<T>>; 3],
    own: [[[f64; 4]; 4]; 4],
}

impl<T: Scalar> Spectra<T> {
    pub(crate) fn new(kernel: StudentT, shape: &Shape, spacing: f64, axes: &[usize]) -> Self {
        let mut build = Build::new(kernel, shape, spacing);
        let potential = build.spectrum(Term::Potential);
        let mut forces = [const { Vec::new() }; 3];
        for &axis in axes {
            forces[axis] = build.spectrum(Term::Force(axis)).iter().map(narrowed).collect();
        }
        Self {
            nodes: shape.nodes,
            spacing,
            own: own(shape, &potential),
            potential: potential.iter().map(narrowed).collect(),
            forces,
        }
    }

    /// Whether these are the spectra of that geometry.
    pub(crate) fn fit(&self, shape: &Shape, spacing: f64) -> bool {
        self.nodes == shape.nodes && self.spacing == spacing
    }

    /// The factors for a bundle of lines: one vector for each frequency along the last axis.
    pub(crate) fn rows(&self, term: Term, lines: usize) -> &[Row<T>] {
        let all = match term {
            Term::Potential => &self.potential,
            Term::Force(axis) => &self.forces[axis],
        };
        let n = self.nodes[2];
        &all[lines * n..(lines + 1) * n]
    }

    /// Coefficients of the self-potential: powers of t(1 − t) along the first, the middle and the last axis.
    pub(crate) fn own(&self) -> &[[[f64; 4]; 4]; 4] {
        &self.own
    }
}

fn narrowed<T: Scalar>(row: &Row<f64>) -> Row<T> {
    Row(row.0.map(T::lit))
}

/// Everything needed to make spectra of one geometry.
struct Build<'a> {
    kernel: StudentT,
    shape: &'a Shape,
    spacing: f64,
    plans: [Plan<f64>; 3],
    /// Blocks of sixteen columns, not overlapping; each of first times middle axis.
    blocks: Vec<Row<f64>>,
}

impl<'a> Build<'a> {
    fn new(kernel: StudentT, shape: &'a Shape, spacing: f64) -> Self {
        let lines = shape.nodes[0] * shape.nodes[1];
        let blocks = vec![Row([0.0; LANES]); shape.nodes[2].div_ceil(LANES) * lines];
        Self { kernel, shape, spacing, plans: shape.nodes.map(Plan::new), blocks }
    }

    /// The corrected spectrum of a term, with all factors of the transforms.
    fn spectrum(&mut self, term: Term) -> Vec<Row<f64>> {
        let [n_first, n_middle, n_last] = self.shape.nodes;
        let lines = n_first * n_middle;
        let level = Level::new();
        let mut blocks = std::mem::take(&mut self.blocks);
        blocks.par_chunks_exact_mut(lines).enumerate().for_each_init(Vec::new, |buffer, (block, rows)| {
            self.sample(term, block * LANES, rows);
            dispatch!(level, simd => self.outer_axes(simd, term, rows, buffer));
        });
        let scale = 1.0 / (2.0 * (self.shape.twists() * lines * n_last) as f64);
        let mut spectrum = vec![Row([0.0; LANES]); self.shape.padded_lines() * n_last / LANES];
        let corrections = self.shape.nodes.map(corrections);
        spectrum.par_chunks_exact_mut(n_last).enumerate().for_each_init(
            Vec::new,
            |buffer, (bundle, rows)| {
                let mut factors = [0.0; LANES];
                for (lane, factor) in factors.iter_mut().enumerate() {
                    let line = bundle * LANES + lane;
                    if line < lines {
                        *factor = scale * corrections[0][line / n_middle] * corrections[1][line % n_middle];
                    }
                }
                for (m, row) in rows.iter_mut().enumerate() {
                    for lane in 0..LANES.min(lines - bundle * LANES) {
                        row.0[lane] = blocks[m / LANES * lines + bundle * LANES + lane].0[m % LANES];
                    }
                }
                dispatch!(level, simd => line(simd, &self.plans[2], term == Term::Force(2), rows, 1, buffer));
                for (row, last) in rows.iter_mut().zip(&corrections[2]) {
                    for (value, factor) in row.0.iter_mut().zip(factors) {
                        *value *= factor * last;
                    }
                }
            },
        );
        self.blocks = blocks;
        spectrum
    }

    /// The kernel at the nodes of one block, in units of the spacing.
    fn sample(&self, term: Term, first_column: usize, rows: &mut [Row<f64>]) {
        let [n_first, n_middle, n_last] = self.shape.nodes;
        for i in 0..n_first {
            for j in 0..n_middle {
                let row = &mut rows[i * n_middle + j];
                for (lane, value) in row.0.iter_mut().enumerate() {
                    let at = [i, j, first_column + lane].map(|k| k as f64);
                    let d2 = (at[0] * at[0] + at[1] * at[1] + at[2] * at[2]) * self.spacing * self.spacing;
                    let bend = bend(i, n_first) * bend(j, n_middle) * bend(first_column + lane, n_last);
                    *value = bend
                        * match term {
                            Term::Potential => self.kernel.similarity(d2),
                            Term::Force(axis) => at[axis] * self.kernel.repulsion(d2),
                        };
                }
            }
        }
    }

    #[inline(always)]
    fn outer_axes<S: Simd>(
        &self,
        simd: S,
        term: Term,
        rows: &mut [Row<f64>],
        buffer: &mut Vec<Complexes<f64>>,
    ) {
        let n_middle = self.shape.nodes[1];
        for middle in 0..n_middle {
            line(simd, &self.plans[0], term == Term::Force(0), &mut rows[middle..], n_middle, buffer);
        }
        if n_middle > 1 {
            for rows in rows.chunks_exact_mut(n_middle) {
                line(simd, &self.plans[1], term == Term::Force(1), rows, 1, buffer);
            }
        }
    }
}

/// Σ_l e^(−iθl) K(l) over lags of both signs, at the twisted frequencies: from the lags of at least 0 of an even kernel,
/// or i times it from those of an odd one.
#[inline(always)]
fn line<S: Simd>(
    simd: S,
    plan: &Plan<f64>,
    odd: bool,
    rows: &mut [Row<f64>],
    step: usize,
    buffer: &mut Vec<Complexes<f64>>,
) {
    let n = plan.len();
    buffer.resize(2 * n, Complexes::zero());
    let (numbers, spare) = buffer.split_at_mut(n);
    for (m, ((number, row), w)) in
        numbers.iter_mut().zip(rows.iter().step_by(step)).zip(plan.twist()).enumerate()
    {
        let both_signs = if m == 0 { 1.0 } else { 2.0 };
        number.re = row.0.map(|x| both_signs * w[0] * x);
        number.im = row.0.map(|x| both_signs * w[1] * x);
    }
    let (done, _) = plan.transform(simd, numbers, spare);
    for (number, row) in done.iter().zip(rows.iter_mut().step_by(step)) {
        row.0 = if odd { number.im.map(|x| -x) } else { number.re };
    }
}

/// The kernel's continuation turns its sign at lag `n`. It bends to 0 there, over the lags that no two nodes in use have.
fn bend(lag: usize, n: usize) -> f64 {
    let beyond = (lag + MARGIN).saturating_sub(n) as f64 / MARGIN as f64;
    if beyond > 0.0 && n > 1 { (PI / 2.0 * beyond).cos() } else { 1.0 }
}

/// The frequency of each number of a twisted transform, in radians per node.
fn angle(k: usize, n: usize) -> f64 {
    2.0 * PI * (4 * k + 1) as f64 / (4 * n) as f64
}

fn corrections(n: usize) -> Vec<f64> {
    if n == 1 { vec![1.0] } else { (0..n).map(|k| correction(angle(k, n))).collect() }
}

/// The potential between charges on nodes a few apart, folded with how strongly a point meets itself so far apart.
fn own(shape: &Shape, potential: &[Row<f64>]) -> [[[f64; 4]; 4]; 4] {
    let [n_first, n_middle, n_last] = shape.nodes;
    let reach = |n: usize| if n > 1 { REACH } else { 1 };
    let cosines =
        |n: usize, d: usize| -> Vec<f64> { (0..n).map(|k| (angle(k, n) * d as f64).cos()).collect() };
    let mut coefficients = [[[0.0; 4]; 4]; 4];
    for last in 0..reach(n_last) {
        let along_last = cosines(n_last, last);
        // The sum over the last axis, for each line.
        let lines: Vec<f64> = potential
            .chunks_exact(n_last)
            .flat_map(|rows| {
                let mut sums = [0.0; LANES];
                for (row, cosine) in rows.iter().zip(&along_last) {
                    for (sum, value) in sums.iter_mut().zip(row.0) {
                        *sum += cosine * value;
                    }
                }
                sums
            })
            .collect();
        for first in 0..reach(n_first) {
            let along_first = cosines(n_first, first);
            for middle in 0..reach(n_middle) {
                let along_middle = cosines(n_middle, middle);
                let mut near = 0.0;
                for (rows, cosine) in lines.chunks_exact(n_middle).zip(&along_first) {
                    let sum: f64 = rows.iter().zip(&along_middle).map(|(value, c)| value * c).sum();
                    near += cosine * sum;
                }
                // What is stored is divided by twice the number of twists too often for a mean over one quadrant.
                let near = near * 2.0 * shape.twists() as f64;
                for (i, a) in folded(first, n_first).iter().enumerate() {
                    for (j, b) in folded(middle, n_middle).iter().enumerate() {
                        for (k, c) in folded(last, n_last).iter().enumerate() {
                            coefficients[i][j][k] += near * a * b * c;
                        }
                    }
                }
            }
        }
    }
    coefficients
}

/// How strongly a point meets itself `d` nodes away to either side.
fn folded(d: usize, n: usize) -> [f64; 4] {
    if n == 1 { [1.0, 0.0, 0.0, 0.0] } else { OVERLAPS[d].map(|x| if d == 0 { x } else { 2.0 * x }) }
}
