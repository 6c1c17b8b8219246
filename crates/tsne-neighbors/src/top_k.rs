//! The k smallest of a stream of distances, ties to the smaller index.

use std::cmp::Ordering;

use tsne_core::Scalar;

/// Keeps the `k` smallest pairs (distance, index) of those offered.
///
/// A buffer of half as many more is filled and then cut back to `k`, which costs a constant number of comparisons an offer; the
/// order in which pairs are offered does not change what is kept.
#[derive(Debug)]
pub(crate) struct TopK<T> {
    k: usize,
    entries: Vec<(T, u32)>,
    bound: (T, u32),
}

impl<T: Scalar> TopK<T> {
    pub(crate) fn new(k: usize) -> Self {
        Self { k, entries: Vec::with_capacity(room(k)), bound: (T::INFINITY, u32::MAX) }
    }

    /// Takes a pair into account.
    #[inline]
    pub(crate) fn offer(&mut self, distance: T, index: u32) {
        if by_distance(&(distance, index), &self.bound) == Ordering::Less {
            self.entries.push((distance, index));
            if self.entries.len() == room(self.k) {
                self.cut();
            }
        }
    }

    /// Writes the pairs kept in ascending order and empties the buffer. Fewer than `k` offers leave the rest of the
    /// output as it was; the number written is returned.
    pub(crate) fn drain_into(&mut self, neighbors: &mut [u32], distances: &mut [T]) -> usize {
        self.entries.sort_unstable_by(by_distance);
        let written = self.entries.len().min(self.k);
        for ((to_neighbor, to_distance), &(distance, index)) in
            neighbors.iter_mut().zip(distances).zip(&self.entries[..written])
        {
            (*to_neighbor, *to_distance) = (index, distance);
        }
        self.entries.clear();
        self.bound = (T::INFINITY, u32::MAX);
        written
    }

    /// Appends the indices of the pairs kept, in no order, and empties the buffer.
    pub(crate) fn drain_indices(&mut self, indices: &mut Vec<u32>) {
        if self.entries.len() > self.k {
            self.cut();
        }
        indices.extend(self.entries.drain(..).map(|(_, index)| index));
        self.bound = (T::INFINITY, u32::MAX);
    }

    #[cold]
    fn cut(&mut self) {
        let (_, &mut kth, _) = self.entries.select_nth_unstable_by(self.k - 1, by_distance);
        self.bound = kth;
        self.entries.truncate(self.k);
    }
}

/// Pairs held in search of `k`.
fn room(k: usize) -> usize {
    k + (k / 2).max(2)
}

/// Order by distance, ties by index. Distances are never NaN.
#[inline(always)]
pub(crate) fn by_distance<T: Scalar>(a: &(T, u32), b: &(T, u32)) -> Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::TopK;

    #[test]
    fn keeps_the_smallest_and_breaks_ties_by_index() {
        for k in 1..6 {
            let mut top = TopK::<f64>::new(k);
            let stream: Vec<(f64, u32)> = (0..40).map(|i| (f64::from(i * 7 % 5), 40 - i)).collect();
            stream.iter().for_each(|&(d, i)| top.offer(d, i));
            let (mut neighbors, mut distances) = (vec![0; k], vec![0.0; k]);
            assert_eq!(top.drain_into(&mut neighbors, &mut distances), k, "k = {k}");
            let mut expected = stream;
            expected.sort_by(|a, b| a.partial_cmp(b).expect("distances are numbers"));
            for (at, &(d, i)) in expected[..k].iter().enumerate() {
                assert_eq!((distances[at], neighbors[at]), (d, i), "k = {k}, position {at}");
            }
        }
    }

    #[test]
    fn reports_a_short_stream() {
        let mut top = TopK::<f32>::new(3);
        top.offer(1.0, 9);
        let (mut neighbors, mut distances) = ([7; 3], [7.0; 3]);
        assert_eq!(top.drain_into(&mut neighbors, &mut distances), 1, "one offer");
        assert_eq!(neighbors, [9, 7, 7], "only the first is written");
    }
}
