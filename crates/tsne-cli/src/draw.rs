//! `tsne plot`: draws a map that was made before.

use std::borrow::Cow;
use std::io::{Cursor, Read as _};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tsne::Scalar;
use tsne_io::{Dataset, Labels, ReadOptions, read_path, read_stream, shown};

use crate::args::{PlotArgs, ReadingArgs};
use crate::exit::{Failure, shown_path};
use crate::output::{Outputs, plane, short_name};
use crate::plot::{Column, Scene};
use crate::resume::{is_model, load, read_head};
use crate::{config, input, report};

/// Seed of the choice of rows by `--sample`.
const SAMPLE_SEED: u64 = 42;

/// A map, whatever file it came from.
struct Drawn {
    positions: Vec<[f64; 2]>,
    columns: Vec<Column<'static>>,
    ids: Option<Vec<String>>,
    /// What the data are called.
    name: String,
    caption: String,
    facts: Vec<(String, String)>,
}

/// Runs the command.
pub(crate) fn run(args: &PlotArgs) -> Result<(), Failure> {
    let outputs = Outputs::check(&args.outputs, Some(&args.map), args.force)?.look(&args.pictures)?;
    if !outputs.are_pictures() {
        let what = "tsne plot writes pictures and nothing else";
        let help = "end the name of the output in .png, .svg or .html; tsne convert writes tables";
        return Err(Failure::new("E207", what, help).at("--output"));
    }
    let drawn = if is_model(&args.map) { of_model(args)? } else { Table::new(args)?.drawn()? };
    outputs.write_pictures(&Scene {
        positions: &drawn.positions,
        colorings: drawn.columns.iter().map(Column::coloring).collect(),
        ids: drawn.ids.as_deref(),
        title: outputs.title(&drawn.name),
        caption: drawn.caption,
        facts: drawn.facts,
        snapshots: Vec::new(),
    })
}

fn of_model(args: &PlotArgs) -> Result<Drawn, Failure> {
    let ReadingArgs { id, drop, columns, sample, .. } = &args.reading;
    let of_tables = [
        ("--id", id.is_some()),
        ("--drop", !drop.is_empty()),
        ("--columns", !columns.is_empty()),
        ("--sample", sample.is_some()),
    ];
    if let Some((flag, _)) = of_tables.iter().find(|(_, is_given)| *is_given) {
        let what = format!("{flag} is for tables, and this is a model");
        return Err(Failure::new("E207", what, "leave it out").at(*flag));
    }
    let info = read_head(&args.map)?;
    match (info.scalar.as_str(), info.n_components) {
        ("f32", 1) => drawn::<f32, 1>(args),
        ("f32", 2) => drawn::<f32, 2>(args),
        ("f32", _) => drawn::<f32, 3>(args),
        (_, 1) => drawn::<f64, 1>(args),
        (_, 2) => drawn::<f64, 2>(args),
        _ => drawn::<f64, 3>(args),
    }
}

fn drawn<T: Scalar, const D: usize>(args: &PlotArgs) -> Result<Drawn, Failure> {
    let (map, notes) = load::<T, D>(&args.map)?;
    let company = notes.company(map.report().plan.n_features, &args.map)?;
    let n_points = map.positions().len();
    let of_name = |wanted: &str| {
        company.labels.clone().filter(|labels| labels.name() == wanted).ok_or_else(|| {
            let has =
                company.labels.as_ref().map_or("none".to_owned(), |l| format!("\"{}\"", shown(l.name())));
            let what = format!("no column \"{}\" in the model; of labels it has {has}", shown(wanted));
            let help = "give the labels in a file, one for each row";
            Failure::new("E114", what, help).at(shown_path(&args.map))
        })
    };
    let read = |wanted: &str| match input::labels_file(wanted) {
        Some(file) => input::read_labels(file, n_points),
        None => of_name(wanted),
    };
    let ReadingArgs { label, labels, .. } = &args.reading;
    let labels = match label.as_ref().map(|column| of_name(column)).or(labels.as_ref().map(|l| read(l))) {
        Some(given) => Some(given?),
        None => None,
    };
    let is_given = labels.is_some();
    let numbers: Vec<Labels> = args.color_by.iter().map(|wanted| read(wanted)).collect::<Result<_, _>>()?;
    let columns = columns(labels.or(company.labels.clone()), is_given, numbers);

    let table = config::parse(&notes.configuration).unwrap_or_default();
    let seed = table.get("random_state").and_then(toml::Value::as_integer).unwrap_or_default();
    let fitted = report::report(
        report::Context {
            data: &company.description,
            warnings: &company.warnings,
            configuration: &notes.configuration,
            seed: seed.unsigned_abs(),
            reading: Duration::ZERO, // A picture tells no times.
            timings: &map.report().timings,
            calibration: None,
            stop: "",
        },
        map.report(),
    );
    Ok(Drawn {
        positions: plane(map.positions(), columns.first().map(Column::coloring).as_ref()),
        columns,
        ids: company.ids,
        name: notes.name,
        caption: report::caption(map.report(), D),
        facts: report::facts(&fitted),
    })
}

/// What colors a map, in the order in which it is offered: what was asked for before what happens to be there.
fn columns(labels: Option<Labels>, is_given: bool, numbers: Vec<Labels>) -> Vec<Column<'static>> {
    let names: Vec<String> = numbers.iter().map(|labels| labels.name().to_owned()).collect();
    let numbers = numbers.into_iter().map(|labels| Column::of_numbers(Cow::Owned(labels)));
    let labels = labels.filter(|labels| is_given || !names.iter().any(|name| name == labels.name()));
    let labels = labels.map(|labels| Column::of_classes(Cow::Owned(labels)));
    if is_given { labels.into_iter().chain(numbers).collect() } else { numbers.chain(labels).collect() }
}

/// A map in a file of data, which is read once for its positions and once for each column that colors it.
struct Table<'a> {
    args: &'a PlotArgs,
    /// What standard input held.
    bytes: Option<Vec<u8>>,
}

impl<'a> Table<'a> {
    fn new(args: &'a PlotArgs) -> Result<Self, Failure> {
        let mut bytes = None;
        if input::is_standard(&args.map) {
            let mut all = Vec::new();
            std::io::stdin().lock().read_to_end(&mut all).map_err(|e| {
                Failure::in_file(Path::new("standard input"), &tsne_io::Error::NotReadable(e))
            })?;
            bytes = Some(all);
        }
        Ok(Self { args, bytes })
    }

    fn read(&self, args: &ReadingArgs) -> Result<Dataset, Failure> {
        let read = |options: &ReadOptions| match &self.bytes {
            Some(bytes) => read_stream(Cursor::new(bytes), options),
            None => read_path(&self.args.map, options),
        };
        input::read_by(read, &input::name(&self.args.map), args, SAMPLE_SEED)
    }

    /// Columns that color the map, and are no positions.
    fn colors(&self) -> impl Iterator<Item = &String> {
        self.args.color_by.iter().filter(|wanted| input::labels_file(wanted).is_none())
    }

    fn drawn(&self) -> Result<Drawn, Failure> {
        let (mut data, reading) = self.positions()?;
        let mut numbers = Vec::new();
        for wanted in &self.args.color_by {
            numbers.push(match input::labels_file(wanted) {
                Some(file) => {
                    let labels = input::read_labels(file, data.n_rows_in_file)?;
                    data.kept_rows.as_ref().map_or(labels.clone(), |rows| labels.of_rows(rows))
                }
                None => self.column(wanted, &reading)?,
            });
        }
        let given = &self.args.reading;
        let is_given = given.label.is_some() || given.labels.is_some();
        let columns = columns(data.labels.take(), is_given, numbers);
        let (n_points, n_components) = (data.features.n_rows(), data.features.n_features());
        let place = || input::name(&self.args.map);
        let Some(values) = data.features.into_cells().into_f64() else {
            return Err(Failure::new("E106", "the map is sparse", "give a dense matrix").at(place()));
        };
        let first = columns.first().map(Column::coloring);
        let positions = match n_components {
            1 => plane(values.as_chunks::<1>().0, first.as_ref()),
            2 => plane(values.as_chunks::<2>().0, first.as_ref()),
            3 => plane(values.as_chunks::<3>().0, first.as_ref()),
            n => {
                let what = format!("the map has {n} columns; maps have 1, 2 or 3 components");
                let help = "name those of the positions with --columns, or take others out with --label, --id, --color-by or --drop";
                return Err(Failure::new("E203", what, help).at(place()));
            }
        };
        Ok(Drawn {
            positions,
            columns,
            ids: data.ids,
            name: short_name(&place()).to_owned(),
            caption: report::count(n_points, "point"),
            facts: report::facts(&serde_json::json!({
                "plan": {"n_points": n_points, "n_components": n_components},
                "versions": {"tsne": env!("CARGO_PKG_VERSION")},
                "stop": Value::Null,
            })),
        })
    }

    /// Reads the positions, and how they were read: what the flags leave open is what maps of this program have, columns
    /// x, y and z, label and id, as far as there are such columns; else all columns are positions.
    fn positions(&self) -> Result<(Dataset, ReadingArgs), Failure> {
        let given = &self.args.reading;
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let columns = match given.columns.as_slice() {
            [] if given.drop.is_empty() => {
                [&["x", "y", "z"][..], &["x", "y"], &["x"], &[]].map(names).to_vec()
            }
            columns => vec![columns.to_vec()],
        };
        let or_none = |given: &Option<String>, usual: &str, is_open: bool| match given {
            None if is_open => vec![Some(usual.to_owned()), None],
            given => vec![given.clone()],
        };
        let has_labels = given.labels.is_some() || self.colors().any(|wanted| wanted == "label");
        let labels = or_none(&given.label, "label", !has_labels);
        let ids = or_none(&given.id, "id", !self.colors().any(|wanted| wanted == "id"));
        let mut refused = None;
        for columns in &columns {
            for label in &labels {
                for id in &ids {
                    let mut reading = given.clone();
                    (reading.label, reading.id) = (label.clone(), id.clone());
                    reading.columns.clone_from(columns);
                    if columns.is_empty() && !self.is_archive() {
                        reading.drop.extend(self.colors().cloned());
                    }
                    match self.read(&reading) {
                        Err(failure) if failure.code() == "E114" => refused = Some(failure),
                        Err(failure) => return Err(failure),
                        Ok(data) => return Ok((data, reading)),
                    }
                }
            }
        }
        Err(refused.expect("the last attempt was refused"))
    }

    /// Reads a column that colors the map, as positions were read.
    fn column(&self, wanted: &str, of_positions: &ReadingArgs) -> Result<Labels, Failure> {
        let mut reading = of_positions.clone();
        let others = [reading.label.take(), reading.id.take()].into_iter().flatten();
        if reading.columns.is_empty() && !self.is_archive() {
            reading.drop.extend(others.filter(|other| other != wanted));
            reading.drop.retain(|other| other != wanted);
        }
        (reading.label, reading.labels) = (Some(wanted.to_owned()), None);
        Ok(self.read(&reading)?.labels.expect("a label was asked for"))
    }

    /// Whether columns are arrays of their own, and not to be left out of the positions.
    fn is_archive(&self) -> bool {
        self.args.map.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("npz"))
    }
}
