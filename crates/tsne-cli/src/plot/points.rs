//! The points themselves: what color each one has, how large it is, and in what order they are drawn, which is not that
//! of the rows.

use super::area::{Area, range};
use super::color::Color;
use super::density::{self, Density};
use super::legend;
use super::palette::{Background, Palette, Ramp};
use super::raster::Canvas;
use super::scene::{Coloring, Scene};

/// Most points that are drawn as discs of their own; beyond, their density is.
pub(crate) const MOST_DISCS: usize = 20_000;

/// Color of every point.
#[derive(Clone, Debug)]
pub(crate) enum Tint<'a> {
    Plain(Color),
    /// Class of every point and color of every class.
    Classes {
        codes: &'a [u32],
        colors: Vec<Color>,
    },
    /// Number of every point, and the range that the ramp is for.
    Values {
        values: &'a [f64],
        range: (f64, f64),
        ramp: Ramp,
        missing: Color,
    },
}

impl<'a> Tint<'a> {
    pub(crate) fn new(coloring: Option<&Coloring<'a>>, palette: Palette, background: Background) -> Self {
        match coloring {
            None => Self::Plain(palette.plain(background)),
            Some(Coloring::Classes { codes, texts, .. }) => {
                let by_rank = palette.classes(texts.len(), background);
                let colors = legend::ranks(texts).into_iter().map(|rank| by_rank[rank]).collect();
                Self::Classes { codes, colors }
            }
            Some(Coloring::Values { values, .. }) => Self::Values {
                values,
                range: range(values.iter().copied()),
                ramp: palette.ramp(background),
                missing: background.missing(),
            },
        }
    }

    pub(crate) fn of(&self, i: usize) -> Color {
        match self {
            Self::Plain(color) => *color,
            Self::Classes { codes, colors } => colors[codes[i] as usize],
            Self::Values { values, missing, .. } if !values[i].is_finite() => *missing,
            Self::Values { values, range: (low, high), ramp, .. } => {
                let half = high / 2.0 - low / 2.0;
                ramp.at(if half > 0.0 { (values[i] / 2.0 - low / 2.0) / half } else { 0.5 })
            }
        }
    }
}

/// Size and opacity of the discs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) radius: f64,
    pub(crate) opacity: f64,
    /// Width of the rim in the color of the background that sets discs apart where they are large enough for one.
    pub(crate) rim: f64,
}

impl Style {
    /// Discs shrink as points become more, but slower than the room for each; where they must overlap, they let
    /// through. `side` is the width of the frame and `unit` that of a usual line.
    #[allow(clippy::cast_precision_loss, reason = "a size on the screen")]
    pub(crate) fn of(n_points: usize, side: f64, unit: f64) -> Self {
        let n = (n_points as f64).max(1.0);
        let smallest = 1.1;
        let radius = (0.04 * side * n.powf(-0.3)).clamp(smallest, (9.0 * unit).max(smallest));
        let crowding = n * radius * radius / (side * side);
        let opacity = (0.9 / (crowding / 0.06).max(1.0).sqrt()).clamp(0.35, 0.9);
        Self { radius, opacity, rim: if radius >= 3.5 { 0.15 * radius.min(5.0) } else { 0.0 } }
    }

    /// What a disc needs around its center.
    pub(crate) fn extent(&self) -> f64 {
        self.radius + self.rim
    }
}

/// Everything that is needed to draw the points of a scene.
#[derive(Clone, Debug)]
pub(crate) struct Points<'a> {
    pub(crate) positions: &'a [[f64; 2]],
    pub(crate) tint: Tint<'a>,
    pub(crate) area: Area,
    pub(crate) style: Style,
    pub(crate) background: Background,
}

impl<'a> Points<'a> {
    pub(crate) fn new(
        scene: &Scene<'a>,
        palette: Palette,
        background: Background,
        area: Area,
        style: Style,
    ) -> Self {
        let tint = Tint::new(scene.colorings.first(), palette, background);
        Self { positions: scene.positions, tint, area, style, background }
    }

    /// The same with the area in the corner of the page.
    pub(crate) fn at_origin(&self) -> Self {
        Self { area: self.area.at_origin(), ..self.clone() }
    }

    /// Whether each point is drawn for itself.
    pub(crate) fn are_discs(&self) -> bool {
        self.positions.len() <= MOST_DISCS
    }

    /// The order in which discs are drawn: a mixture that depends on what points are and not on the order of the rows, so
    /// that the picture does not either, and no class covers another.
    pub(crate) fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.positions.len()).collect();
        order.sort_by_cached_key(|&i| {
            let [x, y] = self.positions[i].map(f64::to_bits);
            let color = self.tint.of(i).0;
            (mixed(x ^ mixed(y)), x, y, color)
        });
        order
    }

    /// Draws all points.
    pub(crate) fn draw(&self, canvas: &mut Canvas) {
        if self.are_discs() {
            self.draw_discs(canvas);
        } else {
            self.draw_density(canvas);
        }
    }

    fn draw_discs(&self, canvas: &mut Canvas) {
        let Style { radius, opacity, rim } = self.style;
        #[allow(clippy::cast_possible_truncation, reason = "a share between 0 and 1")]
        let opacity = opacity as f32;
        for i in self.order() {
            let at = self.area.place(self.positions[i]);
            if rim > 0.0 {
                canvas.disc(at, radius + rim, self.background.paper(), opacity);
            }
            canvas.disc(at, radius, self.tint.of(i), opacity);
        }
    }

    fn draw_density(&self, canvas: &mut Canvas) {
        let Area { corner: [left, top], size, .. } = self.area;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole pixels")]
        let mut density = Density::new(size.map(|side| side as usize));
        for (i, position) in self.positions.iter().enumerate() {
            let [x, y] = self.area.place(*position);
            density.add([x - left, y - top], self.style.radius, density::light(self.tint.of(i)));
        }
        let has_scale = matches!(self.tint, Tint::Values { .. });
        #[allow(clippy::cast_possible_truncation, reason = "whole pixels")]
        density.paint(canvas, [left as i64, top as i64], self.background, !has_scale);
    }
}

/// A step of the generator SplitMix64: a bijection that leaves no pattern.
fn mixed(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A map of one component as two: a lane per class, the points of a lane spread a little so that they can be seen.
pub(crate) fn lanes(positions: &[f64], coloring: Option<&Coloring<'_>>) -> Vec<[f64; 2]> {
    const GOLDEN_RATIO: f64 = 0.618_033_988_749_894_9;
    let (codes, ranks) = match coloring {
        Some(Coloring::Classes { codes, texts, .. }) => (Some(*codes), legend::ranks(texts)),
        _ => (None, vec![0]),
    };
    let lane = |i: usize| codes.map_or(0, |codes| ranks[codes[i] as usize]);
    let (low, high) = range(positions.iter().copied());
    let n_lanes = ranks.len().max(1);
    #[allow(clippy::cast_precision_loss, reason = "lanes are few")]
    let lane_height = (high / n_lanes.max(4) as f64 - low / n_lanes.max(4) as f64).max(f64::MIN_POSITIVE);
    // Within a lane the spread follows the order along it, so that it does not depend on that of the rows.
    let mut order: Vec<usize> = (0..positions.len()).collect();
    order.sort_by(|&a, &b| lane(a).cmp(&lane(b)).then(positions[a].total_cmp(&positions[b])));
    let mut places = vec![[0.0; 2]; positions.len()];
    for (rank, i) in order.into_iter().enumerate() {
        #[allow(clippy::cast_precision_loss, reason = "points are below 2^53")]
        let (lane, spread) = (lane(i) as f64, (rank as f64 * GOLDEN_RATIO).fract() - 0.5);
        places[i] = [positions[i], -(lane + 0.7 * spread) * lane_height];
    }
    places
}
