//! The configuration as serde writes and reads it: a flat table of the setters' names, apart from the types of the
//! program, checked as a whole when it is read.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tsne_core::Seed;
use tsne_optim::Phase;

use super::{Tsne, Weights};
use crate::callbacks::Callbacks;
use crate::model::{NamedMetric, Rate};
use crate::{Error, Initialization, Optimization};

/// A configuration as a table. What is left out has its default.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Table {
    perplexities: Option<Vec<f64>>,
    n_neighbors: Option<usize>,
    pca: Option<usize>,
    neighbors: String,
    metric: NamedMetric,
    initialization: Start,
    early_exaggeration: Stretch,
    main: Stretch,
    schedule: Option<Vec<Stretch>>,
    negative_gradient_method: String,
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
    random_state: u64,
}

/// [`Phase`]. All of it must be given: the two phases of a fit differ in their defaults.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stretch {
    n_iter: usize,
    exaggeration: f64,
    momentum: f64,
    learning_rate: Rate,
    #[serde(default)]
    max_grad_norm: Option<f64>,
    #[serde(default)]
    max_step_norm: Option<f64>,
    min_gain: f64,
}

/// [`Initialization`]: a name, or one row a point.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Start {
    Named(String),
    Positions(Vec<Vec<f64>>),
}

impl Default for Table {
    fn default() -> Self {
        let defaults = Self::of(&Tsne::new()).expect("the defaults are plain data");
        // Which of the two is meant is seen from which is given.
        Self { perplexities: None, n_neighbors: None, ..defaults }
    }
}

impl Stretch {
    fn of(phase: &Phase) -> Result<Self, String> {
        let Phase { n_iter, exaggeration, momentum, learning_rate, max_grad_norm, max_step_norm, min_gain } =
            *phase;
        let learning_rate = Rate::of(learning_rate).map_err(|e| e.to_string())?;
        Ok(Self { n_iter, exaggeration, momentum, learning_rate, max_grad_norm, max_step_norm, min_gain })
    }

    fn phase(self) -> Phase {
        let Self { n_iter, exaggeration, momentum, learning_rate, max_grad_norm, max_step_norm, min_gain } =
            self;
        let learning_rate = learning_rate.learning_rate();
        Phase { n_iter, exaggeration, momentum, learning_rate, max_grad_norm, max_step_norm, min_gain }
    }
}

impl Table {
    fn of<const D: usize>(config: &Tsne<D>) -> Result<Self, String> {
        let (perplexities, n_neighbors) = match &config.weights {
            Weights::Perplexities(perplexities) => (Some(perplexities.clone()), None),
            Weights::Uniform(n_neighbors) => (None, Some(*n_neighbors)),
        };
        let run = &config.run;
        if !run.callbacks.is_empty() {
            return Err("callbacks are no plain data".to_owned());
        }
        let schedule = config.schedule.as_ref().map(|phases| phases.iter().map(Stretch::of).collect());
        Ok(Self {
            perplexities,
            n_neighbors,
            pca: config.pca,
            neighbors: config.neighbors.to_string(),
            metric: NamedMetric::of(&config.metric).map_err(|e| e.to_string())?,
            initialization: match &config.initialization {
                Initialization::Positions(rows) => {
                    Start::Positions(rows.iter().map(|row| row.to_vec()).collect())
                }
                named => Start::Named(named.to_string()),
            },
            early_exaggeration: Stretch::of(&config.early_exaggeration)?,
            main: Stretch::of(&config.main)?,
            schedule: schedule.transpose()?,
            negative_gradient_method: run.method.to_string(),
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
            random_state: config.seed.0,
        })
    }

    fn configuration<const D: usize>(self) -> Result<Tsne<D>, String> {
        let said = |e: Error| e.to_string();
        let config = Tsne {
            weights: match (self.n_neighbors, self.perplexities) {
                (Some(_), Some(_)) => return Err("both perplexities and n_neighbors are given".to_owned()),
                (Some(n_neighbors), None) => Weights::Uniform(n_neighbors),
                (None, Some(perplexities)) => Weights::Perplexities(perplexities),
                (None, None) => Tsne::new().weights,
            },
            pca: self.pca,
            neighbors: self.neighbors.parse().map_err(said)?,
            metric: self.metric.metric().map_err(|e| e.to_string())?,
            initialization: match self.initialization {
                Start::Named(name) => name.parse().map_err(said)?,
                Start::Positions(rows) => {
                    let row = |row: Vec<f64>| {
                        <[f64; D]>::try_from(row).map_err(|row| {
                            format!("an initial position has {} coordinates, the map {D}", row.len())
                        })
                    };
                    Initialization::Positions(rows.into_iter().map(row).collect::<Result<_, _>>()?)
                }
            },
            early_exaggeration: self.early_exaggeration.phase(),
            main: self.main.phase(),
            schedule: self.schedule.map(|phases| phases.into_iter().map(Stretch::phase).collect()),
            run: Optimization {
                phase: Phase::standard(),
                method: self.negative_gradient_method.parse().map_err(said)?,
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
            },
            seed: Seed(self.random_state),
        };
        config.check().map_err(said)?;
        Ok(config)
    }
}

/// A flat table of the setters' names, with the phases as tables of their own. Custom metrics and callbacks are no plain
/// data, and an error.
impl<const D: usize> Serialize for Tsne<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Table::of(self).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// What is left out has its default; names that are not known and values out of range are errors.
impl<'de, const D: usize> Deserialize<'de> for Tsne<D> {
    fn deserialize<R: Deserializer<'de>>(deserializer: R) -> Result<Self, R::Error> {
        Table::deserialize(deserializer)?.configuration().map_err(R::Error::custom)
    }
}
