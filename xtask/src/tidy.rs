//! `cargo xtask tidy`: the rules of the house that no compiler checks.
//!
//! Each rule is a function from text to findings, with a sample that passes and one that fails in its tests.

mod formulas;
mod purity;
mod signatures;
mod text;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::layers::{self, Kind};
use crate::workspace::{self, Package};

/// A broken rule, and where.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    path: PathBuf,
    /// Counted from 1; 0 when the whole file is meant.
    line: usize,
    message: String,
}

impl Finding {
    pub(crate) fn new(path: &Path, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_path_buf(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// A text file of the project, its path relative to the root.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn is_rust(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "rs")
    }

    fn is_markdown(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "md")
    }
}

/// Checks every rule and lists what is broken.
pub(crate) fn run() -> Result<()> {
    let root = workspace::root();
    let packages = workspace::packages()?;
    let sources = read_sources(root)?;

    let mut findings = Vec::new();
    for source in &sources {
        text::check(source, &mut findings);
    }
    check_roots(&packages, &sources, &mut findings);
    check_libraries(&packages, &sources, &mut findings);
    // The samples in this program's tests cite formulas that must not exist.
    let citing =
        |source: &&Source| (source.is_rust() || source.is_markdown()) && !source.path.starts_with("xtask");
    formulas::check(sources.iter().filter(citing), &mut findings);
    layers::check(&packages, &mut findings);
    for package in packages.iter().filter(|package| layers::kind(&package.name) == Some(Kind::Leaf)) {
        let tree = layers::tree(&package.name)?;
        println!(
            "tidy: {} has {} packages in its tree, of at most {}",
            package.name,
            tree,
            layers::MAX_LEAF_TREE
        );
        layers::check_tree(package, tree, &mut findings);
    }
    for note in layers::unused(&packages) {
        println!("tidy: note: {note}");
    }

    findings.sort_by(|a, b| (&a.path, a.line, &a.message).cmp(&(&b.path, b.line, &b.message)));
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} broken rules, listed above", findings.len());
    }
    println!("tidy: {} files, no broken rule", sources.len());
    Ok(())
}

/// Rules of crate roots and manifests.
fn check_roots(packages: &[Package], sources: &[Source], findings: &mut Vec<Finding>) {
    let find = |path: &Path| sources.iter().find(|source| source.path == path);
    for package in packages {
        let own: Vec<&Source> = sources
            .iter()
            .filter(|source| source.is_rust() && source.path.starts_with(package.folder.join("src")))
            .collect();
        for root in package.roots.iter().filter_map(|root| find(root)) {
            text::check_unsafe(root, &own, findings);
        }
        if let Some(manifest) = find(&package.folder.join("Cargo.toml")) {
            text::check_manifest(manifest, findings);
        }
    }
    match find(Path::new("CHANGELOG.md")) {
        Some(changelog) => text::check_changelog(changelog, findings),
        None => findings.push(Finding::new(Path::new("CHANGELOG.md"), 0, "is missing")),
    }
}

/// What holds for the core and the leaves alone.
fn check_libraries(packages: &[Package], sources: &[Source], findings: &mut Vec<Finding>) {
    for package in packages {
        if !matches!(layers::kind(&package.name), Some(Kind::Core | Kind::Leaf)) {
            continue;
        }
        let folder = package.folder.join("src");
        for source in sources.iter().filter(|source| source.is_rust() && source.path.starts_with(&folder)) {
            signatures::check(source, findings);
            purity::check(source, findings);
        }
    }
}

/// Every text file that people write, outside build output and version control.
fn read_sources(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && name != ".git" && !name.starts_with(".venv") {
                    folders.push(path);
                }
            } else if is_text(&path) {
                let text =
                    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                sources.push(Source { path: path.strip_prefix(root)?.to_path_buf(), text });
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn is_text(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("rs" | "md" | "toml" | "py" | "sh" | "yml")) || path.ends_with(".ci/run")
}

#[cfg(test)]
pub(crate) fn source(path: &str, text: &str) -> Source {
    Source { path: path.into(), text: text.to_owned() }
}
