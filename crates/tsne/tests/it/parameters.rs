//! A walk over every parameter of the API page: each changes something that can be observed.

use tsne::{
    Initialization, LearningRate, Metric, NegativeGradientMethod, Neighbors, NewPositions, Phase, Seed,
    Transform, Tsne, TsneEmbedding,
};
use tsne_testkit::data;

fn blobs() -> data::DataSet {
    data::blobs(Seed(21), 150, 5, 4)
}

/// A fit so short that the walk is quick, and long enough for everything to matter.
fn base() -> Tsne {
    Tsne::new()
        .perplexity(10.0)
        .early_exaggeration_iter(12)
        .n_iter(12)
        .negative_gradient_method(NegativeGradientMethod::Exact)
}

fn fit(config: &Tsne) -> TsneEmbedding<f64, 2> {
    config.fit(blobs().points()).expect("a legal configuration")
}

#[test]
fn every_parameter_of_a_fit_changes_the_map() {
    let plain = fit(&base());
    let tree = || base().negative_gradient_method(NegativeGradientMethod::BarnesHut);
    let mesh = || base().negative_gradient_method(NegativeGradientMethod::Fft);
    // (name, a configuration, the same with the parameter changed)
    let walk: [(&str, Tsne, Tsne); 25] = [
        ("pca", base(), base().pca(2)),
        ("perplexity", base(), base().perplexity(20.0)),
        ("perplexity as a list", base(), base().perplexities(&[5.0, 20.0])),
        ("n_neighbors", base(), base().n_neighbors(15)),
        ("learning_rate", base(), base().learning_rate(LearningRate::Fixed(50.0))),
        ("learning_rate per exaggeration", base(), base().learning_rate(LearningRate::PerExaggeration)),
        ("early_exaggeration_iter", base(), base().early_exaggeration_iter(20)),
        ("early_exaggeration", base(), base().early_exaggeration(4.0)),
        ("n_iter", base(), base().n_iter(20)),
        ("exaggeration", base(), base().exaggeration(2.0)),
        ("dof", base(), base().dof(0.5)),
        ("theta", tree(), tree().theta(0.9)),
        ("n_interpolation_points", mesh(), mesh().n_interpolation_points(5)),
        ("min_num_intervals", mesh(), mesh().min_num_intervals(20)),
        ("ints_in_interval", mesh().min_num_intervals(1), mesh().min_num_intervals(1).ints_in_interval(0.3)),
        ("initialization spectral", base(), base().initialization(Initialization::Spectral)),
        ("initialization random", base(), base().initialization(Initialization::Random)),
        ("metric", base(), base().metric(Metric::Manhattan)),
        (
            "metric_params",
            base().metric(Metric::Minkowski { p: 3.0 }),
            base().metric(Metric::Minkowski { p: 1.5 }),
        ),
        ("initial_momentum", base(), base().initial_momentum(0.9)),
        ("final_momentum", base(), base().final_momentum(0.3)),
        ("max_grad_norm", base(), base().max_grad_norm(Some(1e-6))),
        ("max_step_norm", base(), base().max_step_norm(Some(1e-3))),
        ("negative_gradient_method", base(), mesh()),
        ("random_state", base(), base().random_state(7)),
    ];
    for (name, without, with) in walk {
        assert_ne!(fit(&with).positions(), fit(&without).positions(), "{name} changes the map");
    }
    let min_gain = fit(&base().min_gain(0.5).n_iter(100));
    assert_ne!(min_gain.positions(), fit(&base().n_iter(100)).positions(), "min_gain changes the map");
    let given = Initialization::Positions(plain.positions().to_vec());
    let config = base().initialization(given).early_exaggeration_iter(0).n_iter(0);
    assert_eq!(fit(&config).positions(), plain.positions(), "initialization by positions");
    let space = base().n_components::<3>().fit(blobs().points()).expect("three components");
    assert_eq!(space.positions()[0].len(), 3, "n_components");
}

#[test]
fn parameters_that_change_no_position_change_what_is_reported() {
    let plan = |config: Tsne| config.plan(1000, 10).expect("legal");
    assert_eq!(plan(base().n_jobs(1)).n_threads, 1, "n_jobs");
    let chosen = plan(base().neighbors(Neighbors::Exact)).neighbors.expect("a search");
    assert_ne!(Some(chosen), plan(base()).neighbors, "neighbors");
    // callbacks, callbacks_every_iters, propagate_exception: callbacks.rs. strict: errors.rs. max_mesh_bytes: embedding.rs.
}

#[test]
fn every_parameter_of_a_run_changes_it() {
    let map = fit(&base());
    let run = map.optimization().n_iter(15);
    let tree = || run.clone().negative_gradient_method(NegativeGradientMethod::BarnesHut);
    let mesh = || run.clone().negative_gradient_method(NegativeGradientMethod::Fft);
    let walk = [
        ("n_iter", run.clone(), run.clone().n_iter(5)),
        ("learning_rate", run.clone(), run.clone().learning_rate(LearningRate::Fixed(10.0))),
        ("exaggeration", run.clone(), run.clone().exaggeration(4.0)),
        ("dof", run.clone(), run.clone().dof(0.8)),
        ("momentum", run.clone(), run.clone().momentum(0.2)),
        ("max_grad_norm", run.clone(), run.clone().max_grad_norm(Some(1e-6))),
        ("max_step_norm", run.clone(), run.clone().max_step_norm(Some(1e-3))),
        ("phase", run.clone(), run.clone().phase(Phase::early_exaggeration())),
        ("negative_gradient_method", run.clone(), tree()),
        ("theta", tree(), tree().theta(0.9)),
        ("n_interpolation_points", mesh(), mesh().n_interpolation_points(5)),
        ("min_num_intervals", mesh(), mesh().min_num_intervals(20)),
        ("ints_in_interval", mesh().min_num_intervals(1), mesh().min_num_intervals(1).ints_in_interval(0.3)),
    ];
    for (name, without, with) in walk {
        let (without, with) = (map.optimized(&without).expect("a run"), map.optimized(&with).expect("a run"));
        assert_ne!(with.positions(), without.positions(), "{name} changes the run");
    }
    assert_eq!(map.optimization().n_iter(15), run, "what a run is told is not kept");
}

#[test]
fn every_parameter_of_a_transform_changes_it() {
    let set = blobs();
    let data = std::sync::Arc::new(tsne::Data::copy_of(set.points()));
    let map = base().fit(&data).expect("a plain fit");
    let more = data::blobs(Seed(22), 12, 5, 4);
    let plain = Transform::new().n_iter(20);
    let first = || plain.clone().early_exaggeration_iter(10);
    let walk: [(&str, Transform, Transform); 13] = [
        ("perplexity", plain.clone(), plain.clone().perplexity(10.0)),
        ("n_neighbors", plain.clone(), plain.clone().n_neighbors(40)),
        ("initialization", plain.clone(), plain.clone().initialization(NewPositions::Weighted)),
        ("k", plain.clone(), plain.clone().k(3)),
        ("learning_rate", plain.clone(), plain.clone().learning_rate(LearningRate::Fixed(0.5))),
        ("early_exaggeration_iter", plain.clone(), first()),
        ("early_exaggeration", first(), first().early_exaggeration(8.0)),
        ("n_iter", plain.clone(), plain.clone().n_iter(5)),
        ("exaggeration", plain.clone(), plain.clone().exaggeration(3.0)),
        ("initial_momentum", first(), first().initial_momentum(0.2)),
        ("final_momentum", plain.clone(), plain.clone().final_momentum(0.2)),
        ("max_grad_norm", plain.clone(), plain.clone().max_grad_norm(Some(1e-4))),
        ("max_step_norm", plain.clone(), plain.clone().max_step_norm(Some(1e-4))),
    ];
    for (name, without, with) in walk {
        let place = |how| map.transform_with(more.points(), how).expect("new points").into_positions();
        assert_ne!(place(&with), place(&without), "{name} changes where points go");
    }
}
