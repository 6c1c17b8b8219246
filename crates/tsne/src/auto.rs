//! Every decision that `auto` takes, as pure functions of the shape of the data.

use crate::plan::{Chosen, Reason};
use crate::{NegativeGradientMethod, Neighbors};

/// How neighbors are found among `n_points`.
pub(crate) fn neighbors(requested: Neighbors, n_points: usize) -> Chosen<Neighbors> {
    match requested {
        Neighbors::Auto => {
            let why = format!("exact search serves {n_points} points");
            Chosen { value: Neighbors::Exact, reason: Reason::Auto(why) }
        }
        value => Chosen { value, reason: Reason::Requested },
    }
}

/// Points from which the mesh is faster than all pairs, in one and two dimensions.
const MESH_FROM: usize = 8_000;
/// Points from which the tree is faster than all pairs, in three dimensions.
const TREE_FROM: usize = 8_000;

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
        1 | 2 => (NegativeGradientMethod::Fft, MESH_FROM),
        _ => (NegativeGradientMethod::BarnesHut, TREE_FROM),
    };
    let (value, relation) =
        if n_points < from { (NegativeGradientMethod::Exact, "<") } else { (approximate, "≥") };
    let why = format!("n = {n_points} {relation} {from} for {n_components} components");
    Chosen { value, reason: Reason::Auto(why) }
}
