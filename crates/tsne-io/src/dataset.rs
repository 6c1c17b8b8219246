//! What a data file yields: the numbers to embed, and the labels and ids that go with them; and what to read of it.

use std::fmt;

use crate::{Labels, Matrix, Missing};

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
    /// A sparse matrix of scipy in a numpy archive.
    Csr {
        /// Number of entries stored.
        n_entries: usize,
    },
    /// A Matrix Market file.
    MatrixMarket {
        /// What its first line says after `%%MatrixMarket`.
        banner: String,
        /// Number of entries stored, after symmetry is written out.
        n_entries: usize,
    },
    /// A Parquet file.
    Parquet {
        /// Number of row groups.
        n_row_groups: usize,
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
            Self::Csr { n_entries } => write!(f, "sparse matrix of {n_entries} entries"),
            Self::MatrixMarket { banner, n_entries } => {
                write!(f, "Matrix Market ({banner}), {n_entries} entries")
            }
            Self::Parquet { n_row_groups: 1 } => write!(f, "Parquet, 1 row group"),
            Self::Parquet { n_row_groups } => write!(f, "Parquet, {n_row_groups} row groups"),
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
    /// Cells that held no finite number and were dealt with as [`ReadOptions::missing`] says.
    pub n_missing: usize,
    /// Rows of the file.
    pub n_rows_in_file: usize,
    /// Rows of the file that are left, counted from 0, if some are not.
    pub kept_rows: Option<Vec<usize>>,
}

impl Dataset {
    /// Leaves only the rows of these numbers, with their labels and ids.
    ///
    /// # Panics
    /// If the numbers do not increase strictly or are not below the number of rows.
    pub fn keep_rows(&mut self, rows: &[usize]) {
        assert!(rows.is_sorted_by(|a, b| a < b), "row numbers must increase");
        let n_rows = self.features.n_rows();
        assert!(rows.last().is_none_or(|&last| last < n_rows), "row numbers must be below {n_rows}");
        self.features.keep_rows(rows);
        if let Some(labels) = &mut self.labels {
            *labels = labels.of_rows(rows);
        }
        if let Some(ids) = &mut self.ids {
            for (to, &from) in rows.iter().enumerate() {
                ids.swap(to, from);
            }
            ids.truncate(rows.len());
        }
        self.kept_rows = Some(match &self.kept_rows {
            Some(kept) => rows.iter().map(|&row| kept[row]).collect(),
            None => rows.to_vec(),
        });
    }
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
    /// Columns to leave out, or ranges of them such as `3-7`.
    pub drop: Vec<String>,
    /// Columns, or ranges of them, that alone are features; all that have no other use if empty.
    pub columns: Vec<String>,
    /// What is done about features without a finite number.
    pub missing: Missing,
}
