//! `cargo xtask release --check` and `cargo xtask notices`: what must hold of a crate before it is published, and the list
//! of what a built program contains. Neither compiles anything, nor opens a connection where all dependencies are there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::workspace;

/// The platform whose program is listed.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// The package whose program is distributed.
const PROGRAM: &str = "tsne-cli";
const NOTICES: &str = "THIRD_PARTY_NOTICES.md";

/// What a package says of itself, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq)]
struct Package {
    name: String,
    version: String,
    license: String,
    repository: String,
    rust_version: String,
    folder: String,
    is_ours: bool,
    is_published: bool,
    /// Fields that a registry wants and that are empty.
    lacking: Vec<&'static str>,
    /// Ids of the packages it is built with.
    dependencies: Vec<String>,
}

/// Packages by id, of everything that this workspace is built with on one platform.
type Packages = BTreeMap<String, Package>;

fn packages() -> Result<Packages> {
    let args = ["metadata", "--format-version", "1", "--locked", "--filter-platform", TARGET];
    parse(&workspace::cargo_output(&args)?)
}

fn parse(metadata: &str) -> Result<Packages> {
    let metadata: Value = serde_json::from_str(metadata).context("cargo metadata is not JSON")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut packages = Packages::new();
    for package in list(&metadata["packages"]) {
        let is_empty = |field: &&str| match &package[*field] {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(values) => values.is_empty(),
            _ => false,
        };
        let wanted = ["description", "license", "readme", "keywords", "categories", "rust_version"];
        let manifest = text(&package["manifest_path"]);
        packages.insert(
            text(&package["id"]),
            Package {
                name: text(&package["name"]),
                version: text(&package["version"]),
                license: text(&package["license"]),
                repository: text(&package["repository"]),
                rust_version: text(&package["rust_version"]),
                folder: Path::new(&manifest).parent().unwrap_or(Path::new("")).display().to_string(),
                is_ours: package["source"].is_null(),
                is_published: package["source"].is_null() && package["publish"].is_null(),
                lacking: wanted.into_iter().filter(is_empty).collect(),
                dependencies: Vec::new(),
            },
        );
    }
    for node in list(&metadata["resolve"]["nodes"]) {
        let is_built_with =
            |dependency: &Value| list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
        let dependencies = list(&node["deps"]);
        let dependencies = dependencies.iter().filter(|dependency| is_built_with(dependency));
        if let Some(package) = packages.get_mut(&text(&node["id"])) {
            package.dependencies = dependencies.map(|dependency| text(&dependency["pkg"])).collect();
        }
    }
    Ok(packages)
}

/// The packages that those which `wanted` picks are built with, themselves included.
fn tree(packages: &Packages, wanted: impl Fn(&Package) -> bool) -> Vec<&Package> {
    let mut ids: Vec<&String> =
        packages.iter().filter(|(_, package)| wanted(package)).map(|(id, _)| id).collect();
    let mut seen: BTreeSet<&String> = ids.iter().copied().collect();
    while let Some(id) = ids.pop() {
        for dependency in packages.get(id).iter().flat_map(|package| &package.dependencies) {
            if seen.insert(dependency) {
                ids.push(dependency);
            }
        }
    }
    let mut found: Vec<&Package> = seen.into_iter().filter_map(|id| packages.get(id)).collect();
    found.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    found
}

/// Checks all of it.
pub(crate) fn check() -> Result<()> {
    let packages = packages()?;
    let mut findings = faults(&packages);
    let notices = fs::read_to_string(workspace::root().join(NOTICES)).unwrap_or_default();
    if !notices.starts_with(&head(&packages)) {
        findings
            .push(format!("{NOTICES} is not of these dependencies; write it again with cargo xtask notices"));
    }
    findings.iter().for_each(|finding| println!("release: {finding}"));
    if !findings.is_empty() {
        bail!("{} faults, listed above", findings.len());
    }
    deny()?;
    let published = packages.values().filter(|package| package.is_published).count();
    println!("release: {published} crates to publish, no fault");
    Ok(())
}

/// Licenses and sources of all dependencies, by cargo-deny where it is installed: `cargo install cargo-deny`.
fn deny() -> Result<()> {
    let is_there =
        workspace::cargo(&["deny", "--version"]).output().is_ok_and(|output| output.status.success());
    if !is_there {
        println!("release: cargo-deny is not installed: licenses, bans and sources are not checked");
        return Ok(());
    }
    let args = ["deny", "--log-level", "error", "check", "licenses", "bans", "sources"];
    let status = workspace::cargo(&args).status().context("cannot start cargo deny")?;
    if !status.success() {
        bail!("cargo deny has faults, listed above");
    }
    Ok(())
}

/// Published crates that lack what a registry wants, and dependencies of theirs that need a newer Rust than they say.
fn faults(packages: &Packages) -> Vec<String> {
    let mut findings = Vec::new();
    for package in packages.values().filter(|package| package.is_published) {
        for field in &package.lacking {
            findings.push(format!("{} has no {field} in its manifest", package.name));
        }
        let ours = numbers(&package.rust_version);
        for dependency in tree(packages, |other| other.name == package.name && other.is_ours) {
            if numbers(&dependency.rust_version) > ours {
                findings.push(format!(
                    "{} says Rust {}, and its dependency {} {} needs {}",
                    package.name,
                    package.rust_version,
                    dependency.name,
                    dependency.version,
                    dependency.rust_version
                ));
            }
        }
    }
    findings
}

/// A version to be compared; none is the least.
fn numbers(version: &str) -> [u32; 3] {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}

/// Writes the notices.
pub(crate) fn notices() -> Result<()> {
    let packages = packages()?;
    let mut text = head(&packages);
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in foreign(&packages) {
        for license in license_texts(package)? {
            texts.entry(license).or_default().push(format!("{} {}", package.name, package.version));
        }
    }
    let mut texts: Vec<(String, Vec<String>)> = texts.into_iter().collect();
    texts.sort_by(|a, b| a.1.cmp(&b.1));
    for (license, of) in texts {
        text += &format!("\n## {}\n\n```text\n{license}\n```\n", of.join(", "));
    }
    fs::write(workspace::root().join(NOTICES), text).with_context(|| format!("cannot write {NOTICES}"))?;
    println!("notices: {NOTICES} is written");
    Ok(())
}

fn foreign(packages: &Packages) -> Vec<&Package> {
    let mut found = tree(packages, |package| package.name == PROGRAM && package.is_ours);
    found.retain(|package| !package.is_ours);
    found
}

/// The part of the notices that is compared: every package with its license.
fn head(packages: &Packages) -> String {
    let mut text = format!(
        "# Third-party notices\n\n\
         What the program `tsne`, built for {TARGET}, contains besides the crates of this repository, and under which\n\
         licenses; their texts follow. The font inside it has its own, `crates/tsne-cli/fonts/LICENSE-DejaVu.txt`. Written by\n\
         `cargo xtask notices`.\n\n\
         | package | version | license | source |\n| --- | --- | --- | --- |\n"
    );
    for Package { name, version, license, repository, .. } in foreign(packages) {
        text += &format!("| {name} | {version} | {} | {repository} |\n", license.replace('/', " OR "));
    }
    text
}

/// The texts of the licenses in a package's folder: that of Apache alone where it is one of several to choose from.
fn license_texts(package: &Package) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(&package.folder).with_context(|| format!("cannot list {}", package.folder))?;
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).filter(|path| path.is_file())
    {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_uppercase();
        let is_license =
            ["LICENSE", "LICENCE", "COPYING", "UNLICENSE"].iter().any(|word| name.starts_with(word));
        if is_license || name.starts_with("NOTICE") {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            found.push((name, normalized(&text)));
        }
    }
    found.sort();
    let is_apache = |text: &str| text.contains("Apache License") && text.contains("Version 2.0");
    if package.license.contains("Apache-2.0")
        && package.license.contains("OR") | package.license.contains('/')
    {
        let (apache, notices): (Vec<_>, Vec<_>) = found
            .iter()
            .filter(|(name, text)| is_apache(text) || name.starts_with("NOTICE"))
            .cloned()
            .partition(|(name, _)| !name.starts_with("NOTICE"));
        if !apache.is_empty() {
            let apache = [APACHE.to_owned()].into_iter();
            return Ok(apache.chain(notices.into_iter().map(|(_, text)| text)).collect());
        }
    }
    if found.is_empty() && package.license.contains("Apache-2.0") {
        return Ok(vec![APACHE.to_owned()]);
    }
    if found.is_empty() {
        return Ok(vec![format!("{}: no text in the package; see {}", package.license, package.repository)]);
    }
    Ok(found.into_iter().map(|(_, text)| if is_apache(&text) { APACHE.to_owned() } else { text }).collect())
}

/// Stands for the text that many packages have in many layouts.
const APACHE: &str = "Apache License, Version 2.0: the text is in LICENSE-APACHE.";

/// The text without what differs between copies of it: spaces at the ends of lines, and fences of the page it goes to.
fn normalized(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').replace("```", "'''")
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{
        "packages": [
            {"id": "a", "name": "tsne-cli", "version": "0.1.0", "license": "MIT", "description": "x", "readme": "r",
             "keywords": ["k"], "categories": [], "rust_version": "1.89", "source": null, "publish": null,
             "manifest_path": "/r/a/Cargo.toml"},
            {"id": "b", "name": "far", "version": "2.0.1", "license": "MIT/Apache-2.0", "rust_version": "1.90.0",
             "repository": "https://r", "source": "registry", "publish": null, "manifest_path": "/r/b/Cargo.toml"},
            {"id": "c", "name": "test-tool", "version": "1.0.0", "license": "MIT", "rust_version": "1.99",
             "source": "registry", "publish": null, "manifest_path": "/r/c/Cargo.toml"}
        ],
        "resolve": {"nodes": [
            {"id": "a", "deps": [{"pkg": "b", "dep_kinds": [{"kind": null}]}, {"pkg": "c", "dep_kinds": [{"kind": "dev"}]}]}
        ]}}"#;

    #[test]
    fn what_a_registry_wants_and_what_a_dependency_needs() {
        let packages = parse(METADATA).expect("valid metadata");
        assert_eq!(
            faults(&packages),
            [
                "tsne-cli has no categories in its manifest",
                "tsne-cli says Rust 1.89, and its dependency far 2.0.1 needs 1.90.0"
            ],
            "test tools do not count"
        );
    }

    #[test]
    fn notices_list_what_the_program_is_built_with() {
        let head = head(&parse(METADATA).expect("valid metadata"));
        assert!(head.ends_with("| --- |\n| far | 2.0.1 | MIT OR Apache-2.0 | https://r |\n"), "{head}");
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert!(numbers("1.9") < numbers("1.89") && numbers("") < numbers("1.0"), "1.9 is before 1.89");
        assert!(numbers("1.89.1") > numbers("1.89"), "a patch is later");
        assert_eq!(numbers("1.89.0"), numbers("1.89"), "the same");
    }
}
