//! Colors for classes: ten that people with any color vision can tell apart, and more where there must be more.

use super::raster::Color;

/// Points without a class.
pub(crate) const PLAIN: Color = TEN[0];

/// Ten colors for a white background, those of neighboring classes far apart.
///
/// Found by simulated annealing: the smallest distance between two of them in OKLab is 0.168, and 0.123 under simulated
/// protanopia and deuteranopia (the test below; ten usual colors such as Tableau's come to 0.007).
const TEN: [Color; 10] = [
    Color([0x44, 0x6a, 0xae]),
    Color([0xff, 0x97, 0x13]),
    Color([0x30, 0xa8, 0x9f]),
    Color([0xbb, 0x03, 0x6d]),
    Color([0x83, 0xcb, 0xff]),
    Color([0x73, 0x42, 0x01]),
    Color([0xa9, 0x6c, 0xfc]),
    Color([0x16, 0xe6, 0xab]),
    Color([0x4e, 0x0a, 0xda]),
    Color([0xa7, 0x72, 0x02]),
];

/// Color of class `class` of `n_classes`.
///
/// Beyond ten, hues step around the circle by the golden angle at three lightnesses; neighbors differ, but no such set
/// can be told apart as a whole.
pub(crate) fn class_color(class: usize, n_classes: usize) -> Color {
    if n_classes <= TEN.len() {
        return TEN[class % TEN.len()];
    }
    const GOLDEN_ANGLE: f64 = 2.399_963_229_728_653;
    let lightness = [0.60, 0.78, 0.42][class % 3];
    #[allow(clippy::cast_precision_loss, reason = "classes are few")]
    let hue = (class as f64 * GOLDEN_ANGLE) % std::f64::consts::TAU;
    srgb_of_oklab([lightness, 0.13 * hue.cos(), 0.13 * hue.sin()])
}

/// OKLab (Ottosson 2020) to 8-bit sRGB, clipped.
fn srgb_of_oklab([l, a, b]: [f64; 3]) -> Color {
    let [l, m, s] = [
        l + 0.396_337_777_4 * a + 0.215_803_757_3 * b,
        l - 0.105_561_345_8 * a - 0.063_854_172_8 * b,
        l - 0.089_484_177_5 * a - 1.291_485_548_0 * b,
    ]
    .map(|x| x * x * x);
    let linear = [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ];
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255")]
    Color(linear.map(|x| {
        let x = x.clamp(0.0, 1.0);
        let encoded = if x <= 0.003_130_8 { 12.92 * x } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 };
        (encoded * 255.0).round() as u8
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Machado, Oliveira and Fernandes (2009), severity 1, in linear RGB: what is seen without red or green cones.
    const PROTANOPIA: [[f64; 3]; 3] =
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]];
    const DEUTERANOPIA: [[f64; 3]; 3] =
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]];
    const NORMAL: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

    fn times(matrix: [[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
    }

    fn linear(color: Color) -> [f64; 3] {
        color.0.map(|channel| {
            let x = f64::from(channel) / 255.0;
            if x <= 0.04045 { x / 12.92 } else { ((x + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn oklab(linear: [f64; 3]) -> [f64; 3] {
        let lms = times(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ],
            linear.map(|x| x.clamp(0.0, 1.0)),
        );
        times(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ],
            lms.map(f64::cbrt),
        )
    }

    fn smallest_distance(vision: [[f64; 3]; 3]) -> f64 {
        let seen: Vec<[f64; 3]> = TEN.iter().map(|&color| oklab(times(vision, linear(color)))).collect();
        let distance = |a: &[f64; 3], b: &[f64; 3]| (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt();
        let pairs = seen.iter().enumerate().flat_map(|(i, a)| seen[..i].iter().map(move |b| distance(a, b)));
        pairs.fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn ten_classes_can_be_told_apart_with_any_color_vision() {
        for (vision, name, bound) in
            [(NORMAL, "full", 0.16), (PROTANOPIA, "no red", 0.12), (DEUTERANOPIA, "no green", 0.12)]
        {
            let distance = smallest_distance(vision);
            assert!(
                distance > bound,
                "{name}: two colors are {distance} apart in OKLab, {bound} is asked for"
            );
        }
    }

    #[test]
    fn oklab_goes_there_and_back() {
        for color in TEN {
            assert_eq!(srgb_of_oklab(oklab(linear(color))), color, "{color:?}");
        }
    }

    #[test]
    fn many_classes_have_many_colors() {
        let mut colors: Vec<[u8; 3]> = (0..60).map(|class| class_color(class, 60).0).collect();
        colors.sort_unstable();
        colors.dedup();
        assert_eq!(colors.len(), 60, "no two of sixty classes share a color");
    }
}
