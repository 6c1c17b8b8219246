//! Text in the embedded font.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont};

use super::color::Color;
use super::raster::Canvas;

/// DejaVu Sans, cut down to Latin, Greek and Cyrillic; see `fonts/LICENSE-DejaVu.txt`.
const FONT: &[u8] = include_bytes!("../../fonts/DejaVuSans-subset.ttf");

/// The embedded font at one size.
pub(crate) struct Text {
    font: FontRef<'static>,
    scale: PxScale,
}

impl Text {
    /// The font with lines `pixels` high.
    pub(crate) fn of_height(pixels: f32) -> Self {
        let font = FontRef::try_from_slice(FONT).expect("the embedded font is a font");
        Self { font, scale: PxScale::from(pixels) }
    }

    /// Width of a text in pixels.
    pub(crate) fn width(&self, text: &str) -> f64 {
        let font = self.font.as_scaled(self.scale);
        f64::from(text.chars().map(|c| font.h_advance(font.glyph_id(c))).sum::<f32>())
    }

    /// Height of a line in pixels.
    pub(crate) fn height(&self) -> f64 {
        f64::from(self.scale.y)
    }

    /// The size that typesetters and SVG know it by, in pixels.
    pub(crate) fn em(&self) -> f64 {
        let per_em = self.font.units_per_em().expect("the embedded font has a size");
        f64::from(self.scale.y * per_em / self.font.height_unscaled())
    }

    /// Height of a capital letter, for centering a line on something.
    pub(crate) fn capital_height(&self) -> f64 {
        let glyph = self.font.glyph_id('H').with_scale(self.scale);
        self.font.outline_glyph(glyph).map_or(0.0, |outline| f64::from(outline.px_bounds().height()))
    }

    /// Draws a text whose baseline starts at `start`.
    pub(crate) fn draw(&self, canvas: &mut Canvas, start: [f64; 2], text: &str, color: Color) {
        let font = self.font.as_scaled(self.scale);
        #[allow(clippy::cast_possible_truncation, reason = "pixels are few")]
        let [mut x, y] = start.map(|c| c as f32);
        for c in text.chars() {
            let id = font.glyph_id(c);
            let glyph = id.with_scale_and_position(self.scale, ab_glyph::point(x, y));
            if let Some(outline) = font.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                #[allow(clippy::cast_possible_truncation, reason = "pixels are few")]
                let (left, top) = (bounds.min.x as i64, bounds.min.y as i64);
                outline.draw(|dx, dy, covered| {
                    canvas.blend(left + i64::from(dx), top + i64::from(dy), color, covered.min(1.0));
                });
            }
            x += font.h_advance(id);
        }
    }

    /// The text if it fits, else its beginning and its end: names that differ often differ there. Line breaks and
    /// other control characters become spaces.
    pub(crate) fn fitted(&self, text: &str, width: f64) -> String {
        let letters: Vec<char> = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let shortened = |n_kept: usize| -> String {
            let (head, tail) = (n_kept - n_kept / 2, n_kept / 2);
            letters[..head].iter().chain(&['…']).chain(&letters[letters.len() - tail..]).collect()
        };
        let whole: String = letters.iter().collect();
        // Nothing a thousand letters long fits a picture, and a label may be much longer.
        if letters.len() < 1000 && self.width(&whole) <= width {
            return whole;
        }
        let fits = |n_kept: &usize| self.width(&shortened(*n_kept)) <= width;
        shortened((0..letters.len().min(1000)).rev().find(fits).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_the_letters_of_european_languages() {
        let text = Text::of_height(20.0);
        for c in "AZaz09 éßøłžĀ ΑΩαω АЯаяё …–×·→≤".chars() {
            assert_ne!(text.font.glyph_id(c).0, 0, "{c:?} has a glyph");
        }
    }

    #[test]
    fn text_is_cut_to_width_and_leaves_ink() {
        let text = Text::of_height(20.0);
        let cut = text.fitted("a\nvery long label indeed 7", 100.0);
        assert!(cut.starts_with("a v") && cut.ends_with("d 7") && cut.contains('…'), "{cut:?}");
        assert!(text.width(&cut) <= 100.0, "{cut:?} is {} wide", text.width(&cut));
        let endless = text.fitted(&"x".repeat(1 << 20), 100.0);
        assert!(text.width(&endless) <= 100.0, "{endless:?}");
        assert_eq!(text.fitted("short", 80.0), "short", "what fits is left alone");
        let mut canvas = Canvas::new(60, 30, Color::WHITE);
        text.draw(&mut canvas, [5.0, 22.0], "HI", Color::gray(0));
        let darkest = (0..60).flat_map(|x| (0..30).map(move |y| (x, y))).map(|(x, y)| canvas.pixel(x, y)[0]);
        assert!(darkest.fold(255.0, f32::min) < 40.0, "the letters are drawn");
    }
}
