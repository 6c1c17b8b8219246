//! numpy archives (NPZ): arrays by name, stored or deflated, read without believing the sizes they declare.

use std::io::{BufReader, Read, Seek, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::npy::{Array, Length, NpyElement, read_array, write_npy};
use crate::npy_text::{read_texts, write_npy_text, write_npy_texts};
use crate::{Cells, Dataset, Error, Format, Labels, Matrix, ReadOptions, Sparse, error};

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
        self.read_with(name, |member, length| read_array(member, length))
    }

    /// Reads one array of one dimension as texts; numbers are written out.
    ///
    /// # Errors
    /// As [`array`](Self::array), and when the array has another number of dimensions.
    pub fn texts(&mut self, name: &str) -> Result<Vec<String>, Error> {
        let (shape, texts) = self.read_with(name, |member, length| read_texts(member, length))?;
        if shape.len() > 1 {
            return Err(Error::NotAList { name: name.to_owned(), shape });
        }
        Ok(texts)
    }

    fn read_with<V>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut dyn Read, Length) -> Result<V, Error>,
    ) -> Result<V, Error> {
        if !self.names.iter().any(|known| known == name) {
            return Err(Error::NoSuchArray {
                what: format!("array \"{}\"", error::shown(name)),
                names: self.names.clone(),
            });
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
        read(&mut BufReader::with_capacity(1 << 16, member), length)
    }

    /// Whether this is a sparse matrix as `scipy.sparse.save_npz` writes it.
    #[must_use]
    pub fn is_sparse(&self) -> bool {
        ["data", "indices", "indptr", "shape"].iter().all(|name| self.names.iter().any(|known| known == name))
    }

    /// Reads a sparse matrix in compressed rows, as `scipy.sparse.save_npz` writes it.
    ///
    /// Columns of a row may be in any order; entries of the same place are added up.
    ///
    /// # Errors
    /// When an array is missing, the format is not `csr`, or the arrays do not fit together.
    pub fn sparse(&mut self) -> Result<Matrix, Error> {
        if self.names.iter().any(|name| name == "format") {
            let (_, format) = self.read_with("format", |member, length| read_texts(member, length))?;
            if format != ["csr"] {
                let format = format.first().map_or("", String::as_str);
                return Err(Error::malformed(format!(
                    "the sparse matrix is stored as \"{}\", and csr is read: save x.tocsr()",
                    error::shown(format)
                )));
            }
        }
        let mut whole = |name: &str| self.array(name)?.values.into_indices(name);
        let shape = whole("shape")?;
        let [n_rows, n_columns] = shape[..] else { return Err(Error::NotAMatrix { shape }) };
        let offsets = whole("indptr")?;
        if n_columns > u32::MAX as usize || n_rows.checked_add(1) != Some(offsets.len()) {
            return Err(Error::malformed(format!(
                "the sparse matrix declares the shape ({n_rows}, {n_columns}) and has {} row offsets",
                offsets.len()
            )));
        }
        let columns = self.array("indices")?.values.into_columns()?;
        let values = self.array("data")?.values.into_f64();
        let matrix = Sparse::from_rows(n_columns, offsets, columns, values)?;
        Ok(Matrix { cells: Cells::Sparse(matrix), n_features: n_columns })
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
        if self.is_sparse() {
            return self.sparse_dataset(options, label, id);
        }
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
        let columns = without(options, label.as_ref(), id.as_ref());
        let mut data = self.array(&name)?.into_dataset(&columns)?;
        if let Format::Npy { descr } = data.format {
            data.format = Format::Npz { name, descr };
        }
        self.add_texts(&mut data, label, id)?;
        Ok(data)
    }

    fn sparse_dataset(
        &mut self,
        options: &ReadOptions,
        label: Option<String>,
        id: Option<String>,
    ) -> Result<Dataset, Error> {
        let matrix = self.sparse()?;
        let Cells::Sparse(entries) = matrix.cells() else { unreachable!("the matrix is sparse") };
        let format = Format::Csr { n_entries: entries.n_entries() };
        let columns = without(options, label.as_ref(), id.as_ref());
        let mut data = matrix.into_dataset(format, &columns)?;
        self.add_texts(&mut data, label, id)?;
        Ok(data)
    }

    /// Adds labels and ids from arrays of their own, which have an entry for each row of the file.
    fn add_texts(
        &mut self,
        data: &mut Dataset,
        label: Option<String>,
        id: Option<String>,
    ) -> Result<(), Error> {
        let kept = data.kept_rows.clone();
        let n_rows = data.n_rows_in_file;
        let mut list = |name: &str| {
            let texts = self.texts(name)?;
            if texts.len() != n_rows {
                let (name, found) = (name.to_owned(), texts.len());
                return Err(Error::WrongLength { name, found, expected: n_rows });
            }
            Ok(match &kept {
                Some(rows) => rows.iter().map(|&row| texts[row].clone()).collect(),
                None => texts,
            })
        };
        if let Some(name) = label {
            let texts: Vec<String> = list(&name)?;
            data.labels = Some(Labels::from_texts(name, texts));
        }
        if let Some(name) = id {
            data.ids = Some(list(&name)?);
        }
        Ok(())
    }
}

/// Options for the columns of a matrix whose labels or ids are arrays of their own.
fn without(options: &ReadOptions, label: Option<&String>, id: Option<&String>) -> ReadOptions {
    let mut columns = options.clone();
    if label.is_some() {
        columns.label = None;
    }
    if id.is_some() {
        columns.id = None;
    }
    columns
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

    /// Adds texts as an array of one dimension.
    ///
    /// # Errors
    /// Those of the sink, and when the name was used before.
    pub fn texts(&mut self, name: &str, texts: &[String]) -> std::io::Result<()> {
        let longest = texts.iter().map(String::len).max().unwrap_or(0);
        self.start(name, texts.len().saturating_mul(4 * longest))?;
        write_npy_texts(&mut self.zip, texts)
    }

    /// Adds the arrays of a sparse matrix, as `scipy.sparse.save_npz` does.
    ///
    /// # Errors
    /// Those of the sink, and when one of the names was used before.
    pub fn sparse(&mut self, matrix: &Sparse, n_columns: usize) -> std::io::Result<()> {
        // Offsets and columns are at most 2^63 on every machine there is.
        let signed = |n: usize| i64::try_from(n).expect("fits");
        let offsets: Vec<i64> = matrix.offsets().iter().map(|&n| signed(n)).collect();
        let columns: Vec<i64> = matrix.columns().iter().map(|&c| i64::from(c)).collect();
        self.text("format", "csr")?;
        self.array("shape", &[2], &[signed(offsets.len() - 1), signed(n_columns)])?;
        self.array("indptr", &[offsets.len()], &offsets)?;
        self.array("indices", &[columns.len()], &columns)?;
        self.array("data", &[columns.len()], matrix.values())
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
