//! Morton codes: positions on a grid of a box, the bits of their cells interleaved, and their order (\[M32\]).

use rayon::prelude::*;
use tsne_core::Scalar;

use crate::bounds::Bounds;

/// Points of one parallel task.
const CHUNK: usize = 4096;
/// Bits of a code.
const CODE: u32 = 32;
/// Bits of a digit of the radix sort.
const DIGIT: u32 = 11;
/// Values of a digit.
const RADIX: usize = 1 << DIGIT;
/// Digits of a code.
const PASSES: usize = CODE.div_ceil(DIGIT) as usize;

/// Code and index of a point, the code in the upper half. No two keys are equal, so that there is one order.
pub(crate) type Key = u64;

/// The code of a key.
pub(crate) fn code(key: Key) -> u32 {
    (key >> CODE) as u32
}

/// The index of a key.
#[allow(clippy::cast_possible_truncation, reason = "the lower half is the index")]
pub(crate) fn index(key: Key) -> u32 {
    key as u32
}

/// The bits of a code from which on two codes differ, in whole digits of a 2^D-tree.
#[allow(clippy::cast_possible_truncation, reason = "D is 1, 2 or 3")]
pub(crate) fn branching_shift<const D: usize>(a: u32, b: u32) -> u32 {
    let digit = D as u32;
    (CODE - 1 - (a ^ b).leading_zeros()) / digit * digit
}

/// A grid of 2^bits cells along each axis of a cube.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid<const D: usize> {
    low: [f64; D],
    side: f64,
}

impl<const D: usize> Grid<D> {
    /// Cells along an axis.
    const CELLS: f64 = (1_u64 << (CODE as usize / if D == 0 { 1 } else { D })) as f64;

    /// The grid of the smallest cube from the low corner of a box on; none when the box is a point.
    pub(crate) fn over<T: Scalar>(bounds: &Bounds<T, D>) -> Option<Self> {
        let side = bounds.side().to_f64();
        (side > 0.0).then(|| Self { low: bounds.low.map(T::to_f64), side })
    }

    /// The key of a point of the cube.
    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cell is below 2^CODE")]
    pub(crate) fn key<T: Scalar>(&self, position: &[T; D], index: u32) -> Key {
        let mut code = 0;
        for c in 0..D {
            // Divided first: a side may be too small to have an inverse.
            let cell =
                ((position[c].to_f64() - self.low[c]) / self.side * Self::CELLS).min(Self::CELLS - 1.0);
            code |= dilate::<D>(cell as u32) << c;
        }
        Key::from(code) << CODE | Key::from(index)
    }
}

/// Moves bit b to bit D b.
#[inline]
fn dilate<const D: usize>(cell: u32) -> u32 {
    match D {
        1 => cell,
        2 => {
            let x = cell & 0xFFFF;
            let x = (x | x << 8) & 0x00FF_00FF;
            let x = (x | x << 4) & 0x0F0F_0F0F;
            let x = (x | x << 2) & 0x3333_3333;
            (x | x << 1) & 0x5555_5555
        }
        3 => {
            let x = cell & 0x3FF;
            let x = (x | x << 16) & 0x0300_00FF;
            let x = (x | x << 8) & 0x0300_F00F;
            let x = (x | x << 4) & 0x030C_30C3;
            (x | x << 2) & 0x0924_9249
        }
        _ => unreachable!("trees of other dimensions are refused"),
    }
}

/// Overwrites `keys` with those of all points, in order of their index.
pub(crate) fn fill_keys<T: Scalar, const D: usize>(grid: &Grid<D>, y: &[[T; D]], keys: &mut Vec<Key>) {
    keys.resize(y.len(), 0);
    keys.par_chunks_mut(CHUNK).zip(y.par_chunks(CHUNK)).enumerate().for_each(|(chunk, (keys, y))| {
        for (i, (key, position)) in keys.iter_mut().zip(y).enumerate() {
            *key = grid.key(position, index((chunk * CHUNK + i) as Key));
        }
    });
}

/// Sorts keys that are in order of their index, by code and then by index. Time O(n).
pub(crate) fn sort(keys: &mut Vec<Key>, spare: &mut Vec<Key>) {
    if keys.len() < RADIX {
        keys.sort_unstable();
        return;
    }
    let digit = |key: Key, pass: usize| (code(key) >> (pass * DIGIT as usize)) as usize % RADIX;
    let mut places = [[0_u32; RADIX]; PASSES];
    for &key in keys.iter() {
        for (pass, counts) in places.iter_mut().enumerate() {
            counts[digit(key, pass)] += 1;
        }
    }
    spare.resize(keys.len(), 0);
    // From the last digit to the first; each pass keeps the order of equal digits, the first that of the indices.
    for (pass, places) in places.iter_mut().enumerate() {
        let mut next = 0;
        for place in places.iter_mut() {
            next += std::mem::replace(place, next);
        }
        for &key in keys.iter() {
            let place = &mut places[digit(key, pass)];
            spare[*place as usize] = key;
            *place += 1;
        }
        std::mem::swap(keys, spare);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_interleave_the_bits_of_cells() {
        assert_eq!(dilate::<1>(0xDEAD_BEEF), 0xDEAD_BEEF);
        for bit in 0..16 {
            assert_eq!(dilate::<2>(1 << bit), 1 << (2 * bit));
        }
        for bit in 0..10 {
            assert_eq!(dilate::<3>(1 << bit), 1 << (3 * bit));
        }
        let grid = Grid { low: [-1.0, -1.0], side: 2.0 };
        assert_eq!(code(grid.key(&[-1.0_f64, -1.0], 7)), 0);
        assert_eq!(code(grid.key(&[0.0_f64, -1.0], 7)), 1 << 30);
        assert_eq!(code(grid.key(&[-1.0_f64, 0.0], 7)), 1 << 31);
        assert_eq!(code(grid.key(&[1.0_f64, 1.0], 7)), u32::MAX);
        assert_eq!(index(grid.key(&[1.0_f64, 1.0], 7)), 7);
    }

    #[test]
    fn two_codes_branch_at_their_first_different_digit() {
        assert_eq!(branching_shift::<2>(0b0110, 0b0111), 0);
        assert_eq!(branching_shift::<2>(0b0110, 0b0011), 2);
        assert_eq!(branching_shift::<3>(0, u32::MAX), 30);
        assert_eq!(branching_shift::<1>(0, 1 << 31), 31);
    }

    #[test]
    fn a_radix_sort_is_a_sort() {
        let mut state = 1_u64;
        let mut keys: Vec<Key> = (0..10_000)
            .map(|i| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // Few codes of many, so that some are equal.
                (state >> 33 & 0xF0F0_F0F0) << CODE | i
            })
            .collect();
        let mut expected = keys.clone();
        expected.sort_unstable();
        sort(&mut keys, &mut Vec::new());
        assert_eq!(keys, expected);
    }
}
