//! New points in a finished map.

use std::sync::Arc;

use tsne::affinity::{FixedSigma, Options, Precomputed, PrecomputedOptions, Symmetrization, Uniform};
use tsne::core::{Control, NeighborQuery};
use tsne::{
    Data, Error, Input, LearningRate, NegativeGradientMethod, NewPositions, PartialTsneEmbedding, Points,
    Scalar, Seed, Transform, Tsne, TsneEmbedding,
};
use tsne_testkit::{close, data};

const FEATURES: usize = 6;

/// A map of the first `n` blobs that keeps its data, and more blobs.
fn map_and_new<T: Scalar>(config: &Tsne, n: usize, m: usize) -> (TsneEmbedding<T, 2>, Vec<T>) {
    let values: Vec<T> = data::blobs(Seed(3), n + m, FEATURES, 4).values_as();
    let data = Data::from_row_major(values[..n * FEATURES].to_vec(), FEATURES).expect("rows");
    (config.fit(Arc::new(data)).expect("a plain fit"), values[n * FEATURES..].to_vec())
}

fn quick() -> Tsne {
    Tsne::new().perplexity(10.0).early_exaggeration_iter(50).n_iter(100)
}

fn points<T: Scalar>(values: &[T]) -> Points<'_, T> {
    Points::from_row_major(values, FEATURES).expect("rows")
}

#[test]
fn one_by_one_equals_all_at_once_and_the_map_stays() {
    fn check<T: Scalar + close::Bits>(method: &str, start: NewPositions<2>) {
        let config = quick().negative_gradient_method(method.parse().expect("a name"));
        let (map, new) = map_and_new::<T>(&config, 300, 12);
        let before = map.state().clone();
        let how = Transform::new().initialization(start.clone()).early_exaggeration_iter(10);
        let together = map.transform_with(points(&new), &how).expect("new points");
        assert_eq!((together.n_iter(), together.positions().len()), (260, 12), "{method}");
        let unmoved = map.transform_with(points(&new), &how.clone().n_iter(0).early_exaggeration_iter(0));
        assert_ne!(
            unmoved.expect("new points").positions(),
            together.positions(),
            "{method}: the points move"
        );
        for (i, one) in new.chunks_exact(FEATURES).enumerate() {
            let alone = map.transform_with(points(one), &how).expect("a new point");
            let what = format!("{method}, {start:?}, point {i}");
            close::assert_same_bits(alone.positions(), &together.positions()[i..=i], &what);
        }
        assert_eq!(map.state(), &before, "{method}: the map stays as it is");
    }
    for method in ["exact", "bh", "fft"] {
        check::<f32>(method, NewPositions::Median);
    }
    check::<f64>("bh", NewPositions::Weighted);
    check::<f64>("fft", NewPositions::Random);
}

#[test]
fn threads_do_not_change_a_bit() {
    let (map, new) = map_and_new::<f32>(&quick().n_jobs(1), 900, 600);
    let one = map.transform(points(&new)).expect("one thread");
    for n_jobs in [2, 3, 8] {
        let mut map = map.clone();
        map.set_optimization(map.optimization().n_jobs(n_jobs));
        let other = map.transform(points(&new)).expect("any number of threads");
        close::assert_same_bits(other.positions(), one.positions(), &format!("{n_jobs} jobs"));
        assert_eq!(other.kl_divergence().to_bits(), one.kl_divergence().to_bits(), "{n_jobs} jobs: KL");
    }
}

#[test]
fn held_out_irises_find_their_kind() {
    let set = data::iris();
    // Every third is new.
    let (mut old, mut new, mut old_labels, mut new_labels) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for i in 0..set.n_points() {
        let (rows, labels) =
            if i % 3 == 2 { (&mut new, &mut new_labels) } else { (&mut old, &mut old_labels) };
        rows.extend_from_slice(set.row(i));
        labels.push(set.labels[i]);
    }
    let p = set.row(0).len();
    for method in ["exact", "bh", "fft"] {
        let config = Tsne::new().negative_gradient_method(method.parse().expect("a name"));
        let data = Arc::new(Data::from_row_major(old.clone(), p).expect("rows"));
        let map = config.fit(&data).expect("a plain fit");
        let placed = map.transform(Points::from_row_major(&new, p).expect("rows")).expect("new points");
        let index = Points::from_row_major(map.positions().as_flattened(), 2).expect("rows");
        let index = tsne::neighbors::Exact::new(index).expect("finite");
        let near = index
            .query(
                Points::from_row_major(placed.positions().as_flattened(), 2).expect("rows"),
                10,
                &Control::NONE,
            )
            .expect("ten of a hundred");
        let right = (0..new_labels.len()).filter(|&i| {
            let same = near.row(i).0.iter().filter(|&&j| old_labels[j as usize] == new_labels[i]).count();
            same > 5
        });
        let share = right.count() as f64 / new_labels.len() as f64;
        assert!(share > 0.95, "{method}: {share} of the new irises are among their own");
    }
}

#[test]
fn the_divergence_is_the_mean_of_true_divergences() {
    let (map, new) =
        map_and_new::<f64>(&quick().negative_gradient_method(NegativeGradientMethod::Exact), 200, 7);
    let placed = map.transform(points(&new)).expect("new points");
    let mut total = 0.0;
    for (i, y) in placed.positions().iter().enumerate() {
        let weight = |r: &[f64; 2]| 1.0 / (1.0 + (y[0] - r[0]).powi(2) + (y[1] - r[1]).powi(2));
        let z: f64 = map.positions().iter().map(weight).sum();
        let (columns, values) = placed.affinities().row(i);
        assert!((values.iter().sum::<f64>() - 1.0).abs() < 1e-12, "row {i} is a distribution");
        for (&j, &p) in columns.iter().zip(values).filter(|(_, p)| **p > 0.0) {
            total += p * (p * z / weight(&map.positions()[j as usize])).ln();
        }
    }
    close::assert_close_value(placed.kl_divergence(), total / 7.0, 1e-9, 0.0, "mean divergence");
    let start = map.prepare_partial(points(&new), &Transform::new().perplexity(5.0)).expect("new points");
    assert!(start.kl_divergence() > placed.kl_divergence() && placed.kl_divergence() > 0.0, "it falls");
}

#[test]
fn a_transform_is_its_runs_and_copies_share_nothing() {
    let (map, new) = map_and_new::<f64>(&quick(), 200, 7);
    let whole = map.transform(points(&new)).expect("new points");
    let mut steps = map.prepare_partial(points(&new), &Transform::new().perplexity(5.0)).expect("new points");
    let run = steps.optimization();
    let copy = steps.optimized(&run.clone().n_iter(250)).expect("a run");
    assert_eq!(copy.positions(), whole.positions(), "prepared and run");
    assert_eq!(steps.n_iter(), 0, "the copy is another");
    for _ in 0..250 {
        steps.optimize(&run.clone().n_iter(1)).expect("a step");
    }
    assert_eq!(steps.positions(), whole.positions(), "step by step");
    assert_eq!(steps.kl_divergence().to_bits(), whole.kl_divergence().to_bits(), "step by step");

    // From the rows themselves.
    let start = map.prepare_partial(points(&new), &Transform::new().perplexity(5.0)).expect("new points");
    let mut of_rows =
        PartialTsneEmbedding::from_rows(&map, start.affinities().clone(), start.positions().to_vec())
            .expect("rows");
    of_rows.optimize(&of_rows.optimization()).expect("a run");
    assert_eq!(of_rows.positions(), whole.positions(), "from raw rows");
    let error = PartialTsneEmbedding::from_rows(&map, start.affinities().clone(), vec![[0.0; 2]; 3])
        .expect_err("3 of 7");
    assert_eq!(error.code(), Some("E208"), "{error}");
}

#[test]
fn subsets_start_where_the_whole_does() {
    let (map, new) = map_and_new::<f64>(&quick(), 200, 9);
    for start in [NewPositions::Median, NewPositions::Weighted, NewPositions::Random] {
        let how = Transform::new().initialization(start.clone());
        let all = map.prepare_partial(points(&new), &how).expect("nine");
        let some = map.prepare_partial(points(&new[4 * FEATURES..]), &how).expect("five");
        assert_eq!(some.positions(), &all.positions()[4..], "{start:?}");
        assert_eq!(
            map.prepare_partial(points(&new), &how).expect("nine").positions(),
            all.positions(),
            "{start:?}"
        );
    }
    let given = vec![[0.25, -0.5]; 9];
    let how = Transform::new().initialization(NewPositions::Positions(given.clone()));
    assert_eq!(map.prepare_partial(points(&new), &how).expect("nine").positions(), given, "as they are");
    // The number of neighbors that decide the start has nothing to do with the perplexity.
    let near = map.prepare_partial(points(&new), &Transform::new().perplexity(2.0).k(1)).expect("nine");
    let wide = map.prepare_partial(points(&new), &Transform::new().perplexity(2.0).k(60)).expect("nine");
    assert_eq!(near.affinities(), wide.affinities(), "the rows do not depend on k");
    assert_ne!(near.positions(), wide.positions(), "the start does");
}

#[test]
fn a_prepared_grid_changes_nothing_and_does_not_outlive_a_run() {
    let config = quick().negative_gradient_method(NegativeGradientMethod::Fft);
    let (mut map, new) = map_and_new::<f64>(&config, 300, 5);
    let plain = map.transform(points(&new)).expect("new points");
    map.prepare_interpolation_grid(0.25).expect("a small mesh");
    assert_eq!(map.transform(points(&new)).expect("new points").positions(), plain.positions(), "prepared");
    map.optimize(&map.optimization().n_iter(30)).expect("a run");
    let moved = map.transform(points(&new)).expect("new points");
    assert_ne!(moved.positions(), plain.positions(), "the map has moved, the grid with it");
    assert_eq!(moved.reference_positions(), map.positions(), "the map as it is now");
    for padding in [-0.1, f64::NAN] {
        let error = map.prepare_interpolation_grid(padding).expect_err("not a padding");
        assert_eq!(error.code(), Some("E205"), "{error}");
    }
}

#[test]
fn what_cannot_place_points_says_so() {
    let set = data::blobs(Seed(3), 100, FEATURES, 4);
    let new = points(&set.values[..3 * FEATURES]);
    let bare = quick().fit(set.points()).expect("a plain fit");
    let error = bare.transform(new).expect_err("no data kept");
    assert!(matches!(error, Error::NoReferenceData) && error.help().contains("keep_data"), "{error}");
    let data = Arc::new(Data::copy_of(set.points()));
    let mut kept = bare.clone();
    kept.keep_data(Arc::clone(&data)).expect("the same points");
    let placed = kept.transform(new).expect("the data are kept");
    let mut indexed = bare;
    let index = tsne::neighbors::Exact::new(set.points()).expect("finite").into_owned();
    indexed.keep_index(Arc::new(index)).expect("the same points");
    assert_eq!(
        indexed.transform(new).expect("an index is kept").positions(),
        placed.positions(),
        "data or index"
    );

    let error = kept
        .transform(Points::from_row_major(&set.values[..8], 4).expect("rows"))
        .expect_err("4 of 6 features");
    assert_eq!(error.code(), Some("E116"), "{error}");
    let mut bad = set.values[..2 * FEATURES].to_vec();
    bad[7] = f64::NAN;
    assert_eq!(kept.transform(points(&bad)).expect_err("NaN").code(), Some("E103"), "NaN");
    let refused = |how: Transform<2>, part: &str| {
        let error = kept.transform_with(new, &how).expect_err(part);
        assert!(error.to_string().contains(part), "{part:?} in {error}");
    };
    refused(Transform::new().learning_rate(LearningRate::Auto), "fixed learning rate");
    refused(Transform::new().k(0), "k must be");
    refused(Transform::new().perplexity(0.5), "perplexity");
    refused(Transform::new().perplexities(&[2.0, 5.0]), "more than one perplexity");
    refused(Transform::new().sigma(1.0), "sigma");
    refused(Transform::new().n_iter(1).exaggeration(-1.0), "exaggeration");
    refused(
        Transform::new().initialization(NewPositions::Positions(vec![[0.0; 2]; 2])),
        "2 initial positions for 3",
    );

    let matrix = kept.affinities().clone();
    let p = Precomputed::from_csr(&matrix, &PrecomputedOptions::default()).expect("a P");
    let map = quick().fit(Input::from_affinities(p).with_data(&data)).expect("a fit");
    assert!(matches!(map.transform(new), Err(Error::NoNewRows)), "no rule for new points");
}

#[test]
fn families_without_a_perplexity_place_points_too() {
    let set = data::blobs(Seed(3), 100, FEATURES, 4);
    let data = Arc::new(Data::copy_of(set.points()));
    let index = tsne::neighbors::Exact::new(set.points()).expect("finite");
    let new = points(&set.values[..3 * FEATURES]);
    let sigma = FixedSigma::from_index(&index, 2.0, &Options::default(), &Control::NONE).expect("legal");
    let uniform = Uniform::from_index(&index, Some(10), Symmetrization::Max, &Control::NONE).expect("legal");
    for input in [Input::from_affinities(sigma), Input::from_affinities(uniform)] {
        let map = quick().fit(input.with_data(&data)).expect("a fit");
        let placed = map.transform(new).expect("new points");
        assert!(placed.positions().as_flattened().iter().all(|v| v.is_finite()), "{placed:?}");
        let error =
            map.transform_with(new, &Transform::new().perplexity(5.0)).expect_err("no perplexity here");
        assert!(error.to_string().contains("perplexity"), "{error}");
    }
}

#[test]
fn a_perplexity_beyond_a_small_map_is_reduced_and_no_points_are_no_work() {
    let (map, new) = map_and_new::<f64>(&quick(), 9, 4);
    let placed = map.transform(points(&new)).expect("new points");
    let codes: Vec<_> = placed.warnings().iter().map(tsne::Warning::code).collect();
    assert_eq!(codes, ["W01"], "5 is too much for nine points");
    let none = map.transform(points::<f64>(&[])).expect("no points");
    assert_eq!((none.positions().len(), none.kl_divergence()), (0, 0.0), "nothing to place");
}

#[test]
fn points_far_from_everything_stay_near_the_map() {
    let config = quick().negative_gradient_method(NegativeGradientMethod::Fft);
    let (map, mut new) = map_and_new::<f64>(&config, 300, 2);
    new[..FEATURES].fill(1e6);
    let placed = map.transform_with(points(&new), &Transform::new().max_grad_norm(None)).expect("new points");
    let furthest = |y: &[[f64; 2]]| y.as_flattened().iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    assert!(furthest(placed.positions()) < 3.0 * furthest(map.positions()), "{:?}", placed.positions());
}

#[test]
fn a_map_of_principal_components_places_points_by_them() {
    let set = data::blobs(Seed(3), 220, 20, 4);
    let config = quick().pca(5);
    let plan = config.plan(200, 20).expect("legal");
    assert_eq!(plan.pca, Some(5), "components in the plan");
    assert!(plan.to_string().contains("5 principal components"), "{plan}");
    assert_eq!(config.plan(3, 20).expect("legal").pca, Some(3), "no more than there are points");
    let old = Points::from_row_major(&set.values[..200 * 20], 20).expect("rows");
    let map = config.fit(old).expect("a plain fit");
    // By hand: components, a fit of them, new points projected on them.
    let components = tsne::pca::components(old, 5, Seed(42), &Control::NONE).expect("five of twenty");
    let new = Points::from_row_major(&set.values[200 * 20..], 20).expect("rows");
    let data = Data::from_row_major(components.scores().to_vec(), 5).expect("rows");
    let by_hand = quick().fit(Arc::new(data)).expect("a plain fit");
    assert_eq!(map.state(), by_hand.state(), "the map");
    let projected = components.project(new).expect("the same features");
    let want = by_hand.transform(Points::from_row_major(&projected, 5).expect("rows")).expect("new points");
    assert_eq!(map.transform(new).expect("no data are needed").positions(), want.positions(), "new points");
    let error = map.transform(points(&set.values[..FEATURES])).expect_err("6 of 20 features");
    assert_eq!(error.code(), Some("E116"), "{error}");
    assert_eq!(quick().pca(0).plan(200, 20).expect_err("no components").code(), Some("E205"), "pca(0)");
}
