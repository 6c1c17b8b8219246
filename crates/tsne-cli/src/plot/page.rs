//! A page: where the heading, the points, the key to their colors and the caption stand. Both kinds of pictures are drawn
//! from it.

use super::Look;
use super::area::Area;
use super::color::Color;
use super::colorbar::Numbers;
use super::legend::{Classes, Room};
use super::palette::Ramp;
use super::points::{Points, Style, Tint};
use super::scene::{Coloring, Scene};
use super::text::Text;

/// Pixels per inch at which a unit of this file is a pixel.
pub(crate) const USUAL_DPI: f64 = 200.0;
/// Width of the frame around the points where no width is asked for, in units.
const SIDE: f64 = 1280.0;
/// Around everything.
const MARGIN: f64 = 48.0;
/// Between points and key.
const GUTTER: f64 = 48.0;
/// Share of a given width that the points have at least.
const LEAST_SHARE: f64 = 0.55;

/// A thing on the page, in pixels from its upper left corner.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// Text in the embedded font that starts at a point of its baseline.
    Text {
        start: [f64; 2],
        height: f64,
        text: String,
        color: Color,
    },
    Disc {
        center: [f64; 2],
        radius: f64,
        color: Color,
    },
    Rectangle {
        corner: [f64; 2],
        size: [f64; 2],
        color: Color,
    },
    /// A rectangle in the colors of a ramp, its start below.
    Ramp {
        corner: [f64; 2],
        size: [f64; 2],
        ramp: Ramp,
    },
}

impl Item {
    fn moved(mut self, by: [f64; 2]) -> Self {
        let (Self::Text { start: place, .. }
        | Self::Disc { center: place, .. }
        | Self::Rectangle { corner: place, .. }
        | Self::Ramp { corner: place, .. }) = &mut self;
        *place = [place[0] + by[0], place[1] + by[1]];
        self
    }

    /// Where its right and lower edges are.
    fn end(&self) -> [f64; 2] {
        match self {
            Self::Text { start, height, text, .. } => {
                [start[0] + sized(*height).width(text), start[1] + 0.25 * height]
            }
            Self::Disc { center, radius, .. } => center.map(|c| c + radius),
            Self::Rectangle { corner, size, .. } | Self::Ramp { corner, size, .. } => {
                [corner[0] + size[0], corner[1] + size[1]]
            }
        }
    }
}

/// The embedded font at a height in pixels.
#[allow(clippy::cast_possible_truncation, reason = "pixels are few")]
pub(crate) fn sized(height: f64) -> Text {
    Text::of_height(height as f32)
}

/// Items that belong together, around an origin of their own.
#[derive(Debug, Default)]
pub(crate) struct Block {
    items: Vec<Item>,
    size: [f64; 2],
}

impl Block {
    pub(crate) fn add(&mut self, item: Item) {
        let end = item.end();
        self.size = [self.size[0].max(end[0]), self.size[1].max(end[1])];
        self.items.push(item);
    }

    /// Adds a text, unless it is empty.
    pub(crate) fn write(&mut self, start: [f64; 2], font: &Text, text: String, color: Color) {
        if !text.is_empty() {
            self.add(Item::Text { start, height: font.height(), text, color });
        }
    }

    /// Width and height.
    pub(crate) fn size(&self) -> [f64; 2] {
        self.size
    }

    #[cfg(test)]
    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }
}

/// A scene, laid out.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    /// Width and height in pixels.
    pub(crate) size: [usize; 2],
    pub(crate) points: Points<'a>,
    /// The frame around the points.
    pub(crate) frame: [Item; 4],
    /// All that stands around the points.
    pub(crate) items: Vec<Item>,
}

impl<'a> Page<'a> {
    pub(crate) fn new(scene: &Scene<'a>, look: &Look) -> Self {
        let unit = look.dpi / USUAL_DPI;
        let background = look.background;
        let margin = (MARGIN * unit).round();
        let gutter = GUTTER * unit;
        let mut items = Vec::new();

        let given = look.width.map(|width| (width as f64).max(1.0));
        let margin = given.map_or(margin, |width| margin.min((width / 16.0).floor()));
        // What the key may take of a given width, and the points have without it.
        let (most, widest) = match given {
            None => (MARGIN * 24.0 * unit, SIDE * unit),
            Some(width) => (width * (1.0 - LEAST_SHARE) - margin - gutter, width - 2.0 * margin),
        };
        let heading = sized(34.0 * unit);
        let top = if scene.title.is_empty() { margin } else { margin + (62.0 * unit).round() };

        // The key is laid out for the height that the points would have without it.
        let n_points = scene.positions.len();
        let padding = |side: f64| Style::of(n_points, side, unit).extent() + (8.0 * unit).max(2.0);
        let area = |side: f64| {
            let side = side.round().max(1.0);
            Area::around(scene.positions, [margin, top], side, padding(side))
        };
        let room = Room { size: [most, area(widest).size[1]], unit };
        let key = scene.colorings.first().filter(|_| most > 0.0).map(|coloring| key(coloring, room, look));
        let key_width = key.as_ref().map_or(0.0, |key| gutter + key.size()[0]);
        let side = match given {
            None => widest,
            Some(width) => (width - 2.0 * margin - key_width).max(LEAST_SHARE * width - margin),
        };
        let area = area(side);
        let [left, bottom] = [margin, top + area.size[1]];
        let right = left + area.size[0];
        let width = given.unwrap_or(right + key_width + margin);

        let text_width = width - 2.0 * margin;
        if !scene.title.is_empty() {
            let text = heading.fitted(&scene.title, text_width);
            let start = [left, margin + heading.capital_height() + 6.0 * unit];
            items.push(Item::Text { start, height: heading.height(), text, color: background.ink() });
        }
        let mut end = bottom;
        if !scene.caption.is_empty() {
            let font = sized(22.0 * unit);
            let text = font.fitted(&scene.caption, text_width);
            let start = [left, bottom + 40.0 * unit];
            items.push(Item::Text { start, height: font.height(), text, color: background.muted() });
            end = start[1] + 6.0 * unit;
        }
        if let Some(key) = key {
            end = end.max(top + key.size[1]);
            items.extend(key.items.into_iter().map(|item| item.moved([right + gutter, top])));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length on the page")]
        let size = [width, end + margin * 0.75].map(|length| (length.ceil() as usize).max(1));
        let style = Style::of(n_points, area.size[0], unit);
        let points = Points::new(scene, look.palette, background, area, style);
        Self { size, points, frame: frame(&area, unit, background.line()), items }
    }
}

/// What explains the colors.
fn key(coloring: &Coloring<'_>, room: Room, look: &Look) -> Block {
    match *coloring {
        Coloring::Classes { name, codes, texts } => {
            Classes { name, codes, texts }.legend(room, look.palette, look.background)
        }
        Coloring::Values { name, values } => {
            let Tint::Values { range, ramp, .. } = Tint::new(Some(coloring), look.palette, look.background)
            else {
                unreachable!("numbers are tinted as numbers")
            };
            let n_finite = values.iter().filter(|x| x.is_finite()).count();
            let numbers = Numbers {
                name,
                range: (n_finite > 0).then_some(range),
                has_missing: n_finite < values.len(),
            };
            numbers.bar(room, &ramp, look.background)
        }
    }
}

/// Four lines around an area, inside of it.
fn frame(area: &Area, unit: f64, color: Color) -> [Item; 4] {
    let thick = unit.round().max(1.0);
    let ([left, top], [width, height]) = (area.corner, area.size);
    let line = |corner, size| Item::Rectangle { corner, size, color };
    [
        line([left, top], [width, thick]),
        line([left, top + height - thick], [width, thick]),
        line([left, top], [thick, height]),
        line([left + width - thick, top], [thick, height]),
    ]
}
