//! Where the nodes of a mesh are, how many there are, and what they cost (\[M40\], \[M44\]).

use tsne_core::StudentT;

use crate::bins::CHUNK;
use crate::convolve::BUFFERS;
use crate::error::Error;
use crate::fft::good_length;
use crate::lanes::{Complexes, LANES, Real, Row};
use crate::params::Params;
use crate::spline::REACH;

/// Columns of the mesh that one block owns: the stencil of a point that starts in them ends within the lanes.
pub(crate) const BLOCK: usize = LANES - REACH + 1;

/// Nodes kept free beyond those that points reach, where the kernel bends to its periodic continuation (\[M43\]). The
/// correction of the spectrum spreads what happens there by a factor 0.535 per node.
pub(crate) const MARGIN: usize = 8;

/// Bytes of fields that the points of one bin meet: they stay in the first-level cache.
const BIN_BYTES: usize = 16 << 10;

/// Most pieces that are worked on at once, as far as the bound on memory goes.
const MAX_AT_ONCE: usize = 64;

/// Steps per octave of the ladder of spacings for maps of fewer cells than asked for.
const STEPS_PER_OCTAVE: f64 = 4.0;

/// Nodes along the three axes that transforms know. Maps of fewer dimensions lack the middle axis, then the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Lengths of the transforms.
    pub(crate) nodes: [usize; 3],
    /// Nodes that points reach.
    pub(crate) used: [usize; 3],
}

impl Shape {
    /// Blocks of columns.
    pub(crate) fn blocks(&self) -> usize {
        (self.used[2] + 1 - REACH).div_ceil(BLOCK)
    }

    /// Columns that blocks cover, at most the length of the last axis.
    pub(crate) fn columns(&self) -> usize {
        BLOCK * self.blocks() + REACH - 1
    }

    /// Signs of the twist along the middle axis.
    pub(crate) fn twists(&self) -> usize {
        if self.nodes[1] > 1 { 2 } else { 1 }
    }

    /// Lines along the last axis for one sign of the middle twist, rounded up to whole vectors.
    pub(crate) fn padded_lines(&self) -> usize {
        (self.nodes[0] * self.nodes[1]).next_multiple_of(LANES)
    }

    /// Bundles of sixteen lines along the last axis.
    pub(crate) fn bundles(&self) -> usize {
        self.twists() * self.padded_lines() / LANES
    }

    /// Rows of a block that points reach.
    pub(crate) fn rows(&self) -> usize {
        self.used[0] * self.used[1]
    }

    /// Numbers in each buffer of a piece of work.
    pub(crate) fn scratch_len(&self) -> usize {
        self.padded_lines().max(self.nodes[0] * self.used[1]).max(self.nodes[2])
    }

    /// Layers of nodes along the first axis whose fields the points of one bin meet, as a power of 2.
    pub(crate) fn log2_bin_layers(&self, field_bytes: usize) -> u32 {
        (BIN_BYTES / (self.used[1] * LANES * field_bytes)).max(1).ilog2()
    }

    /// Bins of points in a block.
    pub(crate) fn bins_per_block(&self, field_bytes: usize) -> usize {
        (self.used[0] >> self.log2_bin_layers(field_bytes)) + 1
    }
}

/// Numbers of fields that take memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Fields transformed together.
    pub(crate) transformed: usize,
    /// Fields kept at all nodes.
    pub(crate) kept: usize,
}

/// A mesh laid around points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid<T, const D: usize> {
    /// Where the second node is along each axis; the first is one spacing before.
    pub(crate) lower: [T; D],
    /// Distance between nodes.
    pub(crate) spacing: f64,
    pub(crate) shape: Shape,
    /// Bytes still allowed beyond what the mesh takes.
    pub(crate) spare_bytes: f64,
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "counts are checked against the memory bound as floats before they become integers"
)]
impl<T: Real, const D: usize> Grid<T, D> {
    /// A mesh over the box from `lower` to `upper` for `n_points` points and the fields `terms` counts.
    ///
    /// # Errors
    /// [`Error::MeshTooLarge`] when it takes more memory than `params` allow.
    pub(crate) fn new(
        lower: [T; D],
        upper: [T; D],
        n_points: usize,
        terms: Terms,
        kernel: StudentT,
        params: &Params,
    ) -> Result<Self, Error> {
        const { assert!(1 <= D && D <= 3, "meshes have 1, 2 or 3 dimensions") };
        let extents: [f64; D] = std::array::from_fn(|axis| upper[axis].to_f64() - lower[axis].to_f64());
        let extent = extents.iter().fold(0.0, |a: f64, &b| a.max(b));
        let spacing = rung(params, extent, kernel.dof().sqrt()).max(T::MIN_SPACING);
        let too_large = |bytes| Error::MeshTooLarge { extent, bytes, max_bytes: params.max_bytes };

        // As floats first: nothing overflows, and what passes is small enough for integers.
        let nodes: f64 = extents.iter().map(|e| e / spacing + (REACH + MARGIN) as f64).product();
        let least = nodes * (size_of::<T>() * (terms.transformed + 2)) as f64;
        let countable = extent / spacing <= f64::from(i32::MAX / 2);
        if least > params.max_bytes as f64 || least.is_nan() || !countable {
            return Err(too_large(least));
        }
        let mut shape = Shape { nodes: [1; 3], used: [1; 3] };
        for axis in 0..D {
            let place = place::<D>(axis);
            // The last stencil starts at the last whole spacing.
            let used = (extents[axis] / spacing) as usize + REACH;
            shape.used[place] = used;
            let covered = if place == 2 { shape.columns() } else { 0 };
            shape.nodes[place] = good_length((used + MARGIN).max(covered));
        }
        let bytes = Self::bytes(&shape, n_points, terms);
        let spare_bytes = params.max_bytes as f64 - bytes;
        if spare_bytes >= 0.0 {
            Ok(Self { lower, spacing, shape, spare_bytes })
        } else {
            Err(too_large(bytes))
        }
    }

    /// Bytes of everything that is kept for the mesh, whatever the number of threads.
    fn bytes(shape: &Shape, n_points: usize, terms: Terms) -> f64 {
        let product = |counts: &[usize]| counts.iter().map(|&n| n as f64).product::<f64>();
        let complexes = size_of::<Complexes<T>>();
        let lines = shape.twists() * shape.padded_lines();
        let spread = product(&[shape.blocks(), lines, complexes]);
        let fields = product(&[terms.transformed, shape.bundles(), shape.columns(), complexes]);
        let kept = product(&[terms.kept, shape.blocks(), shape.rows(), size_of::<Row<T>>()]);
        // One for each force and the potential; they are built in f64, one at a time.
        let spectra =
            product(&[shape.padded_lines(), shape.nodes[2], (D + 1) * size_of::<T>() + size_of::<f64>()]);
        let pieces = shape.blocks().max(shape.bundles()).min(MAX_AT_ONCE);
        let scratch = product(&[pieces, shape.scratch_len(), BUFFERS * complexes])
            + product(&[pieces, shape.rows(), (D + 1) * size_of::<Row<T>>()]);
        let points = product(&[n_points, 3 * D * size_of::<T>() + 2 * size_of::<u32>()]);
        let n_bins = shape.blocks() * shape.bins_per_block(D * size_of::<T>());
        let bins = product(&[n_points.div_ceil(CHUNK), n_bins, 2 * size_of::<u32>()]);
        spread + fields + kept + spectra + scratch + points + bins
    }
}

/// The place of an axis of the map among the three axes of transforms.
pub(crate) const fn place<const D: usize>(axis: usize) -> usize {
    if axis + 1 == D { 2 } else { axis }
}

/// The spacing for a map of this `extent`: the literal one, or below `min_num_intervals` cells the next lower rung of a
/// ladder, so that a growing map does not need new spectra at every step.
fn rung(params: &Params, extent: f64, width: f64) -> f64 {
    let widest = params.spacing(f64::INFINITY, width);
    let literal = params.spacing(extent, width);
    if literal >= widest {
        return widest;
    }
    let below = (STEPS_PER_OCTAVE * (widest / literal).log2()).ceil();
    widest * (-below / STEPS_PER_OCTAVE).exp2()
}
