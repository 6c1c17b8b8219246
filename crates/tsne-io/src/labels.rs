//! One text per row: what colors a map.

use std::collections::HashMap;

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

    /// The labels of these rows; classes that are left without a row are gone.
    ///
    /// # Panics
    /// If a row is not below [`len`](Self::len).
    #[must_use]
    pub fn of_rows(&self, rows: &[usize]) -> Self {
        Self::from_texts(self.name.clone(), rows.iter().map(|&row| self.text(row)))
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
        let code = self.code(text);
        self.labels.codes.push(code);
    }

    fn code(&mut self, text: &str) -> u32 {
        if let Some(&code) = self.known.get(text) {
            return code;
        }
        let code = u32::try_from(self.labels.classes.len()).expect("rows are numbered by u32");
        self.labels.classes.push(text.to_owned());
        self.known.insert(text.to_owned(), code);
        code
    }

    /// Adds the labels of the rows that follow.
    pub(crate) fn append(&mut self, other: &Labels) {
        let codes: Vec<u32> = other.classes.iter().map(|text| self.code(text)).collect();
        self.labels.codes.extend(other.codes.iter().map(|&code| codes[code as usize]));
    }

    pub(crate) fn finish(self) -> Labels {
        self.labels
    }
}
