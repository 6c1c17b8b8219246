//! Choices a user makes by name, and how the names read.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// How nearest neighbors are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Neighbors {
    /// The fastest for the data, see [`Plan`](crate::Plan).
    #[default]
    Auto,
    /// All pairs, exact.
    Exact,
    /// The approximate search that openTSNE's `approx` means: the forest where it knows data and metric, else the descent.
    Approx,
    /// A forest of random-projection trees, [`tsne_neighbors::RandomProjectionForest`]: openTSNE's `annoy`.
    Annoy,
    /// Nearest-neighbor descent, [`tsne_neighbors::NnDescent`]: openTSNE's `pynndescent`.
    NnDescent,
    /// Layered graphs of the crate hnsw_rs, feature `hnsw`. Not the same bits every time.
    Hnsw,
    /// Layered graphs of the crate instant-distance, feature `instant-distance`. Not the same bits every time.
    InstantDistance,
}

impl Neighbors {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("auto", Self::Auto),
        ("exact", Self::Exact),
        ("approx", Self::Approx),
        ("annoy", Self::Annoy),
        ("nndescent", Self::NnDescent),
        ("pynndescent", Self::NnDescent),
        ("hnsw", Self::Hnsw),
        ("instant-distance", Self::InstantDistance),
    ];
}

/// How the repulsive half of the gradient is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NegativeGradientMethod {
    /// The fastest for the number of points and components, see [`Plan`](crate::Plan).
    #[default]
    Auto,
    /// All pairs, exact: [`tsne_bh::Exact`].
    Exact,
    /// The tree of Barnes and Hut: [`tsne_bh::BarnesHut`].
    BarnesHut,
    /// A particle mesh and fast Fourier transforms: [`tsne_fft::ParticleMesh`].
    Fft,
}

impl NegativeGradientMethod {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("auto", Self::Auto),
        ("exact", Self::Exact),
        ("bh", Self::BarnesHut),
        ("barnes-hut", Self::BarnesHut),
        ("fft", Self::Fft),
        ("interpolation", Self::Fft),
    ];
}

/// Where the points start.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Initialization<const D: usize> {
    /// First principal components, scaled to a standard deviation of 1e-4 (\[M12\]).
    #[default]
    Pca,
    /// Leading eigenvectors of P (\[M65\]), scaled like the principal components.
    Spectral,
    /// Independent normal positions of standard deviation 1e-4.
    Random,
    /// These positions, one a point, used as they are.
    Positions(Vec<[f64; D]>),
}

impl<const D: usize> Initialization<D> {
    const NAMES: &'static [(&'static str, Self)] =
        &[("pca", Self::Pca), ("spectral", Self::Spectral), ("random", Self::Random)];
}

/// Where new points start.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum NewPositions<const D: usize> {
    /// At the median of their nearest neighbors, axis by axis.
    #[default]
    Median,
    /// At the mean of their nearest neighbors, near ones weighing more.
    Weighted,
    /// At random, by the seed of the map and the values of the point.
    Random,
    /// At these positions, one a point.
    Positions(Vec<[f64; D]>),
}

impl<const D: usize> NewPositions<D> {
    const NAMES: &'static [(&'static str, Self)] =
        &[("median", Self::Median), ("weighted", Self::Weighted), ("random", Self::Random)];
}

macro_rules! named {
    ([$($generics:tt)*] $type:ty, $option:literal) => {
        impl<$($generics)*> FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                match Self::NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
                    Some((_, choice)) => Ok(choice.clone()),
                    None => Err(Error::UnknownValue {
                        option: $option,
                        value: text.to_owned(),
                        expected: Self::NAMES.iter().map(|(name, _)| *name).collect(),
                    }),
                }
            }
        }

        impl<$($generics)*> fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let name = Self::NAMES.iter().find(|(_, choice)| choice == self).map(|(name, _)| *name);
                f.write_str(name.unwrap_or("given positions"))
            }
        }
    };
}

named!([] Neighbors, "neighbors");
named!([] NegativeGradientMethod, "negative_gradient_method");
named!([const D: usize] Initialization<D>, "initialization");
named!([const D: usize] NewPositions<D>, "initialization");
