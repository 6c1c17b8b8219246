//! Sparse matrices as files have them: entries in any order, repeated, or with columns to be set aside.

use crate::columns::Roles;
use crate::labels::LabelsBuilder;
use crate::matrix::{Sparse, reserve};
use crate::missing::BadCells;
use crate::{Cells, Dataset, Error, Format, Matrix, ReadOptions};

/// Rows a header may declare whatever follows it; beyond these, no more than [`MAX_EMPTY`] for each entry.
const MAX_EMPTY_ROWS: usize = 1 << 20;
/// Rows for each entry that a large matrix may have: more are a header that lies, and would take memory for nothing.
const MAX_EMPTY: usize = 16;

impl Sparse {
    /// Entries in any order, given as rows, columns and values; those of the same place are added up.
    ///
    /// Rows and columns must be below `n_rows` and `n_columns`. Time O(rows + columns + entries).
    pub(crate) fn from_entries(
        n_rows: usize,
        n_columns: usize,
        entries: &[(u32, u32, f64)],
    ) -> Result<Self, Error> {
        check_rows(n_rows, entries.len())?;
        // Sorted by column and then, stably, by row: two passes of counting.
        let mut by_column: Vec<u32> = Vec::new();
        reserve(&mut by_column, entries.len())?;
        let starts = starts(n_columns, entries.iter().map(|entry| entry.1))?;
        by_column.resize(entries.len(), 0);
        let mut next = starts;
        for (at, entry) in (0_u32..).zip(entries) {
            let place = &mut next[entry.1 as usize];
            by_column[*place] = at;
            *place += 1;
        }
        let offsets = self::starts(n_rows, entries.iter().map(|entry| entry.0))?;
        let mut next = offsets.clone();
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        reserve(&mut columns, entries.len())?;
        reserve(&mut values, entries.len())?;
        columns.resize(entries.len(), 0);
        values.resize(entries.len(), 0.0);
        for at in by_column {
            let (row, column, value) = entries[at as usize];
            let place = &mut next[row as usize];
            (columns[*place], values[*place]) = (column, value);
            *place += 1;
        }
        let mut matrix = Self { offsets, columns, values };
        matrix.add_up();
        Ok(matrix)
    }

    /// Compressed rows whose columns may be in any order and repeated.
    ///
    /// # Errors
    /// When the parts do not fit together.
    pub(crate) fn from_rows(
        n_columns: usize,
        offsets: Vec<usize>,
        mut columns: Vec<u32>,
        mut values: Vec<f64>,
    ) -> Result<Self, Error> {
        let wrong = |what: String| Err(Error::malformed(format!("the sparse matrix is damaged: {what}")));
        if columns.len() != values.len() {
            return wrong(format!("it has {} columns for {} values", columns.len(), values.len()));
        }
        if offsets.first() != Some(&0) || offsets.last() != Some(&values.len()) || !offsets.is_sorted() {
            return wrong(format!("its row offsets do not rise from 0 to {}", values.len()));
        }
        if let Some(column) = columns.iter().find(|&&column| column as usize >= n_columns) {
            return wrong(format!("it has a column {column} of {n_columns}, counted from 0"));
        }
        let mut row = Vec::new();
        for pair in offsets.windows(2) {
            let (columns, values) = (&mut columns[pair[0]..pair[1]], &mut values[pair[0]..pair[1]]);
            if !columns.is_sorted() {
                row.clear();
                row.extend(columns.iter().copied().zip(values.iter().copied()));
                row.sort_by_key(|&(column, _)| column);
                for ((column, value), &sorted) in columns.iter_mut().zip(values).zip(&row) {
                    (*column, *value) = sorted;
                }
            }
        }
        let mut matrix = Self { offsets, columns, values };
        matrix.add_up();
        Ok(matrix)
    }

    /// Adds up entries of the same place in rows that are sorted.
    fn add_up(&mut self) {
        let mut end = 0;
        let mut from = 0;
        for row in 1..self.offsets.len() {
            let start = end;
            let to = self.offsets[row];
            for at in from..to {
                let (column, value) = (self.columns[at], self.values[at]);
                if end > start && self.columns[end - 1] == column {
                    self.values[end - 1] += value;
                } else {
                    (self.columns[end], self.values[end]) = (column, value);
                    end += 1;
                }
            }
            from = to;
            self.offsets[row] = end;
        }
        self.columns.truncate(end);
        self.values.truncate(end);
    }

    /// The values of a column, with the zeros that are not stored.
    fn column(&self, column: usize) -> impl Iterator<Item = f64> {
        self.offsets.windows(2).map(move |pair| {
            let row = &self.columns[pair[0]..pair[1]];
            row.iter().position(|&c| c as usize == column).map_or(0.0, |at| self.values[pair[0] + at])
        })
    }

    /// Only the columns that are features, numbered anew.
    fn keep_columns(&mut self, roles: &Roles) {
        let mut number = 0_u32;
        let numbers: Vec<Option<u32>> = roles
            .is_feature
            .iter()
            .map(|&is_feature| {
                is_feature.then(|| {
                    number += 1;
                    number - 1
                })
            })
            .collect();
        let (mut end, mut from) = (0, 0);
        for row in 1..self.offsets.len() {
            let to = self.offsets[row];
            for at in from..to {
                if let Some(column) = numbers[self.columns[at] as usize] {
                    (self.columns[end], self.values[end]) = (column, self.values[at]);
                    end += 1;
                }
            }
            from = to;
            self.offsets[row] = end;
        }
        self.columns.truncate(end);
        self.values.truncate(end);
    }
}

impl Matrix {
    /// A sparse matrix as data to embed, of which `options` may set columns aside, by number.
    pub(crate) fn into_dataset(self, format: Format, options: &ReadOptions) -> Result<Dataset, Error> {
        let (n_rows, n_columns) = (self.n_rows(), self.n_features);
        let Cells::Sparse(mut matrix) = self.cells else { unreachable!("the matrix is sparse") };
        if n_rows == 0 {
            return Err(Error::NoRows { shape: vec![n_rows, n_columns] });
        }
        let roles = Roles::new(options, None, n_columns)?;
        let labels = roles.label.map(|column| {
            let mut labels = LabelsBuilder::new("label".to_owned());
            matrix.column(column).for_each(|x| labels.push(&x.to_string()));
            labels.finish()
        });
        let ids = roles.id.map(|column| matrix.column(column).map(|x| x.to_string()).collect());
        if roles.n_features < n_columns {
            matrix.keep_columns(&roles);
        }
        let columns: Vec<usize> = (0..n_columns).filter(|&column| roles.is_feature[column]).collect();
        let cells = Cells::Sparse(matrix);
        let bad = BadCells::of(&cells, &columns);
        let mut data = Dataset {
            features: Matrix { cells, n_features: roles.n_features },
            feature_names: None,
            labels,
            ids,
            format,
            n_rounded_integers: 0,
            n_missing: 0,
            n_rows_in_file: n_rows,
            kept_rows: None,
        };
        bad.settle(&mut data, options.missing)?;
        Ok(data)
    }
}

/// Refuses a header that declares rows without end where there are few entries.
pub(crate) fn check_rows(n_rows: usize, n_entries: usize) -> Result<(), Error> {
    if n_rows > MAX_EMPTY_ROWS && n_rows / MAX_EMPTY > n_entries {
        return Err(Error::malformed(format!(
            "the file declares {n_rows} rows and holds {n_entries} entries: nearly all rows would be empty"
        )));
    }
    Ok(())
}

/// For each of `n` numbers where those of it begin when sorted, and at last how many there are.
fn starts(n: usize, numbers: impl Iterator<Item = u32>) -> Result<Vec<usize>, Error> {
    let mut starts = Vec::new();
    reserve(&mut starts, n + 1)?;
    starts.resize(n + 1, 0);
    for number in numbers {
        starts[number as usize + 1] += 1;
    }
    for i in 1..=n {
        starts[i] += starts[i - 1];
    }
    Ok(starts)
}
