//! Same seed, same bits: at any number of threads, in both number types, from every start, by every method.

use tsne::{Initialization, LearningRate, Neighbors, Points, Scalar, Seed, Tsne};
use tsne_testkit::{close, data};

const FEATURES: usize = 10;
/// Points of three chunks of the tree, of the mesh and of the forest, which have 4 096 each: the sum of two does not
/// depend on their order.
const MANY: usize = 8_400;
/// Points of several chunks of everything else.
const SOME: usize = 1_500;

/// Few iterations by steps so long that the map is wide at their end: many cells of the tree, many nodes of the mesh.
fn quick() -> Tsne {
    let config = Tsne::new().perplexity(8.0).early_exaggeration_iter(4).n_iter(4);
    config.learning_rate(LearningRate::Fixed(1e4))
}

fn check<T: Scalar + close::Bits, const D: usize>(what: &str, n: usize, config: &Tsne<D>) {
    let x: Vec<T> = data::blobs(Seed(12), n, FEATURES, 8).values_as();
    let points = Points::from_row_major(&x, FEATURES).expect("rectangular");
    let fit = |n_jobs| config.clone().n_jobs(n_jobs).fit(points).expect("any number of threads");
    let one = fit(1);
    let span = one.positions().as_flattened().iter().fold(0.0_f64, |most, y| most.max(y.to_f64().abs()));
    assert!(span > 1.0, "{what}: the map has spread, to {span}");
    for n_jobs in [2, 3, 8] {
        let map = fit(n_jobs);
        close::assert_same_bits(map.positions(), one.positions(), &format!("{what}, {n_jobs} jobs"));
        assert_eq!(map.kl_divergence().to_bits(), one.kl_divergence().to_bits(), "{what}, {n_jobs} jobs: KL");
        assert!(map.affinities() == one.affinities(), "{what}, {n_jobs} jobs: P");
        assert_eq!(map.report().recall, one.report().recall, "{what}, {n_jobs} jobs: estimated recall");
    }
}

/// All but the indexes of other crates, which promise no such thing.
#[test]
fn threads_do_not_change_a_bit() {
    let from = |start: &Initialization<2>| quick().initialization(start.clone());
    let by = |method: &str| quick().negative_gradient_method(method.parse().expect("a name"));
    for start in [Initialization::Pca, Initialization::Spectral, Initialization::Random] {
        for (method, n) in [("exact", SOME), ("bh", MANY), ("fft", MANY)] {
            let config = from(&start).negative_gradient_method(method.parse().expect("a name"));
            check::<f32, 2>(&format!("{start:?}, {method}"), n, &config);
        }
    }
    check::<f64, 2>("f64, all by default", SOME, &quick());
    check::<f64, 2>("f64, spectral, bh", SOME, &by("bh").initialization(Initialization::Spectral));
    check::<f64, 2>("f64, fft", MANY, &by("fft"));
    check::<f32, 2>("nndescent", MANY, &by("fft").neighbors(Neighbors::NnDescent));
    check::<f32, 2>("annoy", MANY, &by("fft").neighbors(Neighbors::Annoy));
    check::<f32, 2>("five principal components", MANY, &by("fft").pca(5));
    check::<f32, 1>("one dimension", MANY, &by("fft").n_components::<1>());
    check::<f32, 3>("three dimensions", MANY, &by("bh").n_components::<3>());
    // The pool that is there already, whatever its size.
    let set = data::blobs(Seed(12), SOME, FEATURES, 8);
    let one = quick().n_jobs(1).fit(set.points()).expect("a plain fit");
    let all = quick().n_jobs(-1).fit(set.points()).expect("a plain fit");
    assert_eq!(all.positions(), one.positions(), "all cores");
}

#[test]
fn the_seed_decides() {
    let set = data::blobs(Seed(12), 200, 10, 8);
    let fit = |seed| Tsne::new().random_state(seed).n_iter(10).fit(set.points()).expect("a plain fit");
    assert_eq!(fit(1).positions(), fit(1).positions(), "same seed");
    assert_ne!(fit(1).positions(), fit(2).positions(), "other seed");
}
