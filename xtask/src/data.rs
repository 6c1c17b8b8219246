//! Data to measure with, made once by the lab and kept under `target/xtask/data`.
//!
//! A name is a set of points, `digits`, `iris`, `mixture_20000`, `mnist_70000`, `distorted_200000`, or something made of
//! one: `digits.start` are initial positions, `.graph` its exact neighbors, `.affinities` its P, `.map` its map. What is
//! there is not made again: remove the folder after a change of what it holds.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::lab;

const DIGITS: &str = "crates/tsne-testkit/data/digits.csv";
const IRIS: &str = "crates/tsne-testkit/data/iris.csv";
/// The real digits, of 784 pixels each; an argument, as they are too large for this tree.
const MNIST: &str = "mnist70k.npz";

/// Where data are made and kept.
#[derive(Debug)]
pub(crate) struct Store {
    lab: PathBuf,
    folder: PathBuf,
    mnist: Option<PathBuf>,
}

impl Store {
    /// `data` is the folder that holds the real digits, where it was given.
    pub(crate) fn new(lab: &Path, data: Option<&str>) -> Result<Self> {
        let mnist = data.map(|folder| Path::new(folder).join(MNIST));
        if let Some(path) = mnist.as_ref().filter(|path| !path.is_file()) {
            bail!("there is no {}", path.display());
        }
        let mnist = mnist.map(|path| path.canonicalize()).transpose()?;
        Ok(Self { lab: lab.to_owned(), folder: lab::folder("data")?, mnist })
    }

    /// Makes `given` a name of the points in a file.
    pub(crate) fn set_given(&mut self, path: &Path) -> Result<()> {
        // Of another file perhaps, the last time.
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("given.") {
                std::fs::remove_file(entry.path())?;
            }
        }
        std::fs::copy(path, self.folder.join("given.npy"))?;
        Ok(())
    }

    /// Whether `name` can be made of what was given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.mnist.is_some() || !(name.starts_with("mnist_") || name.starts_with("distorted_"))
    }

    /// The file of a name; made if it is not there.
    pub(crate) fn path(&self, name: &str) -> Result<PathBuf> {
        let suffix = if name.ends_with(".graph") || name.ends_with(".affinities") { "npz" } else { "npy" };
        let path = self.folder.join(format!("{name}.{suffix}"));
        if !path.exists() {
            println!("making {name}");
            // Under another name first: a file that is there is whole.
            let unfinished = self.folder.join(format!("unfinished.{suffix}"));
            let words = self.fill(&format!("{} --out {{}}", recipe(name)?))?;
            let words: Vec<String> = words
                .into_iter()
                .map(|word| if word == "{}" { unfinished.display().to_string() } else { word })
                .collect();
            lab::run(&self.lab, &words)?;
            std::fs::rename(&unfinished, &path)?;
        }
        Ok(path)
    }

    /// The words of a line for the lab, each `{name}` replaced by its file.
    pub(crate) fn fill(&self, line: &str) -> Result<Vec<String>> {
        let word = |word: &str| match word.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            None | Some("") => Ok(word.to_owned()),
            Some("mnist") => {
                let mnist = self
                    .mnist
                    .as_ref()
                    .with_context(|| format!("needs --data DIR, a folder with {MNIST}"))?;
                Ok(mnist.display().to_string())
            }
            Some(name) => Ok(self.path(name)?.display().to_string()),
        };
        line.split_whitespace().map(word).collect()
    }
}

/// What the lab is told to make `name`, but for `--out`.
fn recipe(name: &str) -> Result<String> {
    if let Some((of, what)) = name.split_once('.') {
        return Ok(match what.split_once('_').unwrap_or((what, "")) {
            ("start", "") => format!("start --input {{{of}}}"),
            ("start", seed) => format!("start --input {{{of}}} --seed {seed}"),
            ("graph", "") => format!("knn --method exact --precision f64 --recall 10 --input {{{of}}}"),
            ("affinities", "") => format!("affinities --precision f64 --graph {{{of}.graph}}"),
            ("map", "") => format!("fit --input {{{of}}}"),
            ("map", dimension) => format!("fit --input {{{of}}} --n-components {dimension}"),
            _ => bail!("{name}: nothing of that kind is made"),
        });
    }
    Ok(match name.split_once('_') {
        None if name == "digits" => format!("rows --input {DIGITS} --drop digit"),
        None if name == "iris" => format!("rows --input {IRIS} --drop species"),
        Some(("mixture", n)) => match n.split_once('x') {
            None => format!("points --kind mixture --n {n}"),
            Some((n, features)) => format!("points --kind mixture --n {n} --features {features}"),
        },
        Some(("distorted", n)) => format!("points --kind distorted --input {{mnist}} --n {n}"),
        Some(("mnist", "70000")) => "pca --input {mnist} --components 50".to_owned(),
        Some(("mnist", n)) => format!("rows --input {{mnist_70000}} --n {n}"),
        _ => bail!("{name}: there are no such data"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_name_what_they_are_made_of() {
        for (name, expected) in [
            ("mixture_20000", "points --kind mixture --n 20000"),
            ("mixture_20000x10", "points --kind mixture --n 20000 --features 10"),
            ("mnist_10000", "rows --input {mnist_70000} --n 10000"),
            ("iris.start_3", "start --input {iris} --seed 3"),
            ("mnist_10000.affinities", "affinities --precision f64 --graph {mnist_10000.graph}"),
            ("digits.map_3", "fit --input {digits} --n-components 3"),
        ] {
            assert_eq!(recipe(name).expect("known"), expected, "{name}");
        }
        for name in ["wine", "digits.tree", "mixture"] {
            assert!(recipe(name).is_err(), "{name} is not made");
        }
    }
}
