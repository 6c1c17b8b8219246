//! Watching a fit: a learning curve, and a run that ends when it no longer gets better.
#![allow(clippy::print_stdout, reason = "printing is what an example is for")]

use std::error::Error;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use tsne::{Iteration, StopReason, StopWhenSettled, Tsne};
use tsne_testkit::data;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let digits = data::digits().first(400);

    // Callbacks are shared by a fit and its maps, so what they remember is behind a lock.
    let curve: Arc<Mutex<Vec<(usize, f64)>>> = Arc::default();
    let pen = Arc::clone(&curve);
    let draw = move |seen: &Iteration<'_, 2>| {
        pen.lock().expect("no one panics while drawing").push((seen.iteration, seen.kl_divergence));
        ControlFlow::Continue(())
    };
    let mut map = Tsne::new().callback(draw).callbacks_every_iters(50).fit(digits.points())?;
    let curve = curve.lock().expect("no one panics while drawing").clone();
    for (iteration, kl) in &curve {
        println!(
            "iteration {iteration:>3}: KL {kl:.4} {}",
            "#".repeat((1..60).filter(|&i| f64::from(i) < 20.0 * kl).count())
        );
    }
    assert_eq!(curve.len(), 5 + 10, "250 iterations of early exaggeration and 500 more, a look every 50");

    // The stopping rule is for those who want one: up to 5 000 further iterations, as long as they are worth it.
    let further = map.optimization().no_callbacks().n_iter(5000).callback(StopWhenSettled::new(1e-3, 2));
    match map.optimize(&further)? {
        StopReason::Interrupted { iteration } => println!("settled after {iteration} more iterations"),
        other => println!("{other:?}"),
    }
    println!("KL {:.4} after {} iterations in all", map.kl_divergence(), map.report().n_iter);
    assert!(map.kl_divergence() <= curve[curve.len() - 1].1, "further iterations do no harm");
    Ok(())
}
