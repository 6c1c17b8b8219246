//! Tests of openTSNE's suite that no other file answers; `docs/opentsne-tests.md` is the table of all.

use std::sync::Arc;

use tsne::core::{Control, NeighborIndex, NeighborQuery};
use tsne::neighbors::{Exact, PrecomputedDistances};
use tsne::{
    Data, Initialization, Input, NegativeGradientMethod, PartialTsneEmbedding, Points, Seed, Transform, Tsne,
    TsneEmbedding,
};
use tsne_testkit::{close, data};

fn quick() -> Tsne {
    let method = NegativeGradientMethod::BarnesHut;
    Tsne::new().early_exaggeration_iter(100).n_iter(250).negative_gradient_method(method)
}

/// Share of the irises at these positions whose ten nearest are mostly of their kind, ties going to their own.
fn accuracy(positions: &[[f64; 2]], labels: &[u32]) -> f64 {
    let index = Exact::new(Points::from_row_major(positions.as_flattened(), 2).expect("rows"));
    let graph = index.expect("finite").knn_graph(10, &Control::NONE).expect("more than ten");
    let right = (0..labels.len()).filter(|&i| {
        let mut votes = [0; 3];
        graph.row(i).0.iter().for_each(|&j| votes[labels[j as usize] as usize] += 1);
        votes.iter().all(|&other| other <= votes[labels[i] as usize])
    });
    right.count() as f64 / labels.len() as f64
}

#[test]
fn irises_part_from_a_random_start() {
    let iris = data::iris();
    let config = Tsne::new().initialization(Initialization::Random);
    let mut map: TsneEmbedding<f64, 2> = config.prepare_initial(iris.points()).expect("plain data");
    // Measured: 0.43. A random arrangement gives a third, and ties between kinds are won by the flower's own.
    let before = accuracy(map.positions(), &iris.labels);
    assert!(before < 0.6, "{before} before any step");
    map.optimize(&map.optimization().n_iter(250)).expect("a plain run");
    let after = accuracy(map.positions(), &iris.labels);
    // Measured: 0.97, which is four flowers astray; 0.93 allows ten.
    assert!(after > 0.93, "{after} after 250 iterations without exaggeration");
}

#[test]
fn noise_does_not_collapse() {
    for n in [100, 150, 200] {
        for p in [5, 10, 20] {
            // One cluster is Gaussian noise.
            let noise = data::blobs(Seed(5), n, p, 1);
            let map = Tsne::new().fit(noise.points()).expect("plain data");
            let reach = map.positions().iter().flatten().fold(0.0_f64, |reach, v| reach.max(v.abs()));
            // Measured: 5.3 to 13.8. A collapsed map stays near its start, at 1e-4.
            assert!(reach > 1.0 && reach.is_finite(), "{n} points of {p} features reach {reach}");
        }
    }
}

#[test]
fn many_duplicates_and_a_high_exaggeration_end_well() {
    // Each measure of an iris above or not above the mean of all: 16 different rows at most, 1 000 times.
    let iris = data::iris();
    let mean = iris.values.iter().sum::<f64>() / iris.values.len() as f64;
    let values: Vec<f64> = (0..1000)
        .flat_map(|i| iris.row(i * 37 % iris.n_points()).iter().map(|&x| if x > mean { 1.0 } else { 0.0 }))
        .collect();
    let config = Tsne::new()
        .early_exaggeration(100.0)
        .early_exaggeration_iter(100)
        .n_iter(100)
        .negative_gradient_method(NegativeGradientMethod::BarnesHut);
    let map = config.fit(Points::from_row_major(&values, 4).expect("rows")).expect("finite data");
    assert!(map.positions().iter().flatten().all(|v| v.is_finite()), "all positions are finite");
    assert!(map.kl_divergence().is_finite() && map.kl_divergence() >= 0.0, "{}", map.kl_divergence());
}

#[test]
fn distances_start_from_the_spectrum_or_from_the_start_asked_for() {
    let iris = data::iris();
    let n = iris.n_points();
    let distance =
        |i, j| iris.row(i).iter().zip(iris.row(j)).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    let matrix: Vec<f64> = (0..n * n).map(|ij| distance(ij / n, ij % n)).collect();
    let index =
        PrecomputedDistances::new(Points::from_row_major(&matrix, n).expect("square")).expect("legal");
    let start = |initialization| -> TsneEmbedding<f64, 2> {
        let config = Tsne::new().initialization(initialization);
        config.prepare_initial(Input::from_index(&index)).expect("legal distances")
    };
    let by_default: TsneEmbedding<f64, 2> =
        Tsne::new().prepare_initial(Input::from_index(&index)).expect("legal distances");
    assert_eq!(by_default.positions(), start(Initialization::Spectral).positions(), "without features");
    let random = start(Initialization::Random);
    let of_points: TsneEmbedding<f64, 2> = Tsne::new()
        .initialization(Initialization::Random)
        .prepare_initial(iris.points())
        .expect("plain data");
    assert_eq!(random.positions(), of_points.positions(), "a random start goes by the seed alone");
}

#[test]
fn every_usage_keeps_the_irises_apart() {
    let iris = data::iris();
    let data = Arc::new(Data::copy_of(iris.points()));
    let graph = Exact::new(iris.points()).expect("finite").knn_graph(90, &Control::NONE).expect("90 of 149");
    let affinities = quick().fit(&data).expect("plain data").joint_affinities().clone();
    let usages = [
        ("points", quick().fit(&data)),
        ("several perplexities", quick().perplexities(&[10.0, 30.0]).fit(&data)),
        ("uniform weights", quick().n_neighbors(15).fit(&data)),
        ("a graph", quick().fit(Input::from_index(&graph))),
        ("affinities", quick().fit(Input::from_affinities(affinities))),
        ("opentsne 1.x", Tsne::opentsne_v1().early_exaggeration_iter(100).n_iter(250).fit(&data)),
    ];
    for (usage, map) in usages {
        let map = map.expect(usage);
        let share = accuracy(map.positions(), &iris.labels);
        assert!(share > 0.93, "{usage}: {share} of the irises are among their own");
        if usage == "points" {
            let how = Transform::new().n_iter(50);
            let placed = map.transform_with(iris.points(), &how).expect("the data are kept");
            let share = accuracy(placed.positions(), &iris.labels);
            assert!(share > 0.93, "placed anew: {share} of the irises are among their own");
        }
    }
}

#[test]
fn several_perplexities_place_points_by_several() {
    let iris = data::iris();
    let data = Arc::new(Data::copy_of(iris.points()));
    let map: TsneEmbedding<f64, 2> = quick().perplexities(&[10.0, 30.0]).fit(&data).expect("plain data");
    let place = |perplexities: &[f64]| -> PartialTsneEmbedding<f64, 2> {
        let how = Transform::new().perplexities(perplexities).n_iter(50);
        map.transform_with(iris.points(), &how).expect("the data are kept")
    };
    let placed = place(&[5.0, 10.0]);
    let share = accuracy(placed.positions(), &iris.labels);
    assert!(share > 0.93, "{share} of the irises are among their own");
    assert!(placed.warnings().is_empty(), "both are used as they are: {:?}", placed.warnings());
    for one in [5.0, 10.0] {
        assert_ne!(placed.affinities(), place(&[one]).affinities(), "{one} alone weighs them otherwise");
    }
}

/// A map of a matrix of distances, and new points of which only the distances to the points of the map are known.
#[test]
fn distances_to_the_points_of_a_map_place_new_ones() {
    let mut iris = data::iris();
    // A little noise, so that no two distances are equal and ties cannot fall otherwise by a rounding.
    let noise = data::uniform(Seed(7), iris.n_points(), 4);
    iris.values.iter_mut().zip(&noise.values).for_each(|(x, noise)| *x += 1e-3 * noise);
    let (new, old): (Vec<usize>, Vec<usize>) = (0..iris.n_points()).partition(|i| i % 7 == 3);
    let distance =
        |i, j| iris.row(i).iter().zip(iris.row(j)).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    let block = |rows: &[usize]| -> Vec<f64> {
        rows.iter().flat_map(|&i| old.iter().map(move |&j| distance(i, j))).collect()
    };
    let (square, block) = (block(&old), block(&new));
    let square = Points::from_row_major(&square, old.len()).expect("square");
    let block = Points::from_row_major(&block, old.len()).expect("a row for each new point");
    let index = Arc::new(PrecomputedDistances::new(square).expect("legal distances").into_owned());
    let map: TsneEmbedding<f64, 2> =
        quick().fit(Input::from_shared_index(index)).expect("a map of distances");
    let placed = map.transform(block).expect("the index is kept");

    let positions = Points::from_row_major(map.positions().as_flattened(), 2).expect("rows");
    let of_new = Points::from_row_major(placed.positions().as_flattened(), 2).expect("rows");
    let near = Exact::new(positions).expect("finite").query(of_new, 10, &Control::NONE).expect("legal");
    let astray = (0..new.len()).filter(|&i| {
        let own = |&&j: &&u32| iris.labels[old[j as usize]] == iris.labels[new[i]];
        near.row(i).0.iter().filter(own).count() < 5
    });
    let astray = astray.count();
    // One or two flowers of every twenty lie nearer to the other kind in the data themselves.
    assert!(astray <= 2, "{astray} of {} new irises lie among another kind", new.len());

    // They are weighed as by their features.
    let rows = |which: &[usize]| -> Vec<f64> { which.iter().flat_map(|&i| iris.row(i).to_vec()).collect() };
    let data = Arc::new(Data::from_row_major(rows(&old), 4).expect("rows"));
    let by_features: TsneEmbedding<f64, 2> = quick().fit(&data).expect("plain data");
    let features = rows(&new);
    let features = Points::from_row_major(&features, 4).expect("rows");
    let expected = by_features.transform(features).expect("the data are kept");
    let (found, expected) = (placed.affinities(), expected.affinities());
    assert_eq!(found.columns(), expected.columns(), "the same neighbors");
    // Distances differ by a rounding, and bandwidths are searched for until the entropy is met to 4e-15.
    close::assert_close(found.values(), expected.values(), 1e-9, 0.0, "weights");

    let error = map.transform(features).expect_err("four features are not as many distances");
    assert_eq!(error.code(), Some("E116"), "{error}");
}
