//! The kernel of the map: a Student t distribution with any degrees of freedom.

/// Shape of the similarity kernel in the map (\[M5\] of `docs/math.md`; Kobak et al. 2019).
///
/// With s = 1 / (1 + d²/ν) the kernel is w = s^ν; the attraction weighs by s and the repulsion by s^(ν+1).
/// ν = 1 is the t-SNE of the papers, w = 1 / (1 + d²).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StudentT {
    dof: f64,
}

/// Degrees of freedom that are not a finite number above 0.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("dof must be a finite number above 0, got {dof}; 1 is the usual kernel")]
pub struct InvalidDof {
    /// The value given.
    pub dof: f64,
}

impl StudentT {
    /// ν = 1, the kernel of the papers.
    pub const CAUCHY: Self = Self { dof: 1.0 };

    /// The kernel with `dof` degrees of freedom.
    ///
    /// # Errors
    /// When `dof` is not a finite number above 0.
    pub fn with_dof(dof: f64) -> Result<Self, InvalidDof> {
        if dof.is_finite() && dof > 0.0 { Ok(Self { dof }) } else { Err(InvalidDof { dof }) }
    }

    /// ν.
    #[must_use]
    pub const fn dof(&self) -> f64 {
        self.dof
    }

    /// Whether ν is exactly 1, where no power is needed.
    #[must_use]
    pub fn is_cauchy(&self) -> bool {
        self.dof == 1.0
    }

    /// s = 1 / (1 + d²/ν), the weight of the attraction.
    #[must_use]
    #[inline]
    pub fn attraction(&self, d2: f64) -> f64 {
        1.0 / (1.0 + d2 / self.dof)
    }

    /// w = s^ν, the similarity before normalization.
    #[must_use]
    #[inline]
    pub fn similarity(&self, d2: f64) -> f64 {
        let s = self.attraction(d2);
        if self.is_cauchy() { s } else { s.powf(self.dof) }
    }

    /// s^(ν+1), the weight of the repulsion.
    #[must_use]
    #[inline]
    pub fn repulsion(&self, d2: f64) -> f64 {
        let s = self.attraction(d2);
        if self.is_cauchy() { s * s } else { s.powf(self.dof + 1.0) }
    }
}

impl Default for StudentT {
    fn default() -> Self {
        Self::CAUCHY
    }
}
