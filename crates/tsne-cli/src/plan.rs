//! `tsne plan`: what a fit would do and need; computes nothing.

use std::path::PathBuf;

use serde_json::json;
use tsne::{Data, Scalar};
use tsne_io::Dataset;

use crate::args::{PlanArgs, Precision};
use crate::exit::{Failure, print};
use crate::features::{self, Treatment};
use crate::fit::{Choices, tsne};
use crate::input::{Given, StoodIn};
use crate::prepare::{self, Prepared};
use crate::{input, memory, report};

/// Runs the command.
pub(crate) fn run(args: &PlanArgs) -> Result<(), Failure> {
    let parameters = &args.parameters;
    let choices = Choices::parse(parameters)?;
    tsne::<2>(parameters, &choices).plan(2, 1).map_err(|e| Failure::of_fit(&e, ""))?;
    let given = prepare::given(&args.given, parameters, &choices)?;
    let read = |path: &PathBuf| input::read(path, &args.reading, parameters.random_state);
    let data = args.input.as_ref().map(read).transpose()?;
    let named = args.input.as_ref().or(args.given.graph.as_ref()).or(args.given.affinities.as_ref());
    let task = Task { args, choices, name: named.map(|path| input::name(path)).unwrap_or_default() };
    match (parameters.n_components, parameters.precision) {
        (1, Precision::F32) => task.plan::<f32, 1>(data, given),
        (2, Precision::F32) => task.plan::<f32, 2>(data, given),
        (_, Precision::F32) => task.plan::<f32, 3>(data, given),
        (1, Precision::F64) => task.plan::<f64, 1>(data, given),
        (2, Precision::F64) => task.plan::<f64, 2>(data, given),
        (_, Precision::F64) => task.plan::<f64, 3>(data, given),
    }
}

struct Task<'a> {
    args: &'a PlanArgs,
    choices: Choices,
    /// What the data are called in messages.
    name: String,
}

impl Task<'_> {
    fn plan<T: Scalar, const D: usize>(
        &self,
        data: Option<Dataset>,
        given: Option<Given>,
    ) -> Result<(), Failure> {
        let parameters = &self.args.parameters;
        let features = data.as_ref().map(|data| &data.features);
        // Whether a model is to be written is not known.
        let Prepared { plan, foreseen, .. } =
            Prepared::<D>::new(parameters, &self.choices, features, given.as_ref(), &self.name, true)?;
        let mut about = Vec::new();
        about.extend(data.as_ref().map(|data| format!("Input  {}", input::summary(&self.name, data))));
        let stands_in = given.as_ref().map(ToString::to_string);
        about.extend(stands_in.as_ref().map(|given| format!("Given  {given}")));
        self.check_given::<T>(data, given)?;

        let scalar = match parameters.precision {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        };
        let peak = memory::peak_bytes(&foreseen, size_of::<T>());
        let n_iter = parameters.early_exaggeration_iter.saturating_add(parameters.n_iter);
        let seconds = memory::seconds(&foreseen, size_of::<T>(), n_iter);
        let available = memory::available();
        if self.args.json {
            let mut value = report::plan(&plan);
            value["given"] = json!(stands_in);
            value["precision"] = scalar.into();
            value["n_iter"] = n_iter.into();
            value["estimated_seconds"] = seconds.into();
            value["estimated_peak_bytes"] = peak.into();
            value["estimated_entries_of_p"] = memory::entries_of_p(&foreseen).into();
            value["available_bytes"] = json!(available);
            print(&format!("{value:#}\n"))?;
        } else {
            let mut heading = "Plan";
            for line in plan.to_string().lines() {
                about.push(format!("{heading:<7}{line}"));
                heading = "";
            }
            #[allow(clippy::cast_precision_loss, reason = "for people to read")]
            let of = available.map(|bytes| format!(" of {} available", memory::shown(bytes as f64)));
            about.push(format!(
                "Needs  about {} for {n_iter} iterations in {scalar}, peak {}{}, {:.1e} entries of P\n",
                duration(seconds),
                memory::shown(peak),
                of.unwrap_or_default(),
                memory::entries_of_p(&foreseen)
            ));
            print(&about.join("\n"))?;
        }
        memory::check(&foreseen, size_of::<T>(), self.args.running.max_memory)
    }

    /// Refuses distances, neighbors and affinities that a fit would refuse.
    fn check_given<T: Scalar>(&self, data: Option<Dataset>, given: Option<Given>) -> Result<(), Failure> {
        let Some(given) = given else { return Ok(()) };
        let distances: Option<Data<T>> = match (data, &given) {
            (Some(data), Given::Distances { .. }) => {
                let distances = features::points_like(data.features, None, &Treatment::default());
                Some(distances.map_err(|e| Failure::of_fit(&e.into(), &self.name))?)
            }
            _ => None,
        };
        StoodIn::new(given, distances.as_ref(), &self.name).map(drop)
    }
}

/// A time as people read it, no finer than an estimate is.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => "a second".to_owned(),
        s if s < 100.0 => format!("{s:.0} s"),
        s if s < 6000.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}
