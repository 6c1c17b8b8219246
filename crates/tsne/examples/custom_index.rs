//! A map of things that are no points: words, by how many letters must change to make one of the other.
#![allow(clippy::print_stdout, reason = "printing is what an example is for")]

use std::error::Error;

use tsne::core::{BackendError, Control, KnnGraph, NeighborIndex};
use tsne::{Initialization, Input, Tsne};

/// Finds the nearest words by comparing all.
struct Words(Vec<String>);

impl NeighborIndex<f64> for Words {
    fn n_points(&self) -> usize {
        self.0.len()
    }

    fn knn_graph(&self, k: usize, _control: &Control<'_>) -> Result<KnnGraph<f64>, BackendError> {
        let n = self.0.len();
        if k == 0 || k >= n {
            return Err(BackendError::new(format!("k = {k} is outside 1..{n}")));
        }
        let (mut neighbors, mut distances) = (Vec::new(), Vec::new());
        for (i, word) in (0_u32..).zip(&self.0) {
            let others = (0_u32..).zip(&self.0).filter(|&(j, _)| j != i);
            let mut row: Vec<(usize, u32)> = others.map(|(j, other)| (edits(word, other), j)).collect();
            row.sort_unstable(); // nearest first, ties by index
            neighbors.extend(row[..k].iter().map(|&(_, j)| j));
            distances.extend(row[..k].iter().map(|&(edits, _)| edits as f64));
        }
        KnnGraph::from_parts(k, neighbors, distances).map_err(BackendError::new)
    }
}

/// Letters to be inserted, dropped or replaced (Levenshtein).
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let stems = ["walk", "paint", "listen", "explain", "travel", "gather", "wander", "question"];
    let endings = ["", "s", "ed", "ing", "er", "ers", "able"];
    let words = stems.iter().flat_map(|stem| endings.map(|ending| format!("{stem}{ending}"))).collect();
    let index = Words(words);

    // Without points there are no principal components to start from.
    let config = Tsne::new().perplexity(5.0).initialization(Initialization::Spectral);
    let map = config.fit(Input::from_index(&index))?;
    println!("{}", map.report());

    let nearest = |i: usize| {
        let y = map.positions();
        let distance = |j: &usize| (y[i][0] - y[*j][0]).hypot(y[i][1] - y[*j][1]);
        let others = (0..y.len()).filter(|&j| j != i);
        others.min_by(|a, b| distance(a).total_cmp(&distance(b))).expect("there are others")
    };
    let mut same_stem = 0;
    for i in 0..index.0.len() {
        same_stem += usize::from(nearest(i) / endings.len() == i / endings.len());
        if i % endings.len() == 3 {
            println!("nearest to {:<12}{}", index.0[i], index.0[nearest(i)]);
        }
    }
    println!("{same_stem} of {} words lie next to one of the same stem", index.0.len());
    assert!(4 * same_stem > 3 * index.0.len(), "stems stay together");
    Ok(())
}
