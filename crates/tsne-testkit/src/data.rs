//! Seeded data sets and random maps: ordinary ones, and the ones that break things.
//!
//! Equal seeds give equal bits. Every generator draws from a stream of its own, so sets of one seed are independent.

use std::f64::consts::{PI, TAU};

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use tsne_core::{Points, Scalar, Seed};

/// Points in row-major order with a label each.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DataSet {
    /// `n_points * n_features` values, row after row.
    pub values: Vec<f64>,
    /// Values in a row.
    pub n_features: usize,
    /// Group each row was drawn from; all zero where there are no groups.
    pub labels: Vec<u32>,
}

impl DataSet {
    fn unlabeled(values: Vec<f64>, n_features: usize) -> Self {
        let labels = vec![0; values.len() / n_features];
        Self { values, n_features, labels }
    }

    /// Number of rows.
    #[must_use]
    pub fn n_points(&self) -> usize {
        self.labels.len()
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If `i` is not below [`n_points`](Self::n_points).
    #[must_use]
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.n_features..(i + 1) * self.n_features]
    }

    /// The rows as the view that indexes are built from.
    ///
    /// # Panics
    /// Never for a set made here: it is rectangular and has features.
    #[must_use]
    pub fn points(&self) -> Points<'_, f64> {
        Points::from_row_major(&self.values, self.n_features).expect("a data set is rectangular")
    }

    /// The values rounded to `T`.
    #[must_use]
    pub fn values_as<T: Scalar>(&self) -> Vec<T> {
        self.values.iter().map(|&x| T::lit(x)).collect()
    }

    /// The values rounded to `f32`.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        self.values_as()
    }

    /// The first `n` rows, or all where there are fewer.
    #[must_use]
    pub fn first(mut self, n: usize) -> Self {
        self.values.truncate(n * self.n_features);
        self.labels.truncate(n);
        self
    }
}

/// `n` points in `n_centers` Gaussian clusters of standard deviation 1, their centers uniform in a cube of side 20;
/// labels name the cluster, which are filled in turn.
#[must_use]
pub fn blobs(seed: Seed, n: usize, n_features: usize, n_centers: usize) -> DataSet {
    let mut rng = stream(seed, 1);
    let centers: Vec<f64> = (0..n_centers * n_features).map(|_| rng.random_range(-10.0..10.0)).collect();
    let mut set = DataSet { values: Vec::with_capacity(n * n_features), n_features, labels: Vec::new() };
    for i in 0..n {
        let cluster = i % n_centers;
        let center = &centers[cluster * n_features..][..n_features];
        set.values.extend(center.iter().map(|c| c + normal(&mut rng)));
        set.labels.push(u32::try_from(cluster).expect("few clusters"));
    }
    set
}

/// `n` points on the unit circle, each coordinate off by a normal deviate times `noise`.
#[must_use]
pub fn ring(seed: Seed, n: usize, noise: f64) -> DataSet {
    let mut rng = stream(seed, 2);
    let mut values = Vec::with_capacity(2 * n);
    for _ in 0..n {
        let angle = rng.random_range(0.0..TAU);
        values.push(angle.cos() + noise * normal(&mut rng));
        values.push(angle.sin() + noise * normal(&mut rng));
    }
    DataSet::unlabeled(values, 2)
}

/// `n` points of a plane rolled up in three dimensions, each coordinate off by a normal deviate times `noise`; labels
/// count half turns along the roll.
#[must_use]
pub fn swiss_roll(seed: Seed, n: usize, noise: f64) -> DataSet {
    let mut rng = stream(seed, 3);
    let mut set = DataSet { values: Vec::with_capacity(3 * n), n_features: 3, labels: Vec::new() };
    for _ in 0..n {
        let along: f64 = rng.random_range(0.0..3.0);
        let angle = PI * (1.5 + along);
        let height = rng.random_range(0.0..21.0);
        for x in [angle * angle.cos(), height, angle * angle.sin()] {
            set.values.push(x + noise * normal(&mut rng));
        }
        set.labels.push(if along < 1.0 {
            0
        } else if along < 2.0 {
            1
        } else {
            2
        });
    }
    set
}

/// `n` points uniform in the unit cube.
#[must_use]
pub fn uniform(seed: Seed, n: usize, n_features: usize) -> DataSet {
    let mut rng = stream(seed, 4);
    DataSet::unlabeled((0..n * n_features).map(|_| rng.random()).collect(), n_features)
}

/// Normal points of which every third repeats an earlier one bit for bit: distances of 0 between different points.
#[must_use]
pub fn duplicates(seed: Seed, n: usize, n_features: usize) -> DataSet {
    let mut rng = stream(seed, 5);
    let mut values: Vec<f64> = Vec::with_capacity(n * n_features);
    for i in 0..n {
        if i % 3 == 2 {
            let original = rng.random_range(0..i) * n_features;
            values.extend_from_within(original..original + n_features);
        } else {
            values.extend((0..n_features).map(|_| normal(&mut rng)));
        }
    }
    DataSet::unlabeled(values, n_features)
}

/// `n` copies of one point.
#[must_use]
pub fn identical(n: usize, n_features: usize) -> DataSet {
    DataSet::unlabeled(vec![0.75; n * n_features], n_features)
}

/// `n` points at equal steps along the diagonal: rank one, and every distance tied.
#[must_use]
pub fn collinear(n: usize, n_features: usize) -> DataSet {
    let values = (0..n).flat_map(|i| std::iter::repeat_n(count(i), n_features)).collect();
    DataSet::unlabeled(values, n_features)
}

/// All `side`^`n_features` points with integer coordinates from 0: many ties, and arithmetic without rounding.
#[must_use]
pub fn integer_grid(side: usize, n_features: usize) -> DataSet {
    let mut values = Vec::new();
    let mut point = vec![0; n_features];
    for _ in 0..side.pow(u32::try_from(n_features).expect("few features")) {
        values.extend(point.iter().map(|&c| count(c)));
        for c in &mut point {
            *c = (*c + 1) % side;
            if *c != 0 {
                break;
            }
        }
    }
    DataSet::unlabeled(values, n_features)
}

/// Two normal clusters whose centers are 1e6 apart along the first feature; labels name the cluster.
#[must_use]
pub fn far_clusters(seed: Seed, n: usize, n_features: usize) -> DataSet {
    let mut rng = stream(seed, 6);
    let mut set = DataSet { values: Vec::with_capacity(n * n_features), n_features, labels: Vec::new() };
    for i in 0..n {
        let far = i % 2 == 1;
        for feature in 0..n_features {
            let center = if far && feature == 0 { 1e6 } else { 0.0 };
            set.values.push(center + normal(&mut rng));
        }
        set.labels.push(u32::from(far));
    }
    set
}

/// Normal points, the last of which lies 1000 standard deviations away along every feature.
#[must_use]
pub fn far_outlier(seed: Seed, n: usize, n_features: usize) -> DataSet {
    let mut rng = stream(seed, 7);
    let mut values: Vec<f64> = (0..n * n_features).map(|_| normal(&mut rng)).collect();
    if let Some(last) = n.checked_sub(1) {
        values[last * n_features..].fill(1000.0);
    }
    DataSet::unlabeled(values, n_features)
}

/// The small sets on which conformance is checked, with their names: an ordinary one and every awkward one above.
#[must_use]
pub fn suite(seed: Seed) -> Vec<(&'static str, DataSet)> {
    vec![
        ("blobs", blobs(seed, 240, 10, 5)),
        ("ring", ring(seed, 150, 0.01)),
        ("swiss roll", swiss_roll(seed, 200, 0.05)),
        ("uniform, 1 feature", uniform(seed, 100, 1)),
        ("uniform, 33 features", uniform(seed, 120, 33)),
        ("duplicates", duplicates(seed, 150, 4)),
        ("identical", identical(40, 3)),
        ("collinear", collinear(60, 3)),
        ("integer grid", integer_grid(5, 3)),
        ("far clusters", far_clusters(seed, 120, 4)),
        ("far outlier", far_outlier(seed, 90, 6)),
        ("two points", uniform(seed, 2, 3)),
        ("three points", uniform(seed, 3, 2)),
        ("seven points", uniform(seed, 7, 5)),
    ]
}

/// Fisher's irises: 150 flowers, 4 features, 3 species as labels 0, 1, 2. From the UCI Machine Learning Repository
/// (<https://doi.org/10.24432/C56C76>, CC BY 4.0). Contains equal rows.
#[must_use]
pub fn iris() -> DataSet {
    parse(include_str!("../data/iris.csv"), |species| match species {
        "setosa" => 0,
        "versicolor" => 1,
        _ => 2,
    })
}

/// Handwritten digits: 1797 images of 8 x 8 pixels from 0 to 16, labels 0 to 9. The test half of "Optical Recognition
/// of Handwritten Digits", UCI Machine Learning Repository (<https://doi.org/10.24432/C50P49>, CC BY 4.0).
#[must_use]
pub fn digits() -> DataSet {
    parse(include_str!("../data/digits.csv"), |digit| digit.parse().expect("a digit"))
}

/// `n` positions uniform in a cube of side `span` around the origin.
#[must_use]
pub fn map<T: Scalar, const D: usize>(seed: Seed, n: usize, span: f64) -> Vec<[T; D]> {
    let mut rng = stream(seed, 8);
    (0..n).map(|_| [(); D].map(|()| T::lit(span * (rng.random::<f64>() - 0.5)))).collect()
}

/// `n` normal positions of standard deviation `scale`, as a map starts with `scale` 1e-4.
#[must_use]
pub fn normal_map<T: Scalar, const D: usize>(seed: Seed, n: usize, scale: f64) -> Vec<[T; D]> {
    let mut rng = stream(seed, 9);
    (0..n).map(|_| [(); D].map(|()| T::lit(scale * normal(&mut rng)))).collect()
}

/// `n` positions in ten Gaussian clusters that together span about `span`, as a finished map looks.
#[must_use]
pub fn clustered_map<T: Scalar, const D: usize>(seed: Seed, n: usize, span: f64) -> Vec<[T; D]> {
    let mut rng = stream(seed, 10);
    let centers = [[(); D]; 10].map(|center| center.map(|()| span * 0.8 * (rng.random::<f64>() - 0.5)));
    (0..n)
        .map(|i| {
            let center = &centers[i % centers.len()];
            std::array::from_fn(|axis| T::lit(center[axis] + span * 0.04 * normal(&mut rng)))
        })
        .collect()
}

/// `n` positions of a `span` up to 128 whose coordinates are multiples of 1/256: shifting them by 1024 is exact, even
/// in f32. Some coincide where the lattice is small.
#[must_use]
pub fn lattice_map<T: Scalar, const D: usize>(seed: Seed, n: usize, span: f64) -> Vec<[T; D]> {
    let mut map = map::<f64, D>(seed, n, span);
    map.as_flattened_mut().iter_mut().for_each(|x| *x = (*x * 256.0).round() / 256.0);
    map.iter().map(|y| y.map(T::lit)).collect()
}

fn parse(text: &str, label: impl Fn(&str) -> u32) -> DataSet {
    let mut set = DataSet { values: Vec::new(), n_features: 0, labels: Vec::new() };
    for line in text.lines().skip(1) {
        let (features, name) = line.rsplit_once(',').expect("a row ends with its label");
        let before = set.values.len();
        set.values.extend(features.split(',').map(|x| x.parse::<f64>().expect("a number")));
        set.n_features = set.values.len() - before;
        set.labels.push(label(name));
    }
    set
}

fn stream(seed: Seed, label: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed.derive(label).0)
}

fn normal(rng: &mut Xoshiro256PlusPlus) -> f64 {
    StandardNormal.sample(rng)
}

/// A small count as a number.
fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).expect("test data are small"))
}
