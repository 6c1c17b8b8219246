//! Values of flags: their names and how they are read.

use std::time::Duration;

use clap::ValueEnum;
use tsne::LearningRate;

/// How a matrix becomes symmetric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Symmetrize {
    Mean,
}

/// What is done about rows that lack a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MissingArg {
    Error,
    Drop,
    Mean,
}

/// What is done to the columns before anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scale {
    None,
    Standard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Precision {
    F32,
    F64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressKind {
    Auto,
    Plain,
    Json,
    None,
}

/// A number or none; a type of its own, since clap takes an `Option` for a flag that may be absent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bound(pub(crate) Option<f64>);

pub(crate) fn parse_bound(text: &str) -> Result<Bound, String> {
    match text {
        "none" => Ok(Bound(None)),
        number => number.parse().map(|x| Bound(Some(x))).map_err(|_| "expected a number or none".to_owned()),
    }
}

pub(crate) fn parse_learning_rate(text: &str) -> Result<LearningRate, String> {
    match text {
        "auto" => Ok(LearningRate::Auto),
        "per-exaggeration" => Ok(LearningRate::PerExaggeration),
        number => {
            let rate =
                number.parse().map_err(|_| "expected a number, auto or per-exaggeration".to_owned())?;
            Ok(LearningRate::Fixed(rate))
        }
    }
}

/// A time with its unit, seconds where there is none.
pub(crate) fn parse_time(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time as 30s, 5m or 1h".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let number: f64 = digits.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * factor).map_err(|_| wrong())
}

/// A number of bytes with its unit, a power of 1024.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || "expected a size as 500M or 4G".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        "T" | "TB" | "TIB" => 1 << 40,
        _ => return Err(wrong()),
    };
    digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(wrong)
}

pub(crate) fn parse_delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => Err("expected one ASCII character that is no quotation mark or line break, or tab".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{parse_size, parse_time};

    #[test]
    fn times_and_sizes_have_units() {
        let time = |text| parse_time(text).map(|time| time.as_millis()).ok();
        assert_eq!(
            ["90", "30s", "5m", "1.5h", "20ms", "5d", "-1s", "m", ""].map(time),
            [Some(90_000), Some(30_000), Some(300_000), Some(5_400_000), Some(20), None, None, None, None],
            "times in milliseconds"
        );
        let size = |text| parse_size(text).ok();
        assert_eq!(
            ["7", "2k", "500M", "4G", "4GiB", "99999999T", "1.5G", "G"].map(size),
            [Some(7), Some(2048), Some(500 << 20), Some(4 << 30), Some(4 << 30), None, None, None],
            "sizes in bytes"
        );
    }
}
