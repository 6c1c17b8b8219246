//! Matrix Market files: sparse (`coordinate`) and dense (`array`), read line by line and written.
//!
//! Format: <https://math.nist.gov/MatrixMarket/formats.html>. Entries count from 1. A header may declare any size:
//! memory grows with the entries that arrive.

use std::io::{self, BufRead, BufReader, Read, Write};

use crate::compress::decompressed;
use crate::error::RowPlace;
use crate::matrix::{Sparse, reserve};
use crate::npy::{Array, Values};
use crate::number::{Cell, parse_cell};
use crate::{Cells, Dataset, Error, Format, Matrix, ReadOptions};

/// Longest line: three numbers, or a comment.
const MAX_LINE_BYTES: u64 = 1 << 16;
/// Most rows, and most columns.
const MAX_LENGTH: usize = u32::MAX as usize - 1;

/// Reads a Matrix Market file, compressed or not, as data to embed.
///
/// `coordinate` matrices stay sparse, entries of the same place added up; symmetric ones are written out in full.
///
/// # Errors
/// Every fault of the file names its line. Complex matrices are refused.
pub fn read_mtx(source: impl Read, options: &ReadOptions) -> Result<Dataset, Error> {
    match MatrixMarket::read(source)? {
        (MatrixMarket::Sparse(matrix), banner) => {
            let Cells::Sparse(entries) = &matrix.cells else { unreachable!("the matrix is sparse") };
            let n_entries = entries.n_entries();
            matrix.into_dataset(Format::MatrixMarket { banner, n_entries }, options)
        }
        (MatrixMarket::Dense(array), banner) => {
            let n_entries = array.values.len();
            let mut data = array.into_dataset(options)?;
            data.format = Format::MatrixMarket { banner, n_entries };
            Ok(data)
        }
    }
}

/// What a file holds.
pub(crate) enum MatrixMarket {
    Sparse(Matrix),
    Dense(Array),
}

/// Which entries a file leaves out because others tell them.
#[derive(Clone, Copy, PartialEq)]
enum Symmetry {
    General,
    /// The entry and its reverse are equal.
    Symmetric,
    /// They are of opposite sign, and the diagonal is zero.
    Skew,
}

impl Symmetry {
    /// First row of a column that a dense file tells.
    fn first_row(self, column: usize) -> usize {
        match self {
            Self::General => 0,
            Self::Symmetric => column,
            Self::Skew => column + 1,
        }
    }
}

impl MatrixMarket {
    /// Reads a file; also gives what its first line says of it.
    pub(crate) fn read(source: impl Read) -> Result<(Self, String), Error> {
        let mut lines = Lines { source: BufReader::new(decompressed(source)?), text: Vec::new(), number: 0 };
        let Some(first) = lines.next()? else { return Err(Error::Empty) };
        let banner = String::from_utf8_lossy(first).to_ascii_lowercase();
        let words: Vec<&str> = banner.split_whitespace().collect();
        let ["%%matrixmarket", "matrix", layout, field, symmetry] = words[..] else {
            return Err(
                lines.fault("a Matrix Market file begins with %%MatrixMarket matrix and three words more")
            );
        };
        let is_pattern = match field {
            "real" | "double" | "integer" | "unsigned-integer" => false,
            "pattern" => true,
            "complex" => return Err(Error::Complex { descr: field.to_owned() }),
            _ => return Err(lines.fault("the field is none of real, integer and pattern")),
        };
        let symmetry = match symmetry {
            "general" => Symmetry::General,
            "symmetric" => Symmetry::Symmetric,
            "skew-symmetric" => Symmetry::Skew,
            _ => return Err(lines.fault("the symmetry is none of general, symmetric and skew-symmetric")),
        };
        let read = match layout {
            "coordinate" => Self::read_coordinate(&mut lines, is_pattern, symmetry)?,
            "array" if !is_pattern => Self::read_array(&mut lines, symmetry)?,
            _ => return Err(lines.fault("the layout is neither coordinate nor array of numbers")),
        };
        if lines.next_content()?.is_some() {
            return Err(lines.fault("there are more entries than the file declares"));
        }
        Ok((read, words[2..].join(" ")))
    }

    fn read_coordinate<R: Read>(
        lines: &mut Lines<R>,
        is_pattern: bool,
        symmetry: Symmetry,
    ) -> Result<Self, Error> {
        let [n_rows, n_columns, declared] = lines.sizes()?;
        lines.check_shape(n_rows, n_columns, symmetry)?;
        let mut entries: Vec<(u32, u32, f64)> = Vec::new();
        for read in 0..declared {
            let Some(line) = lines.next_content()? else {
                return Err(
                    lines.fault(format!("the file declares {declared} entries and ends after {read}"))
                );
            };
            let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let mut index = |n: usize| {
                let number = words.next().and_then(whole)?;
                (1..=n).contains(&number).then(|| u32::try_from(number - 1).ok()).flatten()
            };
            let place = index(n_rows).zip(index(n_columns));
            let value = if is_pattern { Some(1.0) } else { words.next().and_then(number) };
            let (Some((row, column)), Some(value), None) = (place, value, words.next()) else {
                let what = format!(
                    "this is no entry: a row up to {n_rows}, a column up to {n_columns}{}",
                    if is_pattern { "" } else { ", and a number" }
                );
                return Err(lines.fault(what));
            };
            reserve(&mut entries, 2)?;
            entries.push((row, column, value));
            match symmetry {
                Symmetry::General => {}
                Symmetry::Symmetric if row != column => entries.push((column, row, value)),
                Symmetry::Symmetric => {}
                Symmetry::Skew if row != column => entries.push((column, row, -value)),
                Symmetry::Skew => return Err(lines.fault("a skew-symmetric matrix has no diagonal")),
            }
            if entries.len() > MAX_LENGTH {
                return Err(lines.fault(format!("there are more than {MAX_LENGTH} entries")));
            }
        }
        let matrix = Sparse::from_entries(n_rows, n_columns, &entries)?;
        Ok(Self::Sparse(Matrix { cells: Cells::Sparse(matrix), n_features: n_columns }))
    }

    /// Columns one after another; of a symmetric matrix what is on and below the diagonal.
    fn read_array<R: Read>(lines: &mut Lines<R>, symmetry: Symmetry) -> Result<Self, Error> {
        let [n_rows, n_columns] = lines.sizes()?;
        lines.check_shape(n_rows, n_columns, symmetry)?;
        let mut columns: Vec<f64> = Vec::new();
        for column in 0..n_columns {
            let first = symmetry.first_row(column);
            for _ in first..n_rows {
                let Some(line) = lines.next_content()? else {
                    return Err(
                        lines.fault(format!("the file ends before its {n_rows} x {n_columns} numbers"))
                    );
                };
                let Some(value) = number(line.trim_ascii()) else {
                    return Err(lines.fault("this is no number"));
                };
                reserve(&mut columns, 1)?;
                columns.push(value);
            }
        }
        let n_values = n_rows
            .checked_mul(n_columns)
            .ok_or_else(|| lines.fault("the file declares an impossible size"))?;
        let mut values = Vec::new();
        reserve(&mut values, n_values)?;
        values.resize(n_values, 0.0);
        let mut rest = columns.iter();
        for column in 0..n_columns {
            let first = symmetry.first_row(column);
            for (row, &value) in (first..n_rows).zip(rest.by_ref()) {
                values[row * n_columns + column] = value;
                if symmetry != Symmetry::General && row != column {
                    values[column * n_columns + row] =
                        if symmetry == Symmetry::Skew { -value } else { value };
                }
            }
        }
        Ok(Self::Dense(Array {
            shape: vec![n_rows, n_columns],
            values: Values::F64(values),
            descr: "<f8".to_owned(),
        }))
    }
}

/// Lines of a file, bounded and counted.
struct Lines<R> {
    source: BufReader<R>,
    text: Vec<u8>,
    number: u64,
}

impl<R: Read> Lines<R> {
    fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        self.text.clear();
        let mut limited = (&mut self.source).take(MAX_LINE_BYTES);
        let n = limited.read_until(b'\n', &mut self.text).map_err(Error::of_reading)?;
        self.number += 1;
        if n as u64 == MAX_LINE_BYTES {
            return Err(self.fault(format!("a line is longer than {MAX_LINE_BYTES} bytes")));
        }
        Ok((n > 0).then_some(&self.text))
    }

    /// The next line that is neither empty nor a comment.
    fn next_content(&mut self) -> Result<Option<&[u8]>, Error> {
        loop {
            if self.next()?.is_none() {
                return Ok(None);
            }
            let text = self.text.trim_ascii();
            if !text.is_empty() && !text.starts_with(b"%") {
                // Borrowed anew, as a borrow that is returned from a loop lasts for all of it.
                return Ok(Some(self.text.trim_ascii()));
            }
        }
    }

    /// The line of sizes.
    fn sizes<const N: usize>(&mut self) -> Result<[usize; N], Error> {
        let sizes = self.next_content()?.and_then(|line| {
            let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let sizes: Option<Vec<usize>> = words.map(whole).collect();
            sizes?.try_into().ok()
        });
        sizes.ok_or_else(|| self.fault(format!("a line of {N} sizes is expected here")))
    }

    fn check_shape(&self, n_rows: usize, n_columns: usize, symmetry: Symmetry) -> Result<(), Error> {
        if n_rows > MAX_LENGTH || n_columns > crate::records::MAX_COLUMNS.max(n_rows) {
            return Err(self.fault(format!("a matrix of {n_rows} rows and {n_columns} columns is too large")));
        }
        if symmetry != Symmetry::General && n_rows != n_columns {
            return Err(self.fault(format!("{n_rows} rows and {n_columns} columns are not symmetric")));
        }
        Ok(())
    }

    fn fault(&self, what: impl Into<String>) -> Error {
        Error::malformed_at(RowPlace::Line(self.number), what)
    }
}

fn whole(word: &[u8]) -> Option<usize> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Any number, finite or not: missing ones are dealt with together.
fn number(word: &[u8]) -> Option<f64> {
    match parse_cell(word) {
        Cell::Number(x) | Cell::RoundedInteger(x) => Some(x),
        Cell::Missing | Cell::Text => None,
    }
}

/// Writes a matrix in Matrix Market's `coordinate` layout if it is sparse, else as an `array`.
///
/// Numbers are the shortest that read back as the same value.
///
/// # Errors
/// Those of `sink`.
pub fn write_mtx(mut sink: impl Write, matrix: &Matrix) -> io::Result<()> {
    let (n_rows, n_columns) = (matrix.n_rows(), matrix.n_features());
    let Cells::Sparse(sparse) = matrix.cells() else {
        writeln!(sink, "%%MatrixMarket matrix array real general\n{n_rows} {n_columns}")?;
        for column in 0..n_columns {
            for row in 0..n_rows {
                writeln!(sink, "{:?}", matrix.dense(row * n_columns + column))?;
            }
        }
        return Ok(());
    };
    writeln!(sink, "%%MatrixMarket matrix coordinate real general")?;
    writeln!(sink, "{n_rows} {n_columns} {}", sparse.n_entries())?;
    for (row, pair) in sparse.offsets().windows(2).enumerate() {
        for at in pair[0]..pair[1] {
            writeln!(sink, "{} {} {:?}", row + 1, sparse.columns()[at] + 1, sparse.values()[at])?;
        }
    }
    Ok(())
}
