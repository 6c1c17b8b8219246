//! Draws maps: a scene is laid out on a page, and the page becomes PNG or SVG; with the viewer around it, HTML.

mod area;
mod color;
mod colorbar;
mod column;
mod density;
mod html;
mod legend;
mod page;
mod palette;
mod points;
mod raster;
mod scene;
mod svg;
mod text;

use std::io::{self, Write};

pub(crate) use column::Column;
pub(crate) use html::{element, generator};
use page::{Item, Page, USUAL_DPI, sized};
pub(crate) use palette::{Background, Palette};
#[cfg(test)]
use points::MOST_DISCS;
use points::Points;
pub(crate) use points::lanes;
use raster::Canvas;
pub(crate) use scene::{Coloring, Scene, Snapshot};

/// How a picture looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Look {
    /// Width of the whole picture in pixels; that of the points is the usual one if `None`.
    pub(crate) width: Option<usize>,
    /// Pixels per inch, to which letters and lines are scaled.
    pub(crate) dpi: f64,
    pub(crate) palette: Palette,
    pub(crate) background: Background,
}

impl Default for Look {
    fn default() -> Self {
        let (palette, background) = (Palette::default(), Background::default());
        Self { width: None, dpi: USUAL_DPI, palette, background }
    }
}

/// Writes a scene as PNG.
pub(crate) fn write_png(scene: &Scene<'_>, look: &Look, sink: impl Write) -> io::Result<()> {
    let texts = [("Title", scene.title.as_str()), ("Description", &scene.caption), ("Software", "tsne")];
    painted(&Page::new(scene, look), look).write_png(sink, look.dpi, &texts)
}

/// Writes a scene as SVG.
pub(crate) fn write_svg(scene: &Scene<'_>, look: &Look, sink: impl Write) -> io::Result<()> {
    svg::write(&Page::new(scene, look), look, &scene.title, &scene.caption, sink)
}

/// Writes a scene as an HTML file, in which the picture is the one of [`write_png`].
pub(crate) fn write_html(scene: &Scene<'_>, look: &Look, sink: impl Write) -> io::Result<()> {
    let mut picture = Vec::new();
    write_png(scene, look, &mut picture)?;
    html::write(scene, look, &picture, sink)
}

/// A page as pixels.
fn painted(page: &Page<'_>, look: &Look) -> Canvas {
    let mut canvas = Canvas::new(page.size[0], page.size[1], look.background.paper());
    page.frame.iter().for_each(|item| paint(&mut canvas, item));
    page.points.draw(&mut canvas);
    page.items.iter().for_each(|item| paint(&mut canvas, item));
    canvas
}

fn paint(canvas: &mut Canvas, item: &Item) {
    match item {
        Item::Text { start, height, text, color } => sized(*height).draw(canvas, *start, text, *color),
        Item::Disc { center, radius, color } => canvas.disc(*center, *radius, *color, 1.0),
        Item::Rectangle { corner, size, color } => canvas.rectangle(*corner, *size, *color),
        Item::Ramp { corner, size, ramp } => {
            let height = size[1].round().max(1.0);
            let mut from_top = 0.0;
            while from_top < height {
                let color = ramp.at(1.0 - (from_top + 0.5) / height);
                canvas.rectangle([corner[0], corner[1] + from_top], [size[0], 1.0], color);
                from_top += 1.0;
            }
        }
    }
}

/// The points alone as a PNG, to be laid where the area is.
fn png_of_points(points: &Points<'_>, look: &Look) -> io::Result<Vec<u8>> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole pixels")]
    let [width, height] = points.area.size.map(|side| side as usize);
    let mut canvas = Canvas::new(width, height, look.background.paper());
    points.at_origin().draw(&mut canvas);
    let mut png = Vec::new();
    canvas.write_png(&mut png, look.dpi, &[])?;
    Ok(png)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene<'a>(positions: &'a [[f64; 2]], colorings: Vec<Coloring<'a>>) -> Scene<'a> {
        let (title, caption) = (String::new(), String::new());
        Scene { positions, colorings, ids: None, title, caption, facts: Vec::new(), snapshots: Vec::new() }
    }

    fn canvas(scene: &Scene<'_>, look: &Look) -> Canvas {
        painted(&Page::new(scene, look), look)
    }

    /// Whether something was drawn in the rectangle: something darker than the frame.
    fn has_ink(canvas: &Canvas, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) -> bool {
        let [width, height] = canvas.size();
        let is_dark = |x, y| canvas.pixel(x, y).iter().any(|&channel| channel < 200.0);
        (columns.start..columns.end.min(width))
            .any(|x| (rows.start..rows.end.min(height)).any(|y| is_dark(x, y)))
    }

    #[allow(clippy::cast_precision_loss, reason = "few")]
    fn circles(n: usize) -> Vec<[f64; 2]> {
        (0..n).map(|i| [(i as f64).sin(), (i as f64 * 0.7).cos()]).collect()
    }

    #[test]
    fn any_number_of_points_leaves_ink_and_nothing_is_drawn_outside() {
        for n in [1, 2, 10, 1000, MOST_DISCS, MOST_DISCS + 1, 1_000_000] {
            let positions = circles(n);
            let canvas = canvas(&scene(&positions, Vec::new()), &Look::default());
            assert!(has_ink(&canvas, 60..1300, 60..1300), "{n} points can be seen");
            assert!(!has_ink(&canvas, 0..47, 0..1300), "{n} points stay within the frame");
        }
        let one_place = canvas(&scene(&[[3.0, 3.0]; 5], Vec::new()), &Look::default());
        assert!(has_ink(&one_place, 680..696, 680..696), "equal points lie in the middle");
        canvas(&scene(&[], Vec::new()), &Look::default());
    }

    /// A point far from a crowd of a million.
    #[test]
    fn a_lone_point_is_seen_beside_a_million() {
        let mut positions = vec![[0.0, 0.0]; 1_000_000];
        positions.push([100.0, 50.0]);
        for background in [Background::White, Background::Dark] {
            let look = Look { background, ..Look::default() };
            let page = Page::new(&scene(&positions, Vec::new()), &look);
            let canvas = painted(&page, &look);
            let paper = background.paper().0.map(f32::from);
            for position in [[0.0, 0.0], [100.0, 50.0]] {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a pixel")]
                let [x, y] = page.points.area.place(position).map(|c| c as usize);
                let apart =
                    canvas.pixel(x, y).iter().zip(paper).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(apart > 25.0, "{position:?} is {apart} levels from {background:?}");
            }
        }
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter() {
        for n in [3000, MOST_DISCS + 5000] {
            let positions = circles(n);
            let codes: Vec<u32> = (0..n).map(|i| [0, 1, 2, 1][i % 4]).collect();
            let values: Vec<f64> =
                (0..n).map(|i| if i % 7 == 0 { f64::NAN } else { (i % 100) as f64 }).collect();
            // The last row first; so classes appear in another order too.
            let order: Vec<usize> = (0..n).map(|i| (i * 7 + n - 1) % n).collect();
            assert_eq!(order.iter().copied().collect::<std::collections::BTreeSet<_>>().len(), n, "all rows");
            let texts = ["a", "b", "c"].map(str::to_owned);
            let other_texts = ["c", "a", "b"].map(str::to_owned);
            let other_positions: Vec<[f64; 2]> = order.iter().map(|&i| positions[i]).collect();
            let other_codes: Vec<u32> = order.iter().map(|&i| [1, 2, 0][codes[i] as usize]).collect();
            let other_values: Vec<f64> = order.iter().map(|&i| values[i]).collect();
            let name = "name";
            let pairs = [
                (
                    Coloring::Classes { name, codes: &codes, texts: &texts },
                    Coloring::Classes { name, codes: &other_codes, texts: &other_texts },
                ),
                (
                    Coloring::Values { name, values: &values },
                    Coloring::Values { name, values: &other_values },
                ),
            ];
            for (coloring, other) in pairs {
                let written = |scene: &Scene<'_>| {
                    let (mut png, mut svg) = (Vec::new(), Vec::new());
                    write_png(scene, &Look::default(), &mut png).expect("memory takes all");
                    write_svg(scene, &Look::default(), &mut svg).expect("memory takes all");
                    (png, svg)
                };
                let same = written(&scene(&positions, vec![coloring]))
                    == written(&scene(&other_positions, vec![other]));
                assert!(same, "the same bytes of {n} points in another order");
            }
        }
    }

    #[test]
    fn lanes_keep_classes_apart_whatever_the_order() {
        let texts = ["b", "a"].map(str::to_owned);
        let coloring = Coloring::Classes { name: "l", codes: &[0, 1, 0, 1], texts: &texts };
        let y = lanes(&[0.0, 1.0, 2.0, 3.0], Some(&coloring));
        assert!(y[1][1].min(y[3][1]) > y[0][1].max(y[2][1]), "class a lies above class b: {y:?}");
        let coloring = Coloring::Classes { name: "l", codes: &[1, 0, 1, 0], texts: &texts };
        let mut turned = lanes(&[3.0, 2.0, 1.0, 0.0], Some(&coloring));
        turned.reverse();
        assert_eq!(turned, y, "the last row first");
    }

    #[test]
    fn a_width_is_kept_whatever_the_legend() {
        let positions = circles(50);
        let texts: Vec<String> = (0..50).map(|i| format!("a rather long name of class number {i}")).collect();
        let codes: Vec<u32> = (0..50).collect();
        let values: Vec<f64> = (0..50).map(f64::from).collect();
        for width in [64, 300, 1600] {
            for dpi in [20.0, 200.0, 600.0] {
                for coloring in [
                    None,
                    Some(Coloring::Classes { name: "kind", codes: &codes, texts: &texts }),
                    Some(Coloring::Values { name: "age", values: &values }),
                ] {
                    let mut scene = scene(&positions, coloring.into_iter().collect());
                    scene.title = "a heading".to_owned();
                    let canvas = canvas(&scene, &Look { width: Some(width), dpi, ..Look::default() });
                    let [w, h] = canvas.size();
                    assert_eq!(w, width, "at {dpi} dots per inch");
                    assert!(h > width / 4 && h < 40 * width, "{w} x {h} at {dpi}");
                    assert!(has_ink(&canvas, 0..w, 0..h), "{w} x {h} at {dpi} shows something");
                }
            }
        }
    }
}
