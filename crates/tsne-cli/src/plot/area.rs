//! The rectangle in which the points lie, and how positions become places in it.

/// Least and most height for its width; other maps leave room.
const ASPECTS: std::ops::RangeInclusive<f64> = 0.5..=1.25;

/// A rectangle of the page and a map in it: one scale for both axes, y upwards, all of it whole pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Area {
    /// Upper left corner.
    pub(crate) corner: [f64; 2],
    /// Width and height in pixels.
    pub(crate) size: [f64; 2],
    /// Middle of the map.
    center: [f64; 2],
    /// Pixels per unit.
    scale: f64,
}

impl Area {
    /// A rectangle as wide as `width` and as flat or as tall as the map, within limits, with `padding` pixels inside its
    /// edges.
    pub(crate) fn around(positions: &[[f64; 2]], corner: [f64; 2], width: f64, padding: f64) -> Self {
        let bounds = [0, 1].map(|axis| range(positions.iter().map(|y| y[axis])));
        // Halves, as the whole may be beyond the largest number.
        let half = bounds.map(|(low, high)| high / 2.0 - low / 2.0);
        let center = bounds.map(|(low, high)| low + (high / 2.0 - low / 2.0));
        let padding = padding.min(width / 4.0);
        let inner = width / 2.0 - padding;
        // The smallest numbers there are would make the scale infinite; such a map is a point.
        let aspect = if half[0] < f64::MIN_POSITIVE { *ASPECTS.end() } else { half[1] / half[0] };
        let flat = if half[0].max(half[1]) < f64::MIN_POSITIVE { 1.0 } else { aspect };
        let height = (width * flat.clamp(*ASPECTS.start(), *ASPECTS.end())).round();
        let scale = (0..2)
            .filter(|&axis| half[axis] >= f64::MIN_POSITIVE)
            .map(|axis| ([inner, height / 2.0 - padding][axis] / half[axis]).min(f64::MAX))
            .fold(f64::INFINITY, f64::min);
        let scale = if scale.is_finite() { scale } else { 1.0 };
        Self { corner, size: [width, height], center, scale }
    }

    /// The same rectangle in the corner of the page.
    pub(crate) fn at_origin(self) -> Self {
        Self { corner: [0.0; 2], ..self }
    }

    /// Where on the page a position is.
    pub(crate) fn place(&self, position: [f64; 2]) -> [f64; 2] {
        let [x, y] = [0, 1].map(|axis| (position[axis] - self.center[axis]) * self.scale);
        [self.corner[0] + self.size[0] / 2.0 + x, self.corner[1] + self.size[1] / 2.0 - y]
    }
}

/// Smallest and largest of finite values, (0, 0) if there are none.
pub(crate) fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let bounds = values.filter(|x| x.is_finite()).fold(None, |bounds: Option<(f64, f64)>, x| {
        Some(bounds.map_or((x, x), |(low, high)| (low.min(x), high.max(x))))
    });
    bounds.unwrap_or((0.0, 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_equal_and_no_point_is_clipped() {
        let positions = [[-3.0, 1.0], [5.0, 1.5], [1.0, -0.5], [0.0, 7e300], [-1.7e308, 1.0], [1.7e308, 0.0]];
        for positions in
            [&positions[..1], &positions[..3], &positions[..4], &positions[..], &[[5e-324, 0.0], [0.0; 2]]]
        {
            let padding = 20.0;
            let area = Area::around(positions, [48.0, 90.0], 1280.0, padding);
            for &y in positions {
                let at = area.place(y);
                for axis in [0, 1] {
                    let inside = at[axis] - area.corner[axis];
                    assert!(
                        (padding - 1e-6..=area.size[axis] - padding + 1e-6).contains(&inside),
                        "{y:?} lies at {at:?} in {area:?}"
                    );
                }
            }
        }
        let area = Area::around(&positions[..3], [0.0; 2], 1280.0, 0.0);
        assert_eq!(area.size, [1280.0, 640.0], "a flat map has a flat frame, down to a limit");
        let [a, b, c] = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]].map(|y| area.place(y));
        assert!(((b[0] - a[0]) - (a[1] - c[1])).abs() < 1e-9, "one unit is as long on both axes, y upwards");
        assert_eq!(Area::around(&[], [0.0; 2], 100.0, 5.0).size, [100.0, 100.0], "nothing is square");
    }
}
