//! Distances as they are defined, in f64, from the values as they were given (\[M50\], \[M53\]), and the search by them.

use rayon::prelude::*;
use tsne_core::Scalar;

use crate::error::Error;
use crate::geometry::{Base, Geometry};
use crate::progress::Progress;
use crate::selection::zeros;
use crate::store::Store;
use crate::top_k::TopK;

/// Numbers in a tile of indexed points, few enough to stay in a near cache.
const TILE: usize = 4096;

/// Tiles between two looks at the caller's hook.
const TILES_A_TICK: usize = 16;

/// Distances of rows to the points of an index, as a metric defines them.
pub(crate) trait Distances<T: Scalar>: Sync {
    /// Buffers of one thread.
    type Scratch: Default + Send;

    /// Rows that are searched for together.
    const ROWS: usize;

    /// Number of rows.
    fn n_rows(&self) -> usize;

    /// Whether row `i` is compared at the scale that copies of the points have.
    fn is_in_scale(&self, i: usize) -> bool;

    /// Puts the distances of row `i` to the points `others` into `found`, each with its index.
    fn distances_to(
        &self,
        i: usize,
        others: impl Iterator<Item = u32>,
        scratch: &mut Self::Scratch,
        found: &mut Vec<(T, u32)>,
    ) -> Result<(), Error>;

    /// Offers every indexed point to each of the rows `which`, at most [`ROWS`](Self::ROWS) of them.
    ///
    /// With `exclude_self` the rows are the indexed points, and none is offered itself.
    fn offer_all(
        &self,
        which: &[u32],
        exclude_self: bool,
        best: &mut [TopK<T>],
        scratch: &mut Self::Scratch,
        progress: &Progress<'_>,
    ) -> Result<(), Error>;

    /// Finds the `k` nearest indexed points of each of the rows `which`, by looking at all of them.
    fn search(
        &self,
        which: &[u32],
        exclude_self: bool,
        k: usize,
        progress: &Progress<'_>,
    ) -> Result<(Vec<u32>, Vec<T>), Error> {
        let len = which.len().saturating_mul(k);
        let (mut neighbors, mut distances) = (zeros(len)?, zeros(len)?);
        let outputs = neighbors.par_chunks_mut(Self::ROWS * k).zip(distances.par_chunks_mut(Self::ROWS * k));
        outputs.zip(which.par_chunks(Self::ROWS)).try_for_each_init(
            Self::Scratch::default,
            |scratch, ((neighbors, distances), which)| {
                let mut best: Vec<TopK<T>> = which.iter().map(|_| TopK::new(k)).collect();
                self.offer_all(which, exclude_self, &mut best, scratch, progress)?;
                let outputs = neighbors.chunks_exact_mut(k).zip(distances.chunks_exact_mut(k));
                for (best, (neighbors, distances)) in best.iter_mut().zip(outputs) {
                    best.drain_into(neighbors, distances);
                }
                progress.advance(which.len())
            },
        )?;
        Ok((neighbors, distances))
    }
}

/// What one row of dense points is compared with the indexed ones by.
pub(crate) struct Direct<'s, 'a, T: Scalar> {
    pub(crate) geometry: &'s Geometry,
    pub(crate) rows: &'s Store<'a, T>,
    pub(crate) indexed: &'s Store<'a, T>,
}

/// Buffers of [`Direct::distances_to`].
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    row: Vec<f64>,
    points: Vec<f64>,
    quantities: Vec<f64>,
}

impl<T: Scalar> Distances<T> for Direct<'_, '_, T> {
    type Scratch = Scratch;

    const ROWS: usize = 16;

    fn n_rows(&self) -> usize {
        self.rows.n_points()
    }

    fn is_in_scale(&self, i: usize) -> bool {
        self.rows.scale_against(i, self.indexed) == self.indexed.scale()
    }

    fn distances_to(
        &self,
        i: usize,
        others: impl Iterator<Item = u32>,
        scratch: &mut Scratch,
        found: &mut Vec<(T, u32)>,
    ) -> Result<(), Error> {
        let scale = self.rows.scale_against(i, self.indexed);
        scratch.row.clear();
        scratch.points.clear();
        found.clear();
        self.rows.read(i..i + 1, scale, &mut scratch.row);
        for j in others {
            self.indexed.read(j as usize..j as usize + 1, scale, &mut scratch.points);
            found.push((T::default(), j));
        }
        scratch.quantities.resize(found.len(), 0.0);
        self.geometry.base.fill(&scratch.row, &scratch.points, &mut scratch.quantities);
        for ((distance, j), &quantity) in found.iter_mut().zip(&scratch.quantities) {
            *distance = T::lit(self.distance(i, *j as usize, quantity, scale)?);
        }
        Ok(())
    }

    fn offer_all(
        &self,
        which: &[u32],
        exclude_self: bool,
        best: &mut [TopK<T>],
        _scratch: &mut Scratch,
        progress: &Progress<'_>,
    ) -> Result<(), Error> {
        self.see_all(which, exclude_self, progress, |row, j, distance| best[row].offer(T::lit(distance), j))
    }
}

impl<T: Scalar> Direct<'_, '_, T> {
    /// Calls `see` with the place in `which` of a row, the number of an indexed point, and their distance, not rounded to the
    /// type of the points: for every row of `which` and every indexed point, tile by tile, so that each is read once for all.
    ///
    /// With `exclude_self` the rows are the indexed points, and no distance is from one to itself.
    pub(crate) fn see_all(
        &self,
        which: &[u32],
        exclude_self: bool,
        progress: &Progress<'_>,
        mut see: impl FnMut(usize, u32, f64),
    ) -> Result<(), Error> {
        let scales: Vec<f64> =
            which.iter().map(|&i| self.rows.scale_against(i as usize, self.indexed)).collect();
        let (n, width) = (self.indexed.n_points(), self.indexed.n_features());
        let tile = tile_len(width);
        let (mut rows, mut points) = (Vec::new(), Vec::with_capacity(tile * width));
        let mut quantities = vec![0.0; tile];
        // Rows of one scale see the same numbers; another scale is the exception.
        let mut place = 0;
        for same in scales.chunk_by(|a, b| a == b) {
            let (scale, which) = (same[0], &which[place..place + same.len()]);
            rows.clear();
            which.iter().for_each(|&i| self.rows.read(i as usize..i as usize + 1, scale, &mut rows));
            for (at, first) in (0..n).step_by(tile).enumerate() {
                if at.is_multiple_of(TILES_A_TICK) {
                    progress.advance(0)?;
                }
                points.clear();
                self.indexed.read(first..(first + tile).min(n), scale, &mut points);
                for (row, (&i, place)) in rows.chunks_exact(width).zip(which.iter().zip(place..)) {
                    self.geometry.base.fill(row, &points, &mut quantities);
                    for (offset, &quantity) in quantities[..points.len() / width].iter().enumerate() {
                        let j = u32::try_from(first + offset).expect("points are numbered by u32");
                        if !(exclude_self && i == j) {
                            see(place, j, self.distance(i as usize, first + offset, quantity, scale)?);
                        }
                    }
                }
            }
            place += same.len();
        }
        Ok(())
    }

    /// The distance of row `i` to point `j` from their quantity.
    #[inline(always)]
    fn distance(&self, i: usize, j: usize, quantity: f64, scale: f64) -> Result<f64, Error> {
        let mut quantity = quantity;
        if let Base::Pair(_) = self.geometry.base {
            if !(quantity.is_finite() && quantity >= 0.0) {
                return Err(Error::BadDistance { row: i, point: j, distance: quantity });
            }
        } else if self.rows.is_zero_row(i) != self.indexed.is_zero_row(j) {
            // As far apart as orthogonal rows.
            quantity = 2.0;
        }
        // Nothing below zero: a caller's own metric may come to −0, which is ordered before 0.
        Ok(self.geometry.output.distance(quantity + 0.0, scale))
    }
}

/// Points to a tile.
fn tile_len(n_features: usize) -> usize {
    (TILE / n_features).clamp(4, 64)
}
