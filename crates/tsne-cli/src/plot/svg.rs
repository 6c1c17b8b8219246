//! SVG: points as vectors where they are few, as a picture where they are many, and all else as vectors and text.
//!
//! Nothing in it runs and nothing is fetched: labels are text, escaped, and a picture is in the file.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::color::Color;
use super::page::{Item, Page, sized};
use super::palette::{Background, Ramp};
use super::points::{Points, Style};
use super::{Look, png_of_points};

/// Fonts with letters about as wide as those the page was laid out with.
const FONTS: &str = "DejaVu Sans, Verdana, Geneva, Arial, sans-serif";

/// Writes a page as SVG.
pub(crate) fn write(
    page: &Page<'_>,
    look: &Look,
    title: &str,
    description: &str,
    mut sink: impl Write,
) -> io::Result<()> {
    let [width, height] = page.size;
    #[allow(clippy::cast_precision_loss, reason = "pixels are few")]
    let [inches_wide, inches_high] = page.size.map(|n| n as f64 / look.dpi);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" role=\"img\" \
         width=\"{}in\" height=\"{}in\" viewBox=\"0 0 {width} {height}\" font-family=\"{FONTS}\">\n\
         <title>{}</title>\n<desc>{}</desc>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n",
        Short(inches_wide),
        Short(inches_high),
        Escaped(title),
        Escaped(description),
        look.background.paper(),
    );
    page.frame.iter().for_each(|item| push(&mut out, item));
    if page.points.are_discs() {
        push_discs(&mut out, &page.points, look.background);
    } else {
        push_picture(&mut out, &page.points, look)?;
    }
    page.items.iter().for_each(|item| push(&mut out, item));
    out += "</svg>\n";
    sink.write_all(out.as_bytes())
}

fn push_discs(out: &mut String, points: &Points<'_>, background: Background) {
    let Style { radius, opacity, rim } = points.style;
    let _ = write!(out, "<g fill-opacity=\"{}\"", Short(opacity));
    if rim > 0.0 {
        // A stroke lies half on either side of its line.
        let (paper, opacity) = (background.paper(), Short(opacity));
        let _ =
            write!(out, " stroke=\"{paper}\" stroke-width=\"{}\" stroke-opacity=\"{opacity}\"", Short(rim));
    }
    *out += ">\n";
    let radius = Short(radius + rim / 2.0);
    for i in points.order() {
        let [x, y] = points.area.place(points.positions[i]).map(Short);
        let color = points.tint.of(i);
        let _ = writeln!(out, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{color}\"/>");
    }
    *out += "</g>\n";
}

fn push_picture(out: &mut String, points: &Points<'_>, look: &Look) -> io::Result<()> {
    let [x, y] = points.area.corner.map(Short);
    let [width, height] = points.area.size.map(Short);
    let png = png_of_points(points, look)?;
    let _ = write!(
        out,
        "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" xlink:href=\"data:image/png;base64,"
    );
    STANDARD.encode_string(png, out);
    *out += "\"/>\n";
    Ok(())
}

fn push(out: &mut String, item: &Item) {
    let _ = match item {
        Item::Text { start, height, text, color } => {
            let ([x, y], size) = (start.map(Short), Short(sized(*height).em()));
            writeln!(
                out,
                "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{color}\" xml:space=\"preserve\">{}</text>",
                Escaped(text)
            )
        }
        Item::Disc { center, radius, color } => {
            let ([x, y], r) = (center.map(Short), Short(*radius));
            writeln!(out, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" fill=\"{color}\"/>")
        }
        Item::Rectangle { corner, size, color } => push_rectangle(out, *corner, *size, color),
        Item::Ramp { corner, size, ramp } => {
            push_gradient(out, ramp);
            push_rectangle(out, *corner, *size, &"url(#ramp)")
        }
    };
}

fn push_rectangle(
    out: &mut String,
    corner: [f64; 2],
    size: [f64; 2],
    fill: &dyn fmt::Display,
) -> fmt::Result {
    let ([x, y], [width, height]) = (corner.map(Short), size.map(Short));
    writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"/>")
}

/// The colors of a page's ramp, of which there is one, from below.
fn push_gradient(out: &mut String, ramp: &Ramp) {
    const STOPS: u32 = 32;
    *out += "<linearGradient id=\"ramp\" x1=\"0\" y1=\"1\" x2=\"0\" y2=\"0\">";
    for stop in 0..=STOPS {
        let share = f64::from(stop) / f64::from(STOPS);
        let color: Color = ramp.at(share);
        let _ = write!(out, "<stop offset=\"{share}\" stop-color=\"{color}\"/>");
    }
    *out += "</linearGradient>\n";
}

/// A number with at most two decimals.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Adding zero turns a negative one into a positive one.
        write!(f, "{}", (self.0 * 100.0).round() / 100.0 + 0.0)
    }
}

/// Text in XML: what has a meaning there is spelled out, and what may not stand there is replaced.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\t' | '\n' | '\r' => f.write_char(' ')?,
                // XML 1.0 has no other control characters, nor these two.
                '\0'..'\u{20}' | '\u{7f}'..'\u{a0}' | '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
