//! A map of a graph: weighted edges in the place of points. The graph is a grid, so that the map can be judged.
#![allow(clippy::print_stdout, reason = "printing is what an example is for")]

use std::error::Error;

use tsne::affinity::Precomputed;
use tsne::{Initialization, Input, Tsne};

const SIDE: u32 = 15;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    // Each node of the grid is tied to the next one to the right and the next one below, each edge named once.
    let edges = (0..SIDE * SIDE).flat_map(|node| {
        let right = (node % SIDE + 1 < SIDE).then_some((node, node + 1, 1.0));
        let below = (node / SIDE + 1 < SIDE).then_some((node, node + SIDE, 1.0));
        right.into_iter().chain(below)
    });
    let edges: Vec<(u32, u32, f64)> = edges.collect();
    let affinities = Precomputed::from_edges((SIDE * SIDE) as usize, edges.iter().copied())?;
    println!("{:?}", affinities.connectivity());

    // The leading eigenvectors of a graph are its broad shape: the right start for a map of it.
    let config = Tsne::new().initialization(Initialization::Spectral).n_iter(750);
    let map = config.fit(Input::from_affinities(affinities))?;
    println!("{}", map.report());

    let y: &[[f64; 2]] = map.positions();
    let apart = |i: u32, j: u32| {
        let (a, b) = (y[i as usize], y[j as usize]);
        (a[0] - b[0]).hypot(a[1] - b[1])
    };
    let along_edges = edges.iter().map(|&(i, j, _)| apart(i, j)).sum::<f64>() / edges.len() as f64;
    let corners = apart(0, SIDE * SIDE - 1);
    println!("an edge is {along_edges:.2} long in the map, opposite corners are {corners:.1} apart");
    assert!(corners > 5.0 * along_edges, "the grid is unfolded");
    Ok(())
}
