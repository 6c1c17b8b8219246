//! P as a map keeps it, and what it takes to weigh new points.

use std::fmt;
use std::sync::{Arc, OnceLock};

use tsne_affinity::{
    AllPairs, Calibration, FixedSigma, Multiscale, MultiscaleMixture, PerplexityBased, Placement,
    Precomputed, Uniform,
};
use tsne_core::{Affinities, Control, Csr, NeighborQuery, NewAffinities, NewRows, Points, Scalar, ToNew};
use tsne_optim::CheckedAffinities;

use crate::Error;

/// Affinities handed to a fit or a map: P itself, and, where their family has a rule for it, how new points are weighed.
///
/// Made by `into` from every family of [`affinity`](crate::affinity) and from a [`Csr`] matrix, all of which move and
/// copy nothing; by [`of`](Self::of) from any other implementation of [`Affinities`].
#[derive(Clone)]
pub struct JointAffinities<T> {
    pub(crate) matrix: Arc<Csr<T>>,
    pub(crate) calibration: Option<Arc<Calibration>>,
    pub(crate) placing: Placing<T>,
    /// What was found out about the matrix when it was looked through.
    pub(crate) checked: OnceLock<CheckedAffinities<()>>,
}

/// How rows of new points come about.
#[derive(Clone)]
pub(crate) enum Placing<T> {
    /// By the rule of a family.
    Rule(Placement),
    /// By somebody else's.
    Custom(Arc<dyn ToNew<T>>),
    /// There is none.
    None,
}

impl<T: Scalar> JointAffinities<T> {
    /// A matrix without a rule for new points; the rows are copied where the type cannot give them away.
    #[must_use]
    pub fn of(affinities: impl Affinities<T> + 'static) -> Self {
        Box::new(affinities).into_csr().into()
    }

    /// Affinities with a rule for new points of their own. They are kept, beside a copy of their rows.
    #[must_use]
    pub fn with_new_rows(affinities: Arc<dyn ToNew<T>>) -> Self {
        let rows: Box<dyn Affinities<T>> = Box::new(Arc::clone(&affinities));
        Self { placing: Placing::Custom(affinities), ..rows.into_csr().into() }
    }

    /// P.
    #[must_use]
    pub fn matrix(&self) -> &Csr<T> {
        &self.matrix
    }

    /// What was attained and what could not be, where the family reports it.
    #[must_use]
    pub fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_deref()
    }

    /// The rule for new points, where a family of [`affinity`](crate::affinity) has given one.
    #[must_use]
    pub fn placement(&self) -> Option<&Placement> {
        match &self.placing {
            Placing::Rule(rule) => Some(rule),
            _ => None,
        }
    }

    /// P as a descent takes it: looked through the first time, and not again.
    pub(crate) fn checked(&self) -> Result<CheckedAffinities<&Csr<T>>, Error> {
        if let Some(checked) = self.checked.get() {
            return Ok(checked.map(|()| &*self.matrix));
        }
        let checked = CheckedAffinities::new(&*self.matrix)?;
        self.checked.get_or_init(|| checked.map(|_| ()));
        Ok(checked)
    }

    /// [`checked`](Self::checked) for a run, which renumbers P in place where no one else holds it.
    pub(crate) fn checked_mut(&mut self) -> Result<CheckedAffinities<&mut Arc<Csr<T>>>, Error> {
        let checked = self.checked()?.map(|_| ());
        Ok(checked.map(|()| &mut self.matrix))
    }

    /// Rows of new points over those of `index`.
    pub(crate) fn new_rows(
        &self,
        index: &dyn NeighborQuery<T>,
        points: Points<'_, T>,
        request: &NewRows,
        control: &Control<'_>,
    ) -> Result<NewAffinities<T>, Error> {
        match &self.placing {
            Placing::Rule(rule) => Ok(rule.new_rows(index, points, request, control)?),
            Placing::Custom(family) => {
                family.to_new(index, points, request, control).map_err(Error::NewAffinities)
            }
            Placing::None => Err(Error::NoNewRows),
        }
    }
}

impl<T: Scalar> fmt::Debug for JointAffinities<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let placing: &dyn fmt::Debug = match &self.placing {
            Placing::Rule(rule) => rule,
            Placing::Custom(_) => &"custom",
            Placing::None => &"none",
        };
        f.debug_struct("JointAffinities")
            .field("n_points", &self.matrix.n_rows())
            .field("n_entries", &self.matrix.n_entries())
            .field("placing", placing)
            .finish_non_exhaustive()
    }
}

impl<T> From<Arc<Csr<T>>> for JointAffinities<T> {
    fn from(matrix: Arc<Csr<T>>) -> Self {
        Self { matrix, calibration: None, placing: Placing::None, checked: OnceLock::new() }
    }
}

impl<T> From<Csr<T>> for JointAffinities<T> {
    fn from(matrix: Csr<T>) -> Self {
        Arc::new(matrix).into()
    }
}

impl<T: Scalar> From<Precomputed<T>> for JointAffinities<T> {
    fn from(family: Precomputed<T>) -> Self {
        Self::of(family)
    }
}

impl<T: Scalar> From<AllPairs<T>> for JointAffinities<T> {
    fn from(family: AllPairs<T>) -> Self {
        Self::with_new_rows(Arc::new(family))
    }
}

macro_rules! from_family {
    ($($family:ident),*) => {$(
        impl<T: Scalar> From<$family<T>> for JointAffinities<T> {
            fn from(family: $family<T>) -> Self {
                let (matrix, calibration, placement) = family.into_parts();
                Self {
                    matrix: Arc::new(matrix),
                    calibration: Some(Arc::new(calibration)),
                    placing: Placing::Rule(placement),
                    checked: OnceLock::new(),
                }
            }
        }
    )*};
}
from_family!(PerplexityBased, MultiscaleMixture, Multiscale, FixedSigma, Uniform);
