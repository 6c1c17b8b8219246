//! The points of an index, in the coordinates in which it computes: \[M50\], \[M51\], \[M53\].

use std::borrow::Cow;
use std::ops::Range;

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;
use tsne_core::{Element, Points, Scalar};

use crate::error::Error;
use crate::geometry::{Base, Geometry};
use crate::kernels::{ByteProduct, Floats, Fold};
use crate::selection::zeros;
use crate::tile::{Kernel, LANES, Packed};

/// Rows to a partial sum of the center.
const CHUNK: usize = 4096;

/// Rows, borrowed or owned.
#[derive(Clone, Debug)]
enum Values<'a, T: Scalar> {
    /// As given, of the computing type.
    Dense(Cow<'a, [T]>),
    /// As given, bytes.
    Bytes(Cow<'a, [u8]>),
    /// What the metric makes of the rows.
    Mapped(Vec<f64>),
}

/// Evaluates `$body` with the values of any kind under one name.
macro_rules! with_values {
    ($values:expr, $name:ident => $body:expr) => {
        match $values {
            Values::Dense($name) => $body,
            Values::Bytes($name) => $body,
            Values::Mapped($name) => $body,
        }
    };
}

/// What rows are multiplied by.
#[derive(Clone, Debug)]
enum Scales {
    /// Nothing.
    None,
    /// One power of two for all, which brings the largest magnitude near 1.
    Same(f64),
    /// The inverse of each row's length; 0 for rows of zeros.
    Each(Vec<f64>),
}

/// Points, and what they are multiplied by.
#[derive(Clone, Debug)]
pub(crate) struct Store<'a, T: Scalar> {
    values: Values<'a, T>,
    n_points: usize,
    n_features: usize,
    scales: Scales,
    /// Indices of the rows of zeros, where each row has a scale.
    zero_rows: Vec<u32>,
}

impl<'a, T: Scalar> Store<'a, T> {
    /// Takes finite points, dense or bytes, and makes of them what `geometry` needs.
    pub(crate) fn new(points: Points<'a, T>, geometry: &Geometry) -> Result<Self, Error> {
        let (n_points, n_features) = (points.n_points(), points.n_features());
        let mut values = match points {
            Points::Dense(points) => Values::Dense(Cow::Borrowed(points.as_slice())),
            Points::Bytes(points) => Values::Bytes(Cow::Borrowed(points.as_slice())),
            Points::Sparse(_) => {
                return Err(Error::UnsupportedPoints { index: "a dense index", kind: "sparse" });
            }
        };
        if let Some(mapped) = map_rows(&values, n_features, geometry)? {
            values = Values::Mapped(mapped);
        }
        let (scales, zero_rows) = if geometry.unit {
            let scales: Vec<f64> = with_values!(&values, values => {
                values.par_chunks_exact(n_features).map(inverse_length).collect()
            });
            if let Some(row) = scales.iter().position(|scale| !scale.is_finite()) {
                return Err(Error::BadRow { row, metric: geometry.name, need: INVERTIBLE });
            }
            let zero_rows =
                (0_u32..).zip(&scales).filter(|(_, scale)| **scale == 0.0).map(|(i, _)| i).collect();
            (Scales::Each(scales), zero_rows)
        } else if let Base::Pair(_) = geometry.base {
            (Scales::None, Vec::new())
        } else {
            let largest = with_values!(&values, values => {
                values.par_chunks(CHUNK * n_features).map(largest_magnitude).reduce(|| 0.0, f64::max)
            });
            (Scales::Same(power_of_two_scale(largest)), Vec::new())
        };
        Ok(Self { values, n_points, n_features, scales, zero_rows })
    }

    pub(crate) fn into_owned(self) -> Store<'static, T> {
        let values = match self.values {
            Values::Dense(values) => Values::Dense(Cow::Owned(values.into_owned())),
            Values::Bytes(values) => Values::Bytes(Cow::Owned(values.into_owned())),
            Values::Mapped(values) => Values::Mapped(values),
        };
        Store {
            values,
            n_points: self.n_points,
            n_features: self.n_features,
            scales: self.scales,
            zero_rows: self.zero_rows,
        }
    }

    pub(crate) fn n_points(&self) -> usize {
        self.n_points
    }

    pub(crate) fn n_features(&self) -> usize {
        self.n_features
    }

    /// What all rows are multiplied by; 1 where they have no factor, or each its own.
    pub(crate) fn scale(&self) -> f64 {
        match self.scales {
            Scales::Same(scale) => scale,
            Scales::None | Scales::Each(_) => 1.0,
        }
    }

    /// A power of two that brings the largest magnitude near 1, whether or not rows are multiplied by it otherwise.
    pub(crate) fn common_scale(&self) -> f64 {
        match self.scales {
            Scales::Same(scale) => scale,
            Scales::Each(_) => 1.0,
            Scales::None => power_of_two_scale(self.largest_magnitude()),
        }
    }

    fn largest_magnitude(&self) -> f64 {
        with_values!(&self.values, values => {
            values.par_chunks(CHUNK * self.n_features).map(largest_magnitude).reduce(|| 0.0, f64::max)
        })
    }

    /// What row `i` is multiplied by when it is compared with the points of `indexed`, and they with it: their scale,
    /// unless the row is larger than all of them.
    pub(crate) fn scale_against(&self, i: usize, indexed: &Store<'_, T>) -> f64 {
        let Scales::Same(_) = self.scales else { return 1.0 };
        let largest = with_values!(&self.values, values => {
            largest_magnitude(&values[i * self.n_features..][..self.n_features])
        });
        scale_for(largest, indexed.scale())
    }

    /// Whether the points are bytes, as they were given.
    pub(crate) fn is_bytes(&self) -> bool {
        matches!((&self.values, &self.scales), (Values::Bytes(_), Scales::Same(_)))
    }

    /// Whether each row is divided by its length.
    pub(crate) fn is_unit(&self) -> bool {
        matches!(self.scales, Scales::Each(_))
    }

    /// Indices of the rows of zeros, in increasing order, where each row is divided by its length.
    pub(crate) fn zero_rows(&self) -> &[u32] {
        &self.zero_rows
    }

    /// Whether row `i` is all zeros but should have length 1.
    #[inline(always)]
    pub(crate) fn is_zero_row(&self, i: usize) -> bool {
        match &self.scales {
            Scales::None | Scales::Same(_) => false,
            Scales::Each(scales) => scales[i] == 0.0,
        }
    }

    /// Appends the rows of `range` to `rows`, in f64, multiplied by their own scales, or by `scale` if they have none.
    pub(crate) fn read(&self, range: Range<usize>, scale: f64, rows: &mut Vec<f64>) {
        let width = self.n_features;
        let level = Level::new();
        with_values!(&self.values, values => {
            dispatch!(level, _simd => for i in range {
                let scale = match &self.scales {
                    Scales::None | Scales::Same(_) => scale,
                    Scales::Each(scales) => scales[i],
                };
                rows.extend(values[i * width..][..width].iter().map(#[inline(always)] |x| x.to_f64() * scale));
            });
        });
    }

    /// Mean of the scaled points, feature by feature. Sums over fixed chunks of rows, added in order.
    pub(crate) fn center(&self) -> Vec<f64> {
        let width = self.n_features;
        let chunks = (0..self.n_points).into_par_iter().step_by(CHUNK);
        let partial: Vec<Vec<f64>> = chunks
            .map(|first| {
                let (mut sums, mut row) = (vec![0.0; width], Vec::with_capacity(width));
                for i in first..(first + CHUNK).min(self.n_points) {
                    row.clear();
                    self.read(i..i + 1, self.scale(), &mut row);
                    sums.iter_mut().zip(&row).for_each(|(sum, x)| *sum += x);
                }
                sums
            })
            .collect();
        let mut center = vec![0.0; width];
        for sums in partial {
            center.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
        }
        center.iter_mut().for_each(|total| *total /= self.n_points.max(1) as f64);
        center
    }

    /// Packs the points of `range`, scaled (by `scale` if they have no scales of their own), less `center`, narrowed
    /// to f32. Rows of zeros that should have length 1 are packed as padding, which nothing is near.
    pub(crate) fn pack_floats<F: Fold>(
        &self,
        range: Range<usize>,
        scale: f64,
        center: &[f64],
        packed: &mut Packed<Floats<F>>,
    ) {
        let width = self.n_features;
        packed.reset(range.clone(), width);
        let level = Level::new();
        let panels = packed.cells.chunks_exact_mut(width * LANES).zip(packed.norms.chunks_exact_mut(LANES));
        for (first, (cells, norms)) in range.clone().step_by(LANES).zip(panels) {
            let len = LANES.min(range.end - first);
            let mut scales = [scale; LANES];
            if let Scales::Each(each) = &self.scales {
                scales[..len].copy_from_slice(&each[first..first + len]);
            }
            with_values!(&self.values, values => {
                let rows = &values[first * width..(first + len) * width];
                dispatch!(level, _simd => narrow::<_, F>(rows, &scales, center, cells, norms));
            });
            for (norm, _) in norms.iter_mut().zip(scales).filter(|(_, scale)| *scale == 0.0) {
                *norm = Floats::<F>::PADDING;
            }
        }
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

/// Makes of every row what the metric needs; nothing if rows stay as they are.
fn map_rows<T: Scalar>(
    values: &Values<'_, T>,
    n_features: usize,
    geometry: &Geometry,
) -> Result<Option<Vec<f64>>, Error> {
    let Some(map) = &geometry.map else { return Ok(None) };
    let apply = |i: usize, row: &mut [f64]| {
        let bad = |need| Error::BadRow { row: i, metric: geometry.name, need };
        map.apply(row).map_err(bad)?;
        if row.iter().all(|x| x.is_finite()) { Ok(()) } else { Err(bad("values that do not overflow")) }
    };
    let read = |i: usize, row: &mut [f64]| {
        with_values!(values, values => {
            let from = &values[i * n_features..][..n_features];
            row.iter_mut().zip(from).for_each(|(to, x)| *to = x.to_f64());
        });
    };
    let n_points = with_values!(values, values => values.len()) / n_features;
    if map.is_check() {
        (0..n_points).into_par_iter().try_for_each_init(
            || vec![0.0; n_features],
            |row, i| {
                read(i, row);
                apply(i, row)
            },
        )?;
        return Ok(None);
    }
    let mut mapped = zeros(n_points * n_features)?;
    mapped.par_chunks_exact_mut(n_features).enumerate().try_for_each(|(i, row)| {
        read(i, row);
        apply(i, row)
    })?;
    Ok(Some(mapped))
}

impl<K: Kernel> Packed<K> {
    /// Makes room for the points of `range`, all padding so far.
    pub(crate) fn reset(&mut self, range: Range<usize>, steps: usize) {
        let padded = range.len().next_multiple_of(LANES);
        (self.first, self.len, self.steps) = (range.start, range.len(), steps);
        self.cells.clear();
        self.cells.resize(padded * steps, K::Cell::default());
        self.norms.clear();
        self.norms.resize(padded, K::PADDING);
    }
}

/// Scales, centers and narrows up to sixteen rows into a panel, and computes their norms.
#[inline(always)]
pub(crate) fn narrow<E: Element, F: Fold>(
    rows: &[E],
    scales: &[f64; LANES],
    center: &[f64],
    cells: &mut [f32],
    norms: &mut [f32],
) {
    let width = center.len();
    let (cells, _) = cells.as_chunks_mut::<LANES>();
    let mut totals = [0.0_f64; LANES];
    // Sixteen features at a time, so that reading and writing are both in order.
    for first in (0..width).step_by(LANES) {
        let n = LANES.min(width - first);
        let mut square = [[0.0_f32; LANES]; LANES];
        for (p, row) in rows.chunks_exact(width).enumerate() {
            for f in 0..n {
                #[allow(clippy::cast_possible_truncation, reason = "narrowing is the purpose")]
                let narrowed = (row[first + f].to_f64() * scales[p] - center[first + f]) as f32;
                square[p][f] = narrowed;
            }
        }
        for f in 0..n {
            for p in 0..LANES {
                let x = square[p][f];
                cells[first + f][p] = x;
                totals[p] = F::add_to_norm(totals[p], f64::from(x));
            }
        }
    }
    for (norm, total) in norms.iter_mut().zip(&totals[..rows.len() / width]) {
        #[allow(clippy::cast_possible_truncation, reason = "the error bound allows for it")]
        let narrowed = *total as f32;
        *norm = narrowed;
    }
}

/// What a row must have whose [`inverse_length`] is infinite.
pub(crate) const INVERTIBLE: &str = "rows of zeros or of a length above 6e-309";

/// 1 over the length of `row`, 0 if it is all zeros; infinite if that is too large for a number.
pub(crate) fn inverse_length<E: Element>(row: &[E]) -> f64 {
    let largest = largest_magnitude(row);
    if largest == 0.0 {
        return 0.0;
    }
    let scale = power_of_two_scale(largest);
    scale / row.iter().map(|x| (x.to_f64() * scale).powi(2)).sum::<f64>().sqrt()
}

/// What a row of this `largest` magnitude is multiplied by when it is compared with points at `scale`, and they with it: a row
/// of zeros, which asks for nothing, by the same as they.
pub(crate) fn scale_for(largest: f64, scale: f64) -> f64 {
    if largest > 0.0 { scale.min(power_of_two_scale(largest)) } else { scale }
}

/// Power of two that brings `largest`, the largest magnitude in the data, to between 1/2 and 1.
pub(crate) fn power_of_two_scale(largest: f64) -> f64 {
    if largest == 0.0 {
        return 1.0;
    }
    // At the ends of the range the factor would not be a normal number; nearly 1 is near enough there.
    2.0_f64.powi(-exponent(largest).clamp(-1000, 1000))
}

/// `e` with `2^(e−1) ≤ x < 2^e`, for a positive finite `x` that is not subnormal.
fn exponent(x: f64) -> i32 {
    let biased = (x.to_bits() >> 52) & 0x7ff;
    i32::try_from(biased).expect("eleven bits fit") - 1022
}

/// Largest magnitude in `values`.
pub(crate) fn largest_magnitude<E: Element>(values: &[E]) -> f64 {
    values.iter().fold(0.0, |largest, x| largest.max(x.to_f64().abs()))
}

#[cfg(test)]
mod tests {
    use super::power_of_two_scale;

    #[test]
    fn scale_brings_magnitudes_to_one() {
        for x in [1e-150, 1e-15, 0.3, 0.5, 1.0, 255.0, 1e9, 1e150] {
            let scaled = x * power_of_two_scale(x);
            assert!((0.5..1.0).contains(&scaled), "{x} became {scaled}");
        }
        assert_eq!(power_of_two_scale(0.0), 1.0, "nothing to scale");
        for x in [5e-324, f64::MAX] {
            let scale = power_of_two_scale(x);
            assert!(scale.is_normal() && (x * scale).is_finite(), "{x} is scaled by {scale}");
        }
    }
}
