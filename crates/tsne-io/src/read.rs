//! Reads a data file of any kind, told by its suffix, or from a stream by its first bytes.

use std::fs::File;
use std::io::{Cursor, ErrorKind, Read};
use std::path::Path;

use crate::compress::decompressed;
use crate::mtx::MatrixMarket;
use crate::{
    Compression, Dataset, Error, Graph, Labels, Matrix, NpzReader, ReadOptions, read_mtx, read_npy,
    read_table,
};

/// Kinds of data files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Table,
    MatrixMarket,
    Npy,
    Npz,
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Kind {
    fn of(path: &Path) -> Result<Self, Error> {
        let suffix = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        if Compression::SUFFIXES.iter().any(|(known, _)| *known == suffix) {
            let inner = Path::new(path.file_stem().unwrap_or_default());
            return match Self::of(inner) {
                // Compressed text without a suffix of its own is most often a table.
                Err(Error::UnknownKind { suffix }) if suffix.is_empty() => Ok(Self::Table),
                Ok(kind @ (Self::Table | Self::MatrixMarket)) => Ok(kind),
                _ => Err(Error::UnknownKind { suffix }),
            };
        }
        match suffix.as_str() {
            "csv" | "tsv" | "txt" => Ok(Self::Table),
            "mtx" => Ok(Self::MatrixMarket),
            "npy" => Ok(Self::Npy),
            "npz" => Ok(Self::Npz),
            #[cfg(feature = "parquet")]
            "parquet" => Ok(Self::Parquet),
            _ => Err(Error::UnknownKind { suffix }),
        }
    }
}

/// Reads the data file at `path`: `.csv`, `.tsv` or `.txt` text, a `.npy` array, a `.npz` archive, a `.mtx` matrix, or
/// (feature `parquet`) a `.parquet` table; text may be compressed, `.gz` or `.zst`.
///
/// # Errors
/// As the reader of the kind concerned, and when the file does not exist, cannot be read, or has another suffix.
pub fn read_path(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Dataset, Error> {
    let path = path.as_ref();
    let kind = Kind::of(path)?;
    let file = open(path)?;
    match kind {
        Kind::Table => read_table(file, options),
        Kind::MatrixMarket => read_mtx(file, options),
        Kind::Npy => {
            let length = file.metadata().map_err(Error::NotReadable)?.len();
            read_npy(file, Some(length))?.into_dataset(options)
        }
        Kind::Npz => NpzReader::open(file)?.dataset(options),
        #[cfg(feature = "parquet")]
        Kind::Parquet => crate::read_parquet(file, options),
    }
}

/// Reads data from a stream, such as standard input: of any kind that [`read_path`] reads, told by its first bytes.
///
/// An archive or a Parquet file is kept in memory while it is read.
///
/// # Errors
/// As the reader of the kind concerned, and those of the stream.
pub fn read_stream(source: impl Read, options: &ReadOptions) -> Result<Dataset, Error> {
    const LONGEST: u64 = 14; // of "%%MatrixMarket"
    let mut source = decompressed(source)?;
    let mut start = Vec::new();
    source.by_ref().take(LONGEST).read_to_end(&mut start).map_err(Error::of_reading)?;
    let is_mtx = start.eq_ignore_ascii_case(b"%%MatrixMarket");
    let (is_npy, is_npz) = (start.starts_with(b"\x93NUMPY"), start.starts_with(b"PK\x03\x04"));
    let is_parquet = start.starts_with(b"PAR1") || start.starts_with(b"PARE");
    let mut whole = Cursor::new(start).chain(source);
    if is_npy {
        read_npy(whole, None)?.into_dataset(options)
    } else if is_npz {
        let mut archive = Vec::new();
        whole.read_to_end(&mut archive).map_err(Error::of_reading)?;
        NpzReader::open(Cursor::new(archive))?.dataset(options)
    } else if is_parquet {
        let mut file = Vec::new();
        whole.read_to_end(&mut file).map_err(Error::of_reading)?;
        parquet(file, options)
    } else if is_mtx {
        read_mtx(whole, options)
    } else {
        read_table(whole, options)
    }
}

#[cfg(feature = "parquet")]
fn parquet(file: Vec<u8>, options: &ReadOptions) -> Result<Dataset, Error> {
    crate::read_parquet(Cursor::new(file), options)
}

#[cfg(not(feature = "parquet"))]
fn parquet(_: Vec<u8>, _: &ReadOptions) -> Result<Dataset, Error> {
    Err(Error::UnknownKind { suffix: "parquet".to_owned() })
}

/// Reads a sparse matrix from a `.npz` of scipy or a `.mtx` file.
///
/// # Errors
/// As [`NpzReader::sparse`] and [`read_mtx`], and when the file holds no sparse matrix or has another suffix.
pub fn read_sparse(path: impl AsRef<Path>) -> Result<Matrix, Error> {
    let path = path.as_ref();
    match Kind::of(path)? {
        Kind::Npz => NpzReader::open(open(path)?)?.sparse(),
        Kind::MatrixMarket => match MatrixMarket::read(open(path)?)?.0 {
            MatrixMarket::Sparse(matrix) => Ok(matrix),
            MatrixMarket::Dense(array) => Err(Error::malformed(format!(
                "a sparse matrix is expected, and this is a dense one of shape {:?}",
                array.shape
            ))),
        },
        _ => Err(Error::malformed("a sparse matrix is expected: a .npz or .mtx file")),
    }
}

/// Reads neighbors from a `.npz` of arrays `indices` and `distances` or of scipy, or from a `.mtx` file.
///
/// # Errors
/// As [`Graph::from_npz`] and [`Graph::from_sparse`].
pub fn read_graph(path: impl AsRef<Path>) -> Result<Graph, Error> {
    let path = path.as_ref();
    match Kind::of(path)? {
        Kind::Npz => Graph::from_npz(&mut NpzReader::open(open(path)?)?),
        _ => Graph::from_sparse(read_sparse(path)?),
    }
}

/// Reads labels, one for each of `n_rows` rows: lines of text, of which one more than rows is a heading, or the
/// entries of a `.npy` array.
///
/// # Errors
/// When the file cannot be read, is no text, or has another number of labels.
pub fn read_labels(path: impl AsRef<Path>, n_rows: usize) -> Result<Labels, Error> {
    let path = path.as_ref();
    let mut name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let file = open(path)?;
    let mut texts = if path.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("npy")) {
        crate::npy_text::read_texts(file, crate::npy::Length::Unknown)?.1
    } else {
        let mut text = Vec::new();
        decompressed(file)?.read_to_end(&mut text).map_err(Error::of_reading)?;
        let text = String::from_utf8(text)
            .map_err(|_| Error::malformed("the labels are not UTF-8; save the file as UTF-8"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        text.lines().map(unquoted).collect()
    };
    if texts.len() == n_rows + 1 {
        name = texts.remove(0);
    }
    if texts.len() != n_rows {
        return Err(Error::WrongLength { name, found: texts.len(), expected: n_rows });
    }
    Ok(Labels::from_texts(name, texts))
}

/// A line that is one field of a table.
fn unquoted(line: &str) -> String {
    let line = line.trim();
    match line.strip_prefix('"').and_then(|line| line.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => line.to_owned(),
    }
}

fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => Error::NotFound,
        _ => Error::NotReadable(e),
    })
}
