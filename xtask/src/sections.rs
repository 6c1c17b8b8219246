//! Parts of files that are generated: what lies between two markers is replaced, the rest is left alone.

use anyhow::{Result, bail};

/// The page with `text` between the markers `<!-- begin NAME -->` and `<!-- end NAME -->`.
pub(crate) fn replace(page: &str, name: &str, text: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- begin {name} -->"), format!("<!-- end {name} -->"));
    between(page, &begin, &end, &format!("\n{}\n\n", text.trim()))
}

/// The file with `text` between the lines `begin` and `end`, which stay.
pub(crate) fn between(file: &str, begin: &str, end: &str, text: &str) -> Result<String> {
    let parts = file.split_once(&format!("{begin}\n")).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(end)?;
        Some((before, after))
    });
    let Some((before, after)) = parts else { bail!("there are no lines `{begin}` and `{end}`") };
    Ok(format!("{before}{begin}\n{text}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_its_neighbors_are_not() {
        let page = "# A\n<!-- begin x -->\nold\n<!-- end x -->\nmiddle\n<!-- begin y -->\n<!-- end y -->\n";
        let got = replace(page, "x", "| new |\n").expect("the markers are there");
        let expected =
            "# A\n<!-- begin x -->\n\n| new |\n\n<!-- end x -->\nmiddle\n<!-- begin y -->\n<!-- end y -->\n";
        assert_eq!(got, expected, "one section");
        assert_eq!(replace(&got, "x", "| new |\n").expect("still there"), expected, "twice is once");
    }

    #[test]
    fn a_missing_section_is_an_error_that_says_what_to_write() {
        let error = replace("# A\n<!-- begin x -->\n", "x", "").expect_err("no end").to_string();
        assert!(error.contains("<!-- end x -->"), "{error}");
    }

    #[test]
    fn markers_may_be_comments_of_any_language() {
        let got = between("a\n// <\nold\n// >\nb\n", "// <", "// >", "new\n").expect("both are there");
        assert_eq!(got, "a\n// <\nnew\n// >\nb\n", "the markers stay");
    }
}
