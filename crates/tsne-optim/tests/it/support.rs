//! A P and positions to descend with.

use std::ops::ControlFlow;

use tsne_bh::Exact;
use tsne_core::{Csr, Scalar, Seed, StudentT};
use tsne_optim::{Descent, Progress, State};
use tsne_testkit::{data, oracle};

/// P of `n` points in five clusters at perplexity 10, and random positions of standard deviation `spread`.
pub(crate) fn problem<T: Scalar, const D: usize>(n: usize, spread: f64) -> (Csr<T>, Vec<[T; D]>) {
    let set = data::blobs(Seed(1), n, 8, 5);
    let graph = oracle::knn(set.points(), 30.min(n - 1));
    let p = oracle::joint_probabilities(&graph, 9.0).to_csr();
    let y = data::blobs(Seed(2), n, D, 1).values;
    let scaled = y.as_chunks::<D>().0.iter().map(|y| y.map(|v| T::lit(v * spread))).collect();
    (p, scaled)
}

/// A descent from rest with the exact repulsion.
pub(crate) fn exact<T: Scalar, const D: usize>(
    kernel: StudentT,
    p: Csr<T>,
    y: Vec<[T; D]>,
) -> Descent<T, D, Csr<T>, Exact<T, D>> {
    Descent::new(p, Exact::new(kernel), State::at_rest(y)).expect("the problem is well posed")
}

/// An observer that sees nothing.
pub(crate) fn unobserved<T, const D: usize>(_: &Progress, _: &[[T; D]]) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
