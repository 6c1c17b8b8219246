//! From charges to fields: the three steps of a convolution, each on one piece of the mesh (\[M43\], \[M44\]).
//!
//! A block is sixteen columns of the mesh, of which it shares the last three with the next block; its lines run along
//! the first axis and the middle one, one column in each lane. A bundle is sixteen lines along the last axis. Between
//! the two the mesh is turned: blocks write, bundles read, and the other way round.

use std::sync::Arc;

use fearless_simd::Simd;
use tsne_core::Scalar;

use crate::fft::Plan;
use crate::grid::{BLOCK, Shape};
use crate::lanes::{Complex, Complexes, LANES, Lanes, Real, Row, Wide, transpose};
use crate::spectrum::{Spectra, Term};

/// Buffers that a piece of work needs.
pub(crate) const BUFFERS: usize = 5;

/// Memory of one piece of work.
#[derive(Debug)]
pub(crate) struct Scratch<T> {
    buffers: [Vec<Complexes<T>>; BUFFERS],
}

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        Self { buffers: std::array::from_fn(|_| Vec::new()) }
    }
}

impl<T: Scalar> Scratch<T> {
    /// Buffers of `len` numbers, whatever is in them.
    fn buffers(&mut self, len: usize) -> [&mut [Complexes<T>]; BUFFERS] {
        self.buffers.each_mut().map(|buffer| {
            if buffer.len() < len {
                buffer.resize(len, Complexes::zero());
            }
            &mut buffer[..len]
        })
    }
}

/// The transforms of one mesh.
#[derive(Clone, Debug)]
pub(crate) struct Convolution<T> {
    pub(crate) shape: Shape,
    /// Along the first, the middle and the last axis.
    pub(crate) plans: [Arc<Plan<T>>; 3],
}

impl<T: Real> Convolution<T> {
    /// Numbers that a block hands to the bundles: for each line along the last axis, its sixteen columns.
    pub(crate) fn block_len(&self) -> usize {
        self.shape.twists() * self.shape.padded_lines()
    }

    /// Numbers that a bundle hands back: for each field, its columns.
    pub(crate) fn bundle_len(&self, n_terms: usize) -> usize {
        n_terms * self.shape.columns()
    }

    /// Transforms the charges of a block, `rows`, along the first and the middle axis.
    #[inline(always)]
    pub(crate) fn forward<S: Simd>(
        &self,
        simd: S,
        rows: &[Row<T>],
        out: &mut [Complexes<T>],
        scratch: &mut Scratch<T>,
    ) {
        let [first, middle, _] = &self.plans;
        let [n_first, n_middle, _] = self.shape.nodes;
        let [_, used_middle, _] = self.shape.used;
        if self.shape.twists() == 1 {
            let [spare, ..] = scratch.buffers(n_first);
            let (from, to) = first.ordered(&mut out[..n_first], spare);
            twisted(simd, rows.iter(), first, from);
            first.transform(simd, from, to);
            out[n_first..].fill(Complexes::zero());
            return;
        }
        let [planes, spare, a, b, _] = scratch.buffers((n_first * used_middle).max(n_middle));
        let (spare, a, b) = (&mut spare[..n_first.max(n_middle)], &mut a[..n_middle], &mut b[..n_middle]);
        for (at, line) in planes.chunks_exact_mut(n_first).take(used_middle).enumerate() {
            let (from, to) = first.ordered(line, &mut spare[..n_first]);
            twisted(simd, rows[at..].iter().step_by(used_middle), first, from);
            first.transform(simd, from, to);
        }
        let (plus, minus) = out.split_at_mut(self.shape.padded_lines());
        plus[n_first * n_middle..].fill(Complexes::zero());
        minus[n_first * n_middle..].fill(Complexes::zero());
        let lines = plus.chunks_exact_mut(n_middle).zip(minus.chunks_exact_mut(n_middle)).take(n_first);
        for (k, (plus, minus)) in lines.enumerate() {
            let numbers = planes[k..].iter().step_by(n_first).take(used_middle);
            for (((a, b), number), &w) in a.iter_mut().zip(b.iter_mut()).zip(numbers).zip(middle.twist()) {
                let number = Complex::<S, T>::load(simd, number);
                number.times(simd, w).store(a);
                number.times_conj(simd, w).exchanged().store(b);
            }
            a[used_middle..].fill(Complexes::zero());
            b[used_middle..].fill(Complexes::zero());
            let (done, _) = middle.transform(simd, a, &mut spare[..n_middle]);
            plus.copy_from_slice(done);
            let (done, _) = middle.transform(simd, b, &mut spare[..n_middle]);
            for (minus, done) in minus.iter_mut().zip(done.iter()) {
                Complex::<S, T>::load(simd, done).exchanged().store(minus);
            }
        }
    }

    /// Convolves the sixteen lines of a bundle: reads the blocks, writes one run of columns per field to `out`, and
    /// returns this bundle's share of Σ over charges of the potential.
    #[inline(always)]
    pub(crate) fn bundle<S: Simd>(
        &self,
        simd: S,
        bundle: usize,
        blocks: &[Complexes<T>],
        spectra: &Spectra<T>,
        terms: &[Term],
        out: &mut [Complexes<T>],
        scratch: &mut Scratch<T>,
    ) -> f64 {
        let plan = &*self.plans[2];
        let (n, columns) = (plan.len(), self.shape.columns());
        let per_twist = self.shape.padded_lines() / LANES;
        let (mirrored, lines) = (bundle >= per_twist, bundle % per_twist);
        let [charges, a, b, c, d] = scratch.buffers(n);

        charges[columns..].fill(Complexes::zero());
        for (block, numbers) in blocks.chunks_exact(self.block_len()).enumerate() {
            let nodes = &mut charges[block * BLOCK..][..LANES];
            let shared = if block > 0 { LANES - BLOCK } else { 0 };
            turn(simd, &numbers[bundle * LANES..][..LANES], nodes, shared);
        }
        for (((number, a), c), &w) in charges.iter().zip(&mut *a).zip(&mut *c).zip(plan.twist()) {
            let number = Complex::<S, T>::load(simd, number);
            number.times(simd, w).store(a);
            number.times_conj(simd, w).exchanged().store(c);
        }
        let (plus, b) = plan.transform(simd, a, b);
        let (minus, d) = plan.transform(simd, c, d);
        let potential = power(simd, plus, minus, spectra.rows(Term::Potential, lines));

        let (mut spare, mut b, mut d) = (charges, b, d);
        for (&term, out) in terms.iter().zip(out.chunks_exact_mut(columns)) {
            let [sign_plus, sign_minus] = signs(term, mirrored);
            let factors = spectra.rows(term, lines);
            multiply(simd, plus, factors, sign_plus, b);
            multiply(simd, minus, factors, sign_minus, d);
            (b, spare) = plan.transform(simd, b, spare);
            (d, spare) = plan.transform(simd, d, spare);
            for (((plus, minus), &w), out) in b.iter().zip(d.iter()).zip(plan.twist()).zip(out) {
                let plus = Complex::<S, T>::load(simd, plus).exchanged().times_conj(simd, w);
                let sum = plus + Complex::load(simd, minus).times(simd, w);
                // The spectrum of an odd kernel is −i times what is stored of it.
                let sum = if term == Term::Potential { sum } else { sum.minus_i() };
                sum.store(out);
            }
        }
        potential
    }

    /// Transforms the `n_terms` fields of a block back: reads the bundles, writes to `fields` every field at every used
    /// row, those of one row together.
    #[inline(always)]
    pub(crate) fn inverse<S: Simd>(
        &self,
        simd: S,
        block: usize,
        bundles: &[Complexes<T>],
        n_terms: usize,
        fields: &mut [Row<T>],
        scratch: &mut Scratch<T>,
    ) {
        let [first, middle, _] = &self.plans;
        let [n_first, n_middle, _] = self.shape.nodes;
        let [used_first, used_middle, _] = self.shape.used;
        let padded = self.shape.padded_lines();
        let [lines, mirrored, planes, spare, line] =
            scratch.buffers(padded.max(n_first * used_middle).max(n_middle));
        let spare = &mut *spare;
        for term in 0..n_terms {
            let at = term * self.shape.columns() + block * BLOCK;
            let bundles =
                bundles.chunks_exact(self.bundle_len(n_terms)).map(|bundle| &bundle[at..at + LANES]);
            for (bundle, numbers) in bundles.enumerate() {
                let to = if bundle < padded / LANES { &mut *lines } else { &mut *mirrored };
                turn(simd, numbers, &mut to[bundle * LANES % padded..][..LANES], 0);
            }
            if self.shape.twists() == 1 {
                exchange(simd, &mut lines[..n_first]);
                let (done, _) = first.transform(simd, &mut lines[..n_first], &mut spare[..n_first]);
                self.real_parts(simd, done, fields[term..].iter_mut().step_by(n_terms));
                continue;
            }
            let pairs = lines.chunks_exact_mut(n_middle).zip(mirrored.chunks_exact_mut(n_middle));
            for (k, (plus, minus)) in pairs.take(n_first).enumerate() {
                exchange(simd, plus);
                let (minus, free) = middle.transform(simd, minus, &mut line[..n_middle]);
                let (plus, _) = middle.transform(simd, plus, free);
                let numbers = plus.iter().zip(minus.iter()).zip(middle.twist()).take(used_middle);
                for (m, ((plus, minus), &w)) in numbers.enumerate() {
                    let plus = Complex::<S, T>::load(simd, plus).exchanged().times_conj(simd, w);
                    let sum = plus + Complex::load(simd, minus).times(simd, w);
                    sum.exchanged().store(&mut planes[m * n_first + k]);
                }
            }
            for (m, line) in planes.chunks_exact_mut(n_first).take(used_middle).enumerate() {
                let (done, _) = first.transform(simd, line, &mut spare[..n_first]);
                let rows = fields[m * n_terms + term..].iter_mut().step_by(used_middle * n_terms);
                self.real_parts(simd, done, rows.take(used_first));
            }
        }
    }

    /// The real parts of what an exchanged transform along the first axis left, its twist undone.
    #[inline(always)]
    fn real_parts<'a, S: Simd>(
        &self,
        simd: S,
        exchanged: &[Complexes<T>],
        rows: impl Iterator<Item = &'a mut Row<T>>,
    ) {
        for ((number, &w), row) in exchanged.iter().zip(self.plans[0].twist()).zip(rows) {
            let number = Complex::<S, T>::load(simd, number);
            let (cos, sin) = (T::Wide::<S>::splat(simd, w[0]), T::Wide::<S>::splat(simd, w[1]));
            number.im.mul_add(cos, number.re * sin).store(&mut row.0);
        }
    }
}

/// Charges of one line with the twist of its transform, and the free nodes behind them.
#[inline(always)]
fn twisted<'a, S: Simd, T: Real>(
    simd: S,
    charges: impl ExactSizeIterator<Item = &'a Row<T>>,
    plan: &Plan<T>,
    line: &mut [Complexes<T>],
) {
    let (used, free) = line.split_at_mut(charges.len());
    for ((number, charge), &w) in used.iter_mut().zip(charges).zip(plan.twist()) {
        let charge = T::Wide::<S>::load(simd, &charge.0);
        Complex::<S, T> { re: charge.scale(w[0]), im: charge.scale(w[1]) }.store(number);
    }
    free.fill(Complexes::zero());
}

/// The signs that frequencies of opposite sign along the middle axis (`mirrored`) and, second, along the last give to a
/// kernel that is odd along one of them.
fn signs<T: Real>(term: Term, mirrored: bool) -> [T; 2] {
    let plus = if term == Term::Force(1) && mirrored { -T::one() } else { T::one() };
    [plus, if term == Term::Force(2) { -plus } else { plus }]
}

/// Products with a real spectrum, exchanged.
#[inline(always)]
fn multiply<S: Simd, T: Real>(
    simd: S,
    numbers: &[Complexes<T>],
    factors: &[Row<T>],
    sign: T,
    to: &mut [Complexes<T>],
) {
    for ((number, factor), to) in numbers.iter().zip(factors).zip(to) {
        let factor = T::Wide::<S>::load(simd, &factor.0).scale(sign);
        let number = Complex::<S, T>::load(simd, number).exchanged();
        Complex::<S, T> { re: number.re * factor, im: number.im * factor }.store(to);
    }
}

/// Σ factor·(|plus|² + |minus|²), in f64 beyond a few terms.
#[inline(always)]
fn power<S: Simd, T: Real>(
    simd: S,
    plus: &[Complexes<T>],
    minus: &[Complexes<T>],
    factors: &[Row<T>],
) -> f64 {
    const RUN: usize = 16;
    let mut total = [0.0; LANES];
    let runs = plus.chunks(RUN).zip(minus.chunks(RUN)).zip(factors.chunks(RUN));
    for ((plus, minus), factors) in runs {
        let mut sum = T::Wide::<S>::splat(simd, T::default());
        for ((plus, minus), factor) in plus.iter().zip(minus).zip(factors) {
            let (plus, minus) = (Complex::<S, T>::load(simd, plus), Complex::<S, T>::load(simd, minus));
            let power = plus.re.mul_add(plus.re, plus.im * plus.im);
            let power = power + minus.re.mul_add(minus.re, minus.im * minus.im);
            sum = power.mul_add(T::Wide::<S>::load(simd, &factor.0), sum);
        }
        let mut lanes = [T::default(); LANES];
        sum.store(&mut lanes);
        for (total, lane) in total.iter_mut().zip(lanes) {
            *total += lane.to_f64();
        }
    }
    total.iter().sum()
}

#[inline(always)]
fn exchange<S: Simd, T: Real>(simd: S, numbers: &mut [Complexes<T>]) {
    for number in numbers {
        Complex::<S, T>::load(simd, number).exchanged().store(number);
    }
}

/// Sixteen vectors of numbers with lanes and vectors exchanged. The first `shared` are added to what is there.
#[inline(always)]
fn turn<S: Simd, T: Real>(simd: S, from: &[Complexes<T>], to: &mut [Complexes<T>], shared: usize) {
    let from: &[Complexes<T>; LANES] = from.try_into().expect("a tile has as many vectors as lanes");
    let to: &mut [Complexes<T>; LANES] = to.try_into().expect("a tile has as many vectors as lanes");
    // Real parts first, then imaginary ones: the registers hold no more.
    let mut rows = [T::Wide::<S>::splat(simd, T::default()); LANES];
    for i in 0..LANES {
        rows[i] = T::Wide::<S>::load(simd, &from[i].re);
    }
    let rows = transpose::<S, T>(rows);
    for i in 0..LANES {
        let sum = if i < shared { T::Wide::<S>::load(simd, &to[i].re) + rows[i] } else { rows[i] };
        sum.store(&mut to[i].re);
    }
    let mut rows = rows;
    for i in 0..LANES {
        rows[i] = T::Wide::<S>::load(simd, &from[i].im);
    }
    let rows = transpose::<S, T>(rows);
    for i in 0..LANES {
        let sum = if i < shared { T::Wide::<S>::load(simd, &to[i].im) + rows[i] } else { rows[i] };
        sum.store(&mut to[i].im);
    }
}
