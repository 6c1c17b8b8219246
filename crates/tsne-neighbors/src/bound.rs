//! How far from the k-th smallest quantity a computed one may be and still belong to a true neighbor: \[M52\].

/// A bound on the error of quantities that are computed with cancellation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ErrorBound {
    /// |computed − true| ≤ `relative` · (sum of the norms of the two points) + `underflow`.
    pub(crate) relative: f64,
    pub(crate) underflow: f64,
}

impl ErrorBound {
    /// For sums of `n_features` terms, with so many roundings in all, to a relative `epsilon` each; nothing when there
    /// are too many for a useful bound.
    pub(crate) fn new(n_features: usize, roundings: usize, epsilon: f64, smallest: f64) -> Option<Self> {
        let relative = roundings as f64 * 0.5 * epsilon;
        (relative < 0.1)
            .then(|| Self { relative: relative / (1.0 - relative), underflow: n_features as f64 * smallest })
    }

    /// What the computed quantities of all true neighbors of a point are below, when `kth` is the k-th smallest one
    /// computed for it, and `norm` its norm.
    pub(crate) fn threshold(&self, kth: f64, norm: f64) -> f64 {
        let e = self.relative;
        let farthest = (kth + 3.0 * e * norm + self.underflow) / (1.0 - 2.0 * e);
        let computed = farthest * (1.0 + 2.0 * e) + 3.0 * e * norm + self.underflow;
        computed * (1.0 + SAME_WHEN_ROUNDED)
    }
}

/// Relative difference of quantities below which distances may be equal once rounded to f32: four units in the last
/// place, and as much again for rounding a threshold.
pub(crate) const SAME_WHEN_ROUNDED: f64 = 8.0 * f32::EPSILON as f64;
