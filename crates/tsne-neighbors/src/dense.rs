//! Exact search among dense points: which tiles compute what.

use std::ops::Range;

use tsne_core::{Control, KnnGraph, Points, Scalar};

use crate::direct::Direct;
use crate::error::Error;
use crate::geometry::{Base, Geometry};
use crate::kernels::{AbsoluteSum, ByteProduct, Floats, Fold, LargestDifference, Product};
use crate::output;
use crate::store::Store;
use crate::tile::{LANES, Packed};
use crate::tiled;

/// Fewest queries for which tiles pay; fewer are compared one by one.
const MIN_QUERIES: usize = 2 * LANES;

/// Dense points under a metric.
#[derive(Clone, Debug)]
pub(crate) struct DensePoints<'a, T: Scalar> {
    pub(crate) geometry: Geometry,
    pub(crate) store: Store<'a, T>,
    /// Mean of the scaled points.
    center: Vec<f64>,
}

impl<'a, T: Scalar> DensePoints<'a, T> {
    pub(crate) fn new(points: Points<'a, T>, geometry: Geometry) -> Result<Self, Error> {
        let store = Store::new(points, &geometry)?;
        let center = match geometry.base {
            Base::Pair(_) => Vec::new(),
            _ => store.center(),
        };
        Ok(Self { geometry, store, center })
    }

    pub(crate) fn into_owned(self) -> DensePoints<'static, T> {
        DensePoints { geometry: self.geometry, store: self.store.into_owned(), center: self.center }
    }

    pub(crate) fn n_points(&self) -> usize {
        self.store.n_points()
    }

    pub(crate) fn n_features(&self) -> usize {
        self.store.n_features()
    }

    /// The `k` nearest other points of every point.
    pub(crate) fn graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, Error> {
        let width = self.store.n_features();
        if self.store.is_bytes() && width <= ByteProduct::MAX_FEATURES && self.geometry.is_euclidean() {
            let pack = |range: Range<usize>, packed: &mut Packed<ByteProduct>| {
                self.store.pack_bytes(range, packed);
            };
            return tiled::graph(
                &self.direct(&self.store),
                &ByteProduct,
                &pack,
                width.div_ceil(2),
                k,
                control,
            );
        }
        match self.geometry.base {
            Base::Squares => self.graph_by::<Product>(k, control),
            Base::Absolutes => self.graph_by::<AbsoluteSum>(k, control),
            Base::Largest => self.graph_by::<LargestDifference>(k, control),
            Base::Pair(_) => output::one_by_one(&self.direct(&self.store), true, k, control),
        }
    }

    fn graph_by<F: Fold>(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, Error> {
        let (direct, width) = (self.direct(&self.store), self.store.n_features());
        let Some(kernel) = Floats::<F>::new(width) else {
            return output::one_by_one(&direct, true, k, control);
        };
        let pack = |range: Range<usize>, packed: &mut Packed<Floats<F>>| {
            self.store.pack_floats(range, self.store.scale(), &self.center, packed);
        };
        tiled::graph(&direct, &kernel, &pack, width, k, control)
    }

    /// The `k` nearest points of every query.
    pub(crate) fn answers(
        &self,
        queries: Points<'_, T>,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, Error> {
        let queries = &Store::new(queries, &self.geometry)?;
        let width = self.store.n_features();
        let direct = self.direct(queries);
        if queries.n_points() < MIN_QUERIES {
            return output::one_by_one(&direct, false, k, control);
        }
        let bytes = self.store.is_bytes() && queries.is_bytes();
        if bytes && width <= ByteProduct::MAX_FEATURES && self.geometry.is_euclidean() {
            let pack = |range: Range<usize>, packed: &mut Packed<ByteProduct>| {
                self.store.pack_bytes(range, packed);
            };
            let pack_queries = |range: Range<usize>, packed: &mut Packed<ByteProduct>| {
                queries.pack_bytes(range, packed);
            };
            let steps = width.div_ceil(2);
            return tiled::answers(&direct, &ByteProduct, &pack_queries, &pack, steps, k, control);
        }
        match self.geometry.base {
            Base::Squares => self.answers_by::<Product>(&direct, k, control),
            Base::Absolutes => self.answers_by::<AbsoluteSum>(&direct, k, control),
            Base::Largest => self.answers_by::<LargestDifference>(&direct, k, control),
            Base::Pair(_) => output::one_by_one(&direct, false, k, control),
        }
    }

    fn answers_by<F: Fold>(
        &self,
        direct: &Direct<'_, '_, T>,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, Error> {
        let width = self.store.n_features();
        let Some(kernel) = Floats::<F>::new(width) else {
            return output::one_by_one(direct, false, k, control);
        };
        let pack = |range: Range<usize>, packed: &mut Packed<Floats<F>>| {
            self.store.pack_floats(range, self.store.scale(), &self.center, packed);
        };
        let pack_queries = |range: Range<usize>, packed: &mut Packed<Floats<F>>| {
            direct.rows.pack_floats(range, self.store.scale(), &self.center, packed);
        };
        tiled::answers(direct, &kernel, &pack_queries, &pack, width, k, control)
    }

    pub(crate) fn direct<'s>(&'s self, rows: &'s Store<'s, T>) -> Direct<'s, 's, T> {
        Direct { geometry: &self.geometry, rows, indexed: &self.store }
    }
}
