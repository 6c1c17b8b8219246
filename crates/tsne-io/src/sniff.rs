//! Guesses the dialect of a table from its beginning: delimiter and header.

use crate::Error;
use crate::number::{Cell, parse_cell};
use crate::records::{Records, Window};

/// Delimiters that are tried; the earlier wins a tie, being the rarer in other roles.
const CANDIDATES: [u8; 5] = [b'\t', b';', b'|', b',', b' '];
/// Records of the sample that are looked at.
const MAX_RECORDS: usize = 50;

/// Refuses files that are plainly something else.
pub(crate) fn check_is_text(sample: &[u8]) -> Result<(), Error> {
    let other = if sample.starts_with(b"PK\x03\x04") {
        Some("a ZIP archive or spreadsheet; export it as CSV")
    } else if sample.starts_with(b"\xff\xfe") || sample.starts_with(b"\xfe\xff") {
        Some("UTF-16 text; save it as UTF-8")
    } else if sample.starts_with(b"\x93NUMPY") {
        Some("a numpy array; name it .npy")
    } else if sample.starts_with(b"PAR1") {
        Some("Parquet; export it as CSV")
    } else if sample.contains(&0) {
        Some("binary: it contains a zero byte")
    } else {
        None
    };
    match other {
        Some(kind) => Err(Error::malformed(format!("this is no text table but {kind}"))),
        None => Ok(()),
    }
}

/// The delimiter under which the sample is most regular and most numeric.
pub(crate) fn guess_delimiter(sample: &[u8], is_whole: bool) -> Result<u8, Error> {
    let mut best = (Score::default(), b',');
    for delimiter in CANDIDATES {
        let score = score(sample, is_whole, delimiter)?;
        if score > best.0 {
            best = (score, delimiter);
        }
    }
    Ok(best.1)
}

/// How well a delimiter fits; compared field by field.
#[derive(Debug, Default, PartialEq, PartialOrd)]
struct Score {
    /// Share of records with as many fields as the most usual count, if that is more than one.
    regular: f64,
    /// Share of cells that look like numbers.
    numeric: f64,
    /// Fields per record.
    fields: f64,
}

fn score(sample: &[u8], is_whole: bool, delimiter: u8) -> Result<Score, Error> {
    let mut records = Records::new(Window::open(sample)?, delimiter);
    let mut rows: Vec<(usize, usize)> = Vec::new();
    while rows.len() < MAX_RECORDS {
        match records.next() {
            Ok(Some(record)) => {
                let n_numeric = record.fields().filter(|field| looks_numeric(field, delimiter)).count();
                rows.push((record.len(), n_numeric));
            }
            Ok(None) => break,
            // A limit is reached under this delimiter; under the right one it will be reported.
            Err(_) => return Ok(Score::default()),
        }
    }
    if !is_whole && rows.len() > 1 && rows.len() < MAX_RECORDS {
        rows.pop(); // The sample ends inside this record.
    }
    let most_usual = rows
        .iter()
        .map(|&(len, _)| (rows.iter().filter(|row| row.0 == len).count(), len))
        .filter(|&(_, len)| len > 1)
        .max();
    let Some((n_regular, len)) = most_usual else { return Ok(Score::default()) };
    let n_cells: usize = rows.iter().map(|row| row.0).sum();
    let n_numeric: usize = rows.iter().map(|row| row.1).sum();
    #[allow(clippy::cast_precision_loss, reason = "small counts")]
    let share = |part: usize, whole: usize| part as f64 / whole as f64;
    #[allow(clippy::cast_precision_loss, reason = "small counts")]
    let fields = len as f64;
    Ok(Score { regular: share(n_regular, rows.len()), numeric: share(n_numeric, n_cells), fields })
}

/// A number, or a number with a decimal comma where commas do not separate fields: that cell will be refused later,
/// but with the right delimiter.
fn looks_numeric(field: &[u8], delimiter: u8) -> bool {
    match parse_cell(field) {
        Cell::Number(_) | Cell::RoundedInteger(_) => true,
        Cell::Missing => false,
        Cell::Text => {
            let with_point: Vec<u8> = field.iter().map(|&b| if b == b',' { b'.' } else { b }).collect();
            delimiter != b','
                && field.iter().filter(|&&b| b == b',').count() == 1
                && matches!(parse_cell(&with_point), Cell::Number(_))
        }
    }
}

/// Whether the first record names columns rather than being a row.
///
/// It does if it contains a column name that the user gave, if it is text throughout and nothing follows, or if one
/// of its cells is text where the next record has a number or nothing. In that last case its other cells must be
/// text, empty, or numbers counting up by one, as the names of unnamed columns do; a row of numbers with one text
/// among them is more likely a damaged row, and taking it for a header would lose it silently.
pub(crate) fn is_header(
    first: &[Vec<u8>],
    second: Option<&[Vec<u8>]>,
    delimiter: u8,
    wanted: &[&str],
) -> bool {
    let is_text = |cell: &Vec<u8>| parse_cell(cell) == Cell::Text && !looks_numeric(cell, delimiter);
    let is_wanted = |cell: &Vec<u8>| wanted.iter().any(|name| name.as_bytes() == cell.trim_ascii());
    if first.iter().any(|cell| is_text(cell) && is_wanted(cell)) {
        return true;
    }
    let numbers: Vec<f64> = first
        .iter()
        .filter_map(|cell| match parse_cell(cell) {
            Cell::Number(x) | Cell::RoundedInteger(x) => Some(x),
            Cell::Missing | Cell::Text => None,
        })
        .collect();
    match second {
        Some(second) => {
            let counts_up = numbers.windows(2).all(|pair| pair[1] - pair[0] == 1.0);
            let is_whole = numbers.iter().all(|x| x.fract() == 0.0);
            counts_up
                && is_whole
                && first.iter().zip(second).any(|(above, below)| is_text(above) && !is_text(below))
        }
        None => numbers.is_empty() && first.iter().any(is_text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delimiter(text: &str) -> char {
        char::from(guess_delimiter(text.as_bytes(), true).expect("short text is within the limits"))
    }

    #[test]
    fn delimiters_are_guessed() {
        for (text, expected) in [
            ("a,b\n1,2\n", ','),
            ("a\tb\n1\t2\n", '\t'),
            ("a;b\n1;2\n", ';'),
            ("1 2 3\n4 5 6\n", ' '),
            ("a|b\n1|2\n", '|'),
            ("1\n2\n3\n", ','),
            ("1, 2, 3\n4, 5, 6\n", ','),
            ("a;b\n1,5;2,5\n", ';'),
            ("1,5;2,5\n3,5;4,5\n", ';'),
            ("name,x\n\"a;b\",1\n\"c;d\",2\n", ','),
            ("taxon,x,y\nBacteria;Firmicutes,1,2\nBacteria;Other,3,4\n", ','),
            ("x,city\n1,New York\n2,Los Angeles\n", ','),
            ("a,b,c\n1,2\n3,4,5\n6,7,8\n", ','),
        ] {
            assert_eq!(delimiter(text), expected, "delimiter of {text:?}");
        }
    }

    #[test]
    fn headers_are_guessed() {
        let cells = |line: &str| -> Vec<Vec<u8>> { line.split(',').map(|c| c.as_bytes().to_vec()).collect() };
        for (first, second, expected) in [
            ("a,b", Some("1,2"), true),
            ("a,b", Some("1,x"), true),
            (",a,b", Some("r1,1,2"), true),
            ("a,b", Some("NA,x"), true),
            (",0,1,kind", Some("r1,5,6,7"), true),
            ("country,1990,1991", Some("1,2,3"), true),
            ("abc,2.5,3", Some("1,2,3"), false),
            ("1,2,setosa", Some("3,4,virginica"), false),
            ("1,2", Some("3,4"), false),
            ("a,b", None, true),
            ("1,2", None, false),
            ("1,setosa", None, false),
        ] {
            let second = second.map(cells);
            assert_eq!(
                is_header(&cells(first), second.as_deref(), b',', &[]),
                expected,
                "{first:?} above {second:?}"
            );
        }
        assert!(
            is_header(&cells("0,1,kind"), Some(&cells("5,6,x")), b',', &["kind"]),
            "a column that the user names"
        );
    }
}
