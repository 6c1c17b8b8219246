//! `tsne fit`: reads, makes the map, writes.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tsne::{
    Data, Input, Metric, NegativeGradientMethod, Neighbors, Phase, Scalar, Stage, Tsne, TsneEmbedding,
};
use tsne_io::{Dataset, Labels, Matrix, NpyElement, Output, ReadOptions, read_path};

use crate::args::{FitArgs, Parameters, Precision, RunningArgs, TellingArgs};
use crate::checkpoint::{self, Company, Notes};
use crate::drive::{self, Driven, Driver, End, Fitted, Phases};
use crate::exit::{Failure, shown_path, tell};
use crate::features::Treatment;
use crate::input::{Given, StoodIn};
use crate::output::{Map, Outputs};
use crate::prepare::{self, Prepared};
use crate::progress::Progress;
use crate::signal::{Ending, Stop};
use crate::{config, features, input, memory, metric, notice, report};

/// Points up to which affinities and principal components take about a second on two cores.
const QUICK: usize = 200_000;

/// Runs the command.
pub(crate) fn run(args: &FitArgs) -> Result<Ending, Failure> {
    let stop = Stop::listen()?;
    // Options and outputs first: a mistake there should not cost the time to read, let alone to compute.
    let parameters = &args.parameters;
    let choices = Choices::parse(parameters)?;
    // Ranges do not depend on the data; two points of one feature stand for them.
    tsne::<2>(parameters, &choices).plan(2, 1).map_err(|e| Failure::of_fit(&e, ""))?;
    let mut outputs = Outputs::check(&args.outputs, args.input.as_deref(), args.force)?
        .spreadsheet_safe(args.reading.spreadsheet_safe)
        .look(&args.pictures)?;
    if let Some(path) = &args.running.checkpoint {
        outputs.add_checkpoint(path, args.force)?;
    }
    if args.running.snapshots > 0 && !outputs.holds_snapshots() {
        let what = "none of the outputs holds maps on the way";
        let help = "name an .npz or .html file among the outputs, or leave --snapshots out";
        return Err(Failure::new("E207", what, help).at("--snapshots"));
    }
    let reading = Instant::now();
    let given = prepare::given(&args.given, parameters, &choices)?;
    let read = |path: &PathBuf| input::read(path, &args.reading, parameters.random_state);
    let data = args.input.as_ref().map(read).transpose()?;
    let labels = match (&data, &args.reading.labels, given.as_ref().and_then(Given::n_points)) {
        (None, Some(path), Some(n_points)) => Some(input::read_labels(Path::new(path), n_points)?),
        _ => None,
    };
    let named = args.input.as_ref().or(args.given.graph.as_ref()).or(args.given.affinities.as_ref());
    let job = Job {
        name: named.map(|path| input::name(path)).unwrap_or_default(),
        parameters,
        configuration: &args.configuration,
        running: &args.running,
        telling: &args.telling,
        outputs,
        stop,
        reading: reading.elapsed(),
    };
    job.run(&choices, data, given, labels)
}

/// A run to be made: where the data came from does not matter any more.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    /// What the data are called in messages.
    pub(crate) name: String,
    pub(crate) parameters: &'a Parameters,
    /// All flags, for the report and the checkpoint.
    pub(crate) configuration: &'a toml::Table,
    pub(crate) running: &'a RunningArgs,
    pub(crate) telling: &'a TellingArgs,
    pub(crate) outputs: Outputs,
    pub(crate) stop: Stop,
    /// What it took to read what the job is given.
    pub(crate) reading: Duration,
}

/// Parameters that are given as words, understood.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub(crate) metric: Metric,
    /// Whether the data are distances, and the metric is of no concern.
    pub(crate) is_precomputed: bool,
    neighbors: Neighbors,
    negative_gradient_method: NegativeGradientMethod,
}

impl Choices {
    pub(crate) fn parse(parameters: &Parameters) -> Result<Self, Failure> {
        let failed = |e: tsne::Error| Failure::of_fit(&e, "");
        let is_precomputed = parameters.metric == "precomputed";
        if is_precomputed && !parameters.metric_params.is_empty() {
            let what = "distances that are precomputed have no metric with parameters";
            return Err(Failure::new("E207", what, "leave one of them out").at("--metric-params"));
        }
        let metric = if is_precomputed { "euclidean" } else { parameters.metric.as_str() };
        let metric = metric::parse(metric, &parameters.metric_params)?;
        if !(1..=3).contains(&parameters.n_components) {
            let what = format!("maps have 1, 2 or 3 components, not {}", parameters.n_components);
            return Err(Failure::new("E203", what, "choose 1, 2 or 3").at("--n-components"));
        }
        Ok(Self {
            metric,
            is_precomputed,
            neighbors: parameters.neighbors.parse().map_err(failed)?,
            negative_gradient_method: parameters.negative_gradient_method.parse().map_err(failed)?,
        })
    }
}

/// Splits what was read into the features and what goes with them.
pub(crate) fn company(data: Dataset) -> (Matrix, Company) {
    let description = json!({
        "n_rows": data.features.n_rows(),
        "n_features": data.features.n_features(),
        "feature_names": data.feature_names,
        "format": data.format.to_string(),
        "element": data.features.cells().kind(),
        "label": data.labels.as_ref().map(Labels::name),
        "n_classes": data.labels.as_ref().map(|labels| labels.classes().len()),
        "n_rounded_integers": data.n_rounded_integers,
        "n_missing": data.n_missing,
        "n_rows_in_file": data.n_rows_in_file,
    });
    let mut warnings = Vec::new();
    if data.n_rounded_integers > 0 {
        let text = format!(
            "{} integers beyond 2^53 were rounded; keep identifiers out of the features with --id or --drop",
            data.n_rounded_integers
        );
        warnings.push(("W11".to_owned(), text));
    }
    let Dataset { features, feature_names, labels, ids, .. } = data;
    (features, Company { labels, ids, feature_names, description, warnings, treatment: Treatment::default() })
}

impl Job<'_> {
    /// Makes the map in as many components, and in the precision, as asked.
    ///
    /// `labels` are those of neighbors or affinities without data.
    pub(crate) fn run(
        &self,
        choices: &Choices,
        data: Option<Dataset>,
        given: Option<Given>,
        labels: Option<Labels>,
    ) -> Result<Ending, Failure> {
        let (features, company) = match data {
            Some(data) => {
                self.tell("Input", &input::summary(&self.name, &data));
                let (features, mut company) = company(data);
                if !choices.is_precomputed {
                    company.warnings.extend(notice::row_numbers(&features, company.feature_names.as_deref()));
                }
                (Some(features), company)
            }
            None => (None, Company { labels, ..Company::default() }),
        };
        self.tell_warnings(&company.warnings);
        match (self.parameters.n_components, self.parameters.precision) {
            (1, Precision::F32) => self.fit::<f32, 1>(choices, features, given, company),
            (2, Precision::F32) => self.fit::<f32, 2>(choices, features, given, company),
            (_, Precision::F32) => self.fit::<f32, 3>(choices, features, given, company),
            (1, Precision::F64) => self.fit::<f64, 1>(choices, features, given, company),
            (2, Precision::F64) => self.fit::<f64, 2>(choices, features, given, company),
            (_, Precision::F64) => self.fit::<f64, 3>(choices, features, given, company),
        }
    }

    fn fit<T, const D: usize>(
        &self,
        choices: &Choices,
        features: Option<Matrix>,
        given: Option<Given>,
        mut company: Company,
    ) -> Result<Ending, Failure>
    where
        T: Scalar + NpyElement + Display,
    {
        let failed = |e: tsne::Error| Failure::of_fit(&e, &self.name);
        let Prepared { config, plan, foreseen } = Prepared::<D>::new(
            self.parameters,
            choices,
            features.as_ref(),
            given.as_ref(),
            &self.name,
            self.outputs.has_model(),
        )?;
        let data = match features {
            None => None,
            // Distances are neither moved nor scaled.
            Some(distances) if choices.is_precomputed => {
                let treatment = Treatment::default();
                Some(features::points_like(distances, None, &treatment).map_err(|e| failed(e.into()))?)
            }
            Some(features) => {
                let scale = self.parameters.scale;
                let (data, treatment) =
                    features::points::<T>(features, scale, &choices.metric).map_err(|e| failed(e.into()))?;
                company.treatment = treatment;
                Some(data)
            }
        };
        let data: Option<Arc<Data<T>>> = data.map(Arc::new);
        if let Some(data) = &data
            && let Some(notice) = notice::zero_rows(data.points(), &choices.metric)
        {
            self.tell_warnings(std::slice::from_ref(&notice));
            company.warnings.push(notice);
        }
        let is_quick =
            plan.n_points <= QUICK && data.is_some() && self.parameters.initialization != "spectral";
        memory::check(&foreseen, size_of::<T>(), self.running.max_memory)?;
        match &given {
            None => self.tell("Plan", plan.to_string().trim_end()),
            Some(given) => {
                self.tell("Plan", &format!("{given} as given, {}", plan.negative_gradient_method.value))
            }
        }

        let start = Instant::now();
        let progress =
            Progress::new(self.telling, [self.parameters.early_exaggeration_iter, self.parameters.n_iter]);
        let driver = self.driver(&progress);
        let driver = if is_quick { driver.keeping_neighbors() } else { driver };
        // Only models need the data again, and a map of principal components keeps these instead.
        let keeps_data = self.outputs.has_model() && plan.pca.is_none();
        let stood_in = given.map(|given| StoodIn::new(given, data.as_deref(), &self.name)).transpose()?;
        let input = match (&stood_in, &data) {
            (None, Some(data)) if keeps_data => Input::from(Arc::clone(data)),
            (None, Some(data)) => Input::from(data.points()),
            (Some(stood_in @ StoodIn::Distances(_)), _) => stood_in.input(),
            (Some(stood_in), data) => {
                let input = stood_in.input();
                match data {
                    Some(data) if keeps_data => input.with_data(data),
                    Some(data) => input.with_points(data.points()),
                    None => input,
                }
            }
            (None, None) => return Err(failed(tsne::Error::NoInput)),
        };
        self.stop.hold();
        let fitted = config.fit_observed(input, &|event| driver.observe(event));
        let driven = match drive::sort(fitted, &self.stop, &self.name)? {
            Fitted::Map(mut map) => {
                Notes::of(&self.name, self.configuration, &company).attach(&mut map);
                driver.finish(map, |map| self.outputs.save_checkpoints(map))?
            }
            Fitted::LastGood(mut map, failure) => {
                Notes::of(&self.name, self.configuration, &company).attach(&mut map);
                let snapshots = driver.into_snapshots();
                Driven { timings: map.report().timings.clone(), map, snapshots, end: End::Failed(failure) }
            }
            Fitted::Nothing(signal, stage) => {
                progress.finish();
                self.tell("Stop", &format!("during {stage}, before there was a map"));
                return Ok(Ending::Stopped(signal));
            }
        };
        progress.finish();
        self.conclude(driven, &company, start)
    }

    /// Goes on with a map to the end of its phases.
    pub(crate) fn go_on<T, const D: usize>(
        &self,
        map: TsneEmbedding<T, D>,
        company: &Company,
    ) -> Result<Ending, Failure>
    where
        T: Scalar + NpyElement + Display,
    {
        let start = Instant::now();
        let progress =
            Progress::new(self.telling, [self.parameters.early_exaggeration_iter, self.parameters.n_iter]);
        self.stop.hold();
        let driven = self.driver(&progress).finish(map, |map| self.outputs.save_checkpoints(map))?;
        progress.finish();
        self.conclude(driven, company, start)
    }

    fn driver<'b, T: Scalar, const D: usize>(&'b self, progress: &'b Progress) -> Driver<'b, T, D> {
        let every = self.outputs.checkpoint().map(|_| self.running.checkpoint_every);
        Driver::new(phases(self.parameters), &self.stop, progress, every, self.running.snapshots)
    }

    /// Writes what a run came to and says so.
    fn conclude<T, const D: usize>(
        &self,
        driven: Driven<T, D>,
        company: &Company,
        start: Instant,
    ) -> Result<Ending, Failure>
    where
        T: Scalar + NpyElement + Display,
    {
        let Driven { map, timings, snapshots, end } = driven;
        self.tell_outcome(&map, &timings, start);
        let report = map.report();
        self.outputs.write(&Map {
            embedding: Some(&map),
            positions: map.positions(),
            labels: company.labels.as_ref(),
            ids: company.ids.as_deref(),
            name: &self.name,
            snapshots: &snapshots,
            caption: report::caption(report, D),
            report: report::report(
                report::Context {
                    data: &company.description,
                    warnings: &company.warnings,
                    configuration: &config::to_text(self.configuration),
                    seed: self.parameters.random_state,
                    reading: self.reading,
                    timings: &timings,
                    calibration: map.joint_affinities().calibration(),
                    stop: end.reason(),
                },
                report,
            ),
        })?;
        let mut names: Vec<String> = self.outputs.paths().map(shown_path).collect();
        if matches!(end, End::Stopped(_)) {
            let checkpoint = self.checkpoint_of_stopped(&map)?;
            if !names.contains(&checkpoint) {
                names.push(checkpoint.clone());
            }
            self.tell("Wrote", &names.join(", "));
            self.tell("Stop", &format!("go on with: tsne resume {checkpoint}"));
        } else {
            self.tell("Wrote", &names.join(", "));
        }
        match end {
            End::Completed => Ok(Ending::Done),
            End::Stopped(signal) => Ok(Ending::Stopped(signal)),
            End::Failed(failure) => Err(failure.at(format!("the last good map is in {}", names.join(", ")))),
        }
    }

    /// Where a stopped run can be gone on from; written now, if it was not among the outputs.
    fn checkpoint_of_stopped<T: Scalar, const D: usize>(
        &self,
        map: &TsneEmbedding<T, D>,
    ) -> Result<String, Failure> {
        if let Some(path) = self.outputs.checkpoint() {
            return Ok(shown_path(path));
        }
        let first = self.outputs.paths().next().unwrap_or(Path::new("tsne"));
        let path = checkpoint::free_name(first);
        let output = Output::check(&path, false).map_err(|e| Failure::in_file(&path, &e))?;
        checkpoint::save(map, &output, self.outputs.has_model())?;
        Ok(shown_path(&path))
    }

    fn tell_warnings(&self, warnings: &[(String, String)]) {
        if !self.telling.quiet {
            for (code, text) in warnings {
                tell(format_args!("warning {code}: {text}"));
            }
        }
    }

    fn tell_outcome<T: Scalar, const D: usize>(
        &self,
        map: &TsneEmbedding<T, D>,
        timings: &[(Stage, Duration)],
        start: Instant,
    ) {
        let report = map.report();
        let warnings: Vec<(String, String)> =
            report.warnings.iter().map(|warning| (warning.code().to_owned(), warning.to_string())).collect();
        self.tell_warnings(&warnings);
        if self.telling.verbose > 0 {
            for (stage, time) in timings {
                self.tell("Time", &format!("{:<20}{:>9.3} s", stage.to_string(), time.as_secs_f64()));
            }
        }
        if self.telling.verbose > 1
            && let Some(calibration) = map.joint_affinities().calibration()
        {
            for scale in &calibration.scales {
                let line = format!(
                    "perplexity {} to {} for {} asked, {} rows not met",
                    scale.attained_min,
                    scale.attained_max,
                    scale.perplexity,
                    scale.unreached.len()
                );
                self.tell("Rows", &line);
            }
        }
        let line = format!(
            "KL divergence {:.4} after {} iterations in {:.1} s",
            report.kl_divergence,
            report.n_iter,
            start.elapsed().as_secs_f64()
        );
        self.tell("Map", &line);
    }

    /// A line, or several, under a heading.
    fn tell(&self, heading: &str, text: &str) {
        if !self.telling.quiet {
            let mut heading = heading;
            for line in text.lines() {
                tell(format_args!("{heading:<7}{line}"));
                heading = "";
            }
        }
    }
}

/// The phases that the flags describe.
pub(crate) fn phases(p: &Parameters) -> Phases {
    let bounds = |phase: Phase| Phase {
        learning_rate: p.learning_rate,
        max_grad_norm: p.max_grad_norm.0,
        max_step_norm: p.max_step_norm.0,
        ..phase
    };
    let early = Phase {
        n_iter: p.early_exaggeration_iter,
        exaggeration: p.early_exaggeration,
        momentum: p.initial_momentum,
        ..Phase::early_exaggeration()
    };
    let main = Phase {
        n_iter: p.n_iter,
        exaggeration: p.exaggeration,
        momentum: p.final_momentum,
        ..Phase::standard()
    };
    [(Stage::EarlyExaggeration, bounds(early)), (Stage::Optimization, bounds(main))]
}

/// The configuration that the flags describe, but for the initialization.
pub(crate) fn tsne<const D: usize>(p: &Parameters, choices: &Choices) -> Tsne<D> {
    Tsne::new()
        .n_components::<D>()
        .perplexities(&p.perplexity)
        .pca(p.pca)
        .metric(choices.metric.clone())
        .neighbors(choices.neighbors)
        .negative_gradient_method(choices.negative_gradient_method)
        .theta(p.theta)
        .n_interpolation_points(p.n_interpolation_points)
        .min_num_intervals(p.min_num_intervals)
        .ints_in_interval(p.ints_in_interval)
        .dof(p.dof)
        .learning_rate(p.learning_rate)
        .early_exaggeration(p.early_exaggeration)
        .early_exaggeration_iter(p.early_exaggeration_iter)
        .exaggeration(p.exaggeration)
        .n_iter(p.n_iter)
        .initial_momentum(p.initial_momentum)
        .final_momentum(p.final_momentum)
        .max_grad_norm(p.max_grad_norm.0)
        .max_step_norm(p.max_step_norm.0)
        .callbacks_every_iters(p.callbacks_every_iters)
        .random_state(p.random_state)
        .n_jobs(p.n_jobs)
        .strict(p.strict)
}

/// Reads a matrix of positions. It may be a map that this program wrote: label and id are no positions.
pub(crate) fn read_positions(path: &Path) -> Result<Dataset, tsne_io::Error> {
    let read = |drop: &[&str]| {
        let drop = drop.iter().map(|&name| name.to_owned()).collect();
        read_path(path, &ReadOptions { drop, ..ReadOptions::default() })
    };
    for aside in [&["label", "id"][..], &["label"], &["id"]] {
        match read(aside) {
            Err(tsne_io::Error::NoSuchColumn { .. }) => {}
            result => return result,
        }
    }
    read(&[])
}
