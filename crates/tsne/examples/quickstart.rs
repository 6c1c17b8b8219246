//! A map of handwritten digits, and how pure the neighborhoods in it are.
#![allow(clippy::print_stdout, reason = "printing is what an example is for")]

use std::error::Error;

use tsne::core::{Control, NeighborIndex};
use tsne::neighbors::Exact;
use tsne::{Points, Tsne};
use tsne_testkit::data;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    // 600 digits of 64 pixels, row after row. Any slice of f32, f64 or bytes will do.
    let digits = data::digits().first(600);
    let pixels: Vec<f32> = digits.to_f32();

    let map = Tsne::new().random_state(42).fit(Points::from_row_major(&pixels, 64)?)?;
    println!("{}", map.report());

    // The map knows nothing of the labels; how often do the ten nearest in it bear the same one?
    let positions: &[[f32; 2]] = map.positions();
    let in_map = Exact::new(Points::from_row_major(positions.as_flattened(), 2)?)?;
    let graph = in_map.knn_graph(10, &Control::NONE)?;
    let same = (0..positions.len())
        .flat_map(|i| graph.row(i).0.iter().map(move |&j| (i, j as usize)))
        .filter(|&(i, j)| digits.labels[i] == digits.labels[j])
        .count();
    let percent = 100 * same / graph.neighbors().len();
    println!("{percent} % of the ten nearest in the map show the same digit");
    assert!(percent > 80, "digits of a kind lie together");
    Ok(())
}
