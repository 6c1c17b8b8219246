//! Writes a map as delimited text: coordinates, then label and id where there are any.

use std::fmt::Display;
use std::io::{self, Write};

use crate::Labels;

/// Names of the coordinates.
const AXES: [&str; 3] = ["x", "y", "z"];

/// A map to be written: one row of coordinates per sample.
#[derive(Clone, Copy, Debug)]
pub struct MapTable<'a, T> {
    positions: &'a [T],
    n_components: usize,
    labels: Option<&'a Labels>,
    ids: Option<&'a [String]>,
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
        Self { positions, n_components, labels, ids }
    }

    /// Writes a header (`x`, `y`, `z`, `label`, `id`, as far as they exist) and a line per row.
    ///
    /// Numbers are the shortest that read back as the same value. Text is quoted where it must be and otherwise
    /// passed through unchanged.
    ///
    /// # Errors
    /// Those of `sink`.
    pub fn write(&self, sink: &mut (impl Write + ?Sized), delimiter: u8) -> io::Result<()> {
        let mut line = String::new();
        let separator = char::from(delimiter);
        for axis in &AXES[..self.n_components] {
            push_field(&mut line, axis, separator);
        }
        if self.labels.is_some() {
            push_field(&mut line, "label", separator);
        }
        if self.ids.is_some() {
            push_field(&mut line, "id", separator);
        }
        end_line(&mut line, sink)?;
        for (i, position) in self.positions.chunks_exact(self.n_components).enumerate() {
            for coordinate in position {
                push_field(&mut line, &coordinate.to_string(), separator);
            }
            if let Some(labels) = self.labels {
                push_field(&mut line, labels.text(i), separator);
            }
            if let Some(ids) = self.ids {
                push_field(&mut line, &ids[i], separator);
            }
            end_line(&mut line, sink)?;
        }
        Ok(())
    }
}

/// Appends a field and the separator after it, quoted if it could be misread.
fn push_field(line: &mut String, field: &str, separator: char) {
    let is_special = |c: char| c == separator || matches!(c, '"' | '\r' | '\n');
    let is_padded = field.starts_with(char::is_whitespace) || field.ends_with(char::is_whitespace);
    if field.contains(is_special) || is_padded {
        line.push('"');
        line.push_str(&field.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(field);
    }
    line.push(separator);
}

/// Turns the last separator into a line feed and writes the line.
fn end_line(line: &mut String, sink: &mut (impl Write + ?Sized)) -> io::Result<()> {
    line.pop();
    line.push('\n');
    sink.write_all(line.as_bytes())?;
    line.clear();
    Ok(())
}
