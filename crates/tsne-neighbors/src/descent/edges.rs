//! The edges that a search follows (\[M59\]): of the neighbors those that no nearer one leads to, and the way back.

use rayon::prelude::*;

use super::build::Pool;
use super::compare::{Compare, entry, key_of};
use super::lists::{Lists, known};
use crate::error::Error;
use crate::progress::Progress;
use crate::selection::index_of;

/// Rows to a task.
const ROWS: usize = 64;

/// Most edges of a point.
const MAX_DEGREE: usize = 32;

/// Edges from every point, the nearest end first.
#[derive(Debug)]
pub(crate) struct Edges {
    /// Where the edges of each point begin, and where the last end.
    starts: Vec<usize>,
    ends: Vec<u32>,
}

impl Edges {
    /// Edges along the `lists` of neighbors of the points that `compare` compares.
    pub(crate) fn new(compare: &impl Compare, lists: &Lists, progress: &Progress<'_>) -> Result<Self, Error> {
        let leading = Self::collect(compare, lists.n_rows(), progress, |i, _, to| {
            to.extend_from_slice(known(lists.row(i as usize)));
            Ok(())
        })?;
        let back = leading.reversed();
        Self::collect(compare, lists.n_rows(), progress, |i, buffers, to| {
            let others = &mut buffers.others;
            others.clear();
            others.extend_from_slice(leading.of(i));
            others.extend_from_slice(back.of(i));
            compare.each(i, others, &mut buffers.compared, &mut buffers.keys)?;
            to.extend(others.iter().zip(&buffers.keys).map(|(&j, &key)| entry(key, j)));
            to.sort_unstable();
            to.dedup();
            Ok(())
        })
    }

    /// Those edges to the entries that `candidates` appends for each point, ascending, that no shorter edge leads to.
    fn collect<C: Compare>(
        compare: &C,
        n: usize,
        progress: &Progress<'_>,
        candidates: impl Fn(u32, &mut Buffers<C>, &mut Vec<u64>) -> Result<(), Error> + Sync,
    ) -> Result<Self, Error> {
        let pool = Pool::default();
        let tasks: Vec<usize> = (0..n.div_ceil(ROWS)).collect();
        let parts = tasks.into_par_iter().map(|task| {
            let (mut buffers, mut entries): (Buffers<C>, Vec<u64>) = pool.take();
            let (mut degrees, mut ends) = (Vec::with_capacity(ROWS), Vec::new());
            for i in task * ROWS..n.min((task + 1) * ROWS) {
                progress.advance(0)?;
                let first = ends.len();
                entries.clear();
                candidates(
                    u32::try_from(i).expect("points are numbered by u32"),
                    &mut buffers,
                    &mut entries,
                )?;
                for &entry in &entries {
                    let shorter = &ends[first..];
                    if shorter.len() == MAX_DEGREE {
                        break;
                    }
                    let Buffers { compared, keys, .. } = &mut buffers;
                    compare.each(index_of(entry), shorter, compared, keys)?;
                    if keys.iter().all(|&key| key >= key_of(entry)) {
                        ends.push(index_of(entry));
                    }
                }
                degrees.push(ends.len() - first);
            }
            pool.give_back((buffers, entries));
            Ok((degrees, ends))
        });
        let parts = parts.collect::<Result<Vec<_>, Error>>()?;
        let mut starts = vec![0];
        let mut ends = Vec::with_capacity(parts.iter().map(|(_, ends)| ends.len()).sum());
        for (degrees, part) in parts {
            for degree in degrees {
                starts.push(starts[starts.len() - 1] + degree);
            }
            ends.extend(part);
        }
        Ok(Self { starts, ends })
    }

    /// The same edges the other way.
    fn reversed(&self) -> Self {
        let n = self.starts.len() - 1;
        let mut starts = vec![0; n + 1];
        for &j in &self.ends {
            starts[j as usize + 1] += 1;
        }
        for i in 0..n {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut ends = vec![0; self.ends.len()];
        for i in 0..n {
            let i = u32::try_from(i).expect("points are numbered by u32");
            for &j in self.of(i) {
                ends[next[j as usize]] = i;
                next[j as usize] += 1;
            }
        }
        Self { starts, ends }
    }

    /// Where edges from point `i` lead.
    #[inline(always)]
    pub(crate) fn of(&self, i: u32) -> &[u32] {
        &self.ends[self.starts[i as usize]..self.starts[i as usize + 1]]
    }
}

struct Buffers<C: Compare> {
    others: Vec<u32>,
    keys: Vec<u32>,
    compared: C::Buffers,
}

impl<C: Compare> Default for Buffers<C> {
    fn default() -> Self {
        Self { others: Vec::new(), keys: Vec::new(), compared: C::Buffers::default() }
    }
}

#[cfg(test)]
mod tests {
    use tsne_core::Control;

    use super::super::compare::{ByFeatures, Compare, entry};
    use super::super::lists::Lists;
    use super::Edges;
    use crate::coordinates::Coordinates;
    use crate::kernels::{Floats, Product};
    use crate::progress::Progress;

    /// Edges along the `k` nearest of points along a line, in the order of the line.
    fn edges_along_a_line(places: &[f64], k: usize) -> Edges {
        let rows = Coordinates::<f32>::from_rows(places.len(), 1, |range, rows| rows.extend(&places[range]));
        let kernel = Floats::<Product>::new(1).expect("few features");
        let compare = ByFeatures { kernel: &kernel, rows: &rows, indexed: &rows };
        let mut lists = Lists::new(places.len(), k).expect("there is memory");
        let (mut buffers, mut keys) = Default::default();
        for (i, list) in (0..).zip(lists.entries_mut().chunks_exact_mut(k)) {
            let others: Vec<u32> = (0..).take(places.len()).filter(|&j| j != i).collect();
            compare.each(i, &others, &mut buffers, &mut keys).expect("places are finite");
            let mut found: Vec<u64> = others.iter().zip(&keys).map(|(&j, &key)| entry(key, j)).collect();
            found.sort_unstable();
            list.copy_from_slice(&found[..k]);
        }
        let control = Control::NONE;
        Edges::new(&compare, &lists, &Progress::new(&control, 1)).expect("nobody interrupts")
    }

    #[test]
    fn edges_along_a_line_lead_to_the_next_on_either_side() {
        let places: Vec<f64> = (0..40).map(|i| f64::from(i) + 0.01 * f64::from(i % 7)).collect();
        let edges = edges_along_a_line(&places, 10);
        for i in 1..39 {
            let mut ends = edges.of(i).to_vec();
            ends.sort_unstable();
            assert_eq!(ends, [i - 1, i + 1], "of point {i}");
        }
        assert_eq!((edges.of(0), edges.of(39)), (&[1][..], &[38][..]));
    }

    #[test]
    fn a_far_point_is_reached_by_the_way_back() {
        let mut places: Vec<f64> = (0..30).map(f64::from).collect();
        places.push(1000.0);
        let edges = edges_along_a_line(&places, 5);
        assert!(
            edges.of(29).contains(&30),
            "its neighbors have nearer ones, but an edge from it is one to it"
        );
    }
}
