//! Affinities that are known to be a joint distribution's: checked once, descended along any number of times.

use tsne_core::{Affinities, Scalar};

use crate::Error;
use crate::descent::CHUNK;
use crate::divergence::Entropy;
use crate::validate::validate_affinities;

/// Affinities that were looked through once, so that a [`Descent`](crate::Descent) along them
/// [starts](crate::Descent::along) without reading them all.
///
/// Nothing may change in them afterwards, which holds for all that is reached through `A` without interior mutability.
#[derive(Clone, Copy, Debug)]
pub struct CheckedAffinities<A> {
    pub(crate) affinities: A,
    pub(crate) entropy: Entropy,
}

impl<A> CheckedAffinities<A> {
    /// Checks every entry and sums up what the divergence needs of P alone. Time O(entries).
    ///
    /// # Errors
    /// When the matrix is not square, or a row has a column out of range or a value that is not a finite number of at
    /// least 0.
    pub fn new<T: Scalar>(affinities: A) -> Result<Self, Error>
    where
        A: Affinities<T>,
    {
        let n = affinities.n_points();
        validate_affinities(&affinities, n, n)?;
        Ok(Self { entropy: Entropy::of(n, &|i| affinities.row(i), CHUNK), affinities })
    }

    /// The affinities.
    pub fn get(&self) -> &A {
        &self.affinities
    }

    /// What was found out, with the affinities in another container, which must hold the same entries.
    #[must_use]
    pub fn map<B>(self, container: impl FnOnce(A) -> B) -> CheckedAffinities<B> {
        CheckedAffinities { affinities: container(self.affinities), entropy: self.entropy }
    }

    /// The affinities by value.
    #[must_use]
    pub fn into_inner(self) -> A {
        self.affinities
    }
}
