//! The edges of a neighbor graph listed by target: who has me among their neighbors?

use std::hint::select_unpredictable;
use std::sync::Mutex;

use rayon::prelude::*;
use tsne_core::{GraphError, Scalar};

use crate::Error;
use crate::blocks::{Blocks, narrow};
use crate::tasks::{Progress, cut, running_sum};
use crate::view::View;

/// Passes over all rows that listing reports.
pub(crate) const PASSES: usize = 1;

/// A row must have this many edges for every thread that lists, as each has a place for every point. This bounds the
/// memory where rows are short.
const EDGES_PER_PLACE: usize = 4;

/// Where the lists of the points and the rows of the symmetric matrix start and end, as in compressed rows.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) lists: Vec<usize>,
    pub(crate) rows: Vec<usize>,
}

impl Incoming {
    /// Sorts the edges of `blocks` and their values in place, by target and then by source, and finds those that go
    /// both ways. Checks that no neighbor is listed twice.
    ///
    /// An entry below the number of points n is a source. Where the source is itself the neighbor at a position of the
    /// point's own row, the entry is n plus that position. A row of the symmetric matrix has the point's neighbors, and
    /// the sources that are not among them.
    pub(crate) fn list<T: Scalar>(
        view: View<'_, T>,
        blocks: &Blocks,
        edges: &mut [u32],
        values: &mut [T],
        progress: &Progress<'_>,
    ) -> Result<Self, Error> {
        let n = view.n_rows();
        let (mut lists, mut rows) = (vec![0; n + 1], vec![0; n + 1]);
        let per_block = blocks.targets_per_block();
        let parts = (cut(edges, blocks.lengths()).zip(cut(values, blocks.lengths())))
            .zip(lists[1..].chunks_mut(per_block).zip(rows[1..].chunks_mut(per_block)));
        let queue = Mutex::new(parts.enumerate().collect::<Vec<_>>().into_iter());
        let longest = blocks.lengths().max().unwrap_or(0);
        // A worker ends with its first error. Blocks are begun in order: that of the first such block is always found.
        let work = |_| {
            let mut sorting = Sorting::new(n, longest);
            loop {
                let next = queue.lock().ok().and_then(|mut queue| queue.next());
                let (block, ((edges, values), (list_lengths, row_lengths))) = next?;
                sorting.sort(blocks, block, edges, values, list_lengths);
                let lengths = (list_lengths as &[usize], row_lengths);
                let n_rows = lengths.0.len();
                let paired = sorting.pair(view, block * per_block, edges, values, lengths);
                let done = paired.map_err(Error::from).and_then(|()| Ok(progress.advance(n_rows)?));
                if let Err(error) = done {
                    return Some((block, error));
                }
            }
        };
        let n_workers = rayon::current_num_threads().min(view.k / EDGES_PER_PLACE).max(1);
        let errors = (0..n_workers).into_par_iter().with_max_len(1).filter_map(work);
        if let Some((_, error)) = errors.min_by_key(|&(block, _)| block) {
            return Err(error);
        }
        Ok(Self { lists: running_sum(lists), rows: running_sum(rows) })
    }
}

/// What it takes to sort a block.
struct Sorting<T> {
    /// For every target of the block the place of its next edge.
    cursors: Vec<usize>,
    /// Source and value of every edge.
    sorted: Vec<(u32, T)>,
    /// For every point 1 + its position in a row, or 0. All 0 between rows.
    places: Vec<u32>,
}

impl<T: Scalar> Sorting<T> {
    /// For `n` points and blocks of `longest` edges at most.
    fn new(n: usize, longest: usize) -> Self {
        Self { cursors: Vec::new(), sorted: vec![(0, T::default()); longest], places: vec![0; n] }
    }

    /// Sorts the edges of a block by a counting pass, and counts those of every target. The sources of a target come in
    /// ascending order.
    fn sort(&mut self, blocks: &Blocks, block: usize, edges: &[u32], values: &[T], lengths: &mut [usize]) {
        for &edge in edges {
            lengths[blocks.split(edge).1] += 1;
        }
        let mut start = 0;
        self.cursors.clear();
        self.cursors.extend(lengths.iter().map(|&length| {
            start += length;
            start - length
        }));
        let (cursors, sorted) = (&mut self.cursors[..], &mut self.sorted[..edges.len()]);
        let mut rest = (edges, values);
        for (first_row, length) in blocks.chunks(block) {
            let ((edges, values), more) =
                ((&rest.0[..length], &rest.1[..length]), (&rest.0[length..], &rest.1[length..]));
            rest = more;
            for (&edge, &value) in edges.iter().zip(values) {
                let (source, target) = blocks.split(edge);
                let cursor = &mut cursors[target];
                sorted[*cursor] = (first_row + source, value);
                *cursor += 1;
            }
        }
    }

    /// Writes the entries and their values, and the lengths of the merged rows.
    fn pair(
        &mut self,
        view: View<'_, T>,
        first_row: usize,
        entries: &mut [u32],
        values: &mut [T],
        (list_lengths, row_lengths): (&[usize], &mut [usize]),
    ) -> Result<(), GraphError> {
        let (n, places) = (narrow(view.n_rows()), &mut self.places[..]);
        let mut to = entries.iter_mut().zip(values);
        let mut start = 0;
        for ((row, &list_length), row_length) in (first_row..).zip(list_lengths).zip(row_lengths) {
            let neighbors = view.neighbors(row);
            for (place, &j) in (1_u32..).zip(neighbors) {
                if std::mem::replace(&mut places[j as usize], place) != 0 {
                    return Err(GraphError::Repeated { row, neighbor: j });
                }
            }
            let list = &self.sorted[start..start + list_length];
            start += list_length;
            *row_length = view.k;
            for (&(source, value), (to_entry, to_value)) in list.iter().zip(&mut to) {
                let place = places[source as usize];
                *row_length += usize::from(place == 0);
                *to_entry = select_unpredictable(place == 0, source, (n - 1).wrapping_add(place));
                *to_value = value;
            }
            for &j in neighbors {
                places[j as usize] = 0;
            }
        }
        Ok(())
    }
}
