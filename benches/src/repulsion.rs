//! The repulsions the lab can be asked for, by name and parameters.

use anyhow::{Result, bail};
use tsne_core::{NegativeGradient, ReferenceField, Scalar, StudentT};

use crate::Args;

/// Names of the methods, for usage texts.
pub(crate) const METHODS: &str = "exact, bh or fft";

/// A way to compute a repulsion, with its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Method {
    Exact,
    BarnesHut(tsne_bh::Params),
    Fft(tsne_fft::Params),
}

impl Method {
    /// Reads `--method` and the parameters it has.
    pub(crate) fn from_args(args: &mut Args) -> Result<Self> {
        match args.required::<String>("method")?.as_str() {
            "exact" => Ok(Self::Exact),
            "bh" => {
                let params = tsne_bh::Params::default();
                let theta = args.optional("theta")?.unwrap_or(params.theta);
                Ok(Self::BarnesHut(params.with_theta(theta)))
            }
            "fft" => {
                let mut params = tsne_fft::Params::default();
                if let Some(count) = args.optional("n-interpolation-points")? {
                    params = params.with_n_interpolation_points(count);
                }
                if let Some(count) = args.optional("min-num-intervals")? {
                    params = params.with_min_num_intervals(count);
                }
                if let Some(side) = args.optional("ints-in-interval")? {
                    params = params.with_ints_in_interval(side);
                }
                Ok(Self::Fft(params))
            }
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
            Self::BarnesHut(params) => Box::new(tsne_bh::BarnesHut::new(kernel, params)?),
            Self::Fft(params) => Box::new(tsne_fft::ParticleMesh::new(kernel, params)?),
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
            Self::BarnesHut(params) => Box::new(tsne_bh::BarnesHutField::new(kernel, params, reference)?),
            Self::Fft(params) => {
                let padding = tsne_fft::ReferenceMesh::<T, D>::PADDING;
                Box::new(tsne_fft::ReferenceMesh::new(kernel, params, padding, reference)?)
            }
        })
    }

    /// Largest relative force error that is approximation or rounding; above it something is broken.
    pub(crate) fn force_error_bound<T: Scalar>(self) -> f64 {
        match self {
            Self::Exact => 1e3 * T::EPSILON.to_f64(),
            // Coarse parameters are legal; an answer this far off is no answer.
            Self::BarnesHut(_) | Self::Fft(_) => 0.3,
        }
    }
}
