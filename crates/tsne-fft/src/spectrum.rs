//! Spectra of the kernels, corrected for the splines, and the potential a point would feel from itself
//! (\[M42\], \[M43\], \[M45\]).

use std::f64::consts::PI;

use fearless_simd::{Level, Simd, dispatch};
use rayon::prelude::*;
use tsne_core::{Scalar, StudentT};

use crate::fft::Plan;
use crate::grid::{MARGIN, Shape};
use crate::lanes::{Complexes, LANES, Lanes, Real, Row, Wide, transpose};
use crate::pool::Pool;
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
    /// The spectrum of each term: for every bundle without mirror image, one vector per frequency along the last axis.
    potential: Vec<Row<T>>,
    forces: [Vec<Row<T>>; 3],
    own: [[[f64; 4]; 4]; 4],
}

impl<T: Scalar> Spectra<T> {
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

    /// Bytes that these take.
    pub(crate) fn bytes(&self) -> usize {
        (self.potential.len() + self.forces.iter().map(Vec::len).sum::<usize>()) * size_of::<Row<T>>()
    }

    /// Coefficients of the self-potential: powers of t(1 − t) along the first, the middle and the last axis.
    pub(crate) fn own(&self) -> &[[[f64; 4]; 4]; 4] {
        &self.own
    }
}

/// What makes spectra, and the memory it takes.
#[derive(Debug)]
pub(crate) struct Builder {
    kernel: StudentT,
    level: Level,
    /// Lags in blocks of sixteen columns that do not overlap, each of first times middle axis rows.
    blocks: Vec<Row<f64>>,
    /// For each line along the last axis, the sums over its frequencies times the cosines of the first four lags.
    near: Vec<[f64; REACH]>,
    pool: Pool<Vec<Complexes<f64>>>,
}

/// One axis of the mesh under construction.
struct Axis {
    plan: Plan<f64>,
    /// Lags, and the factor that bends the kernel at each.
    lags: Vec<[f64; 2]>,
    /// Factor of the correction at each frequency.
    corrections: Vec<f64>,
    /// Cosines of the first four lags at each frequency.
    cosines: Vec<[f64; REACH]>,
}

impl Builder {
    pub(crate) fn new(kernel: StudentT, level: Level) -> Self {
        Self { kernel, level, blocks: Vec::new(), near: Vec::new(), pool: Pool::default() }
    }

    /// The spectra of the potential and of the forces along `axes`. `used` is overwritten: only its memory counts.
    pub(crate) fn build<T: Real>(
        &mut self,
        shape: &Shape,
        spacing: f64,
        axes: &[usize],
        used: Option<Spectra<T>>,
    ) -> Spectra<T> {
        let axis = shape.nodes.map(Axis::new);
        let (mut potential, mut forces) = match used {
            Some(used) => (used.potential, used.forces),
            None => (Vec::new(), [const { Vec::new() }; 3]),
        };
        self.spectrum(shape, &axis, spacing, Term::Potential, &mut potential);
        let own = self.own(shape, &axis);
        for &along in axes {
            self.spectrum(shape, &axis, spacing, Term::Force(along), &mut forces[along]);
        }
        Spectra { nodes: shape.nodes, spacing, potential, forces, own }
    }

    /// The corrected spectrum of a term, with all factors of the transforms.
    fn spectrum<T: Real>(
        &mut self,
        shape: &Shape,
        axes: &[Axis; 3],
        spacing: f64,
        term: Term,
        to: &mut Vec<Row<T>>,
    ) {
        let [n_first, n_middle, n_last] = shape.nodes;
        let lines = n_first * n_middle;
        let Self { kernel, level, blocks, near, pool } = self;
        blocks.resize(n_last.div_ceil(LANES) * lines, Row::zero());
        blocks.par_chunks_exact_mut(lines).enumerate().for_each(|(block, rows)| {
            pool.lend(|buffer| {
                dispatch!(*level, simd => {
                    sample(*kernel, axes, spacing, term, block * LANES, rows);
                    outer_axes(simd, axes, term, rows, buffer);
                });
            });
        });

        let scale = 1.0 / (2 * shape.twists() * lines * n_last) as f64;
        to.resize(shape.padded_lines() / LANES * n_last, Row::zero());
        near.resize(shape.padded_lines(), [0.0; REACH]);
        to.par_chunks_exact_mut(n_last).zip(near.par_chunks_exact_mut(LANES)).enumerate().for_each(
            |(bundle, (to, near))| {
                let mut factors = [0.0; LANES];
                for (lane, factor) in factors.iter_mut().enumerate() {
                    let line = bundle * LANES + lane;
                    if line < lines {
                        let corrections = [&axes[0].corrections, &axes[1].corrections];
                        *factor = scale * corrections[0][line / n_middle] * corrections[1][line % n_middle];
                    }
                }
                pool.lend(|buffer| {
                    dispatch!(*level, simd => {
                        last_axis(simd, &axes[2], term, blocks, lines, bundle * LANES, &factors, to, near, buffer);
                    });
                });
            },
        );
    }

    /// The potential between charges on nodes a few apart, folded with how strongly a point meets itself so far apart.
    /// Reads what [`spectrum`](Self::spectrum) of the potential left.
    fn own(&self, shape: &Shape, axes: &[Axis; 3]) -> [[[f64; 4]; 4]; 4] {
        let mut coefficients = [[[0.0; 4]; 4]; 4];
        let [reach_first, reach_middle, reach_last] = shape.nodes.map(|n| if n > 1 { REACH } else { 1 });
        for first in 0..reach_first {
            for middle in 0..reach_middle {
                for last in 0..reach_last {
                    let mut sum = 0.0;
                    for (lines, along_first) in self.near.chunks(shape.nodes[1]).zip(&axes[0].cosines) {
                        let along_middle = axes[1].cosines.iter();
                        sum += along_first[first]
                            * lines
                                .iter()
                                .zip(along_middle)
                                .map(|(near, c)| near[last] * c[middle])
                                .sum::<f64>();
                    }
                    // The spectrum holds one factor 1/2 for each sign of a frequency; its mean is over one sign.
                    sum *= (2 * shape.twists()) as f64;
                    let overlaps = [
                        overlap(first, shape.nodes[0]),
                        overlap(middle, shape.nodes[1]),
                        overlap(last, shape.nodes[2]),
                    ];
                    for i in 0..4 {
                        for j in 0..4 {
                            for k in 0..4 {
                                coefficients[i][j][k] +=
                                    sum * overlaps[0][i] * overlaps[1][j] * overlaps[2][k];
                            }
                        }
                    }
                }
            }
        }
        coefficients
    }
}

impl Axis {
    fn new(n: usize) -> Self {
        // An axis that is not there has one node and no twist to undo.
        let angle = |k: usize| if n == 1 { 0.0 } else { 2.0 * PI * (4 * k + 1) as f64 / (4 * n) as f64 };
        Self {
            plan: Plan::new(n),
            lags: (0..n.next_multiple_of(LANES)).map(|lag| [lag as f64, bend(lag, n)]).collect(),
            corrections: (0..n).map(|k| correction(angle(k))).collect(),
            cosines: (0..n).map(|k| std::array::from_fn(|d| (angle(k) * d as f64).cos())).collect(),
        }
    }
}

/// The kernel's continuation turns its sign at lag `n`. It bends to 0 there, over the lags that no two nodes in use have.
fn bend(lag: usize, n: usize) -> f64 {
    if n == 1 || lag + MARGIN <= n {
        1.0
    } else {
        (PI / 2.0 * (lag + MARGIN - n) as f64 / MARGIN as f64).cos()
    }
}

/// How strongly a point meets itself `d` nodes away to either side.
fn overlap(d: usize, n: usize) -> [f64; 4] {
    if n == 1 { [1.0, 0.0, 0.0, 0.0] } else { OVERLAPS[d].map(|x| if d == 0 { x } else { 2.0 * x }) }
}

/// The kernel of one block of lags, in units of the spacing.
#[inline(always)]
fn sample(
    kernel: StudentT,
    axes: &[Axis; 3],
    spacing: f64,
    term: Term,
    first_column: usize,
    rows: &mut [Row<f64>],
) {
    let columns: &[[f64; 2]; LANES] =
        axes[2].lags[first_column..first_column + LANES].try_into().expect("lags come in whole vectors");
    let n_middle = axes[1].plan.len();
    let square = spacing * spacing;
    for (i, rows) in rows.chunks_exact_mut(n_middle).enumerate() {
        for (j, row) in rows.iter_mut().enumerate() {
            let ([x, bend_x], [y, bend_y]) = (axes[0].lags[i], axes[1].lags[j]);
            let (outer2, bend) = (x * x + y * y, bend_x * bend_y);
            for lane in 0..LANES {
                let [z, bend_z] = columns[lane];
                let d2 = (outer2 + z * z) * square;
                let value = match term {
                    Term::Potential => similarity(kernel, d2),
                    Term::Force(0) => x * repulsion(kernel, d2),
                    Term::Force(1) => y * repulsion(kernel, d2),
                    Term::Force(_) => z * repulsion(kernel, d2),
                };
                row.0[lane] = bend * bend_z * value;
            }
        }
    }
}

#[inline(always)]
fn similarity(kernel: StudentT, d2: f64) -> f64 {
    if kernel.is_cauchy() { 1.0 / (1.0 + d2) } else { kernel.similarity(d2) }
}

#[inline(always)]
fn repulsion(kernel: StudentT, d2: f64) -> f64 {
    if kernel.is_cauchy() { (1.0 / (1.0 + d2)) * (1.0 / (1.0 + d2)) } else { kernel.repulsion(d2) }
}

/// Transforms the lags of a block along the first and the middle axis.
#[inline(always)]
fn outer_axes<S: Simd>(
    simd: S,
    [first, middle, _]: &[Axis; 3],
    term: Term,
    rows: &mut [Row<f64>],
    buffer: &mut Vec<Complexes<f64>>,
) {
    let n_middle = middle.plan.len();
    for j in 0..n_middle {
        lines(simd, &first.plan, term == Term::Force(0), &mut rows[j..], n_middle, buffer);
    }
    if n_middle > 1 {
        for rows in rows.chunks_exact_mut(n_middle) {
            lines(simd, &middle.plan, term == Term::Force(1), rows, 1, buffer);
        }
    }
}

/// Transforms sixteen lines of lags in place, every `step`-th row.
#[inline(always)]
fn lines<S: Simd>(
    simd: S,
    plan: &Plan<f64>,
    odd: bool,
    rows: &mut [Row<f64>],
    step: usize,
    buffer: &mut Vec<Complexes<f64>>,
) {
    buffer.resize(2 * plan.len(), Complexes::zero());
    let (numbers, spare) = buffer.split_at_mut(plan.len());
    for (m, (number, row)) in numbers.iter_mut().zip(rows.iter().step_by(step)).enumerate() {
        twisted::<S>(plan, m, Wide64::<S>::load(simd, &row.0), number);
    }
    let (done, _) = plan.transform(simd, numbers, spare);
    for (number, row) in done.iter().zip(rows.iter_mut().step_by(step)) {
        parity(simd, number, odd).store(&mut row.0);
    }
}

/// Transforms sixteen lines along the last axis, from `first_line` of `n_lines` on, and corrects them. Sums them up to
/// `near` for the potential.
#[inline(always)]
fn last_axis<S: Simd, T: Real>(
    simd: S,
    axis: &Axis,
    term: Term,
    blocks: &[Row<f64>],
    n_lines: usize,
    first_line: usize,
    factors: &[f64; LANES],
    to: &mut [Row<T>],
    near: &mut [[f64; REACH]],
    buffer: &mut Vec<Complexes<f64>>,
) {
    let zero = Wide64::<S>::splat(simd, 0.0);
    let plan = &axis.plan;
    buffer.resize(2 * plan.len(), Complexes::zero());
    let (numbers, spare) = buffer.split_at_mut(plan.len());
    for (tile, (numbers, block)) in numbers.chunks_mut(LANES).zip(blocks.chunks_exact(n_lines)).enumerate() {
        let mut vectors = [zero; LANES];
        for (vector, row) in vectors.iter_mut().zip(&block[first_line..]) {
            *vector = Wide64::<S>::load(simd, &row.0);
        }
        let vectors = transpose::<S, f64>(vectors);
        for (at, number) in numbers.iter_mut().enumerate() {
            twisted::<S>(plan, tile * LANES + at, vectors[at], number);
        }
    }
    let (done, _) = plan.transform(simd, numbers, spare);
    let factors = Wide64::<S>::load(simd, factors);
    let mut sums = [zero; REACH];
    for (k, (number, row)) in done.iter().zip(to).enumerate() {
        let value = parity(simd, number, term == Term::Force(2)) * factors.scale(axis.corrections[k]);
        for (sum, &cosine) in sums.iter_mut().zip(&axis.cosines[k]) {
            *sum = value.mul_add(Wide64::<S>::splat(simd, cosine), *sum);
        }
        let mut values = [0.0; LANES];
        value.store(&mut values);
        for lane in 0..LANES {
            row.0[lane] = T::lit(values[lane]);
        }
    }
    if term == Term::Potential {
        for (d, sum) in sums.into_iter().enumerate() {
            let mut values = [0.0; LANES];
            sum.store(&mut values);
            for lane in 0..LANES {
                near[lane][d] = values[lane];
            }
        }
    }
}

type Wide64<S> = <f64 as Real>::Wide<S>;

/// The number to transform for lag `m`: twisted, and twice for the two signs that a lag has unless it is 0.
#[inline(always)]
fn twisted<S: Simd>(plan: &Plan<f64>, m: usize, value: Wide64<S>, to: &mut Complexes<f64>) {
    let [cos, sin] = plan.twist()[m];
    let value = if m == 0 { value } else { value + value };
    value.scale(cos).store(&mut to.re);
    value.scale(sin).store(&mut to.im);
}

/// Σ_l e^(−iθl) K(l) over lags of both signs from the transform over those of at least 0: for an even kernel, or i times
/// it for an odd one.
#[inline(always)]
fn parity<S: Simd>(simd: S, number: &Complexes<f64>, odd: bool) -> Wide64<S> {
    if odd { Wide64::<S>::load(simd, &number.im).scale(-1.0) } else { Wide64::<S>::load(simd, &number.re) }
}
