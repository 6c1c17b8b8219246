//! Which colors stand for classes and for numbers, on which background: such as people with any color vision can tell
//! apart.

use clap::ValueEnum;

use super::color::{Color, DEUTERANOPIA, FULL_VISION, PROTANOPIA, Vision, distance, oklab, times};

/// What a picture is drawn on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Background {
    #[default]
    White,
    Dark,
}

impl Background {
    fn either(self, white: u32, dark: u32) -> Color {
        Color::hex(if self == Self::White { white } else { dark })
    }

    /// The background itself.
    pub(crate) fn paper(self) -> Color {
        self.either(0xff_ff_ff, 0x15_18_1d)
    }

    /// Names and the heading.
    pub(crate) fn ink(self) -> Color {
        self.either(0x20_20_20, 0xe8_ea_ed)
    }

    /// What is said in passing.
    pub(crate) fn muted(self) -> Color {
        self.either(0x6a_6a_6a, 0x9a_a0_a8)
    }

    /// The frame around the points.
    pub(crate) fn line(self) -> Color {
        self.either(0xe4_e4_e4, 0x2e_33_3b)
    }

    /// Points without a number.
    pub(crate) fn missing(self) -> Color {
        self.either(0xc6_c6_c6, 0x50_56_60)
    }

    /// Lightness in OKLab of colors that can be seen on it.
    fn lightness(self) -> std::ops::Range<f64> {
        match self {
            Self::White => 0.35..0.86,
            Self::Dark => 0.56..0.95,
        }
    }
}

/// Colors for a white background, those of neighboring classes far apart.
///
/// Found by simulated annealing: two of them are at least 18.7 apart in CIEDE2000, and 11.4 under simulated protanopia and
/// deuteranopia (the test below; ten usual colors such as Tableau's come to 1.3).
const TEN: [u32; 10] = [
    0x44_6a_ae, 0xff_97_13, 0x30_a8_9f, 0xbb_03_6d, 0x83_cb_ff, 0x73_42_01, 0xa9_6c_fc, 0x16_e6_ab,
    0x4e_0a_da, 0xa7_72_02,
];

/// The same hues as [`TEN`], nearly, for a dark background: at least 22.9 apart, and 15.4.
const TEN_ON_DARK: [u32; 10] = [
    0x83_ad_ff, 0xdf_91_10, 0x23_bf_a5, 0xf5_63_7e, 0xb8_f2_ff, 0xf7_e5_b5, 0xbf_02_f3, 0xb8_fe_02,
    0x90_7e_a7, 0xbc_54_2a,
];

/// Okabe and Ito (2008), their black last.
const OKABE_ITO: [u32; 8] =
    [0xe6_9f_00, 0x56_b4_e9, 0x00_9e_73, 0xf0_e4_42, 0x00_72_b2, 0xd5_5e_00, 0xcc_79_a7, 0x00_00_00];

/// Viridis of Smith and van der Walt (2015, CC0) at 17 even steps.
const VIRIDIS: [u32; 17] = [
    0x44_01_54, 0x48_18_6a, 0x47_2d_7b, 0x42_40_86, 0x3b_52_8b, 0x33_63_8d, 0x2c_72_8e, 0x26_82_8e,
    0x21_91_8c, 0x1f_a0_88, 0x28_ae_80, 0x3f_bc_73, 0x5e_c9_62, 0x84_d4_4b, 0xad_dc_30, 0xd8_e2_19,
    0xfd_e7_25,
];

/// Cividis of Nuñez, Anderton and Renslow (2018), the same to people of any color vision, at 17 even steps.
const CIVIDIS: [u32; 17] = [
    0x00_22_4e, 0x00_2e_6a, 0x1a_38_6f, 0x32_43_6d, 0x43_4e_6c, 0x53_5a_6d, 0x61_65_6f, 0x6f_70_73,
    0x7d_7c_78, 0x8c_88_78, 0x9b_94_76, 0xab_a0_72, 0xbc_ae_6c, 0xcd_bb_63, 0xde_c9_58, 0xf0_d8_46,
    0xfe_e8_38,
];

/// Which colors are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Palette {
    /// Our own for classes, viridis for numbers.
    #[default]
    Auto,
    /// Okabe and Ito's for classes.
    OkabeIto,
    /// Steps along viridis for classes that have an order, and viridis for numbers.
    Viridis,
    /// The same with cividis.
    Cividis,
}

impl Palette {
    /// Color of points that have neither a class nor a number.
    pub(crate) fn plain(self, background: Background) -> Color {
        match self {
            Self::Auto => background.either(TEN[0], TEN_ON_DARK[0]),
            Self::OkabeIto => background.either(OKABE_ITO[4], OKABE_ITO[1]),
            Self::Viridis | Self::Cividis => self.ramp(background).at(0.5),
        }
    }

    /// Colors of `n` classes, in the order of the legend.
    pub(crate) fn classes(self, n: usize, background: Background) -> Vec<Color> {
        let first: &[u32] = match (self, background) {
            (Self::Viridis | Self::Cividis, _) => {
                let ramp = self.ramp(background);
                #[allow(clippy::cast_precision_loss, reason = "classes are few")]
                let share = |class: usize| (class as f64 + 0.5) / n as f64;
                return (0..n).map(|class| ramp.at(share(class))).collect();
            }
            (Self::Auto, Background::White) => &TEN,
            (Self::Auto, Background::Dark) => &TEN_ON_DARK,
            (Self::OkabeIto, Background::White) => &OKABE_ITO,
            (Self::OkabeIto, Background::Dark) => &OKABE_ITO[..7],
        };
        let first: Vec<Color> = first.iter().map(|&rgb| Color::hex(rgb)).collect();
        if n <= first.len() { first[..n].to_vec() } else { continued(first, n, background) }
    }

    /// Colors of numbers.
    ///
    /// The end that would be lost on the background is left out.
    pub(crate) fn ramp(self, background: Background) -> Ramp {
        let stops = if self == Self::Cividis { &CIVIDIS } else { &VIRIDIS };
        let (from, to) = match background {
            Background::White => (0.0, 0.97),
            Background::Dark => (0.15, 1.0),
        };
        Ramp::new(stops, from, to)
    }
}

/// More colors than there are by hand: each one is that of a grid which is farthest from all before it, in the eyes of
/// those who see it least well.
fn continued(mut colors: Vec<Color>, n: usize, background: Background) -> Vec<Color> {
    /// Beyond as many colors nobody can tell two apart, and they repeat.
    const MOST: usize = 256;
    /// What a distance is worth to people who lack cones, so that normal vision is not forgotten.
    const VISIONS: [(Vision, f64); 3] = [(FULL_VISION, 1.0), (PROTANOPIA, 1.6), (DEUTERANOPIA, 1.6)];
    let seen = |color: Color| {
        let light = color.linear();
        VISIONS.map(|(vision, weight)| oklab(times(&vision, light)).map(|x| x * weight))
    };
    let apart = |a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]| {
        a.iter().zip(b).map(|(a, b)| distance(*a, *b)).fold(f64::INFINITY, f64::min)
    };
    let steps = || (0..16_u32).map(|level| level * 17);
    let grid = steps().flat_map(|r| steps().flat_map(move |g| steps().map(move |b| r << 16 | g << 8 | b)));
    let mut candidates: Vec<(Color, [[f64; 3]; 3], f64)> = grid
        .map(Color::hex)
        .filter(|color| {
            let [lightness, a, b] = oklab(color.linear());
            background.lightness().contains(&lightness) && a.hypot(b) > 0.05
        })
        .map(|color| (color, seen(color), f64::INFINITY))
        .collect();
    for taken in colors.iter().copied().chain([background.paper(), background.missing()]) {
        let taken = seen(taken);
        candidates.iter_mut().for_each(|(_, seen, nearest)| *nearest = nearest.min(apart(seen, &taken)));
    }
    while colors.len() < n.min(MOST) {
        let farthest = candidates.iter().max_by(|a, b| a.2.total_cmp(&b.2)).expect("the grid has colors");
        let (color, taken, _) = *farthest;
        colors.push(color);
        candidates.iter_mut().for_each(|(_, seen, nearest)| *nearest = nearest.min(apart(seen, &taken)));
    }
    colors.iter().copied().cycle().take(n).collect()
}

/// Colors along a line.
#[derive(Clone, Debug)]
pub(crate) struct Ramp(Vec<Color>);

impl Ramp {
    const STEPS: usize = 256;

    /// The part of the colors at even steps, `stops`, between two shares.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place between few stops"
    )]
    fn new(stops: &[u32; 17], from: f64, to: f64) -> Self {
        let last = stops.len() - 1;
        let color = |step: usize| {
            let share = from + (to - from) * step as f64 / (Self::STEPS - 1) as f64;
            let place = share * last as f64;
            let before = (place as usize).min(last - 1);
            Color::hex(stops[before]).mixed(Color::hex(stops[before + 1]), place - before as f64)
        };
        Self((0..Self::STEPS).map(color).collect())
    }

    /// The color at a share in 0..=1.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "one of few steps"
    )]
    pub(crate) fn at(&self, share: f64) -> Color {
        self.0[(share.clamp(0.0, 1.0) * (Self::STEPS - 1) as f64).round() as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CIELAB under D65.
    fn lab(linear: [f64; 3]) -> [f64; 3] {
        let xyz = times(
            &[
                [0.412_456_4, 0.357_576_1, 0.180_437_5],
                [0.212_672_9, 0.715_152_2, 0.072_175_0],
                [0.019_333_9, 0.119_192_0, 0.950_304_1],
            ],
            linear.map(|x| x.clamp(0.0, 1.0)),
        );
        let [x, y, z] = [xyz[0] / 0.950_47, xyz[1], xyz[2] / 1.088_83]
            .map(|t| if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 });
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// CIEDE2000 (Sharma, Wu and Dalal 2005).
    fn ciede2000([l1, a1, b1]: [f64; 3], [l2, a2, b2]: [f64; 3]) -> f64 {
        let seventh = |c: f64| (c.powi(7) / (c.powi(7) + 25_f64.powi(7))).sqrt();
        let g = 0.5 * (1.0 - seventh(f64::midpoint(a1.hypot(b1), a2.hypot(b2))));
        let [(c1, h1), (c2, h2)] = [(a1, b1), (a2, b2)].map(|(a, b)| {
            let a = a * (1.0 + g);
            (a.hypot(b), b.atan2(a).to_degrees().rem_euclid(360.0))
        });
        let gray = c1 * c2 == 0.0;
        let turn = if gray { 0.0 } else { (h2 - h1 + 180.0).rem_euclid(360.0) - 180.0 };
        let (l, c) = (f64::midpoint(l1, l2), f64::midpoint(c1, c2));
        let h = if gray { h1 + h2 } else { (h1 + turn / 2.0).rem_euclid(360.0) };
        let cos = |degrees: f64| degrees.to_radians().cos();
        let t = 1.0 - 0.17 * cos(h - 30.0) + 0.24 * cos(2.0 * h) + 0.32 * cos(3.0 * h + 6.0)
            - 0.2 * cos(4.0 * h - 63.0);
        let from_50 = (l - 50.0).powi(2);
        let dl = (l2 - l1) / (1.0 + 0.015 * from_50 / (20.0 + from_50).sqrt());
        let dc = (c2 - c1) / (1.0 + 0.045 * c);
        let dh = 2.0 * (c1 * c2).sqrt() * (turn / 2.0).to_radians().sin() / (1.0 + 0.015 * c * t);
        let angle = 60.0 * (-((h - 275.0) / 25.0).powi(2)).exp();
        let rotation = -2.0 * seventh(c) * angle.to_radians().sin();
        (dl * dl + dc * dc + dh * dh + rotation * dc * dh).sqrt()
    }

    fn smallest_distance(colors: &[Color], vision: Vision) -> f64 {
        let seen: Vec<[f64; 3]> = colors.iter().map(|color| lab(times(&vision, color.linear()))).collect();
        let pairs = seen.iter().enumerate().flat_map(|(i, a)| seen[..i].iter().map(|b| ciede2000(*a, *b)));
        pairs.fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn the_measure_of_distance_is_the_standard_one() {
        // Pairs 1, 7, 13 and 20 of the test data of Sharma, Wu and Dalal.
        let pairs = [
            ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
            ([50.0, 0.0, 0.0], [50.0, -1.0, 2.0], 2.3669),
            ([50.0, -0.001, 2.49], [50.0, 0.0009, -2.49], 4.8045),
            ([50.0, 2.5, 0.0], [58.0, 24.0, 15.0], 19.4535),
        ];
        for (a, b, expected) in pairs {
            let found = ciede2000(a, b);
            assert!((found - expected).abs() < 1e-4, "{a:?} {b:?}: {found}, published {expected}");
        }
    }

    #[test]
    fn ten_classes_can_be_told_apart_with_any_color_vision() {
        for (background, full, reduced) in [(Background::White, 18.5, 11.3), (Background::Dark, 22.5, 15.0)] {
            let colors = Palette::Auto.classes(10, background);
            for (vision, name, bound) in [
                (FULL_VISION, "full", full),
                (PROTANOPIA, "no red", reduced),
                (DEUTERANOPIA, "no green", reduced),
            ] {
                let distance = smallest_distance(&colors, vision);
                assert!(
                    distance > bound,
                    "{background:?}, {name}: two are {distance} apart, {bound} is owed"
                );
            }
        }
    }

    #[test]
    fn many_classes_have_many_colors_that_can_be_seen() {
        for background in [Background::White, Background::Dark] {
            for palette in [Palette::Auto, Palette::OkabeIto] {
                let colors = palette.classes(300, background);
                assert_eq!(colors[..7], palette.classes(7, background), "the first are those of few classes");
                let distance = smallest_distance(&colors[..60], FULL_VISION);
                // Twice what is just noticed side by side.
                assert!(distance > 4.0, "two of sixty are {distance} apart on {background:?}");
                let paper = lab(background.paper().linear());
                let faintest =
                    colors[..7].iter().chain(&colors[8..]).map(|c| ciede2000(lab(c.linear()), paper));
                assert!(faintest.fold(f64::INFINITY, f64::min) > 15.0, "a color is lost on {background:?}");
            }
        }
    }

    #[test]
    fn numbers_rise_from_dark_to_light() {
        for palette in [Palette::Auto, Palette::Cividis] {
            for background in [Background::White, Background::Dark] {
                let ramp = palette.ramp(background);
                let lightness: Vec<f64> =
                    (0..=20).map(|i| lab(ramp.at(f64::from(i) / 20.0).linear())[0]).collect();
                assert!(lightness.is_sorted_by(|a, b| a < b), "{palette:?}: {lightness:?}");
            }
        }
        assert_eq!(
            Palette::Viridis.ramp(Background::White).at(f64::NAN.max(0.0)),
            Color::hex(VIRIDIS[0]),
            "the start"
        );
    }
}
