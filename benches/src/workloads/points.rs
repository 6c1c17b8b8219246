//! `lab points`: seeded data of any size for the other workloads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use rand::{RngExt as _, SeedableRng as _};
use rand_distr::{Distribution as _, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use tsne::{Points, Scalar as _, Seed, pca};
use tsne_core::{Control, Csr};

use super::threads;
use crate::files::{read_points, write_csr, write_matrix};
use crate::measure::{on_threads, timed};
use crate::{Args, Report};

pub(super) const USAGE: &str = "\
points --kind mixture --n N [--features 50] [--clusters 100] [--seed 0] [--threads N] --out X.npy
points --kind distorted --input IMAGES.npz --n N [--features 50] [--seed 0] [--threads N] --out X.npy
points --kind text|scattered --n N [--features 50000] [--density 0.005] [--seed 0] [--threads N] --out X.npz
   Points that are made up, equal for equal seeds. A mixture: Gaussian clusters that overlap, each with most of its
   variance in 12 directions of its own. Distorted: square images drawn from those of the file (rows of bytes or
   numbers), each turned, sheared, scaled and shifted a little, as scores on the principal components of the originals.
   Sparse, as scipy's load_npz reads them. Text: words of a document by Zipf's law, half of them by that of one of 50
   topics, their counts weighed by rarity. Scattered: every column alike, values between 0 and 1.";

/// Points drawn from one stream of random numbers.
const CHUNK: usize = 4096;
/// Directions in which a cluster of a mixture varies most.
const WIDE_DIRECTIONS: usize = 12;
/// Standard deviation of the centers of a mixture in each feature, where a cluster has 1 along each wide direction: the
/// nearest centers of a hundred are some five of these apart.
const SPREAD: f64 = 0.7;
/// Standard deviation in every other direction.
const THICKNESS: f64 = 0.2;
/// Topics of texts.
const TOPICS: usize = 50;
/// Standard deviation of the logarithm of the number of different words in a text.
const LENGTHS: f64 = 0.5;

struct Config {
    n: usize,
    features: usize,
    seed: Seed,
}

pub(super) fn run(mut args: Args) -> Result<Report> {
    let kind: String = args.required("kind")?;
    let threads = threads(&mut args)?;
    let is_sparse = matches!(kind.as_str(), "text" | "scattered");
    let config = Config {
        n: args.required("n")?,
        features: args.optional("features")?.unwrap_or(if is_sparse { 50_000 } else { 50 }),
        seed: Seed(args.optional("seed")?.unwrap_or(0)),
    };
    let (out, features) = (args.path("out")?, config.features);
    if is_sparse {
        let density: f64 = args.optional("density")?.unwrap_or(0.005);
        ensure!(0.0 < density && density <= 0.25, "--density {density}: expected more than 0, at most 0.25");
        args.finish()?;
        let rows = if kind == "text" { text } else { scattered };
        return on_threads(threads, || {
            let (matrix, seconds) = timed(|| rows(&config, density * config.features as f64));
            write_csr(&out, &matrix?)?;
            let mut report = Report::default();
            report.metric("points/seconds", seconds, "s");
            Ok(report)
        });
    }
    let make: Box<dyn Fn() -> Result<Vec<f32>> + Send + Sync> = match kind.as_str() {
        "mixture" => {
            let clusters: usize = args.optional("clusters")?.unwrap_or(100);
            ensure!(clusters > 0, "--clusters 0: expected at least 1");
            Box::new(move || Ok(mixture(&config, clusters)))
        }
        "distorted" => {
            let input: PathBuf = args.path("input")?;
            Box::new(move || distorted(&config, &input))
        }
        other => bail!("--kind {other}: expected mixture, distorted, text or scattered"),
    };
    args.finish()?;
    on_threads(threads, || {
        let (points, seconds) = timed(&make);
        write_matrix(&out, &points?, features)?;
        let mut report = Report::default();
        report.metric("points/seconds", seconds, "s");
        Ok(report)
    })
}

fn stream(seed: Seed, label: usize) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed.derive(label as u64).0)
}

fn normal(rng: &mut Xoshiro256PlusPlus) -> f64 {
    StandardNormal.sample(rng)
}

fn mixture(config: &Config, n_clusters: usize) -> Vec<f32> {
    let features = config.features;
    let mut rng = stream(config.seed, 0);
    let mut normals =
        |scale: f64, count: usize| -> Vec<f64> { (0..count).map(|_| scale * normal(&mut rng)).collect() };
    let length = (features as f64).sqrt().recip();
    let clusters: Vec<(Vec<f64>, Vec<f64>)> = (0..n_clusters)
        .map(|_| (normals(SPREAD, features), normals(length, WIDE_DIRECTIONS * features)))
        .collect();
    let mut points = vec![0.0; config.n * features];
    points.par_chunks_mut(CHUNK * features).enumerate().for_each(|(chunk, points)| {
        let mut rng = stream(config.seed, chunk + 1);
        for point in points.chunks_exact_mut(features) {
            let (center, directions) = &clusters[rng.random_range(0..n_clusters)];
            let mut exact: Vec<f64> = center.iter().map(|c| c + THICKNESS * normal(&mut rng)).collect();
            for direction in directions.chunks_exact(features) {
                let along = normal(&mut rng);
                exact.iter_mut().zip(direction).for_each(|(x, d)| *x += along * d);
            }
            point.iter_mut().zip(exact).for_each(|(to, x)| *to = f32::lit(x));
        }
    });
    points
}

/// Rows of features and values, drawn from one stream.
type SparseRows = Vec<BTreeMap<u32, f64>>;

/// The rows that `draw` makes, chunk by chunk.
fn sparse_rows(
    config: &Config,
    draw: impl Fn(&mut Xoshiro256PlusPlus) -> BTreeMap<u32, f64> + Sync,
) -> SparseRows {
    let chunks: Vec<usize> = (0..config.n.div_ceil(CHUNK)).collect();
    let rows = chunks.into_par_iter().map(|chunk| {
        let mut rng = stream(config.seed, chunk + 1);
        (0..CHUNK.min(config.n - chunk * CHUNK)).map(|_| draw(&mut rng)).collect()
    });
    rows.collect::<Vec<SparseRows>>().concat()
}

fn to_csr(features: usize, rows: &SparseRows) -> Result<Csr<f32>> {
    let (mut offsets, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
    for row in rows {
        columns.extend(row.keys().copied());
        values.extend(row.values().map(|&x| f32::lit(x)));
        offsets.push(columns.len());
    }
    Ok(Csr::from_parts(features, offsets, columns, values)?)
}

fn scattered(config: &Config, mean_length: f64) -> Result<Csr<f32>> {
    let features = u32::try_from(config.features)?;
    let rows = sparse_rows(config, |rng| {
        // The number of features is that of so many trials at a small chance, nearly.
        let length = (mean_length + mean_length.sqrt() * normal(rng)).round().max(1.0);
        let mut row = BTreeMap::new();
        while (row.len() as f64) < length {
            row.insert(rng.random_range(0..features), rng.random_range(f64::MIN_POSITIVE..1.0));
        }
        row
    });
    to_csr(config.features, &rows)
}

fn text(config: &Config, mean_length: f64) -> Result<Csr<f32>> {
    let words = u32::try_from(config.features)?;
    let mut rng = stream(config.seed, 0);
    let topics: Vec<Vec<u32>> = (0..TOPICS)
        .map(|_| {
            let mut ranked: Vec<u32> = (0..words).collect();
            for at in 0..config.features {
                ranked.swap(at, rng.random_range(at..config.features));
            }
            ranked
        })
        .collect();
    let mut rows = sparse_rows(config, |rng| {
        let topic = &topics[rng.random_range(0..TOPICS)];
        let longer = (LENGTHS * normal(rng) - 0.5 * LENGTHS * LENGTHS).exp();
        let length = (mean_length * longer).round().clamp(1.0, 0.5 * f64::from(words));
        let mut row = BTreeMap::new();
        while (row.len() as f64) < length {
            // Chances fall as the inverse of the rank.
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "below the number of words"
            )]
            let rank = (f64::from(words).powf(rng.random_range(0.0..1.0)) - 1.0) as u32;
            let word = if rng.random_range(0..2) == 0 { rank } else { topic[rank as usize] };
            *row.entry(word).or_insert(0.0) += 1.0;
        }
        row
    });
    let mut documents = vec![0_u32; config.features];
    rows.iter().flat_map(BTreeMap::keys).for_each(|&word| documents[word as usize] += 1);
    for (&word, count) in rows.iter_mut().flatten() {
        let rarity = ((1.0 + config.n as f64) / (1.0 + f64::from(documents[word as usize]))).ln() + 1.0;
        *count *= rarity;
    }
    to_csr(config.features, &rows)
}

fn distorted(config: &Config, path: &Path) -> Result<Vec<f32>> {
    let file = read_points::<f32>(path)?;
    let images = file.points()?;
    let pixels = images.n_features();
    let side = pixels.isqrt();
    ensure!(side * side == pixels, "{}: rows of {pixels} numbers are no square images", path.display());
    let principal = pca::components(images, config.features, Seed(42), &Control::NONE)?;
    let chunks: Vec<usize> = (0..config.n.div_ceil(CHUNK)).collect();
    let scores = chunks.into_par_iter().map(|chunk| {
        let mut rng = stream(config.seed, chunk + 1);
        let mut image = vec![0.0; pixels];
        let mut made = Vec::with_capacity(CHUNK * pixels);
        for _ in 0..CHUNK.min(config.n - chunk * CHUNK) {
            images.copy_row(rng.random_range(0..images.n_points()), &mut image);
            Distortion::draw(&mut rng).apply(&image, side, &mut made);
        }
        Ok(principal.project(Points::from_row_major(&made, pixels)?)?)
    });
    Ok(scores.collect::<Result<Vec<_>>>()?.concat())
}

/// An affine map of the plane of an image.
struct Distortion {
    matrix: [[f64; 2]; 2],
    shift: [f64; 2],
}

impl Distortion {
    fn draw(rng: &mut Xoshiro256PlusPlus) -> Self {
        let (sin, cos) = (0.12 * normal(rng)).sin_cos();
        let scale = (0.08 * normal(rng)).exp();
        let shear = 0.1 * normal(rng);
        Self {
            matrix: [[scale * cos, scale * (shear - sin)], [scale * sin, scale * cos]],
            shift: [normal(rng), normal(rng)],
        }
    }

    /// Appends the image as seen through the map, between pixels by bilinear interpolation, black beyond the border.
    fn apply(&self, image: &[f32], side: usize, made: &mut Vec<f32>) {
        let middle = (side as f64 - 1.0) / 2.0;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "inside the image")]
        let at = |row: f64, column: f64| -> f64 {
            let inside = (0.0..side as f64).contains(&row) && (0.0..side as f64).contains(&column);
            if inside { f64::from(image[row as usize * side + column as usize]) } else { 0.0 }
        };
        for row in 0..side {
            for column in 0..side {
                let (x, y) = (column as f64 - middle, row as f64 - middle);
                let [u, v] =
                    [0, 1].map(|d| self.matrix[d][0] * x + self.matrix[d][1] * y + self.shift[d] + middle);
                let (left, top) = (u.floor(), v.floor());
                let (right, below) = (u - left, v - top);
                let upper = at(top, left) * (1.0 - right) + at(top, left + 1.0) * right;
                let lower = at(top + 1.0, left) * (1.0 - right) + at(top + 1.0, left + 1.0) * right;
                made.push(f32::lit(upper * (1.0 - below) + lower * below));
            }
        }
    }
}
