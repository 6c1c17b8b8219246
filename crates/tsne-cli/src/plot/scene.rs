//! What a picture shows, whatever its format: every kind of picture is made of a [`Scene`].

/// What a picture shows, whatever its format.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    /// Where the points lie, one a row of the data. Maps of one component have been turned into lanes, of three
    /// components the first two are shown.
    pub(crate) positions: &'a [[f64; 2]],
    /// What points can be colored by; the first is shown first. Empty: one color.
    pub(crate) colorings: Vec<Coloring<'a>>,
    /// Name of every point, if the data had an id column.
    pub(crate) ids: Option<&'a [String]>,
    /// Heading: `--title`, or the name of the data.
    pub(crate) title: String,
    /// One line: number of points, parameters, KL.
    pub(crate) caption: String,
    /// The run card: name and value of parameters, KL, seed, version, warnings.
    pub(crate) facts: Vec<(String, String)>,
    /// Positions on the way, oldest first, with their iteration (from `--snapshots`); usually empty.
    pub(crate) snapshots: Vec<Snapshot>,
}

/// What points are colored by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Coloring<'a> {
    /// Classes: the text of class c is `texts[c]`; `codes` has one entry a point. They stand in the order in which they
    /// appeared in the data.
    Classes { name: &'a str, codes: &'a [u32], texts: &'a [String] },
    /// Numbers; NaN is drawn gray.
    Values { name: &'a str, values: &'a [f64] },
}

/// Positions after an iteration.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) iteration: usize,
    pub(crate) positions: Vec<[f64; 2]>,
}
