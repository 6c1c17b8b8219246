//! The scatter matrix of dense points, formed by blocks of rows: its upper half, a panel of columns at a time.

use fearless_simd::{Level, dispatch};
use nalgebra::DMatrix;
use rayon::prelude::*;
use tsne_core::{Control, Interrupted, Scalar};

use super::centered::{Block, Centered};
use crate::eigen::Operator;
use crate::eigen::panel::{Row, Tile, WIDTH, ZEROS, add_gram, multiply_add};

/// Blocks of rows read before they are multiplied; their panels stay in the second cache meanwhile.
const BLOCKS: usize = 16;

/// The scatter matrix Σ (x − μ)(x − μ)ᵀ, whole, as panels of sixteen columns.
#[derive(Debug)]
pub(super) struct Covariance {
    n: usize,
    panels: Vec<Vec<Row>>,
}

impl Covariance {
    /// Of dense points. Every entry is a sum over the points in their order, whatever the number of threads.
    pub(super) fn new<T: Scalar>(
        centered: &Centered<'_, T>,
        control: &Control<'_>,
    ) -> Result<Self, Interrupted> {
        let level = Level::new();
        let (n_points, n) = (centered.n_points(), centered.n_features());
        let n_panels = n.div_ceil(WIDTH);
        // Panel j holds its tiles down to the diagonal.
        let mut panels: Vec<Vec<Tile>> = (0..n_panels).map(|j| vec![[ZEROS; WIDTH]; j + 1]).collect();
        let capacity = centered.block_rows();
        let mut blocks: Vec<Block> = (0..BLOCKS).map(|_| Block::new(n, capacity)).collect();
        for start in (0..n_points).step_by(BLOCKS * capacity) {
            control.tick(start, n_points)?;
            let n_blocks = (n_points - start).div_ceil(capacity).min(BLOCKS);
            let blocks = &mut blocks[..n_blocks];
            blocks.par_iter_mut().enumerate().for_each(|(b, block)| {
                centered.read(level, start + b * capacity, block);
            });
            let blocks = &*blocks;
            // The longest first, so that the threads end together.
            panels.par_iter_mut().rev().enumerate().with_max_len(1).for_each(|(i, tiles)| {
                let right = n_panels - 1 - i;
                for block in blocks {
                    dispatch!(level, simd => {
                        for (left, tile) in tiles.iter_mut().enumerate() {
                            add_gram(simd, block.panel(left), block.panel(right), tile);
                        }
                    });
                }
            });
        }
        Ok(Self { n, panels: mirrored(n, &panels) })
    }

    /// Sum of the variances, times n − 1.
    pub(super) fn trace(&self) -> f64 {
        (0..self.n).map(|i| self.panels[i / WIDTH][i][i % WIDTH]).sum()
    }

    pub(super) fn to_matrix(&self) -> DMatrix<f64> {
        DMatrix::from_fn(self.n, self.n, |i, j| self.panels[j / WIDTH][i][j % WIDTH])
    }
}

impl Operator for Covariance {
    fn n(&self) -> usize {
        self.n
    }

    fn apply(&self, x: &[Row], out: &mut [Row]) {
        let mut tiles = vec![[ZEROS; WIDTH]; self.panels.len()];
        tiles.as_flattened_mut()[..x.len()].copy_from_slice(x);
        let panels: Vec<&[Row]> = self.panels.iter().map(Vec::as_slice).collect();
        out.fill(ZEROS);
        multiply_add(&panels, &tiles, out);
    }
}

/// All `n` rows of each panel, from its tiles down to the diagonal.
fn mirrored(n: usize, upper: &[Vec<Tile>]) -> Vec<Vec<Row>> {
    let entry = |i: usize, j: usize| {
        let (left, right) = (i.min(j), i.max(j));
        upper[right / WIDTH][left / WIDTH][left % WIDTH][right % WIDTH]
    };
    let row = |i: usize, panel: usize| {
        std::array::from_fn(|c| if panel * WIDTH + c < n { entry(i, panel * WIDTH + c) } else { 0.0 })
    };
    (0..upper.len()).into_par_iter().map(|panel| (0..n).map(|i| row(i, panel)).collect()).collect()
}
