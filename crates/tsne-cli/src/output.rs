//! Outputs: which kind a file name asks for, and how a map is written as that kind.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use tsne::{Scalar, TsneEmbedding};
use tsne_io::{Compression, Labels, MapTable, NpyElement, NpzWriter, Output, WriteSeek, write_npy};

use crate::checkpoint;
use crate::drive::Snapshot;
use crate::exit::{Failure, print_bytes};
use crate::input::is_standard;
use crate::plot::{Picture, lanes};

/// What is written to a file, by its suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Text with this delimiter, perhaps compressed.
    Table(u8, Option<Compression>),
    Npy,
    Npz,
    #[cfg(feature = "parquet")]
    Parquet,
    Png,
    Report,
    Model,
    Checkpoint,
}

const SUFFIXES: &[(&str, Kind)] = &[
    ("csv", Kind::Table(b',', None)),
    ("tsv", Kind::Table(b'\t', None)),
    ("npy", Kind::Npy),
    ("npz", Kind::Npz),
    #[cfg(feature = "parquet")]
    ("parquet", Kind::Parquet),
    ("png", Kind::Png),
    ("json", Kind::Report),
    ("tsne", Kind::Model),
    ("ckpt", Kind::Checkpoint),
];

impl Kind {
    fn of(path: &Path) -> Result<Self, Failure> {
        if is_standard(path) {
            return Ok(Self::Table(b',', None));
        }
        let suffix = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        if let Some((_, compression)) = Compression::SUFFIXES.iter().find(|(known, _)| *known == suffix)
            && let Ok(Self::Table(delimiter, None)) =
                Self::of(Path::new(path.file_stem().unwrap_or_default()))
        {
            return Ok(Self::Table(delimiter, Some(*compression)));
        }
        SUFFIXES.iter().find(|(known, _)| *known == suffix).map(|(_, kind)| *kind).ok_or_else(|| {
            let what = format!("unknown kind of output: \"{}\"", tsne_io::shown(&suffix));
            let help = "end the name of an output in .csv, .tsv (also .gz or .zst), .npy, .npz, .parquet, .png, .json, .tsne or .ckpt";
            Failure::new("E201", what, help).at(crate::exit::shown_path(path))
        })
    }
}

/// The outputs of a run, known to be writable.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    files: Vec<(Kind, Output)>,
    /// What goes to standard output.
    standard: Option<Kind>,
    is_spreadsheet_safe: bool,
}

/// A finished map with what goes with it.
#[derive(Debug)]
pub(crate) struct Map<'a, T: Scalar, const D: usize> {
    /// The map with all that is needed to go on; none for new rows in the map of a model.
    pub(crate) embedding: Option<&'a TsneEmbedding<T, D>>,
    pub(crate) positions: &'a [[T; D]],
    pub(crate) labels: Option<&'a Labels>,
    pub(crate) ids: Option<&'a [String]>,
    /// Maps on the way, oldest first.
    pub(crate) snapshots: &'a [Snapshot<T, D>],
    /// Line below the picture.
    pub(crate) caption: String,
    /// The run report.
    pub(crate) report: serde_json::Value,
}

impl Outputs {
    /// Checks every output before anything is computed: its suffix, that it may be written, and that it is neither
    /// the input nor named twice.
    pub(crate) fn check(paths: &[PathBuf], input: Option<&Path>, overwrite: bool) -> Result<Self, Failure> {
        let mut taken: Vec<PathBuf> = input.map(place).into_iter().collect();
        let mut outputs = Self::default();
        for path in paths {
            let kind = Kind::of(path)?;
            if is_standard(path) {
                outputs.standard = Some(kind);
                continue;
            }
            let place = place(path);
            if taken.contains(&place) {
                let what = "an output is the input, or is named twice";
                let help = "give every output a name of its own";
                return Err(Failure::new("E207", what, help).at(crate::exit::shown_path(path)));
            }
            taken.push(place);
            let output = Output::check(path, overwrite).map_err(|e| Failure::in_file(path, &e))?;
            outputs.files.push((kind, output));
        }
        Ok(outputs)
    }

    /// Makes text in tables safe for spreadsheets.
    pub(crate) fn spreadsheet_safe(self, is_spreadsheet_safe: bool) -> Self {
        Self { is_spreadsheet_safe, ..self }
    }

    /// Adds the checkpoint that `--checkpoint` names, whatever its suffix, unless it is an output already.
    pub(crate) fn add_checkpoint(&mut self, path: &Path, overwrite: bool) -> Result<(), Failure> {
        if self.paths().any(|known| place(known) == place(path)) {
            return Ok(());
        }
        let output = Output::check(path, overwrite).map_err(|e| Failure::in_file(path, &e))?;
        self.files.push((Kind::Checkpoint, output));
        Ok(())
    }

    /// Whether a model is among them, whose map has to keep its data.
    pub(crate) fn has_model(&self) -> bool {
        self.files.iter().any(|(kind, _)| *kind == Kind::Model)
    }

    /// Whether one of them has room for maps on the way.
    pub(crate) fn holds_snapshots(&self) -> bool {
        self.files.iter().any(|(kind, _)| *kind == Kind::Npz)
    }

    /// The first checkpoint among them.
    pub(crate) fn checkpoint(&self) -> Option<&Path> {
        self.files.iter().find(|(kind, _)| *kind == Kind::Checkpoint).map(|(_, output)| output.path())
    }

    /// Writes the checkpoints. A checkpoint holds the data only where a model is to be made of it.
    pub(crate) fn save_checkpoints<T: Scalar, const D: usize>(
        &self,
        map: &TsneEmbedding<T, D>,
    ) -> Result<(), Failure> {
        for (_, output) in self.files.iter().filter(|(kind, _)| *kind == Kind::Checkpoint) {
            // What is there is an earlier checkpoint of this run, or was looked at when the run began.
            let again =
                Output::check(output.path(), true).map_err(|e| Failure::in_file(output.path(), &e))?;
            checkpoint::save(map, &again, self.has_model())?;
        }
        Ok(())
    }

    /// The files, in the order given.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(_, output)| output.path())
    }

    /// Writes every output, each whole or not at all.
    pub(crate) fn write<T, const D: usize>(&self, map: &Map<'_, T, D>) -> Result<(), Failure>
    where
        T: Scalar + NpyElement + Display,
    {
        if let Some(embedding) = map.embedding {
            self.save_checkpoints(embedding)?;
        }
        for (kind, output) in &self.files {
            match (kind, map.embedding) {
                (Kind::Checkpoint, _) | (Kind::Model, None) => {}
                (Kind::Model, Some(embedding)) => checkpoint::save(embedding, output, true)?,
                (kind, _) => output
                    .write(|file| self.write_as(*kind, map, file))
                    .map_err(|e| Failure::in_file(output.path(), &e))?,
            }
        }
        if let Some(kind) = self.standard {
            let mut bytes = Cursor::new(Vec::new());
            self.write_as(kind, map, &mut bytes).expect("memory takes all");
            print_bytes(bytes.get_ref())?;
        }
        Ok(())
    }

    fn write_as<T, const D: usize>(
        &self,
        kind: Kind,
        map: &Map<'_, T, D>,
        file: &mut dyn WriteSeek,
    ) -> io::Result<()>
    where
        T: Scalar + NpyElement + Display,
    {
        let flat = map.positions.as_flattened();
        let shape = [map.positions.len(), D];
        match kind {
            Kind::Table(delimiter, compression) => {
                let table = MapTable::new(flat, D, map.labels, map.ids);
                let table = table.spreadsheet_safe(self.is_spreadsheet_safe);
                match compression {
                    None => table.write(file, delimiter),
                    Some(compression) => {
                        let mut text = Vec::new();
                        table.write(&mut text, delimiter)?;
                        compression.write(&text, file)
                    }
                }
            }
            Kind::Npy => write_npy(file, &shape, flat),
            Kind::Npz => {
                let mut archive = NpzWriter::new(file);
                archive.array("x", &shape, flat)?;
                if let Some(labels) = map.labels {
                    let texts: Vec<String> = (0..labels.len()).map(|i| labels.text(i).to_owned()).collect();
                    archive.texts("label", &texts)?;
                }
                if let Some(ids) = map.ids {
                    archive.texts("id", ids)?;
                }
                if !map.snapshots.is_empty() {
                    let flat = |snapshot: &Snapshot<T, D>| snapshot.positions.as_flattened().to_vec();
                    let positions: Vec<T> = map.snapshots.iter().flat_map(flat).collect();
                    archive.array("snapshots", &[map.snapshots.len(), shape[0], D], &positions)?;
                    let iterations: Vec<u64> =
                        map.snapshots.iter().map(|snapshot| snapshot.iteration as u64).collect();
                    archive.array("iterations", &[iterations.len()], &iterations)?;
                }
                archive.finish().map(drop)
            }
            #[cfg(feature = "parquet")]
            Kind::Parquet => MapTable::new(flat, D, map.labels, map.ids).write_parquet(file),
            Kind::Png => {
                Picture::scatter(&plane(map.positions, map.labels), map.labels, &map.caption).write_png(file)
            }
            Kind::Report => {
                serde_json::to_writer_pretty(&mut *file, &map.report)?;
                file.write_all(b"\n")
            }
            Kind::Model | Kind::Checkpoint => unreachable!("these are written by themselves"),
        }
    }
}

/// The map as the picture shows it: one component in lanes, of three the first two.
fn plane<T: Scalar, const D: usize>(positions: &[[T; D]], labels: Option<&Labels>) -> Vec<[f64; 2]> {
    if D == 1 {
        let line: Vec<f64> = positions.iter().map(|y| y[0].to_f64()).collect();
        return lanes(&line, labels);
    }
    positions.iter().map(|y| [y[0].to_f64(), y[1].to_f64()]).collect()
}

/// What a path comes down to, so that two spellings of one file are seen as one.
fn place(path: &Path) -> PathBuf {
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let directory = parent.canonicalize().unwrap_or_else(|_| parent.to_owned());
    let file = directory.join(path.file_name().unwrap_or(OsStr::new("")));
    // The file itself is resolved too, so that an input behind a symbolic link is recognized.
    file.canonicalize().unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_decide_in_any_capitalization() {
        assert_eq!(Kind::of(Path::new("a.b/map.PNG")).expect("known"), Kind::Png, "capitals");
        for name in ["map", "map.svg", "png", ".png"] {
            let failure = Kind::of(Path::new(name)).expect_err("unknown");
            assert_eq!((failure.code(), failure.status()), ("E201", 3), "{name}");
        }
    }
}
