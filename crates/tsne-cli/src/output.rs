//! Outputs: which kind a file name asks for, and how a map is written as that kind.

use std::ffi::OsStr;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use tsne::{Scalar, TsneEmbedding};
use tsne_io::{Labels, MapTable, NpyElement, Output, write_npy};

use crate::checkpoint;
use crate::exit::Failure;
use crate::plot::{Picture, lanes};

/// What is written to a file, by its suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Text with this delimiter.
    Table(u8),
    Npy,
    Png,
    Report,
    Model,
    Checkpoint,
}

const SUFFIXES: [(&str, Kind); 7] = [
    ("csv", Kind::Table(b',')),
    ("tsv", Kind::Table(b'\t')),
    ("npy", Kind::Npy),
    ("png", Kind::Png),
    ("json", Kind::Report),
    ("tsne", Kind::Model),
    ("ckpt", Kind::Checkpoint),
];

impl Kind {
    fn of(path: &Path) -> Result<Self, Failure> {
        let suffix = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        SUFFIXES.iter().find(|(known, _)| *known == suffix).map(|(_, kind)| *kind).ok_or_else(|| {
            let what = format!("unknown kind of output: \"{}\"", tsne_io::shown(&suffix));
            let help = "end the name of an output in .csv, .tsv, .npy, .png, .json, .tsne or .ckpt";
            Failure::new("E201", what, help).at(crate::exit::shown_path(path))
        })
    }
}

/// The outputs of a run, known to be writable.
#[derive(Debug)]
pub(crate) struct Outputs(Vec<(Kind, Output)>);

/// A finished map with what goes with it.
#[derive(Debug)]
pub(crate) struct Map<'a, T: Scalar, const D: usize> {
    /// The map with all that is needed to go on; none for new rows in the map of a model.
    pub(crate) embedding: Option<&'a TsneEmbedding<T, D>>,
    pub(crate) positions: &'a [[T; D]],
    pub(crate) labels: Option<&'a Labels>,
    pub(crate) ids: Option<&'a [String]>,
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
        let mut outputs = Vec::with_capacity(paths.len());
        for path in paths {
            let kind = Kind::of(path)?;
            let place = place(path);
            if taken.contains(&place) {
                let what = "an output is the input, or is named twice";
                let help = "give every output a name of its own";
                return Err(Failure::new("E207", what, help).at(crate::exit::shown_path(path)));
            }
            taken.push(place);
            let output = Output::check(path, overwrite).map_err(|e| Failure::in_file(path, &e))?;
            outputs.push((kind, output));
        }
        Ok(Self(outputs))
    }

    /// Adds the checkpoint that `--checkpoint` names, whatever its suffix, unless it is an output already.
    pub(crate) fn add_checkpoint(&mut self, path: &Path, overwrite: bool) -> Result<(), Failure> {
        if self.paths().any(|known| place(known) == place(path)) {
            return Ok(());
        }
        let output = Output::check(path, overwrite).map_err(|e| Failure::in_file(path, &e))?;
        self.0.push((Kind::Checkpoint, output));
        Ok(())
    }

    /// Whether a model is among them, whose map has to keep its data.
    pub(crate) fn has_model(&self) -> bool {
        self.0.iter().any(|(kind, _)| *kind == Kind::Model)
    }

    /// The first checkpoint among them.
    pub(crate) fn checkpoint(&self) -> Option<&Path> {
        self.0.iter().find(|(kind, _)| *kind == Kind::Checkpoint).map(|(_, output)| output.path())
    }

    /// Writes the checkpoints. A checkpoint holds the data only where a model is to be made of it.
    pub(crate) fn save_checkpoints<T: Scalar, const D: usize>(
        &self,
        map: &TsneEmbedding<T, D>,
    ) -> Result<(), Failure> {
        for (_, output) in self.0.iter().filter(|(kind, _)| *kind == Kind::Checkpoint) {
            // What is there is an earlier checkpoint of this run, or was looked at when the run began.
            let again =
                Output::check(output.path(), true).map_err(|e| Failure::in_file(output.path(), &e))?;
            checkpoint::save(map, &again, self.has_model())?;
        }
        Ok(())
    }

    /// The files, in the order given.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(_, output)| output.path())
    }

    /// Writes every output, each whole or not at all.
    pub(crate) fn write<T, const D: usize>(&self, map: &Map<'_, T, D>) -> Result<(), Failure>
    where
        T: Scalar + NpyElement + Display,
    {
        let flat = map.positions.as_flattened();
        if let Some(embedding) = map.embedding {
            self.save_checkpoints(embedding)?;
        }
        for (kind, output) in &self.0 {
            let written = match kind {
                Kind::Checkpoint => Ok(()),
                Kind::Model => {
                    let Some(embedding) = map.embedding else { continue };
                    checkpoint::save(embedding, output, true)?;
                    Ok(())
                }
                Kind::Table(delimiter) => {
                    let table = MapTable::new(flat, D, map.labels, map.ids);
                    output.write(|file| table.write(file, *delimiter))
                }
                Kind::Npy => output.write(|file| write_npy(file, &[map.positions.len(), D], flat)),
                Kind::Png => {
                    let picture =
                        Picture::scatter(&plane(map.positions, map.labels), map.labels, &map.caption);
                    output.write(|file| picture.write_png(file))
                }
                Kind::Report => output.write(|file| {
                    serde_json::to_writer_pretty(&mut *file, &map.report)?;
                    file.write_all(b"\n")
                }),
            };
            written.map_err(|e| Failure::in_file(output.path(), &e))?;
        }
        Ok(())
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
