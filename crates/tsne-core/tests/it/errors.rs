//! Messages say what is wrong and what to change; causes survive being wrapped.

use std::error::Error as StdError;
use std::fmt;

use tsne_core::{BackendError, GraphError, Interrupted, ShapeError, StudentT};

/// A plug-in's own error around another one.
#[derive(Debug)]
struct Wrapped(&'static str, Box<dyn StdError + Send + Sync>);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl StdError for Wrapped {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.1)
    }
}

fn chain(error: &(dyn StdError + 'static)) -> Vec<String> {
    std::iter::successors(Some(error), |&e| e.source()).map(ToString::to_string).collect()
}

#[test]
fn a_backend_error_adds_nothing_to_the_chain() {
    let disk = Wrapped("index file is stale", std::io::Error::other("read failed").into());
    let error = BackendError::new(Wrapped("search failed", disk.into()));
    assert_eq!(chain(&error), ["search failed", "index file is stale", "read failed"], "sources");
    assert_eq!(error.to_string(), "search failed", "display");
    assert!(format!("{error:?}").starts_with("Wrapped(\"search failed\""), "debug shows the error inside");
    assert!(error.get_ref().is::<Wrapped>(), "the error inside, by reference");
    let inner = error.into_inner().downcast::<Wrapped>().expect("the error inside, by value");
    assert_eq!(inner.0, "search failed", "the error inside");
}

#[test]
fn text_is_an_error() {
    assert_eq!(BackendError::new("no index").to_string(), "no index", "a literal");
    assert_eq!(BackendError::new(format!("no index {}", 3)).to_string(), "no index 3", "a string");
    assert_eq!(chain(&BackendError::new("no index")).len(), 1, "text has no cause");
}

#[test]
fn interruption_is_recognized_however_deep() {
    let direct = BackendError::from(Interrupted);
    assert!(direct.is_interrupted(), "itself");
    assert_eq!(direct.to_string(), "stopped on request", "message");
    let once = BackendError::new(Wrapped("search failed", Interrupted.into()));
    assert!(once.is_interrupted(), "as a cause");
    let twice =
        BackendError::new(Wrapped("fit failed", Box::new(Wrapped("search failed", Interrupted.into()))));
    assert!(twice.is_interrupted(), "as the cause of a cause");
    let nested = BackendError::new(BackendError::from(Interrupted));
    assert!(nested.is_interrupted(), "in a backend error inside another");
    let caused = BackendError::new(Wrapped("fit failed", Box::new(BackendError::from(Interrupted))));
    assert!(caused.is_interrupted(), "in a backend error as a cause");
    assert!(!BackendError::new("stopped on request").is_interrupted(), "the words alone are not enough");
    let other = BackendError::new(Wrapped("search failed", "disk full".into()));
    assert!(!other.is_interrupted(), "another cause");
}

#[test]
fn the_question_mark_turns_a_tick_into_a_backend_error() {
    fn stage(control: tsne_core::Control<'_>) -> Result<(), BackendError> {
        control.tick(0, 1)?;
        Ok(())
    }
    let stop = |_| std::ops::ControlFlow::Break(());
    let stopped = stage(tsne_core::Control::new(&stop));
    assert!(stopped.is_err_and(|e| e.is_interrupted()), "stopped");
}

#[test]
fn messages_are_lowercase_without_a_full_stop() {
    let shapes = [
        ShapeError::NotRectangular { len: 5, n_features: 2 },
        ShapeError::NoFeatures,
        ShapeError::LengthMismatch { what: "distances", expected: 4, got: 2 },
        ShapeError::NoNeighbors,
        ShapeError::TooManyPoints { n_points: 5, max: 4 },
        ShapeError::BadOffset { row: 1, offset: 9, min: 0, max: 2 },
        ShapeError::ColumnOutOfRange { row: 1, column: 4, n_columns: 4 },
        ShapeError::UnsortedColumns { row: 0, previous: 2, column: 2 },
    ];
    let graphs = [
        GraphError::OutOfRange { row: 1, neighbor: 3, n_references: 3 },
        GraphError::SelfNeighbor { row: 1 },
        GraphError::Repeated { row: 1, neighbor: 2 },
        GraphError::BadDistance { row: 1, position: 2, distance: -1.0 },
        GraphError::Unsorted { row: 1, position: 2, distance: 0.5 },
    ];
    let others = [StudentT::with_dof(0.0).expect_err("illegal").to_string(), Interrupted.to_string()];
    let all =
        shapes.iter().map(ToString::to_string).chain(graphs.iter().map(ToString::to_string)).chain(others);
    for message in all {
        assert!(message.starts_with(|c: char| c.is_lowercase() || c.is_numeric()), "{message:?}");
        assert!(!message.ends_with('.'), "{message:?}");
    }
    assert_eq!(
        shapes[0].to_string(),
        "5 values are not a whole number of rows of 2; pass n_points * n_features values",
        "the value, the bound, what to change"
    );
}
