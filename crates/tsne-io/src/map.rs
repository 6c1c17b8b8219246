//! Writes a map as delimited text: coordinates, then label and id where there are any.

use std::fmt::Display;
use std::io::{self, Write};

use crate::Labels;
use crate::fields::{end_line, push_number, push_text};

/// Names of the coordinates.
const AXES: [&str; 3] = ["x", "y", "z"];

/// A map to be written: one row of coordinates per sample.
#[derive(Clone, Copy, Debug)]
pub struct MapTable<'a, T> {
    positions: &'a [T],
    n_components: usize,
    labels: Option<&'a Labels>,
    ids: Option<&'a [String]>,
    is_spreadsheet_safe: bool,
}

impl<'a, T: Display> MapTable<'a, T> {
    /// Row-major positions of one to three coordinates, with labels and ids where there are any.
    ///
    /// # Panics
    /// If the lengths do not fit together.
    #[must_use]
    pub fn new(
        positions: &'a [T],
        n_components: usize,
        labels: Option<&'a Labels>,
        ids: Option<&'a [String]>,
    ) -> Self {
        assert!((1..=AXES.len()).contains(&n_components), "a map has 1 to 3 components, got {n_components}");
        assert_eq!(positions.len() % n_components, 0, "positions must be a whole number of rows");
        let n_rows = positions.len() / n_components;
        assert!(labels.is_none_or(|labels| labels.len() == n_rows), "one label for each of {n_rows} rows");
        assert!(ids.is_none_or(|ids| ids.len() == n_rows), "one id for each of {n_rows} rows");
        Self { positions, n_components, labels, ids, is_spreadsheet_safe: false }
    }

    /// Puts an apostrophe before text that a spreadsheet would take for a formula.
    #[must_use]
    pub fn spreadsheet_safe(self, is_spreadsheet_safe: bool) -> Self {
        Self { is_spreadsheet_safe, ..self }
    }

    /// Writes a header (`x`, `y`, `z`, `label`, `id`, as far as they exist) and a line per row.
    ///
    /// Numbers are the shortest that read back as the same value. Text is quoted where it must be and otherwise
    /// passed through unchanged, unless [`spreadsheet_safe`](Self::spreadsheet_safe) is set.
    ///
    /// # Errors
    /// Those of `sink`.
    pub fn write(&self, sink: &mut (impl Write + ?Sized), delimiter: u8) -> io::Result<()> {
        let mut line = String::new();
        let separator = char::from(delimiter);
        for axis in &AXES[..self.n_components] {
            push_text(&mut line, axis, separator, false);
        }
        if self.labels.is_some() {
            push_text(&mut line, "label", separator, false);
        }
        if self.ids.is_some() {
            push_text(&mut line, "id", separator, false);
        }
        end_line(&mut line, sink)?;
        for (i, position) in self.positions.chunks_exact(self.n_components).enumerate() {
            for coordinate in position {
                push_number(&mut line, coordinate, separator);
            }
            if let Some(labels) = self.labels {
                push_text(&mut line, labels.text(i), separator, self.is_spreadsheet_safe);
            }
            if let Some(ids) = self.ids {
                push_text(&mut line, &ids[i], separator, self.is_spreadsheet_safe);
            }
            end_line(&mut line, sink)?;
        }
        Ok(())
    }
    /// Writes the same columns as a Parquet file; text is passed through unchanged.
    ///
    /// # Errors
    /// Those of `sink`.
    #[cfg(feature = "parquet")]
    pub fn write_parquet(&self, sink: impl Write + Send) -> io::Result<()>
    where
        T: crate::NpyElement,
    {
        use crate::parquet::{Values, write_columns};
        let n_rows = self.positions.len() / self.n_components;
        let axis = |axis: usize| {
            let at = move |row: usize| self.positions[row * self.n_components + axis].to_wide();
            match T::DESCR {
                #[allow(clippy::cast_possible_truncation, reason = "these were f32")]
                "<f4" => Values::Single(Box::new(move |row| at(row) as f32)),
                _ => Values::Double(Box::new(at)),
            }
        };
        let axes = AXES[..self.n_components].iter().enumerate();
        let mut columns: Vec<(String, Values<'_>)> =
            axes.map(|(number, name)| ((*name).to_owned(), axis(number))).collect();
        if let Some(labels) = self.labels {
            columns.push(("label".to_owned(), Values::Text(Box::new(|row| labels.text(row)))));
        }
        if let Some(ids) = self.ids {
            columns.push(("id".to_owned(), Values::Text(Box::new(|row| &ids[row]))));
        }
        write_columns(sink, n_rows, &columns)
    }
}
