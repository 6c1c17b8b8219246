//! Every decision that `auto` takes, as pure functions of the shape of the data.

use crate::plan::{Chosen, Reason};
use crate::{Metric, NegativeGradientMethod, Neighbors};

// Measured: begin
// By hand so far; `cargo xtask bench crossover` writes what is between these lines.
/// Points of 50 features up to which comparing all pairs takes no longer than approximate search.
///
/// `lab knn --input X.npy --method exact|nndescent --k 90 --threads 2` on MNIST digits distorted by affine maps and reduced
/// to 50 components, two cores of a Zen 5, November 2026: 1.9 s against 1.4 at 70 000 points, 10.4 against 5.5 at 200 000.
/// The half second at 70 000 buys the 2 % of neighbors that the descent does not find.
const EXACT_UP_TO: usize = 70_000;
/// Points from which the mesh is faster than all pairs, in one dimension, by the figures of the plane.
const MESH_FROM_ON_A_LINE: usize = 4_000;
/// Points from which the mesh is faster than all pairs, in two dimensions.
///
/// `lab repel --map MAP.npy --method exact|fft --precision f32 --threads 2 --repeat 15` on finished maps of MNIST digits,
/// two cores of a Zen 5, November 2026: 0.3 ms against 0.8 at 1 797 points, 0.8 against 1.8 at 3 000, 5.6 against 2.1 at
/// 5 000, 8.5 against 1.9 at 10 000. Between 3 000 and 5 000 it hardly matters. The tree is faster than both up to some
/// 10 000 points, but less accurate.
const MESH_FROM_IN_THE_PLANE: usize = 4_000;
/// Points from which the tree is faster than all pairs, in three dimensions, by the figures of the plane: a tree in space
/// takes up to four times as long, all pairs a third longer.
const TREE_FROM_IN_SPACE: usize = 4_000;
// Measured: end

/// How neighbors are found among `n_points`, dense or sparse. Sparse points are searched by inverted lists, which are
/// faster than any tree.
pub(crate) fn neighbors(
    requested: Neighbors,
    n_points: usize,
    is_sparse: bool,
    metric: &Metric,
) -> Chosen<Neighbors> {
    let auto = |value, why: String| Chosen { value, reason: Reason::Auto(why) };
    match requested {
        Neighbors::Auto if is_sparse => {
            auto(Neighbors::Exact, format!("exact search serves {n_points} sparse points"))
        }
        Neighbors::Auto if n_points <= EXACT_UP_TO => {
            auto(Neighbors::Exact, format!("exact search serves {n_points} points"))
        }
        Neighbors::Auto => auto(Neighbors::NnDescent, format!("n = {n_points} > {EXACT_UP_TO}")),
        Neighbors::Approx if is_sparse => auto(Neighbors::NnDescent, "approx, of sparse points".into()),
        // The metrics of openTSNE's annoy.
        Neighbors::Approx
            if matches!(
                metric,
                Metric::Euclidean | Metric::Manhattan | Metric::Cosine | Metric::Hamming | Metric::Dot
            ) =>
        {
            auto(Neighbors::Annoy, format!("approx, metric {}", metric.name()))
        }
        Neighbors::Approx => auto(Neighbors::NnDescent, format!("approx, metric {}", metric.name())),
        value => Chosen { value, reason: Reason::Requested },
    }
}

/// How the repulsion among `n_points` in `n_components` dimensions is computed.
pub(crate) fn negative_gradient_method(
    requested: NegativeGradientMethod,
    n_points: usize,
    n_components: usize,
) -> Chosen<NegativeGradientMethod> {
    if requested != NegativeGradientMethod::Auto {
        return Chosen { value: requested, reason: Reason::Requested };
    }
    let (approximate, from) = match n_components {
        1 => (NegativeGradientMethod::Fft, MESH_FROM_ON_A_LINE),
        2 => (NegativeGradientMethod::Fft, MESH_FROM_IN_THE_PLANE),
        _ => (NegativeGradientMethod::BarnesHut, TREE_FROM_IN_SPACE),
    };
    let (value, relation) =
        if n_points < from { (NegativeGradientMethod::Exact, "<") } else { (approximate, "≥") };
    let why = format!("n = {n_points} {relation} {from} for {n_components} components");
    Chosen { value, reason: Reason::Auto(why) }
}
