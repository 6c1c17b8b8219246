//! A canvas of pixels, and the anti-aliased discs and lines drawn on it.

use std::io::{self, Write};

use super::color::Color;

/// Pixels in rows from the top, the origin of coordinates in the upper left corner of the first.
#[derive(Clone, Debug)]
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    /// Channels in 0..=255; floating point, so that thousands of thin layers do not round to nothing.
    pixels: Vec<[f32; 3]>,
}

impl Canvas {
    /// A canvas filled with `background`.
    pub(crate) fn new(width: usize, height: usize, background: Color) -> Self {
        Self { width, height, pixels: vec![background.0.map(f32::from); width * height] }
    }

    /// Lays `color` over a pixel with an opacity in 0..=1; pixels outside the canvas are ignored.
    pub(crate) fn blend(&mut self, x: i64, y: i64, color: Color, opacity: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x >= self.width || y >= self.height {
            return;
        }
        let pixel = &mut self.pixels[y * self.width + x];
        for (channel, over) in pixel.iter_mut().zip(color.0) {
            *channel += (f32::from(over) - *channel) * opacity;
        }
    }

    /// Draws a disc; its edge is smoothed over one pixel.
    pub(crate) fn disc(&mut self, center: [f64; 2], radius: f64, color: Color, opacity: f32) {
        for_covered(center, radius, |x, y, covered| self.blend(x, y, color, covered * opacity));
    }

    /// Fills the pixels of a rectangle from its corner, its edges at the nearest pixels.
    pub(crate) fn rectangle(&mut self, corner: [f64; 2], size: [f64; 2], color: Color) {
        let [(left, right), (top, bottom)] =
            [0, 1].map(|axis| (nearest(corner[axis]), nearest(corner[axis] + size[axis])));
        for y in top..bottom {
            for x in left..right {
                self.blend(x, y, color, 1.0);
            }
        }
    }

    /// Writes the canvas as a PNG file that is to be shown at so many pixels per inch, with texts that say what it is.
    pub(crate) fn write_png(&self, sink: impl Write, dpi: f64, texts: &[(&str, &str)]) -> io::Result<()> {
        const METERS_PER_INCH: f64 = 0.0254;
        let size = |n: usize| u32::try_from(n).map_err(io::Error::other);
        let mut encoder = png::Encoder::new(sink, size(self.width)?, size(self.height)?);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "thousands at most")]
        let per_meter = (dpi / METERS_PER_INCH).round() as u32;
        let unit = png::Unit::Meter;
        encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: per_meter, yppu: per_meter, unit }));
        for (name, text) in texts {
            encoder.add_itxt_chunk((*name).to_owned(), (*text).to_owned())?;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "channels are in 0..=255")]
        let bytes: Vec<u8> = self.pixels.iter().flatten().map(|channel| channel.round() as u8).collect();
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&bytes)?;
        writer.finish()?;
        Ok(())
    }

    /// Width and height.
    #[cfg(test)]
    pub(crate) fn size(&self) -> [usize; 2] {
        [self.width, self.height]
    }

    #[cfg(test)]
    pub(crate) fn pixel(&self, x: usize, y: usize) -> [f32; 3] {
        self.pixels[y * self.width + x]
    }
}

/// Calls `draw` with every pixel that a disc touches and the share of it that is covered, above 0.
pub(crate) fn for_covered(center: [f64; 2], radius: f64, mut draw: impl FnMut(i64, i64, f32)) {
    let [columns, rows] = center.map(|c| pixels_between(c - radius - 1.0, c + radius + 1.0));
    for row in rows {
        for column in columns.clone() {
            let [dx, dy] = [coordinate(column) - center[0], coordinate(row) - center[1]];
            #[allow(clippy::cast_possible_truncation, reason = "a share between 0 and 1")]
            let covered = (radius - (dx * dx + dy * dy).sqrt() + 0.5).clamp(0.0, 1.0) as f32;
            if covered > 0.0 {
                draw(column, row, covered);
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a place on the page")]
fn nearest(place: f64) -> i64 {
    place.round() as i64
}

/// The middle of a pixel.
#[allow(clippy::cast_precision_loss, reason = "pixels are few")]
fn coordinate(pixel: i64) -> f64 {
    pixel as f64 + 0.5
}

/// The pixels that an interval touches; far-away intervals stay far away, as the conversion saturates.
#[allow(clippy::cast_possible_truncation, reason = "saturation is wanted")]
fn pixels_between(low: f64, high: f64) -> std::ops::Range<i64> {
    low.floor() as i64..high.ceil() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_covers_its_area_wherever_it_lies() {
        const RADIUS: f64 = 4.3;
        for center in [[16.0, 16.0], [15.3, 16.8], [16.5, 15.01]] {
            let mut canvas = Canvas::new(32, 32, Color::WHITE);
            canvas.disc(center, RADIUS, Color::gray(0), 1.0);
            let ink: f64 = canvas.pixels.iter().map(|p| 1.0 - f64::from(p[0]) / 255.0).sum();
            let area = std::f64::consts::PI * RADIUS * RADIUS;
            // The linear edge misses the true coverage of a pixel by some percent, which cancels around the disc.
            assert!((ink / area - 1.0).abs() < 0.02, "ink {ink} for an area of {area} at {center:?}");
        }
    }

    #[test]
    fn what_lies_outside_is_ignored() {
        let mut canvas = Canvas::new(4, 4, Color::WHITE);
        canvas.disc([-20.0, 2.0], 3.0, Color::gray(0), 1.0);
        canvas.blend(4, 0, Color::gray(0), 1.0);
        assert!(canvas.pixels.iter().all(|p| *p == [255.0; 3]), "the canvas is untouched");
        canvas.disc([0.0, 0.0], 2.0, Color::gray(0), 1.0);
        assert!(canvas.pixel(0, 0)[0] < 1.0, "a disc across the corner is drawn as far as it reaches");
    }
}
