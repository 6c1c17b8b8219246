//! `lab peer-tree`: our tree and that of the crate `barnes-hut-tree`, in turns, on the same map.

use anyhow::{Context as _, Result, bail};
use barnes_hut_tree::{BarnesHutTree, Dim, Morton};
use rayon::prelude::*;
use tsne_bh::{BarnesHut, Params};
use tsne_core::{NegativeGradient as _, Scalar as _, StudentT};

use super::threads;
use crate::files::read_matrix;
use crate::measure::{median, on_threads, timed};
use crate::{Args, Report, exact};

pub(super) const USAGE: &str = "\
peer-tree --map Y.npy [--theta 0.5] [--threads N] [--repeat 9]
   Repulsion of a 2-D map in f32, tree included, by tsne-bh and by the crate barnes-hut-tree as the crate bhtsne
   drives it: median times of calls in turns, and both force errors.";

/// Targets over which the force errors are taken.
const SAMPLE: usize = 2048;

pub(super) fn run(mut args: Args) -> Result<Report> {
    let map = read_matrix(&args.path("map")?)?;
    let theta: f64 = args.optional("theta")?.unwrap_or(Params::default().theta);
    let (threads, repeat): (_, usize) = (threads(&mut args)?, args.optional("repeat")?.unwrap_or(9));
    args.finish()?;
    if repeat == 0 {
        bail!("--repeat must be at least 1");
    }
    let rows: Vec<[f64; 2]> = map.to_rows().context("the map must have two columns")?;
    let y: Vec<[f32; 2]> = rows.iter().map(|row| row.map(f32::lit)).collect();
    on_threads(threads, || measure(&y, theta, repeat))
}

fn measure(y: &[[f32; 2]], theta: f64, repeat: usize) -> Result<Report> {
    let mut ours = BarnesHut::new(StudentT::CAUCHY, Params::default().with_theta(theta))?;
    let mut theirs = Peer::new(theta);
    let (mut our_forces, mut their_forces) = (vec![[0.0; 2]; y.len()], vec![[0.0; 2]; y.len()]);
    ours.repel(y, &mut our_forces)?;
    theirs.repel(y, &mut their_forces);
    let (mut our_seconds, mut their_seconds) = (Vec::new(), Vec::new());
    for _ in 0..repeat {
        let (result, seconds) = timed(|| ours.repel(y, &mut our_forces));
        result?;
        our_seconds.push(seconds);
        their_seconds.push(timed(|| theirs.repel(y, &mut their_forces)).1);
    }
    let (our_seconds, their_seconds) = (median(our_seconds), median(their_seconds));

    let y = widened(y);
    let error = |forces| exact::sampled_force_error(StudentT::CAUCHY, &y, &y, &widened(forces), true, SAMPLE);
    let (our_error, their_error) = (error(&our_forces), error(&their_forces));
    let mut report = Report::default();
    report.check("peer-tree/time_ratio", our_seconds / their_seconds, 0.5);
    report.check("peer-tree/error_ratio", our_error / their_error, 1.0);
    report.metric("peer-tree/seconds", our_seconds, "s");
    report.metric("peer-tree/peer_seconds", their_seconds, "s");
    report.metric("peer-tree/force_error", our_error, "1");
    report.metric("peer-tree/peer_force_error", their_error, "1");
    Ok(report)
}

/// The other tree with what it keeps between calls.
struct Peer {
    tree: BarnesHutTree<f32, u64, 2>,
    theta2: f32,
    z: Vec<f32>,
}

impl Peer {
    fn new(theta: f64) -> Self {
        Self { tree: BarnesHutTree::empty(), theta2: f32::lit(theta * theta), z: Vec::new() }
    }

    fn repel(&mut self, y: &[[f32; 2]], forces: &mut [[f32; 2]]) -> f32 {
        let positions = y.as_flattened();
        self.tree.rebuild_uniform(positions);
        self.z.resize(y.len(), 0.0);
        let (tree, theta2) = (&self.tree, self.theta2);
        forces.par_iter_mut().zip(&mut self.z).enumerate().for_each_init(
            <Dim<2> as Morton<2>>::empty_stack,
            |stack, (i, (force, z))| {
                (*force, *z) = ([0.0; 2], 0.0);
                tree.compute_non_edge_forces(i, theta2, positions, force, z, stack.as_mut());
            },
        );
        self.z.iter().sum()
    }
}

fn widened(rows: &[[f32; 2]]) -> Vec<[f64; 2]> {
    rows.iter().map(|row| row.map(f64::from)).collect()
}
