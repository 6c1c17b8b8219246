//! The points of an index, in the coordinates in which it computes: [M50], [M51].

use std::borrow::Cow;
use std::ops::Range;

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;
use tsne_core::{Element, Points, Scalar};

use crate::direct::{largest_magnitude, power_of_two_scale};
use crate::error::Error;
use crate::tile::{ByteProduct, FloatProduct, Kernel, LANES, Packed};

/// Rows to a partial sum of the center.
const CHUNK: usize = 4096;

/// Dense values, borrowed or owned.
#[derive(Clone, Debug)]
pub(crate) enum Values<'a, T: Scalar> {
    /// Of the computing type.
    Dense(Cow<'a, [T]>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
}

/// Evaluates `$body` with the values of either kind under one name.
macro_rules! with_values {
    ($values:expr, $name:ident => $body:expr) => {
        match $values {
            $crate::store::Values::Dense($name) => $body,
            $crate::store::Values::Bytes($name) => $body,
        }
    };
}
pub(crate) use with_values;

/// Points and the power of two that brings them near 1.
#[derive(Clone, Debug)]
pub(crate) struct Store<'a, T: Scalar> {
    values: Values<'a, T>,
    n_points: usize,
    n_features: usize,
    scale: f64,
}

impl<'a, T: Scalar> Store<'a, T> {
    /// Takes dense points or bytes, and checks that they are finite.
    pub(crate) fn new(points: Points<'a, T>) -> Result<Self, Error> {
        points.check_finite()?;
        let (values, scale) = match points {
            Points::Dense(points) => {
                let values = points.as_slice();
                (Values::Dense(Cow::Borrowed(values)), power_of_two_scale(largest_magnitude(values)))
            }
            Points::Bytes(points) => (Values::Bytes(Cow::Borrowed(points.as_slice())), 1.0 / 256.0),
            Points::Sparse(_) => {
                return Err(Error::UnsupportedPoints { index: "exact search", kind: "sparse" });
            }
        };
        Ok(Self { values, n_points: points.n_points(), n_features: points.n_features(), scale })
    }

    pub(crate) fn into_owned(self) -> Store<'static, T> {
        let values = match self.values {
            Values::Dense(values) => Values::Dense(Cow::Owned(values.into_owned())),
            Values::Bytes(values) => Values::Bytes(Cow::Owned(values.into_owned())),
        };
        Store { values, n_points: self.n_points, n_features: self.n_features, scale: self.scale }
    }

    pub(crate) fn values(&self) -> &Values<'a, T> {
        &self.values
    }

    pub(crate) fn n_points(&self) -> usize {
        self.n_points
    }

    pub(crate) fn n_features(&self) -> usize {
        self.n_features
    }

    /// Power of two that brings the largest magnitude near 1.
    pub(crate) fn scale(&self) -> f64 {
        self.scale
    }

    /// Whether the points are bytes.
    pub(crate) fn is_bytes(&self) -> bool {
        matches!(self.values, Values::Bytes(_))
    }

    /// Mean of the scaled points, feature by feature. Sums over fixed chunks of rows, added in order.
    pub(crate) fn center(&self) -> Vec<f64> {
        let (width, scale) = (self.n_features, self.scale);
        let partial: Vec<Vec<f64>> = with_values!(&self.values, values => values
            .par_chunks(CHUNK * width)
            .map(|rows| {
                let mut sums = vec![0.0; width];
                for row in rows.chunks_exact(width) {
                    for (sum, x) in sums.iter_mut().zip(row) {
                        *sum += x.to_f64() * scale;
                    }
                }
                sums
            })
            .collect());
        let mut center = vec![0.0; width];
        for sums in partial {
            for (total, sum) in center.iter_mut().zip(sums) {
                *total += sum;
            }
        }
        center.iter_mut().for_each(|total| *total /= self.n_points.max(1) as f64);
        center
    }

    /// Packs the points of `range`, times `scale` less `center`, narrowed to f32.
    pub(crate) fn pack_floats(
        &self,
        range: Range<usize>,
        scale: f64,
        center: &[f64],
        packed: &mut Packed<FloatProduct>,
    ) {
        let width = self.n_features;
        packed.reset(range.clone(), width);
        let level = Level::new();
        with_values!(&self.values, values => {
            let rows = &values[range.start * width..range.end * width];
            dispatch!(level, _simd => narrow(rows, scale, center, &mut packed.cells, &mut packed.norms));
        });
    }

    /// Packs the points of `range`, which are bytes, two features to a cell.
    pub(crate) fn pack_bytes(&self, range: Range<usize>, packed: &mut Packed<ByteProduct>) {
        let Values::Bytes(values) = &self.values else { unreachable!("the caller has asked is_bytes") };
        let width = self.n_features;
        let steps = width.div_ceil(2);
        packed.reset(range.clone(), steps);
        let rows = &values[range.start * width..range.end * width];
        let panels = packed.cells.chunks_exact_mut(steps * LANES).zip(packed.norms.chunks_exact_mut(LANES));
        for (rows, (cells, norms)) in rows.chunks(LANES * width).zip(panels) {
            // The features of a few cells at a time, so that reading and writing are both in order.
            for (cells, first) in cells.chunks_mut(LANES * LANES).zip((0..width).step_by(2 * LANES)) {
                for (lane, row) in rows.chunks_exact(width).enumerate() {
                    let pairs = row[first..width.min(first + 2 * LANES)].chunks(2);
                    for (pair, cells) in pairs.zip(cells.chunks_exact_mut(LANES)) {
                        let high = pair.get(1).map_or(0, |&x| i32::from(x));
                        cells[lane] = i32::from(pair[0]) | high << 16;
                    }
                }
            }
            for (norm, row) in norms.iter_mut().zip(rows.chunks_exact(width)) {
                *norm = row.iter().map(|&x| i32::from(x) * i32::from(x)).sum();
            }
        }
    }
}

impl<K: Kernel> Packed<K> {
    /// Makes room for the points of `range`, all padding so far.
    fn reset(&mut self, range: Range<usize>, steps: usize) {
        let padded = range.len().next_multiple_of(LANES);
        (self.first, self.len, self.steps) = (range.start, range.len(), steps);
        self.cells.clear();
        self.cells.resize(padded * steps, K::Cell::default());
        self.norms.clear();
        self.norms.resize(padded, K::PADDING);
    }
}

/// Scales, centers and narrows `rows` into panels, and computes their squared norms.
#[inline(always)]
fn narrow<E: Element>(rows: &[E], scale: f64, center: &[f64], cells: &mut [f32], norms: &mut [f32]) {
    let width = center.len();
    let panels = cells.chunks_exact_mut(width * LANES).zip(norms.chunks_exact_mut(LANES));
    for (rows, (cells, norms)) in rows.chunks(LANES * width).zip(panels) {
        let (cells, _) = cells.as_chunks_mut::<LANES>();
        let mut sums = [0.0_f64; LANES];
        // Sixteen features of sixteen points at a time, so that reading and writing are both in order.
        for first in (0..width).step_by(LANES) {
            let n = LANES.min(width - first);
            let mut square = [[0.0_f32; LANES]; LANES];
            for (p, row) in rows.chunks_exact(width).enumerate() {
                for f in 0..n {
                    #[allow(clippy::cast_possible_truncation, reason = "narrowing is the purpose")]
                    let narrowed = (row[first + f].to_f64() * scale - center[first + f]) as f32;
                    square[p][f] = narrowed;
                }
            }
            for f in 0..n {
                for p in 0..LANES {
                    let x = square[p][f];
                    cells[first + f][p] = x;
                    sums[p] += f64::from(x) * f64::from(x);
                }
            }
        }
        for (norm, sum) in norms.iter_mut().zip(&sums[..rows.len() / width]) {
            #[allow(clippy::cast_possible_truncation, reason = "the error bound allows for it")]
            let narrowed = *sum as f32;
            *norm = narrowed;
        }
    }
}
