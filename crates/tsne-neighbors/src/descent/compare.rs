//! What a descent compares points by: tiles and vectors where quantities add up over features, pair by pair otherwise.
//!
//! Points go by their numbers in the descent, which are not those of the data. Outcomes are keys that sort as the
//! distances do; they are good enough to choose neighbors by, and no more is made of them.

use fearless_simd::{Level, dispatch};
use tsne_core::Scalar;

use crate::coordinates::{Coordinates, differences};
use crate::direct::{Direct, Distances, Scratch};
use crate::error::Error;
use crate::kernels::{Floats, Fold};
use crate::progress::Progress;
use crate::selection::{Rows, Selection, capacity, index_of};
use crate::store::narrow;
use crate::tile::{Kernel, LANES, Packed, compare};

/// Compares rows with the points of an index.
pub(crate) trait Compare: Sync {
    /// Buffers of one thread.
    type Buffers: Default + Send;

    /// Compares the points of a leaf with each other. For each of them, `offer` is called with its place in the leaf
    /// and entries of those found nearer than its key in `limits`, at most the `k` nearest.
    fn among(
        &self,
        leaf: &[u32],
        limits: &[u32],
        k: usize,
        buffers: &mut Self::Buffers,
        progress: &Progress<'_>,
        offer: impl FnMut(usize, &mut Vec<u64>),
    ) -> Result<(), Error>;

    /// Puts the keys of row `i` with each of the points `others` into `keys`.
    fn each(
        &self,
        i: u32,
        others: &[u32],
        buffers: &mut Self::Buffers,
        keys: &mut Vec<u32>,
    ) -> Result<(), Error>;
}

/// An entry of a list: sorts by key, then by number.
#[inline(always)]
pub(crate) fn entry(key: u32, i: u32) -> u64 {
    u64::from(key) << 32 | u64::from(i)
}

/// The key of an entry.
#[inline(always)]
pub(crate) fn key_of(entry: u64) -> u32 {
    u32::try_from(entry >> 32).expect("the high half of an entry")
}

/// Larger than the key of any pair.
pub(crate) const NO_KEY: u32 = u32::MAX;

/// Share of the distance to the farthest neighbor that the error of a tile may reach.
const MAX_ERROR: f64 = 1.0 / 16.0;

/// Leaves in `found` the entries of at most `k` of the points `others`, the nearest with keys below `limit`, without
/// point `i`.
pub(super) fn keep_nearest(i: u32, others: &[u32], keys: &[u32], limit: u32, k: usize, found: &mut Vec<u64>) {
    found.clear();
    let nearer = others.iter().zip(keys).filter(|&(&j, &key)| j != i && key < limit);
    found.extend(nearer.map(|(&j, &key)| entry(key, j)));
    if found.len() > k {
        found.select_nth_unstable(k - 1);
        found.truncate(k);
    }
}

/// By sums over features: leaves in tiles, single pairs by differences.
pub(crate) struct ByFeatures<'s, T, F> {
    pub(crate) kernel: &'s Floats<F>,
    pub(crate) rows: &'s Coordinates<T>,
    pub(crate) indexed: &'s Coordinates<T>,
}

/// Buffers of [`ByFeatures`].
pub(crate) struct TileBuffers<T, F: Fold> {
    rows: Vec<T>,
    center: Vec<f64>,
    packed: Packed<Floats<F>>,
    limits: Vec<f32>,
    entries: Vec<u64>,
    found: Vec<u64>,
    keys: Vec<u32>,
    others: Vec<u32>,
}

impl<T, F: Fold> Default for TileBuffers<T, F> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            center: Vec::new(),
            packed: Packed::default(),
            limits: Vec::new(),
            entries: Vec::new(),
            found: Vec::new(),
            keys: Vec::new(),
            others: Vec::new(),
        }
    }
}

impl<T: Scalar, F: Fold> Compare for ByFeatures<'_, T, F> {
    type Buffers = TileBuffers<T, F>;

    fn among(
        &self,
        leaf: &[u32],
        limits: &[u32],
        k: usize,
        buffers: &mut Self::Buffers,
        progress: &Progress<'_>,
        mut offer: impl FnMut(usize, &mut Vec<u64>),
    ) -> Result<(), Error> {
        let TileBuffers { rows, center, packed, limits: thresholds, entries, found, keys, others } = buffers;
        rows.clear();
        leaf.iter().for_each(|&i| rows.extend_from_slice(&self.indexed.row(i)[..self.indexed.n_features()]));
        pack(rows, self.indexed.n_features(), center, packed);
        thresholds.clear();
        thresholds.extend(limits.iter().map(|&key| match key {
            NO_KEY => Floats::<F>::ALWAYS,
            key => Floats::<F>::from_key(key),
        }));
        entries.resize(leaf.len() * capacity(k), 0);
        let mut nearest = Selection::new(Rows::below(packed, k, thresholds), entries);
        dispatch!(Level::new(), simd => compare(simd, self.kernel, packed, packed, &mut nearest, None, true));
        progress.advance(0)?;
        let largest_norm = packed.norms[..leaf.len()].iter().fold(0.0, |most: f32, &norm| most.max(norm));
        for (place, (&i, &limit)) in leaf.iter().zip(limits).enumerate() {
            found.clear();
            found
                .extend(nearest.entries(place).iter().map(|&e| entry(key_of(e), leaf[index_of(e) as usize])));
            let reach = found.iter().map(|&e| key_of(e)).max().unwrap_or(limit);
            let error = self.kernel.error(packed.norms[place], largest_norm);
            if error > MAX_ERROR * f64::from(f32::from_bits(reach)) {
                // What the leaf has in common does not help: it holds points of places far apart.
                progress.advance(0)?;
                self.push_keys(i, leaf, keys);
                keep_nearest(i, leaf, keys, limit, k, found);
            } else {
                self.sharpen(i, error, others, keys, found);
            }
            offer(place, found);
        }
        Ok(())
    }

    fn each(
        &self,
        i: u32,
        others: &[u32],
        _buffers: &mut Self::Buffers,
        keys: &mut Vec<u32>,
    ) -> Result<(), Error> {
        self.push_keys(i, others, keys);
        Ok(())
    }
}

impl<T: Scalar, F: Fold> ByFeatures<'_, T, F> {
    /// Computes by differences those of the entries `found` for row `i` that are little more than their `error`.
    fn sharpen(&self, i: u32, error: f64, others: &mut Vec<u32>, keys: &mut Vec<u32>, found: &mut [u64]) {
        let is_blurred = |entry: u64| error > MAX_ERROR * f64::from(f32::from_bits(key_of(entry)));
        others.clear();
        others.extend(found.iter().filter(|&&entry| is_blurred(entry)).map(|&entry| index_of(entry)));
        self.push_keys(i, others, keys);
        let blurred = found.iter_mut().filter(|entry| is_blurred(**entry));
        blurred.zip(others.iter().zip(&*keys)).for_each(|(to, (&j, &key))| *to = entry(key, j));
    }

    /// Puts the keys of row `i` with each of the points `others` into `keys`, by differences.
    fn push_keys(&self, i: u32, others: &[u32], keys: &mut Vec<u32>) {
        keys.clear();
        let row = self.rows.row(i);
        differences::<T, F>(
            row,
            self.indexed,
            others,
            #[inline(always)]
            |q| {
                #[allow(clippy::cast_possible_truncation, reason = "keys are of quantities in f32")]
                keys.push(Floats::<F>::to_key(q as f32));
            },
        );
    }
}

/// Packs `rows` of `width` features, less their mean: what they have in common would only cost digits.
fn pack<T: Scalar, F: Fold>(rows: &[T], width: usize, center: &mut Vec<f64>, packed: &mut Packed<Floats<F>>) {
    let n = rows.len() / width;
    packed.reset(0..n, width);
    center.clear();
    center.resize(width, 0.0);
    for row in rows.chunks_exact(width) {
        center.iter_mut().zip(row).for_each(|(sum, x)| *sum += x.to_f64());
    }
    center.iter_mut().for_each(|sum| *sum /= n as f64);
    let panels = packed.cells.chunks_exact_mut(width * LANES).zip(packed.norms.chunks_exact_mut(LANES));
    for (rows, (cells, norms)) in rows.chunks(LANES * width).zip(panels) {
        dispatch!(Level::new(), _simd => narrow::<_, F>(rows, &[1.0; LANES], center, cells, norms));
    }
}

/// By the distance as it is defined, pair by pair.
pub(crate) struct ByPairs<'s, 'a, T: Scalar> {
    pub(crate) direct: Direct<'s, 'a, T>,
    /// Numbers of the rows in the data, where they are not their own.
    pub(crate) rows: Option<&'s [u32]>,
    /// Numbers of the indexed points in the data.
    pub(crate) indexed: &'s [u32],
}

/// Buffers of [`ByPairs`].
pub(crate) struct PairBuffers<T> {
    scratch: Scratch,
    found: Vec<(T, u32)>,
    keys: Vec<u32>,
    entries: Vec<u64>,
}

impl<T> Default for PairBuffers<T> {
    fn default() -> Self {
        Self { scratch: Scratch::default(), found: Vec::new(), keys: Vec::new(), entries: Vec::new() }
    }
}

impl<T: Scalar> Compare for ByPairs<'_, '_, T> {
    type Buffers = PairBuffers<T>;

    fn among(
        &self,
        leaf: &[u32],
        limits: &[u32],
        k: usize,
        buffers: &mut Self::Buffers,
        progress: &Progress<'_>,
        mut offer: impl FnMut(usize, &mut Vec<u64>),
    ) -> Result<(), Error> {
        let mut keys = std::mem::take(&mut buffers.keys);
        for (place, (&i, &limit)) in leaf.iter().zip(limits).enumerate() {
            progress.advance(0)?;
            self.each(i, leaf, buffers, &mut keys)?;
            let entries = &mut buffers.entries;
            keep_nearest(i, leaf, &keys, limit, k, entries);
            offer(place, entries);
        }
        buffers.keys = keys;
        Ok(())
    }

    fn each(
        &self,
        i: u32,
        others: &[u32],
        buffers: &mut Self::Buffers,
        keys: &mut Vec<u32>,
    ) -> Result<(), Error> {
        let PairBuffers { scratch, found, .. } = buffers;
        let others = others.iter().map(|&j| self.indexed[j as usize]);
        let row = self.rows.map_or(i, |rows| rows[i as usize]);
        self.direct.distances_to(row as usize, others, scratch, found)?;
        keys.clear();
        // The upper half of a number that is not negative sorts as it does, whatever its magnitude.
        keys.extend(found.iter().map(|(distance, _)| {
            u32::try_from(distance.to_f64().to_bits() >> 32).expect("the high half of a number")
        }));
        Ok(())
    }
}
