//! Many points as a picture of their density: what covers a pixel is added up, color by color, and toned at the end.
//!
//! Sums are of whole numbers, so that the order of the points changes no bit.

use super::color::{Color, encoded};
use super::palette::Background;
use super::raster::{Canvas, for_covered};

/// Coverage is counted in parts of a pixel.
const PARTS: f32 = 255.0;
/// Light is counted in parts of full light: as many as sRGB needs in the dark.
const LIGHT: f64 = 65_535.0;

/// Sums of what covers each pixel.
#[derive(Debug)]
pub(crate) struct Density {
    width: usize,
    height: usize,
    /// Coverage, and coverage times light of each channel.
    sums: Vec<[u64; 4]>,
}

impl Density {
    pub(crate) fn new([width, height]: [usize; 2]) -> Self {
        Self { width, height, sums: vec![[0; 4]; width * height] }
    }

    /// Adds a disc; what lies outside is ignored.
    pub(crate) fn add(&mut self, center: [f64; 2], radius: f64, light: [u64; 3]) {
        let (width, height) = (self.width, self.height);
        for_covered(center, radius, |x, y, covered| {
            let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
            if x >= width || y >= height {
                return;
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 255")]
            let parts = (covered * PARTS).round() as u64;
            let [coverage, red, green, blue] = &mut self.sums[y * width + x];
            *coverage += parts;
            for (sum, light) in [red, green, blue].into_iter().zip(light) {
                *sum += parts * light;
            }
        });
    }

    /// Paints what has been added with its upper left pixel at `corner`.
    ///
    /// A pixel has the mean color of what covers it, in linear light; it is the more opaque the more there is, by the
    /// logarithm. Where `is_shaded`, the densest parts are set off in lightness too: not where color has a scale.
    pub(crate) fn paint(
        &self,
        canvas: &mut Canvas,
        corner: [i64; 2],
        background: Background,
        is_shaded: bool,
    ) {
        let tone = Tone::of(&self.sums);
        let mut place = corner;
        for row in self.sums.chunks_exact(self.width.max(1)) {
            place[0] = corner[0];
            for &[coverage, light @ ..] in row {
                if coverage > 0 {
                    let layers = layers(coverage);
                    #[allow(clippy::cast_precision_loss, reason = "beyond 2^53 the last bits do not matter")]
                    let mut channels = light.map(|sum| encoded(sum as f64 / (coverage as f64 * LIGHT)));
                    if is_shaded {
                        let share = tone.depth(layers);
                        let deep = if background == Background::White { [20.0; 3] } else { [255.0; 3] };
                        for (channel, to) in channels.iter_mut().zip(deep) {
                            *channel += (to - *channel) * share;
                        }
                    }
                    #[allow(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "within a byte"
                    )]
                    let color = Color(channels.map(|channel| channel.round() as u8));
                    #[allow(clippy::cast_possible_truncation, reason = "a share between 0 and 1")]
                    canvas.blend(place[0], place[1], color, tone.opacity(layers) as f32);
                }
                place[0] += 1;
            }
            place[1] += 1;
        }
    }
}

/// Light of a color in whole parts.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 65535")]
pub(crate) fn light(color: Color) -> [u64; 3] {
    color.linear().map(|x| (x * LIGHT).round() as u64)
}

/// How often a pixel is covered.
#[allow(clippy::cast_precision_loss, reason = "beyond 2^53 the last bits do not matter")]
fn layers(coverage: u64) -> f64 {
    coverage as f64 / f64::from(PARTS)
}

/// What number of layers is how opaque.
struct Tone {
    /// Opacity of one layer.
    alone: f64,
    /// As many layers as are exceeded in one pixel of two hundred only, 2 at least.
    most: f64,
}

impl Tone {
    fn of(sums: &[[u64; 4]]) -> Self {
        let mut covered: Vec<u64> = sums.iter().map(|sum| sum[0]).filter(|&coverage| coverage > 0).collect();
        let most = if covered.is_empty() {
            2.0
        } else {
            let rank = covered.len() - 1 - covered.len() / 200;
            layers(*covered.select_nth_unstable(rank).1).max(2.0)
        };
        // A single point stays visible among millions, and does not look like a cluster among thousands.
        Self { alone: (0.8 * most.powf(-0.2)).clamp(0.25, 0.8), most }
    }

    /// 0 at one layer, 1 at the most.
    fn rise(&self, layers: f64) -> f64 {
        (layers.max(1.0).ln() / self.most.ln()).min(1.0)
    }

    fn opacity(&self, layers: f64) -> f64 {
        layers.min(1.0) * (self.alone + (0.97 - self.alone) * self.rise(layers))
    }

    /// How far a color is set off for its depth: not at all up to the middle of the scale, nor where points merely touch.
    fn depth(&self, layers: f64) -> f64 {
        let is_crowded = ((self.most.log2() - 2.0) / 3.0).clamp(0.0, 1.0);
        0.38 * is_crowded * ((self.rise(layers) - 0.5) * 2.0).max(0.0).powi(2)
    }
}
