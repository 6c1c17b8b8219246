//! From the bytes of a table's cell to a number, to "missing", or to "text".

/// What a cell holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell {
    /// A number, possibly NaN or infinite, as written.
    Number(f64),
    /// An integer that `f64` cannot hold exactly, rounded.
    RoundedInteger(f64),
    /// Nothing, or one of the usual words for nothing.
    Missing,
    /// Anything else.
    Text,
}

/// Words that stand for a missing value, in any capitalization.
const MISSING: [&[u8]; 8] = [b"", b"na", b"n/a", b"#n/a", b"null", b"none", b"?", b"<na>"];

/// Powers of ten that `f64` holds exactly.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Integers up to this one are exact in `f64`.
const MAX_EXACT: u64 = 1 << 53;

/// Reads one cell; white space around it does not count.
pub(crate) fn parse_cell(bytes: &[u8]) -> Cell {
    // No number holds a quotation mark, so this delimiter is never met.
    if let Some((x, _)) = parse_short(bytes, b'"') {
        return Cell::Number(x);
    }
    let trimmed = bytes.trim_ascii();
    if let Ok(text) = std::str::from_utf8(trimmed)
        && let Ok(x) = text.parse::<f64>()
    {
        let is_integer = trimmed.iter().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+'));
        return if is_integer && x.is_finite() && !fits(text) {
            Cell::RoundedInteger(x)
        } else {
            Cell::Number(x)
        };
    }
    if MISSING.iter().any(|word| word.eq_ignore_ascii_case(trimmed)) { Cell::Missing } else { Cell::Text }
}

/// Whether an integer's text names a number that `f64` holds exactly.
#[allow(clippy::cast_precision_loss, reason = "the loss is what is tested")]
#[allow(clippy::cast_possible_truncation, reason = "the value came from an i128")]
fn fits(text: &str) -> bool {
    text.parse::<i128>().is_ok_and(|i| (i as f64) as i128 == i)
}

/// Decimal numbers of up to 15 digits without an exponent, which is what most files hold: the number that ends at
/// the delimiter or at the end of `bytes`, and how many bytes it takes.
///
/// Digits and power of ten are both exact in `f64`, so the one division rounds correctly (Clinger 1990); all other
/// spellings are left to the standard library.
#[inline]
pub(crate) fn parse_short(bytes: &[u8], delimiter: u8) -> Option<(f64, usize)> {
    const MAX_DIGITS: usize = 15;
    let is_negative = bytes.first() == Some(&b'-');
    let start = usize::from(is_negative);
    let mut mantissa = 0_u64;
    let mut point = None;
    let mut end = start;
    for &byte in bytes[start..].iter().take(MAX_DIGITS + 2) {
        match byte {
            b'0'..=b'9' => mantissa = mantissa * 10 + u64::from(byte - b'0'),
            _ if byte == delimiter => break,
            b'.' if point.is_none() => point = Some(end),
            _ => return None,
        }
        end += 1;
    }
    let n_decimals = point.map_or(0, |at| end - 1 - at);
    let n_digits = end - start - usize::from(point.is_some());
    if n_digits == 0 || end - start > MAX_DIGITS + 1 || mantissa > MAX_EXACT {
        return None;
    }
    #[allow(clippy::cast_precision_loss, reason = "checked to be exact")]
    let mantissa = mantissa as f64;
    let magnitude = if n_decimals == 0 { mantissa } else { mantissa / POWERS_OF_TEN[n_decimals] };
    Some((if is_negative { -magnitude } else { magnitude }, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_for_missing_and_text_are_told_apart() {
        for word in ["", "  ", "NA", "n/a", "#N/A", "null", "None", "?", "<NA>"] {
            assert_eq!(parse_cell(word.as_bytes()), Cell::Missing, "{word:?} stands for nothing");
        }
        for word in ["setosa", "1,5", "1_000", "0x10", "--1", "-", ".", "-.", "1e", "1.2.3", "\u{ff11}"] {
            assert_eq!(parse_cell(word.as_bytes()), Cell::Text, "{word:?} is text");
        }
        assert_eq!(parse_cell(&[0xff, 0xfe]), Cell::Text, "bytes that are not UTF-8 are text");
    }

    #[test]
    fn numbers_in_all_spellings() {
        for (text, value) in [
            ("0", 0.0),
            ("-0", -0.0),
            ("007", 7.0),
            (".5", 0.5),
            ("5.", 5.0),
            (" 12 ", 12.0),
            ("+3", 3.0),
            ("1e3", 1000.0),
            ("-1.5E-3", -0.0015),
            ("999999999999999", 999_999_999_999_999.0),
            ("1e999", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
        ] {
            let Cell::Number(x) = parse_cell(text.as_bytes()) else { panic!("{text:?} is a number") };
            assert_eq!(x.to_bits(), value.to_bits(), "{text:?} is {value}");
        }
        assert!(matches!(parse_cell(b"NaN"), Cell::Number(x) if x.is_nan()), "NaN is kept as a number");
    }

    #[test]
    fn integers_beyond_the_exact_range_are_marked() {
        assert_eq!(parse_cell(b"9007199254740992"), Cell::Number(9_007_199_254_740_992.0), "2^53 is exact");
        assert_eq!(
            parse_cell(b"9007199254740993"),
            Cell::RoundedInteger(9_007_199_254_740_992.0),
            "2^53 + 1 is not"
        );
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_library(text in "-?[0-9]{0,9}\\.?[0-9]{0,9}") {
            match text.parse::<f64>() {
                Ok(x) => {
                    let (Cell::Number(y) | Cell::RoundedInteger(y)) = parse_cell(text.as_bytes()) else {
                        return Err(TestCaseError::fail(format!("{text:?} is a number")));
                    };
                    prop_assert_eq!(x.to_bits(), y.to_bits());
                }
                Err(_) => prop_assert!(matches!(parse_cell(text.as_bytes()), Cell::Missing | Cell::Text)),
            }
        }
    }
}
