//! The pipeline from points to the spectra of their fields, and the memory it keeps (\[M40\]–\[M46\]).

use std::sync::Arc;

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;
use tsne_core::StudentT;

use crate::bins::Bins;
use crate::convolve::{Convolution, Scratch};
use crate::error::Error;
use crate::fft::Plan;
use crate::grid::{BLOCK, Grid, place};
use crate::lanes::{Complexes, Real, Row};
use crate::params::Params;
use crate::pool::Pool;
use crate::spectrum::{Builder, Spectra, Term};
use crate::stencil::{gather, own_potentials, spread};

/// Spectra kept: a map whose side hovers between two lengths uses a few in turn.
const MAX_SPECTRA: usize = 4;

/// Plans kept.
const MAX_PLANS: usize = 16;

/// Memory of one task.
#[derive(Debug)]
struct Work<T, const D: usize> {
    scratch: Scratch<T>,
    charges: Vec<Row<T>>,
    fields: Vec<[Row<T>; D]>,
}

impl<T, const D: usize> Default for Work<T, D> {
    fn default() -> Self {
        Self { scratch: Scratch::default(), charges: Vec::new(), fields: Vec::new() }
    }
}

/// Charges, spectra and fields of one mesh after another.
#[derive(Debug)]
pub(crate) struct Engine<T: Real, const D: usize> {
    pub(crate) kernel: StudentT,
    pub(crate) params: Params,
    level: Level,
    builder: Builder,
    /// The most recently used last.
    spectra: Vec<Spectra<T>>,
    plans: Vec<Arc<Plan<T>>>,
    bins: Bins<T, D>,
    /// Points by block, in units of the spacing; then what acts on them.
    sorted: Vec<[T; D]>,
    forces: Vec<[T; D]>,
    /// Charges transformed along all axes but the last, by block.
    blocks: Vec<Complexes<T>>,
    /// Fields transformed back along the last axis, by bundle.
    bundles: Vec<Complexes<T>>,
    /// Share of each bundle in the sum of the potential over all charges.
    potentials: Vec<f64>,
    /// What the points of each block contribute to their own potential.
    own: Vec<f64>,
    pool: Pool<Work<T, D>>,
}

impl<T: Real, const D: usize> Engine<T, D> {
    pub(crate) fn new(kernel: StudentT, params: Params) -> Result<Self, Error> {
        let level = Level::new();
        Ok(Self {
            kernel,
            params: params.validated()?,
            level,
            builder: Builder::new(kernel, level),
            spectra: Vec::new(),
            plans: Vec::new(),
            bins: Bins::default(),
            sorted: Vec::new(),
            forces: Vec::new(),
            blocks: Vec::new(),
            bundles: Vec::new(),
            potentials: Vec::new(),
            own: Vec::new(),
            pool: Pool::default(),
        })
    }

    /// Sorts the points, spreads their charges and convolves them; what [`forces`](Self::forces) and
    /// [`fields`](Self::fields) read. Returns the convolution and Σ of the potential over all charges, without what
    /// each point contributes to its own.
    pub(crate) fn convolve(
        &mut self,
        grid: &Grid<T, D>,
        y: &[[T; D]],
        terms: &[Term],
    ) -> (Convolution<T>, f64) {
        let convolution = self.convolution(grid);
        let shape = &convolution.shape;
        let spectra = self.spectra.last().expect("convolution() put the spectra there");
        let level = self.level;

        let own = spectra.own().map(|x| x.map(|x| x.map(T::lit)));
        self.bins.sort(grid, y);
        self.sorted.resize(y.len(), [T::default(); D]);
        self.own.resize(shape.blocks(), 0.0);
        self.blocks.resize(shape.blocks() * convolution.block_len(), Complexes::zero());
        self.bundles.resize(shape.bundles() * convolution.bundle_len(terms.len()), Complexes::zero());
        self.potentials.resize(shape.bundles(), 0.0);

        let (bins, pool) = (&self.bins, &self.pool);
        let spread_block = |block: usize, points: &mut [[T; D]], out: &mut [Complexes<T>], sum: &mut f64| {
            bins.collect(block, points);
            pool.lend(|Work { scratch, charges, .. }| {
                charges.clear();
                charges.resize(shape.rows(), Row::zero());
                *sum = dispatch!(level, simd => {
                    spread(simd, shape.used, block * BLOCK, points, charges);
                    convolution.forward(simd, charges, out, scratch);
                    own_potentials(simd, &own, points)
                });
            });
        };
        let chunk = convolution.block_len();
        for_each_block(
            bins.starts(),
            0,
            &mut self.sorted,
            chunk,
            &mut self.blocks,
            &mut self.own,
            &spread_block,
        );

        let len = convolution.bundle_len(terms.len());
        self.bundles.par_chunks_exact_mut(len).zip(&mut self.potentials).enumerate().for_each(
            |(bundle, (out, potential))| {
                *potential = pool.lend(|Work { scratch, .. }| {
                    dispatch!(level, simd =>
                        convolution.bundle(simd, bundle, &self.blocks, spectra, terms, out, scratch))
                });
            },
        );
        (convolution, self.potentials.iter().sum::<f64>() - self.own.iter().sum::<f64>())
    }

    /// Reads at every point the forces that [`convolve`](Self::convolve) left, times `scale`.
    pub(crate) fn forces(&mut self, convolution: &Convolution<T>, scale: T, forces: &mut [[T; D]]) {
        let (shape, level) = (&convolution.shape, self.level);
        self.forces.resize(forces.len(), [T::default(); D]);
        let (bins, pool, sorted, bundles) = (&self.bins, &self.pool, &self.sorted, &self.bundles);
        let gather_block = |block: usize, forces: &mut [[T; D]], _: &mut [()], _: &mut f64| {
            let points = &sorted[bins.starts()[block]..bins.starts()[block + 1]];
            pool.lend(|Work { scratch, fields, .. }| {
                fields.resize(shape.rows(), [Row::zero(); D]);
                dispatch!(level, simd => {
                    convolution.inverse(simd, block, bundles, D, fields.as_flattened_mut(), scratch);
                    for (force, &point) in forces.iter_mut().zip(points) {
                        *force = gather(simd, shape.used, block * BLOCK, point, fields).map(|f| f * scale);
                    }
                });
            });
        };
        for_each_block(bins.starts(), 0, &mut self.forces, 0, &mut [], &mut self.own, &gather_block);
        self.bins.unsort(&self.forces, forces);
    }

    /// All fields that [`convolve`](Self::convolve) left, at all nodes: block after block, in it row after row of nodes, and
    /// for each row its `n_terms` fields.
    pub(crate) fn fields(&self, convolution: &Convolution<T>, n_terms: usize) -> Vec<Row<T>> {
        let (shape, level) = (&convolution.shape, self.level);
        let len = n_terms * shape.rows();
        let mut fields = vec![Row::zero(); shape.blocks() * len];
        fields.par_chunks_exact_mut(len).enumerate().for_each(|(block, fields)| {
            self.pool.lend(|Work { scratch, .. }| {
                dispatch!(level, simd =>
                    convolution.inverse(simd, block, &self.bundles, n_terms, fields, scratch));
            });
        });
        fields
    }

    /// The transforms for a grid. Its spectra are the last of those kept.
    fn convolution(&mut self, grid: &Grid<T, D>) -> Convolution<T> {
        let shape = grid.shape;
        if let Some(at) = self.spectra.iter().position(|s| s.fit(&shape, grid.spacing)) {
            self.spectra[at..].rotate_left(1);
        } else {
            let oldest = (self.spectra.len() == MAX_SPECTRA).then(|| self.spectra.remove(0));
            let axes: [usize; D] = std::array::from_fn(place::<D>);
            self.spectra.push(self.builder.build(&shape, grid.spacing, &axes, oldest));
        }
        // All but the last are kept on what memory is left.
        let old = &self.spectra[..self.spectra.len() - 1];
        let mut bytes = 0.0;
        let n_kept = old.iter().rev().take_while(|spectra| {
            bytes += spectra.bytes() as f64;
            bytes <= grid.spare_bytes
        });
        let n_dropped = old.len() - n_kept.count();
        self.spectra.drain(..n_dropped);
        Convolution { shape, plans: shape.nodes.map(|n| self.plan(n)) }
    }

    fn plan(&mut self, n: usize) -> Arc<Plan<T>> {
        let at = self.plans.iter().position(|plan| plan.len() == n).unwrap_or_else(|| {
            let too_many = (self.plans.len() + 1).saturating_sub(MAX_PLANS);
            self.plans.drain(..too_many);
            self.plans.push(Arc::new(Plan::new(n)));
            self.plans.len() - 1
        });
        Arc::clone(&self.plans[at])
    }
}

/// Calls `work` for every block in parallel, with the items of the block (`starts` says where they are, from `starts[0]`
/// on), its chunk of `chunk` others, and its sum.
fn for_each_block<A: Send, B: Send>(
    starts: &[usize],
    first: usize,
    items: &mut [A],
    chunk: usize,
    chunks: &mut [B],
    sums: &mut [f64],
    work: &(impl Fn(usize, &mut [A], &mut [B], &mut f64) + Sync),
) {
    if let [sum] = sums {
        return work(first, items, chunks, sum);
    }
    let half = sums.len() / 2;
    let (items, items2) = items.split_at_mut(starts[half] - starts[0]);
    let (chunks, chunks2) = chunks.split_at_mut(half * chunk);
    let (sums, sums2) = sums.split_at_mut(half);
    rayon::join(
        || for_each_block(&starts[..=half], first, items, chunk, chunks, sums, work),
        || for_each_block(&starts[half..], first + half, items2, chunk, chunks2, sums2, work),
    );
}
