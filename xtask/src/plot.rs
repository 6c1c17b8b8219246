//! Plots as SVG: lines over two axes, and stacked bars. Equal data give equal text.

use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
/// Room for titles, labels and the legend.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 55.0;
/// Okabe and Ito, who chose them to be told apart by everybody.
const COLORS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555"];

/// How a number becomes a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    Linear,
    Log,
}

/// Lines with points on them.
#[derive(Clone, Debug)]
pub(crate) struct Lines<'a> {
    pub(crate) title: &'a str,
    /// Name and scale of the axes.
    pub(crate) x: (&'a str, Scale),
    pub(crate) y: (&'a str, Scale),
    pub(crate) series: Vec<(String, Vec<(f64, f64)>)>,
}

/// Bars beside each other, each of parts on top of each other.
#[derive(Clone, Debug)]
pub(crate) struct Bars<'a> {
    pub(crate) title: &'a str,
    pub(crate) y: &'a str,
    pub(crate) bars: Vec<String>,
    /// A part has a value for every bar.
    pub(crate) parts: Vec<(String, Vec<f64>)>,
}

/// One axis: a range, and where its marks are.
struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    marks: Vec<f64>,
}

impl Axis {
    /// Around some values; a linear axis begins at 0 where `from_zero`.
    fn around(scale: Scale, values: impl Iterator<Item = f64>, from_zero: bool) -> Self {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        match scale {
            Scale::Log => {
                let (first, last) = (low.log10().floor(), high.log10().ceil());
                #[allow(clippy::cast_possible_truncation, reason = "powers of ten within f64")]
                let marks = (first as i32..=last as i32).map(|power| 10_f64.powi(power)).collect();
                Self { scale, low: 10_f64.powf(first), high: 10_f64.powf(last), marks }
            }
            Scale::Linear => {
                let low = if from_zero { 0.0 } else { low };
                let step = nice_step((high - low) / 5.0);
                let (first, last) = ((low / step).floor(), (high / step).ceil());
                #[allow(clippy::cast_possible_truncation, reason = "half a dozen marks")]
                let marks: Vec<f64> = (first as i64..=last as i64).map(|i| i as f64 * step).collect();
                Self { scale, low: first * step, high: last * step, marks }
            }
        }
    }

    /// Share of the axis that lies below a value.
    fn share(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log => (value / self.low).ln() / (self.high / self.low).ln(),
        }
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + self.share(value) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.share(value) * (HEIGHT - TOP - BOTTOM)
    }
}

/// 1, 2 or 5 times a power of ten, at least `step`.
fn nice_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.max(f64::MIN_POSITIVE).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|nice| *nice >= step).unwrap_or(step)
}

impl Lines<'_> {
    pub(crate) fn to_svg(&self) -> String {
        let points = || self.series.iter().flat_map(|(_, points)| points);
        let x = Axis::around(self.x.1, points().map(|p| p.0), true);
        let y = Axis::around(self.y.1, points().map(|p| p.1), false);
        let mut svg = frame(self.title, self.y.0, &y);
        for &mark in &x.marks {
            let at = x.x(mark);
            line(&mut svg, (at, TOP), (at, HEIGHT - BOTTOM));
            text(&mut svg, at, HEIGHT - BOTTOM + 18.0, "middle", &number(mark));
        }
        text(&mut svg, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 12.0, "middle", self.x.0);
        for (i, (label, points)) in self.series.iter().enumerate() {
            let color = COLORS[i % COLORS.len()];
            let places: Vec<(f64, f64)> = points.iter().map(|p| (x.x(p.0), y.y(p.1))).collect();
            let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let path = path.join(" ");
            writeln!(svg, r#"<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>"#)
                .expect(ALL);
            // Many points are a curve; a few are measurements to be seen.
            if places.len() <= 12 {
                for (x, y) in places {
                    writeln!(svg, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{color}"/>"#).expect(ALL);
                }
            }
            legend(&mut svg, i, color, label);
        }
        svg + "</svg>\n"
    }
}

impl Bars<'_> {
    pub(crate) fn to_svg(&self) -> String {
        let height = |bar: usize| self.parts.iter().map(|(_, values)| values[bar]).sum::<f64>();
        let y = Axis::around(Scale::Linear, (0..self.bars.len()).map(height), true);
        let mut svg = frame(self.title, self.y, &y);
        let slot = (WIDTH - LEFT - RIGHT) / self.bars.len() as f64;
        for (bar, name) in self.bars.iter().enumerate() {
            let (left, mut below) = (LEFT + slot * (bar as f64 + 0.2), 0.0);
            for (i, (_, values)) in self.parts.iter().enumerate() {
                let (top, bottom) = (y.y(below + values[bar]), y.y(below));
                let (width, height, color) = (slot * 0.6, bottom - top, COLORS[i % COLORS.len()]);
                writeln!(
                    svg,
                    r#"<rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" fill="{color}"/>"#
                )
                .expect(ALL);
                below += values[bar];
            }
            text(&mut svg, LEFT + slot * (bar as f64 + 0.5), HEIGHT - BOTTOM + 18.0, "middle", name);
        }
        for (i, (label, _)) in self.parts.iter().enumerate() {
            legend(&mut svg, i, COLORS[i % COLORS.len()], label);
        }
        svg + "</svg>\n"
    }
}

const ALL: &str = "a string takes all";

/// The beginning of a plot: background, title, and the vertical axis.
fn frame(title: &str, label: &str, y: &Axis) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    text(&mut svg, LEFT, 22.0, "start", title);
    for &mark in &y.marks {
        let at = y.y(mark);
        line(&mut svg, (LEFT, at), (WIDTH - RIGHT, at));
        text(&mut svg, LEFT - 8.0, at + 4.0, "end", &number(mark));
    }
    let middle = (TOP + HEIGHT - BOTTOM) / 2.0;
    writeln!(
        svg,
        r##"<text x="18" y="{middle}" text-anchor="middle" fill="#222" transform="rotate(-90 18 {middle})">{}</text>"##,
        escaped(label)
    )
    .expect(ALL);
    svg
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64)) {
    let ((x1, y1), (x2, y2)) = (from, to);
    writeln!(svg, r##"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="#ddd"/>"##)
        .expect(ALL);
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let text = escaped(text);
    writeln!(svg, r##"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" fill="#222">{text}</text>"##)
        .expect(ALL);
}

fn legend(svg: &mut String, i: usize, color: &str, label: &str) {
    let (x, y) = (WIDTH - RIGHT + 16.0, TOP + 10.0 + 20.0 * i as f64);
    writeln!(svg, r#"<rect x="{x:.1}" y="{:.1}" width="12" height="12" fill="{color}"/>"#, y - 10.0)
        .expect(ALL);
    text(svg, x + 18.0, y, "start", label);
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// A mark of an axis.
fn number(value: f64) -> String {
    if value >= 1000.0 && value.fract() == 0.0 {
        return if value % 1e6 == 0.0 { format!("{} M", value / 1e6) } else { format!("{} k", value / 1e3) };
    }
    // Marks are round numbers; what is left of them beyond ten digits is rounding.
    format!("{}", (value * 1e10).round() / 1e10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_hold_their_values_between_round_marks() {
        let axis = Axis::around(Scale::Linear, [3.0, 87.0].into_iter(), true);
        assert_eq!(axis.marks, [0.0, 20.0, 40.0, 60.0, 80.0, 100.0], "marks");
        assert_eq!((axis.share(0.0), axis.share(50.0), axis.share(100.0)), (0.0, 0.5, 1.0), "places");
        let axis = Axis::around(Scale::Log, [0.02, 700.0].into_iter(), true);
        assert_eq!((axis.marks.len(), axis.low, axis.high), (6, 0.01, 1000.0), "powers of ten");
        assert!((axis.share(10.0) - 0.6).abs() < 1e-12, "the fourth of six");
    }

    #[test]
    fn every_line_and_part_is_drawn_and_named() {
        let series = vec![("ours & theirs".to_owned(), vec![(150.0, 0.1), (1797.0, 0.5)])];
        let lines = Lines { title: "time", x: ("points", Scale::Log), y: ("seconds", Scale::Log), series };
        let svg = lines.to_svg();
        assert_eq!(svg.matches("<circle").count(), 2, "two points");
        assert!(svg.contains("ours &amp; theirs") && svg.ends_with("</svg>\n"), "{svg}");
        let bars = Bars {
            title: "phases",
            y: "seconds",
            bars: vec!["a".to_owned(), "b".to_owned()],
            parts: vec![("one".to_owned(), vec![1.0, 2.0]), ("two".to_owned(), vec![3.0, 4.0])],
        };
        // The background, four parts, two of the legend.
        assert_eq!(bars.to_svg().matches("<rect").count(), 7, "all parts");
    }

    #[test]
    fn marks_are_short() {
        for (value, expected) in
            [(0.1, "0.1"), (0.30000000000000004, "0.3"), (20_000.0, "20 k"), (1e6, "1 M")]
        {
            assert_eq!(number(value), expected, "{value}");
        }
    }
}
