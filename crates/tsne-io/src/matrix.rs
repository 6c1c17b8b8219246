//! What a data file yields: the numbers to embed, and the labels and ids that go with them.

use std::collections::HashMap;
use std::fmt;

use crate::Error;

/// Numbers of a matrix, row after row.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "a consumer must handle every kind")]
pub enum Cells {
    /// Bytes, where the file says they are bytes.
    U8(Vec<u8>),
    /// Everything else.
    F64(Vec<f64>),
}

/// A matrix with one sample per row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    pub(crate) cells: Cells,
    pub(crate) n_features: usize,
}

impl Matrix {
    /// The numbers, row after row.
    #[must_use]
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// The numbers, row after row, by value.
    #[must_use]
    pub fn into_cells(self) -> Cells {
        self.cells
    }

    /// Number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        let len = match &self.cells {
            Cells::U8(values) => values.len(),
            Cells::F64(values) => values.len(),
        };
        len / self.n_features
    }

    /// Number of columns, at least 1.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.n_features
    }
}

/// One text per row, each distinct text stored once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    name: String,
    classes: Vec<String>,
    codes: Vec<u32>,
}

impl Labels {
    /// Labels from their texts, in row order.
    pub fn from_texts<S: AsRef<str>>(name: impl Into<String>, texts: impl IntoIterator<Item = S>) -> Self {
        let mut builder = LabelsBuilder::new(name.into());
        for text in texts {
            builder.push(text.as_ref());
        }
        builder.finish()
    }

    /// What the labels are called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The distinct texts in order of appearance.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// For each row, the index of its text in [`classes`](Self::classes).
    #[must_use]
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The text of row `i`.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Self::len).
    #[must_use]
    pub fn text(&self, i: usize) -> &str {
        &self.classes[self.codes[i] as usize]
    }
}

/// Collects [`Labels`] row by row.
#[derive(Debug)]
pub(crate) struct LabelsBuilder {
    labels: Labels,
    known: HashMap<String, u32>,
}

impl LabelsBuilder {
    pub(crate) fn new(name: String) -> Self {
        Self { labels: Labels { name, ..Labels::default() }, known: HashMap::new() }
    }

    pub(crate) fn push(&mut self, text: &str) {
        let code = match self.known.get(text) {
            Some(&code) => code,
            None => {
                let code = u32::try_from(self.labels.classes.len()).expect("rows are numbered by u32");
                self.labels.classes.push(text.to_owned());
                self.known.insert(text.to_owned(), code);
                code
            }
        };
        self.labels.codes.push(code);
    }

    pub(crate) fn finish(self) -> Labels {
        self.labels
    }
}

/// How the file was understood, for the user to check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Delimited text.
    Table {
        /// Byte between fields.
        delimiter: u8,
        /// Whether the first record names the columns.
        has_header: bool,
    },
    /// A numpy array.
    Npy {
        /// Type of its elements, as numpy writes it.
        descr: String,
    },
    /// An array of a numpy archive.
    Npz {
        /// Name of the array.
        name: String,
        /// Type of its elements, as numpy writes it.
        descr: String,
    },
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table { delimiter, has_header } => {
                let delimiter = match delimiter {
                    b',' => "comma".to_owned(),
                    b'\t' => "tab".to_owned(),
                    b';' => "semicolon".to_owned(),
                    b' ' => "space".to_owned(),
                    b'|' => "bar".to_owned(),
                    other => format!("'{}'", char::from(*other).escape_default()),
                };
                let header = if *has_header { "with a header" } else { "without a header" };
                write!(f, "{delimiter}-separated text {header}")
            }
            Self::Npy { descr } => write!(f, "numpy array of {descr}"),
            Self::Npz { name, descr } => write!(f, "numpy archive, array {name} of {descr}"),
        }
    }
}

/// A data file, read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Dataset {
    /// The numbers to embed.
    pub features: Matrix,
    /// Names of the feature columns, if the file has a header.
    pub feature_names: Option<Vec<String>>,
    /// The label column, if one was asked for.
    pub labels: Option<Labels>,
    /// The id column, if one was asked for.
    pub ids: Option<Vec<String>>,
    /// How the file was understood.
    pub format: Format,
    /// Integers that `f64` cannot hold and that were rounded to it.
    pub n_rounded_integers: usize,
}

/// What to read, and how, where guessing is not wanted.
///
/// Columns are given by name or by number, counted from 1; a name wins over a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Byte between the fields of a table; guessed if `None`.
    pub delimiter: Option<u8>,
    /// Whether the first record of a table names the columns; guessed if `None`.
    pub has_header: Option<bool>,
    /// Column to use as label instead of as a feature. In an archive, the name of an array.
    pub label: Option<String>,
    /// Column to use as id instead of as a feature. In an archive, the name of an array.
    pub id: Option<String>,
    /// Columns to leave out.
    pub drop: Vec<String>,
}

/// What each column is used for.
#[derive(Debug)]
pub(crate) struct Roles {
    /// Column of the label.
    pub(crate) label: Option<usize>,
    /// Column of the id.
    pub(crate) id: Option<usize>,
    /// Whether a column is a feature.
    pub(crate) is_feature: Vec<bool>,
    /// Number of features, at least 1.
    pub(crate) n_features: usize,
}

impl Roles {
    pub(crate) fn new(
        options: &ReadOptions,
        names: Option<&[String]>,
        n_columns: usize,
    ) -> Result<Self, Error> {
        let find = |wanted: &String| find_column(wanted, names, n_columns);
        let label = options.label.as_ref().map(find).transpose()?;
        let id = options.id.as_ref().map(find).transpose()?;
        let mut is_feature = vec![true; n_columns];
        for column in options.drop.iter().map(find) {
            is_feature[column?] = false;
        }
        for column in [label, id].into_iter().flatten() {
            is_feature[column] = false;
        }
        let n_features = is_feature.iter().filter(|&&yes| yes).count();
        if n_features == 0 {
            return Err(Error::NoFeatures { n_columns });
        }
        Ok(Self { label, id, is_feature, n_features })
    }
}

/// Index of the column that `wanted` names or numbers.
fn find_column(wanted: &str, names: Option<&[String]>, n_columns: usize) -> Result<usize, Error> {
    let named: Vec<usize> = names
        .unwrap_or_default()
        .iter()
        .enumerate()
        .filter(|(_, name)| *name == wanted)
        .map(|(i, _)| i)
        .collect();
    match named[..] {
        [only] => return Ok(only),
        [] => {}
        _ => {
            let numbers = named.iter().map(|i| i + 1).collect();
            return Err(Error::AmbiguousColumn { wanted: wanted.to_owned(), numbers });
        }
    }
    match wanted.parse::<usize>() {
        Ok(number) if (1..=n_columns).contains(&number) => Ok(number - 1),
        _ => {
            let same = |name: &&String| name.trim().eq_ignore_ascii_case(wanted.trim());
            let similar = names.unwrap_or_default().iter().find(same).cloned();
            Err(Error::NoSuchColumn { wanted: wanted.to_owned(), n_columns, similar })
        }
    }
}

/// Makes room for `additional` more values, or says that it cannot.
pub(crate) fn reserve<T>(values: &mut Vec<T>, additional: usize) -> Result<(), Error> {
    values
        .try_reserve(additional)
        .map_err(|_| Error::OutOfMemory { bytes: additional.saturating_mul(size_of::<T>()) })
}
