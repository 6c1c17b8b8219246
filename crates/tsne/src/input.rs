//! What a fit begins with: points, an index, affinities, or several of them.

use std::sync::Arc;

use tsne_core::{NeighborIndex, NeighborQuery, Points, Scalar, ShapeError};

use crate::{Data, Error, JointAffinities, Rows, Samples};

/// What a map is made of. Whatever is given is not computed.
///
/// | given | neighbors from | affinities | initial positions by `pca` | [`transform`](crate::TsneEmbedding::transform) |
/// | --- | --- | --- | --- | --- |
/// | [`Points`] | a search | computed | yes | after [`keep_data`](crate::TsneEmbedding::keep_data) |
/// | `&` any [container](Samples) | a search | computed | yes | after `keep_data` |
/// | `&Arc<Data>` | a search | computed | yes | yes |
/// | [`from_index`](Self::from_index) | the index | computed | with points | after `keep_index` |
/// | [`from_affinities`](Self::from_affinities) | | as given | with points | after `keep_data`, if their family has a rule for new rows |
///
/// Without points, `pca` becomes `spectral`, with a warning.
#[derive(Clone, Debug)]
pub struct Input<'a, T: Scalar> {
    pub(crate) points: Option<Given<'a, T>>,
    pub(crate) index: Option<Index<'a, T>>,
    pub(crate) affinities: Option<JointAffinities<T>>,
}

/// Points, borrowed or shared.
#[derive(Clone, Debug)]
pub(crate) enum Given<'a, T> {
    Borrowed(Points<'a, T>),
    /// Samples copied out of their container.
    Rows(Rows<'a, T>),
    Shared(Arc<Data<T>>),
    /// Samples of no proper shape, which a fit refuses.
    Misshapen(ShapeError),
}

/// An index, borrowed for the fit or shared for later.
#[derive(Clone)]
pub(crate) enum Index<'a, T> {
    Borrowed(&'a dyn NeighborIndex<T>),
    Shared(Arc<dyn NeighborQuery<T>>),
}

impl<T> std::fmt::Debug for Index<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Borrowed(_) => "Index::Borrowed",
            Self::Shared(_) => "Index::Shared",
        })
    }
}

impl<'a, T: Scalar> Input<'a, T> {
    const NONE: Self = Self { points: None, index: None, affinities: None };

    /// Neighbors from an index of one's own, or from a [`KnnGraph`](crate::core::KnnGraph), which is one.
    #[must_use]
    pub fn from_index(index: &'a dyn NeighborIndex<T>) -> Self {
        Self { index: Some(Index::Borrowed(index)), ..Self::NONE }
    }

    /// Neighbors from an index that the map keeps, to place new points by it.
    #[must_use]
    pub fn from_shared_index(index: Arc<dyn NeighborQuery<T>>) -> Self {
        Self { index: Some(Index::Shared(index)), ..Self::NONE }
    }

    /// Affinities of one's own. What concerns neighbors and affinities in the configuration is not used then.
    #[must_use]
    pub fn from_affinities(affinities: impl Into<JointAffinities<T>>) -> Self {
        Self { affinities: Some(affinities.into()), ..Self::NONE }
    }

    /// Adds the points, for an initialization by principal components.
    #[must_use]
    pub fn with_points(mut self, points: Points<'a, T>) -> Self {
        self.points = Some(Given::Borrowed(points));
        self
    }

    /// Adds points that the map keeps.
    #[must_use]
    pub fn with_data(mut self, data: &Arc<Data<T>>) -> Self {
        self.points = Some(Given::Shared(Arc::clone(data)));
        self
    }

    pub(crate) fn points(&self) -> Result<Option<Points<'_, T>>, Error> {
        Ok(match &self.points {
            None => None,
            Some(Given::Borrowed(points)) => Some(*points),
            Some(Given::Rows(rows)) => Some(rows.points()),
            Some(Given::Shared(data)) => Some(data.points()),
            Some(Given::Misshapen(error)) => return Err(error.clone().into()),
        })
    }

    pub(crate) fn index(&self) -> Option<&dyn NeighborIndex<T>> {
        self.index.as_ref().map(|index| match index {
            Index::Borrowed(index) => *index,
            Index::Shared(index) => index as &dyn NeighborIndex<T>,
        })
    }

    /// Number of points, on which all that is given must agree.
    pub(crate) fn n_points(&self) -> Result<usize, Error> {
        let counts = [
            ("points", self.points()?.map(|points| points.n_points())),
            ("index", self.index().map(|index| index.n_points())),
            ("affinities", self.affinities.as_ref().map(|p| p.matrix.n_rows())),
        ];
        let mut known = counts.iter().filter_map(|&(what, count)| Some((what, count?)));
        let Some((first, n_points)) = known.next() else { return Err(Error::NoInput) };
        match known.find(|&(_, count)| count != n_points) {
            Some((what, got)) => Err(Error::Contradiction { first, n_points, what, got }),
            None => Ok(n_points),
        }
    }
}

impl<'a, T: Scalar> From<Points<'a, T>> for Input<'a, T> {
    fn from(points: Points<'a, T>) -> Self {
        Self::NONE.with_points(points)
    }
}

impl<'a, T: Scalar, S: Samples<T>> From<&'a S> for Input<'a, T> {
    /// Samples in any [container](Samples); what is wrong with their shape is told by the fit.
    fn from(samples: &'a S) -> Self {
        let given = match samples.as_rows() {
            Ok(rows) => Given::Rows(rows),
            Err(error) => Given::Misshapen(error),
        };
        Self { points: Some(given), ..Self::NONE }
    }
}

impl<T: Scalar> From<&Arc<Data<T>>> for Input<'_, T> {
    fn from(data: &Arc<Data<T>>) -> Self {
        Self::NONE.with_data(data)
    }
}

impl<T: Scalar> From<Arc<Data<T>>> for Input<'_, T> {
    fn from(data: Arc<Data<T>>) -> Self {
        Self::NONE.with_data(&data)
    }
}
