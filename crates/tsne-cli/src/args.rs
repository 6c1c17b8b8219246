//! The command line: commands, flags, and what they mean. Names are those of the API, with hyphens.

mod groups;
mod values;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

pub(crate) use self::groups::{
    GivenArgs, Parameters, PictureArgs, PlacingArgs, ReadingArgs, RunningArgs, TellingArgs,
};
use self::values::parse_time;
pub(crate) use self::values::{Color, MissingArg, Precision, ProgressKind, Scale};
use crate::config;
use crate::exit::Failure;

/// What stands below the help of the program.
const AFTER_HELP: &str = "\
Examples:
  tsne demo
  tsne fit cells.csv --label type --id barcode -o map.png -o map.csv
  tsne fit images.npy --perplexity 50 -o map.npy -o model.tsne -o report.json
  tsne transform model.tsne more.npy -o more-map.npy
  tsne plot map.csv --color-by age -o map.svg

Exit status: 0 done, 1 internal error, 2 usage, 3 data or parameter, 4 memory or disk,
5 numerical failure, 6 model or checkpoint, 7 file, 130 and 143 stopped by a signal";

/// Make t-SNE maps of high-dimensional data
#[derive(Debug, Parser)]
#[command(name = "tsne", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Why a command line was not understood.
#[derive(Debug)]
pub(crate) enum Unread {
    /// A mistake of usage, or help that was asked for.
    Usage(clap::Error),
    /// A fault of the file that `--config` names.
    Config(Failure),
}

impl From<clap::Error> for Unread {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

impl Cli {
    /// Reads a command line, its first word being the program.
    pub(crate) fn read<S: Into<OsString>>(words: impl IntoIterator<Item = S>) -> Result<Self, Unread> {
        let command = Self::command();
        let words = words.into_iter().map(Into::into).collect();
        let (words, given) = config::with_file(words, &command).map_err(Unread::Config)?;
        let matches = command.clone().try_get_matches_from(words)?;
        let mut cli = Self::from_arg_matches(&matches)?;
        match (&mut cli.command, matches.subcommand()) {
            (Command::Fit(fit), Some((name, flags))) => {
                fit.configuration = config::effective(flags, &command, name);
                fit.parameters.given = given;
            }
            (Command::Plan(plan), _) => plan.parameters.given = given,
            (Command::Transform(transform), Some((name, flags))) => {
                transform.configuration = config::effective(flags, &command, name);
            }
            _ => {}
        }
        Ok(cli)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compute a map of the rows of a table or array
    Fit(Box<FitArgs>),
    /// Map the handwritten digits inside this program to digits.png and digits.csv
    Demo(DemoArgs),
    /// Go on with a stopped or finished run
    Resume(ResumeArgs),
    /// Place new rows in the map of a model
    Transform(TransformArgs),
    /// Draw a map that was made before
    Plot(Box<PlotArgs>),
    /// Say what a fit would do and need, and compute nothing
    Plan(Box<PlanArgs>),
    /// Say what is in a model, checkpoint or data file
    Inspect(InspectArgs),
    /// Measure how well a map shows its data
    Eval(EvalArgs),
    /// Check this machine and this program
    Doctor(DoctorArgs),
    /// Write data as another kind of file
    Convert(ConvertArgs),
    /// Print a script that completes commands and flags in a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

impl Command {
    /// Whether messages are colored.
    pub(crate) fn color(&self) -> bool {
        let color = match self {
            Self::Fit(args) => args.telling.color,
            Self::Demo(args) => args.telling.color,
            Self::Resume(args) => args.telling.color,
            Self::Transform(args) => args.telling.color,
            _ => Color::Auto,
        };
        match color {
            Color::Auto => {
                let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                std::io::stderr().is_terminal() && !unwanted
            }
            Color::Always => true,
            Color::Never => false,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct FitArgs {
    /// Data file: .csv, .tsv or .txt table or .mtx matrix, also .gz or .zst; .npy array, .npz archive, .parquet table; or -
    /// for standard input
    #[arg(required_unless_present_any = ["graph", "affinities"])]
    pub(crate) input: Option<PathBuf>,

    /// Output file; may be given several times. The suffix decides: .csv .tsv .npy .npz .parquet map, .csv.gz and the
    /// like, - for a table on standard output, .png .svg .html picture, .json report, .tsne model, .ckpt checkpoint
    #[arg(short, long = "output", value_name = "OUT", required = true)]
    pub(crate) outputs: Vec<PathBuf>,

    /// Overwrite outputs that exist
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) given: GivenArgs,

    /// Take flags from this TOML file, such as the configuration in a report; those given here win
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    #[command(flatten)]
    pub(crate) running: RunningArgs,
    #[command(flatten)]
    pub(crate) pictures: PictureArgs,
    #[command(flatten)]
    pub(crate) telling: TellingArgs,

    /// All flags and their values, defaults included
    #[arg(skip)]
    pub(crate) configuration: toml::Table,
}

#[derive(Args, Debug)]
pub(crate) struct ResumeArgs {
    /// Checkpoint, or model, of the run
    pub(crate) checkpoint: PathBuf,

    /// Output file in the place of those of the first call, which are written again; may be given several times
    #[arg(short, long = "output", value_name = "OUT")]
    pub(crate) outputs: Vec<PathBuf>,

    /// Overwrite outputs that exist
    #[arg(long)]
    pub(crate) force: bool,

    /// Iterations of the main phase beyond those planned
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) n_iter: usize,

    /// Threads: -1 all cores, -2 all but one, and so on; the map does not depend on it
    #[arg(long, default_value_t = -1, allow_negative_numbers = true, value_name = "N")]
    pub(crate) n_jobs: i64,

    /// Time between two checkpoints: 30s, 5m, 1h
    #[arg(long, default_value = "5m", value_name = "TIME", value_parser = parse_time)]
    pub(crate) checkpoint_every: Duration,

    #[command(flatten)]
    pub(crate) telling: TellingArgs,
}

#[derive(Args, Debug)]
pub(crate) struct TransformArgs {
    /// Model that tsne fit has written
    pub(crate) model: PathBuf,

    /// Data file of the new rows
    pub(crate) input: PathBuf,

    /// Output file; may be given several times. The suffix decides, as for tsne fit
    #[arg(short, long = "output", value_name = "OUT", required = true)]
    pub(crate) outputs: Vec<PathBuf>,

    /// Overwrite outputs that exist
    #[arg(long)]
    pub(crate) force: bool,

    /// Take flags from this TOML file, such as the configuration in a report; those given here win
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) placing: PlacingArgs,
    #[command(flatten)]
    pub(crate) pictures: PictureArgs,
    #[command(flatten)]
    pub(crate) telling: TellingArgs,

    /// All flags and their values, defaults included
    #[arg(skip)]
    pub(crate) configuration: toml::Table,
}

#[derive(Args, Debug)]
pub(crate) struct PlotArgs {
    /// The map: a table or array of positions, a model, a checkpoint, or - for a table on standard input. Of a table with
    /// columns x, y, z, label and id these are taken for what they say, others only if asked for; else all columns are
    /// positions
    pub(crate) map: PathBuf,

    /// Picture to write, .png, .svg or .html; may be given several times
    #[arg(short, long = "output", value_name = "OUT", required = true)]
    pub(crate) outputs: Vec<PathBuf>,

    /// Overwrite outputs that exist
    #[arg(long)]
    pub(crate) force: bool,

    /// Columns of the map, or files of one value a row, that color the points: numbers by a scale, all else by class. The
    /// first is drawn
    #[arg(long, value_name = "COL[,COL]", value_delimiter = ',')]
    pub(crate) color_by: Vec<String>,

    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) pictures: PictureArgs,
}

#[derive(Args, Debug)]
pub(crate) struct PlanArgs {
    /// Data file
    #[arg(required_unless_present_any = ["graph", "affinities"])]
    pub(crate) input: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) given: GivenArgs,

    /// Take flags from this TOML file, such as the configuration in a report of a fit; those given here win
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    #[command(flatten)]
    pub(crate) running: RunningArgs,
}

#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    /// The file
    pub(crate) file: PathBuf,

    /// Read all of it and check every value, not only its head
    #[arg(long)]
    pub(crate) verify: bool,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct EvalArgs {
    /// Data file that the map was made of
    pub(crate) input: PathBuf,

    /// The map, in the order of the data: a table or array of positions, or a model or checkpoint
    pub(crate) map: PathBuf,

    /// Neighbors that are compared
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub(crate) k: usize,

    /// Rows the measures are taken on, chosen at random; all if there are no more
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub(crate) rows: usize,

    /// Perplexity of the affinities whose divergence is measured
    #[arg(long, default_value_t = 30.0, value_name = "X")]
    pub(crate) perplexity: f64,

    /// Degrees of freedom of the map's kernel; those of the model, or 1, if not given
    #[arg(long, value_name = "X")]
    pub(crate) dof: Option<f64>,

    /// Seed of the choice of rows
    #[arg(long, default_value_t = 42, value_name = "SEED")]
    pub(crate) random_state: u64,

    /// Distance between rows
    #[arg(long, default_value = "euclidean", value_name = "NAME")]
    pub(crate) metric: String,

    /// Parameters of the metric, as for tsne fit
    #[arg(long, value_name = "NAME=VALUE", value_delimiter = ',')]
    pub(crate) metric_params: Vec<String>,

    /// What was done to columns before the map was made: none or standard
    #[arg(long, default_value = "none", value_name = "HOW")]
    pub(crate) scale: Scale,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ConvertArgs {
    /// Data file, or - for standard input
    pub(crate) input: PathBuf,

    /// File to write: .csv, .tsv or .mtx (also .gz or .zst), .npy, .npz, .parquet; or - for a table on standard output
    pub(crate) output: PathBuf,

    /// Overwrite the output if it exists
    #[arg(long)]
    pub(crate) force: bool,

    /// Seed of the choice of rows by --sample
    #[arg(long, default_value_t = 42, value_name = "SEED")]
    pub(crate) random_state: u64,

    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
}

#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// Seed of all randomness; equal seeds give equal maps
    #[arg(long, default_value_t = 42, value_name = "SEED")]
    pub(crate) random_state: u64,

    /// Threads: -1 all cores, -2 all but one, and so on; the map does not depend on it
    #[arg(long, default_value_t = -1, allow_negative_numbers = true, value_name = "N")]
    pub(crate) n_jobs: i64,

    #[command(flatten)]
    pub(crate) telling: TellingArgs,
}

#[cfg(test)]
mod tests {
    use super::values::Bound;
    use super::*;

    fn fit(flags: &str) -> Parameters {
        let words = ["tsne", "fit", "a.csv", "-o", "b.csv"].into_iter().chain(flags.split_whitespace());
        match Cli::read(words).expect("parses").command {
            Command::Fit(fit) => fit.parameters,
            _ => panic!("fit was given"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn negative_numbers_are_values() {
        let Parameters { n_jobs, perplexity, max_step_norm, .. } =
            fit("--n-jobs -2 --perplexity -1 --max-step-norm none");
        assert_eq!((n_jobs, perplexity, max_step_norm), (-2, vec![-1.0], Bound(None)), "read as numbers");
    }

    #[test]
    fn a_configuration_reads_back_as_itself() {
        let read = |words: Vec<OsString>| match Cli::read(words).expect("parses").command {
            Command::Fit(fit) => fit.configuration,
            _ => panic!("fit was given"),
        };
        let flags = "tsne fit a.csv -o b.csv -o c.npy --label 07 --drop 3,x --perplexity 10,100 --max-step-norm none \
                     --learning-rate 200 --strict --random-state 18446744073709551615 --delimiter tab";
        let table = read(flags.split_whitespace().map(Into::into).collect());
        let again = config::parse(&config::to_text(&table)).expect("TOML");
        let words = config::words_of(&again, &Cli::command(), "fit").expect("known flags");
        assert_eq!(read(words.line("fit").collect()), table, "the same");
        assert_eq!(table["label"].as_str(), Some("07"), "not a number that would lose its zero");
        assert_eq!(table["n_iter"].as_integer(), Some(500), "defaults are spelled out");
    }

    #[test]
    fn what_was_given_is_known() {
        let mut given = fit("--theta 0.5 --n-iter 500").given;
        given.sort();
        assert_eq!(
            given,
            ["input", "n_iter", "outputs", "theta"],
            "defaults that are spelled out count as given"
        );
    }
}
