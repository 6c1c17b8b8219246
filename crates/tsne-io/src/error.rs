//! One error type for every fault of a data file: what, where, what to do, and a stable code.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// A column as its user knows it: its number, counted from 1, and its name if there is a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Position, counted from 1.
    pub number: usize,
    /// Name in the header.
    pub name: Option<String>,
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}", self.number)?;
        match self.name.as_deref() {
            Some(name) if !name.is_empty() => write!(f, " ({})", shown(name)),
            _ => Ok(()),
        }
    }
}

/// Where a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowPlace {
    /// A line of a text file, counted from 1.
    Line(u64),
    /// A row of an array, counted from 0 as numpy does.
    Row(usize),
}

impl fmt::Display for RowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row} (counted from 0)"),
        }
    }
}

/// A cell that holds no finite number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadCell {
    /// Its row.
    pub row: RowPlace,
    /// Its column.
    pub column: Column,
    /// What it holds.
    pub text: String,
}

impl fmt::Display for BadCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} = \"{}\"", self.row, self.column, shown(&self.text))
    }
}

/// Why a file could not be read or written.
///
/// [`Display`](fmt::Display) says what is wrong, [`place`](Self::place) where, [`help`](Self::help) what to do about
/// it, and [`code`](Self::code) is stable across releases.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing but white space.
    #[error("the file is empty")]
    Empty,
    /// A header and nothing else.
    #[error("there is a header of {n_columns} columns but no row of data")]
    HeaderOnly {
        /// Number of columns of the header.
        n_columns: usize,
    },
    /// An array without rows.
    #[error("the array has no rows: its shape is {}", Shape(.shape))]
    NoRows {
        /// Shape of the array.
        shape: Vec<usize>,
    },
    /// Every column was set aside, or there was none.
    #[error("no numeric column is left to embed: all {n_columns} are label, id or dropped")]
    NoFeatures {
        /// Columns of the file.
        n_columns: usize,
    },
    /// Missing, NaN or infinite cells among the features.
    #[error("{count} missing or non-finite {} in numeric columns", if *.count == 1 { "value" } else { "values" })]
    NonFinite {
        /// How many.
        count: usize,
        /// The first five.
        first: Vec<BadCell>,
    },
    /// Text in a column of numbers.
    #[error("{} is not numeric: it holds \"{}\"", .0.column, shown(&.0.text))]
    NotNumeric(BadCell),
    /// An array whose elements are not numbers.
    #[error("the array's elements are not numbers: {}", shown(.descr))]
    NotNumericArray {
        /// The array's dtype as the file has it.
        descr: String,
    },
    /// A column whose type, as the file gives it, is no number.
    #[error("{column} is not numeric: it holds {}", shown(.kind))]
    NotNumericColumn {
        /// The column.
        column: Column,
        /// What it holds.
        kind: String,
    },
    /// An array of complex numbers.
    #[error("the array holds complex numbers: {}", shown(.descr))]
    Complex {
        /// The array's dtype as the file has it.
        descr: String,
    },
    /// An array that is not two-dimensional.
    #[error("the array is not a matrix: its shape is {}", Shape(.shape))]
    NotAMatrix {
        /// Shape of the array.
        shape: Vec<usize>,
    },
    /// A row with more or fewer fields than the rows before it.
    #[error("a row has {found} fields where {expected} are expected")]
    Ragged {
        /// Line the row starts on.
        line: u64,
        /// Number of lines the row covers.
        n_lines: u64,
        /// Fields found.
        found: usize,
        /// Fields of the first row.
        expected: usize,
    },
    /// A file that breaks the rules of its format, or a limit of this reader.
    #[error("{what}")]
    Malformed {
        /// What is wrong.
        what: String,
        /// Where, if known.
        place: Option<String>,
    },
    /// Something that the format allows and this reader leaves out.
    #[error("{what}")]
    LeftOut {
        /// What it is.
        what: String,
        /// What to do about it.
        help: &'static str,
    },
    /// A column that was asked for does not exist.
    #[error("there is no column \"{}\" among {n_columns}", shown(.wanted))]
    NoSuchColumn {
        /// Name or number asked for.
        wanted: String,
        /// Number of columns.
        n_columns: usize,
        /// A column with a similar name.
        similar: Option<String>,
    },
    /// A column name that several columns bear.
    #[error("the name \"{}\" belongs to {} columns: {}", shown(.wanted), .numbers.len(), Numbers(.numbers))]
    AmbiguousColumn {
        /// Name asked for.
        wanted: String,
        /// Columns with this name, counted from 1.
        numbers: Vec<usize>,
    },
    /// An array that was asked for is not in the archive.
    #[error("the archive has no {what}; it holds {}", Names(.names))]
    NoSuchArray {
        /// What was looked for.
        what: String,
        /// Names of the arrays there are.
        names: Vec<String>,
    },
    /// Labels or ids of another length than the data.
    #[error("\"{}\" has {found} entries for {expected} rows", shown(.name))]
    WrongLength {
        /// Name of the array or file.
        name: String,
        /// Its length.
        found: usize,
        /// Rows of the data.
        expected: usize,
    },
    /// An array of labels or ids that is not one-dimensional.
    #[error("array \"{}\" is no list: its shape is {}", shown(.name), Shape(.shape))]
    NotAList {
        /// Name of the array.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// An entry of a graph or of affinities that none can have.
    #[error("{what}")]
    BadEntry {
        /// What is wrong.
        what: String,
        /// Where.
        place: RowPlace,
    },
    /// Memory ran out.
    #[error("cannot allocate {bytes} bytes for the data")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: usize,
    },
    /// No space left where the output goes.
    #[error("the disk is full or a quota is reached: {source}")]
    DiskFull {
        /// File concerned.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// An input file that does not exist.
    #[error("the file does not exist")]
    NotFound,
    /// An input file that cannot be read.
    #[error("the file cannot be read: {0}")]
    NotReadable(#[source] io::Error),
    /// An output file that cannot be written.
    #[error("the output cannot be written: {source}")]
    NotWritable {
        /// File concerned.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// An output file that exists and may not be replaced.
    #[error("the output exists already")]
    OutputExists {
        /// File concerned.
        path: PathBuf,
    },
    /// A file name whose suffix names no kind that can be read.
    #[error("files of this kind cannot be read: \"{}\"", shown(.suffix))]
    UnknownKind {
        /// The suffix.
        suffix: String,
    },
}

impl Error {
    pub(crate) fn malformed(what: impl Into<String>) -> Self {
        Self::Malformed { what: what.into(), place: None }
    }

    /// A failure to read: of the file where its compressed form is damaged, else of the system.
    pub(crate) fn of_reading(e: io::Error) -> Self {
        match e.kind() {
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
                Self::malformed(format!("the compressed data are damaged: {e}"))
            }
            _ => Self::NotReadable(e),
        }
    }

    pub(crate) fn malformed_at(row: RowPlace, what: impl Into<String>) -> Self {
        Self::Malformed { what: what.into(), place: Some(row.to_string()) }
    }

    /// Stable code, such as `E107`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty | Self::HeaderOnly { .. } | Self::NoRows { .. } | Self::NoFeatures { .. } => "E101",
            Self::NonFinite { .. } => "E103",
            Self::NotNumeric(_) | Self::NotNumericArray { .. } | Self::NotNumericColumn { .. } => "E104",
            Self::Complex { .. } => "E105",
            Self::NotAMatrix { .. } => "E106",
            Self::Ragged { .. } | Self::Malformed { .. } | Self::LeftOut { .. } => "E107",
            Self::NoSuchColumn { .. }
            | Self::AmbiguousColumn { .. }
            | Self::NoSuchArray { .. }
            | Self::WrongLength { .. }
            | Self::NotAList { .. } => "E114",
            Self::BadEntry { .. } => "E113",
            Self::UnknownKind { .. } => "E201",
            Self::OutOfMemory { .. } => "E302",
            Self::DiskFull { .. } => "E303",
            Self::NotFound => "E601",
            Self::NotReadable(_) => "E602",
            Self::NotWritable { .. } => "E603",
            Self::OutputExists { .. } => "E604",
        }
    }

    /// Where in the file, if that is known and not already part of the message.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        match self {
            Self::NonFinite { count, first } => {
                let mut place: Vec<String> = first.iter().map(BadCell::to_string).collect();
                if *count > first.len() {
                    place.push(format!("and {} more", count - first.len()));
                }
                Some(place.join("; "))
            }
            Self::NotNumeric(cell) => Some(format!("{}, {}", cell.row, cell.column)),
            Self::Ragged { line, n_lines, .. } if *n_lines > 1 => {
                Some(format!("lines {line} to {}", line + n_lines - 1))
            }
            Self::Ragged { line, .. } => Some(format!("line {line}")),
            Self::Malformed { place, .. } => place.clone(),
            Self::BadEntry { place, .. } => Some(place.to_string()),
            _ => None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Empty | Self::HeaderOnly { .. } | Self::NoRows { .. } => {
                "give a file with at least two rows of numbers".into()
            }
            Self::NoFeatures { .. } => {
                "leave at least one numeric column out of --label, --id and --drop".into()
            }
            Self::NonFinite { .. } => {
                "leave the rows out with --missing drop, fill the cells with --missing mean, or leave the column out with --drop"
                    .into()
            }
            Self::NotNumeric(cell) if cell.text.contains('\n') => UNCLOSED_QUOTE.into(),
            Self::NotNumeric(cell) if looks_like_decimal_comma(&cell.text) => {
                "write decimal points instead of decimal commas".into()
            }
            Self::NotNumeric(BadCell { row: RowPlace::Line(1), .. }) => {
                "if line 1 names the columns, say so with --header".into()
            }
            Self::NotNumeric(cell) => {
                let column = column_argument(&cell.column);
                format!("color by it with --label {column}, or leave it out with --drop {column}")
            }
            Self::NotNumericColumn { column, .. } => {
                let column = column_argument(column);
                format!("leave it out with --drop {column}, or, if it is text, color by it with --label {column}")
            }
            Self::NotNumericArray { .. } => {
                "save a plain numeric array, for example numpy.save(path, x.astype(numpy.float32))".into()
            }
            Self::Complex { .. } => "save real and imaginary parts as columns of their own".into(),
            Self::NotAMatrix { .. } => {
                "save an array of shape (rows, columns), for example with x.reshape(len(x), -1)".into()
            }
            Self::Ragged { n_lines, .. } if *n_lines > 1 => UNCLOSED_QUOTE.into(),
            Self::Ragged { found, expected, line, .. } if *found == expected + 1 && *line <= 2 => {
                "if the first column holds row names, give it a name in the header; \
                 if the delimiter was guessed wrong, name it with --delimiter"
                    .into()
            }
            Self::Ragged { .. } => {
                "mend or remove the line; if the delimiter was guessed wrong, name it with --delimiter".into()
            }
            Self::LeftOut { help, .. } => (*help).into(),
            Self::Malformed { .. } => "check that the file is complete, or write it again".into(),
            Self::NoSuchColumn { similar: Some(similar), .. } => {
                format!(
                    "did you mean \"{}\"? A column is given by name or by number, counted from 1",
                    shown(similar)
                )
            }
            Self::NoSuchColumn { .. } => "give a column by its name or by its number, counted from 1".into(),
            Self::AmbiguousColumn { .. } => "give the column by its number".into(),
            Self::NoSuchArray { .. } => "give the archive one matrix, or name it x".into(),
            Self::BadEntry { .. } => {
                "give every point as many neighbors, numbered from 0, with distances that are finite and not negative".into()
            }
            Self::WrongLength { .. } | Self::NotAList { .. } => "give one entry for each row of the data".into(),
            Self::UnknownKind { suffix } if suffix == "parquet" => {
                "this program was built without its feature parquet: build it with, or write the table as .csv or .npy".into()
            }
            Self::UnknownKind { .. } => "use a file that ends in .csv, .tsv, .txt, .mtx (each may be followed by .gz or .zst), .npy, .npz or .parquet".into(),
            Self::OutOfMemory { .. } => "use a machine with more memory, or fewer rows or columns".into(),
            Self::DiskFull { .. } => "free some space, or write elsewhere".into(),
            Self::NotFound => "check the name and the directory".into(),
            Self::NotReadable(_) => "check that it is a file and that you may read it".into(),
            Self::NotWritable { .. } => "check that the directory exists and that you may write there".into(),
            Self::OutputExists { .. } => "overwrite it with --force, or choose another name".into(),
        }
    }

    /// The output file concerned; an input is known to whoever opened it.
    #[must_use]
    pub fn path(&self) -> Option<&std::path::Path> {
        match self {
            Self::DiskFull { path, .. } | Self::NotWritable { path, .. } | Self::OutputExists { path } => {
                Some(path)
            }
            _ => None,
        }
    }
}

/// Help for a field that runs over several lines.
const UNCLOSED_QUOTE: &str = "a quotation mark opened on this line may never be closed; close it, or double it if it is part of the text";

/// `text` fit for a terminal: control characters escaped, long text cut.
#[must_use]
pub fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut result = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == LONGEST {
            result.push('…');
            break;
        }
        if c.is_control() {
            result.extend(c.escape_default());
        } else {
            result.push(c);
        }
    }
    result
}

/// What to type after `--label` to mean this column.
fn column_argument(column: &Column) -> String {
    match &column.name {
        Some(name)
            if !name.is_empty()
                && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.')) =>
        {
            name.clone()
        }
        _ => column.number.to_string(),
    }
}

fn looks_like_decimal_comma(text: &str) -> bool {
    text.matches(',').count() == 1 && text.replace(',', ".").trim().parse::<f64>().is_ok()
}

struct Shape<'a>(&'a [usize]);

impl fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [only] => write!(f, "({only},)"),
            shape => {
                let parts: Vec<String> = shape.iter().map(usize::to_string).collect();
                write!(f, "({})", parts.join(", "))
            }
        }
    }
}

struct Numbers<'a>(&'a [usize]);

impl fmt::Display for Numbers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().take(5).map(usize::to_string).collect();
        f.write_str(&parts.join(", "))?;
        if self.0.len() > parts.len() { f.write_str(", …") } else { Ok(()) }
    }
}

struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no arrays");
        }
        let parts: Vec<String> = self.0.iter().take(8).map(|name| shown(name)).collect();
        f.write_str(&parts.join(", "))?;
        if self.0.len() > parts.len() { f.write_str(", …") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_text_cannot_drive_a_terminal() {
        assert_eq!(shown("a\u{1b}[31mb"), "a\\u{1b}[31mb", "an escape character is spelled out");
        assert_eq!(shown("Ünïcode 数"), "Ünïcode 数", "letters pass");
        assert_eq!(shown(&"x".repeat(100)).chars().count(), 61, "long text is cut");
    }
}
