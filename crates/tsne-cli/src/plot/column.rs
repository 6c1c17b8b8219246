//! A column of texts as what points are colored by: classes, or numbers.

use std::borrow::Cow;

use tsne_io::Labels;

use super::scene::Coloring;

/// More different numbers than these are no classes: whole ones may number clusters, others hardly.
const MOST_CLASSES: usize = 50;
const MOST_WHOLE_CLASSES: usize = 200;

/// A column of the data that colors points.
#[derive(Clone, Debug)]
pub(crate) struct Column<'a> {
    labels: Cow<'a, Labels>,
    /// The texts as numbers, where they are to be taken as such.
    values: Option<Vec<f64>>,
}

impl<'a> Column<'a> {
    /// A column of classes, unless it has so many different numbers that they must be measurements.
    pub(crate) fn of_classes(labels: Cow<'a, Labels>) -> Self {
        let most = if labels.classes().iter().all(|text| text.trim().parse::<i64>().is_ok()) {
            MOST_WHOLE_CLASSES
        } else {
            MOST_CLASSES
        };
        let values = if labels.classes().len() > most { numbers(&labels) } else { None };
        Self { labels, values }
    }

    /// A column of numbers, if it has no other texts.
    pub(crate) fn of_numbers(labels: Cow<'a, Labels>) -> Self {
        let values = numbers(&labels);
        Self { labels, values }
    }

    pub(crate) fn coloring(&self) -> Coloring<'_> {
        let name = self.labels.name();
        match &self.values {
            Some(values) => Coloring::Values { name, values },
            None => Coloring::Classes { name, codes: self.labels.codes(), texts: self.labels.classes() },
        }
    }
}

/// The texts as numbers, NaN where there is none; `None` where a text is something else.
fn numbers(labels: &Labels) -> Option<Vec<f64>> {
    const NO_NUMBER: [&str; 5] = ["", "na", "n/a", "nan", "null"];
    let number = |text: &String| {
        let text = text.trim();
        if NO_NUMBER.iter().any(|none| none.eq_ignore_ascii_case(text)) {
            return Some(f64::NAN);
        }
        text.parse().ok()
    };
    let of_classes: Option<Vec<f64>> = labels.classes().iter().map(number).collect();
    let of_classes = of_classes.filter(|numbers| numbers.iter().any(|x| x.is_finite()))?;
    Some(labels.codes().iter().map(|&code| of_classes[code as usize]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels<S: ToString>(texts: impl IntoIterator<Item = S>) -> Cow<'static, Labels> {
        Cow::Owned(Labels::from_texts("l", texts.into_iter().map(|text| text.to_string())))
    }

    fn is_scale(column: &Column<'_>) -> bool {
        matches!(column.coloring(), Coloring::Values { .. })
    }

    #[test]
    fn many_different_numbers_are_a_scale() {
        let halves = |n: i32| labels((0..n).map(|i| f64::from(i) / 2.0));
        for (column, expected) in [
            (Column::of_classes(labels(0..10)), false),
            (Column::of_classes(labels(0..150)), false),
            (Column::of_classes(labels(0..300)), true),
            (Column::of_classes(halves(40)), false),
            (Column::of_classes(halves(60)), true),
            (Column::of_classes(labels((0..300).map(|i| format!("c{i}")))), false),
            (Column::of_numbers(labels(0..2)), true),
            (Column::of_numbers(labels(["1", "two"])), false),
            (Column::of_numbers(labels(["", "NA"])), false),
        ] {
            assert_eq!(is_scale(&column), expected, "{:?}", column.labels.classes());
        }
        let column = Column::of_numbers(labels(["1e3", "", "-2", "N/A"]));
        let Coloring::Values { values, .. } = column.coloring() else { panic!("numbers") };
        assert!(values[0] == 1000.0 && values[2] == -2.0, "{values:?}");
        assert!(values[1].is_nan() && values[3].is_nan(), "no number: {values:?}");
    }
}
