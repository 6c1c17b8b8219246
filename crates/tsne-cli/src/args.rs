//! The command line: commands, flags, and what they mean. Names are those of the API, with hyphens.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use tsne::LearningRate;

use crate::config;
use crate::exit::Failure;

/// What stands below the help of the program.
const AFTER_HELP: &str = "\
Examples:
  tsne demo
  tsne fit cells.csv --label type --id barcode -o map.png -o map.csv
  tsne fit images.npy --perplexity 50 -o map.npy -o model.tsne -o report.json
  tsne transform model.tsne more.npy -o more-map.npy

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
        if let (Command::Fit(fit), Some((_, flags))) = (&mut cli.command, matches.subcommand()) {
            fit.configuration = config::effective(flags, &command);
            fit.parameters.given = given;
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
    /// Data file: .csv, .tsv or .txt table or .mtx matrix, also .gz or .zst; .npy array, .npz archive; or - for
    /// standard input
    #[arg(required_unless_present_any = ["graph", "affinities"])]
    pub(crate) input: Option<PathBuf>,

    /// Output file; may be given several times. The suffix decides: .csv .tsv .npy .npz map, .csv.gz and the like, -
    /// for a table on standard output, .png picture, .json report,
    /// .tsne model, .ckpt checkpoint
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
    pub(crate) telling: TellingArgs,

    /// All flags and their values, defaults included
    #[arg(skip)]
    pub(crate) configuration: toml::Table,
}

/// What is given and need not be computed.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Given")]
#[group(skip)]
pub(crate) struct GivenArgs {
    /// Neighbors, which are then not searched for: arrays indices and distances in an .npz, or a sparse matrix of
    /// distances (.npz of scipy, .mtx); INPUT may be left out
    #[arg(long, value_name = "FILE", conflicts_with = "affinities")]
    pub(crate) graph: Option<PathBuf>,

    /// Affinities P as a sparse matrix (.npz of scipy, .mtx); INPUT may be left out
    #[arg(long, value_name = "FILE")]
    pub(crate) affinities: Option<PathBuf>,

    /// Take the mean of an entry and its reverse where distances or affinities are not symmetric
    #[arg(long, value_name = "HOW")]
    pub(crate) symmetrize: Option<Symmetrize>,
}

/// How a matrix becomes symmetric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Symmetrize {
    Mean,
}

/// How a run is guarded.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Running")]
#[group(skip)]
pub(crate) struct RunningArgs {
    /// File from which the run can be resumed, written now and then, when it is stopped, and at the end
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,

    /// Time between two checkpoints: 30s, 5m, 1h
    #[arg(long, default_value = "5m", value_name = "TIME", value_parser = parse_time)]
    pub(crate) checkpoint_every: Duration,

    /// Refuse to begin what would take more memory than this: 4G, 500M
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) max_memory: Option<u64>,
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

    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) placing: PlacingArgs,
    #[command(flatten)]
    pub(crate) telling: TellingArgs,
}

/// Parameters of placing new rows, named as in the library.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Placing", allow_negative_numbers = true)]
#[group(skip)]
pub(crate) struct PlacingArgs {
    /// Perplexity of the new rows; 5 if not given
    #[arg(long, value_name = "X[,X]", value_delimiter = ',')]
    pub(crate) perplexity: Vec<f64>,

    /// Where new rows start: at the median or the weighted mean of their nearest rows in the map, or random
    #[arg(long, default_value = "median", value_name = "HOW")]
    pub(crate) initialization: String,

    /// Nearest rows that decide where a new row starts
    #[arg(long, default_value_t = 25, value_name = "N")]
    pub(crate) k: usize,

    /// Step size
    #[arg(long, default_value_t = 0.1, value_name = "X")]
    pub(crate) learning_rate: f64,

    /// Factor on the attraction in the phase of early exaggeration
    #[arg(long, default_value_t = 4.0, value_name = "X")]
    pub(crate) early_exaggeration: f64,

    /// Iterations of the phase of early exaggeration
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) early_exaggeration_iter: usize,

    /// Factor on the attraction in the main phase
    #[arg(long, default_value_t = 1.5, value_name = "X")]
    pub(crate) exaggeration: f64,

    /// Iterations of the main phase
    #[arg(long, default_value_t = 250, value_name = "N")]
    pub(crate) n_iter: usize,

    /// Momentum of the phase of early exaggeration
    #[arg(long, default_value_t = 0.8, value_name = "X")]
    pub(crate) initial_momentum: f64,

    /// Momentum of the main phase
    #[arg(long, default_value_t = 0.8, value_name = "X")]
    pub(crate) final_momentum: f64,

    /// Bound on the norm of each row's gradient, or none
    #[arg(long, default_value = "0.25", value_name = "X", value_parser = parse_bound)]
    pub(crate) max_grad_norm: Bound,

    /// Bound on the norm of each row's step, or none
    #[arg(long, default_value = "none", value_name = "X", value_parser = parse_bound)]
    pub(crate) max_step_norm: Bound,

    /// Threads: -1 all cores, -2 all but one, and so on; the positions do not depend on it
    #[arg(long, default_value_t = -1, value_name = "N")]
    pub(crate) n_jobs: i64,
}

#[derive(Args, Debug)]
pub(crate) struct PlanArgs {
    /// Data file
    pub(crate) input: PathBuf,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

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

    /// The map: a table or array of positions, in the order of the data
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

    /// Seed of the choice of rows
    #[arg(long, default_value_t = 42, value_name = "SEED")]
    pub(crate) random_state: u64,

    /// Distance between rows
    #[arg(long, default_value = "euclidean", value_name = "NAME")]
    pub(crate) metric: String,

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

    /// File to write: .csv, .tsv or .mtx (also .gz or .zst), .npy, .npz; or - for a table on standard output
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

/// How the input is read. Columns are given by name or by number, counted from 1.
#[derive(Args, Debug)]
#[command(next_help_heading = "Reading")]
#[group(skip)]
pub(crate) struct ReadingArgs {
    /// Column that colors the map and is copied to it, not used as a feature (in an .npz: name of an array)
    #[arg(long, value_name = "COL")]
    pub(crate) label: Option<String>,

    /// Column that identifies rows and is copied to the map, not used as a feature
    #[arg(long, value_name = "COL")]
    pub(crate) id: Option<String>,

    /// Columns to leave out, separated by commas
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub(crate) drop: Vec<String>,

    /// File of labels, one a row, or a column as with --label
    #[arg(long, value_name = "FILE", conflicts_with = "label")]
    pub(crate) labels: Option<String>,

    /// Columns to use, separated by commas: names, numbers, or ranges of them as 3-10; all others are left out
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,

    /// What is done about rows that lack a number: refuse the file, leave them out, or fill with the column's mean
    #[arg(long, default_value = "error", value_name = "HOW")]
    pub(crate) missing: MissingArg,

    /// Use only this many rows, chosen at random by the seed and kept in order
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<usize>,

    /// Put an apostrophe before labels and ids that a spreadsheet would take for formulas
    #[arg(long)]
    pub(crate) spreadsheet_safe: bool,

    /// Character between the fields of a table, or "tab"; guessed if not given
    #[arg(long, value_name = "CHAR", value_parser = parse_delimiter)]
    pub(crate) delimiter: Option<u8>,

    /// The first line of the table names its columns; guessed if neither is given
    #[arg(long, conflicts_with = "no_header")]
    pub(crate) header: bool,

    /// The first line of the table is data
    #[arg(long)]
    pub(crate) no_header: bool,
}

/// Parameters of t-SNE, named as in the library.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "t-SNE", allow_negative_numbers = true)]
#[group(skip)]
pub(crate) struct Parameters {
    /// Number of neighbors, smoothly counted, that a point attends to; several, as 10,100, are mixed
    #[arg(long, default_value = "30", value_name = "X[,X]", value_delimiter = ',')]
    pub(crate) perplexity: Vec<f64>,

    /// Dimensions of the map: 1, 2 or 3
    #[arg(long, default_value_t = 2, value_name = "D")]
    pub(crate) n_components: usize,

    /// Iterations of the main phase
    #[arg(long, default_value_t = 500, value_name = "N")]
    pub(crate) n_iter: usize,

    /// Iterations of the phase of early exaggeration
    #[arg(long, default_value_t = 250, value_name = "N")]
    pub(crate) early_exaggeration_iter: usize,

    /// Factor on the attraction in the phase of early exaggeration
    #[arg(long, default_value_t = 12.0, value_name = "X")]
    pub(crate) early_exaggeration: f64,

    /// Factor on the attraction in the main phase
    #[arg(long, default_value_t = 1.0, value_name = "X")]
    pub(crate) exaggeration: f64,

    /// Step size: a number, auto = max(200, rows/12), or per-exaggeration = rows/exaggeration
    #[arg(long, default_value = "auto", value_name = "X", value_parser = parse_learning_rate)]
    pub(crate) learning_rate: LearningRate,

    /// Momentum of the phase of early exaggeration
    #[arg(long, default_value_t = 0.5, value_name = "X")]
    pub(crate) initial_momentum: f64,

    /// Momentum of the main phase
    #[arg(long, default_value_t = 0.8, value_name = "X")]
    pub(crate) final_momentum: f64,

    /// Bound on the norm of each point's gradient, or none
    #[arg(long, default_value = "none", value_name = "X", value_parser = parse_bound)]
    pub(crate) max_grad_norm: Bound,

    /// Bound on the norm of each point's step, or none
    #[arg(long, default_value = "5", value_name = "X", value_parser = parse_bound)]
    pub(crate) max_step_norm: Bound,

    /// Degrees of freedom of the map's kernel
    #[arg(long, default_value_t = 1.0, value_name = "X")]
    pub(crate) dof: f64,

    /// Where points start: pca, spectral, random, or a file of positions
    #[arg(long, default_value = "pca", value_name = "HOW")]
    pub(crate) initialization: String,

    /// Distance between rows: euclidean, manhattan, cosine, correlation, hamming and some thirty more; precomputed
    /// if the data are distances
    #[arg(long, default_value = "euclidean", value_name = "NAME")]
    pub(crate) metric: String,

    /// Reduce rows to this many principal components before anything else
    #[arg(long, value_name = "N")]
    pub(crate) pca: Option<usize>,

    /// How nearest neighbors are found: auto, exact, annoy, nndescent, hnsw, instant-distance or approx
    #[arg(long, default_value = "auto", value_name = "HOW")]
    pub(crate) neighbors: String,

    /// How the repulsion is computed: auto, exact, bh (barnes-hut) or fft (interpolation)
    #[arg(long, default_value = "auto", value_name = "HOW")]
    pub(crate) negative_gradient_method: String,

    /// Trade-off of bh: larger is faster and less accurate, 0 is exact
    #[arg(long, default_value_t = 0.5, value_name = "X")]
    pub(crate) theta: f64,

    /// Nodes of fft's mesh per cell and axis
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub(crate) n_interpolation_points: usize,

    /// Fewest cells of fft's mesh along the longest side of the map
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(crate) min_num_intervals: usize,

    /// Side of a cell of fft's mesh in units of the map
    #[arg(long, default_value_t = 1.0, value_name = "X")]
    pub(crate) ints_in_interval: f64,

    /// Seed of all randomness; equal seeds give equal maps
    #[arg(long, default_value_t = 42, value_name = "SEED")]
    pub(crate) random_state: u64,

    /// Threads: -1 all cores, -2 all but one, and so on; the map does not depend on it
    #[arg(long, default_value_t = -1, value_name = "N")]
    pub(crate) n_jobs: i64,

    /// Precision of the computation
    #[arg(long, default_value = "f32", value_name = "TYPE")]
    pub(crate) precision: Precision,

    /// Fail where a parameter would otherwise be changed with a warning, or ignored
    #[arg(long)]
    pub(crate) strict: bool,

    /// Iterations between two reports of progress
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(crate) callbacks_every_iters: usize,

    /// Names of the parameters that were on the command line and not left to their defaults
    #[arg(skip)]
    pub(crate) given: Vec<String>,
}

/// What is said on standard error.
#[derive(Args, Debug)]
#[command(next_help_heading = "Messages")]
#[group(skip)]
pub(crate) struct TellingArgs {
    /// How progress is shown: as lines, as a JSON object per line, or not; auto is a bar on a terminal, lines elsewhere
    #[arg(long, default_value = "auto", value_name = "HOW")]
    pub(crate) progress: ProgressKind,

    /// Say nothing but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Say more: the time of every stage; twice, the perplexities attained
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Whether messages are colored; auto is on a terminal, unless NO_COLOR is set
    #[arg(long, default_value = "auto", value_name = "WHEN")]
    pub(crate) color: Color,
}

/// What is done about rows that lack a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MissingArg {
    Error,
    Drop,
    Mean,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Precision {
    F32,
    F64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressKind {
    Auto,
    Plain,
    Json,
    None,
}

/// A number or none; a type of its own, since clap takes an `Option` for a flag that may be absent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bound(pub(crate) Option<f64>);

fn parse_bound(text: &str) -> Result<Bound, String> {
    match text {
        "none" => Ok(Bound(None)),
        number => number.parse().map(|x| Bound(Some(x))).map_err(|_| "expected a number or none".to_owned()),
    }
}

fn parse_learning_rate(text: &str) -> Result<LearningRate, String> {
    match text {
        "auto" => Ok(LearningRate::Auto),
        "per-exaggeration" => Ok(LearningRate::PerExaggeration),
        number => {
            let rate =
                number.parse().map_err(|_| "expected a number, auto or per-exaggeration".to_owned())?;
            Ok(LearningRate::Fixed(rate))
        }
    }
}

/// A time with its unit, seconds where there is none.
fn parse_time(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time as 30s, 5m or 1h".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let number: f64 = digits.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * factor).map_err(|_| wrong())
}

/// A number of bytes with its unit, a power of 1024.
fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || "expected a size as 500M or 4G".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        "T" | "TB" | "TIB" => 1 << 40,
        _ => return Err(wrong()),
    };
    digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(wrong)
}

fn parse_delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => Err("expected one ASCII character that is no quotation mark or line break, or tab".to_owned()),
    }
}

#[cfg(test)]
mod tests {
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
    fn times_and_sizes_have_units() {
        let time = |text| parse_time(text).map(|time| time.as_millis()).ok();
        assert_eq!(
            ["90", "30s", "5m", "1.5h", "20ms", "5d", "-1s", "m", ""].map(time),
            [Some(90_000), Some(30_000), Some(300_000), Some(5_400_000), Some(20), None, None, None, None],
            "times in milliseconds"
        );
        let size = |text| parse_size(text).ok();
        assert_eq!(
            ["7", "2k", "500M", "4G", "4GiB", "99999999T", "1.5G", "G"].map(size),
            [Some(7), Some(2048), Some(500 << 20), Some(4 << 30), Some(4 << 30), None, None, None],
            "sizes in bytes"
        );
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
        let words = config::words_of(&again, &Cli::command()).expect("known flags");
        assert_eq!(read(["tsne".into(), "fit".into()].into_iter().chain(words).collect()), table, "the same");
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
