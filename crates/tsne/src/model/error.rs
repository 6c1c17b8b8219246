//! What can be wrong with a model file.

use std::io;

/// Why a model was not written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The bytes are of another kind.
    #[error("this is not a model: it looks like {looks_like}")]
    NotAModel {
        /// What the first bytes are those of.
        looks_like: &'static str,
    },
    /// A format that this version does not know.
    #[error(
        "the model has format {major}.{minor}, this version reads up to {}.{}",
        super::MAJOR,
        super::MINOR
    )]
    Newer {
        /// Major version of the format.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// The bytes end too early.
    #[error("the model is cut off in its {what}")]
    Truncated {
        /// Where.
        what: &'static str,
    },
    /// The bytes are not those that were written.
    #[error("the checksum of the {what} does not match: the model is damaged")]
    Checksum {
        /// Which part.
        what: &'static str,
    },
    /// Parts that do not fit together.
    #[error("the model contradicts itself: {message}")]
    Contents {
        /// What does not fit.
        message: String,
    },
    /// A model of another precision or dimension than the one asked for.
    #[error(
        "the model has {n_components} components in {scalar}, asked for are {asked_components} in {asked_scalar}"
    )]
    OtherType {
        /// Precision of the model.
        scalar: String,
        /// Dimension of the model.
        n_components: usize,
        /// Precision asked for.
        asked_scalar: &'static str,
        /// Dimension asked for.
        asked_components: usize,
    },
    /// Sizes that no model can have.
    #[error("the {what} of the model is impossible")]
    Sizes {
        /// Which part.
        what: &'static str,
    },
    /// More notes than a model may hold.
    #[error("the notes of the model take {bytes} bytes, more than {max_bytes}")]
    NotesTooLarge {
        /// Bytes of names and texts.
        bytes: usize,
        /// The bound.
        max_bytes: usize,
    },
    /// Something that cannot be written to a file.
    #[error("{what} cannot be saved")]
    NotSavable {
        /// What.
        what: &'static str,
    },
    /// Reading or writing failed.
    #[error("{0}")]
    Io(#[source] io::Error),
}

impl ModelError {
    pub(super) fn contents(message: impl Into<String>) -> Self {
        Self::Contents { message: message.into() }
    }

    pub(super) fn reading(error: io::Error, what: &'static str) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated { what },
            _ => Self::Io(error),
        }
    }

    /// Stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NotAModel { .. } => "E501",
            Self::Newer { .. } => "E502",
            Self::Truncated { .. } => "E503",
            Self::Checksum { .. } => "E504",
            Self::Contents { .. } | Self::OtherType { .. } => "E505",
            Self::Sizes { .. } | Self::NotesTooLarge { .. } => "E506",
            Self::NotSavable { .. } => "E207",
            Self::Io(_) => "E602",
        }
    }

    /// What to do.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::NotAModel { .. } => "pass a file that TsneEmbedding::save has written",
            Self::Newer { .. } => "read it with a newer version",
            Self::Truncated { .. } | Self::Checksum { .. } => "copy or make the file again",
            Self::Contents { .. } | Self::Sizes { .. } => "make the file again",
            Self::NotesTooLarge { .. } => "keep what is long in a file of its own",
            Self::OtherType { .. } => "ask for the type that ModelInfo names",
            Self::NotSavable { .. } => "use a metric that has a name, and finite data",
            Self::Io(_) => "check the path, its permissions and the free space",
        }
    }
}
