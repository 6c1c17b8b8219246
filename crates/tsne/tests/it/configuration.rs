//! Configurations as plain data, feature `serde`.

use tsne::{Initialization, LearningRate, Metric, NegativeGradientMethod, Neighbors, Phase, Tsne};

fn round_trip<const D: usize>(config: &Tsne<D>) {
    let text = serde_json::to_string(config).expect("plain data");
    let again: Tsne<D> = serde_json::from_str(&text).expect("what was written");
    assert_eq!(&again, config, "{text}");
}

#[test]
fn configurations_come_back() {
    round_trip(&Tsne::new());
    round_trip(&Tsne::opentsne_v1());
    round_trip(
        &Tsne::new()
            .perplexities(&[5.0, 50.0])
            .pca(20)
            .neighbors(Neighbors::NnDescent)
            .metric(Metric::WeightedMinkowski { p: 1.5, weights: vec![1.0, 0.1] })
            .initialization(Initialization::Spectral)
            .learning_rate(LearningRate::Fixed(0.1))
            .early_exaggeration(7.3)
            .early_exaggeration_iter(11)
            .exaggeration(1.1)
            .n_iter(13)
            .initial_momentum(0.3)
            .final_momentum(0.9)
            .max_grad_norm(Some(0.7))
            .max_step_norm(None)
            .min_gain(0.02)
            .negative_gradient_method(NegativeGradientMethod::Fft)
            .theta(0.4)
            .n_interpolation_points(4)
            .min_num_intervals(60)
            .ints_in_interval(0.9)
            .max_mesh_bytes(1 << 20)
            .dof(0.8)
            .callbacks_every_iters(9)
            .propagate_exception(true)
            .n_jobs(-2)
            .strict(true)
            .random_state(u64::MAX),
    );
    let start = vec![[0.1, -0.0, 1e-300]; 2];
    let phases = [Phase::early_exaggeration(), Phase { n_iter: 3, ..Phase::standard() }];
    round_trip(
        &Tsne::new()
            .n_components::<3>()
            .n_neighbors(15)
            .initialization(Initialization::Positions(start))
            .schedule(phases),
    );
}

#[test]
fn what_is_left_out_has_its_default() {
    let read = |text: &str| serde_json::from_str::<Tsne>(text).expect("legal");
    assert_eq!(read("{}"), Tsne::new());
    assert_eq!(read(r#"{"n_neighbors": 15, "dof": 0.5}"#), Tsne::new().n_neighbors(15).dof(0.5));
}

#[test]
fn mistakes_are_errors() {
    for (text, says) in [
        (r#"{"perplexity": 30}"#, "unknown field `perplexity`"),
        (r#"{"main": {"n_iter": 5, "eta": 1}}"#, "unknown field `eta`"),
        (r#"{"theta": 7}"#, "theta"),
        (r#"{"perplexities": [0.5]}"#, "perplexity"),
        (r#"{"perplexities": [30], "n_neighbors": 15}"#, "both perplexities and n_neighbors"),
        (r#"{"neighbors": "psychic"}"#, "psychic"),
        (r#"{"metric": {"name": "nearness"}}"#, "nearness"),
        (r#"{"initialization": [[1, 2, 3]]}"#, "3 coordinates"),
    ] {
        let error = serde_json::from_str::<Tsne>(text).expect_err(text).to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
    let watched = Tsne::new().callback(|_: &tsne::Iteration<'_, 2>| std::ops::ControlFlow::Continue(()));
    assert!(serde_json::to_string(&watched).is_err(), "callbacks are no plain data");
}
