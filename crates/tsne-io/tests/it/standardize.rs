//! Standardization: mean 0 and deviation 1 at any offset and magnitude, and columns that say nothing.

use proptest::prelude::*;
use tsne_io::Standardization;

fn standardized(values: &[f64], n_features: usize) -> Vec<f64> {
    let mut values = values.to_vec();
    Standardization::of(&values, n_features).apply(&mut values);
    values
}

#[test]
fn a_column_by_hand() {
    // Mean 3, squares 4 + 1 + 0 + 1 + 4, a fifth of which is 2; the second column is constant.
    let values = [1.0, 7.0, 2.0, 7.0, 3.0, 7.0, 4.0, 7.0, 5.0, 7.0];
    let found = Standardization::of(&values, 2);
    assert_eq!((found.means(), found.deviations()), (&[3.0, 7.0][..], &[2.0_f64.sqrt(), 0.0][..]), "by hand");
    let mut new = [3.0, 8.0, 5.0, f64::MAX];
    found.apply(&mut new);
    assert_eq!(new, [0.0, 0.0, 2.0 / 2.0_f64.sqrt(), 0.0], "a constant column stays silent in new rows");
    let again = Standardization::from_parts(found.means().to_vec(), found.deviations().to_vec());
    assert_eq!(again.as_ref(), Some(&found), "parts");
    for (means, deviations) in
        [(vec![], vec![]), (vec![1.0], vec![]), (vec![f64::NAN], vec![1.0]), (vec![1.0], vec![-1.0])]
    {
        assert_eq!(Standardization::from_parts(means, deviations), None, "no standardization");
    }
}

/// Shifts and powers of two that lose nothing in the data lose nothing here.
#[test]
fn offsets_and_magnitudes_lose_nothing() {
    let plain: Vec<f64> = (0..200).map(|i| f64::from(i * i % 37)).collect();
    let expected = standardized(&plain, 2);
    for (offset, factor) in [(2.0_f64.powi(40), 1.0), (0.0, 2.0_f64.powi(1000)), (0.0, 2.0_f64.powi(-1000))] {
        let moved: Vec<f64> = plain.iter().map(|x| x * factor + offset).collect();
        for (got, expected) in standardized(&moved, 2).iter().zip(&expected) {
            // The mean of the shifted data is rounded to 2^-12 of a unit at an offset of 2^40.
            let room = if offset > 0.0 { 2.0_f64.powi(-12) } else { 1e-15 };
            assert!((got - expected).abs() <= room, "{got} for {expected} at {offset:e} and {factor:e}");
        }
    }
    let ends = standardized(&[f64::MAX, -f64::MAX, f64::MAX, -f64::MAX], 1);
    assert_eq!(ends, [1.0, -1.0, 1.0, -1.0], "the largest numbers");
    let tiny = standardized(&[0.0, 5e-324], 1);
    assert!(tiny.iter().all(|x| x.is_finite()), "the smallest: {tiny:?}");
}

proptest! {
    #[test]
    fn any_finite_column_is_standardized(
        values in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO, 1..40),
    ) {
        let found = Standardization::of(&values, 1);
        prop_assert!(found.means()[0].is_finite() && found.deviations()[0].is_finite());
        let result = standardized(&values, 1);
        prop_assert!(result.iter().all(|x| x.is_finite()), "{result:?}");
    }

    #[test]
    fn mean_and_deviation_are_0_and_1(values in prop::collection::vec(-1e3..1e3_f64, 3..60), offset in -1e6..1e6_f64) {
        let moved: Vec<f64> = values.iter().map(|x| x + offset).collect();
        let result = standardized(&moved, 1);
        let n = result.len() as f64;
        let mean = result.iter().sum::<f64>() / n;
        let deviation = (result.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        // Sums of 60 numbers, whose deviation is far above the rounding of an offset of a million.
        prop_assert!(mean.abs() < 1e-6 && (deviation - 1.0).abs() < 1e-6, "{mean} {deviation}");
    }
}
