//! Outputs: which kind a file name asks for, and how a map is written as that kind.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::time::Instant;

use tsne::{Scalar, TsneEmbedding};
use tsne_io::{Compression, Labels, MapTable, NpyElement, NpzWriter, Output, WriteSeek, write_npy};

use crate::args::PictureArgs;
use crate::drive::Snapshot;
use crate::exit::{Failure, print_bytes};
use crate::input::is_standard;
use crate::plot::{self, Coloring, Column, Look, Scene, lanes};
use crate::{checkpoint, report};

/// What is written to a file, by its suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Text with this delimiter, perhaps compressed.
    Table(u8, Option<Compression>),
    Npy,
    Npz,
    Picture(Picture),
    #[cfg(feature = "parquet")]
    Parquet,
    Report,
    Model,
    Checkpoint,
}

/// Kinds of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Picture {
    Png,
    Svg,
    Html,
}

const SUFFIXES: &[(&str, Kind)] = &[
    ("csv", Kind::Table(b',', None)),
    ("tsv", Kind::Table(b'\t', None)),
    ("npy", Kind::Npy),
    ("npz", Kind::Npz),
    #[cfg(feature = "parquet")]
    ("parquet", Kind::Parquet),
    ("png", Kind::Picture(Picture::Png)),
    ("svg", Kind::Picture(Picture::Svg)),
    ("html", Kind::Picture(Picture::Html)),
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
            let help = "end the name of an output in .csv, .tsv (also .gz or .zst), .npy, .npz, .parquet, .png, .svg, .html, .json, .tsne or .ckpt";
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
    /// How pictures look.
    look: Look,
    /// Heading of pictures, if one was asked for.
    title: Option<String>,
}

/// A finished map with what goes with it.
#[derive(Debug)]
pub(crate) struct Map<'a, T: Scalar, const D: usize> {
    /// The map with all that is needed to go on; none for new rows in the map of a model.
    pub(crate) embedding: Option<&'a TsneEmbedding<T, D>>,
    pub(crate) positions: &'a [[T; D]],
    pub(crate) labels: Option<&'a Labels>,
    pub(crate) ids: Option<&'a [String]>,
    /// What the data are called, above the picture unless another heading was asked for.
    pub(crate) name: &'a str,
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

    /// Makes pictures look as the flags say.
    pub(crate) fn look(self, flags: &PictureArgs) -> Result<Self, Failure> {
        Ok(Self { look: flags.look()?, title: flags.title.clone(), ..self })
    }

    /// The heading of pictures of data that are called so: the name of their file, as a picture travels and directories
    /// stay at home.
    pub(crate) fn title(&self, name: &str) -> String {
        self.title.clone().unwrap_or_else(|| short_name(name).to_owned())
    }

    /// Whether all of them are pictures.
    pub(crate) fn are_pictures(&self) -> bool {
        self.standard.is_none() && self.files.iter().all(|(kind, _)| matches!(kind, Kind::Picture(_)))
    }

    /// Writes pictures of a scene, each whole or not at all.
    pub(crate) fn write_pictures(&self, scene: &Scene<'_>) -> Result<(), Failure> {
        for (kind, output) in &self.files {
            if let Kind::Picture(picture) = kind {
                output
                    .write(|file| picture.write(scene, &self.look, file))
                    .map_err(|e| Failure::in_file(output.path(), &e))?;
            }
        }
        Ok(())
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
        self.files.iter().any(|(kind, _)| matches!(kind, Kind::Npz | Kind::Picture(Picture::Html)))
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

    /// Writes every output, each whole or not at all; reports last, for they tell how long the others took.
    pub(crate) fn write<T, const D: usize>(&self, map: &Map<'_, T, D>) -> Result<(), Failure>
    where
        T: Scalar + NpyElement + Display,
    {
        let started = Instant::now();
        if let Some(embedding) = map.embedding {
            self.save_checkpoints(embedding)?;
        }
        for (kind, output) in &self.files {
            match (kind, map.embedding) {
                (Kind::Checkpoint | Kind::Picture(_) | Kind::Report, _) | (Kind::Model, None) => {}
                (Kind::Model, Some(embedding)) => checkpoint::save(embedding, output, true)?,
                (kind, _) => output
                    .write(|file| self.write_as(*kind, map, file))
                    .map_err(|e| Failure::in_file(output.path(), &e))?,
            }
        }
        if self.files.iter().any(|(kind, _)| matches!(kind, Kind::Picture(_))) {
            let columns: Vec<Column<'_>> =
                map.labels.map(|labels| Column::of_classes(Cow::Borrowed(labels))).into_iter().collect();
            let colorings: Vec<Coloring<'_>> = columns.iter().map(Column::coloring).collect();
            // The finished map closes the row by itself.
            let on_the_way = map.snapshots.iter().filter(|snapshot| snapshot.positions != map.positions);
            let drawn = |snapshot: &Snapshot<T, D>| plot::Snapshot {
                iteration: snapshot.iteration,
                positions: plane(&snapshot.positions, colorings.first()),
            };
            self.write_pictures(&Scene {
                positions: &plane(map.positions, colorings.first()),
                snapshots: on_the_way.map(drawn).collect(),
                colorings,
                ids: map.ids,
                title: self.title(map.name),
                caption: map.caption.clone(),
                facts: report::facts(&map.report),
            })?;
        }
        let report = report::written(&map.report, started.elapsed());
        for (_, output) in self.files.iter().filter(|(kind, _)| *kind == Kind::Report) {
            output
                .write(|file| {
                    serde_json::to_writer_pretty(&mut *file, &report)?;
                    file.write_all(b"\n")
                })
                .map_err(|e| Failure::in_file(output.path(), &e))?;
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
            Kind::Picture(_) | Kind::Report | Kind::Model | Kind::Checkpoint => {
                unreachable!("these are written by themselves")
            }
        }
    }
}

impl Picture {
    fn write(self, scene: &Scene<'_>, look: &Look, file: &mut dyn WriteSeek) -> io::Result<()> {
        match self {
            Self::Png => plot::write_png(scene, look, file),
            Self::Svg => plot::write_svg(scene, look, file),
            Self::Html => plot::write_html(scene, look, file),
        }
    }
}

/// The map as pictures show it: one component in lanes, of three the first two.
pub(crate) fn plane<T: Scalar, const D: usize>(
    positions: &[[T; D]],
    coloring: Option<&Coloring<'_>>,
) -> Vec<[f64; 2]> {
    if D == 1 {
        let line: Vec<f64> = positions.iter().map(|y| y[0].to_f64()).collect();
        return lanes(&line, coloring);
    }
    positions.iter().map(|y| [y[0].to_f64(), y[1].to_f64()]).collect()
}

/// The last part of a path, or all of what is none.
pub(crate) fn short_name(name: &str) -> &str {
    Path::new(name).file_name().and_then(OsStr::to_str).unwrap_or(name)
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
        let kind = Kind::of(Path::new("a.b/map.PNG")).expect("known");
        assert_eq!(kind, Kind::Picture(Picture::Png), "capitals");
        for name in ["map", "map.gif", "png", ".png"] {
            let failure = Kind::of(Path::new(name)).expect_err("unknown");
            assert_eq!((failure.code(), failure.status()), ("E201", 3), "{name}");
        }
    }
}
