//! New points in a finished map: digits it has not seen, their labels told by the digits around them.
#![allow(clippy::print_stdout, reason = "printing is what an example is for")]

use std::error::Error;
use std::sync::Arc;

use tsne::core::{Control, NeighborQuery};
use tsne::neighbors::Exact;
use tsne::{Data, Points, Tsne};
use tsne_testkit::data;

/// The label most of `neighbors` bear.
fn vote(neighbors: &[u32], labels: &[u32]) -> u32 {
    let mut votes = [0; 10];
    neighbors.iter().for_each(|&j| votes[labels[j as usize] as usize] += 1);
    (0_u32..).zip(votes).max_by_key(|&(_, votes)| votes).expect("ten labels").0
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let digits = data::digits();
    let (seen, unseen) = digits.values.split_at(1200 * digits.n_features);
    let (labels, answers) = digits.labels.split_at(1200);

    // A map places new points by the data it was made of; it keeps them when they are handed over as shared data.
    let data = Arc::new(Data::from_row_major(seen.to_vec(), digits.n_features)?);
    let map = Tsne::new().fit(&data)?;
    let new = Points::from_row_major(unseen, digits.n_features)?;
    let placed = map.transform(new)?;
    println!("{} digits in the map, {} placed in it", map.positions().len(), placed.positions().len());
    println!("mean divergence of the new ones {:.4}", placed.kl_divergence());

    let in_map = Exact::new(Points::from_row_major(map.positions().as_flattened(), 2)?)?;
    let around = Points::from_row_major(placed.positions().as_flattened(), 2)?;
    let around = in_map.query(around, 10, &Control::NONE)?;
    let right = answers.iter().enumerate().filter(|&(i, &answer)| vote(around.row(i).0, labels) == answer);
    let share = right.count() as f64 / answers.len() as f64;
    println!("{:.1} % get the right label from the ten digits around them", 100.0 * share);
    assert!(share > 0.9, "new digits find their kind");

    // Each is placed by itself: the first alone comes to lie where it lies now, to the bit.
    let alone = map.transform(Points::from_row_major(&unseen[..digits.n_features], digits.n_features)?)?;
    assert_eq!(alone.positions()[0], placed.positions()[0], "one by one equals all at once");
    Ok(())
}
