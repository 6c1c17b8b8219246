//! What a model says of itself in JSON: types of the file, apart from those of the program, so that these can change.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tsne_affinity::Placement;
use tsne_neighbors::{Metric, MetricParameters};
use tsne_optim::{LearningRate, Phase, Recovery, StopReason};

use super::error::ModelError;
use crate::callbacks::Callbacks;
use crate::init::SpectralFallback;
use crate::plan::{Chosen, Reason};
use crate::{Optimization, Plan, Report, Stage, Warning};

type Result<X> = std::result::Result<X, ModelError>;

#[derive(Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) scalar: String,
    pub(super) n_points: usize,
    pub(super) n_components: usize,
    pub(super) n_entries: usize,
    pub(super) data: Option<Shape>,
    pub(super) pca: Option<Pca>,
    pub(super) left_out: Vec<String>,
    pub(super) seed: u64,
    pub(super) metric: NamedMetric,
    pub(super) placement: Option<Rule>,
    pub(super) run: Run,
    pub(super) report: Account,
    /// Divergences the optimizer has got over, each of which halved its learning rate; since 1.1.
    #[serde(default)]
    pub(super) recoveries: u32,
    /// What the map's user keeps with it.
    #[serde(default)]
    pub(super) notes: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Shape {
    Dense { n_features: usize },
    Bytes { n_features: usize },
    Sparse { n_features: usize, n_entries: usize },
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Pca {
    pub(super) n_components: usize,
    pub(super) n_features: usize,
    pub(super) scale: f64,
    pub(super) total: f64,
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedMetric {
    pub(super) name: String,
    p: Option<f64>,
    variances: Option<Vec<f64>>,
    inverse_covariance: Option<Vec<f64>>,
    weights: Option<Vec<f64>>,
}

impl NamedMetric {
    pub(crate) fn of(metric: &Metric) -> Result<Self> {
        let mut given = MetricParameters::default();
        match metric.clone() {
            Metric::Custom(_) => return Err(ModelError::NotSavable { what: "a metric of one's own" }),
            Metric::StandardizedEuclidean { variances } => given.variances = variances,
            Metric::Mahalanobis { inverse_covariance } => given.inverse_covariance = Some(inverse_covariance),
            Metric::Minkowski { p } => given.p = Some(p),
            Metric::WeightedMinkowski { p, weights } => (given.p, given.weights) = (Some(p), Some(weights)),
            _ => {}
        }
        let MetricParameters { p, variances, inverse_covariance, weights } = given;
        let lists = [&variances, &inverse_covariance, &weights];
        if !lists.into_iter().flatten().flatten().chain(&p).all(|x| x.is_finite()) {
            return Err(ModelError::NotSavable { what: "a metric with parameters that are not finite" });
        }
        Ok(Self { name: metric.name().to_owned(), p, variances, inverse_covariance, weights })
    }

    pub(crate) fn metric(self) -> Result<Metric> {
        let Self { name, p, variances, inverse_covariance, weights } = self;
        Metric::from_name(&name, &MetricParameters { p, variances, inverse_covariance, weights })
            .map_err(|e| ModelError::contents(e.to_string()))
    }
}

/// [`Placement`].
#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "family", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Rule {
    PerplexityBased { perplexity: f64 },
    MultiscaleMixture { perplexities: Vec<f64> },
    Multiscale { perplexities: Vec<f64> },
    FixedSigma { sigma: f64, n_neighbors: usize },
    Uniform { n_neighbors: usize },
}

impl Rule {
    /// The rule of a family this version of the format knows.
    pub(super) fn of(placement: &Placement) -> Option<Self> {
        Some(match placement.clone() {
            Placement::PerplexityBased { perplexity } => Self::PerplexityBased { perplexity },
            Placement::MultiscaleMixture { perplexities } => Self::MultiscaleMixture { perplexities },
            Placement::Multiscale { perplexities } => Self::Multiscale { perplexities },
            Placement::FixedSigma { sigma, n_neighbors } => Self::FixedSigma { sigma, n_neighbors },
            Placement::Uniform { n_neighbors } => Self::Uniform { n_neighbors },
            _ => return None,
        })
    }

    pub(super) fn placement(self) -> Placement {
        match self {
            Self::PerplexityBased { perplexity } => Placement::PerplexityBased { perplexity },
            Self::MultiscaleMixture { perplexities } => Placement::MultiscaleMixture { perplexities },
            Self::Multiscale { perplexities } => Placement::Multiscale { perplexities },
            Self::FixedSigma { sigma, n_neighbors } => Placement::FixedSigma { sigma, n_neighbors },
            Self::Uniform { n_neighbors } => Placement::Uniform { n_neighbors },
        }
    }
}

/// [`LearningRate`].
#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rate {
    Auto,
    PerExaggeration,
    Fixed(f64),
}

impl Rate {
    /// The rule, if this version of the format knows it.
    pub(crate) fn of(rate: LearningRate) -> Result<Self> {
        Ok(match rate {
            LearningRate::Auto => Self::Auto,
            LearningRate::PerExaggeration => Self::PerExaggeration,
            LearningRate::Fixed(rate) => Self::Fixed(rate),
            _ => return Err(ModelError::NotSavable { what: "this rule for the learning rate" }),
        })
    }

    pub(crate) fn learning_rate(self) -> LearningRate {
        match self {
            Self::Auto => LearningRate::Auto,
            Self::PerExaggeration => LearningRate::PerExaggeration,
            Self::Fixed(rate) => LearningRate::Fixed(rate),
        }
    }
}

/// [`Optimization`] without callbacks.
#[derive(Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    n_iter: usize,
    exaggeration: f64,
    momentum: f64,
    learning_rate: Rate,
    max_grad_norm: Option<f64>,
    max_step_norm: Option<f64>,
    min_gain: f64,
    method: String,
    theta: f64,
    n_interpolation_points: usize,
    min_num_intervals: usize,
    ints_in_interval: f64,
    max_mesh_bytes: usize,
    dof: f64,
    callbacks_every_iters: usize,
    propagate_exception: bool,
    n_jobs: i64,
    strict: bool,
}

impl Run {
    pub(super) fn of<const D: usize>(run: &Optimization<D>) -> Result<Self> {
        let Phase { n_iter, exaggeration, momentum, max_grad_norm, max_step_norm, min_gain, .. } = run.phase;
        Ok(Self {
            n_iter,
            exaggeration,
            momentum,
            learning_rate: Rate::of(run.phase.learning_rate)?,
            max_grad_norm,
            max_step_norm,
            min_gain,
            method: run.method.to_string(),
            theta: run.theta,
            n_interpolation_points: run.mesh.n_interpolation_points,
            min_num_intervals: run.mesh.min_num_intervals,
            ints_in_interval: run.mesh.ints_in_interval,
            max_mesh_bytes: run.mesh.max_bytes,
            dof: run.dof,
            callbacks_every_iters: run.callbacks_every_iters,
            propagate_exception: run.propagate,
            n_jobs: run.n_jobs,
            strict: run.strict,
        })
    }

    pub(super) fn optimization<const D: usize>(self) -> Result<Optimization<D>> {
        let run = Optimization {
            phase: Phase {
                n_iter: self.n_iter,
                exaggeration: self.exaggeration,
                momentum: self.momentum,
                learning_rate: self.learning_rate.learning_rate(),
                max_grad_norm: self.max_grad_norm,
                max_step_norm: self.max_step_norm,
                min_gain: self.min_gain,
            },
            method: known(&self.method)?,
            theta: self.theta,
            mesh: tsne_fft::Params::default()
                .with_n_interpolation_points(self.n_interpolation_points)
                .with_min_num_intervals(self.min_num_intervals)
                .with_ints_in_interval(self.ints_in_interval)
                .with_max_bytes(self.max_mesh_bytes),
            dof: self.dof,
            callbacks: Callbacks::default(),
            callbacks_every_iters: self.callbacks_every_iters,
            propagate: self.propagate_exception,
            n_jobs: self.n_jobs,
            strict: self.strict,
        };
        run.check().map_err(|e| ModelError::contents(e.to_string()))?;
        Ok(run)
    }
}

fn known<X: std::str::FromStr<Err = crate::Error>>(name: &str) -> Result<X> {
    name.parse().map_err(|e: crate::Error| ModelError::contents(e.to_string()))
}

/// A choice and the reason of `auto`, if it was `auto`'s.
type Choice = (String, Option<String>);

fn choice<X: std::fmt::Display>(chosen: &Chosen<X>) -> Choice {
    let reason = match &chosen.reason {
        Reason::Requested => None,
        Reason::Auto(why) => Some(why.clone()),
    };
    (chosen.value.to_string(), reason)
}

fn chosen<X: std::str::FromStr<Err = crate::Error>>((value, reason): Choice) -> Result<Chosen<X>> {
    Ok(Chosen { value: known(&value)?, reason: reason.map_or(Reason::Requested, Reason::Auto) })
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
enum Note {
    PerplexityReduced { requested: f64, used: f64 },
    DuplicateRows { count: usize },
    Disconnected { n_components: usize, n_isolated: usize },
    InitializationReplaced { requested: String, used: String, reason: String },
    NotConverged { residual: f64 },
    NotAffinities,
    NoExtent,
    Recovered { iteration: usize, back_to: usize, learning_rate: f64, reduced_to: f64 },
    MeshTooLarge { bytes: Option<f64>, max_bytes: usize },
    ConstantData,
    WideInitialPositions { std: f64 },
    StillMoving { share: f64 },
    Collapsed { span: f64, n_iter: usize },
}

impl Note {
    fn of(warning: &Warning) -> Self {
        match warning.clone() {
            Warning::PerplexityReduced { requested, used } => Self::PerplexityReduced { requested, used },
            Warning::DuplicateRows { count } => Self::DuplicateRows { count },
            Warning::Disconnected { n_components, n_isolated } => {
                Self::Disconnected { n_components, n_isolated }
            }
            Warning::InitializationReplaced { requested, used, reason } => {
                let (requested, used) = (requested.to_owned(), used.to_owned());
                Self::InitializationReplaced { requested, used, reason }
            }
            Warning::SpectralFallback(SpectralFallback::NotConverged { residual }) => {
                Self::NotConverged { residual }
            }
            Warning::SpectralFallback(SpectralFallback::NotAffinities) => Self::NotAffinities,
            Warning::SpectralFallback(SpectralFallback::NoExtent) => Self::NoExtent,
            Warning::Recovered(Recovery { iteration, back_to, learning_rate, reduced_to, .. }) => {
                Self::Recovered { iteration, back_to, learning_rate, reduced_to }
            }
            Warning::MeshTooLarge { bytes, max_bytes } => {
                Self::MeshTooLarge { bytes: Some(bytes).filter(|x| x.is_finite()), max_bytes }
            }
            Warning::ConstantData => Self::ConstantData,
            Warning::WideInitialPositions { std } => Self::WideInitialPositions { std },
            Warning::StillMoving { share } => Self::StillMoving { share },
            Warning::Collapsed { span, n_iter } => Self::Collapsed { span, n_iter },
        }
    }

    fn warning(self) -> Result<Warning> {
        let start = |name: &str| {
            ["pca", "spectral", "random"]
                .into_iter()
                .find(|known| *known == name)
                .ok_or_else(|| ModelError::contents(format!("no initialization is called {name:?}")))
        };
        Ok(match self {
            Self::PerplexityReduced { requested, used } => Warning::PerplexityReduced { requested, used },
            Self::DuplicateRows { count } => Warning::DuplicateRows { count },
            Self::Disconnected { n_components, n_isolated } => {
                Warning::Disconnected { n_components, n_isolated }
            }
            Self::InitializationReplaced { requested, used, reason } => {
                Warning::InitializationReplaced { requested: start(&requested)?, used: start(&used)?, reason }
            }
            Self::NotConverged { residual } => {
                Warning::SpectralFallback(SpectralFallback::NotConverged { residual })
            }
            Self::NotAffinities => Warning::SpectralFallback(SpectralFallback::NotAffinities),
            Self::NoExtent => Warning::SpectralFallback(SpectralFallback::NoExtent),
            Self::Recovered { iteration, back_to, learning_rate, reduced_to } => {
                Warning::Recovered(Recovery::new(iteration, back_to, learning_rate, reduced_to))
            }
            Self::MeshTooLarge { bytes, max_bytes } => {
                Warning::MeshTooLarge { bytes: bytes.unwrap_or(f64::INFINITY), max_bytes }
            }
            Self::ConstantData => Warning::ConstantData,
            Self::WideInitialPositions { std } => Warning::WideInitialPositions { std },
            Self::StillMoving { share } => Warning::StillMoving { share },
            Self::Collapsed { span, n_iter } => Warning::Collapsed { span, n_iter },
        })
    }
}

/// Stages by their place in this list, which only ever grows.
const STAGES: [Stage; 6] = [
    Stage::Pca,
    Stage::Neighbors,
    Stage::Affinities,
    Stage::Initialization,
    Stage::EarlyExaggeration,
    Stage::Optimization,
];

/// [`Report`] with its plan.
#[derive(Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    n_features: Option<usize>,
    pca: Option<usize>,
    perplexities: Vec<f64>,
    n_neighbors: Option<usize>,
    neighbors: Option<Choice>,
    negative_gradient_method: Choice,
    learning_rates: Vec<f64>,
    n_threads: usize,
    warnings: Vec<Note>,
    timings: Vec<(String, f64)>,
    /// Since 1.1.
    #[serde(default)]
    recall: Option<f64>,
    pub(super) n_iter: usize,
    /// None for one that is not finite.
    pub(super) kl_divergence: Option<f64>,
    interrupted_at: Option<usize>,
}

impl Account {
    /// Wall times of runs that follow each other in one stage are added up.
    pub(super) fn of(report: &Report) -> Self {
        let plan = &report.plan;
        let mut timings: Vec<(String, f64)> = Vec::new();
        for (stage, time) in &report.timings {
            let (stage, time) = (stage.to_string(), time.as_secs_f64());
            match timings.last_mut() {
                Some((last, sum)) if *last == stage => *sum += time,
                _ => timings.push((stage, time)),
            }
        }
        Self {
            n_features: plan.n_features,
            pca: plan.pca,
            perplexities: plan.perplexities.clone(),
            n_neighbors: plan.n_neighbors,
            neighbors: plan.neighbors.as_ref().map(choice),
            negative_gradient_method: choice(&plan.negative_gradient_method),
            learning_rates: plan.learning_rates.clone(),
            n_threads: plan.n_threads,
            warnings: report.warnings.iter().map(Note::of).collect(),
            timings,
            recall: report.recall,
            n_iter: report.n_iter,
            kl_divergence: Some(report.kl_divergence).filter(|kl| kl.is_finite()),
            interrupted_at: match report.stop {
                StopReason::Interrupted { iteration } => Some(iteration),
                _ => None,
            },
        }
    }

    pub(super) fn n_features(&self) -> Option<usize> {
        self.n_features
    }

    pub(super) fn report(self, n_points: usize, n_components: usize) -> Result<Report> {
        if self.n_features == Some(0) {
            return Err(ModelError::contents("its points have 0 features, and 1 is the least"));
        }
        let plan = Plan {
            n_points,
            n_features: self.n_features,
            n_components,
            pca: self.pca,
            perplexities: self.perplexities,
            n_neighbors: self.n_neighbors,
            neighbors: self.neighbors.map(chosen).transpose()?,
            negative_gradient_method: chosen(self.negative_gradient_method)?,
            learning_rates: self.learning_rates,
            n_threads: self.n_threads,
        };
        let mut report = Report::new(plan, self.kl_divergence.unwrap_or(f64::NAN));
        report.warnings = self.warnings.into_iter().map(Note::warning).collect::<Result<_>>()?;
        for (name, seconds) in self.timings {
            let stage = STAGES.into_iter().find(|stage| stage.to_string() == name);
            let time = Duration::try_from_secs_f64(seconds).ok();
            let (Some(stage), Some(time)) = (stage, time) else {
                return Err(ModelError::contents(format!("stage {name:?} took {seconds} s")));
            };
            report.timings.push((stage, time));
        }
        (report.recall, report.n_iter) = (self.recall, self.n_iter);
        if let Some(iteration) = self.interrupted_at {
            report.stop = StopReason::Interrupted { iteration };
        }
        Ok(report)
    }
}
