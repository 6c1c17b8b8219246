//! What every implementation of a seam of `tsne-core` promises, as functions that its tests call.
//!
//! | you implement | call |
//! | --- | --- |
//! | `NeighborIndex` | [`check_neighbor_index`] |
//! | `NeighborQuery` | also [`check_neighbor_query`] |
//! | `Affinities` that are a joint distribution | [`check_affinities`] |
//! | ... that have one row a new point | [`check_new_rows`] |
//! | `ToNew` | also [`check_to_new`] |
//! | `NegativeGradient` | [`check_negative_gradient`], for each scalar and number of dimensions you support |
//! | `ReferenceField` | [`check_reference_field`], likewise |
//!
//! Each panics with what was broken, on which input, and by how much.

mod affinities;
mod neighbors;
mod repulsion;

pub use affinities::{check_affinities, check_new_rows, check_to_new};
pub use neighbors::{NeighborContract, check_neighbor_index, check_neighbor_query};
pub use repulsion::{RepulsionContract, check_negative_gradient, check_reference_field};

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use tsne_core::{BackendError, Control, Tick};

/// Asserts that `stage` calls its hook, with counts that make sense, and ends as interrupted when told to stop.
fn check_interruption<R>(what: &str, stage: impl Fn(&Control<'_>) -> Result<R, BackendError>) {
    let (calls, nonsense, furthest) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let count = |tick: Tick| {
        calls.fetch_add(1, Ordering::Relaxed);
        furthest.fetch_max(tick.done, Ordering::Relaxed);
        nonsense.fetch_add(usize::from(tick.done > tick.total), Ordering::Relaxed);
    };
    let listen = |tick| {
        count(tick);
        ControlFlow::Continue(())
    };
    let listened = stage(&Control::new(&listen));
    assert!(listened.is_ok(), "{what}: failed under a hook that lets it go on: {:?}", listened.err());
    assert!(calls.load(Ordering::Relaxed) > 0, "{what}: never called its hook");
    assert_eq!(nonsense.into_inner(), 0, "{what}: reported more done than there is");
    assert!(furthest.into_inner() > 0, "{what}: never reported anything done");

    match stage(&Control::new(&|_| ControlFlow::Break(()))) {
        Ok(_) => panic!("{what}: went on although its hook said to stop"),
        Err(error) => {
            assert!(error.is_interrupted(), "{what}: told to stop, but failed with: {error}");
        }
    }
}

/// Asserts that `call` returns an error: neither a result nor a panic.
fn check_refused<R>(what: &str, call: impl FnOnce() -> Result<R, BackendError>) {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Err(error)) => {
            let message = error.to_string();
            assert!(!message.is_empty(), "{what}: refused without a message");
            assert!(!error.is_interrupted(), "{what}: reported as interrupted: {message}");
        }
        Ok(Ok(_)) => panic!("{what}: accepted, must be an error"),
        Err(_) => panic!("{what}: panicked, must be an error"),
    }
}

/// Asserts that `call` panics, as for a mistake in the calling code.
fn check_panics<R>(what: &str, call: impl FnOnce() -> R) {
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err(), "{what}: must panic");
}
