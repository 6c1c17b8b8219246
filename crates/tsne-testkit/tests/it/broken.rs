//! Every check fails on implementations broken on purpose, and for the right reason: a test that cannot fail is none.

mod affinities;
mod neighbors;
mod repulsion;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Asserts that `check` panics with a message that contains `reason`.
#[track_caller]
pub(crate) fn fails(reason: &str, check: impl FnOnce()) {
    let Err(panic) = catch_unwind(AssertUnwindSafe(check)) else {
        panic!("a check passed that should have failed with {reason:?}");
    };
    let message = match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(message), _) => message.as_str(),
        (_, Some(message)) => message,
        _ => "a panic without a message",
    };
    assert!(message.contains(reason), "failed with {message:?}, expected {reason:?}");
}
