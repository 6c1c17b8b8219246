//! Narrowing: differences between rows survive any offset and magnitude.

use proptest::prelude::*;
use tsne_io::Narrowing;

/// A few rows of three features with differences of every size.
const ROWS: [[f64; 3]; 6] = [
    [0.0, 1.0, -2.0],
    [0.25, 1.5, 3.0],
    [1.0, -1.0, 0.0],
    [1.0, -1.001, 0.0],
    [7.0, 2.0, 2.0],
    [0.0, 1.0, -2.0],
];

fn distance<T: Copy + Into<f64>>(a: &[T], b: &[T]) -> f64 {
    a.iter().zip(b).map(|(&x, &y)| (x.into() - y.into()).powi(2)).sum::<f64>().sqrt()
}

/// Distances of the narrowed rows agree with those of `rows`, both scaled by `magnitude` and shifted by `offsets`.
///
/// Single precision rounds each of the (at most 8-sized) coordinates to 2^-24 of itself, hence the absolute part of
/// the tolerance; the offset itself rounds the data in f64 before narrowing, hence `given`.
fn check(offsets: [f64; 3], magnitude: f64) {
    let data: Vec<f64> = ROWS
        .iter()
        .flat_map(|row| row.iter().zip(offsets).map(|(x, offset)| x * magnitude + offset))
        .collect();
    let narrowing = Narrowing::of(&data, 3);
    let narrow = narrowing.to_f32(&data);
    assert!(narrow.iter().all(|x| x.abs() <= 2.0), "values are of size at most 2: {narrow:?}");
    for i in 0..ROWS.len() {
        for j in 0..i {
            let (a, b) = (&data[i * 3..i * 3 + 3], &data[j * 3..j * 3 + 3]);
            let scaled: Vec<f64> = a.iter().zip(b).map(|(x, y)| (x - y) / magnitude).collect();
            let given = distance(&scaled, &[0.0; 3]) * magnitude;
            let found = narrowing
                .distance_in_data_units(distance(&narrow[i * 3..i * 3 + 3], &narrow[j * 3..j * 3 + 3]));
            let error = (found - given).abs() / magnitude;
            assert!(
                error <= 2e-6,
                "rows {i} and {j}, offsets {offsets:?}, magnitude {magnitude:e}: {found:e} for {given:e}"
            );
        }
    }
}

#[test]
fn offsets_lose_nothing() {
    check([0.0; 3], 1.0);
    check([1e9, -1e9, 1e12], 1.0);
    check([1.7e9, 0.0, 3.0], 1.0);
}

#[test]
fn magnitudes_lose_nothing() {
    for magnitude in [1e150, 1e-150, 1e300, 1e-300, 1e307] {
        check([0.0; 3], magnitude);
        check([1e3 * magnitude.min(1e300), 0.0, -magnitude], magnitude);
    }
}

#[test]
fn a_range_beyond_the_largest_number_is_no_overflow() {
    let data = [f64::MAX, -f64::MAX, f64::MAX, 0.0, -f64::MAX, f64::MAX];
    let narrow = Narrowing::of(&data, 2).to_f32(&data);
    assert!(narrow.iter().all(|x| x.abs() <= 2.0), "{narrow:?}");
    assert!(narrow[0] > narrow[4] && narrow[1] < narrow[5], "order is kept: {narrow:?}");
}

#[test]
fn an_outlier_does_not_blur_the_rest() {
    let mut data: Vec<f64> = (0..101).map(|i| f64::from(i) * 1e-3).collect();
    data.push(1e12);
    let narrowing = Narrowing::of(&data, 1);
    let narrow = narrowing.to_f32(&data);
    let step = narrowing.distance_in_data_units(f64::from(narrow[1]) - f64::from(narrow[0]));
    assert!((step / 1e-3 - 1.0).abs() < 1e-5, "steps of 1e-3 beside an outlier of 1e12 are seen as {step:e}");
}

#[test]
fn integers_of_any_offset_stay_exact() {
    for offset in [0.0, 1e9, -3e12] {
        let data: Vec<f64> = (0..500).map(|i| offset + f64::from(i * i % 997)).collect();
        let narrowing = Narrowing::of(&data, 5);
        let narrow = narrowing.to_f32(&data);
        for (i, (a, b)) in narrow.iter().zip(&narrow[5..]).enumerate() {
            let found = narrowing.distance_in_data_units(f64::from(*a) - f64::from(*b));
            assert_eq!(found, data[i] - data[i + 5], "difference {i} at offset {offset:e}");
        }
    }
}

#[test]
fn constant_and_empty_data_are_zero_and_empty() {
    assert_eq!(Narrowing::of(&[1e200; 6], 2).to_f32(&[1e200; 6]), [0.0; 6], "a constant is its own center");
    assert!(Narrowing::of::<f64>(&[], 3).to_f32::<f64>(&[]).is_empty(), "no rows");
}

proptest! {
    #[test]
    fn any_finite_data_come_out_finite(values in prop::collection::vec(any::<f64>().prop_filter("finite", |x| x.is_finite()), 12)) {
        let narrowing = Narrowing::of(&values, 3);
        prop_assert!(narrowing.to_f32(&values).iter().all(|x| x.abs() <= 2.0));
        let mut in_f64 = values.clone();
        narrowing.apply(&mut in_f64);
        prop_assert!(in_f64.iter().all(|x| x.abs() <= 2.0));
    }

    /// A power of two changes nothing but the exponent.
    #[test]
    fn scaling_data_by_a_power_of_two_changes_no_bit(values in prop::collection::vec(-1e3..1e3_f64, 12), e in -300..300_i32) {
        let scaled: Vec<f64> = values.iter().map(|x| x * 2.0_f64.powi(e)).collect();
        prop_assert_eq!(Narrowing::of(&scaled, 3).to_f32(&scaled), Narrowing::of(&values, 3).to_f32(&values));
    }
}
