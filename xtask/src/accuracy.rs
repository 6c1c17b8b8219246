//! `cargo xtask accuracy`: runs the `accuracy` example of each crate that has one, and puts its tables into
//! `docs/accuracy.md`.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::{sections, workspace};

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
        page = sections::replace(&page, name, &workspace::cargo_output(&args)?).context(PAGE)?;
        fs::write(&path, &page).with_context(|| format!("cannot write {PAGE}"))?;
    }
    Ok(())
}
