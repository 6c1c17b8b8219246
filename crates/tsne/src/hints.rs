//! What a map shows of itself after a run: whether its points have come apart, and whether they have come to rest.

use tsne_core::Scalar;
use tsne_optim::State;

use crate::Warning;

/// A map narrower than this after its descent has not unfolded: it began a few times 1e-4 wide.
const COLLAPSED: f64 = 1e-3;

/// Iterations after which a map should have unfolded. Whoever makes fewer knows.
const SETTLED: usize = 100;

/// A map whose points still move by more than this share of its width in a step has some way to go: finished maps of
/// thousands of points are at a quarter of it.
const MOVING: f64 = 2e-3;

/// What there is to tell of a map after `n_iter` iterations in all.
pub(crate) fn hint<T: Scalar, const D: usize>(state: &State<T, D>, n_iter: usize) -> Option<Warning> {
    if n_iter < SETTLED {
        return None;
    }
    let span = span(&state.positions);
    if span < COLLAPSED {
        return Some(Warning::Collapsed { span, n_iter });
    }
    let share = median_step(&state.velocity) / span;
    (share > MOVING).then_some(Warning::StillMoving { share })
}

/// The longest side of a map.
fn span<T: Scalar, const D: usize>(positions: &[[T; D]]) -> f64 {
    let side = |axis: usize| {
        let values = || positions.iter().map(|y| y[axis].to_f64());
        values().fold(f64::NEG_INFINITY, f64::max) - values().fold(f64::INFINITY, f64::min)
    };
    (0..D).map(side).fold(0.0, f64::max)
}

/// The median length of the last step of each point.
fn median_step<T: Scalar, const D: usize>(velocity: &[[T; D]]) -> f64 {
    let length = |v: &[T; D]| v.iter().map(|x| x.to_f64().powi(2)).sum::<f64>().sqrt();
    let mut steps: Vec<f64> = velocity.iter().map(length).collect();
    let middle = steps.len() / 2;
    let (_, &mut median, _) = steps.select_nth_unstable_by(middle, f64::total_cmp);
    median
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points 0 to 10 on a line, of which all but two take a step of this length.
    fn line(step: f64) -> State<f64, 2> {
        let mut state = State::at_rest((0..11).map(|i| [f64::from(i), 0.0]).collect());
        for velocity in &mut state.velocity[2..] {
            *velocity = [0.6 * step, -0.8 * step];
        }
        state
    }

    #[test]
    fn a_map_moves_when_half_of_its_points_do() {
        assert_eq!(hint(&line(0.019), 500), None, "0.0019 of a width of 10");
        assert_eq!(hint(&line(0.03), 99), None, "hardly begun");
        match hint(&line(0.03), 500) {
            Some(Warning::StillMoving { share }) => assert!((share - 0.003).abs() < 1e-15, "{share}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_map_that_has_not_come_apart_has_collapsed() {
        let state = State::at_rest(vec![[0.0_f32, 0.0], [5e-4, 1e-4]]);
        assert!(matches!(hint(&state, 100), Some(Warning::Collapsed { n_iter: 100, .. })));
    }
}
