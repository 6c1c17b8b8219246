//! What a fit would do, and why, before anything is computed.
#![allow(clippy::print_stdout, reason = "printing is what an example is for")]

use std::error::Error;

use tsne::{NegativeGradientMethod, Reason, Tsne};

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    // A plan is a function of the configuration and of the number of points and features.
    for (n_points, n_features) in [(150, 4), (70_000, 784), (1_000_000, 50)] {
        println!("{}", Tsne::new().plan(n_points, n_features)?);
    }
    println!("in three dimensions:\n{}", Tsne::new().n_components::<3>().plan(70_000, 784)?);

    // It is a value besides: a program can act on it.
    let plan = Tsne::new().perplexity(30.0).plan(40, 4)?;
    assert_eq!(plan.perplexities, [13.0], "40 points have too few neighbors for a perplexity of 30");
    let tree = Tsne::new().negative_gradient_method(NegativeGradientMethod::BarnesHut).plan(70_000, 784)?;
    assert_eq!(tree.negative_gradient_method.reason, Reason::Requested, "auto has no part in it");

    // What cannot be is refused here already, with a stable code and what would be legal.
    let refused = Tsne::new().theta(-1.0).plan(1000, 10).expect_err("theta is at least 0");
    println!("{}: {refused}", refused.code().unwrap_or("no code"));
    Ok(())
}
