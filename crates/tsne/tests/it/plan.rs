//! Plans: what is resolved, what is refused, before anything is computed.

use tsne::{Chosen, Error, LearningRate, NegativeGradientMethod, Neighbors, Reason, Tsne};

#[test]
fn defaults_are_those_of_the_api() {
    let plan = Tsne::new().plan(70_000, 784).expect("defaults are legal");
    assert_eq!(
        (&plan.perplexities[..], plan.n_neighbors, plan.n_components),
        (&[30.0][..], Some(90), 2),
        "affinities"
    );
    assert_eq!(plan.learning_rates, [70_000.0 / 12.0; 2], "max(200, n / 12) in both phases");
    assert_eq!(
        Tsne::new().plan(1797, 64).expect("defaults are legal").learning_rates,
        [200.0; 2],
        "the floor"
    );
    let debug = format!("{:?}", Tsne::new());
    for expected in
        ["n_iter: 250", "exaggeration: 12.0", "momentum: 0.5", "n_iter: 500", "momentum: 0.8", "Some(5.0)"]
    {
        assert!(debug.contains(expected), "{expected} in {debug}");
    }
}

#[test]
fn a_perplexity_beyond_the_points_is_reduced() {
    // (points, perplexity used, neighbors) for the default of 30.
    for (n, perplexity, k) in [
        (2, 1.0, 1),
        (3, 1.0, 2),
        (4, 1.0, 3),
        (5, 4.0 / 3.0, 4),
        (10, 3.0, 9),
        (91, 30.0, 90),
        (92, 30.0, 90),
    ] {
        let plan = Tsne::new().plan(n, 5).expect("any two points have a map");
        assert_eq!((&plan.perplexities[..], plan.n_neighbors), (&[perplexity][..], Some(k)), "{n} points");
    }
    // 3 · ((n − 1) / 3) is not n − 1 in floating point for every n; the neighbors must be all others all the same.
    for n in 2..2000 {
        let plan = Tsne::new().perplexity(1e9).plan(n, 5).expect("reduced");
        assert_eq!(plan.n_neighbors, Some(n - 1), "{n} points");
    }
}

#[test]
fn every_choice_has_a_reason() {
    let plan = Tsne::new().neighbors(Neighbors::Exact).plan(1000, 10).expect("legal");
    assert_eq!(plan.neighbors.as_ref().map(|n| &n.reason), Some(&Reason::Requested), "chosen by the user");
    let Chosen { value, reason, .. } = plan.negative_gradient_method.clone();
    assert_ne!(value, NegativeGradientMethod::Auto, "a plan leaves nothing open");
    assert!(matches!(reason, Reason::Auto(_)), "chosen by auto");
    let text = plan.to_string();
    assert!(text.contains("exact (requested)") && text.contains("auto: "), "{text}");
}

#[test]
fn parameters_out_of_range_are_refused_with_code_and_remedy() {
    let check = |config: Tsne, code: &str, part: &str| {
        let error = config.plan(1000, 10).expect_err(part);
        assert_eq!(error.code(), Some(code), "{error}");
        assert!(error.to_string().contains(part), "{part:?} in {error}");
        assert!(!error.help().is_empty(), "{error} has a remedy");
    };
    for perplexity in [0.0, -3.0, 0.5, f64::NAN, f64::INFINITY] {
        check(Tsne::new().perplexity(perplexity), "E202", "perplexity must be a finite number of at least 1");
    }
    check(Tsne::new().n_jobs(0), "E206", "n_jobs must not be 0");
    for (config, name) in [
        (Tsne::new().learning_rate(LearningRate::Fixed(0.0)), "learning_rate"),
        (Tsne::new().early_exaggeration(f64::NAN), "exaggeration"),
        (Tsne::new().exaggeration(-1.0), "exaggeration"),
        (Tsne::new().initial_momentum(2.0), "momentum"),
        (Tsne::new().final_momentum(-0.1), "momentum"),
        (Tsne::new().dof(0.0), "dof"),
        (Tsne::new().max_grad_norm(Some(-1.0)), "max_grad_norm"),
        (Tsne::new().max_step_norm(Some(f64::NAN)), "max_step_norm"),
        (Tsne::new().callbacks_every_iters(0), "callbacks_every_iters"),
        (Tsne::new().theta(1.5), "theta"),
        (Tsne::new().n_interpolation_points(0), "n_interpolation_points"),
        (Tsne::new().min_num_intervals(0), "min_num_intervals"),
        (Tsne::new().ints_in_interval(-1.0), "ints_in_interval"),
    ] {
        check(config, "E205", name);
    }
    assert_eq!(Tsne::new().plan(0, 3).expect_err("no rows").code(), Some("E101"), "no rows");
    assert_eq!(Tsne::new().plan(3, 0).expect_err("no columns").code(), Some("E101"), "no columns");
    assert_eq!(Tsne::new().plan(1, 3).expect_err("one row").code(), Some("E102"), "one row");
}

#[test]
fn names_are_parsed_and_mistakes_met_with_the_nearest_name() {
    assert_eq!("EXACT".parse::<Neighbors>().expect("a name"), Neighbors::Exact, "case does not matter");
    let error = "exakt".parse::<NegativeGradientMethod>().expect_err("no name");
    assert_eq!(error.code(), Some("E201"), "{error}");
    assert_eq!(error.help(), "did you mean exact?", "{error}");
    let error = "zzz".parse::<tsne::Initialization<2>>().expect_err("no name");
    assert!(matches!(&error, Error::UnknownValue { .. }) && error.help().contains("pca"), "{error}");
}

#[test]
fn auto_takes_all_pairs_for_few_points_and_never_what_the_dimension_does_not_allow() {
    let method = |plan: Result<tsne::Plan, Error>| plan.expect("legal").negative_gradient_method.value;
    for n in [2, 150, 1797] {
        assert_eq!(method(Tsne::new().plan(n, 10)), NegativeGradientMethod::Exact, "{n} points");
    }
    let many = 1_000_000;
    assert_eq!(method(Tsne::new().plan(many, 10)), NegativeGradientMethod::Fft, "2-D");
    assert_eq!(method(Tsne::new().n_components::<1>().plan(many, 10)), NegativeGradientMethod::Fft, "1-D");
    assert_eq!(
        method(Tsne::new().n_components::<3>().plan(many, 10)),
        NegativeGradientMethod::BarnesHut,
        "3-D"
    );
}

#[test]
fn neighbors_are_chosen_by_size_metric_and_kind() {
    use tsne::Metric;
    let chosen = |config: Tsne, n: usize| config.plan(n, 50).expect("legal").neighbors.expect("a search");
    assert_eq!(chosen(Tsne::new(), 10_000).value, Neighbors::Exact, "small enough for all pairs");
    let large = chosen(Tsne::new(), 1_000_000);
    assert_eq!(large.value, Neighbors::NnDescent, "too large for all pairs");
    assert!(matches!(large.reason, Reason::Auto(_)), "with a reason");
    let approx = || Tsne::new().neighbors(Neighbors::Approx);
    assert_eq!(chosen(approx(), 1000).value, Neighbors::Annoy, "approx of a metric that annoy knows");
    assert_eq!(
        chosen(approx().metric(Metric::Canberra), 1000).value,
        Neighbors::NnDescent,
        "and of one it does not"
    );
    for name in ["exact", "annoy", "pynndescent", "nndescent", "hnsw", "instant-distance"] {
        let requested: Neighbors = name.parse().expect("a name");
        assert_eq!(chosen(Tsne::new().neighbors(requested), 1000).value, requested, "{name} as requested");
    }
}

#[test]
fn whatever_is_given_is_planned_as_it_is_fitted() {
    use std::sync::Arc;

    use tsne::neighbors::Exact;
    use tsne::{Data, Input, InputShape, Metric};
    let values: Vec<f64> = (0..40 * 3).map(|i| f64::from(i * i % 101)).collect();
    let data = Arc::new(Data::from_row_major(values, 3).expect("a matrix"));
    let config = Tsne::new().perplexity(5.0).pca(2).early_exaggeration_iter(0).n_iter(0);
    let index = Exact::with_metric(data.points(), &Metric::Manhattan).expect("finite");
    let affinities = config.prepare_initial(&data).expect("a map").joint_affinities().clone();
    for (input, shape, what) in [
        (Input::from(Arc::clone(&data)), InputShape::points(40, 3), "points"),
        (Input::from_index(&index), InputShape::index(40), "an index"),
        (Input::from_index(&index).with_data(&data), InputShape::index(40).with_points(3), "both"),
        (Input::from_affinities(affinities.clone()), InputShape::affinities(40), "affinities"),
        (
            Input::from_affinities(affinities).with_data(&data),
            InputShape::affinities(40).with_points(3),
            "affinities and points",
        ),
    ] {
        let map = config.prepare_initial(input).expect("a map");
        assert_eq!(config.plan_for(shape).expect("legal"), map.report().plan, "{what}");
    }
    let many = Tsne::new().plan_for(InputShape::points(1_000_000, 50).sparse(true)).expect("legal");
    assert_eq!(
        many.neighbors.expect("a search").value,
        Neighbors::Exact,
        "sparse points are never approximated"
    );
}
