//! `cargo xtask accuracy`: runs the `accuracy` example of each crate that has one, and puts its tables into
//! `docs/accuracy.md`.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::workspace;

const PAGE: &str = "docs/accuracy.md";

/// Runs the examples, or those of one package, and rewrites their sections.
pub(crate) fn run(only: Option<&str>) -> Result<()> {
    let path = workspace::root().join(PAGE);
    let mut page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let packages = workspace::packages()?;
    let measured = packages.iter().filter(|package| package.examples.iter().any(|name| name == "accuracy"));
    let names: Vec<&str> = measured.map(|package| package.name.as_str()).collect();
    let chosen: Vec<&str> =
        names.iter().copied().filter(|name| only.is_none_or(|only| only == *name)).collect();
    if chosen.is_empty() {
        bail!("no such package with an example `accuracy`; there are {}", names.join(", "));
    }
    for name in chosen {
        println!("accuracy of {name}");
        let args = ["run", "--quiet", "--release", "--package", name, "--example", "accuracy"];
        page = replace_section(&page, name, &workspace::cargo_output(&args)?)?;
        fs::write(&path, &page).with_context(|| format!("cannot write {PAGE}"))?;
    }
    Ok(())
}

/// The page with `text` between the markers of `name`.
fn replace_section(page: &str, name: &str, text: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let parts = page.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some((before, after))
    });
    let Some((before, after)) = parts else {
        bail!("{PAGE} has no lines `{}` and `{end}`", begin.trim_end());
    };
    Ok(format!("{before}{begin}\n{}\n\n{end}{after}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_its_neighbors_are_not() {
        let page = "# A\n<!-- begin x -->\nold\n<!-- end x -->\nmiddle\n<!-- begin y -->\n<!-- end y -->\n";
        let got = replace_section(page, "x", "| new |\n").expect("the markers are there");
        let expected =
            "# A\n<!-- begin x -->\n\n| new |\n\n<!-- end x -->\nmiddle\n<!-- begin y -->\n<!-- end y -->\n";
        assert_eq!(got, expected, "one section");
        assert_eq!(replace_section(&got, "x", "| new |\n").expect("still there"), expected, "twice is once");
    }

    #[test]
    fn a_missing_section_is_an_error_that_says_what_to_write() {
        let error = replace_section("# A\n<!-- begin x -->\n", "x", "").expect_err("no end").to_string();
        assert!(error.contains("<!-- end x -->"), "{error}");
    }
}
