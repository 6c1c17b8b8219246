//! The repulsions the lab can be asked for, by name and parameters.

use anyhow::{Result, bail};
use tsne_core::{NegativeGradient, ReferenceField, Scalar, StudentT};

use crate::Args;

/// Names of the methods, for usage texts.
pub(crate) const METHODS: &str = "exact";

/// A way to compute a repulsion, with its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Method {
    Exact,
}

impl Method {
    /// Reads `--method` and the parameters it has.
    pub(crate) fn from_args(args: &mut Args) -> Result<Self> {
        match args.required::<String>("method")?.as_str() {
            "exact" => Ok(Self::Exact),
            other => bail!("--method {other}: expected {METHODS}"),
        }
    }

    /// Repulsion among the points of a map.
    pub(crate) fn build<T: Scalar, const D: usize>(
        self,
        kernel: StudentT,
    ) -> Result<Box<dyn NegativeGradient<T, D>>> {
        Ok(match self {
            Self::Exact => Box::new(tsne_bh::Exact::new(kernel)),
        })
    }

    /// Repulsion of a frozen map on new points.
    pub(crate) fn build_field<T: Scalar, const D: usize>(
        self,
        kernel: StudentT,
        reference: &[[T; D]],
    ) -> Result<Box<dyn ReferenceField<T, D>>> {
        Ok(match self {
            Self::Exact => Box::new(tsne_bh::ExactField::new(kernel, reference)?),
        })
    }

    /// Largest relative force error that is approximation or rounding; above it something is broken.
    pub(crate) fn force_error_bound<T: Scalar>(self) -> f64 {
        match self {
            Self::Exact => 1e3 * T::EPSILON.to_f64(),
        }
    }
}
