//! The command line: commands, flags, and what they mean. Names are those of the API, with hyphens.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use tsne::LearningRate;

/// What stands below the help of the program.
const AFTER_HELP: &str = "\
Examples:
  tsne demo
  tsne fit cells.csv --label type --id barcode -o map.png -o map.csv
  tsne fit images.npy --perplexity 50 -o map.npy -o report.json

Exit status: 0 done, 1 internal error, 2 usage, 3 data or parameter, 4 memory or disk,
5 numerical failure, 7 file";

/// Make t-SNE maps of high-dimensional data
#[derive(Debug, Parser)]
#[command(name = "tsne", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Reads a command line, its first word being the program.
    pub(crate) fn read<S: Into<OsString> + Clone>(
        words: impl IntoIterator<Item = S>,
    ) -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches_from(words)?;
        let mut cli = Self::from_arg_matches(&matches)?;
        if let (Command::Fit(fit), Some((_, flags))) = (&mut cli.command, matches.subcommand()) {
            let is_given = |id: &str| flags.value_source(id) == Some(ValueSource::CommandLine);
            let given = flags.ids().map(clap::Id::as_str).filter(|id| is_given(id));
            fit.parameters.given = given.map(str::to_owned).collect();
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
}

#[derive(Args, Debug)]
pub(crate) struct FitArgs {
    /// Data file: .csv, .tsv or .txt table, .npy array, .npz archive
    pub(crate) input: PathBuf,

    /// Output file; may be given several times. The suffix decides: .csv .tsv .npy map, .png picture, .json report
    #[arg(short, long = "output", value_name = "OUT", required = true)]
    pub(crate) outputs: Vec<PathBuf>,

    /// Overwrite outputs that exist
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    #[command(flatten)]
    pub(crate) telling: TellingArgs,
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

    /// Distance between rows: euclidean, manhattan, cosine, correlation, hamming and some thirty more
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

    /// Say more: the time of every stage
    #[arg(short, long, action = ArgAction::SetTrue)]
    pub(crate) verbose: bool,
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
            Command::Demo(_) => panic!("fit was given"),
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
