//! What is decided before anything is computed, for a fit and for its plan alike.

use tsne::{Initialization, NegativeGradientMethod, Plan, Tsne};
use tsne_io::{Cells, Matrix};

use crate::args::{GivenArgs, Parameters, Scale};
use crate::exit::Failure;
use crate::fit::{Choices, tsne};
use crate::input::{Given, shape};
use crate::start::Start;
use crate::{features, metric};

/// A fit that can be made of what is given.
pub(crate) struct Prepared<const D: usize> {
    pub(crate) config: Tsne<D>,
    pub(crate) plan: Plan,
    /// The plan by which memory and time are foreseen: what stands in for a search takes room too.
    pub(crate) foreseen: Plan,
}

impl<const D: usize> Prepared<D> {
    /// Checks the parameters against what is given; `name` is what that is called in messages, and `is_placing` says whether
    /// new rows may be placed in the map later.
    pub(crate) fn new(
        parameters: &Parameters,
        choices: &Choices,
        features: Option<&Matrix>,
        given: Option<&Given>,
        name: &str,
        is_placing: bool,
    ) -> Result<Self, Failure> {
        let failed = |e: tsne::Error| Failure::of_fit(&e, name);
        let shape = shape(features, given).map_err(failed)?;
        if let Some(features) = features {
            features::check_scale(features, parameters.scale)?;
        }
        let n_points = features.map(Matrix::n_rows).or_else(|| given.and_then(Given::n_points));
        let start = Start::parse(&parameters.initialization)?;
        let start = start.of_points(n_points.unwrap_or(0), Initialization::Positions)?;
        let config = tsne::<D>(parameters, choices).initialization(start);
        let plan = config.plan_for(shape).map_err(failed)?;
        if let Some(features) = features {
            metric::check(&choices.metric, plan.pca.unwrap_or(features.n_features()))?;
        }
        if parameters.strict {
            let method = plan.negative_gradient_method.value;
            check_all_used(&parameters.given, method, features.is_some(), given, is_placing)?;
        }
        let mut foreseen = plan.clone();
        // A matrix of distances is in memory as features are.
        foreseen.n_features = features.map(Matrix::n_features);
        if let Some(Given::Affinities { matrix, .. }) = given
            && let Cells::Sparse(entries) = matrix.cells()
        {
            foreseen.n_neighbors = Some(entries.n_entries().div_ceil(plan.n_points));
        }
        Ok(Self { config, plan, foreseen })
    }
}

/// What stands in for a search, from the flags.
pub(crate) fn given(
    args: &GivenArgs,
    parameters: &Parameters,
    choices: &Choices,
) -> Result<Option<Given>, Failure> {
    let GivenArgs { graph, affinities, symmetrize } = args;
    let excluded = |flag: &str| {
        let what = format!("{flag} and distances that are precomputed exclude each other");
        Failure::new("E207", what, "leave one of them out").at("--metric")
    };
    if choices.is_precomputed && parameters.scale != Scale::None {
        let what = "distances that are precomputed have no columns to be scaled";
        return Err(Failure::new("E207", what, "leave one of them out").at("--scale"));
    }
    match (graph, affinities) {
        (Some(_), _) if choices.is_precomputed => Err(excluded("--graph")),
        (_, Some(_)) if choices.is_precomputed => Err(excluded("--affinities")),
        (Some(path), _) => Given::graph(path).map(Some),
        (_, Some(path)) => Given::affinities(path, symmetrize.is_some()).map(Some),
        _ if choices.is_precomputed => Ok(Some(Given::Distances { is_symmetrized: symmetrize.is_some() })),
        _ => Ok(None),
    }
}

/// Refuses a flag that was given and that nothing looks at, for what the repulsion is or for what is given. `is_placing`
/// says whether new rows may be placed in the map later.
fn check_all_used(
    flags: &[String],
    method: NegativeGradientMethod,
    has_features: bool,
    given: Option<&Given>,
    is_placing: bool,
) -> Result<(), Failure> {
    const OF_METHODS: [(&str, NegativeGradientMethod); 4] = [
        ("theta", NegativeGradientMethod::BarnesHut),
        ("n_interpolation_points", NegativeGradientMethod::Fft),
        ("min_num_intervals", NegativeGradientMethod::Fft),
        ("ints_in_interval", NegativeGradientMethod::Fft),
    ];
    const OF_INPUT: [&str; 10] =
        ["scale", "label", "id", "drop", "columns", "missing", "sample", "delimiter", "header", "no_header"];
    let is_given = |name: &str| flags.iter().any(|flag| flag == name);
    let unused = |name: &str, of: &str, but: &str, remedy: &str| {
        let flag = format!("--{}", name.replace('_', "-"));
        let what = format!("{flag} belongs to {of}, but {but}");
        Err(Failure::new("E207", what, format!("leave {flag} out, or {remedy}")).at(flag))
    };
    if let Some((name, of)) = OF_METHODS.iter().find(|(name, of)| *of != method && is_given(name)) {
        let but = format!("the method is {method}");
        return unused(
            name,
            &format!("the method {of}"),
            &but,
            &format!("say --negative-gradient-method {of}"),
        );
    }
    if let Some(name) = OF_INPUT.iter().find(|name| !has_features && is_given(name)) {
        return unused(name, "the columns of INPUT", "there is no INPUT", "name one");
    }
    let (but, remedy, not_looked_at): (_, _, &[&str]) = match given {
        None => {
            ("none are given", "give --affinities, or distances by --metric precomputed", &["symmetrize"])
        }
        Some(Given::Distances { .. }) => {
            ("distances are given", "--metric precomputed", &["neighbors", "pca"])
        }
        // The neighbors of rows that come later are searched for.
        Some(Given::Graph(_)) if has_features && is_placing => {
            ("neighbors are given", "--graph", &["neighbors", "pca", "symmetrize"])
        }
        Some(Given::Graph(_)) => {
            ("neighbors are given", "--graph", &["neighbors", "pca", "symmetrize", "metric", "metric_params"])
        }
        Some(Given::Affinities { .. }) => (
            "affinities are given",
            "--affinities",
            &["perplexity", "neighbors", "pca", "metric", "metric_params"],
        ),
    };
    let Some(name) = not_looked_at.iter().find(|name| is_given(name)) else { return Ok(()) };
    let of = match *name {
        "symmetrize" => "distances or affinities",
        "perplexity" => "affinities that are calibrated",
        _ => "the search for neighbors",
    };
    unused(name, of, but, remedy)
}
