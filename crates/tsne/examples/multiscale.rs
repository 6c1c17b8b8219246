//! Small neighborhoods and large ones in one map: two perplexities mixed, against each alone.
#![allow(clippy::print_stdout, reason = "printing is what an example is for")]

use std::error::Error;

use tsne::Tsne;
use tsne::core::{Control, Points};
use tsne::neighbors::Metric;
use tsne::neighbors::quality::{Rows, preservation};
use tsne_testkit::data;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let digits = data::digits().first(700);
    println!("{:<12}{:>10}{:>21}{:>18}", "perplexity", "entries", "10: trustworthiness", "100: continuity");
    let mut continuities = Vec::new();
    for perplexities in [&[10.0][..], &[100.0], &[10.0, 100.0]] {
        let map = Tsne::new().perplexities(perplexities).fit(digits.points())?;
        let positions = Points::from_row_major(map.positions().as_flattened(), 2)?;
        let judged =
            |k| preservation(digits.points(), &Metric::Euclidean, positions, k, Rows::All, &Control::NONE);
        let (near, far) = (judged(10)?.trustworthiness, judged(100)?.continuity);
        continuities.push(far);
        let (name, entries) = (format!("{perplexities:?}"), map.affinities().n_entries());
        println!("{name:<12}{entries:>10}{near:>21.4}{far:>18.4}");
    }
    assert!(
        continuities[2] > continuities[0],
        "large neighborhoods are kept better than by the small scale alone"
    );
    Ok(())
}
