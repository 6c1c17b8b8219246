//! The programs we are compared with: from PyPI, in an environment of their own under `target`, each run by its driver
//! in `benches/peers`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::lab::{self, Measured};
use crate::workspace;

/// A program.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// What pip installs; all have NumPy.
    package: &'static str,
    driver: &'static str,
}

/// Those there are.
pub(crate) const PEERS: &[Peer] = &[
    Peer { name: "opentsne", package: "openTSNE==1.0.4", driver: "run_opentsne.py" },
    Peer { name: "sklearn", package: "scikit-learn==1.9.1", driver: "run_sklearn.py" },
    Peer { name: "manifolds", package: "manifolds-rs==0.4.1", driver: "run_manifolds.py" },
];

/// The peer of a name.
pub(crate) fn find(name: &str) -> Result<&'static Peer> {
    let names = || PEERS.iter().map(|peer| peer.name).collect::<Vec<_>>().join(", ");
    let peer = PEERS.iter().find(|peer| peer.name == name);
    peer.with_context(|| format!("there is no peer {name}; there are {}", names()))
}

impl Peer {
    /// Installs it, unless it is there; the Python to run its driver with.
    pub(crate) fn install(&self) -> Result<PathBuf> {
        let environment = lab::folder("peers")?;
        let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        if !python.exists() {
            println!("making an environment for peers");
            quietly(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        }
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "numpy", self.package];
        quietly(Command::new(&python).args(pip))?;
        Ok(python)
    }

    /// Runs its driver.
    pub(crate) fn run(&self, python: &Path, threads: usize, words: &[String]) -> Result<Measured> {
        let driver = workspace::root().join("benches/peers").join(self.driver);
        let mut command = Command::new(python);
        command.arg(driver).args(words).args(["--threads", &threads.to_string()]);
        for pool in ["OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON"] {
            command.env(format!("{pool}_NUM_THREADS"), threads.to_string());
        }
        // Somebody's choice of kernels for another processor would slow NumPy down.
        command.env_remove("OPENBLAS_CORETYPE").env("PYTHONDONTWRITEBYTECODE", "1");
        lab::measured(&mut command).with_context(|| format!("driver of {}", self.name))
    }
}

/// Runs a command, showing what it said only when it fails.
fn quietly(command: &mut Command) -> Result<()> {
    let output =
        command.output().with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}", said.trim().lines().last().unwrap_or("failed and said nothing"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_has_its_driver() {
        for peer in PEERS {
            let driver = workspace::root().join("benches/peers").join(peer.driver);
            assert!(driver.is_file(), "{}", driver.display());
        }
        assert!(
            find("umap").expect_err("not a peer").to_string().contains("manifolds"),
            "names those there are"
        );
    }
}
