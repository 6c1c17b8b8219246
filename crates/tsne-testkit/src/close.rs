//! Comparisons that name the worst entry: where it is, both values, and what was allowed.

use std::fmt;

use tsne_core::{Csr, KnnGraph, Scalar};

/// The entry that exceeds its tolerance the most.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Worst {
    /// Its index.
    pub index: usize,
    /// The value found.
    pub got: f64,
    /// The value expected.
    pub want: f64,
    /// The difference allowed.
    pub tolerance: f64,
}

impl Worst {
    /// Difference over tolerance: above 1 is too far. Infinite where a value is NaN or the difference is.
    #[must_use]
    pub fn excess(&self) -> f64 {
        if self.got == self.want {
            return 0.0;
        }
        let excess = (self.got - self.want).abs() / self.tolerance;
        if excess.is_nan() { f64::INFINITY } else { excess }
    }
}

impl fmt::Display for Worst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, got, want, tolerance } = self;
        let difference = (got - want).abs();
        write!(f, "entry {index} is {got:?}, expected {want:?}: off by {difference:e}, allowed {tolerance:e}")
    }
}

/// The entry of `got` farthest from `want` in units of the tolerance `rel * |want| + floor`; `None` for no entries.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn worst<T: Scalar>(got: &[T], want: &[f64], rel: f64, floor: f64) -> Option<Worst> {
    assert_eq!(got.len(), want.len(), "compared arrays differ in length");
    let entries = got.iter().zip(want).enumerate().map(|(index, (got, &want))| Worst {
        index,
        got: got.to_f64(),
        want,
        tolerance: rel * want.abs() + floor,
    });
    entries.max_by(|a, b| a.excess().total_cmp(&b.excess()))
}

/// Asserts `|got − want| ≤ rel * |want| + floor` for every entry.
///
/// # Panics
/// With the worst entry, if it is farther; or if the lengths differ.
#[track_caller]
pub fn assert_close<T: Scalar>(got: &[T], want: &[f64], rel: f64, floor: f64, what: &str) {
    if let Some(worst) = worst(got, want, rel, floor) {
        assert!(worst.excess() <= 1.0, "{what}: {worst} ({} entries)", got.len());
    }
}

/// [`assert_close`] for one value.
///
/// # Panics
/// If it is farther.
#[track_caller]
pub fn assert_close_value(got: f64, want: f64, rel: f64, floor: f64, what: &str) {
    let worst = Worst { index: 0, got, want, tolerance: rel * want.abs() + floor };
    let (difference, tolerance) = ((got - want).abs(), worst.tolerance);
    assert!(
        worst.excess() <= 1.0,
        "{what} is {got:?}, expected {want:?}: off by {difference:e}, allowed {tolerance:e}"
    );
}

/// Asserts that every entry of a row is within `rel` times the largest magnitude of that row of `want`, in rows of
/// `n_columns`.
///
/// # Panics
/// With the worst row and entry, if one is farther; or if the lengths differ or are not whole rows.
#[track_caller]
pub fn assert_rows_close<T: Scalar>(got: &[T], want: &[f64], n_columns: usize, rel: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}: compared arrays differ in length");
    assert!(got.len().is_multiple_of(n_columns), "{what}: {} values in rows of {n_columns}", got.len());
    let rows = got.chunks_exact(n_columns).zip(want.chunks_exact(n_columns)).enumerate();
    let worst = rows.filter_map(|(row, (got, want))| {
        let largest = want.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        worst(got, want, 0.0, rel * largest).map(|worst| (row, worst))
    });
    if let Some((row, worst)) = worst.max_by(|a, b| a.1.excess().total_cmp(&b.1.excess())) {
        assert!(worst.excess() <= 1.0, "{what}: row {row}, {worst}");
    }
}

/// ‖got − want‖ / ‖want‖ over all entries of two arrays of forces; 0 when both are zero, infinite when `want` alone is.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
#[must_use]
pub fn relative_l2<T: Scalar, const D: usize>(got: &[[T; D]], want: &[[f64; D]]) -> f64 {
    assert_eq!(got.len(), want.len(), "compared arrays differ in length");
    // Scaled by the largest entry, so that forces of 1e-200 are compared like any others.
    let scale = want.as_flattened().iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let pairs = got.as_flattened().iter().zip(want.as_flattened());
    if scale == 0.0 {
        return if pairs.into_iter().all(|(got, _)| got.to_f64() == 0.0) { 0.0 } else { f64::INFINITY };
    }
    let squares = pairs.map(|(got, want)| (((got.to_f64() - want) / scale).powi(2), (want / scale).powi(2)));
    let (error, norm) = squares.fold((0.0, 0.0), |sums, term| (sums.0 + term.0, sums.1 + term.1));
    (error / norm).sqrt()
}

/// Asserts that [`relative_l2`] is at most `bound`.
///
/// # Panics
/// With the point whose force is farthest off, if it is not; or if the lengths differ.
#[track_caller]
pub fn assert_forces_close<T: Scalar, const D: usize>(
    got: &[[T; D]],
    want: &[[f64; D]],
    bound: f64,
    what: &str,
) {
    let error = relative_l2(got, want);
    if error <= bound {
        return;
    }
    let distance = |i: usize| (0..D).map(|a| (got[i][a].to_f64() - want[i][a]).powi(2)).sum::<f64>();
    let unordered = |d2: f64| if d2.is_nan() { f64::INFINITY } else { d2 };
    let worst = (0..got.len()).max_by(|&i, &j| unordered(distance(i)).total_cmp(&unordered(distance(j))));
    let i = worst.unwrap_or_default();
    panic!(
        "{what}: relative error {error:e} of the forces, allowed {bound:e}; worst is point {i} of {} with {:?}, expected {:?}",
        got.len(),
        got[i],
        want[i],
    );
}

/// What can be compared bit by bit: numbers, arrays and vectors of them, tuples, graphs and sparse matrices.
pub trait Bits {
    /// Appends the bits.
    fn append_bits(&self, bits: &mut Vec<u64>);

    /// All bits.
    fn bits(&self) -> Vec<u64> {
        let mut bits = Vec::new();
        self.append_bits(&mut bits);
        bits
    }
}

macro_rules! bits {
    ($($t:ty: $x:ident => $bits:expr;)*) => {$(
        impl Bits for $t {
            fn append_bits(&self, bits: &mut Vec<u64>) {
                let $x = *self;
                bits.push($bits);
            }
        }
    )*};
}
bits! {
    f64: x => x.to_bits();
    f32: x => u64::from(x.to_bits());
    u32: x => u64::from(x);
    u64: x => x;
    usize: x => x as u64;
}

impl<B: Bits> Bits for [B] {
    fn append_bits(&self, bits: &mut Vec<u64>) {
        bits.push(self.len() as u64);
        self.iter().for_each(|x| x.append_bits(bits));
    }
}

impl<B: Bits, const N: usize> Bits for [B; N] {
    fn append_bits(&self, bits: &mut Vec<u64>) {
        self.iter().for_each(|x| x.append_bits(bits));
    }
}

impl<B: Bits> Bits for Vec<B> {
    fn append_bits(&self, bits: &mut Vec<u64>) {
        self.as_slice().append_bits(bits);
    }
}

impl<A: Bits, B: Bits> Bits for (A, B) {
    fn append_bits(&self, bits: &mut Vec<u64>) {
        self.0.append_bits(bits);
        self.1.append_bits(bits);
    }
}

impl<T: Scalar> Bits for KnnGraph<T> {
    fn append_bits(&self, bits: &mut Vec<u64>) {
        bits.push(self.k() as u64);
        self.neighbors().append_bits(bits);
        bits.extend(self.distances().iter().map(|x| x.to_f64().to_bits()));
    }
}

impl<T: Scalar> Bits for Csr<T> {
    fn append_bits(&self, bits: &mut Vec<u64>) {
        bits.push(self.n_columns() as u64);
        self.offsets().append_bits(bits);
        self.columns().append_bits(bits);
        bits.extend(self.values().iter().map(|x| x.to_f64().to_bits()));
    }
}

/// Asserts that two results are the same bits, so that −0 differs from 0 and a NaN equals itself.
///
/// # Panics
/// With the first word that differs, if one does.
#[track_caller]
pub fn assert_same_bits<B: Bits + ?Sized>(got: &B, want: &B, what: &str) {
    let (got, want) = (got.bits(), want.bits());
    assert_eq!(got.len(), want.len(), "{what}: results differ in size");
    if let Some(at) = got.iter().zip(&want).position(|(got, want)| got != want) {
        panic!("{what}: bits differ at word {at} of {}: {:#018x} and {:#018x}", got.len(), got[at], want[at]);
    }
}
