//! Every decision that `auto` takes, as pure functions of the shape of the data.

use crate::plan::{Chosen, Reason};
use crate::{Metric, NegativeGradientMethod, Neighbors};

// Measured: begin
// Written by `cargo xtask bench crossover`; change nothing here.
/// Points up to which comparing all pairs takes no more than twice as long as approximate search: a fair price for
/// missing nothing.
///
/// Milliseconds by exact and nndescent: 193.231 and 276.737 at 10 000, 492.322 and 508.615 at 20 000, 1322.082 and
/// 1143.643 at 40 000, 4709.833 and 2809.881 at 80 000, 13861.807 and 5793.726 at 160 000. The times are the same at
/// 23 000; within a quarter from 13 000 to 46 000. Intel(R) Xeon(R) Processor, 2 threads, 2026-11-28.
const EXACT_UP_TO: usize = 110_000;
/// Points from which the mesh is faster than all pairs, in one dimension.
///
/// Milliseconds by exact and fft: 0.034 and 0.096 at 500, 0.124 and 0.141 at 1 000, 0.509 and 0.187 at 2 000, 3.158
/// and 0.176 at 4 000, 7.213 and 0.253 at 8 000. The times are the same at 1 100; within a quarter from 930 to 1 200.
/// Intel(R) Xeon(R) Processor, 2 threads, 2026-11-28.
const MESH_FROM_ON_A_LINE: usize = 1_100;
/// Points from which the mesh is faster than all pairs, in two dimensions. The tree would be faster than both for
/// some sizes, but it is less accurate.
///
/// Milliseconds by exact and fft: 0.186 and 1.468 at 1 000, 0.947 and 1.376 at 2 000, 2.663 and 2.484 at 4 000,
/// 10.261 and 2.627 at 8 000, 34.989 and 2.692 at 16 000. The times are the same at 3 600; within a quarter from 2
/// 500 to 4 300. Intel(R) Xeon(R) Processor, 2 threads, 2026-11-28.
const MESH_FROM_IN_THE_PLANE: usize = 3_600;
/// Points from which the tree is faster than all pairs, in three dimensions.
///
/// Milliseconds by exact and bh: 0.227 and 0.259 at 1 000, 1.170 and 0.419 at 2 000, 3.423 and 0.912 at 4 000, 13.180
/// and 3.078 at 8 000, 52.653 and 4.126 at 16 000. The times are the same at 1 100; within a quarter from an end of
/// the sizes measured to 1 200. Intel(R) Xeon(R) Processor, 2 threads, 2026-11-28.
const TREE_FROM_IN_SPACE: usize = 1_100;
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
