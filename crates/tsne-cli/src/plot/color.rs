//! Colors in 8-bit sRGB, in linear light, and in OKLab, where distances are those that eyes see.

use std::fmt;

/// An opaque color, 8 bits a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Color(pub(crate) [u8; 3]);

/// As CSS and SVG write it.
impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

impl Color {
    /// The color of 0xRRGGBB.
    #[allow(clippy::cast_possible_truncation, reason = "bytes are cut out")]
    pub(crate) const fn hex(rgb: u32) -> Self {
        Self([(rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8])
    }

    /// This color with a share of another in 0..=1, in sRGB.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
    pub(crate) fn mixed(self, other: Self, share: f64) -> Self {
        let mut channels = self.0;
        for (channel, to) in channels.iter_mut().zip(other.0) {
            *channel = (f64::from(*channel) + (f64::from(to) - f64::from(*channel)) * share).round() as u8;
        }
        Self(channels)
    }

    /// Light of the three channels in 0..=1.
    pub(crate) fn linear(self) -> [f64; 3] {
        self.0.map(|channel| {
            let x = f64::from(channel) / 255.0;
            if x <= 0.04045 { x / 12.92 } else { ((x + 0.055) / 1.055).powf(2.4) }
        })
    }
}

#[cfg(test)]
impl Color {
    pub(crate) const WHITE: Self = Self([255; 3]);

    pub(crate) const fn gray(level: u8) -> Self {
        Self([level; 3])
    }
}

/// Light of one channel as sRGB in 0..=255, not rounded.
pub(crate) fn encoded(light: f64) -> f64 {
    let x = light.clamp(0.0, 1.0);
    255.0 * if x <= 0.003_130_8 { 12.92 * x } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 }
}

/// Linear light in OKLab (Ottosson 2020): lightness, green to red, blue to yellow.
pub(crate) fn oklab(linear: [f64; 3]) -> [f64; 3] {
    let lms = times(
        &[
            [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
            [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
            [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
        ],
        linear.map(|x| x.clamp(0.0, 1.0)),
    );
    times(
        &[
            [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
            [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
            [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
        ],
        lms.map(f64::cbrt),
    )
}

/// Distance in OKLab.
pub(crate) fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// What light becomes to the eyes of people.
pub(crate) type Vision = [[f64; 3]; 3];

pub(crate) const FULL_VISION: Vision = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
/// Without red cones: Machado, Oliveira and Fernandes (2009), severity 1, in linear light.
pub(crate) const PROTANOPIA: Vision = [
    [0.152_286, 1.052_583, -0.204_868],
    [0.114_503, 0.786_281, 0.099_216],
    [-0.003_882, -0.048_116, 1.051_998],
];
/// Without green cones: from the same source.
pub(crate) const DEUTERANOPIA: Vision = [
    [0.367_322, 0.860_646, -0.227_968],
    [0.280_085, 0.672_501, 0.047_413],
    [-0.011_820, 0.042_940, 0.968_881],
];

pub(crate) fn times(matrix: &[[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_goes_there_and_back() {
        for level in 0..=255 {
            let light = Color::gray(level).linear()[0];
            assert!((encoded(light) - f64::from(level)).abs() < 1e-9, "level {level}");
        }
        assert_eq!(Color::hex(0x01_80_ff).to_string(), "#0180ff", "as CSS has it");
    }

    #[test]
    fn white_is_light_without_a_hue() {
        let [lightness, a, b] = oklab(Color::WHITE.linear());
        // The matrices have ten digits.
        assert!((lightness - 1.0).abs() < 1e-6 && a.abs() < 1e-6 && b.abs() < 1e-6, "{lightness} {a} {b}");
        for vision in [PROTANOPIA, DEUTERANOPIA] {
            let seen = times(&vision, [1.0; 3]);
            assert!(seen.iter().all(|x| (x - 1.0).abs() < 1e-5), "white is white to everybody: {seen:?}");
        }
    }
}
