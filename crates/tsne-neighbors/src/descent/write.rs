//! From lists of neighbors to a graph, with distances as they are defined.

use rayon::prelude::*;
use tsne_core::{KnnGraph, Scalar};

use super::build::Pool;
use super::lists::{Lists, known};
use crate::direct::Distances;
use crate::error::Error;
use crate::output::Output;
use crate::progress::Progress;
use crate::selection::{index_of, zeros};
use crate::top_k::by_distance;

/// Rows of the graph written at once.
const BATCH: usize = 8192;

/// Rows to a task.
const ROWS: usize = 64;

/// The graph of `lists`, row i of which belongs to point `order[i]`. Lists are given back as the graph grows.
pub(crate) fn write_graph<T: Scalar, D: Distances<T>>(
    direct: &D,
    mut lists: Lists,
    order: &[u32],
    progress: &Progress<'_>,
) -> Result<KnnGraph<T>, Error> {
    let (n, k) = (lists.n_rows(), lists.k());
    let mut output = Output::new(n, k)?;
    let pool = Pool::default();
    while lists.n_rows() > 0 {
        let first = lists.n_rows().saturating_sub(BATCH);
        let mut rows: Vec<(T, u32)> = zeros((lists.n_rows() - first) * k)?;
        // In the order of the lists, whose neighbors are near in memory too.
        let short = rows.par_chunks_mut(ROWS * k).enumerate().map(|(task, rows)| {
            let (mut scratch, mut found, mut short): (D::Scratch, Vec<(T, u32)>, Vec<u32>) = pool.take();
            short.clear();
            for (at, row) in rows.chunks_exact_mut(k).enumerate() {
                let i = first + task * ROWS + at;
                let others = known(lists.row(i)).iter().map(|&entry| order[index_of(entry) as usize]);
                direct.distances_to(order[i] as usize, others, &mut scratch, &mut found)?;
                found.sort_unstable_by(by_distance);
                row[..found.len()].copy_from_slice(&found);
                if found.len() < k {
                    short.push(order[i]);
                }
            }
            let missing = short.clone();
            pool.give_back((scratch, found, short));
            progress.advance(rows.len() / k)?;
            Ok(missing)
        });
        output.unknown.extend(short.collect::<Result<Vec<_>, Error>>()?.concat());
        for (row, &i) in rows.chunks_exact(k).zip(&order[first..]) {
            output.set_row(i, row);
        }
        lists.truncate(first);
    }
    output.complete(direct, true, k, progress)
}
