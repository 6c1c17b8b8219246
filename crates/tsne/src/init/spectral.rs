//! Initial positions from the spectrum of P: eigenvectors of the random walk on each connected component. \[M66\]

use fearless_simd::{Level, Simd, dispatch};
use nalgebra::DMatrix;
use rayon::prelude::*;
use tsne_core::{Control, Csr, Interrupted, Scalar, Seed, ShapeError};

use super::layout;
use crate::eigen::panel::{Row, WIDTH, ZEROS};
use crate::eigen::{self, Operator, Request};
use crate::{Error, Stage};

/// Points up to which a component has its matrix decomposed whole: 2 ms.
const MAX_WHOLE: usize = 128;
/// Products with sixteen vectors before the best approximation so far is taken.
const MAX_PRODUCTS: usize = 150;
/// Residual at which an eigenvector is taken as found.
const TOLERANCE: f64 = 1e-5;
/// Largest residual that passes without mention.
const WIDEST_RESIDUAL: f64 = 1e-4;
/// Rows of a product handled at a time.
const CHUNK: usize = 512;

/// Positions by [`spectral`], and how they came about.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Spectral<T, const D: usize> {
    /// One position a point.
    pub positions: Vec<[T; D]>,
    /// Number of connected components, isolated points included.
    pub n_connected: usize,
    /// Eigenvalues of the eigenvectors that the largest component lies on, the trivial 1 left out, largest first.
    pub eigenvalues: Vec<f64>,
    /// Largest residual ‖Av − λv‖ of a unit eigenvector used.
    pub residual: f64,
    /// What was done instead of what was asked for, if anything.
    pub fallback: Option<SpectralFallback>,
}

/// Why positions are not those of the exact eigenvectors.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum SpectralFallback {
    /// Some eigenvectors had not converged: eigenvalues lie so close to each other, as those of long chains do, that
    /// they cannot be told apart in reasonable time. The best approximation is used.
    NotConverged {
        /// Largest residual, above 1e-4.
        residual: f64,
    },
    /// A value is negative, NaN or infinite, or a row sums to infinity. The positions are those of
    /// [`random`](super::random).
    NotAffinities,
    /// There is nothing to tell points apart by, as there are fewer than two. The positions are those of
    /// [`random`](super::random).
    NoExtent,
}

/// Positions on the leading eigenvectors of the random walk that P defines, scaled and jittered like those of
/// [`pca`](super::pca).
///
/// With the row sums d of P, the eigenvectors u of D^-1/2 P D^-1/2 but the trivial one, each as D^-1/2 u times its
/// eigenvalue (a diffusion map after one step), signed so that the entry of largest magnitude is positive. Where the
/// graph of P falls into several components, the eigenvectors would not tell apart the points of any: each component
/// is laid out by its own and they are set side by side, the largest in the middle (\[M67\]). Axes that a component is
/// too small for are 0 before the jitter.
///
/// `affinities` is symmetric, as every P is. There is always a result; what it had to do without is in
/// [`fallback`](Spectral::fallback). Time some fifty products of P with sixteen vectors at 70 000 digits; memory
/// 1 kB a point. Equal inputs give equal bits at any number of threads.
///
/// ```
/// use tsne::{Csr, Seed, core::Control, init};
///
/// // A chain of three points: the ends come to lie on either side of the middle.
/// let p = Csr::from_parts(3, vec![0, 1, 3, 4], vec![1, 0, 2, 1], vec![0.25; 4])?;
/// let chain = init::spectral::<f64, 1>(&p, Seed(1), &Control::NONE)?;
/// assert!(chain.positions[0][0] * chain.positions[2][0] < 0.0 && chain.fallback.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the matrix is not square, or `control` interrupts.
pub fn spectral<T: Scalar, const D: usize>(
    affinities: &Csr<T>,
    seed: Seed,
    control: &Control<'_>,
) -> Result<Spectral<T, D>, Error> {
    let n = affinities.n_rows();
    if affinities.n_columns() != n {
        let (what, got) = ("columns of the affinities", affinities.n_columns());
        return Err(Error::Shape(ShapeError::LengthMismatch { what, expected: n, got }));
    }
    let (coordinates, mut found) = coordinates(affinities, seed.derive(super::stream::SPECTRAL), control)
        .map_err(|Interrupted| Error::Interrupted { stage: Stage::Initialization })?;
    found.positions = match super::small(&coordinates, seed) {
        Some(positions) if found.fallback != Some(SpectralFallback::NotAffinities) => positions,
        _ => {
            found.fallback.get_or_insert(SpectralFallback::NoExtent);
            super::random(n, seed)
        }
    };
    Ok(found)
}

/// Coordinates of all points before scaling, and the account of them without positions.
fn coordinates<T: Scalar, const D: usize>(
    affinities: &Csr<T>,
    seed: Seed,
    control: &Control<'_>,
) -> Result<(Vec<[f64; D]>, Spectral<T, D>), Interrupted> {
    let mut found = Spectral {
        positions: Vec::new(),
        n_connected: 0,
        eigenvalues: Vec::new(),
        residual: 0.0,
        fallback: None,
    };
    let n = affinities.n_rows();
    let mut coordinates = vec![[0.0; D]; n];
    let degrees: Vec<f64> = (0..n).map(|i| affinities.row(i).1.iter().map(|p| p.to_f64()).sum()).collect();
    let is_legal = |p: &T| p.is_finite() && *p >= T::default();
    if !affinities.values().iter().all(is_legal) || degrees.iter().any(|d: &f64| !d.is_finite()) {
        found.fallback = Some(SpectralFallback::NotAffinities);
        return Ok((coordinates, found));
    }

    let components = components(affinities);
    found.n_connected = components.len();
    let places = layout::places::<D>(&components.iter().map(Vec::len).collect::<Vec<_>>());
    let mut local = vec![0; n];
    for members in &components {
        for (at, &i) in members.iter().enumerate() {
            local[i as usize] = u32::try_from(at).expect("there are at most u32::MAX points");
        }
    }
    // Large components fill the threads by themselves; the small ones come after them, side by side.
    let n_large = components.iter().take_while(|members| members.len() > MAX_WHOLE).count();
    let mut walks = Vec::with_capacity(components.len());
    for members in &components[..n_large] {
        let walk = Walk::new(affinities, members, &local, &degrees);
        walks.push(walk.eigenvectors::<D>(seed, control)?);
    }
    walks.par_extend(
        components[n_large..]
            .par_iter()
            .map(|members| Walk::new(affinities, members, &local, &degrees).all_eigenvectors::<D>()),
    );

    for (rank, ((members, walk), place)) in components.iter().zip(walks).zip(places).enumerate() {
        found.residual = found.residual.max(walk.residual);
        let own = if components.len() == 1 { walk.coordinates } else { place.fit(walk.coordinates) };
        for (&i, y) in members.iter().zip(own) {
            coordinates[i as usize] = y;
        }
        if rank == 0 {
            found.eigenvalues = walk.values;
        }
    }
    if found.residual > WIDEST_RESIDUAL {
        found.fallback = Some(SpectralFallback::NotConverged { residual: found.residual });
    }
    Ok((coordinates, found))
}

/// Members of each connected component, ascending; the largest component first, of equals the one of the first point.
fn components<T: Scalar>(affinities: &Csr<T>) -> Vec<Vec<u32>> {
    let n = affinities.n_rows();
    // Disjoint sets, each with its smallest member as the root.
    let mut parents: Vec<u32> = (0..u32::try_from(n).expect("there are at most u32::MAX points")).collect();
    let root = |parents: &mut [u32], mut i: u32| {
        while parents[i as usize] != i {
            parents[i as usize] = parents[parents[i as usize] as usize];
            i = parents[i as usize];
        }
        i
    };
    for (i, start) in (0..n).zip(0_u32..) {
        let (columns, values) = affinities.row(i);
        let mut own = root(&mut parents, start);
        for (&j, _) in columns.iter().zip(values).filter(|(_, p)| **p > T::default()) {
            let other = root(&mut parents, j);
            parents[own.max(other) as usize] = own.min(other);
            own = own.min(other);
        }
    }
    let mut components: Vec<Vec<u32>> = Vec::new();
    let mut places = vec![u32::MAX; n];
    for i in 0..u32::try_from(n).expect("there are at most u32::MAX points") {
        let of = root(&mut parents, i) as usize;
        if places[of] == u32::MAX {
            places[of] = u32::try_from(components.len()).expect("no more components than points");
            components.push(Vec::new());
        }
        components[places[of] as usize].push(i);
    }
    components.sort_by_key(|members| std::cmp::Reverse(members.len()));
    components
}

/// The random walk within one component.
struct Walk<'a, T> {
    affinities: &'a Csr<T>,
    members: &'a [u32],
    local: &'a [u32],
    /// d^-1/2 of each member.
    inverse_roots: Vec<f64>,
    /// A degree's root, by which vectors are multiplied so that they fit the type of P.
    unit: f64,
    /// The unit eigenvector d^1/2 of the eigenvalue 1.
    trivial: Vec<f64>,
}

/// What a walk gives.
struct Eigenvectors<const D: usize> {
    coordinates: Vec<[f64; D]>,
    values: Vec<f64>,
    residual: f64,
}

impl<'a, T: Scalar> Walk<'a, T> {
    fn new(affinities: &'a Csr<T>, members: &'a [u32], local: &'a [u32], degrees: &[f64]) -> Self {
        let largest = members.iter().map(|&i| degrees[i as usize]).fold(f64::MIN_POSITIVE, f64::max);
        let roots: Vec<f64> = members.iter().map(|&i| (degrees[i as usize] / largest).sqrt()).collect();
        let norm = roots.iter().map(|r| r * r).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        Self {
            unit: largest.sqrt(),
            affinities,
            members,
            local,
            inverse_roots: members
                .iter()
                .map(|&i| degrees[i as usize].max(f64::MIN_POSITIVE).sqrt().recip())
                .collect(),
            trivial: roots.iter().map(|r| r / norm).collect(),
        }
    }

    /// The first `D` eigenvectors but the trivial one, of a small component: one of a single point has none.
    fn all_eigenvectors<const D: usize>(&self) -> Eigenvectors<D> {
        let m = self.members.len();
        let mut matrix = DMatrix::zeros(m, m);
        for (a, &i) in self.members.iter().enumerate() {
            let (columns, values) = self.affinities.row(i as usize);
            for (&j, p) in columns.iter().zip(values).filter(|(_, p)| **p > T::default()) {
                let b = self.local[j as usize] as usize;
                matrix[(a, b)] = p.to_f64() * self.inverse_roots[a] * self.inverse_roots[b];
            }
        }
        // The trivial eigenvector is moved to the far end of the spectrum, where it cannot mix with the others.
        for a in 0..m {
            for b in 0..m {
                matrix[(a, b)] -= 3.0 * self.trivial[a] * self.trivial[b];
            }
        }
        let symmetric = (&matrix + matrix.transpose()) * 0.5;
        let (values, vectors) = eigen::dense(symmetric);
        let used = D.min(m - 1);
        let vector = |k: usize| vectors.column(k).iter().copied().collect::<Vec<f64>>();
        self.embed(&values[..used], (0..used).map(vector).collect(), 0.0)
    }

    /// The first `D` eigenvectors but the trivial one.
    fn eigenvectors<const D: usize>(
        &self,
        seed: Seed,
        control: &Control<'_>,
    ) -> Result<Eigenvectors<D>, Interrupted> {
        let request = Request { count: D, tolerance: 0.5 * TOLERANCE, max_products: MAX_PRODUCTS };
        let leading = eigen::leading(self, request, seed, control)?;
        // Of the operator (1 + A) / 2 to A.
        let values: Vec<f64> = leading.values.iter().map(|mu| 2.0 * mu - 1.0).collect();
        let residual = 2.0 * leading.residuals.iter().copied().fold(0.0, f64::max);
        let vectors = (0..values.len()).map(|k| leading.vector(k).collect()).collect();
        Ok(self.embed(&values, vectors, residual))
    }

    /// The coordinates D^-1/2 u, weighted by their eigenvalues.
    fn embed<const D: usize>(
        &self,
        values: &[f64],
        vectors: Vec<Vec<f64>>,
        residual: f64,
    ) -> Eigenvectors<D> {
        let mut coordinates = vec![[0.0; D]; self.members.len()];
        let smallest = self.inverse_roots.iter().copied().fold(f64::INFINITY, f64::min);
        for (k, vector) in vectors.into_iter().enumerate() {
            // Only their ratios count, since positions are scaled as a whole. Where even the first is not positive,
            // a step of the walk turns everything over and says nothing about lengths.
            let weight = if values[0] > f64::EPSILON { (values[k] / values[0]).abs().min(1.0) } else { 1.0 };
            let entries: Vec<f64> =
                vector.iter().zip(&self.inverse_roots).map(|(u, r)| u * (r / smallest)).collect();
            let sign = eigen::sign_of_largest(&entries);
            for (y, v) in coordinates.iter_mut().zip(entries) {
                y[k] = sign * weight * v;
            }
        }
        Eigenvectors { coordinates, values: values.to_vec(), residual }
    }

    /// Products of the trivial eigenvector with the columns of `x`.
    fn along_trivial(&self, x: &[Row]) -> Row {
        let parts: Vec<Row> = x
            .par_chunks(CHUNK)
            .zip(self.trivial.par_chunks(CHUNK))
            .map(|(x, trivial)| {
                let mut sum = ZEROS;
                for (x, t) in x.iter().zip(trivial) {
                    for c in 0..WIDTH {
                        sum[c] += t * x[c];
                    }
                }
                sum
            })
            .collect();
        parts.iter().fold(ZEROS, |total, part| std::array::from_fn(|c| total[c] + part[c]))
    }

    /// `out` += half of A times the vectors that `scaled` was made from, for the members from `start` on.
    #[inline(always)]
    fn add_rows<S: Simd>(&self, _simd: S, start: usize, scaled: &[[T; WIDTH]], out: &mut [Row]) {
        for (offset, out) in out.iter_mut().enumerate() {
            let at = start + offset;
            let (columns, values) = self.affinities.row(self.members[at] as usize);
            let mut sum = ZEROS;
            for (&j, p) in columns.iter().zip(values) {
                let (p, x) = (p.to_f64(), &scaled[self.local[j as usize] as usize]);
                for c in 0..WIDTH {
                    sum[c] += p * x[c].to_f64();
                }
            }
            let factor = 0.5 * self.inverse_roots[at] / self.unit;
            for c in 0..WIDTH {
                out[c] += factor * sum[c];
            }
        }
    }
}

/// (1 + A) / 2 without its trivial eigenvector, for A = D^-1/2 P D^-1/2: no eigenvalue is negative.
impl<T: Scalar> Operator for Walk<'_, T> {
    fn n(&self) -> usize {
        self.members.len()
    }

    fn apply(&self, x: &[Row], out: &mut [Row]) {
        let level = Level::new();
        let along = self.along_trivial(x);
        let most = T::MAX.to_f64();
        // In the type of P: half the memory to gather from where that is f32, and P is no more accurate.
        let mut scaled = vec![[T::default(); WIDTH]; x.len()];
        scaled
            .par_chunks_mut(CHUNK)
            .zip(x.par_chunks(CHUNK))
            .zip(self.inverse_roots.par_chunks(CHUNK))
            .for_each(|((scaled, x), roots)| {
                for ((scaled, x), root) in scaled.iter_mut().zip(x).zip(roots) {
                    *scaled = x.map(|x| T::lit((x * root * self.unit).clamp(-most, most)));
                }
            });
        out.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, out)| {
            let start = chunk * CHUNK;
            for (offset, out) in out.iter_mut().enumerate() {
                let at = start + offset;
                *out = std::array::from_fn(|c| 0.5 * x[at][c] - self.trivial[at] * along[c]);
            }
            dispatch!(level, simd => self.add_rows(simd, start, &scaled, out));
        });
    }
}
