//! Test support for the tsne crates and for plug-ins: seeded data sets, f64 oracles, conformance checks.
//!
//! Use it as a dev-dependency when you implement one of the seams of `tsne-core`: [`conformance`] holds a `check_*`
//! function for each, [`data`] what to run on, [`oracle`] what the answer is.
//!
//! | module | what it offers |
//! | --- | --- |
//! | [`data`] | blobs, ring, swiss roll, duplicates, far clusters and more, all from a seed; irises and digits; maps |
//! | [`oracle`] | neighbors, P, kernel, Z, forces, gradient and KL by definition, dense, in f64 |
//! | [`finite_diff`] | central differences of the oracle's KL |
//! | [`close`] | comparisons that name the worst entry |
//! | [`threads`] | the same bits from any number of threads; more than one at work |
//! | [`conformance`] | `check_*` for every seam |
//!
//! A repulsion of your own is tested in one call:
//!
//! ```
//! use tsne_core::{BackendError, NegativeGradient, StudentT};
//! use tsne_testkit::conformance::{RepulsionContract, check_negative_gradient};
//!
//! struct AllPairs;
//!
//! impl NegativeGradient<f64, 2> for AllPairs {
//!     fn repel(&mut self, y: &[[f64; 2]], forces: &mut [[f64; 2]]) -> Result<f64, BackendError> {
//!         assert_eq!(y.len(), forces.len());
//!         let mut normalizer = 0.0;
//!         for (i, a) in y.iter().enumerate() {
//!             if !(a[0].is_finite() && a[1].is_finite()) {
//!                 return Err(BackendError::new(format!("position {i} is not finite")));
//!             }
//!             forces[i] = [0.0; 2];
//!             for b in y.iter().enumerate().filter(|&(j, _)| j != i).map(|(_, b)| b) {
//!                 let difference = [a[0] - b[0], a[1] - b[1]];
//!                 let w = 1.0 / (1.0 + difference[0] * difference[0] + difference[1] * difference[1]);
//!                 normalizer += w;
//!                 forces[i][0] += w * w * difference[0];
//!                 forces[i][1] += w * w * difference[1];
//!             }
//!         }
//!         Ok(normalizer)
//!     }
//! }
//!
//! let contract = RepulsionContract::accurate_to(1e-12, 1e-12).with_dofs(&[1.0]);
//! # let contract = contract.with_parallel_points(500);
//! check_negative_gradient(|_kernel: StudentT| Ok(AllPairs), &contract);
//! ```
//!
//! # Chain of trust
//!
//! 1. Cases of two and three points worked out by hand judge the oracle (`tests/it/oracle.rs` here), and finite
//!    differences of its KL judge its gradient.
//! 2. The oracle judges the exact implementations, to a few roundings.
//! 3. The oracle judges the approximations, to the error that each one promises.
//!
//! The oracle shares no code with what it judges, not even `StudentT`'s formulas, and every `check_*` function is
//! itself shown to fail on implementations broken on purpose (`tests/it/broken.rs`).
//!
//! # Tolerances
//!
//! A tolerance is a relative part and a floor, and the reason for both stands beside it. Sums of the oracle are
//! compensated, so its own error is that of single terms, a few 1e-16 of the largest one: demand 1e-13 from f64
//! arithmetic in another order, 1e-5 from f32, and of an approximation what its documentation says. Forces are
//! compared by norm over all points, because single forces cancel to nothing; rows of an affinity matrix relative to
//! the largest entry of the row; claims of determinism bit for bit.
#![forbid(unsafe_code)]

pub mod close;
pub mod conformance;
pub mod data;
pub mod finite_diff;
pub mod oracle;
pub mod threads;
