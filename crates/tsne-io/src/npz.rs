//! numpy archives (NPZ): arrays by name, stored or deflated, read without believing the sizes they declare.

use std::io::{BufReader, Read, Seek, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::labels::LabelsBuilder;
use crate::npy::{Array, Length, NpyElement, read_array, write_npy, write_npy_text};
use crate::{Dataset, Error, Format, ReadOptions, error};

/// No deflated stream is longer than this many times its compressed form.
const MAX_RATIO: u64 = 1040;

/// A numpy archive open for reading.
#[derive(Debug)]
pub struct NpzReader<R: Read + Seek> {
    archive: ZipArchive<R>,
    names: Vec<String>,
}

impl<R: Read + Seek> NpzReader<R> {
    /// Reads the archive's directory.
    ///
    /// # Errors
    /// When `source` is no ZIP archive.
    pub fn open(source: R) -> Result<Self, Error> {
        let archive = ZipArchive::new(source).map_err(damaged)?;
        let mut names = Vec::new();
        for name in archive.file_names() {
            if let Some(name) = name.map_err(damaged)?.strip_suffix(".npy") {
                names.push(name.to_owned());
            }
        }
        Ok(Self { archive, names })
    }

    /// Names of the arrays, in no particular order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads one array.
    ///
    /// # Errors
    /// When there is no array of this name, and as [`read_npy`](crate::read_npy). Memory grows with the data that
    /// arrive, never with the size the archive declares.
    pub fn array(&mut self, name: &str) -> Result<Array, Error> {
        let missing = || Error::NoSuchArray {
            what: format!("array \"{}\"", error::shown(name)),
            names: self.names.clone(),
        };
        if !self.names.iter().any(|known| known == name) {
            return Err(missing());
        }
        let member = self.archive.by_name(&format!("{name}.npy")).map_err(damaged)?;
        if member.size() > member.compressed_size().saturating_mul(MAX_RATIO) {
            return Err(Error::malformed(format!(
                "array \"{}\" claims {} bytes, more than its {} compressed bytes can hold",
                error::shown(name),
                member.size(),
                member.compressed_size()
            )));
        }
        let length = Length::Claimed(member.size());
        read_array(BufReader::with_capacity(1 << 16, member), length)
    }

    /// Reads the one matrix of the archive (or the one named `x` or `X`) as data to embed.
    ///
    /// [`ReadOptions::label`] and [`ReadOptions::id`] name one-dimensional arrays of the archive, or columns of the
    /// matrix by number.
    ///
    /// # Errors
    /// When no matrix, or more than one, is found, and as [`array`](Self::array) and
    /// [`Array::into_dataset`].
    pub fn dataset(&mut self, options: &ReadOptions) -> Result<Dataset, Error> {
        let aside = |name: &Option<String>| name.clone().filter(|name| self.names.contains(name));
        let (label, id) = (aside(&options.label), aside(&options.id));
        let candidates: Vec<String> = self
            .names
            .iter()
            .filter(|&name| ![&label, &id].contains(&&Some(name.clone())))
            .cloned()
            .collect();
        let name = match &candidates[..] {
            [only] => only.clone(),
            several => match several.iter().find(|name| matches!(name.as_str(), "x" | "X")) {
                Some(name) => name.clone(),
                None => {
                    let what = "array named x, and not exactly one array that could be the data".to_owned();
                    return Err(Error::NoSuchArray { what, names: self.names.clone() });
                }
            },
        };
        let mut columns = options.clone();
        if label.is_some() {
            columns.label = None;
        }
        if id.is_some() {
            columns.id = None;
        }
        let mut data = self.array(&name)?.into_dataset(&columns)?;
        if let Format::Npy { descr } = data.format {
            data.format = Format::Npz { name, descr };
        }
        let n_rows = data.features.n_rows();
        if let Some(label) = label {
            let mut labels = LabelsBuilder::new(label.clone());
            self.texts(&label, n_rows)?.iter().for_each(|text| labels.push(text));
            data.labels = Some(labels.finish());
        }
        if let Some(id) = id {
            data.ids = Some(self.texts(&id, n_rows)?);
        }
        Ok(data)
    }

    /// A one-dimensional array of `n_rows` elements as texts.
    fn texts(&mut self, name: &str, n_rows: usize) -> Result<Vec<String>, Error> {
        let array = self.array(name)?;
        if array.shape != [n_rows] {
            let (name, found) = (name.to_owned(), array.shape.first().copied().unwrap_or(0));
            return Err(Error::WrongLength { name, found, expected: n_rows });
        }
        Ok(array.texts().collect())
    }
}

/// Writes arrays into a numpy archive, uncompressed, as `numpy.savez` does.
///
/// ```
/// use tsne_io::{NpzReader, NpzWriter, Values};
///
/// let mut file = std::io::Cursor::new(Vec::new());
/// let mut archive = NpzWriter::new(&mut file);
/// archive.array("indices", &[2, 2], &[1_u32, 2, 0, 2])?;
/// archive.array("distances", &[2, 2], &[0.5_f32, 1.0, 0.5, 2.0])?;
/// archive.finish()?;
/// let read = NpzReader::open(file)?.array("indices")?;
/// assert_eq!(read.values, Values::U32(vec![1, 2, 0, 2]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct NpzWriter<W: Write + Seek> {
    zip: ZipWriter<W>,
}

impl<W: Write + Seek> NpzWriter<W> {
    /// Starts an archive.
    pub fn new(sink: W) -> Self {
        Self { zip: ZipWriter::new(sink) }
    }

    /// Adds an array in C order.
    ///
    /// # Errors
    /// Those of the sink, and when the name was used before.
    ///
    /// # Panics
    /// If `values` are not as many as `shape` says.
    pub fn array<E: NpyElement>(&mut self, name: &str, shape: &[usize], values: &[E]) -> std::io::Result<()> {
        self.start(name, size_of_val(values))?;
        write_npy(&mut self.zip, shape, values)
    }

    /// Adds a text of ASCII characters, which numpy reads as bytes: scipy wants one named `format`.
    ///
    /// # Errors
    /// Those of the sink, and when the name was used before.
    pub fn text(&mut self, name: &str, text: &str) -> std::io::Result<()> {
        self.start(name, text.len())?;
        write_npy_text(&mut self.zip, text)
    }

    fn start(&mut self, name: &str, n_bytes: usize) -> std::io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(n_bytes >= 1 << 31);
        self.zip.start_file(format!("{name}.npy"), options).map_err(std::io::Error::other)
    }

    /// Writes the archive's directory and gives the sink back.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn finish(self) -> std::io::Result<W> {
        self.zip.finish().map_err(std::io::Error::other)
    }
}

impl<W: Write + Seek> std::fmt::Debug for NpzWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NpzWriter").finish_non_exhaustive()
    }
}

fn damaged(e: zip::result::ZipError) -> Error {
    match e {
        zip::result::ZipError::Io(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => {
            Error::NotReadable(e)
        }
        other => Error::malformed(format!("the numpy archive is damaged: {other}")),
    }
}
