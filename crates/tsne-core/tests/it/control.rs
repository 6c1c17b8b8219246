//! The hook of long stages.

use std::ops::ControlFlow;
use std::sync::Mutex;

use tsne_core::{Control, Interrupted, Tick};

#[test]
fn nobody_listens_unless_asked_to() {
    assert_eq!(Control::NONE.tick(3, 4), Ok(()), "no hook");
    assert_eq!(Control::default().tick(3, 4), Ok(()), "the default is no hook");
    assert_eq!(format!("{:?}", Control::NONE), "Control(none)", "debug");
    assert_eq!(format!("{:?}", Control::new(&|_| ControlFlow::Continue(()))), "Control(hook)", "debug");
}

#[test]
fn the_hook_sees_every_tick_and_may_stop_at_any() {
    let seen = Mutex::new(Vec::new());
    let hook = |tick: Tick| {
        seen.lock().expect("no panics here").push(tick);
        if tick.done < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let control = Control::new(&hook);
    let copy = control;
    assert_eq!(
        [control.tick(0, 3), copy.tick(1, 3), control.tick(2, 3)],
        [Ok(()), Ok(()), Err(Interrupted)],
        "ticks"
    );
    let want: Vec<Tick> = (0..3).map(|done| Tick { done, total: 3 }).collect();
    assert_eq!(seen.into_inner().expect("no panics here"), want, "what the hook saw");
}
