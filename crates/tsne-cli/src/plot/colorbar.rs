//! The key to colors that stand for numbers: a bar with ticks at round numbers.

use super::legend::Room;
use super::page::{Block, Item};
use super::palette::{Background, Ramp};
use super::text::Text;

/// About as many intervals are marked.
const INTERVALS: f64 = 5.0;

/// What a color bar is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers<'a> {
    pub(crate) name: &'a str,
    /// Least and greatest number; `None` if there is none.
    pub(crate) range: Option<(f64, f64)>,
    /// Whether points without a number are drawn.
    pub(crate) has_missing: bool,
}

impl Numbers<'_> {
    /// Lays out the name, the bar with its ticks, and what stands for no number.
    #[allow(clippy::cast_possible_truncation, reason = "a height in pixels")]
    pub(crate) fn bar(&self, room: Room, ramp: &Ramp, background: Background) -> Block {
        let unit = room.unit;
        let line_height = 38.0 * unit;
        let text = Text::of_height(27.0 * unit as f32);
        let half_capital = text.capital_height() / 2.0;
        let width = (28.0 * unit).round();
        let mut block = Block::default();
        let title = text.fitted(self.name, room.size[0]);
        block.write([0.0, line_height / 2.0 + half_capital], &text, title, background.muted());
        // Half a line above and below, so that the outermost numbers have room.
        let mut top = (1.5 * line_height).round();
        if let Some((low, high)) = self.range {
            let height = (0.6 * room.size[1]).min(480.0 * unit).max(4.0 * line_height).round();
            let share = |x: f64| {
                let half = high / 2.0 - low / 2.0;
                if half > 0.0 { (x / 2.0 - low / 2.0) / half } else { 0.5 }
            };
            block.add(Item::Ramp { corner: [0.0, top], size: [width, height], ramp: ramp.clone() });
            for (number, label) in ticks(low, high) {
                let y = top + height * (1.0 - share(number));
                let size = [8.0 * unit, unit.max(1.0).round()];
                block.add(Item::Rectangle {
                    corner: [width + 2.0 * unit, y - size[1] / 2.0],
                    size,
                    color: background.muted(),
                });
                let label = text.fitted(&label, (room.size[0] - width - 18.0 * unit).max(line_height));
                block.write([width + 18.0 * unit, y + half_capital], &text, label, background.ink());
            }
            top += height + line_height;
        }
        if self.has_missing {
            let middle = top + line_height / 2.0;
            let radius = 0.24 * line_height;
            let center = [width / 2.0, middle];
            block.add(Item::Disc { center, radius, color: background.missing() });
            let start = [width + 18.0 * unit, middle + half_capital];
            block.write(start, &text, "no value".to_owned(), background.ink());
        }
        block
    }
}

/// Round numbers between two, both included if they are round, and their texts.
#[allow(clippy::cast_possible_truncation, reason = "exponents are below 400")]
fn ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let span = high / INTERVALS - low / INTERVALS;
    let largest = low.abs().max(high.abs());
    // A span that is lost in the digits of its ends has one text.
    if span <= 1e-12 * largest {
        return vec![(low, text(low, 6, largest))];
    }
    let exponent = span.log10().floor() as i32;
    let power = 10_f64.powi(exponent);
    let step =
        power * [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= span).unwrap_or(10.0);
    let decimals = -(step.log10() + 1e-9).floor() as i32;
    let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    #[allow(clippy::cast_precision_loss, reason = "some five numbers around the quotient")]
    (first..=last)
        .map(|i| {
            let number = i as f64 * step;
            (number, text(number, decimals, largest))
        })
        .collect()
}

/// A number with so many decimals, or by its power of ten where the largest of its kind is far from 1.
#[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "few digits")]
fn text(number: f64, decimals: i32, largest: f64) -> String {
    if (1e-3..1e6).contains(&largest) || largest == 0.0 {
        let text = format!("{:.*}", decimals.max(0) as usize, number);
        let text = if text.contains('.') && decimals > 5 {
            text.trim_end_matches('0').trim_end_matches('.')
        } else {
            &text
        };
        return text.replace('-', "−");
    }
    if number == 0.0 {
        return "0".to_owned();
    }
    let power = number.abs().log10().floor() as i32;
    let text = format!("{:.*e}", (power + decimals).clamp(0, 6) as usize, number);
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(low: f64, high: f64) -> Vec<String> {
        ticks(low, high).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_and_within_the_range() {
        assert_eq!(texts(0.0, 1.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"], "unit interval");
        assert_eq!(texts(-3.0, 12.5), ["0", "5", "10"], "around zero");
        assert_eq!(texts(0.0017, 0.0023), ["0.0018", "0.0020", "0.0022"], "small");
        assert_eq!(texts(0.0, 3e7), ["0", "1e7", "2e7", "3e7"], "large");
        assert_eq!(texts(-2.5e-9, 2.5e-9), ["−2e−9", "−1e−9", "0", "1e−9", "2e−9"], "tiny");
        assert_eq!(texts(7.25, 7.25), ["7.25"], "one number");
        assert_eq!(texts(0.0, 0.0), ["0"], "nothing");
        for (low, high) in [(-1.7e308, 1.7e308), (5e-324, 1e-320), (1e15, 1e15 + 1.0), (-1e300, 1e-300)] {
            let ticks = ticks(low, high);
            assert!(!ticks.is_empty() && ticks.len() < 15, "{low} to {high}: {ticks:?}");
        }
    }
}
