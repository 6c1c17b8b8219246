//! Whole fits: a map people would accept, the builder against its pieces, tiny and degenerate data.

use std::ops::ControlFlow;
use std::sync::Mutex;

use tsne::affinity::Options;
use tsne::bh::Exact;
use tsne::core::{Affinities, Control, NeighborIndex};
use tsne::{
    Event, Initialization, NegativeGradientMethod, Phase, Points, Scalar, Seed, Stage, State, StopReason,
    Tsne, Warning,
};
use tsne::{init, optim};
use tsne_testkit::{close, data, oracle};

/// Share of points whose ten nearest others in the map vote for their label, ties to the nearest.
fn label_accuracy(y: &[[f32; 2]], labels: &[u32]) -> f64 {
    let points = Points::from_row_major(y.as_flattened(), 2).expect("rectangular");
    let graph = oracle::knn(points, 10);
    let right = (0..y.len()).filter(|&i| {
        let votes: Vec<u32> = graph.row(i).0.iter().map(|&j| labels[j as usize]).collect();
        let count = |label: u32| votes.iter().filter(|&&v| v == label).count();
        let most = votes.iter().map(|&v| count(v)).max().unwrap_or(0);
        votes.iter().find(|&&v| count(v) == most) == Some(&labels[i])
    });
    #[allow(clippy::cast_precision_loss, reason = "few points")]
    let share = right.count() as f64 / y.len() as f64;
    share
}

#[test]
fn the_ten_digits_stand_apart() {
    let set = data::digits();
    let x = set.to_f32();
    let map = Tsne::new().fit(Points::from_row_major(&x, 64).expect("rectangular")).expect("a plain fit");
    let accuracy = label_accuracy(map.positions(), &set.labels);
    assert!(accuracy >= 0.97, "label accuracy {accuracy}");
    // Exact-gradient runs over five jitters end at 0.759 ± 0.001; 2 % leaves room for another CPU's rounding.
    assert!((map.kl_divergence() - 0.759).abs() < 0.015, "KL {}", map.kl_divergence());
    let want = oracle::kl_divergence(tsne::StudentT::CAUCHY, map.affinities(), map.positions());
    close::assert_close_value(map.kl_divergence(), want, 1e-5, 0.0, "reported KL");
    assert_eq!(map.report().n_iter, 750, "both phases");
}

#[test]
fn the_builder_is_its_pieces_used_by_hand() {
    let set = data::blobs(Seed(9), 600, 12, 6);
    let x = set.to_f32();
    let points = Points::from_row_major(&x, 12).expect("rectangular");
    let config = Tsne::new().perplexity(20.0).random_state(5).early_exaggeration_iter(60).n_iter(90);
    let map = config.fit(points).expect("a plain fit");

    let index = tsne::neighbors::Exact::new(points).expect("finite points");
    let graph = index.knn_graph(60, &Control::NONE).expect("60 of 600");
    let p = by_hand_affinities(graph);
    let start = init::pca(points, Seed(5), &Control::NONE).expect("nobody interrupts");
    let repulsion = Exact::new(tsne::StudentT::CAUCHY);
    let mut descent = optim::Descent::new(p, repulsion, State::at_rest(start)).expect("parts fit");
    for phase in
        [Phase { n_iter: 60, ..Phase::early_exaggeration() }, Phase { n_iter: 90, ..Phase::standard() }]
    {
        let nobody = |_: &tsne::Progress, _: &[[f32; 2]]| ControlFlow::Continue(());
        descent.run(&phase, &Control::NONE, 0, nobody).expect("a stable run");
    }
    assert_eq!(map.state(), descent.state(), "positions, velocity and gains");
    close::assert_same_bits(map.positions(), descent.positions(), "positions");
}

fn by_hand_affinities(graph: tsne::core::KnnGraph<f32>) -> tsne::Csr<f32> {
    let affinities =
        tsne::affinity::PerplexityBased::from_graph(graph, 20.0, &Options::default(), &Control::NONE)
            .expect("a legal perplexity");
    Box::new(affinities).into_csr()
}

/// P of data that are `scale` times the blobs, and the range of perplexities its rows have.
fn p_of_scaled<T: Scalar>(scale: f64) -> (tsne::Csr<T>, f64, f64) {
    let mut set = data::blobs(Seed(31), 200, 6, 4);
    // An outlier 1 000 standard deviations away, whose exponentials underflow without care.
    set.values[..6].fill(1000.0);
    let x: Vec<T> = set.values.iter().map(|v| T::lit(v * scale)).collect();
    let points = Points::from_row_major(&x, 6).expect("rectangular");
    let index = tsne::neighbors::Exact::new(points).expect("finite points");
    let graph = index.knn_graph(90, &Control::NONE).expect("90 of 200");
    let p = tsne::affinity::PerplexityBased::from_graph(graph, 30.0, &Options::default(), &Control::NONE)
        .expect("a legal perplexity");
    // The fit goes the same way.
    let fit = Tsne::new().n_iter(0).early_exaggeration_iter(0).fit(points).expect("finite points");
    assert_eq!(fit.affinities(), p.matrix(), "P of a fit");
    let scales = &p.calibration().scales[0];
    (p.matrix().clone(), scales.attained_min, scales.attained_max)
}

#[test]
fn magnitudes_of_the_data_do_not_matter() {
    fn check<T: Scalar + close::Bits>(scales: &[f64], rounding: f64) {
        let (plain, ..) = p_of_scaled::<T>(1.0);
        for &scale in scales {
            let (p, least, most) = p_of_scaled::<T>(scale);
            assert!(
                (least / 30.0 - 1.0).abs() < 1e-5 && (most / 30.0 - 1.0).abs() < 1e-5,
                "{scale:e}: {least} to {most}"
            );
            let want: Vec<f64> = plain.values().iter().map(|v| v.to_f64()).collect();
            let largest = want.iter().fold(0.0_f64, |m, v| m.max(*v));
            close::assert_close(
                p.values(),
                &want,
                0.0,
                rounding * largest,
                &format!("P of data times {scale:e}"),
            );
        }
    }
    // Rounding of the scaled data to their type, in units of the largest entry.
    check::<f64>(&[1e-150, 1e150, 2.0_f64.powi(400)], 1e-12);
    check::<f32>(&[1e-15, 1e15], 1e-4);
}

#[test]
fn two_to_ten_points_have_a_finite_map() {
    for n in 2..=10 {
        let set = data::blobs(Seed(4), n, 3, 2);
        let map = Tsne::new().fit(set.points()).expect("any two points have a map");
        assert!(map.positions().as_flattened().iter().all(|v| v.is_finite()), "{n} points");
        assert!(map.kl_divergence().is_finite(), "{n} points: KL {}", map.kl_divergence());
        let reduced = map.report().warnings.iter().any(|w| matches!(w, Warning::PerplexityReduced { .. }));
        assert!(reduced, "{n} points cannot have perplexity 30");
    }
}

#[test]
fn degenerate_data_have_a_finite_map_and_a_warning() {
    let repeated = data::duplicates(Seed(8), 300, 4);
    for (name, set, warned) in [
        ("one column", data::uniform(Seed(3), 100, 1), ""),
        ("collinear", data::collinear(100, 5), ""),
        ("all rows equal", data::identical(100, 3), "W03"),
        ("a third repeated", repeated, "W02"),
        ("far outlier", data::far_outlier(Seed(2), 200, 4), ""),
        ("far clusters", data::far_clusters(Seed(2), 200, 4), ""),
    ] {
        let map = Tsne::new().fit(set.points()).expect(name);
        assert!(map.positions().as_flattened().iter().all(|v| v.is_finite()), "{name}");
        assert!(map.kl_divergence() > -1e-9, "{name}: KL {}", map.kl_divergence());
        let codes: Vec<&str> = map.report().warnings.iter().map(Warning::code).collect();
        assert!(warned.is_empty() || codes.contains(&warned), "{name}: {warned} among {codes:?}");
    }
}

#[test]
fn one_and_three_dimensions_and_other_kernels() {
    let set = data::blobs(Seed(7), 300, 10, 4);
    let config = Tsne::new().n_iter(150).early_exaggeration_iter(100);
    let line = config.clone().n_components::<1>().fit(set.points()).expect("1-D");
    let space = config.clone().n_components::<3>().fit(set.points()).expect("3-D");
    assert!(line.kl_divergence() > space.kl_divergence(), "three dimensions fit better than one");
    for dof in [0.5, 2.0] {
        let map = config.clone().dof(dof).fit(set.points()).expect("any dof");
        let kernel = tsne::StudentT::with_dof(dof).expect("positive");
        let want = oracle::kl_divergence(kernel, map.affinities(), map.positions());
        close::assert_close_value(map.kl_divergence(), want, 1e-9, 0.0, "KL under its own kernel");
    }
}

#[test]
fn given_positions_are_used_as_they_are() {
    let set = data::blobs(Seed(7), 100, 5, 3);
    let given: Vec<[f64; 2]> = init::random(100, Seed(77));
    let start = Tsne::new().initialization(Initialization::Positions(given.clone())).n_iter(0);
    let map = start.clone().early_exaggeration_iter(0).fit(set.points()).expect("no iterations");
    assert_eq!(map.positions(), given, "no iterations, no change");
    let wide: Vec<[f64; 2]> = given.iter().map(|y| y.map(|v| v * 1e4)).collect();
    let wide = start.initialization(Initialization::Positions(wide));
    let map = wide.clone().fit(set.points()).expect("wide is legal");
    assert!(map.report().warnings.iter().any(|w| w.code() == "W06"), "wide positions are warned about");
    assert_eq!(wide.strict(true).fit(set.points()).expect_err("strict").code(), Some("E208"), "strict");
}

#[test]
fn an_observer_sees_every_stage_and_can_stop_in_each() {
    let set = data::blobs(Seed(7), 400, 5, 3);
    let config = Tsne::new().early_exaggeration_iter(20).n_iter(30).callbacks_every_iters(10);
    let seen = Mutex::new(Vec::new());
    config
        .fit_observed(set.points(), &|event| {
            if let Event::Iteration { stage, progress, .. } = event {
                seen.lock().expect("no observer panics").push((stage, progress.iteration));
            }
            ControlFlow::Continue(())
        })
        .expect("watched, not stopped");
    let (early, main) = (Stage::EarlyExaggeration, Stage::Optimization);
    let expected = [(early, 10), (early, 20), (main, 10), (main, 20), (main, 30)];
    assert_eq!(seen.into_inner().expect("no observer panics"), expected, "iterations of the current phase");

    for stop_at in [Stage::Neighbors, Stage::Affinities, Stage::Initialization] {
        let result = config.fit_observed(set.points(), &|event| match event {
            Event::Tick { stage, .. } if stage == stop_at => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        let error = result.expect_err("stopped before there was a map");
        assert!(
            matches!(error, tsne::Error::Interrupted { stage } if stage == stop_at),
            "{stop_at}: {error}"
        );
    }
    for (stop_at, made) in [(early, 9), (main, 29)] {
        let map = config
            .fit_observed(set.points(), &|event| match event {
                Event::Iteration { stage, progress, .. } if stage == stop_at && progress.iteration == 10 => {
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            })
            .expect("a stopped descent has a map");
        assert_eq!(map.report().stop, StopReason::Interrupted { iteration: 10 }, "{stop_at}");
        assert_eq!(map.report().n_iter, made, "{stop_at}: iterations made");
        assert!(map.kl_divergence().is_finite(), "{stop_at}: the divergence is that of the last positions");
    }
}

#[test]
fn every_repulsion_ends_near_the_exact_one() {
    let set = data::blobs(Seed(7), 500, 10, 5);
    let config = Tsne::new().early_exaggeration_iter(100).n_iter(250);
    let fit = |method: &str| {
        let method = method.parse().expect("a name");
        config.clone().negative_gradient_method(method).fit(set.points()).expect("every method fits")
    };
    let exact = fit("exact");
    for (name, method) in [
        ("bh", NegativeGradientMethod::BarnesHut),
        ("barnes-hut", NegativeGradientMethod::BarnesHut),
        ("BH", NegativeGradientMethod::BarnesHut),
        ("fft", NegativeGradientMethod::Fft),
        ("interpolation", NegativeGradientMethod::Fft),
    ] {
        let map = fit(name);
        assert_eq!(map.report().plan.negative_gradient_method.value, method, "{name} means {method}");
        let want = oracle::kl_divergence(tsne::StudentT::CAUCHY, map.affinities(), map.positions());
        // Z of the tree at theta 0.5 is within some 0.1 %, that of the mesh far closer.
        close::assert_close_value(map.kl_divergence(), want, 0.0, 5e-3, &format!("{name}: reported KL"));
        // Runs of this descent scatter by some percent, whatever the repulsion.
        close::assert_close_value(want, exact.kl_divergence(), 0.1, 0.0, &format!("{name}: final KL"));
    }
    let other_theta = config.clone().negative_gradient_method(NegativeGradientMethod::BarnesHut).theta(0.2);
    let other_mesh = config.clone().negative_gradient_method(NegativeGradientMethod::Fft);
    for (name, config) in [
        ("bh", other_theta),
        ("fft", other_mesh.clone().n_interpolation_points(4)),
        ("fft", other_mesh.clone().min_num_intervals(20)),
        ("fft", other_mesh.ints_in_interval(0.5)),
    ] {
        let map = config.fit(set.points()).expect("legal parameters");
        assert_ne!(map.positions(), fit(name).positions(), "{name}: a parameter that changes nothing");
    }
}

#[test]
fn every_search_finds_a_map() {
    let set = data::blobs(Seed(7), 600, 10, 5);
    let config = Tsne::new().perplexity(10.0).early_exaggeration_iter(50).n_iter(50);
    let exact = config.fit(set.points()).expect("a plain fit");
    assert_eq!(exact.report().recall, None, "nothing to estimate");
    for name in ["annoy", "nndescent", "approx", "hnsw", "instant-distance"] {
        let neighbors = name.parse().expect("a name");
        let map = config.clone().neighbors(neighbors).fit(set.points()).expect("every search fits");
        // Their graphs agree in most edges, so P does in its entries.
        let shared = (0..600).map(|i| {
            let (mine, theirs) = (map.affinities().row(i).0, exact.affinities().row(i).0);
            mine.iter().filter(|column| theirs.binary_search(column).is_ok()).count()
        });
        let share = shared.sum::<usize>() as f64 / exact.affinities().n_entries() as f64;
        assert!(share > 0.9, "{name}: {share} of the entries of P");
        // P has the entries of the graph and their transposes, so that both shares are of the same size.
        let recall = map.report().recall.expect("an estimate");
        assert!((recall - share).abs() < 0.05 && recall <= 1.0, "{name}: recall {recall}, share {share}");
    }
    let unsuited = config.clone().neighbors("annoy".parse().expect("a name")).metric(tsne::Metric::Canberra);
    let error = unsuited.fit(set.points()).expect_err("no tree for this metric");
    assert_eq!(error.code(), Some("E204"), "{error}");
}
