//! Output files that appear whole or not at all.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::Error;

/// A place where a file will be written, checked before anything is computed.
///
/// ```no_run
/// use std::io::Write;
/// use tsne_io::Output;
///
/// let output = Output::check("map.csv", false)?; // fails now if the directory is not writable
/// let text = "x,y\n0,1\n"; // ... a long computation ...
/// output.write(|file| file.write_all(text.as_bytes()))?;
/// # Ok::<(), tsne_io::Error>(())
/// ```
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    overwrite: bool,
}

impl Output {
    /// Checks that `path` can be written: a temporary file beside it is created and removed again.
    ///
    /// # Errors
    /// [`Error::OutputExists`] when there is a file and `overwrite` is not set, [`Error::NotWritable`] when the
    /// directory does not exist or does not admit a file, or when `path` is a directory or a device.
    pub fn check(path: impl Into<PathBuf>, overwrite: bool) -> Result<Self, Error> {
        let output = Self { path: path.into(), overwrite };
        output.check_target()?;
        drop(Temporary::create(&output.path)?);
        Ok(output)
    }

    /// The path given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file: into a temporary one beside it, which then takes its name.
    ///
    /// A failure leaves what was there before, and no temporary file. A symbolic link at the path is replaced, not
    /// followed.
    ///
    /// # Errors
    /// As [`check`](Self::check); those of `write` and of the disk.
    pub fn write(&self, write: impl FnOnce(&mut dyn WriteSeek) -> io::Result<()>) -> Result<(), Error> {
        self.check_target()?;
        let temporary = Temporary::create(&self.path)?;
        let mut sink = BufWriter::with_capacity(1 << 16, &temporary.file);
        write(&mut sink)
            .and_then(|()| sink.flush())
            .and_then(|()| temporary.file.sync_all())
            .and_then(|()| temporary.rename(&self.path))
            .map_err(|e| failure(&self.path, e))
    }

    fn check_target(&self) -> Result<(), Error> {
        match fs::symlink_metadata(&self.path) {
            Ok(metadata) if !metadata.is_file() && !metadata.is_symlink() => {
                let what = if metadata.is_dir() { "it is a directory" } else { "it is not a regular file" };
                Err(Error::NotWritable { path: self.path.clone(), source: io::Error::other(what) })
            }
            Ok(_) if !self.overwrite => Err(Error::OutputExists { path: self.path.clone() }),
            Ok(_) => Ok(()),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
            Err(e) => Err(failure(&self.path, e)),
        }
    }
}

/// What a format's writer may do with the file: write, go back, as archives need, and cross to another thread.
pub trait WriteSeek: Write + io::Seek + Send {}

impl<W: Write + io::Seek + Send> WriteSeek for W {}

/// A file that is removed when dropped, unless it was renamed.
struct Temporary {
    file: File,
    path: PathBuf,
    is_renamed: Cell<bool>,
}

impl Temporary {
    /// Creates a hidden file beside `path`, of a name no other process uses.
    fn create(path: &Path) -> Result<Self, Error> {
        if path.file_name().is_none() {
            let source = io::Error::other("the path names no file");
            return Err(Error::NotWritable { path: path.to_owned(), source });
        }
        let process = std::process::id();
        for attempt in 0..1000 {
            let candidate = path.with_file_name(format!(".tsne-{process}-{attempt}.tmp"));
            match OpenOptions::new().write(true).create_new(true).open(&candidate) {
                Ok(file) => return Ok(Self { file, path: candidate, is_renamed: Cell::new(false) }),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => return Err(failure(path, e)),
            }
        }
        Err(failure(path, ErrorKind::AlreadyExists.into()))
    }

    fn rename(&self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.is_renamed.set(true);
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_renamed.get() {
            // A failure here could not be reported better than the one that led here.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn failure(path: &Path, source: io::Error) -> Error {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::DiskFull { path, source },
        _ => Error::NotWritable { path, source },
    }
}
