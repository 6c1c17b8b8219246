//! This crate alone: the nearest neighbors of every iris, and of a flower that is not among them.
#![allow(clippy::print_stdout, reason = "printing is what an example is for")]

use std::error::Error;

use tsne_neighbors::{Control, Exact, Metric, NeighborIndex, NeighborQuery, Points};
use tsne_testkit::data;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let iris = data::iris();
    let kinds = ["setosa", "versicolor", "virginica"];
    let kind = |i: u32| kinds[iris.labels[i as usize] as usize];

    let index = Exact::with_metric(iris.points(), &Metric::Manhattan)?;
    let graph = index.knn_graph(5, &Control::NONE)?;
    let edges = (0_u32..150).flat_map(|i| graph.row(i as usize).0.iter().map(move |&j| (i, j)));
    let mixed = edges.filter(|&(i, j)| kind(i) != kind(j)).count();
    println!("{mixed} of {} edges join flowers of different kinds", graph.neighbors().len());
    assert!(mixed < 75, "neighbors are of a kind, nearly always");

    let flower = [6.0, 2.9, 4.5, 1.5];
    let near = index.query(Points::from_row_major(&flower, 4)?, 3, &Control::NONE)?;
    for (&i, distance) in near.row(0).0.iter().zip(near.row(0).1) {
        println!("at {distance:.2}: {}, {:?}", kind(i), iris.row(i as usize));
    }
    assert_eq!(kind(near.row(0).0[0]), "versicolor", "what this flower is");
    Ok(())
}
