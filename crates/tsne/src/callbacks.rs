//! Callbacks: what is told of a run now and then, and may stop it.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use tsne_core::{BackendError, Scalar, Typed};

/// Positions in the precision they are computed in.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "these are the precisions there are")]
pub enum Positions<'a, const D: usize> {
    /// Single precision.
    F32(&'a [[f32; D]]),
    /// Double precision.
    F64(&'a [[f64; D]]),
}

impl<'a, const D: usize> Positions<'a, D> {
    /// A view of positions of either precision.
    #[must_use]
    pub fn of<T: Scalar>(positions: &'a [[T; D]]) -> Self {
        match T::typed(positions.as_flattened()) {
            Typed::F32(values) => Self::F32(values.as_chunks().0),
            Typed::F64(values) => Self::F64(values.as_chunks().0),
        }
    }

    /// Number of points.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F32(positions) => positions.len(),
            Self::F64(positions) => positions.len(),
        }
    }

    /// Whether there are no points.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Position of point `i`.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Self::len).
    #[must_use]
    pub fn get(&self, i: usize) -> [f64; D] {
        match self {
            Self::F32(positions) => positions[i].map(f64::from),
            Self::F64(positions) => positions[i],
        }
    }

    /// All positions, copied.
    #[must_use]
    pub fn to_f64(&self) -> Vec<[f64; D]> {
        (0..self.len()).map(|i| self.get(i)).collect()
    }
}

/// What a [`Callback`] sees.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Iteration<'a, const D: usize> {
    /// Iteration of the current run, from 1: a fit makes one run for each of its phases.
    pub iteration: usize,
    /// Divergence of P at exactly these positions (\[M6\]), without exaggeration; of new points, its mean.
    pub kl_divergence: f64,
    /// The positions before the step of this iteration.
    pub positions: Positions<'a, D>,
}

/// Something that is told of a run every
/// [`callbacks_every_iters`](crate::Optimization::callbacks_every_iters) iterations.
///
/// A closure will do; what it remembers it keeps in a [`Mutex`] or an atomic, since a fit, its maps and their
/// [`transform`](crate::TsneEmbedding::transform) share it.
///
/// ```
/// use std::ops::ControlFlow;
/// use tsne::{Iteration, Points, Tsne};
///
/// let x: Vec<f32> = (0..300).map(|i| ((i * 37) % 101) as f32).collect();
/// let stop_when_good = |seen: &Iteration<'_, 2>| {
///     if seen.kl_divergence < 1.0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
/// };
/// let map = Tsne::new().perplexity(10.0).callback(stop_when_good).fit(Points::from_row_major(&x, 3)?)?;
/// println!("{:?}", map.report().stop);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Callback<const D: usize>: Send + Sync {
    /// A run is about to start.
    fn optimization_about_to_start(&self) {}

    /// Looks at an iteration; breaking stops the run at these positions.
    ///
    /// # Errors
    /// An error of its own, which stops the run too and comes back as [`Error::Callback`](crate::Error::Callback).
    fn call(&self, seen: &Iteration<'_, D>) -> Result<ControlFlow<()>, BackendError>;
}

impl<const D: usize, F> Callback<D> for F
where
    F: Fn(&Iteration<'_, D>) -> ControlFlow<()> + Send + Sync,
{
    fn call(&self, seen: &Iteration<'_, D>) -> Result<ControlFlow<()>, BackendError> {
        Ok(self(seen))
    }
}

/// The callbacks of a configuration, shared by whatever is made with it.
#[derive(Clone, Default)]
pub(crate) struct Callbacks<const D: usize>(Vec<Arc<dyn Callback<D>>>);

impl<const D: usize> Callbacks<D> {
    pub(crate) fn push(&mut self, callback: Arc<dyn Callback<D>>) {
        self.0.push(callback);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn about_to_start(&self) {
        self.0.iter().for_each(|callback| callback.optimization_about_to_start());
    }

    /// Shows an iteration to all, whatever the others say; the first error wins.
    pub(crate) fn call(&self, seen: &Iteration<'_, D>) -> Result<ControlFlow<()>, BackendError> {
        let (mut flow, mut failed) = (ControlFlow::Continue(()), None);
        for callback in &self.0 {
            match callback.call(seen) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => flow = ControlFlow::Break(()),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(flow), Err)
    }
}

impl<const D: usize> PartialEq for Callbacks<D> {
    /// The same callbacks, not only equal ones.
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}

impl<const D: usize> fmt::Debug for Callbacks<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} callbacks", self.0.len())
    }
}

/// A callback that stops a run which has stopped getting better: the stopping rule for those who want one.
///
/// A run ends when the divergence has not fallen by more than a share `tolerance` of itself over the last `patience` looks.
/// Each run starts anew, so that early exaggeration, whose divergence first rises, should be left to the phases of a fit
/// with a large enough `patience`, or the rule be given to [`optimize`](crate::TsneEmbedding::optimize) alone.
///
/// ```
/// use tsne::{Points, StopWhenSettled, Tsne};
///
/// let x: Vec<f32> = (0..300).map(|i| ((i * 37) % 101) as f32).collect();
/// let mut map = Tsne::new().perplexity(10.0).fit(Points::from_row_major(&x, 3)?)?;
/// let more = map.optimization().n_iter(5000).callback(StopWhenSettled::new(1e-4, 2));
/// map.optimize(&more)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct StopWhenSettled {
    tolerance: f64,
    patience: usize,
    /// Best divergence of the run, and looks since it was reached.
    best: Mutex<(f64, usize)>,
}

impl StopWhenSettled {
    /// A rule that waits for `patience` looks without a gain of more than a share `tolerance`.
    #[must_use]
    pub fn new(tolerance: f64, patience: usize) -> Self {
        Self { tolerance, patience, best: Mutex::new((f64::INFINITY, 0)) }
    }
}

impl<const D: usize> Callback<D> for StopWhenSettled {
    fn optimization_about_to_start(&self) {
        *self.best.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = (f64::INFINITY, 0);
    }

    fn call(&self, seen: &Iteration<'_, D>) -> Result<ControlFlow<()>, BackendError> {
        let mut best = self.best.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let gained = seen.kl_divergence < best.0 - self.tolerance * best.0.abs().min(f64::MAX);
        *best = if gained || best.0.is_infinite() { (seen.kl_divergence, 0) } else { (best.0, best.1 + 1) };
        Ok(if best.1 >= self.patience { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }
}
