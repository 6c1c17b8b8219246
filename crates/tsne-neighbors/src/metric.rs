//! What near means: every distance by name, with one meaning whatever the index (\[M53\], \[M54\]).

use std::fmt;
use std::mem::discriminant;
use std::sync::Arc;

use crate::error::Error;

/// A distance between points.
///
/// Each has one mathematical meaning, the same in every index; `docs/math.md` (\[M53\], \[M54\]) has the formulas.
/// Zero rows under [`Cosine`](Self::Cosine), and constant rows under [`Correlation`](Self::Correlation) and
/// [`Spearman`](Self::Spearman), are at distance 0 from each other and 1 from all others.
///
/// ```
/// use tsne_neighbors::{Metric, MetricParameters};
///
/// assert_eq!(Metric::from_name("l1", &MetricParameters::default())?, Metric::Manhattan);
/// let p3 = MetricParameters { p: Some(3.0), ..MetricParameters::default() };
/// assert_eq!(Metric::from_name("minkowski", &p3)?, Metric::Minkowski { p: 3.0 });
/// # Ok::<(), tsne_neighbors::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Metric {
    /// √Σ (a − b)².
    #[default]
    Euclidean,
    /// Σ (a − b)².
    SquaredEuclidean,
    /// √Σ (a − b)² / V.
    StandardizedEuclidean {
        /// V, one a feature and above 0; none means the variances of the indexed points (divided by n − 1).
        variances: Option<Vec<f64>>,
    },
    /// √((a − b)ᵀ VI (a − b)).
    Mahalanobis {
        /// VI, row by row, symmetric and not negative.
        inverse_covariance: Vec<f64>,
    },
    /// Σ |a − b|.
    Manhattan,
    /// max |a − b|.
    Chebyshev,
    /// (Σ |a − b|^p)^(1/p).
    Minkowski {
        /// p, above 0.
        p: f64,
    },
    /// (Σ w |a − b|^p)^(1/p).
    WeightedMinkowski {
        /// p, above 0.
        p: f64,
        /// w, one a feature, none negative.
        weights: Vec<f64>,
    },
    /// 1 − cos of the angle.
    Cosine,
    /// 1 − a·b on rows of length 1; other rows are refused.
    Dot,
    /// The angle, divided by π.
    TrueAngular,
    /// 1 − Pearson's correlation.
    Correlation,
    /// 1 − Spearman's correlation of ranks.
    Spearman,
    /// Σ |a − b| / (|a| + |b|), where 0/0 is 0.
    Canberra,
    /// Σ |a − b| / Σ |a + b|.
    BrayCurtis,
    /// Share of the features that differ.
    Hamming,
    /// Share of the features that are zero in one row only.
    Matching,
    /// Of the features not zero in either row, the share that is zero in the other.
    Jaccard,
    /// Dice's dissimilarity of the sets of features that are not zero.
    Dice,
    /// Kulsinski's.
    Kulsinski,
    /// Rogers' and Tanimoto's.
    RogersTanimoto,
    /// Russell's and Rao's.
    RussellRao,
    /// Sokal's and Michener's.
    SokalMichener,
    /// Sokal's and Sneath's.
    SokalSneath,
    /// Yule's.
    Yule,
    /// Angle of a great circle between (latitude, longitude) in radians.
    Haversine,
    /// √(1 − Σ √(p q)) of the shares p, q of each feature in its row.
    Hellinger,
    /// Jensen's and Shannon's divergence of the shares, in nats.
    JensenShannon,
    /// KL(p‖q) + KL(q‖p) of the shares, smoothed.
    SymmetricKl,
    /// Earth mover's distance of the shares along the order of features.
    Wasserstein,
    /// The same on a circle.
    CircularWasserstein,
    /// TS-SS: triangle times sector.
    TriangleSector,
    /// Number of bits that differ; rows of bytes.
    BitHamming,
    /// Of the bits set in either row, the share not set in both; rows of bytes.
    BitJaccard,
    /// A function of your own.
    Custom(CustomMetric),
}

/// Parameters that some metrics take, by the names of the field; the others stay unset.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "built with ..Default::default()")]
pub struct MetricParameters {
    /// Power of minkowski and its weighted form, 2 if unset.
    pub p: Option<f64>,
    /// V of seuclidean.
    pub variances: Option<Vec<f64>>,
    /// VI of mahalanobis, row by row.
    pub inverse_covariance: Option<Vec<f64>>,
    /// w of wminkowski.
    pub weights: Option<Vec<f64>>,
}

/// A distance given as a function of two rows: finite, not negative, symmetric.
#[derive(Clone)]
pub struct CustomMetric(Arc<Function>);

type Function = dyn Fn(&[f64], &[f64]) -> f64 + Send + Sync;

impl CustomMetric {
    /// Wraps `distance`. It is called with rows of the points, in f64; a result that is NaN or negative becomes an
    /// error that names the two rows.
    pub fn new(distance: impl Fn(&[f64], &[f64]) -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(distance))
    }

    pub(crate) fn between(&self, a: &[f64], b: &[f64]) -> f64 {
        (self.0)(a, b)
    }
}

impl fmt::Debug for CustomMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomMetric")
    }
}

/// The same function, not one that computes the same.
impl PartialEq for CustomMetric {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Every metric with its names, the first being its own. Parameters that are needed are still empty.
static NAMED: &[(Metric, &[&str])] = &[
    (Metric::Euclidean, &["euclidean", "l2"]),
    (Metric::SquaredEuclidean, &["sqeuclidean"]),
    (Metric::StandardizedEuclidean { variances: None }, &["seuclidean", "standardised_euclidean"]),
    (Metric::Mahalanobis { inverse_covariance: Vec::new() }, &["mahalanobis"]),
    (Metric::Manhattan, &["manhattan", "l1", "cityblock", "taxicab"]),
    (Metric::Chebyshev, &["chebyshev", "infinity", "linfinity", "linfty", "linf"]),
    (Metric::Minkowski { p: 2.0 }, &["minkowski", "p"]),
    (Metric::WeightedMinkowski { p: 2.0, weights: Vec::new() }, &["wminkowski", "weighted_minkowski"]),
    (Metric::Cosine, &["cosine"]),
    (Metric::Dot, &["dot", "ip"]),
    (Metric::TrueAngular, &["true_angular"]),
    (Metric::Correlation, &["correlation"]),
    (Metric::Spearman, &["spearmanr"]),
    (Metric::Canberra, &["canberra"]),
    (Metric::BrayCurtis, &["braycurtis"]),
    (Metric::Hamming, &["hamming"]),
    (Metric::Matching, &["matching"]),
    (Metric::Jaccard, &["jaccard"]),
    (Metric::Dice, &["dice"]),
    (Metric::Kulsinski, &["kulsinski"]),
    (Metric::RogersTanimoto, &["rogerstanimoto"]),
    (Metric::RussellRao, &["russellrao"]),
    (Metric::SokalMichener, &["sokalmichener"]),
    (Metric::SokalSneath, &["sokalsneath"]),
    (Metric::Yule, &["yule"]),
    (Metric::Haversine, &["haversine"]),
    (Metric::Hellinger, &["hellinger"]),
    (Metric::JensenShannon, &["jensen_shannon", "jensen-shannon"]),
    (Metric::SymmetricKl, &["symmetric_kl", "symmetric-kl", "symmetric_kullback_liebler"]),
    (
        Metric::Wasserstein,
        &[
            "wasserstein",
            "wasserstein_1d",
            "wasserstein-1d",
            "kantorovich",
            "kantorovich_1d",
            "kantorovich-1d",
        ],
    ),
    (Metric::CircularWasserstein, &["circular_wasserstein", "circular_kantorovich"]),
    (Metric::TriangleSector, &["tsss"]),
    (Metric::BitHamming, &["bit_hamming"]),
    (Metric::BitJaccard, &["bit_jaccard"]),
];

impl Metric {
    /// The metric called `name`, with the parameters it takes.
    ///
    /// # Errors
    /// When there is no such metric, a parameter it needs is missing (VI of "mahalanobis", w of "wminkowski"), or one
    /// is given that it does not take.
    pub fn from_name(name: &str, parameters: &MetricParameters) -> Result<Self, Error> {
        let Some((metric, names)) = NAMED.iter().find(|(_, names)| names.contains(&name)) else {
            return Err(Error::UnknownMetric { name: name.to_owned(), known: Self::names().collect() });
        };
        let (mut metric, name) = (metric.clone(), names[0]);
        let missing = |parameter| Error::MissingParameter { metric: name, parameter };
        let mut given = parameters.clone();
        match &mut metric {
            Self::StandardizedEuclidean { variances } => *variances = given.variances.take(),
            Self::Mahalanobis { inverse_covariance } => {
                *inverse_covariance =
                    given.inverse_covariance.take().ok_or(missing("VI, the inverse covariance"))?;
            }
            Self::Minkowski { p } => *p = given.p.take().unwrap_or(*p),
            Self::WeightedMinkowski { p, weights } => {
                *p = given.p.take().unwrap_or(*p);
                *weights = given.weights.take().ok_or(missing("w, the weights"))?;
            }
            _ => {}
        }
        for (parameter, unused) in [
            ("p", given.p.is_some()),
            ("V", given.variances.is_some()),
            ("VI", given.inverse_covariance.is_some()),
            ("w", given.weights.is_some()),
        ] {
            if unused {
                return Err(Error::SuperfluousParameter { metric: name, parameter });
            }
        }
        Ok(metric)
    }

    /// Every name that [`from_name`](Self::from_name) knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().flat_map(|(_, names)| names.iter().copied())
    }

    /// The first of its names; "custom" for a function.
    #[must_use]
    pub fn name(&self) -> &'static str {
        let named = NAMED.iter().find(|(metric, _)| discriminant(metric) == discriminant(self));
        named.map_or("custom", |(_, names)| names[0])
    }
}
