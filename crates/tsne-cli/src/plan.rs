//! `tsne plan`: what a fit would do and need; computes nothing.

use serde_json::json;

use crate::args::{PlanArgs, Precision};
use crate::exit::{Failure, print};
use crate::fit::{Choices, tsne};
use crate::{input, memory, report};

/// Runs the command.
pub(crate) fn run(args: &PlanArgs) -> Result<(), Failure> {
    let parameters = &args.parameters;
    let choices = Choices::parse(parameters)?;
    tsne::<2>(parameters, &choices).plan(2, 1).map_err(|e| Failure::of_fit(&e, ""))?;
    let data = input::read(&args.input, &args.reading, parameters.random_state)?;
    let (n_rows, n_features) = (data.features.n_rows(), data.features.n_features());
    let plan = match parameters.n_components {
        1 => tsne::<1>(parameters, &choices).plan(n_rows, n_features),
        2 => tsne::<2>(parameters, &choices).plan(n_rows, n_features),
        _ => tsne::<3>(parameters, &choices).plan(n_rows, n_features),
    };
    let name = input::name(&args.input);
    let plan = plan.map_err(|e| Failure::of_fit(&e, &name))?;
    let (scalar_bytes, scalar) = match parameters.precision {
        Precision::F32 => (4, "f32"),
        Precision::F64 => (8, "f64"),
    };
    let peak = memory::peak_bytes(&plan, scalar_bytes);
    let n_iter = parameters.early_exaggeration_iter.saturating_add(parameters.n_iter);
    let seconds = memory::seconds(&plan, scalar_bytes, n_iter);
    let available = memory::available();
    if args.json {
        let mut value = report::plan(&plan);
        value["precision"] = scalar.into();
        value["n_iter"] = n_iter.into();
        value["estimated_seconds"] = seconds.into();
        value["estimated_peak_bytes"] = peak.into();
        value["estimated_entries_of_p"] = memory::entries_of_p(&plan).into();
        value["available_bytes"] = json!(available);
        print(&format!("{value:#}\n"))?;
    } else {
        let mut text = format!("Input  {}", input::summary(&name, &data));
        let mut heading = "Plan";
        for line in plan.to_string().lines() {
            text += &format!("\n{heading:<7}{line}");
            heading = "";
        }
        #[allow(clippy::cast_precision_loss, reason = "for people to read")]
        let of = available.map(|bytes| format!(" of {} available", memory::shown(bytes as f64)));
        text += &format!(
            "\nNeeds  about {} for {n_iter} iterations in {scalar}, peak {}{}, {:.1e} entries of P\n",
            duration(seconds),
            memory::shown(peak),
            of.unwrap_or_default(),
            memory::entries_of_p(&plan)
        );
        print(&text)?;
    }
    memory::check(&plan, scalar_bytes, args.running.max_memory)
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
