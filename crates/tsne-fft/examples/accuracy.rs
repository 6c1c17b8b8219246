//! Errors of the particle mesh against sums over all pairs, as the tables of `docs/accuracy.md`.
//!
//! `cargo run --release -p tsne-fft --example accuracy` takes two minutes of one core; with `-- --quick`, which leaves
//! out the finest meshes and most of the largest maps, less than half of that.
#![allow(clippy::print_stdout, reason = "the tables are the output")]

use std::error::Error;
use std::fmt::Display;

use rayon::prelude::*;
use tsne_fft::tsne_core::Seed;
use tsne_fft::{NegativeGradient, Params, ParticleMesh, Scalar, StudentT};
use tsne_testkit::data;
use tsne_testkit::oracle::{MeshForm, mesh_repulsion};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");

    println!("Spacing, 5 000 points in ten clusters of span 100, or 20 for D = 3:\n");
    println!(
        "| nodes per unit | D = 1, f64 | D = 1, f32 | D = 2, f64 | D = 2, f32 | D = 3, f64 | D = 3, f32 |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for nodes in 1..=6 {
        let params = spacing(nodes);
        println!(
            "| {nodes} | {} | {} | {} | {} | {} | {} |",
            errors::<f64, 1>(5000, 100.0, 1.0, params)?,
            errors::<f32, 1>(5000, 100.0, 1.0, params)?,
            errors::<f64, 2>(5000, 100.0, 1.0, params)?,
            errors::<f32, 2>(5000, 100.0, 1.0, params)?,
            errors::<f64, 3>(5000, 20.0, 1.0, params)?,
            errors::<f32, 3>(5000, 20.0, 1.0, params)?,
        );
    }

    println!("\nSpacing and degrees of freedom, 5 000 points of span 100, two dimensions:\n");
    println!("| nodes per unit | f64, ν = 1/2 | f32, ν = 1/2 | f64, ν = 2 | f32, ν = 2 |");
    println!("| --- | --- | --- | --- | --- |");
    for nodes in 1..=6 {
        let params = spacing(nodes);
        println!(
            "| {nodes} | {} | {} | {} | {} |",
            errors::<f64, 2>(5000, 100.0, 0.5, params)?,
            errors::<f32, 2>(5000, 100.0, 0.5, params)?,
            errors::<f64, 2>(5000, 100.0, 2.0, params)?,
            errors::<f32, 2>(5000, 100.0, 2.0, params)?,
        );
    }

    println!("\nSpan at the defaults, 5 000 points, two dimensions:\n");
    println!("| span | f32, ν = 1/2 | f32, ν = 1 | f32, ν = 2 | f64, ν = 1 |");
    println!("| --- | --- | --- | --- | --- |");
    for span in [1e-4, 1e-2, 1.0, 10.0, 30.0, 100.0, 300.0] {
        println!(
            "| {span} | {} | {} | {} | {} |",
            errors::<f32, 2>(5000, span, 0.5, Params::default())?,
            errors::<f32, 2>(5000, span, 1.0, Params::default())?,
            errors::<f32, 2>(5000, span, 2.0, Params::default())?,
            errors::<f64, 2>(5000, span, 1.0, Params::default())?,
        );
    }

    println!(
        "\nDimensions and degrees of freedom at the defaults, f32, 5 000 points of span 100, or 30 for D = 3:\n"
    );
    println!("| ν | D = 1 | D = 2 | D = 3 |");
    println!("| --- | --- | --- | --- |");
    for dof in [0.5, 1.0, 2.0] {
        println!(
            "| {dof} | {} | {} | {} |",
            errors::<f32, 1>(5000, 100.0, dof, Params::default())?,
            errors::<f32, 2>(5000, 100.0, dof, Params::default())?,
            errors::<f32, 3>(5000, 30.0, dof, Params::default())?,
        );
    }

    println!("\nNumber of points at the defaults, span 100, two dimensions:\n");
    println!("| points | f32 | f64 |");
    println!("| --- | --- | --- |");
    for n in [10, 100, 1000, 10_000, 100_000] {
        if n <= 10_000 || !quick {
            println!(
                "| {n} | {} | {} |",
                errors::<f32, 2>(n, 100.0, 1.0, Params::default())?,
                errors::<f64, 2>(n, 100.0, 1.0, Params::default())?,
            );
        }
    }

    println!(
        "\nForms and orders, by the plain mesh of `tsne_testkit::oracle`, f64. Form B, which the library uses at order 4,"
    );
    println!(
        "transforms the force kernels; form A transforms the potential and differentiates the splines that read it."
    );
    by_spacing::<1>(5000, 100.0, 6)?;
    by_spacing::<2>(5000, 100.0, if quick { 2 } else { 6 })?;
    by_spacing::<3>(500, 12.0, if quick { 1 } else { 4 })?;

    println!(
        "\nThe same at three nodes per unit, by degrees of freedom. The library's nodes are closer where ν is below 1."
    );
    by_dof::<1>(5000, 100.0)?;
    by_dof::<2>(5000, if quick { 30.0 } else { 100.0 })?;
    by_dof::<3>(500, 12.0)?;

    println!(
        "\nThe same in two dimensions, by span. Below 50 the nodes are span / 150 apart, as at the defaults."
    );
    let spans = [1e-4, 1e-2, 1.0, 10.0, 30.0, 100.0, 300.0];
    forms_and_orders("5000 points; span", &spans[..if quick { 5 } else { 7 }], |span| Case {
        y: data::clustered_map::<f64, 2>(Seed(1), 5000, span),
        dof: 1.0,
        spacing: (span / 150.0).min(THIRD),
    })?;

    println!("\nThe same in two dimensions at three nodes per unit, by number of points.");
    let counts = [10, 100, 1000, 10_000, 100_000];
    forms_and_orders("span 100; points", &counts[..if quick { 3 } else { 5 }], |n| Case {
        y: data::clustered_map::<f64, 2>(Seed(1), n, 100.0),
        dof: 1.0,
        spacing: THIRD,
    })
}

/// The spacing at the defaults.
const THIRD: f64 = 1.0 / 3.0;

/// What one column of a table of forms and orders is measured on.
struct Case<const D: usize> {
    y: Vec<[f64; D]>,
    dof: f64,
    spacing: f64,
}

fn by_spacing<const D: usize>(n: usize, span: f64, most: usize) -> Result<()> {
    let nodes: Vec<usize> = (1..=most).collect();
    forms_and_orders(&format!("D = {D}, {n} points, span {span}; nodes per unit"), &nodes, |nodes| Case {
        y: data::clustered_map::<f64, D>(Seed(1), n, span),
        dof: 1.0,
        spacing: 1.0 / nodes as f64,
    })
}

fn by_dof<const D: usize>(n: usize, span: f64) -> Result<()> {
    forms_and_orders(&format!("D = {D}, {n} points, span {span}; ν"), &[0.5, 1.0, 2.0], |dof| Case {
        y: data::clustered_map::<f64, D>(Seed(1), n, span),
        dof,
        spacing: THIRD,
    })
}

/// A table of every form and order, with a column for each of `values`.
fn forms_and_orders<V: Copy + Display, const D: usize>(
    title: &str,
    values: &[V],
    case: impl Fn(V) -> Case<D>,
) -> Result<()> {
    let rows: Vec<(&str, MeshForm, usize)> = [("A", MeshForm::Potential), ("B", MeshForm::Forces)]
        .into_iter()
        .flat_map(|(name, form)| (3..=6).map(move |order| (name, form, order)))
        .collect();
    let mut lines: Vec<String> =
        rows.iter().map(|(name, _, order)| format!("| {name}, order {order} |")).collect();
    for &value in values {
        let Case { y, dof, spacing } = case(value);
        let kernel = StudentT::with_dof(dof)?;
        let want = all_pairs(kernel, &y);
        let cells: Vec<String> = rows
            .par_iter()
            .map(|&(_, form, order)| {
                let got = mesh_repulsion(kernel, &y, order, spacing, form);
                compare(&got.forces, got.normalizer, &want)
            })
            .collect();
        for (line, cell) in lines.iter_mut().zip(cells) {
            line.push_str(&format!(" {cell} |"));
        }
    }
    let columns: Vec<String> = values.iter().map(V::to_string).collect();
    println!("\n| {title}: | {} |", columns.join(" | "));
    println!("| --- |{}", " --- |".repeat(values.len()));
    for line in lines {
        println!("{line}");
    }
    Ok(())
}

/// A mesh of that many nodes per unit whatever the span of the map.
fn spacing(nodes: usize) -> Params {
    Params::default().with_n_interpolation_points(nodes).with_min_num_intervals(1)
}

/// Relative errors of the forces, by norm, and of Z.
fn errors<T: Scalar, const D: usize>(n: usize, span: f64, dof: f64, params: Params) -> Result<String> {
    let y = data::clustered_map::<T, D>(Seed(1), n, span);
    let kernel = StudentT::with_dof(dof)?;
    let mut forces = vec![[T::default(); D]; n];
    // A kernel of few degrees of freedom wants a mesh in three dimensions that is beyond the default bound.
    let params = params.with_max_bytes(3 << 30);
    let z = ParticleMesh::new(kernel, params)?.repel(&y, &mut forces)?;
    let y: Vec<[f64; D]> = y.iter().map(|y| y.map(|x| x.to_f64())).collect();
    let forces: Vec<[f64; D]> = forces.iter().map(|force| force.map(|x| x.to_f64())).collect();
    Ok(compare(&forces, z, &all_pairs(kernel, &y)))
}

/// Relative errors of forces, by norm, and of Z, from sums over all pairs.
fn compare<const D: usize>(forces: &[[f64; D]], z: f64, sums: &[([f64; D], f64)]) -> String {
    let (mut off2, mut norm2, mut want_z) = (0.0, 0.0, 0.0);
    for (got, (want, z)) in forces.iter().zip(sums) {
        for axis in 0..D {
            off2 += (got[axis] - want[axis]).powi(2);
            norm2 += want[axis].powi(2);
        }
        want_z += z;
    }
    format!("{:.1e} / {:.1e}", (off2 / norm2).sqrt(), (z / want_z - 1.0).abs())
}

fn all_pairs<const D: usize>(kernel: StudentT, y: &[[f64; D]]) -> Vec<([f64; D], f64)> {
    (0..y.len()).into_par_iter().map(|i| pairs(kernel, y, i)).collect()
}

/// What all other points do to point i: [M7] and its share of [M8].
fn pairs<const D: usize>(kernel: StudentT, y: &[[f64; D]], i: usize) -> ([f64; D], f64) {
    let (mut force, mut z) = ([0.0; D], -1.0);
    for other in y {
        let difference: [f64; D] = std::array::from_fn(|axis| y[i][axis] - other[axis]);
        let d2 = difference.iter().map(|x| x * x).sum();
        let weight = kernel.repulsion(d2);
        for (force, difference) in force.iter_mut().zip(difference) {
            *force += weight * difference;
        }
        z += kernel.similarity(d2);
    }
    (force, z)
}
