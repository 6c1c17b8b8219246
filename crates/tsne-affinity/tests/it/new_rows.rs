//! Rows for points that the affinities were not built on.

use tsne_affinity::{
    AllPairs, FixedSigma, Multiscale, MultiscaleMixture, Options, PerplexityBased, Placement, Symmetrization,
    Uniform,
};
use tsne_core::{Control, NewRows, Points, Scalar, Seed, ToNew};
use tsne_testkit::close::assert_rows_close;
use tsne_testkit::conformance::check_to_new;
use tsne_testkit::data;
use tsne_testkit::oracle;

use crate::index::Brute;
use crate::oracle as families;

fn request(change: impl FnOnce(&mut NewRows)) -> NewRows {
    let mut request = NewRows::default();
    change(&mut request);
    request
}

fn check_families<T: Scalar>() {
    let set = data::blobs(Seed(1), 120, 3, 4);
    let new = data::blobs(Seed(1), 140, 3, 4).values_as::<T>();
    // Twenty new points, the first two of which are points of the reference.
    let mut points = new[120 * 3..].to_vec();
    points[..6].copy_from_slice(&new[..6]);
    let points = Points::from_row_major(&points, 3).expect("whole rows");
    let index = Brute(set.clone());
    let (options, control) = (Options::default(), Control::NONE);
    let check = |affinities: &dyn ToNew<T>, requests: &[NewRows]| {
        check_to_new(affinities, &index, points, &NewRows::default());
        for request in requests {
            check_to_new(affinities, &index, points, request);
        }
    };
    let five = request(|r| r.perplexities = Some(vec![5.0]));
    let ten_neighbors = request(|r| r.n_neighbors = Some(10));

    let p = PerplexityBased::from_index(&index, 20.0, &options, &control).expect("legal");
    check(&p, &[five.clone(), request(|r| (r.perplexities, r.n_neighbors) = (Some(vec![5.0]), Some(40)))]);
    let several = request(|r| r.perplexities = Some(vec![3.0, 30.0]));
    let p = MultiscaleMixture::from_index(&index, &[5.0, 20.0], &options, &control).expect("legal");
    check(&p, &[five.clone(), several.clone()]);
    let p = Multiscale::from_index(&index, &[5.0, 20.0], &options, &control).expect("legal");
    check(&p, &[five.clone(), several]);
    let p = FixedSigma::from_index(&index, 1.0, &options, &control).expect("legal");
    check(&p, &[ten_neighbors.clone(), request(|r| r.sigma = Some(0.2))]);
    let p = Uniform::from_index(&index, None, Symmetrization::Mean, &control).expect("legal");
    check(&p, std::slice::from_ref(&ten_neighbors));
    let values = set.values_as::<T>();
    let p = Points::from_row_major(&values, 3).expect("whole rows");
    let p = AllPairs::from_points(p, 20.0, &options, &control).expect("legal");
    check(&p, &[five, request(|r| r.n_neighbors = Some(60))]);
}

#[test]
fn every_family_with_new_rows_conforms() {
    check_families::<f64>();
    check_families::<f32>();
}

#[test]
fn rows_equal_their_oracles() {
    let set = data::blobs(Seed(2), 100, 4, 3);
    let new = data::uniform(Seed(3), 15, 4);
    let (index, options, control) = (Brute(set.clone()), Options::default(), Control::NONE);
    let check =
        |affinities: &dyn ToNew<f64>, request: &NewRows, k: usize, row: &dyn Fn(&[f64]) -> Vec<f64>| {
            let rows = affinities.to_new(&index, new.points(), request, &control).expect("legal").rows;
            let neighbors = oracle::query(set.points(), new.points(), k);
            let mut want = vec![0.0; 15 * 100];
            for i in 0..15 {
                for (&j, p) in neighbors.row(i).0.iter().zip(row(neighbors.row(i).1)) {
                    want[i * 100 + j as usize] = p;
                }
            }
            assert_rows_close(oracle::dense(&rows).as_slice(), &want, 100, 1e-12, &format!("{request:?}"));
        };
    let perplexities = |of: &[f64]| request(|r| r.perplexities = Some(of.to_vec()));

    let p = PerplexityBased::from_index(&index, 20.0, &options, &control).expect("legal");
    check(&p, &NewRows::default(), 60, &|d| families::row(d, 20.0));
    check(&p, &perplexities(&[5.0]), 15, &|d| families::row(d, 5.0));
    let p = MultiscaleMixture::from_index(&index, &[5.0, 20.0], &options, &control).expect("legal");
    check(&p, &NewRows::default(), 60, &|d| families::mixture_row(d, &[5.0, 20.0]));
    check(&p, &perplexities(&[30.0, 3.0]), 90, &|d| families::mixture_row(d, &[3.0, 30.0]));
    let p = Multiscale::from_index(&index, &[5.0, 20.0], &options, &control).expect("legal");
    check(&p, &NewRows::default(), 60, &|d| families::average_row(d, &[5.0, 20.0]));
    let p = FixedSigma::from_index(&index, 1.0, &options, &control).expect("legal");
    check(&p, &NewRows::default(), 30, &|d| families::sigma_row(d, 1.0));
    check(&p, &request(|r| (r.sigma, r.n_neighbors) = (Some(0.3), Some(100))), 100, &|d| {
        families::sigma_row(d, 0.3)
    });
    let p = Uniform::from_index(&index, Some(12), Symmetrization::Max, &control).expect("legal");
    check(&p, &NewRows::default(), 12, &|d| vec![1.0 / 12.0; d.len()]);
    let p = AllPairs::from_points(set.points(), 20.0, &options, &control).expect("legal");
    check(&p, &NewRows::default(), 100, &|d| families::row(d, 20.0));
}

#[test]
fn what_means_nothing_is_refused() {
    let set = data::blobs(Seed(4), 60, 3, 2);
    let (index, options, control) = (Brute(set.clone()), Options::default(), Control::NONE);
    let refused = |affinities: &dyn ToNew<f64>, request: NewRows, message: &str| {
        let error = affinities.to_new(&index, set.points(), &request, &control).expect_err(message);
        assert_eq!(error.to_string(), message, "{request:?}");
    };
    let sigma = request(|r| r.sigma = Some(1.0));
    let five = request(|r| r.perplexities = Some(vec![5.0]));
    let two = request(|r| r.perplexities = Some(vec![5.0, 10.0]));

    let p = PerplexityBased::from_index(&index, 10.0, &options, &control).expect("legal");
    refused(&p, sigma.clone(), "sigma means nothing to perplexity-based affinities; leave it unset");
    refused(
        &p,
        two.clone(),
        "more than one perplexity means nothing to perplexity-based affinities; leave it unset",
    );
    let p = MultiscaleMixture::from_index(&index, &[10.0], &options, &control).expect("legal");
    refused(&p, sigma.clone(), "sigma means nothing to mixture affinities; leave it unset");
    let p = FixedSigma::from_index(&index, 1.0, &options, &control).expect("legal");
    refused(&p, five.clone(), "a perplexity means nothing to fixed-sigma affinities; leave it unset");
    let p = Uniform::from_index(&index, None, Symmetrization::Max, &control).expect("legal");
    refused(&p, five, "a perplexity means nothing to uniform affinities; leave it unset");
    refused(&p, sigma.clone(), "sigma means nothing to uniform affinities; leave it unset");
    let p = AllPairs::from_points(set.points(), 10.0, &options, &control).expect("legal");
    refused(&p, sigma, "sigma means nothing to all-pairs affinities; leave it unset");
    refused(&p, two, "more than one perplexity means nothing to all-pairs affinities; leave it unset");
    refused(
        &p,
        request(|r| r.perplexities = Some(vec![f64::NAN])),
        "perplexity NaN is not a finite number of at least 1; typical values are 5 to 100",
    );
}

#[test]
fn the_index_must_hold_the_points_of_the_reference() {
    let (options, control) = (Options::default(), Control::NONE);
    let set = data::blobs(Seed(5), 60, 3, 2);
    let p = PerplexityBased::<f64>::from_index(&Brute(set.clone()), 10.0, &options, &control).expect("legal");
    let other = Brute(set.clone().first(50));
    let error = p.to_new(&other, set.points(), &NewRows::default(), &control).expect_err("another index");
    assert_eq!(
        error.to_string(),
        "the index holds 50 points, the affinities were built on 60; give the same points",
        "names both numbers"
    );
}

#[test]
fn what_is_kept_of_a_family_weighs_new_points_as_the_family_does() {
    let set = data::blobs(Seed(1), 120, 3, 4);
    let values = set.values_as::<f64>();
    let points = Points::from_row_major(&values[..30], 3).expect("whole rows");
    let (index, options, control) = (Brute(set), Options::default(), Control::NONE);
    let check = |family: &dyn ToNew<f64>, placement: &Placement| {
        let rows = placement.new_rows(&index, points, &NewRows::default(), &control).expect("legal");
        let want = family.to_new(&index, points, &NewRows::default(), &control).expect("legal");
        assert_eq!(rows, want, "{}", placement.family());
    };
    let p = PerplexityBased::from_index(&index, 50.0, &options, &control).expect("legal");
    check(&p, &p.clone().into_parts().2);
    assert!(
        matches!(p.placement(), Placement::PerplexityBased { perplexity } if perplexity < 50.0),
        "as it was used"
    );
    let p = MultiscaleMixture::from_index(&index, &[5.0, 20.0], &options, &control).expect("legal");
    check(&p, &p.clone().into_parts().2);
    let p = Multiscale::from_index(&index, &[5.0, 20.0], &options, &control).expect("legal");
    check(&p, &p.clone().into_parts().2);
    let p = FixedSigma::from_index(&index, 1.0, &options, &control).expect("legal");
    check(&p, &p.clone().into_parts().2);
    let p = Uniform::from_index(&index, Some(7), Symmetrization::Mean, &control).expect("legal");
    check(&p, &p.clone().into_parts().2);
}
