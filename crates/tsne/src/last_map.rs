//! The map an error carries, whatever its precision and dimension.

use std::any::Any;
use std::fmt;

use tsne_core::Scalar;

use crate::{PartialTsneEmbedding, TsneEmbedding};

/// The last good map of a run that ended in an error.
///
/// Errors do not know the precision and dimension of a map; who asks for the right ones gets it back.
pub struct LastMap(Box<dyn Any + Send + Sync>);

impl LastMap {
    pub(crate) fn new(map: impl Any + Send + Sync) -> Self {
        Self(Box::new(map))
    }

    /// The map, if it is one of this precision and dimension.
    #[must_use]
    pub fn into_embedding<T: Scalar, const D: usize>(self) -> Option<TsneEmbedding<T, D>> {
        self.0.downcast().ok().map(|map| *map)
    }

    /// The new points, if they are of this precision and dimension.
    #[must_use]
    pub fn into_partial<T: Scalar, const D: usize>(self) -> Option<PartialTsneEmbedding<T, D>> {
        self.0.downcast().ok().map(|map| *map)
    }
}

impl fmt::Debug for LastMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LastMap")
    }
}
