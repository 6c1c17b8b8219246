//! Maps as files: versioned, checksummed, the same on every machine. `docs/model-format.md` has the layout.
//!
//! Nothing a file says is believed: sizes are compared with each other before anything is read, memory grows only with
//! the bytes that come, and every value is checked before there is a map.

mod arrays;
mod error;
mod header;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tsne_core::{Csr, MAX_POINTS, Points, Scalar, Typed};
use tsne_optim::State;

pub use self::error::ModelError;
pub(crate) use self::header::NamedMetric;
#[cfg(feature = "serde")]
pub(crate) use self::header::Rate;

use self::arrays::{Sink, Source};
use self::header::{Account, Header, Pca, Rule, Run, Shape};
use crate::joint::Placing;
use crate::pca::Principal;
use crate::repulsion::KeptRepulsion;
use crate::{Data, Error, JointAffinities, TsneEmbedding};

/// First bytes of every model.
const MAGIC: [u8; 8] = *b"TSNEMDL\0";
/// Version of the format. Readers refuse a higher major version.
const MAJOR: u16 = 1;
const MINOR: u16 = 1;
/// Bytes before the arrays: magic, version, checksum of the header.
const PRELUDE: usize = 16;
/// Longest header: it holds no arrays but parameters of a metric.
const MAX_HEADER: usize = 1 << 26;

/// Most bytes that notes may take, names and texts together.
const MAX_NOTES: usize = 1 << 25;

/// What a model keeps.
///
/// ```
/// use tsne::{Points, SaveOptions, Tsne, TsneEmbedding};
///
/// let x: Vec<f32> = (0..300).map(|i| ((i * 37) % 101) as f32).collect();
/// let map = Tsne::new().perplexity(10.0).fit(Points::from_row_major(&x, 3)?)?;
/// let mut file = Vec::new();
/// map.save(&mut file, SaveOptions::new())?;
/// let again = TsneEmbedding::<f32, 2>::load(&file[..])?;
/// assert_eq!(again.positions(), map.positions());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct SaveOptions {
    data: bool,
}

impl Default for SaveOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl SaveOptions {
    /// Everything the map keeps.
    pub fn new() -> Self {
        Self { data: true }
    }

    /// Whether the points are written, and their principal components, if the map keeps them. Without them a model
    /// places new points only once it is given data or an index again. Default on.
    pub fn data(mut self, data: bool) -> Self {
        self.data = data;
        self
    }
}

/// What a model says of itself, without its arrays.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ModelInfo {
    /// Version of the format, major and minor.
    pub version: (u16, u16),
    /// Precision, `f32` or `f64`.
    pub scalar: String,
    /// Number of components of the map.
    pub n_components: usize,
    /// Number of points.
    pub n_points: usize,
    /// Number of features, where known.
    pub n_features: Option<usize>,
    /// Number of entries of P.
    pub n_entries: usize,
    /// Whether the points are inside, or their principal components.
    pub has_data: bool,
    /// Name of the metric.
    pub metric: String,
    /// Iterations made.
    pub n_iter: usize,
    /// Divergence; NaN where there was none.
    pub kl_divergence: f64,
    /// What the map had and the model has not.
    pub left_out: Vec<String>,
}

impl ModelInfo {
    /// Reads the head of a model, which says of what precision and dimension it is, and no array.
    ///
    /// # Errors
    /// [`Error::Model`] when it is no model, cut off, damaged, or of a newer version.
    pub fn read(mut reader: impl Read) -> Result<Self, Error> {
        let Head { version, header, .. } = read_header(&mut reader)?;
        Ok(Self::of(version, &header))
    }

    fn of(version: (u16, u16), header: &Header) -> Self {
        Self {
            version,
            scalar: header.scalar.clone(),
            n_components: header.n_components,
            n_points: header.n_points,
            n_features: header.report.n_features(),
            n_entries: header.n_entries,
            has_data: header.data.is_some() || header.pca.is_some(),
            metric: header.metric.name.clone(),
            n_iter: header.report.n_iter,
            kl_divergence: header.report.kl_divergence.unwrap_or(f64::NAN),
            left_out: header.left_out.clone(),
        }
    }
}

impl<T: Scalar, const D: usize> TsneEmbedding<T, D> {
    /// Writes the map to be [`load`](Self::load)ed again: positions, state of the optimizer, P, the rule for new points,
    /// parameters, report, and, if `options` says so, the points the map keeps.
    ///
    /// Callbacks, indices, the account of the calibration, a prepared mesh and rules for new points of one's own are no
    /// plain data; those the map has are named in [`ModelInfo::left_out`]. `writer` should be buffered, or the file
    /// itself: it gets pieces of 64 kB. Memory: one piece.
    ///
    /// # Errors
    /// [`Error::Model`] when the metric is a function, the notes are longer than 32 MiB, or writing fails; when the run parameters are out of range; when
    /// kept data are not finite.
    pub fn save(&self, mut writer: impl Write, options: SaveOptions) -> Result<ModelInfo, Error> {
        let header = self.header(options)?;
        let head = encode_header(&header)?;
        writer.write_all(&head).map_err(ModelError::Io)?;
        let mut sink = Sink::new(writer);
        let State { positions, velocity, gains, .. } = &self.state;
        for values in [positions, velocity, gains] {
            sink.put_scalars(values.as_flattened())?;
        }
        put_matrix(&mut sink, &self.affinities.matrix)?;
        if options.data {
            if let Some(data) = &self.data {
                match data.points() {
                    Points::Dense(x) => sink.put_scalars(x.as_slice())?,
                    Points::Bytes(x) => sink.put(x.as_slice().iter().copied())?,
                    Points::Sparse(x) => put_matrix(&mut sink, x.matrix())?,
                }
            }
            if let Some(principal) = &self.principal {
                let (axes, mean, variances, ..) = principal.parts();
                for values in [axes, mean, variances] {
                    sink.put(values.iter().copied())?;
                }
                sink.put_scalars(principal.scores())?;
            }
        }
        sink.finish()?;
        Ok(ModelInfo::of((MAJOR, MINOR), &header))
    }

    /// Reads a map that [`save`](Self::save) has written; it goes on and places new points to the same bits.
    ///
    /// The reader must end with the model. Memory: what the map takes, whatever the file claims.
    ///
    /// # Errors
    /// [`Error::Model`] when it is no model, of a newer version, of another precision or dimension, cut off, damaged,
    /// or contradicts itself.
    pub fn load(mut reader: impl Read) -> Result<Self, Error> {
        const { assert!(1 <= D && D <= 3, "a map has 1, 2 or 3 components") };
        let Head { header, specs, .. } = read_header(&mut reader)?;
        if (header.scalar.as_str(), header.n_components) != (scalar_name::<T>(), D) {
            return Err(Error::Model(ModelError::OtherType {
                scalar: header.scalar,
                n_components: header.n_components,
                asked_scalar: scalar_name::<T>(),
                asked_components: D,
            }));
        }
        let n = header.n_points;
        let lengths: Vec<usize> = specs.iter().map(Spec::len).collect();
        let (run, metric) = (header.run.optimization()?, header.metric.metric()?);
        let report = header.report.report(n, D)?;
        let mut source = Source::new(reader);
        let mut state = || Ok::<_, ModelError>(source.get_scalars::<T>(n * D)?.as_chunks().0.to_vec());
        let (positions, velocity, gains) = (state()?, state()?, state()?);
        let matrix: Csr<T> = get_matrix(&mut source, &lengths[3..6], n)?;
        let mut data = None;
        if let Some(shape) = &header.data {
            data = Some(match *shape {
                Shape::Dense { n_features } => {
                    Data::from_row_major(source.get_scalars(lengths[6])?, n_features)
                        .map_err(contradiction)?
                }
                Shape::Bytes { n_features } => {
                    Data::from_bytes(source.get(lengths[6])?, n_features).map_err(contradiction)?
                }
                Shape::Sparse { n_features, .. } => {
                    Data::from_csr(get_matrix(&mut source, &lengths[6..9], n_features)?)
                        .map_err(contradiction)?
                }
            });
        }
        let mut principal = None;
        if let Some(Pca { n_components: k, n_features: p, scale, total }) = header.pca {
            let (axes, mean, variances) = (source.get(k * p)?, source.get(p)?, source.get(k)?);
            let scores = source.get_scalars(n * k)?;
            let finite = [&axes, &mean, &variances].into_iter().flatten().all(|x: &f64| x.is_finite());
            if !(finite && scale.is_finite() && scale > 0.0 && scores.iter().all(|x: &T| x.is_finite())) {
                return Err(contradiction("its principal components are not finite").into());
            }
            principal = Some(Arc::new(Principal::from_parts(axes, mean, variances, scale, total, scores)));
        }
        source.finish()?;

        let mut state = State::from_parts(positions, velocity, gains).map_err(contradiction)?;
        state.recoveries = header.recoveries;
        if !matrix.values().iter().all(|&p| p.is_finite() && p >= T::default()) {
            return Err(contradiction("a value of P is not a finite number of at least 0").into());
        }
        if let Some(data) = &data {
            data.points().check_finite().map_err(|at| {
                contradiction(format!("row {}, column {} of its data is not finite", at.row, at.column))
            })?;
        }
        let placing = header.placement.map_or(Placing::None, |rule| Placing::Rule(rule.placement()));
        Ok(Self {
            state,
            affinities: JointAffinities { placing, ..matrix.into() },
            run,
            report,
            seed: header.seed,
            metric,
            principal,
            data: data.map(Arc::new),
            index: None,
            reference: None,
            repulsion: KeptRepulsion::default(),
            notes: header.notes,
        })
    }

    fn header(&self, options: SaveOptions) -> Result<Header, Error> {
        self.run.check()?;
        check_notes(&self.notes)?;
        let placing = &self.affinities.placing;
        let placement = match placing {
            Placing::Rule(rule) => Rule::of(rule),
            _ => None,
        };
        let data = self.data.as_ref().filter(|_| options.data);
        let principal = self.principal.as_ref().filter(|_| options.data);
        if let Some(data) = data {
            crate::pipeline::check_finite(data.points())?;
        }
        let has_rule = !matches!(placing, Placing::None);
        let left_out = [
            ("callbacks", !self.run.callbacks.is_empty()),
            ("index", self.index.is_some()),
            ("calibration", self.affinities.calibration.is_some()),
            ("rule for new points", has_rule && placement.is_none()),
            ("prepared mesh", self.reference.is_some()),
            ("data", self.data.is_some() && data.is_none()),
            ("principal components", self.principal.is_some() && principal.is_none()),
        ];
        Ok(Header {
            scalar: scalar_name::<T>().to_owned(),
            n_points: self.state.n_points(),
            n_components: D,
            n_entries: self.affinities.matrix.n_entries(),
            data: data.map(|data| match data.points() {
                Points::Dense(x) => Shape::Dense { n_features: x.n_features() },
                Points::Bytes(x) => Shape::Bytes { n_features: x.n_features() },
                Points::Sparse(x) => {
                    Shape::Sparse { n_features: x.n_features(), n_entries: x.matrix().n_entries() }
                }
            }),
            pca: principal.map(|principal| {
                let (.., scale, total) = principal.parts();
                let (n_components, n_features) = (principal.n_components(), principal.n_features());
                Pca { n_components, n_features, scale, total }
            }),
            left_out: left_out.iter().filter(|(_, lost)| *lost).map(|(what, _)| (*what).to_owned()).collect(),
            seed: self.seed,
            metric: NamedMetric::of(&self.metric)?,
            placement,
            run: Run::of(&self.run)?,
            report: Account::of(&self.report),
            recoveries: self.state.recoveries,
            notes: self.notes.clone(),
        })
    }
}

fn check_notes(notes: &BTreeMap<String, String>) -> Result<(), ModelError> {
    let bytes = notes.iter().map(|(name, note)| name.len() + note.len()).sum();
    if bytes <= MAX_NOTES { Ok(()) } else { Err(ModelError::NotesTooLarge { bytes, max_bytes: MAX_NOTES }) }
}

fn scalar_name<T: Scalar>() -> &'static str {
    match T::typed(&[]) {
        Typed::F32(_) => "f32",
        Typed::F64(_) => "f64",
    }
}

fn contradiction(why: impl ToString) -> ModelError {
    ModelError::contents(why.to_string())
}

fn put_matrix<T: Scalar, W: Write>(sink: &mut Sink<W>, matrix: &Csr<T>) -> Result<(), ModelError> {
    sink.put(matrix.offsets().iter().map(|&offset| offset as u64))?;
    sink.put(matrix.columns().iter().copied())?;
    sink.put_scalars(matrix.values())
}

fn get_matrix<T: Scalar, R: Read>(
    source: &mut Source<R>,
    lengths: &[usize],
    n_columns: usize,
) -> Result<Csr<T>, ModelError> {
    let offsets = source.get::<u64>(lengths[0])?.into_iter().map(usize::try_from);
    let offsets = offsets.collect::<Result<_, _>>().map_err(contradiction)?;
    let (columns, values) = (source.get(lengths[1])?, source.get_scalars(lengths[2])?);
    Csr::from_parts(n_columns, offsets, columns, values).map_err(contradiction)
}

/// An array of the file.
struct Spec {
    name: &'static str,
    dtype: &'static str,
    shape: Vec<usize>,
}

impl Spec {
    /// Number of elements, checked by [`layout`].
    fn len(&self) -> usize {
        self.shape.iter().product()
    }

    fn n_bytes(&self) -> Option<usize> {
        let size = match self.dtype {
            "U8" => 1,
            "U32" | "F32" => 4,
            _ => 8,
        };
        self.shape.iter().try_fold(size, |product: usize, &side| product.checked_mul(side))
    }
}

/// The arrays that `header` promises, in order, and their table in the form of safetensors.
fn layout(header: &Header) -> Result<(Vec<Spec>, Map<String, Value>), ModelError> {
    let impossible = |what| ModelError::Sizes { what };
    let (n, d, entries) = (header.n_points, header.n_components, header.n_entries);
    let real = match header.scalar.as_str() {
        "f32" => "F32",
        "f64" => "F64",
        _ => return Err(ModelError::contents(format!("no scalar is called {:?}", header.scalar))),
    };
    if !(2..=MAX_POINTS).contains(&n) {
        return Err(impossible("number of points"));
    }
    if !(1..=3).contains(&d) {
        return Err(impossible("number of components"));
    }
    let mut specs = Vec::new();
    let mut add = |name, dtype, shape: &[usize]| specs.push(Spec { name, dtype, shape: shape.to_vec() });
    for name in ["positions", "velocity", "gains"] {
        add(name, real, &[n, d]);
    }
    add("p_offsets", "U64", &[n + 1]);
    add("p_columns", "U32", &[entries]);
    add("p_values", real, &[entries]);
    match header.data {
        None => {}
        Some(Shape::Dense { n_features }) => add("data", real, &[n, n_features]),
        Some(Shape::Bytes { n_features }) => add("data", "U8", &[n, n_features]),
        Some(Shape::Sparse { n_entries, .. }) => {
            add("data_offsets", "U64", &[n + 1]);
            add("data_columns", "U32", &[n_entries]);
            add("data_values", real, &[n_entries]);
        }
    }
    if let Some(Pca { n_components: k, n_features: p, .. }) = header.pca {
        if !(1..=n.min(p)).contains(&k) {
            return Err(impossible("number of principal components"));
        }
        add("pca_axes", "F64", &[k, p]);
        add("pca_mean", "F64", &[p]);
        add("pca_variances", "F64", &[k]);
        add("pca_scores", real, &[n, k]);
    }
    let (mut table, mut start) = (Map::new(), 0_usize);
    for spec in &specs {
        let end = spec.n_bytes().and_then(|n| start.checked_add(n)).ok_or(impossible("size of an array"))?;
        let entry = json!({"dtype": spec.dtype, "shape": spec.shape, "data_offsets": [start, end]});
        table.insert(spec.name.to_owned(), entry);
        start = end;
    }
    Ok((specs, table))
}

/// Prelude and header.
fn encode_header(header: &Header) -> Result<Vec<u8>, ModelError> {
    let text = serde_json::to_string(header).map_err(contradiction)?;
    let (_, mut table) = layout(header)?;
    table.insert("__metadata__".to_owned(), json!({ "model": text }));
    let mut table = serde_json::to_vec(&table).map_err(contradiction)?;
    table.resize(table.len().next_multiple_of(8), b' ');
    if table.len() > MAX_HEADER {
        return Err(ModelError::NotSavable { what: "a header of more than 64 MiB" });
    }
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&MAJOR.to_le_bytes());
    head.extend_from_slice(&MINOR.to_le_bytes());
    let n_bytes = (table.len() as u64).to_le_bytes();
    let checksum = checksum(&[&head, &n_bytes, &table]);
    head.extend_from_slice(&checksum.to_le_bytes());
    head.extend_from_slice(&n_bytes);
    head.extend_from_slice(&table);
    Ok(head)
}

fn checksum(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}

/// What stands before the arrays of a model.
struct Head {
    version: (u16, u16),
    header: Header,
    /// The arrays that follow.
    specs: Vec<Spec>,
}

fn read_header(reader: &mut impl Read) -> Result<Head, ModelError> {
    let mut prelude = Vec::new();
    reader.take(PRELUDE as u64 + 8).read_to_end(&mut prelude).map_err(ModelError::Io)?;
    let n_magic = prelude.len().min(MAGIC.len());
    if prelude.is_empty() || prelude[..n_magic] != MAGIC[..n_magic] {
        return Err(ModelError::NotAModel { looks_like: looks_like(&prelude) });
    }
    if prelude.len() < PRELUDE + 8 {
        return Err(ModelError::Truncated { what: "header" });
    }
    let [major, minor] = [8, 10].map(|at| u16::from_le_bytes([prelude[at], prelude[at + 1]]));
    if major > MAJOR {
        return Err(ModelError::Newer { major, minor });
    }
    let (head, length) = prelude.split_at(PRELUDE);
    let n_bytes = u64::from_le_bytes(length.try_into().expect("eight bytes are left"));
    if n_bytes > MAX_HEADER as u64 {
        return Err(ModelError::Sizes { what: "header" });
    }
    let mut table = Vec::new();
    reader.take(n_bytes).read_to_end(&mut table).map_err(ModelError::Io)?;
    if (table.len() as u64) < n_bytes {
        return Err(ModelError::Truncated { what: "header" });
    }
    if checksum(&[&head[..12], length, &table]).to_le_bytes() != head[12..] {
        return Err(ModelError::Checksum { what: "header" });
    }
    let mut table: Map<String, Value> = serde_json::from_slice(&table).map_err(contradiction)?;
    let text = table.remove("__metadata__").and_then(|meta| Some(meta.get("model")?.as_str()?.to_owned()));
    let text = text.ok_or_else(|| contradiction("its header describes no map"))?;
    let header: Header = serde_json::from_str(&text).map_err(|e| {
        // What a newer minor version adds is not known here.
        if minor > MINOR { ModelError::Newer { major, minor } } else { contradiction(e) }
    })?;
    check_notes(&header.notes)?;
    let (specs, promised) = layout(&header)?;
    if table != promised {
        return Err(contradiction("its arrays are not those that its header describes"));
    }
    Ok(Head { version: (major, minor), header, specs })
}

/// The kind of file that begins so.
fn looks_like(start: &[u8]) -> &'static str {
    let kinds: [(&[u8], &str); 6] = [
        (b"\x93NUMPY", "an NPY array"),
        (b"PK", "a ZIP or NPZ archive"),
        (b"\x89PNG", "a PNG picture"),
        (b"\x1f\x8b", "a gzip file"),
        (b"PAR1", "a Parquet table"),
        (b"{", "JSON"),
    ];
    match kinds.iter().find(|(magic, _)| start.starts_with(magic)) {
        Some((_, kind)) => kind,
        None if start.is_empty() => "an empty file",
        None if start.is_ascii() => "text",
        None => "other binary data",
    }
}
