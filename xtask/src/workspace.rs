//! What `cargo` says about this workspace: its packages, their dependencies, features and targets.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// One package of the workspace.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Folder of its manifest, relative to the root.
    pub(crate) folder: PathBuf,
    /// Root files of its library and binaries, relative to the root.
    pub(crate) roots: Vec<PathBuf>,
    /// Names of its examples.
    pub(crate) examples: Vec<String>,
    /// Feature names, `default` left out.
    pub(crate) features: Vec<String>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a dependency table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) dev: bool,
    pub(crate) build: bool,
    /// Whether it names a folder of this workspace.
    pub(crate) by_path: bool,
    /// Version requirement; `*` when none is given.
    pub(crate) version: String,
}

/// Folder of the workspace manifest.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package is a folder of the workspace")
}

/// `cargo` as the caller runs it, in the root of the workspace.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    command
}

/// Standard output of a `cargo` command.
pub(crate) fn cargo_output(args: &[&str]) -> Result<String> {
    let output = cargo(args).output().with_context(|| format!("cannot start cargo {}", args.join(" ")))?;
    if !output.status.success() {
        bail!("cargo {} failed:\n{}", args.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Every package of the workspace, by name.
pub(crate) fn packages() -> Result<Vec<Package>> {
    parse(&cargo_output(&["metadata", "--no-deps", "--format-version", "1"])?, root())
}

fn parse(metadata: &str, root: &Path) -> Result<Vec<Package>> {
    let metadata: Value = serde_json::from_str(metadata).context("cargo metadata is not JSON")?;
    let relative = |path: &Value| -> PathBuf {
        let path = Path::new(path.as_str().unwrap_or_default());
        path.strip_prefix(root).unwrap_or(path).to_path_buf()
    };
    let mut packages = Vec::new();
    for package in list(&metadata["packages"]) {
        let mut folder = relative(&package["manifest_path"]);
        folder.pop();
        let targets = |kinds: &'static [&str]| {
            let is_one = |kind: &Value| kind.as_str().is_some_and(|kind| kinds.contains(&kind));
            list(&package["targets"]).iter().filter(move |target| list(&target["kind"]).iter().any(is_one))
        };
        packages.push(Package {
            name: text(&package["name"]),
            folder,
            roots: targets(&["lib", "proc-macro", "bin"])
                .map(|target| relative(&target["src_path"]))
                .collect(),
            examples: targets(&["example"]).map(|target| text(&target["name"])).collect(),
            features: package["features"]
                .as_object()
                .map(|table| table.keys().filter(|name| *name != "default").cloned().collect())
                .unwrap_or_default(),
            dependencies: list(&package["dependencies"]).iter().map(dependency).collect(),
        });
    }
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

fn dependency(value: &Value) -> Dependency {
    Dependency {
        name: text(&value["name"]),
        dev: value["kind"] == "dev",
        build: value["kind"] == "build",
        by_path: value["path"].is_string(),
        version: text(&value["req"]),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_becomes_packages() {
        let json = r#"{"packages": [{
            "name": "tsne-bh", "manifest_path": "/r/crates/tsne-bh/Cargo.toml",
            "features": {"default": [], "serde": []},
            "targets": [{"kind": ["lib"], "src_path": "/r/crates/tsne-bh/src/lib.rs"},
                        {"kind": ["example"], "name": "accuracy", "src_path": "/r/crates/tsne-bh/examples/accuracy.rs"},
                        {"kind": ["test"], "src_path": "/r/crates/tsne-bh/tests/it/main.rs"}],
            "dependencies": [{"name": "tsne-core", "kind": null, "path": "/r/crates/tsne-core", "req": "^0.1.0"},
                             {"name": "proptest", "kind": "dev", "req": "^1.12"}]}]}"#;
        let packages = parse(json, Path::new("/r")).expect("valid metadata");
        let core = Dependency {
            name: "tsne-core".into(),
            by_path: true,
            version: "^0.1.0".into(),
            ..Dependency::default()
        };
        let proptest = Dependency {
            name: "proptest".into(),
            dev: true,
            version: "^1.12".into(),
            ..Dependency::default()
        };
        let expected = Package {
            name: "tsne-bh".into(),
            folder: "crates/tsne-bh".into(),
            roots: vec!["crates/tsne-bh/src/lib.rs".into()],
            examples: vec!["accuracy".into()],
            features: vec!["serde".into()],
            dependencies: vec![core, proptest],
        };
        assert_eq!(packages, [expected], "one package, its library root, its two dependencies");
    }

    #[test]
    fn this_workspace_lists_this_package() {
        let packages = packages().expect("cargo metadata works in the workspace");
        let xtask = packages.iter().find(|package| package.name == "xtask").expect("xtask is a member");
        assert_eq!(xtask.folder, Path::new("xtask"), "folders are relative to the root");
        assert_eq!(xtask.roots, [Path::new("xtask/src/main.rs")], "its one binary");
    }
}
