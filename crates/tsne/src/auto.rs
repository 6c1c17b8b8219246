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

/// How the repulsion among `n_points` is computed.
pub(crate) fn negative_gradient_method(
    requested: NegativeGradientMethod,
    n_points: usize,
) -> Chosen<NegativeGradientMethod> {
    match requested {
        NegativeGradientMethod::Auto => {
            let why = format!("all pairs of {n_points} points");
            Chosen { value: NegativeGradientMethod::Exact, reason: Reason::Auto(why) }
        }
        value => Chosen { value, reason: Reason::Requested },
    }
}
