//! The legend: which classes there are, in what order and color, and where their names stand.

use std::cmp::Ordering;

use tsne_io::Labels;

use super::palette::class_color;
use super::raster::{Canvas, Color};
use super::text::Text;

/// Widest name, in pixels; longer ones are cut.
const MAX_NAME_WIDTH: f64 = 320.0;
/// Most columns of names; classes beyond them are counted in a last line.
const MAX_COLUMNS: usize = 3;
/// Radius of the disc before a name.
const RADIUS: f64 = 9.0;
/// From the left edge of an entry to its name.
const INDENT: f64 = 34.0;
/// Between columns.
const GAP: f64 = 28.0;

const TITLE_COLOR: Color = Color::gray(0x70);
const NAME_COLOR: Color = Color::gray(0x20);

/// Classes in the order in which a reader looks for them: numbers by value, then other texts by letter, the numbers
/// within them by value too.
///
/// Returns, for each class of `labels`, its rank.
pub(crate) fn ranks(labels: &Labels) -> Vec<usize> {
    let mut order: Vec<usize> = (0..labels.classes().len()).collect();
    order.sort_by(|&a, &b| compare(&labels.classes()[a], &labels.classes()[b]));
    let mut ranks = vec![0; order.len()];
    for (rank, &class) in order.iter().enumerate() {
        ranks[class] = rank;
    }
    ranks
}

fn compare(a: &str, b: &str) -> Ordering {
    match (a.trim().parse::<f64>(), b.trim().parse::<f64>()) {
        (Ok(x), Ok(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => pieces(a).cmp(pieces(b)).then_with(|| a.cmp(b)),
    }
}

/// A text as letters in lower case and whole numbers: "type 10" comes after "type 9". Numbers too long for a `u64`
/// are all alike here.
fn pieces(text: &str) -> impl Iterator<Item = (Option<u64>, Option<char>)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let n_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if n_digits > 0 {
            let (digits, after) = rest.split_at(n_digits);
            rest = after;
            return Some((Some(digits.parse().unwrap_or(u64::MAX)), None));
        }
        let letter = rest.chars().next()?;
        rest = &rest[letter.len_utf8()..];
        Some((None, letter.to_lowercase().next()))
    })
}

/// A legend laid out in columns.
pub(crate) struct Legend {
    text: Text,
    title: String,
    entries: Vec<(String, Color)>,
    per_column: usize,
    column_widths: Vec<f64>,
    line_height: f64,
}

impl Legend {
    /// Lays out the classes of `labels` within `height`.
    pub(crate) fn new(labels: &Labels, ranks: &[usize], height: f64) -> Self {
        let n_classes = ranks.len();
        let (size, line_height) = if n_classes <= 20 { (27.0, 38.0) } else { (20.0, 27.0) };
        let text = Text::of_height(size);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number of lines")]
        let per_column = ((height / line_height) as usize).saturating_sub(1).max(2);
        let mut entries = vec![(String::new(), Color::WHITE); n_classes];
        for (class, &rank) in ranks.iter().enumerate() {
            let name = labels.classes()[class].trim();
            let name = if name.is_empty() { "(empty)" } else { name };
            entries[rank] = (text.fitted(name, MAX_NAME_WIDTH), class_color(rank, n_classes));
        }
        let room = MAX_COLUMNS * per_column;
        if n_classes > room {
            entries.truncate(room - 1);
            entries.push((format!("and {} more", n_classes - entries.len()), Color::WHITE));
        }
        let column_widths: Vec<f64> = entries
            .chunks(per_column)
            .map(|column| INDENT + column.iter().map(|(name, _)| text.width(name)).fold(0.0, f64::max))
            .collect();
        let title = text.fitted(labels.name(), MAX_NAME_WIDTH);
        Self { text, title, entries, per_column, column_widths, line_height }
    }

    /// Width in pixels.
    #[allow(clippy::cast_precision_loss, reason = "columns are few")]
    pub(crate) fn width(&self) -> f64 {
        let columns = self.column_widths.iter().sum::<f64>() + GAP * (self.column_widths.len() - 1) as f64;
        columns.max(self.text.width(&self.title))
    }

    /// Height in pixels.
    #[allow(clippy::cast_precision_loss, reason = "lines are few")]
    pub(crate) fn height(&self) -> f64 {
        self.line_height * (self.entries.len().min(self.per_column) + 1) as f64
    }

    /// Draws the legend with its upper left corner at `corner`.
    #[allow(clippy::cast_precision_loss, reason = "lines are few")]
    pub(crate) fn draw(&self, canvas: &mut Canvas, corner: [f64; 2]) {
        let [mut x, y] = corner;
        let half_capital = self.text.capital_height() / 2.0;
        let middle_of = |line: usize| y + self.line_height * (line as f64 + 0.5);
        self.text.draw(canvas, [x, middle_of(0) + half_capital], &self.title, TITLE_COLOR);
        for (column, width) in self.entries.chunks(self.per_column).zip(&self.column_widths) {
            for (i, (name, color)) in column.iter().enumerate() {
                let middle = middle_of(i + 1);
                canvas.disc([x + RADIUS, middle], RADIUS, *color, 1.0);
                self.text.draw(canvas, [x + INDENT, middle + half_capital], name, NAME_COLOR);
            }
            x += width + GAP;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_sorted_by_value_and_come_first() {
        let labels = Labels::from_texts("l", ["10", "type 10", "9", "-1", "Type 9", "a", "1e1"]);
        let ranks = ranks(&labels);
        let mut sorted: Vec<(usize, &str)> =
            ranks.iter().copied().zip(labels.classes().iter().map(String::as_str)).collect();
        sorted.sort_unstable();
        let names: Vec<&str> = sorted.into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["-1", "9", "10", "1e1", "a", "Type 9", "type 10"], "order of the legend");
    }

    #[test]
    fn hundreds_of_classes_are_cut_with_a_count() {
        let labels = Labels::from_texts("l", (0..500).map(|i| i.to_string()));
        let legend = Legend::new(&labels, &ranks(&labels), 1280.0);
        assert!(legend.entries.len() < 150, "the legend stays on the page");
        let last = &legend.entries.last().expect("entries").0;
        assert_eq!(*last, format!("and {} more", 501 - legend.entries.len()), "the rest is counted");
    }
}
