//! Fields of a line of delimited text, quoted where they could be misread.

use std::fmt::{Display, Write as _};
use std::io::{self, Write};

/// Appends a number, which needs no quotes, and the separator after it.
pub(crate) fn push_number(line: &mut String, number: impl Display, separator: char) {
    write!(line, "{number}{separator}").expect("a string takes all");
}

/// Appends a text and the separator after it, quoted if it could be misread.
///
/// What spreadsheets take for the beginning of a formula gets an apostrophe before it if `is_spreadsheet_safe`.
pub(crate) fn push_text(line: &mut String, text: &str, separator: char, is_spreadsheet_safe: bool) {
    let is_formula = is_spreadsheet_safe && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let apostrophe = if is_formula { "'" } else { "" };
    let is_special = |c: char| c == separator || matches!(c, '"' | '\r' | '\n');
    let is_padded = text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace);
    if text.contains(is_special) || is_padded {
        line.push('"');
        line.push_str(apostrophe);
        line.push_str(&text.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(apostrophe);
        line.push_str(text);
    }
    line.push(separator);
}

/// Turns the last separator into a line feed and writes the line.
pub(crate) fn end_line(line: &mut String, sink: &mut (impl Write + ?Sized)) -> io::Result<()> {
    line.pop();
    line.push('\n');
    sink.write_all(line.as_bytes())?;
    line.clear();
    Ok(())
}
