//! Reads a data file of any kind, told by its suffix.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use crate::{Dataset, Error, NpzReader, ReadOptions, read_npy, read_table};

/// Reads the data file at `path`: `.csv`, `.tsv` or `.txt` text, a `.npy` array, or a `.npz` archive.
///
/// # Errors
/// As the reader of the kind concerned, and when the file does not exist, cannot be read, or has another suffix.
pub fn read_path(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Dataset, Error> {
    let path = path.as_ref();
    let suffix = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let read: fn(File, &ReadOptions) -> Result<Dataset, Error> = match suffix.as_str() {
        "csv" | "tsv" | "txt" => |file, options| read_table(file, options),
        "npy" => |file, options| {
            let length = file.metadata().map_err(Error::NotReadable)?.len();
            read_npy(file, Some(length))?.into_dataset(options)
        },
        "npz" => |file, options| NpzReader::open(file)?.dataset(options),
        _ => return Err(Error::UnknownKind { suffix }),
    };
    let file = File::open(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => Error::NotFound,
        _ => Error::NotReadable(e),
    })?;
    read(file, options)
}
