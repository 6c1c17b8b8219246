//! Flags that belong together and that several commands share.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};
use tsne::LearningRate;

use crate::exit::Failure;
use crate::plot::{Background, Look, Palette};

use super::values::{
    Bound, Color, MissingArg, Precision, ProgressKind, Scale, Symmetrize, parse_bound, parse_delimiter,
    parse_learning_rate, parse_size, parse_time,
};

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

    /// Keep this many maps on the way, evenly spaced in iterations and the last being the finished one: arrays snapshots
    /// and iterations of an .npz output, steps to play in an .html one
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) snapshots: usize,

    /// Refuse to begin what would take more memory than this: 4G, 500M
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) max_memory: Option<u64>,
}

/// Parameters of placing new rows, named as in the library.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Placing", allow_negative_numbers = true)]
#[group(skip)]
pub(crate) struct PlacingArgs {
    /// Perplexity of the new rows
    #[arg(long, default_value = "5", value_name = "X[,X]", value_delimiter = ',')]
    pub(crate) perplexity: Vec<f64>,

    /// Where new rows start: at the median or the weighted mean of their nearest rows in the map, random, or at the positions
    /// of a file
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
    #[arg(long, default_value_t = 0.5, value_name = "X")]
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

/// How the input is read. Columns are given by name or by number, counted from 1.
#[derive(Args, Clone, Debug)]
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

    /// Parameters of the metric, as p=3: p of minkowski and wminkowski; as files of numbers (.npy, .csv) w of wminkowski,
    /// V of seuclidean, VI of mahalanobis
    #[arg(long, value_name = "NAME=VALUE", value_delimiter = ',')]
    pub(crate) metric_params: Vec<String>,

    /// What is done to columns first: none, or standard, which gives each mean 0 and deviation 1 (a model keeps how)
    #[arg(long, default_value = "none", value_name = "HOW")]
    pub(crate) scale: Scale,

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

/// How pictures look.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Pictures")]
#[group(skip)]
pub(crate) struct PictureArgs {
    /// Width of a picture; if not given, the points take 1280 at 200 dots per inch, and the legend what it needs
    #[arg(long, value_name = "PIXELS")]
    pub(crate) width: Option<usize>,

    /// Dots per inch, to which letters and lines are scaled
    #[arg(long, default_value_t = 200.0, value_name = "N")]
    pub(crate) dpi: f64,

    /// Heading of a picture; the name of the data if not given, none if empty
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,

    /// Colors: auto and okabe-ito have some for classes, with viridis for numbers; viridis and cividis are scales that classes
    /// share too
    #[arg(long, default_value = "auto", value_name = "NAME")]
    pub(crate) palette: Palette,

    /// What a picture is drawn on
    #[arg(long, default_value = "white", value_name = "NAME")]
    pub(crate) background: Background,
}

impl PictureArgs {
    /// What the flags say, if it can be drawn.
    pub(crate) fn look(&self) -> Result<Look, Failure> {
        let refused = |name, requirement, value| {
            Err(Failure::of_fit(&tsne::Error::Parameter { name, requirement, value }, ""))
        };
        let &Self { width, dpi, palette, background, .. } = self;
        #[allow(clippy::cast_precision_loss, reason = "a number for a message")]
        match width {
            Some(pixels) if !(64..=8192).contains(&pixels) => {
                return refused("width", "64 to 8192 pixels", pixels as f64);
            }
            _ => {}
        }
        if !(20.0..=600.0).contains(&dpi) {
            return refused("dpi", "20 to 600 dots per inch", dpi);
        }
        Ok(Look { width, dpi, palette, background })
    }
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
