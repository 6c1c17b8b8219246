//! Distances between two rows of numbers that are not a Euclidean distance of anything: \[M54\].

use std::sync::Arc;

use fearless_simd::{Level, dispatch};

use crate::geometry::each;
use crate::lanes::{by_lanes, sum_lanes};
use crate::metric::CustomMetric;

/// A distance of two rows of equal length.
#[derive(Clone, Debug)]
pub(crate) enum Pair {
    Minkowski { p: f64 },
    WeightedMinkowski { p: f64, weights: Arc<[f64]> },
    Canberra,
    BrayCurtis,
    Hamming,
    Presence(fn(Presence) -> f64),
    Haversine,
    TriangleSector,
    CircularWasserstein,
    JensenShannon,
    SymmetricKl,
    BitHamming,
    BitJaccard,
    Custom(CustomMetric),
}

impl Pair {
    /// Distances from `a` to every row of `points`.
    pub(crate) fn fill(&self, a: &[f64], points: &[f64], distances: &mut [f64]) {
        // What vectorizes is dispatched; what calls a function a feature is not.
        let level = Level::new();
        macro_rules! vectorized {
            ($function:ident) => {
                dispatch!(level, _simd => each(a, points, distances, #[inline(always)] |a, b| $function(a, b)))
            };
        }
        match self {
            Self::Canberra => vectorized!(canberra),
            Self::BrayCurtis => vectorized!(bray_curtis),
            Self::Hamming => vectorized!(hamming),
            Self::Presence(combine) => {
                dispatch!(level, _simd => each(a, points, distances, #[inline(always)] |a, b| {
                    combine(presence(a, b))
                }));
            }
            Self::Minkowski { p } => each(a, points, distances, |a, b| minkowski(a, b, *p)),
            Self::WeightedMinkowski { p, weights } => {
                each(a, points, distances, |a, b| weighted_minkowski(a, b, *p, weights));
            }
            Self::Haversine => each(a, points, distances, haversine),
            Self::TriangleSector => each(a, points, distances, triangle_sector),
            Self::CircularWasserstein => each(a, points, distances, circular_wasserstein),
            Self::JensenShannon => each(a, points, distances, jensen_shannon),
            Self::SymmetricKl => each(a, points, distances, symmetric_kl),
            Self::BitHamming => each(a, points, distances, bit_hamming),
            Self::BitJaccard => each(a, points, distances, bit_jaccard),
            Self::Custom(distance) => each(a, points, distances, |a, b| distance.between(a, b)),
        }
    }
}

/// The largest difference is taken out, so that no power overflows.
fn minkowski(a: &[f64], b: &[f64], p: f64) -> f64 {
    let largest = a.iter().zip(b).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
    if largest == 0.0 {
        return 0.0;
    }
    largest * a.iter().zip(b).map(|(a, b)| ((a - b).abs() / largest).powf(p)).sum::<f64>().powf(1.0 / p)
}

fn weighted_minkowski(a: &[f64], b: &[f64], p: f64, weights: &[f64]) -> f64 {
    let largest = a.iter().zip(b).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
    if largest == 0.0 {
        return 0.0;
    }
    let terms = a.iter().zip(b).zip(weights).map(|((a, b), w)| w * ((a - b).abs() / largest).powf(p));
    largest * terms.sum::<f64>().powf(1.0 / p)
}

#[inline(always)]
fn canberra(a: &[f64], b: &[f64]) -> f64 {
    sum_lanes(by_lanes(
        a,
        b,
        #[inline(always)]
        |sum, a, b| {
            let size = a.abs() + b.abs();
            sum + if size == 0.0 { 0.0 } else { (a - b).abs() / size }
        },
    ))
}

#[inline(always)]
fn bray_curtis(a: &[f64], b: &[f64]) -> f64 {
    let apart = sum_lanes(by_lanes(
        a,
        b,
        #[inline(always)]
        |sum, a, b| sum + (a - b).abs(),
    ));
    let together = sum_lanes(by_lanes(
        a,
        b,
        #[inline(always)]
        |sum, a, b| sum + (a + b).abs(),
    ));
    if apart == 0.0 { 0.0 } else { apart / together }
}

#[inline(always)]
fn hamming(a: &[f64], b: &[f64]) -> f64 {
    let different = sum_lanes(by_lanes(
        a,
        b,
        #[inline(always)]
        |sum, a, b| sum + if a == b { 0.0 } else { 1.0 },
    ));
    different / a.len() as f64
}

/// How often features are not zero in both rows, in the first alone, in the second alone, and in neither.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presence {
    both: f64,
    first: f64,
    second: f64,
    neither: f64,
}

#[inline(always)]
fn presence(a: &[f64], b: &[f64]) -> Presence {
    let count = |value: f64| if value == 0.0 { 0.0 } else { 1.0 };
    let both = sum_lanes(by_lanes(
        a,
        b,
        #[inline(always)]
        |sum, a, b| sum + count(a) * count(b),
    ));
    let in_a = sum_lanes(by_lanes(
        a,
        b,
        #[inline(always)]
        |sum, a, _| sum + count(a),
    ));
    let in_b = sum_lanes(by_lanes(
        a,
        b,
        #[inline(always)]
        |sum, _, b| sum + count(b),
    ));
    Presence::from_counts(both, in_a, in_b, a.len())
}

impl Presence {
    /// From the number of features in both rows, in one, in the other, and altogether.
    #[inline(always)]
    pub(crate) fn from_counts(both: f64, in_a: f64, in_b: f64, n_features: usize) -> Self {
        let (first, second) = (in_a - both, in_b - both);
        Self { both, first, second, neither: n_features as f64 - both - first - second }
    }

    fn different(self) -> f64 {
        self.first + self.second
    }

    fn total(self) -> f64 {
        self.both + self.first + self.second + self.neither
    }

    pub(crate) fn matching(self) -> f64 {
        self.different() / self.total()
    }

    pub(crate) fn jaccard(self) -> f64 {
        ratio(self.different(), self.both + self.different())
    }

    pub(crate) fn dice(self) -> f64 {
        ratio(self.different(), 2.0 * self.both + self.different())
    }

    pub(crate) fn kulsinski(self) -> f64 {
        (self.different() - self.both + self.total()) / (self.different() + self.total())
    }

    pub(crate) fn rogers_tanimoto(self) -> f64 {
        2.0 * self.different() / (self.total() + self.different())
    }

    pub(crate) fn russell_rao(self) -> f64 {
        (self.total() - self.both) / self.total()
    }

    pub(crate) fn sokal_sneath(self) -> f64 {
        ratio(self.different(), 0.5 * self.both + self.different())
    }

    pub(crate) fn yule(self) -> f64 {
        let crossed = self.first * self.second;
        ratio(2.0 * crossed, self.both * self.neither + crossed)
    }
}

/// Nothing out of nothing is no distance.
fn ratio(part: f64, whole: f64) -> f64 {
    if part == 0.0 { 0.0 } else { part / whole }
}

/// Angle of a great circle; latitude and longitude in radians.
fn haversine(a: &[f64], b: &[f64]) -> f64 {
    let (latitude, longitude) = ((0.5 * (a[0] - b[0])).sin(), (0.5 * (a[1] - b[1])).sin());
    let square = latitude * latitude + a[0].cos() * b[0].cos() * longitude * longitude;
    2.0 * square.clamp(0.0, 1.0).sqrt().asin()
}

/// TS-SS of Heidarian and Dinneen (2016): area of a triangle times area of a sector.
fn triangle_sector(a: &[f64], b: &[f64]) -> f64 {
    let (mut aa, mut bb, mut ab, mut square) = (0.0, 0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        aa += a * a;
        bb += b * b;
        ab += a * b;
        square += (a - b) * (a - b);
    }
    let size = (aa * bb).sqrt();
    let cosine = if size == 0.0 { 0.0 } else { (ab / size).clamp(-1.0, 1.0) };
    let angle = cosine.acos() + 10.0_f64.to_radians();
    let reach = square.sqrt() + (aa.sqrt() - bb.sqrt()).abs();
    (0.5 * size * angle.sin().abs()) * (0.5 * reach * reach * angle)
}

/// Earth mover's distance on a circle between rows of cumulative shares (Rabin, Delon and Gousseau 2011): what remains
/// after the best constant flow, the median, is taken out.
fn circular_wasserstein(a: &[f64], b: &[f64]) -> f64 {
    let mut flows: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let middle = flows.len() / 2;
    let odd = !flows.len().is_multiple_of(2);
    let (lower, &mut above, _) = flows.select_nth_unstable_by(middle, f64::total_cmp);
    // The mean of the two in the middle, so that exchanging the rows changes nothing.
    let below = if odd { above } else { lower.iter().fold(f64::NEG_INFINITY, |m, &x| m.max(x)) };
    let median = 0.5 * (below + above);
    flows.iter().map(|flow| (flow - median).abs()).sum()
}

/// Rows of shares.
fn jensen_shannon(a: &[f64], b: &[f64]) -> f64 {
    let to_middle = |x: f64, middle: f64| if x == 0.0 { 0.0 } else { x * (x / middle).ln() };
    let terms = a.iter().zip(b).map(|(&a, &b)| {
        let middle = 0.5 * (a + b);
        to_middle(a, middle) + to_middle(b, middle)
    });
    // Rounding may leave a little less than nothing.
    (0.5 * terms.sum::<f64>()).max(0.0)
}

/// Rows of shares above 0.
fn symmetric_kl(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a / b).ln()).sum()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rows were checked to be bytes")]
fn bits(a: &[f64], b: &[f64], combine: impl Fn(u8, u8) -> u8) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(combine(a as u8, b as u8).count_ones())).sum()
}

fn bit_hamming(a: &[f64], b: &[f64]) -> f64 {
    bits(a, b, |a, b| a ^ b)
}

fn bit_jaccard(a: &[f64], b: &[f64]) -> f64 {
    ratio(bit_hamming(a, b), bits(a, b, |a, b| a | b))
}
