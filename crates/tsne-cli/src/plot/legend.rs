//! The legend: which classes there are, in what order and color, and where their names stand.

use std::cmp::{Ordering, Reverse};

use super::color::Color;
use super::page::{Block, Item};
use super::palette::{Background, Palette};
use super::text::Text;

/// Widest name, in units; longer ones are cut.
const MAX_NAME_WIDTH: f64 = 340.0;
/// Most columns of names; classes beyond them are counted in a last line.
const MAX_COLUMNS: usize = 3;
/// Between columns.
const GAP: f64 = 28.0;

/// Classes in the order in which a reader looks for them: numbers by value, then other texts by letter, the numbers
/// within them by value too.
///
/// Returns, for each class, its rank.
pub(crate) fn ranks(texts: &[String]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by(|&a, &b| compare(&texts[a], &texts[b]));
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

/// What a legend is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Classes<'a> {
    pub(crate) name: &'a str,
    pub(crate) codes: &'a [u32],
    pub(crate) texts: &'a [String],
}

/// Room for a legend, and what a usual line is wide in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) size: [f64; 2],
    pub(crate) unit: f64,
}

impl Classes<'_> {
    /// Lays out the classes in columns. Where there are more than fit, those of the fewest points are left out and counted.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "lines are few"
    )]
    pub(crate) fn legend(&self, room: Room, palette: Palette, background: Background) -> Block {
        let n_classes = self.texts.len();
        let unit = room.unit;
        let line_height = unit
            * if n_classes <= 20 {
                38.0
            } else if n_classes <= 60 {
                29.0
            } else {
                24.0
            };
        let text = Text::of_height((0.71 * line_height) as f32);
        let radius = 0.24 * line_height;
        let indent = 0.9 * line_height;
        let n_lines = ((room.size[1] / line_height) as usize).saturating_sub(1).max(2);
        let name_width = |columns: usize| {
            let width = (room.size[0] - GAP * unit * (columns - 1) as f64) / columns as f64 - indent;
            width.min(MAX_NAME_WIDTH * unit)
        };
        // Names of a dozen letters tell classes apart.
        let most_columns = (1..=MAX_COLUMNS).rev().find(|&n| name_width(n) >= 5.0 * line_height).unwrap_or(1);
        let n_columns = n_classes.div_ceil(n_lines).clamp(1, most_columns);
        let shown = self.shown(n_columns * n_lines);
        let n_left_out = n_classes - shown.len();
        let colors = palette.classes(n_classes, background);
        let mut entries: Vec<(String, Option<Color>)> = shown
            .into_iter()
            .map(|(rank, class)| {
                let name = self.texts[class].trim();
                let name = if name.is_empty() { "(empty)" } else { name };
                (text.fitted(name, name_width(n_columns)), Some(colors[rank]))
            })
            .collect();
        if n_left_out > 0 {
            entries.push((format!("and {n_left_out} more"), None));
        }

        let mut block = Block::default();
        let half_capital = text.capital_height() / 2.0;
        let middle_of = |line: usize| line_height * (line as f64 + 0.5);
        let title = text.fitted(self.name, room.size[0].min(2.0 * MAX_NAME_WIDTH * unit));
        block.write([0.0, middle_of(0) + half_capital], &text, title, background.muted());
        let per_column = entries.len().div_ceil(n_columns).max(1);
        let mut left = 0.0;
        for column in entries.chunks(per_column) {
            for (i, (name, color)) in column.iter().enumerate() {
                let middle = middle_of(i + 1);
                if let Some(color) = *color {
                    block.add(Item::Disc { center: [left + radius, middle], radius, color });
                }
                let ink = if color.is_some() { background.ink() } else { background.muted() };
                block.write([left + indent, middle + half_capital], &text, name.clone(), ink);
            }
            left = block.size()[0] + GAP * unit;
        }
        block
    }

    /// Rank and number of the classes that are shown in `n_entries` lines, in the order of their ranks.
    fn shown(&self, n_entries: usize) -> Vec<(usize, usize)> {
        let mut classes: Vec<(usize, usize)> =
            ranks(self.texts).into_iter().enumerate().map(|(class, rank)| (rank, class)).collect();
        if classes.len() > n_entries {
            let mut counts = vec![0_usize; self.texts.len()];
            self.codes.iter().for_each(|&code| counts[code as usize] += 1);
            classes.sort_by_key(|&(rank, class)| (Reverse(counts[class]), rank));
            classes.truncate(n_entries - 1);
        }
        classes.sort_unstable();
        classes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<S: ToString>(texts: impl IntoIterator<Item = S>) -> Vec<String> {
        texts.into_iter().map(|text| text.to_string()).collect()
    }

    #[test]
    fn numbers_are_sorted_by_value_and_come_first() {
        let texts = texts(["10", "type 10", "9", "-1", "Type 9", "a", "1e1"]);
        let mut sorted: Vec<(usize, &str)> =
            ranks(&texts).into_iter().zip(texts.iter().map(String::as_str)).collect();
        sorted.sort_unstable();
        let names: Vec<&str> = sorted.into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["-1", "9", "10", "1e1", "a", "Type 9", "type 10"], "order of the legend");
    }

    /// Texts of a legend of these classes in a room, top to bottom and left to right, without the heading.
    fn legend(classes: &Classes<'_>, size: [f64; 2]) -> (Vec<String>, Block) {
        let room = Room { size, unit: 1.0 };
        let block = classes.legend(room, Palette::Auto, Background::White);
        let texts = block.items().iter().filter_map(|item| match item {
            Item::Text { text, .. } => Some(text.clone()),
            _ => None,
        });
        (texts.skip(1).collect(), block)
    }

    #[test]
    fn hundreds_of_classes_are_cut_to_the_largest_with_a_count() {
        let texts = texts(0..500);
        // Class 499 has the most points, class 0 one.
        let codes: Vec<u32> = (0..500).flat_map(|class| (0..=class).map(move |_| class)).collect();
        let classes = Classes { name: "l", codes: &codes, texts: &texts };
        let (names, block) = legend(&classes, [900.0, 1280.0]);
        assert!(names.len() > 60 && names.len() < 180, "the legend stays on the page: {}", names.len());
        let n_shown = names.len() - 1;
        assert_eq!(names[n_shown], format!("and {} more", 500 - n_shown), "the rest is counted");
        assert_eq!(names[n_shown - 1], "499", "the largest is among them, at its place");
        assert!(!names.contains(&"0".to_owned()), "the smallest is not");
        assert!(block.size()[0] <= 900.0 && block.size()[1] <= 1280.0, "within its room: {:?}", block.size());
    }

    #[test]
    fn a_legend_has_a_line_for_each_class_and_keeps_to_a_narrow_room() {
        let texts = texts(["a label that is by far too long to be shown as a whole", "", "b"]);
        let classes = Classes { name: "l", codes: &[0, 1, 2], texts: &texts };
        let (names, block) = legend(&classes, [200.0, 600.0]);
        assert_eq!(names.len(), 3, "{names:?}");
        assert_eq!(names[..1], ["(empty)"], "no text is told, and sorted first");
        assert!(names[1].contains('…') && names[2] == "b", "{names:?}");
        assert!(block.size()[0] <= 200.0, "{:?}", block.size());
    }
}
