//! A repulsion of one's own, in the place of the methods there are: all pairs, in a dozen plain lines.
#![allow(clippy::print_stdout, reason = "printing is what an example is for")]

use std::error::Error;

use tsne::core::{BackendError, NegativeGradient};
use tsne::{Points, Tsne};
use tsne_testkit::data;

/// All pairs, one after the other. Its kernel is the usual one, which is what [`NegativeGradient::kernel`] says unless
/// told otherwise; the attraction takes the same.
struct AllPairs;

impl NegativeGradient<f64, 2> for AllPairs {
    fn repel(&mut self, y: &[[f64; 2]], forces: &mut [[f64; 2]]) -> Result<f64, BackendError> {
        if let Some(i) = y.iter().position(|y| !y.iter().all(|v| v.is_finite())) {
            return Err(BackendError::new(format!("position {i} is not finite")));
        }
        let mut normalizer = 0.0;
        for i in 0..y.len() {
            forces[i] = [0.0; 2];
            for j in (0..y.len()).filter(|&j| j != i) {
                let difference = [y[i][0] - y[j][0], y[i][1] - y[j][1]];
                let w = 1.0 / (1.0 + difference[0] * difference[0] + difference[1] * difference[1]);
                normalizer += w;
                forces[i][0] += w * w * difference[0];
                forces[i][1] += w * w * difference[1];
            }
        }
        Ok(normalizer)
    }
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let digits = data::digits().first(400);
    let points: Points<'_, f64> = digits.points();
    let config = Tsne::new().n_iter(250);

    let own = config.fit_with(points, &mut AllPairs)?.kl_divergence();
    let theirs = config.fit(points)?.kl_divergence();
    println!("divergence by a repulsion of one's own {own:.4}, by the library's {theirs:.4}");
    // Sums in another order round otherwise, and a descent makes much of little; the quality is the same.
    assert!((own / theirs - 1.0).abs() < 0.05, "the same map but for rounding");
    Ok(())
}
