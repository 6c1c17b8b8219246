//! One stretch of descent under constant parameters, and how its learning rate is chosen.

use crate::Error;

/// How the learning rate η of \[M11\] is chosen.
///
/// The gradient lacks the factor 4 of the textbook (`docs/math.md` \[M10\]), so these rates are 4 times those of
/// scikit-learn for the same steps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum LearningRate {
    /// max(200, n / 12) (Belkina et al. 2019).
    #[default]
    Auto,
    /// n / exaggeration, the rule of openTSNE since 0.7.
    PerExaggeration,
    /// This number.
    Fixed(f64),
}

impl LearningRate {
    /// The number used for `n_points` at `exaggeration`.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "point counts are below 2^53")]
    pub fn resolve(self, n_points: usize, exaggeration: f64) -> f64 {
        match self {
            Self::Auto => (n_points as f64 / 12.0).max(200.0),
            Self::PerExaggeration => n_points as f64 / exaggeration,
            Self::Fixed(rate) => rate,
        }
    }
}

/// Parameters of a stretch of iterations, named as in the API; \[M11\] says where each enters.
///
/// ```
/// use tsne_optim::{LearningRate, Phase};
///
/// let phase = Phase { n_iter: 100, learning_rate: LearningRate::Fixed(500.0), ..Phase::standard() };
/// assert_eq!(phase.momentum, 0.8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "struct update syntax over a constructor is the interface")]
pub struct Phase {
    /// Number of iterations.
    pub n_iter: usize,
    /// Factor on the attraction; 1 means none. P itself is not touched.
    pub exaggeration: f64,
    /// Share μ of the velocity that is kept, in 0..=1.
    pub momentum: f64,
    /// Step size η.
    pub learning_rate: LearningRate,
    /// Bound on the norm of each point's gradient; none by default.
    pub max_grad_norm: Option<f64>,
    /// Bound on the norm of each point's step; 5 by default.
    pub max_step_norm: Option<f64>,
    /// Added to a gain after its decay, so that none dies out; 0.01 by default.
    pub min_gain: f64,
}

impl Phase {
    /// The API's early exaggeration: 250 iterations, exaggeration 12, momentum 0.5.
    #[must_use]
    pub const fn early_exaggeration() -> Self {
        Self { n_iter: 250, exaggeration: 12.0, momentum: 0.5, ..Self::standard() }
    }

    /// The API's main phase: 500 iterations, no exaggeration, momentum 0.8.
    #[must_use]
    pub const fn standard() -> Self {
        Self {
            n_iter: 500,
            exaggeration: 1.0,
            momentum: 0.8,
            learning_rate: LearningRate::Auto,
            max_grad_norm: None,
            max_step_norm: Some(5.0),
            min_gain: 0.01,
        }
    }

    /// The API's `transform`, for new points in a frozen map: 250 iterations, exaggeration 1.5, momentum 0.8, learning
    /// rate 0.1, gradients bounded by 0.25 and steps not at all.
    #[must_use]
    pub const fn transform() -> Self {
        Self {
            n_iter: 250,
            exaggeration: 1.5,
            learning_rate: LearningRate::Fixed(0.1),
            max_grad_norm: Some(0.25),
            max_step_norm: None,
            ..Self::standard()
        }
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`Error::BadParameter`] names the first that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        let positive = "a finite number above 0";
        let check = |ok: bool, name, requirement, value| {
            if ok { Ok(()) } else { Err(Error::BadParameter { name, requirement, value }) }
        };
        let is_positive = |x: f64| x.is_finite() && x > 0.0;
        check(is_positive(self.exaggeration), "exaggeration", positive, self.exaggeration)?;
        check((0.0..=1.0).contains(&self.momentum), "momentum", "a number from 0 to 1", self.momentum)?;
        if let LearningRate::Fixed(rate) = self.learning_rate {
            check(is_positive(rate), "learning_rate", positive, rate)?;
        }
        let not_negative = self.min_gain.is_finite() && self.min_gain >= 0.0;
        check(not_negative, "min_gain", "a finite number of at least 0", self.min_gain)?;
        for (name, bound) in [("max_grad_norm", self.max_grad_norm), ("max_step_norm", self.max_step_norm)] {
            if let Some(bound) = bound {
                check(is_positive(bound), name, positive, bound)?;
            }
        }
        Ok(())
    }
}
