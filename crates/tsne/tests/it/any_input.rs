//! The rule above all: any finite input and any parameters that are in their ranges give a finite map or a typed error.

use proptest::prelude::*;
use tsne::neighbors::{Metric, MetricParameters};
use tsne::{Data, Initialization, LearningRate, NegativeGradientMethod, Neighbors, Scalar, Tsne};

/// What is drawn besides the data.
#[derive(Clone, Debug)]
struct Choices {
    metric: Metric,
    neighbors: Neighbors,
    method: NegativeGradientMethod,
    start: u8,
    perplexities: Vec<f64>,
    pca: Option<usize>,
    learning_rate: LearningRate,
    /// Early and main.
    exaggeration: (f64, f64),
    n_iter: (usize, usize),
    momentum: (f64, f64),
    bounds: (Option<f64>, Option<f64>),
    theta: f64,
    dof: f64,
    /// Interpolation points, least number of intervals, their side: meshes in space that take no minutes.
    mesh: (usize, usize, f64),
    random_state: u64,
    is_strict: bool,
}

fn metrics() -> Vec<Metric> {
    let known = |name: &str| Metric::from_name(name, &MetricParameters::default()).ok();
    Metric::names().filter_map(known).collect()
}

/// A number above 0 of any size that is allowed.
fn positive() -> impl Strategy<Value = f64> {
    prop_oneof![Just(1.0), 1e-3..10.0, (-300.0..300.0_f64).prop_map(|e| 10.0_f64.powf(e))]
}

fn bound() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![Just(None), Just(Some(5.0)), positive().prop_map(Some)]
}

fn choices() -> impl Strategy<Value = Choices> {
    let search = (
        prop::sample::select(metrics()),
        prop_oneof![
            3 => Just(Neighbors::Auto),
            1 => Just(Neighbors::Exact),
            1 => Just(Neighbors::Annoy),
            1 => Just(Neighbors::NnDescent),
            1 => Just(Neighbors::Approx),
        ],
        prop::collection::vec(prop_oneof![1.0..5.0, 1.0..1e3, Just(f64::MAX)], 1..3),
        prop::option::weighted(0.3, 1..5_usize),
    );
    let descent = (
        prop_oneof![
            Just(NegativeGradientMethod::Auto),
            Just(NegativeGradientMethod::Exact),
            Just(NegativeGradientMethod::BarnesHut),
            Just(NegativeGradientMethod::Fft),
        ],
        0..4_u8,
        prop_oneof![
            Just(LearningRate::Auto),
            Just(LearningRate::PerExaggeration),
            positive().prop_map(LearningRate::Fixed),
        ],
        (positive(), positive()),
        (0..15_usize, 0..15_usize),
        (0.0..=1.0, 0.0..=1.0),
        (bound(), bound()),
    );
    let method = (0.0..=1.0, prop_oneof![Just(1.0), 1e-3..20.0], (1..6_usize, 1..16_usize, 0.5..4.0));
    (search, descent, method, any::<u64>(), prop::bool::weighted(0.1)).prop_map(
        |((metric, neighbors, perplexities, pca), descent, (theta, dof, mesh), random_state, is_strict)| {
            let (method, start, learning_rate, exaggeration, n_iter, momentum, bounds) = descent;
            Choices {
                metric,
                neighbors,
                method,
                start,
                perplexities,
                pca,
                learning_rate,
                exaggeration,
                n_iter,
                momentum,
                bounds,
                theta,
                dof,
                mesh,
                random_state,
                is_strict,
            }
        },
    )
}

/// Rows of up to four features: everyday numbers, few distinct ones, or any that are finite.
fn rows() -> impl Strategy<Value = (Vec<f64>, usize)> {
    let cell = prop_oneof![
        Just(prop_oneof![-10.0..10.0_f64].boxed()),
        Just((0..3_u8).prop_map(f64::from).boxed()),
        Just((prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO).boxed()),
        Just((-1.0..1.0_f64).prop_map(|x| x * 1e-300).boxed()),
        Just((-1.0..1.0_f64).prop_map(|x| 1e9 + x).boxed()),
    ];
    (0..20_usize, 1..5_usize, cell).prop_flat_map(|(n_rows, n_features, cell)| {
        (prop::collection::vec(cell, n_rows * n_features), Just(n_features))
    })
}

fn check<T: Scalar, const D: usize>(data: Data<T>, choices: &Choices) -> Result<(), TestCaseError> {
    let n_points = data.points().n_points();
    let start = match choices.start {
        0 => Initialization::Pca,
        1 => Initialization::Spectral,
        2 => Initialization::Random,
        // All at one place, at any distance from the origin.
        _ => Initialization::Positions(vec![[choices.theta * 1e6; D]; n_points]),
    };
    let config = Tsne::new()
        .n_components::<D>()
        .metric(choices.metric.clone())
        .neighbors(choices.neighbors)
        .negative_gradient_method(choices.method)
        .initialization(start)
        .perplexities(&choices.perplexities)
        .pca(choices.pca)
        .learning_rate(choices.learning_rate)
        .early_exaggeration(choices.exaggeration.0)
        .exaggeration(choices.exaggeration.1)
        .early_exaggeration_iter(choices.n_iter.0)
        .n_iter(choices.n_iter.1)
        .initial_momentum(choices.momentum.0)
        .final_momentum(choices.momentum.1)
        .max_grad_norm(choices.bounds.0)
        .max_step_norm(choices.bounds.1)
        .theta(choices.theta)
        .dof(choices.dof)
        .n_interpolation_points(choices.mesh.0)
        .min_num_intervals(choices.mesh.1)
        .ints_in_interval(choices.mesh.2)
        .random_state(choices.random_state)
        .strict(choices.is_strict);
    match config.fit(data.points()) {
        Ok(map) => {
            prop_assert_eq!(map.positions().len(), n_points);
            prop_assert!(
                map.positions().as_flattened().iter().all(|y| y.is_finite()),
                "{:?}",
                map.positions()
            );
            let kl_divergence = map.report().kl_divergence;
            // A mesh wider than the kernel, asked for by these parameters, misses Z by any factor.
            let is_coarse = choices.mesh.0 < 2 || choices.mesh.2 > 1.0;
            let least = if is_coarse { f64::MIN } else { -1e-4 };
            prop_assert!(kl_divergence.is_finite() && kl_divergence > least, "divergence {}", kl_divergence);
        }
        Err(error) => {
            prop_assert!(error.code().is_some_and(|code| code.starts_with('E')), "{:?}", error);
            prop_assert!(!error.to_string().is_empty() && !error.help().is_empty(), "{:?}", error);
        }
    }
    Ok(())
}

fn in_dimension<T: Scalar>(
    data: Data<T>,
    n_components: usize,
    choices: &Choices,
) -> Result<(), TestCaseError> {
    match n_components {
        1 => check::<T, 1>(data, choices),
        2 => check::<T, 2>(data, choices),
        _ => check::<T, 3>(data, choices),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "other types are what is wanted")]
    fn any_input_gives_a_finite_map_or_a_typed_error(
        (values, n_features) in rows(),
        n_components in 1..4_usize,
        element in 0..3_u8,
        choices in choices(),
    ) {
        // Numbers that f32 does not have become infinite, which is refused by row and column.
        match element {
            0 => in_dimension::<f64>(Data::from_row_major(values, n_features).expect("whole rows"), n_components, &choices)?,
            1 => {
                let narrow = values.iter().map(|&x| x as f32).collect();
                in_dimension::<f32>(Data::from_row_major(narrow, n_features).expect("whole rows"), n_components, &choices)?;
            }
            _ => {
                let bytes = values.iter().map(|&x| x as u8).collect();
                in_dimension::<f32>(Data::from_bytes(bytes, n_features).expect("whole rows"), n_components, &choices)?;
            }
        }
    }
}
