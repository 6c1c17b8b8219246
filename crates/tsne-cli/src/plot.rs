//! Draws a map: one disc per point, colored by class, with a legend and a line that says what it is.

mod legend;
mod palette;
mod raster;
#[allow(dead_code, reason = "pictures are made of it from the next commit on")]
mod scene;
mod text;

use tsne_io::Labels;

use legend::Legend;
use raster::{Canvas, Color};
use text::Text;

/// Longer side of the rectangle in which the points lie, in pixels.
const SIDE: f64 = 1280.0;
/// Least ratio of its sides; flatter maps leave room.
const MIN_ASPECT: f64 = 0.5;
/// Around everything.
const MARGIN: f64 = 48.0;
/// Between points and legend.
const GUTTER: f64 = 56.0;
/// Height of the caption below the points.
const CAPTION_HEIGHT: f64 = 56.0;

const FRAME_COLOR: Color = Color::gray(0xe4);
const CAPTION_COLOR: Color = Color::gray(0x70);

/// A picture of a map.
#[derive(Debug)]
pub(crate) struct Picture(Canvas);

impl Picture {
    /// Draws `positions` with equal scales on both axes, all points whole within the frame.
    ///
    /// Points lie over each other in an order that does not depend on their class.
    pub(crate) fn scatter(positions: &[[f64; 2]], labels: Option<&Labels>, caption: &str) -> Self {
        let ranks = labels.map(legend::ranks);
        let legend = labels.zip(ranks.as_deref()).map(|(labels, ranks)| Legend::new(labels, ranks, SIDE));
        let style = Style::for_points(positions.len());
        let area = Area::around(positions, style.radius * 2.0 + 8.0);
        let [area_width, area_height] = area.size;

        let (legend_width, legend_height) =
            legend.as_ref().map_or((0.0, 0.0), |legend| (GUTTER + legend.width(), legend.height()));
        let width = MARGIN + area_width + legend_width + MARGIN;
        let height = (MARGIN + area_height + CAPTION_HEIGHT).max(MARGIN + legend_height) + MARGIN / 2.0;
        let mut canvas = Canvas::new(pixels(width), pixels(height), Color::WHITE);
        let [left, right, bottom] = [MARGIN, MARGIN + area_width, MARGIN + area_height].map(rounded);
        canvas.frame(left, left, right, bottom, FRAME_COLOR);

        for i in shuffled(positions.len()) {
            let color = match (labels, &ranks) {
                (Some(labels), Some(ranks)) => {
                    palette::class_color(ranks[labels.codes()[i] as usize], ranks.len())
                }
                _ => palette::PLAIN,
            };
            style.draw(&mut canvas, area.pixel(positions[i]), color);
        }
        if let Some(legend) = legend {
            legend.draw(&mut canvas, [MARGIN + area_width + GUTTER, MARGIN]);
        }
        let text = Text::of_height(22.0);
        let line = text.fitted(caption, width - 2.0 * MARGIN);
        text.draw(&mut canvas, [MARGIN, MARGIN + area_height + 40.0], &line, CAPTION_COLOR);
        Self(canvas)
    }

    /// Writes the picture as a PNG file.
    pub(crate) fn write_png(&self, sink: impl std::io::Write) -> std::io::Result<()> {
        self.0.write_png(sink)
    }
}

/// A map of one component as two: a lane per class, the points of a lane spread a little so that they can be seen.
pub(crate) fn lanes(positions: &[f64], labels: Option<&Labels>) -> Vec<[f64; 2]> {
    const GOLDEN_RATIO: f64 = 0.618_033_988_749_894_9;
    let ranks = labels.map(legend::ranks);
    let n_lanes = ranks.as_ref().map_or(1, Vec::len).max(1);
    let (low, high) = range(positions.iter().copied());
    #[allow(clippy::cast_precision_loss, reason = "lanes and points are below 2^53")]
    let lane_height = (high - low).max(f64::MIN_POSITIVE) / n_lanes.max(4) as f64;
    let place = |(i, &x): (usize, &f64)| {
        let lane = labels.zip(ranks.as_ref()).map_or(0, |(labels, ranks)| ranks[labels.codes()[i] as usize]);
        #[allow(clippy::cast_precision_loss, reason = "lanes and points are below 2^53")]
        let (lane, spread) = (lane as f64, (i as f64 * GOLDEN_RATIO).fract() - 0.5);
        [x, -(lane + 0.7 * spread) * lane_height]
    };
    positions.iter().enumerate().map(place).collect()
}

/// Size and opacity of the discs.
struct Style {
    radius: f64,
    opacity: f32,
    /// Width of the white rim that sets discs apart where they are large enough for one.
    rim: f64,
}

impl Style {
    /// Discs shrink as points become more, but slower than the room for each; where they must overlap, they let
    /// through.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a size on the screen")]
    fn for_points(n_points: usize) -> Self {
        let n = (n_points as f64).max(1.0);
        let radius = (108.0 * n.powf(-0.4)).clamp(1.1, 9.0);
        let crowding = n * radius * radius / (SIDE * SIDE);
        let opacity = (0.9 / (crowding / 0.06).max(1.0).sqrt()).clamp(0.35, 0.9) as f32;
        Self { radius, opacity, rim: if radius >= 3.5 { 0.8 } else { 0.0 } }
    }

    fn draw(&self, canvas: &mut Canvas, at: [f64; 2], color: Color) {
        if self.rim > 0.0 {
            canvas.disc(at, self.radius + self.rim, Color::WHITE, self.opacity);
        }
        canvas.disc(at, self.radius, color, self.opacity);
    }
}

/// The rectangle of the points, and how positions become pixels in it: one scale for both axes, y upwards.
struct Area {
    /// Width and height in pixels.
    size: [f64; 2],
    /// Middle of the map.
    center: [f64; 2],
    /// Pixels per unit.
    scale: f64,
}

impl Area {
    /// A rectangle as flat or as tall as the map, within limits, with `padding` pixels inside its edges.
    fn around(positions: &[[f64; 2]], padding: f64) -> Self {
        let bounds = [0, 1].map(|axis| range(positions.iter().map(|y| y[axis])));
        let span = bounds.map(|(low, high)| high - low);
        let longest = span[0].max(span[1]);
        let center = bounds.map(|(low, high)| low + (high - low) / 2.0);
        if longest == 0.0 {
            return Self { size: [SIDE; 2], center, scale: 1.0 };
        }
        let scale = (SIDE - 2.0 * padding) / longest;
        let size = span.map(|span| (span * scale + 2.0 * padding).clamp(MIN_ASPECT * SIDE, SIDE));
        Self { size, center, scale }
    }

    fn pixel(&self, position: [f64; 2]) -> [f64; 2] {
        let [x, y] = [0, 1].map(|axis| (position[axis] - self.center[axis]) * self.scale);
        [MARGIN + self.size[0] / 2.0 + x, MARGIN + self.size[1] / 2.0 - y]
    }
}

/// Smallest and largest of finite values, (0, 0) if there are none.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let bounds = values.fold(None, |bounds: Option<(f64, f64)>, x| {
        Some(bounds.map_or((x, x), |(low, high)| (low.min(x), high.max(x))))
    });
    bounds.unwrap_or((0.0, 0.0))
}

/// Indices below `n`, always in the same mixed-up order: classes that come sorted would cover each other otherwise.
fn shuffled(n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    // A step of the generator SplitMix64: a bijection that leaves no pattern.
    order.sort_by_cached_key(|&i| {
        let mut z = (i as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    });
    order
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length on the page")]
fn pixels(length: f64) -> usize {
    length.ceil() as usize
}

#[allow(clippy::cast_possible_truncation, reason = "a place on the page")]
fn rounded(place: f64) -> i64 {
    place.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a point was drawn in the rectangle: something darker than the frame.
    fn has_ink(picture: &Picture, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) -> bool {
        let [width, height] = picture.0.size();
        let is_dark = |x, y| picture.0.pixel(x, y).iter().any(|&channel| channel < 200.0);
        (columns.start..columns.end.min(width))
            .any(|x| (rows.start..rows.end.min(height)).any(|y| is_dark(x, y)))
    }

    #[test]
    fn scales_are_equal_and_no_point_is_clipped() {
        let positions = [[-3.0, 1.0], [5.0, 1.5], [1.0, -0.5], [0.0, 7e300]];
        for positions in [&positions[..1], &positions[..3], &positions[..]] {
            let padding = 20.0;
            let area = Area::around(positions, padding);
            for &y in positions {
                let inside = |(p, size): (f64, f64)| {
                    (MARGIN + padding - 1e-6..=MARGIN + size - padding + 1e-6).contains(&p)
                };
                let at = area.pixel(y);
                assert!(at.into_iter().zip(area.size).all(inside), "{y:?} lies at {at:?} in {:?}", area.size);
            }
        }
        let area = Area::around(&positions[..3], 0.0);
        assert_eq!(area.size, [SIDE, SIDE / 2.0], "a flat map has a flat frame, down to a limit");
        let [a, b, c] = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]].map(|y| area.pixel(y));
        assert!(((b[0] - a[0]) - (a[1] - c[1])).abs() < 1e-9, "one unit is as long on both axes, y upwards");
    }

    #[test]
    fn any_number_of_points_leaves_ink_and_nothing_is_drawn_outside() {
        for n in [1, 2, 10, 1000, 20_000] {
            #[allow(clippy::cast_precision_loss, reason = "few")]
            let positions: Vec<[f64; 2]> =
                (0..n).map(|i| [(i as f64).sin(), (i as f64 * 0.7).cos()]).collect();
            let picture = Picture::scatter(&positions, None, "");
            assert!(has_ink(&picture, 60..1300, 60..1300), "{n} points can be seen");
            assert!(!has_ink(&picture, 0..47, 0..1300), "{n} points stay within the frame");
        }
        let one_place = Picture::scatter(&[[3.0, 3.0]; 5], None, "");
        assert!(has_ink(&one_place, 680..696, 680..696), "equal points lie in the middle");
    }

    #[test]
    fn lanes_keep_classes_apart() {
        let labels = Labels::from_texts("l", ["b", "a", "b", "a"]);
        let y = lanes(&[0.0, 1.0, 2.0, 3.0], Some(&labels));
        assert!(y[1][1].min(y[3][1]) > y[0][1].max(y[2][1]), "class a lies above class b: {y:?}");
    }
}
