//! Small data sets, and the brute force that indexes are judged by.

use tsne_core::Scalar;

/// Uniform numbers in [0, 1), the same on every machine.
pub(crate) struct Uniform(u64);

impl Uniform {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    pub(crate) fn next(&mut self) -> f64 {
        // Multiplicative congruential generator of Lehmer with a 64-bit state; the high bits are good enough here.
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        ((self.0 >> 40) as f64) / 16_777_216.0
    }
}

/// `n` points in `d` dimensions, uniform in the unit cube.
pub(crate) fn cube(n: usize, d: usize, seed: u64) -> Vec<f64> {
    let mut uniform = Uniform::new(seed);
    (0..n * d).map(|_| uniform.next()).collect()
}

/// The same values in another type.
pub(crate) fn cast<T: Scalar>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&x| T::lit(x)).collect()
}

/// Distances from each query to its `k` nearest points in f64, by sorting all of them.
pub(crate) fn brute_force(
    queries: &[f64],
    points: &[f64],
    d: usize,
    k: usize,
    exclude_self: bool,
) -> Vec<Vec<(f64, u32)>> {
    queries
        .chunks_exact(d)
        .enumerate()
        .map(|(i, query)| {
            let mut row: Vec<(f64, u32)> = (0_u32..)
                .zip(points.chunks_exact(d))
                .filter(|&(j, _)| !(exclude_self && j as usize == i))
                .map(|(j, point)| {
                    // Differences are divided by the largest, so that no square overflows.
                    let largest = query.iter().zip(point).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
                    if largest == 0.0 {
                        return (0.0, j);
                    }
                    let sum: f64 = query.iter().zip(point).map(|(a, b)| ((a - b) / largest).powi(2)).sum();
                    (largest * sum.sqrt(), j)
                })
                .collect();
            row.sort_by(|a, b| a.partial_cmp(b).expect("distances are numbers"));
            row.truncate(k);
            row
        })
        .collect()
}
