//! Where the connected components of a graph are set down beside each other. \[M67\]

/// The golden angle, by which successive directions in a plane are turned.
const GOLDEN_ANGLE: f64 = 2.399_963_229_728_653;

/// Place of one component.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place<const D: usize> {
    center: [f64; D],
    radius: f64,
}

/// Places of components of these sizes, largest first: balls whose volumes are their shares of the points, the largest
/// at the origin and each other one at the distance at which those before it would fill a ball, on a spiral.
#[allow(clippy::cast_precision_loss, reason = "point counts are below 2^53")]
pub(super) fn places<const D: usize>(sizes: &[usize]) -> Vec<Place<D>> {
    let total = sizes.iter().sum::<usize>().max(1) as f64;
    let mut before = 0.0;
    sizes
        .iter()
        .enumerate()
        .map(|(rank, &size)| {
            let radius = root::<D>(size as f64 / total);
            let distance = if rank == 0 { 0.0 } else { root::<D>(before / total) + radius };
            before += size as f64;
            Place { center: direction::<D>(rank).map(|x| x * distance), radius }
        })
        .collect()
}

impl<const D: usize> Place<D> {
    /// Coordinates moved and scaled to this place: their mean becomes the center, and the root mean square of the
    /// distances from it, the outliers of which are what they may be, half the radius.
    #[allow(clippy::cast_precision_loss, reason = "point counts are below 2^53")]
    pub(super) fn fit(&self, mut coordinates: Vec<[f64; D]>) -> Vec<[f64; D]> {
        let n = coordinates.len() as f64;
        let mut square = 0.0;
        let mut mean = [0.0; D];
        for d in 0..D {
            mean[d] = coordinates.iter().map(|y| y[d]).sum::<f64>() / n;
            square += coordinates.iter().map(|y| (y[d] - mean[d]).powi(2)).sum::<f64>() / n;
        }
        let factor = if square > 0.0 { 0.5 * self.radius / square.sqrt() } else { 0.0 };
        for y in &mut coordinates {
            for d in 0..D {
                y[d] = self.center[d] + (y[d] - mean[d]) * factor;
            }
        }
        coordinates
    }
}

/// Root of order `D`.
fn root<const D: usize>(volume: f64) -> f64 {
    match D {
        1 => volume,
        2 => volume.sqrt(),
        _ => volume.cbrt(),
    }
}

/// Unit vectors, successive ones far apart: both ways in turn on a line, by the golden angle in a plane, on a spiral
/// around a sphere in space.
#[allow(clippy::cast_precision_loss, reason = "component counts are below 2^53")]
fn direction<const D: usize>(rank: usize) -> [f64; D] {
    let turn = rank as f64 * GOLDEN_ANGLE;
    let mut unit = [0.0; D];
    match D {
        1 => unit[0] = if rank.is_multiple_of(2) { -1.0 } else { 1.0 },
        2 => (unit[0], unit[1]) = (turn.cos(), turn.sin()),
        _ => {
            // Heights by the fractional parts of multiples of √2, evenly spread however many there are.
            let height = 2.0 * (rank as f64 * std::f64::consts::SQRT_2).fract() - 1.0;
            let around = (1.0 - height * height).max(0.0).sqrt();
            (unit[0], unit[1], unit[2]) = (around * turn.cos(), around * turn.sin(), height);
        }
    }
    unit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const D: usize>() {
        let places = places::<D>(&[50, 30, 10, 10]);
        assert_eq!(places[0].center, [0.0; D], "the largest is in the middle");
        for (rank, place) in places.iter().enumerate().skip(1) {
            let distance = place.center.iter().map(|x| x * x).sum::<f64>().sqrt();
            assert!(
                distance > places[0].radius + 0.999 * place.radius,
                "component {rank} of {D} dimensions lies outside the largest: {distance}"
            );
            assert!(distance < 2.0, "and not far away: {distance}");
        }
        let volume: f64 = places.iter().map(|place| place.radius.powi(D as i32)).sum();
        assert!((volume - 1.0).abs() < 1e-12, "volumes are shares: {volume}");
    }

    #[test]
    fn places_surround_the_largest() {
        check::<1>();
        check::<2>();
        check::<3>();
    }

    #[test]
    fn coordinates_are_fitted_to_their_place() {
        let place = Place { center: [1.0, -2.0], radius: 4.0 };
        let fitted = place.fit(vec![[10.0, 0.0], [30.0, 0.0]]);
        assert_eq!(
            fitted,
            [[-1.0, -2.0], [3.0, -2.0]],
            "mean at the center, root mean square half the radius"
        );
        assert_eq!(place.fit(vec![[7.0, 7.0]]), [[1.0, -2.0]], "a single point lies at the center");
    }
}
