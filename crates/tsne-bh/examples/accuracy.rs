//! Prints the tables of `docs/accuracy.md` on the tree: errors against the f64 oracle over theta, n, D, dof and maps.
//!
//! `cargo run --release -p tsne-bh --example accuracy [-- MAP...]`, where every MAP is a raw file of positions in 2-D:
//! pairs of little-endian f64.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

#[path = "../tests/it/maps.rs"]
mod maps;

use std::error::Error;

use tsne_bh::{BarnesHut, NegativeGradient, Params, Scalar, StudentT};
use tsne_core::Seed;
use tsne_testkit::close::relative_l2;
use tsne_testkit::{data, oracle};

const THETAS: [f64; 7] = [1.0, 0.8, 0.65, 0.5, 0.35, 0.2, 0.0];

fn main() -> Result<(), Box<dyn Error>> {
    println!("Relative L2 error of the forces / relative error of Z / sources evaluated for each point.\n");
    print!("| map | type | D | n | dof |");
    THETAS.iter().for_each(|theta| print!(" theta {theta} |"));
    println!("\n| --- | --- | --- | --- | --- |{}", " --- |".repeat(THETAS.len()));

    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        let y: Vec<[f64; 2]> = bytes
            .as_chunks::<16>()
            .0
            .iter()
            .map(|pair| [0, 8].map(|at| f64::from_le_bytes(std::array::from_fn(|i| pair[at + i]))))
            .collect();
        let name = path.rsplit('/').next().unwrap_or(&path);
        row(name, 1.0, &y)?;
        let y: Vec<[f32; 2]> = y.iter().map(|y| y.map(f32::lit)).collect();
        row(name, 1.0, &y)?;
    }
    for n in [1000, 4000, 16_000] {
        clusters::<f64, 2>(n, 1.0)?;
    }
    clusters::<f32, 2>(4000, 1.0)?;
    clusters::<f64, 1>(4000, 1.0)?;
    clusters::<f64, 3>(4000, 1.0)?;
    clusters::<f64, 3>(16_000, 1.0)?;
    for dof in [0.3, 0.5, 0.8, 2.0, 10.0] {
        clusters::<f64, 2>(4000, dof)?;
    }
    adversarial::<f64, 2>()?;
    adversarial::<f32, 2>()?;
    adversarial::<f64, 3>()
}

fn clusters<T: Scalar, const D: usize>(n: usize, dof: f64) -> Result<(), Box<dyn Error>> {
    row("ten clusters", dof, &data::clustered_map::<T, D>(Seed(1), n, 80.0))
}

fn adversarial<T: Scalar, const D: usize>() -> Result<(), Box<dyn Error>> {
    maps::adversarial::<T, D>(4000).iter().try_for_each(|(name, y)| row(name, 1.0, y))
}

fn row<T: Scalar, const D: usize>(name: &str, dof: f64, y: &[[T; D]]) -> Result<(), Box<dyn Error>> {
    let kernel = StudentT::with_dof(dof)?;
    let want = oracle::repulsion(kernel, y);
    let scalar = if T::EPSILON.to_f64() < 1e-10 { "f64" } else { "f32" };
    print!("| {name} | {scalar} | {D} | {} | {dof} |", y.len());
    let mut forces = vec![[T::lit(0.0); D]; y.len()];
    for theta in THETAS {
        let mut tree = BarnesHut::new(kernel, Params::default().with_theta(theta))?;
        let z = tree.repel(y, &mut forces)?;
        let force_error = relative_l2(&forces, &want.forces);
        let z_error = (z / want.normalizer - 1.0).abs();
        print!(" {force_error:.1e} / {z_error:.1e} / {} |", tree.n_interactions() / y.len() as u64);
    }
    println!();
    Ok(())
}
