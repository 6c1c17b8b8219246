//! Maps as objects: phases by hand, what is kept between runs, what a fit may begin with.

use std::sync::Arc;

use tsne::affinity::{
    FixedSigma, Multiscale, MultiscaleMixture, Options, PerplexityBased, Symmetrization, Uniform,
};
use tsne::core::{Control, NeighborIndex};
use tsne::{
    Data, Error, Initialization, Input, JointAffinities, LearningRate, NegativeGradientMethod, Optimization,
    Phase, Points, Seed, StopReason, Tsne, TsneEmbedding, init,
};
use tsne_testkit::{close, data, oracle};

const N: usize = 400;

/// A quick fit: the phases are short.
fn quick() -> Tsne {
    Tsne::new().perplexity(15.0).early_exaggeration_iter(30).n_iter(40)
}

fn blobs() -> data::DataSet {
    data::blobs(Seed(3), N, 8, 5)
}

#[test]
fn a_fit_is_its_phases_bit_for_bit() {
    let set = blobs();
    for method in ["exact", "bh", "fft"] {
        let config = quick().negative_gradient_method(method.parse().expect("a name"));
        let whole = config.fit(set.points()).expect("a plain fit");
        let mut map = config.prepare_initial(set.points()).expect("a plain fit");
        assert_eq!(map.report().n_iter, 0, "not run yet");
        let run = map.optimization();
        map.optimize(&run.clone().n_iter(30).exaggeration(12.0).momentum(0.5)).expect("early exaggeration");
        map.optimize(&run.clone().n_iter(40)).expect("main phase");
        assert_eq!(map.state(), whole.state(), "{method}");
        assert_eq!(map.kl_divergence().to_bits(), whole.kl_divergence().to_bits(), "{method}");

        let mut steps = config.prepare_initial(set.points()).expect("a plain fit");
        steps.optimize(&run.clone().n_iter(30).exaggeration(12.0).momentum(0.5)).expect("early exaggeration");
        for _ in 0..40 {
            assert_eq!(
                steps.optimize(&run.clone().n_iter(1)).expect("a step"),
                StopReason::Completed,
                "{method}"
            );
        }
        assert_eq!(steps.state(), whole.state(), "{method}: one by one");
        assert_eq!(steps.report().n_iter, 70, "{method}: all are counted");
    }
}

#[test]
fn a_map_says_whether_it_still_moves() {
    let set = blobs();
    let mut map = quick().early_exaggeration_iter(80).n_iter(20).fit(set.points()).expect("a plain fit");
    let codes = |map: &TsneEmbedding<f64, 2>| -> Vec<&str> {
        map.report().warnings.iter().map(tsne::Warning::code).collect()
    };
    assert_eq!(codes(&map), ["W09"], "twenty iterations after the exaggeration");
    map.optimize(&map.optimization().n_iter(2000)).expect("more of them");
    assert_eq!(codes(&map), [""; 0], "come to rest, and what was said before is out of date");
}

#[test]
fn a_schedule_is_its_phases_too() {
    let set = blobs();
    let two =
        [Phase { n_iter: 30, ..Phase::early_exaggeration() }, Phase { n_iter: 40, ..Phase::standard() }];
    let scheduled = quick().schedule(two).fit(set.points()).expect("a plain fit");
    let plain = quick().fit(set.points()).expect("a plain fit");
    assert_eq!(scheduled.state(), plain.state(), "the standard phases as a schedule");
    let falling =
        [8.0, 4.0, 2.0, 1.0].map(|exaggeration| Phase { n_iter: 20, exaggeration, ..Phase::standard() });
    let map = quick().schedule(falling).fit(set.points()).expect("four phases");
    assert_eq!((map.report().n_iter, map.report().plan.learning_rates.len()), (80, 4), "all phases are run");
}

#[test]
fn runs_in_place_change_the_map_and_copies_do_not() {
    let set = blobs();
    let map = quick().fit(set.points()).expect("a plain fit");
    let before = map.clone();
    let copy = map.optimized(&map.optimization().n_iter(20)).expect("a run");
    assert_eq!(map.state(), before.state(), "the map a copy was made of");
    assert_ne!(copy.positions(), map.positions(), "the copy has moved");
    let mut in_place = map.clone();
    in_place.optimize(&map.optimization().n_iter(20)).expect("a run");
    assert_eq!(in_place.state(), copy.state(), "in place or as a copy");

    // The state can be taken out and put back.
    let kept = map.state().clone();
    in_place.set_state(kept).expect("of the same points");
    assert_eq!(in_place.kl_divergence().to_bits(), map.kl_divergence().to_bits(), "the divergence follows");
    in_place.optimize(&map.optimization().n_iter(20)).expect("a run");
    assert_eq!(in_place.state(), copy.state(), "gone on from the state put back");
    let error =
        in_place.set_state(tsne::State::at_rest(vec![[0.0; 2]; 3])).expect_err("another number of points");
    assert_eq!(error.code(), Some("E208"), "{error}");
}

#[test]
fn the_divergence_is_that_of_the_positions_from_the_start() {
    let set = blobs();
    let mut map = quick().prepare_initial(set.points()).expect("a plain fit");
    for n_iter in [0, 1, 25] {
        map.optimize(&map.optimization().n_iter(n_iter).exaggeration(12.0)).expect("a run");
        let want = oracle::kl_divergence(tsne::StudentT::CAUCHY, map.affinities(), map.positions());
        close::assert_close_value(map.kl_divergence(), want, 1e-9, 0.0, "KL without exaggeration");
    }
}

#[test]
fn a_map_can_be_made_of_positions_and_affinities() {
    let set = blobs();
    let fitted = quick().fit(set.points()).expect("a plain fit");
    let start = quick().prepare_initial(set.points()).expect("a plain fit");
    let run = Optimization::new();
    let mut map = TsneEmbedding::new(start.positions().to_vec(), fitted.affinities().clone(), run.clone())
        .expect("parts fit");
    map.optimize(&run.clone().phase(Phase { n_iter: 30, ..Phase::early_exaggeration() })).expect("a run");
    map.optimize(&run.clone().n_iter(40)).expect("a run");
    assert_eq!(map.state(), fitted.state(), "the same descent");
    let short = TsneEmbedding::new(vec![[0.0; 2]; 3], fitted.affinities().clone(), run.clone());
    assert!(matches!(short, Err(Error::InitialPositions { expected: N, got: 3 })), "{short:?}");
    let mut bad = start.positions().to_vec();
    bad[7][1] = f64::NAN;
    let nan = TsneEmbedding::new(bad, fitted.affinities().clone(), run).expect_err("NaN");
    assert_eq!(nan.code(), Some("E209"), "{nan}");
}

#[test]
fn a_fit_begins_with_points_an_index_or_affinities() {
    let set = blobs();
    let plain = quick().fit(set.points()).expect("points");
    let graph = tsne::neighbors::Exact::new(set.points())
        .expect("finite")
        .knn_graph(45, &Control::NONE)
        .expect("45 of 400");

    let of_graph = quick().fit(Input::from_index(&graph).with_points(set.points())).expect("a graph");
    assert_eq!(of_graph.state(), plain.state(), "a graph and points, for principal components");
    let p =
        PerplexityBased::from_graph(graph.clone(), 15.0, &Options::default(), &Control::NONE).expect("legal");
    let of_p = quick().fit(Input::from_affinities(p).with_points(set.points())).expect("affinities");
    assert_eq!(of_p.state(), plain.state(), "affinities and points");
    let data = Arc::new(Data::copy_of(set.points()));
    let of_data = quick().fit(&data).expect("data");
    assert_eq!(of_data.state(), plain.state(), "shared data");

    // Without points there are no principal components.
    let config = quick().early_exaggeration_iter(0).n_iter(0);
    let map = config.fit(Input::from_index(&graph)).expect("a graph alone");
    let want = init::spectral(map.affinities(), Seed(42), &Control::NONE).expect("square");
    assert_eq!(map.positions(), want.positions, "spectral in the place of principal components");
    assert!(map.report().warnings.iter().any(|w| w.code() == "W13"), "{:?}", map.report().warnings);
    let strict = config.clone().strict(true).fit(Input::from_index(&graph)).expect_err("strict");
    assert_eq!(strict.code(), Some("E207"), "{strict}");
    let random = config.clone().initialization(Initialization::Random).fit(Input::from_index(&graph));
    let random = random.expect("a graph and a random start");
    assert_eq!(random.positions(), init::random::<f64, 2>(N, Seed(42)), "a random start needs no points");
    assert!(random.report().warnings.iter().all(|w| w.code() != "W13"), "{:?}", random.report().warnings);
    let given = vec![[0.001, -0.001]; N];
    let map = config.initialization(Initialization::Positions(given.clone())).fit(Input::from_index(&graph));
    assert_eq!(map.expect("a graph and positions").positions(), given, "positions as they are given");
}

#[test]
fn contradictory_input_is_refused() {
    let (set, other) = (blobs(), data::blobs(Seed(3), 100, 8, 5));
    let index = tsne::neighbors::Exact::new(other.points()).expect("finite");
    let error =
        quick().fit(Input::from_index(&index).with_points(set.points())).expect_err("100 and 400 points");
    assert_eq!(error.code(), Some("E106"), "{error}");
    assert!(error.to_string().contains("400") && error.to_string().contains("100"), "{error}");
    let mut map = quick().n_iter(0).fit(set.points()).expect("a plain fit");
    let error = map.keep_data(Arc::new(Data::copy_of(other.points()))).expect_err("other data");
    assert_eq!(error.code(), Some("E106"), "{error}");
}

#[test]
fn every_family_of_affinities_has_a_map() {
    let set = blobs();
    let index = tsne::neighbors::Exact::new(set.points()).expect("finite");
    let (options, control) = (Options::default(), Control::NONE);
    let families: [(&str, JointAffinities<f64>); 5] = [
        ("perplexity", PerplexityBased::from_index(&index, 15.0, &options, &control).expect("legal").into()),
        (
            "mixture",
            MultiscaleMixture::from_index(&index, &[5.0, 30.0], &options, &control).expect("legal").into(),
        ),
        (
            "multiscale",
            Multiscale::from_index(&index, &[5.0, 30.0], &options, &control).expect("legal").into(),
        ),
        ("sigma", FixedSigma::from_index(&index, 2.0, &options, &control).expect("legal").into()),
        (
            "uniform",
            Uniform::from_index(&index, Some(15), Symmetrization::Max, &control).expect("legal").into(),
        ),
    ];
    for (name, affinities) in families {
        let p = affinities.matrix().clone();
        let map = quick().fit(Input::from_affinities(affinities)).expect("a fit");
        assert_eq!(map.affinities(), &p, "{name}: P is the one given");
        assert!(map.positions().as_flattened().iter().all(|v| v.is_finite()), "{name}");
    }
    // The builder makes the mixture and the uniform family itself.
    let mixed = quick().perplexities(&[5.0, 30.0]).fit(set.points()).expect("two perplexities");
    let want = MultiscaleMixture::from_index(&index, &[5.0, 30.0], &options, &control).expect("legal");
    assert_eq!(mixed.affinities(), want.matrix(), "perplexities on the builder");
    let uniform = quick().n_neighbors(15).fit(set.points()).expect("15 neighbors");
    let want = Uniform::from_index(&index, Some(15), Symmetrization::Max, &control).expect("legal");
    assert_eq!(uniform.affinities(), want.matrix(), "neighbors on the builder");
}

#[test]
fn a_repulsion_of_ones_own_takes_the_place_of_the_methods() {
    let set = blobs();
    let mut own = tsne::bh::Exact::new(tsne::StudentT::CAUCHY);
    let map = quick().fit_with(set.points(), &mut own).expect("a fit");
    let exact =
        quick().negative_gradient_method(NegativeGradientMethod::Exact).fit(set.points()).expect("a fit");
    assert_eq!(map.state(), exact.state(), "the exact repulsion by another way");
    let mut further = map;
    further.optimize_with(&mut own, &further.optimization().n_iter(5)).expect("a run");
    assert_eq!(further.report().n_iter, 75, "iterations are counted");
}

#[test]
fn a_map_too_wide_for_its_mesh_is_computed_by_the_tree() {
    let set = blobs();
    let config = quick().negative_gradient_method(NegativeGradientMethod::Fft).max_mesh_bytes(1000);
    let map = config.fit(set.points()).expect("the tree stands in");
    assert!(map.report().warnings.iter().any(|w| w.code() == "W08"), "{:?}", map.report().warnings);
    let tree =
        quick().negative_gradient_method(NegativeGradientMethod::BarnesHut).fit(set.points()).expect("a fit");
    assert_eq!(map.state(), tree.state(), "the same as asking for the tree");
    let error = config.strict(true).fit(set.points()).expect_err("strict");
    assert_eq!(error.code(), Some("E301"), "{error}");
    assert!(error.help().contains("bh"), "{}", error.help());
}

#[test]
fn wild_parameters_end_in_a_finite_map_or_a_typed_error() {
    let finite = |what: &str, result: Result<TsneEmbedding<f64, 2>, Error>| match result {
        Ok(map) => {
            assert!(map.positions().as_flattened().iter().all(|v| v.is_finite()), "{what}");
            assert!(map.kl_divergence().is_finite(), "{what}: {}", map.kl_divergence());
        }
        Err(error) => {
            assert_eq!(error.code(), Some("E401"), "{what}: {error}");
            let map = error.into_last_map().and_then(tsne::LastMap::into_embedding::<f64, 2>);
            let map = map.expect("the error carries the map");
            assert!(map.positions().as_flattened().iter().all(|v| v.is_finite()), "{what}");
        }
    };
    let set = data::blobs(Seed(5), 50, 4, 3);
    for rate in [1e4, 1e10, 1e300] {
        let wild = Tsne::new().max_step_norm(None).learning_rate(LearningRate::Fixed(rate));
        finite(&format!("learning rate {rate:e}"), wild.n_iter(100).fit(set.points()));
    }
    finite("exaggeration 100", Tsne::new().early_exaggeration(100.0).fit(set.points()));
    let equal = Tsne::new().initialization(Initialization::Positions(vec![[0.5; 2]; 50])).fit(set.points());
    finite("equal initial positions", equal);
    for n in 2..=10 {
        let few = data::blobs(Seed(6), n, 3, 2);
        for method in ["exact", "bh", "fft"] {
            let config = Tsne::new().negative_gradient_method(method.parse().expect("a name"));
            finite(&format!("{n} points, {method}"), config.fit(few.points()));
        }
    }
}

#[test]
fn a_diverged_fit_recovers_with_a_warning_or_carries_its_last_map() {
    let set = data::blobs(Seed(5), 50, 4, 3);
    let start = vec![[0.0, 0.0]; 50].iter().enumerate().map(|(i, _)| [i as f64 * 1e-4, 0.0]).collect();
    let config = Tsne::new()
        .perplexity(5.0)
        .max_step_norm(None)
        .initialization(Initialization::Positions(start))
        .early_exaggeration_iter(0);
    let error = config
        .clone()
        .learning_rate(LearningRate::Fixed(1e300))
        .fit(set.points())
        .expect_err("no map survives this rate");
    assert_eq!(error.code(), Some("E401"), "{error}");
    assert!(error.help().contains("learning rate"), "{}", error.help());
    let map = error.into_last_map().and_then(tsne::LastMap::into_embedding::<f64, 2>).expect("the last map");
    assert_eq!(map.report().warnings.iter().filter(|w| w.code() == "W07").count(), 5, "five recoveries");

    // Some rate in between is recovered from.
    let recovered = (10..40).find_map(|exponent| {
        let rate = LearningRate::Fixed(f64::from(exponent).exp2());
        let map = config.clone().learning_rate(rate).fit(set.points()).ok()?;
        map.report().warnings.iter().any(|w| w.code() == "W07").then_some(map)
    });
    let map = recovered.expect("a rate that is halved to a good one");
    assert!(map.positions().as_flattened().iter().all(|v| v.is_finite()), "a finite map");
}

#[test]
fn presets_say_what_they_set() {
    let v1 = Tsne::opentsne_v1();
    assert_eq!(
        v1,
        Tsne::new().learning_rate(LearningRate::PerExaggeration).initial_momentum(0.8),
        "the preset"
    );
    let plan = v1.plan(12_000, 50).expect("legal");
    assert_eq!(plan.learning_rates, [1000.0, 12_000.0], "n / exaggeration in each phase");
}

#[test]
fn points_of_any_kind_give_one_map() {
    let columns = 6;
    let bytes: Vec<u8> = (0..720_u32).map(|i| (i * i * 31).to_le_bytes()[0]).collect();
    let floats: Vec<f64> = bytes.iter().map(|&b| f64::from(b)).collect();
    let config = quick().perplexity(8.0);
    let of_floats = config.fit(Points::from_row_major(&floats, columns).expect("rows")).expect("floats");
    let of_bytes = config.fit(Points::<f64>::from_bytes(&bytes, columns).expect("rows")).expect("bytes");
    assert_eq!(of_bytes.affinities(), of_floats.affinities(), "bytes are their values");
    assert_eq!(of_bytes.state(), of_floats.state(), "bytes are their values");
    let arrays: Vec<[f64; 6]> = floats.as_chunks().0.to_vec();
    assert_eq!(config.fit(&arrays).expect("arrays").state(), of_floats.state(), "rows of arrays");
    let vectors: Vec<Vec<f64>> = floats.chunks(columns).map(<[f64]>::to_vec).collect();
    assert_eq!(config.fit(&vectors).expect("vectors").state(), of_floats.state(), "rows of vectors");
    let matrix = nalgebra::DMatrix::from_row_slice(120, columns, &floats);
    assert_eq!(config.fit(&matrix).expect("a matrix").state(), of_floats.state(), "a matrix of nalgebra");
    let ragged = vec![vec![1.0, 2.0], vec![3.0]];
    assert_eq!(config.fit(&ragged).expect_err("ragged rows").code(), Some("E106"), "ragged rows");
}
