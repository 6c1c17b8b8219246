//! `tsne fit`: reads, makes the map, writes.

use std::fmt::Display;
use std::path::Path;
use std::time::Instant;

use serde_json::json;
use tsne::core::ShapeError;
use tsne::neighbors::MetricParameters;
use tsne::{
    Csr, Initialization, Metric, NegativeGradientMethod, Neighbors, Points, Scalar, Tsne, TsneEmbedding,
};
use tsne_io::{Cells, Dataset, Labels, Matrix, Narrowing, NpyElement, ReadOptions, read_path, shown};

use crate::args::{FitArgs, Parameters, Precision, ReadingArgs, TellingArgs};
use crate::exit::{Failure, shown_path, tell};
use crate::output::{Map, Outputs};
use crate::progress::Progress;
use crate::report;

/// Runs the command.
pub(crate) fn run(args: &FitArgs) -> Result<(), Failure> {
    // Options and outputs first: a mistake there should not cost the time to read, let alone to compute.
    let parameters = &args.parameters;
    let choices = Choices::parse(parameters)?;
    // Ranges do not depend on the data; two points of one feature stand for them.
    config::<2>(parameters, &choices).plan(2, 1).map_err(|e| Failure::of_fit(&e, ""))?;
    let outputs = Outputs::check(&args.outputs, Some(&args.input), args.force)?;
    let data =
        read_path(&args.input, &args.reading.options()).map_err(|e| Failure::in_file(&args.input, &e))?;
    let job = Job {
        name: shown_path(&args.input),
        parameters,
        choices,
        configuration: report::configuration(args),
        telling: &args.telling,
        outputs,
    };
    job.run(data)
}

/// A fit to be made: where the data came from does not matter any more.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    /// What the data are called in messages.
    pub(crate) name: String,
    pub(crate) parameters: &'a Parameters,
    pub(crate) choices: Choices,
    /// The flags as TOML, for the report.
    pub(crate) configuration: String,
    pub(crate) telling: &'a TellingArgs,
    pub(crate) outputs: Outputs,
}

/// Parameters that are given as words, understood.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    metric: Metric,
    neighbors: Neighbors,
    negative_gradient_method: NegativeGradientMethod,
}

impl Choices {
    pub(crate) fn parse(parameters: &Parameters) -> Result<Self, Failure> {
        let failed = |e: tsne::Error| Failure::of_fit(&e, "");
        let metric = Metric::from_name(&parameters.metric, &MetricParameters::default()).map_err(|e| {
            let help =
                "euclidean, manhattan, cosine and correlation are usual; leave --metric out for euclidean";
            Failure::new("E201", shown(&e.to_string()).to_string(), help).at("--metric")
        })?;
        if !(1..=3).contains(&parameters.n_components) {
            let what = format!("maps have 1, 2 or 3 components, not {}", parameters.n_components);
            return Err(Failure::new("E203", what, "choose 1, 2 or 3").at("--n-components"));
        }
        Ok(Self {
            metric,
            neighbors: parameters.neighbors.parse().map_err(failed)?,
            negative_gradient_method: parameters.negative_gradient_method.parse().map_err(failed)?,
        })
    }
}

impl ReadingArgs {
    /// Whether the first line names the columns, if the user said so.
    pub(crate) fn has_header(&self) -> Option<bool> {
        match (self.header, self.no_header) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }

    fn options(&self) -> ReadOptions {
        ReadOptions {
            delimiter: self.delimiter,
            has_header: self.has_header(),
            label: self.label.clone(),
            id: self.id.clone(),
            drop: self.drop.clone(),
            ..ReadOptions::default()
        }
    }
}

/// What goes with the numbers of a data file.
struct Company {
    labels: Option<Labels>,
    ids: Option<Vec<String>>,
    /// Shape and format, for the report.
    description: serde_json::Value,
    /// Code and text of what was noticed while reading.
    warnings: Vec<(&'static str, String)>,
}

impl Job<'_> {
    /// Makes the map in as many components, and in the precision, as asked.
    pub(crate) fn run(&self, data: Dataset) -> Result<(), Failure> {
        self.tell_input(&data);
        let description = json!({
            "n_rows": data.features.n_rows(),
            "n_features": data.features.n_features(),
            "feature_names": data.feature_names,
            "format": data.format.to_string(),
            "element": data.features.cells().kind(),
            "label": data.labels.as_ref().map(Labels::name),
            "n_classes": data.labels.as_ref().map(|labels| labels.classes().len()),
            "n_rounded_integers": data.n_rounded_integers,
        });
        let mut warnings = Vec::new();
        if data.n_rounded_integers > 0 {
            let text = format!(
                "{} integers beyond 2^53 were rounded; keep identifiers out of the features with --id or --drop",
                data.n_rounded_integers
            );
            warnings.push(("W11", text));
        }
        self.tell_warnings(&warnings);
        let company = Company { labels: data.labels, ids: data.ids, description, warnings };
        match self.parameters.n_components {
            1 => self.run_in::<1>(data.features, &company),
            2 => self.run_in::<2>(data.features, &company),
            _ => self.run_in::<3>(data.features, &company),
        }
    }

    fn run_in<const D: usize>(&self, features: Matrix, company: &Company) -> Result<(), Failure> {
        let n_features = features.n_features();
        match (features.into_cells(), self.parameters.precision) {
            (Cells::U8(x), Precision::F32) => self.fit::<f32, D>(Points::from_bytes(&x, n_features), company),
            (Cells::U8(x), Precision::F64) => self.fit::<f64, D>(Points::from_bytes(&x, n_features), company),
            (Cells::F64(x), Precision::F32) if !may_move(&self.choices.metric) => {
                // Beyond the range of f32 a value becomes infinite, which the fit refuses by row and column.
                let x: Vec<f32> = x.into_iter().map(f32::lit).collect();
                self.fit::<f32, D>(Points::from_row_major(&x, n_features), company)
            }
            (Cells::F64(x), Precision::F64) if !may_move(&self.choices.metric) => {
                self.fit::<f64, D>(Points::from_row_major(&x, n_features), company)
            }
            (Cells::F64(x), Precision::F32) => {
                let narrow = Narrowing::of(&x, n_features).to_f32(&x);
                drop(x);
                self.fit::<f32, D>(Points::from_row_major(&narrow, n_features), company)
            }
            (Cells::F32(x), Precision::F32) => {
                let narrow =
                    if may_move(&self.choices.metric) { Narrowing::of(&x, n_features).to_f32(&x) } else { x };
                self.fit::<f32, D>(Points::from_row_major(&narrow, n_features), company)
            }
            (cells @ Cells::F32(_), Precision::F64) => {
                let mut x = cells.into_f64().expect("dense cells");
                if may_move(&self.choices.metric) {
                    Narrowing::of(&x, n_features).apply(&mut x);
                }
                self.fit::<f64, D>(Points::from_row_major(&x, n_features), company)
            }
            (Cells::Sparse(x), Precision::F32) => {
                let x = csr(x, n_features);
                self.fit::<f32, D>(x.as_ref().map_err(ShapeError::clone).and_then(Points::from_csr), company)
            }
            (Cells::Sparse(x), Precision::F64) => {
                let x = csr(x, n_features);
                self.fit::<f64, D>(x.as_ref().map_err(ShapeError::clone).and_then(Points::from_csr), company)
            }
            (Cells::F64(mut x), Precision::F64) => {
                Narrowing::of(&x, n_features).apply(&mut x);
                self.fit::<f64, D>(Points::from_row_major(&x, n_features), company)
            }
        }
    }

    fn fit<T, const D: usize>(
        &self,
        points: Result<Points<'_, T>, ShapeError>,
        company: &Company,
    ) -> Result<(), Failure>
    where
        T: Scalar + NpyElement + Display,
    {
        let failed = |e: tsne::Error| Failure::of_fit(&e, &self.name);
        let points = points.map_err(|e| failed(e.into()))?;
        let start = initialization(&self.parameters.initialization, points.n_points())?;
        let config = config::<D>(self.parameters, &self.choices).initialization(start);
        let plan = config.plan(points.n_points(), points.n_features()).map_err(failed)?;
        if self.parameters.strict {
            check_all_used(&self.parameters.given, plan.negative_gradient_method.value)?;
        }
        self.tell("Plan", plan.to_string().trim_end());

        let start = Instant::now();
        let progress =
            Progress::new(self.telling, [self.parameters.early_exaggeration_iter, self.parameters.n_iter]);
        let fitted = config.fit_observed(points, &|event| progress.observe(event));
        progress.finish();
        let fitted = fitted.map_err(failed)?;
        self.tell_outcome(&fitted, start);

        let report = fitted.report();
        let shown_axes = if D == 3 { " · x and y of three components" } else { "" };
        let caption = format!(
            "t-SNE of {} · {} points · perplexity {} · KL divergence {:.3}{shown_axes}",
            self.short_name(),
            report.plan.n_points,
            report.plan.perplexities.iter().map(f64::to_string).collect::<Vec<_>>().join(", "),
            report.kl_divergence
        );
        self.outputs.write(&Map {
            positions: fitted.positions(),
            labels: company.labels.as_ref(),
            ids: company.ids.as_deref(),
            caption,
            report: report::report(
                report::Context {
                    data: &company.description,
                    warnings: &company.warnings,
                    configuration: &self.configuration,
                    seed: self.parameters.random_state,
                },
                report,
            ),
        })?;
        let names: Vec<String> = self.outputs.paths().map(shown_path).collect();
        self.tell("Wrote", &names.join(", "));
        Ok(())
    }

    fn tell_input(&self, data: &Dataset) {
        let (n_rows, n_features) = (data.features.n_rows(), data.features.n_features());
        let mut line = format!("{}: {n_rows} rows of {n_features} features, {}", self.name, data.format);
        if let Some(labels) = &data.labels {
            line += &format!(", {} classes of {}", labels.classes().len(), shown(labels.name()));
        }
        self.tell("Input", &line);
    }

    fn tell_warnings(&self, warnings: &[(&'static str, String)]) {
        if !self.telling.quiet {
            for (code, text) in warnings {
                tell(format_args!("warning {code}: {text}"));
            }
        }
    }

    fn tell_outcome<T: Scalar, const D: usize>(&self, fitted: &TsneEmbedding<T, D>, start: Instant) {
        let report = fitted.report();
        let warnings: Vec<(&str, String)> =
            report.warnings.iter().map(|warning| (warning.code(), warning.to_string())).collect();
        self.tell_warnings(&warnings);
        if self.telling.verbose {
            for (stage, time) in &report.timings {
                self.tell("Time", &format!("{:<20}{:>9.3} s", stage.to_string(), time.as_secs_f64()));
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

    /// What the data are called below the picture: a picture travels, directories stay at home.
    fn short_name(&self) -> &str {
        Path::new(&self.name).file_name().and_then(|name| name.to_str()).unwrap_or(&self.name)
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

/// A sparse matrix of a file as points are taken.
fn csr<T: Scalar>(matrix: tsne_io::Sparse, n_features: usize) -> Result<Csr<T>, ShapeError> {
    let (offsets, columns, values) = matrix.into_parts();
    Csr::from_parts(n_features, offsets, columns, values.into_iter().map(T::lit).collect())
}

/// The configuration that the flags describe, but for the initialization.
fn config<const D: usize>(p: &Parameters, choices: &Choices) -> Tsne<D> {
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

/// Whether neighbors stay what they are when all rows are moved alike and scaled, which keeps data whole in f32.
fn may_move(metric: &Metric) -> bool {
    matches!(
        metric,
        Metric::Euclidean
            | Metric::SquaredEuclidean
            | Metric::StandardizedEuclidean { .. }
            | Metric::Manhattan
            | Metric::Chebyshev
            | Metric::Minkowski { .. }
    )
}

/// Refuses a parameter that was given and that the chosen method does not look at.
fn check_all_used(given: &[String], method: NegativeGradientMethod) -> Result<(), Failure> {
    const OF_METHODS: [(&str, NegativeGradientMethod); 4] = [
        ("theta", NegativeGradientMethod::BarnesHut),
        ("n_interpolation_points", NegativeGradientMethod::Fft),
        ("min_num_intervals", NegativeGradientMethod::Fft),
        ("ints_in_interval", NegativeGradientMethod::Fft),
    ];
    let is_ignored = |(name, of): &&(&str, _)| *of != method && given.iter().any(|given| given == name);
    match OF_METHODS.iter().find(is_ignored) {
        None => Ok(()),
        Some((name, of)) => {
            let flag = format!("--{}", name.replace('_', "-"));
            let what = format!("{flag} belongs to the method {of}, but the method is {method}");
            let help = format!("leave {flag} out, or say --negative-gradient-method {of}");
            Err(Failure::new("E207", what, help).at(flag))
        }
    }
}

/// Initial positions by name, or from a file.
fn initialization<const D: usize>(how: &str, n_points: usize) -> Result<Initialization<D>, Failure> {
    let unknown = match how.parse() {
        Ok(named) => return Ok(named),
        Err(unknown) => unknown,
    };
    let path = Path::new(how);
    if path.extension().is_none() && !path.exists() {
        return Err(Failure::of_fit(&unknown, ""));
    }
    let data = read_positions(path).map_err(|e| {
        let failure = Failure::in_file(path, &e);
        if failure.code() == "E103" { failure.with_code("E209") } else { failure }
    })?;
    let (n_rows, n_columns) = (data.features.n_rows(), data.features.n_features());
    if (n_rows, n_columns) != (n_points, D) {
        let what = format!(
            "initial positions of shape ({n_rows}, {n_columns}) for a map of shape ({n_points}, {D})"
        );
        let help = "give one row per row of the data and one column per component";
        return Err(Failure::new("E208", what, help).at(shown_path(path)));
    }
    let Some(values) = data.features.into_cells().into_f64() else {
        let help = "give a dense matrix";
        return Err(Failure::new("E208", "initial positions are sparse", help).at(shown_path(path)));
    };
    let (rows, _) = values.as_chunks::<D>();
    Ok(Initialization::Positions(rows.to_vec()))
}

/// Reads a matrix of positions. It may be a map that this program wrote: label and id are no positions.
fn read_positions(path: &Path) -> Result<Dataset, tsne_io::Error> {
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
