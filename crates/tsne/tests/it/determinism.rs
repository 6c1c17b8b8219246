//! Same seed, same bits: at any number of threads, in both number types, from every start.

use tsne::{Initialization, Points, Scalar, Seed, Tsne};
use tsne_testkit::{close, data};

fn check<T: Scalar + close::Bits>(config: Tsne, what: &str) {
    // More points than several chunks of every stage.
    let set = data::blobs(Seed(12), 1500, 10, 8);
    let x: Vec<T> = set.values_as();
    let points = Points::from_row_major(&x, 10).expect("rectangular");
    let config = config.early_exaggeration_iter(15).n_iter(15);
    let one = config.clone().n_jobs(1).fit(points).expect("one thread");
    for n_jobs in [1, 2, 3, 8, -1] {
        let map = config.clone().n_jobs(n_jobs).fit(points).expect("any number of threads");
        close::assert_same_bits(map.positions(), one.positions(), &format!("{what}, {n_jobs} jobs"));
        assert_eq!(map.kl_divergence().to_bits(), one.kl_divergence().to_bits(), "{what}, {n_jobs} jobs: KL");
        assert_eq!(map.affinities(), one.affinities(), "{what}, {n_jobs} jobs: P");
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    check::<f32>(Tsne::new(), "f32, pca");
    check::<f64>(Tsne::new(), "f64, pca");
    check::<f32>(Tsne::new().initialization(Initialization::Random), "f32, random");
}

#[test]
fn the_seed_decides() {
    let set = data::blobs(Seed(12), 200, 10, 8);
    let fit = |seed| Tsne::new().random_state(seed).n_iter(10).fit(set.points()).expect("a plain fit");
    assert_eq!(fit(1).positions(), fit(1).positions(), "same seed");
    assert_ne!(fit(1).positions(), fit(2).positions(), "other seed");
}
