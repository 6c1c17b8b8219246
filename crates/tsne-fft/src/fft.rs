//! Fourier transforms of sixteen lines at once, one in each lane, and the lengths worth transforming (\[M44\]).

use std::array;
use std::f64::consts::PI;

use fearless_simd::Simd;

use crate::lanes::{Complex, Complexes, Real};

/// A transform of one length: out[k] = Σ_m in[m] e^(−2πi mk/n), unscaled.
#[derive(Clone, Debug)]
pub(crate) struct Plan<T> {
    stages: Vec<Stage<T>>,
    /// e^(−iπm/(2n)), the twist that makes room for a convolution without padding (\[M43\]).
    twist: Vec<[T; 2]>,
}

/// One pass of Stockham's algorithm: `n_below` transforms of `radix` numbers each, for `stride` interleaved problems.
#[derive(Clone, Debug)]
struct Stage<T> {
    radix: usize,
    n_below: usize,
    stride: usize,
    /// radix − 1 factors for each of `n_below`.
    twiddles: Vec<[T; 2]>,
}

fn root<T: Real>(turns: f64) -> [T; 2] {
    let (sin, cos) = (-2.0 * PI * turns).sin_cos();
    [T::lit(cos), T::lit(sin)]
}

impl<T: Real> Plan<T> {
    /// A plan for `n` numbers; `n` has no prime factor above 5.
    pub(crate) fn new(n: usize) -> Self {
        let mut stages = Vec::new();
        let mut stride = 1;
        for radix in radices(n) {
            let length = n / stride;
            let n_below = length / radix;
            let twiddles = (0..n_below)
                .flat_map(|p| (1..radix).map(move |k| root((p * k) as f64 / length as f64)))
                .collect();
            stages.push(Stage { radix, n_below, stride, twiddles });
            stride *= radix;
        }
        assert_eq!(stride, n, "a length has no prime factor above 5");
        let twist = (0..n).map(|m| root(m as f64 / (4 * n) as f64)).collect();
        Self { stages, twist }
    }

    /// Number of complex numbers in a line.
    pub(crate) fn len(&self) -> usize {
        self.twist.len()
    }

    pub(crate) fn twist(&self) -> &[[T; 2]] {
        &self.twist
    }

    /// The two buffers in the order in which to give them to [`transform`](Self::transform) for a result in `out`.
    pub(crate) fn ordered<'a>(
        &self,
        out: &'a mut [Complexes<T>],
        spare: &'a mut [Complexes<T>],
    ) -> (&'a mut [Complexes<T>], &'a mut [Complexes<T>]) {
        if self.stages.len().is_multiple_of(2) { (out, spare) } else { (spare, out) }
    }

    /// Transforms `data`, leaves the result in it or in `spare`, and returns them with the result first.
    #[inline(always)]
    pub(crate) fn transform<'a, S: Simd>(
        &self,
        simd: S,
        data: &'a mut [Complexes<T>],
        spare: &'a mut [Complexes<T>],
    ) -> (&'a mut [Complexes<T>], &'a mut [Complexes<T>]) {
        let (mut from, mut to) = (data, spare);
        // The closures make sure that all is compiled for the vectors at hand: a bare function would be called.
        macro_rules! run {
            ($stage:ident, $butterfly:ident) => {
                simd.vectorize(
                    #[inline(always)]
                    || {
                        pass(
                            simd,
                            $stage,
                            from,
                            to,
                            #[inline(always)]
                            |numbers| $butterfly(simd, numbers),
                        );
                    },
                )
            };
        }
        for stage in &self.stages {
            match stage.radix {
                2 => run!(stage, butterfly2),
                3 => run!(stage, butterfly3),
                4 => run!(stage, butterfly4),
                5 => run!(stage, butterfly5),
                _ => run!(stage, butterfly8),
            }
            (from, to) = (to, from);
        }
        (from, to)
    }
}

/// Cost per number of a convolution beyond its passes, in passes of a transform.
///
/// Sixteen lines of 144 to 1300 f32 take 0.3 ns plus 1.6 ns per pass and number, whatever the radix to within a fifth: a
/// pass moves the numbers through the second-level cache. (Zen 5 with AVX-512, best of 15, 2026-11.) The rest of a
/// convolution moves them about twice per transform; between 1 and 3 the choice of lengths hardly changes.
const BEYOND_PASSES: f64 = 2.0;

/// The length of at least `least` that is convolved fastest, with no prime factor above 5.
pub(crate) fn good_length(least: usize) -> usize {
    let mut best = (f64::INFINITY, least);
    let powers = |base: usize| {
        std::iter::successors(Some(1), move |power| Some(power * base)).take_while(|&power| power < 2 * least)
    };
    for fives in powers(5) {
        for threes in powers(3) {
            let odd = fives * threes;
            let length = odd * least.div_ceil(odd).next_power_of_two();
            let cost = length as f64 * (radices(length).len() as f64 + BEYOND_PASSES);
            if cost < best.0 {
                best = (cost, length);
            }
        }
    }
    best.1
}

/// The factors of `n` in the order of the passes. The large ones come last, where a twiddle serves many numbers.
fn radices(n: usize) -> Vec<usize> {
    let mut rest = n;
    let mut found = Vec::new();
    for radix in [5, 3] {
        while rest.is_multiple_of(radix) {
            found.push(radix);
            rest /= radix;
        }
    }
    match rest.trailing_zeros() % 3 {
        1 if rest == 2 => found.push(2),
        1 => found.extend([4, 4]),
        2 => found.push(4),
        _ => {}
    }
    let done: usize = found.iter().product();
    found.resize(found.len() + ((n / done).ilog2() / 3) as usize, 8);
    found
}

/// out[radix·p + k] = w^(pk) Σ_j in[p + n_below·j] e^(−2πi jk/radix), for each of the interleaved problems.
#[inline(always)]
fn pass<S: Simd, T: Real, const R: usize>(
    simd: S,
    stage: &Stage<T>,
    from: &[Complexes<T>],
    to: &mut [Complexes<T>],
    butterfly: impl Fn([Complex<S, T>; R]) -> [Complex<S, T>; R],
) {
    let (stride, n_below) = (stage.stride, stage.n_below);
    let groups = to.chunks_exact_mut(R * stride).zip(stage.twiddles.chunks_exact(R - 1));
    for (p, (group, twiddles)) in groups.enumerate() {
        let inputs: [&[Complexes<T>]; R] = array::from_fn(
            #[inline(always)]
            |j| &from[(p + n_below * j) * stride..][..stride],
        );
        let mut runs = group.chunks_exact_mut(stride);
        let outputs: [&mut [Complexes<T>]; R] = array::from_fn(
            #[inline(always)]
            |_| runs.next().expect("a group has one run for each output"),
        );
        for q in 0..stride {
            let out = butterfly(array::from_fn(
                #[inline(always)]
                |j| Complex::load(simd, &inputs[j][q]),
            ));
            out[0].store(&mut outputs[0][q]);
            for k in 1..R {
                // The last pass has no twiddles to apply: they are all 1.
                let out = if n_below == 1 { out[k] } else { out[k].times(simd, twiddles[k - 1]) };
                out.store(&mut outputs[k][q]);
            }
        }
    }
}

#[inline(always)]
fn butterfly2<S: Simd, T: Real>(_simd: S, [a, b]: [Complex<S, T>; 2]) -> [Complex<S, T>; 2] {
    [a + b, a - b]
}

#[inline(always)]
fn butterfly3<S: Simd, T: Real>(simd: S, [a, b, c]: [Complex<S, T>; 3]) -> [Complex<S, T>; 3] {
    let sum = b + c;
    let rotated = (b - c).scale(T::lit(0.866_025_403_784_438_6));
    let middle = sum.mul_add(simd, T::lit(-0.5), a);
    [a + sum, middle.add_minus_i(rotated), middle.sub_minus_i(rotated)]
}

#[inline(always)]
fn butterfly4<S: Simd, T: Real>(_simd: S, [a, b, c, d]: [Complex<S, T>; 4]) -> [Complex<S, T>; 4] {
    let (even, odd) = (a + c, b + d);
    let (crossed, rotated) = (a - c, b - d);
    [even + odd, crossed.add_minus_i(rotated), even - odd, crossed.sub_minus_i(rotated)]
}

#[inline(always)]
fn butterfly5<S: Simd, T: Real>(simd: S, [a, b, c, d, e]: [Complex<S, T>; 5]) -> [Complex<S, T>; 5] {
    let (cos1, cos2) = (T::lit(0.309_016_994_374_947_45), T::lit(-0.809_016_994_374_947_5));
    let (sin1, sin2) = (T::lit(0.951_056_516_295_153_5), T::lit(0.587_785_252_292_473_1));
    let (outer, inner) = (b + e, c + d);
    let (across, between) = (b - e, c - d);
    let even1 = outer.mul_add(simd, cos1, inner.mul_add(simd, cos2, a));
    let even2 = outer.mul_add(simd, cos2, inner.mul_add(simd, cos1, a));
    let odd1 = across.mul_add(simd, sin1, between.scale(sin2));
    let odd2 = across.mul_add(simd, sin2, between.scale(-sin1));
    [
        a + (outer + inner),
        even1.add_minus_i(odd1),
        even2.add_minus_i(odd2),
        even2.sub_minus_i(odd2),
        even1.sub_minus_i(odd1),
    ]
}

#[inline(always)]
fn butterfly8<S: Simd, T: Real>(simd: S, [a, b, c, d, e, f, g, h]: [Complex<S, T>; 8]) -> [Complex<S, T>; 8] {
    let half = T::lit(std::f64::consts::FRAC_1_SQRT_2);
    let [even0, even1, even2, even3] = butterfly4(simd, [a, c, e, g]);
    let [odd0, odd1, odd2, odd3] = butterfly4(simd, [b, d, f, h]);
    // Times e^(−iπ/4) and, minus a sign that the last additions take up, e^(−3iπ/4).
    let odd1 = odd1.add_minus_i(odd1).scale(half);
    let odd3 = odd3.sub_minus_i(odd3).scale(half);
    [
        even0 + odd0,
        even1 + odd1,
        even2.add_minus_i(odd2),
        even3 - odd3,
        even0 - odd0,
        even1 - odd1,
        even2.sub_minus_i(odd2),
        even3 + odd3,
    ]
}

#[cfg(test)]
mod tests {
    use fearless_simd::{Level, dispatch};

    use super::*;
    use crate::lanes::LANES;

    /// The transform by its definition, of one lane.
    fn by_definition(numbers: &[Complexes<f64>], lane: usize) -> Vec<[f64; 2]> {
        let n = numbers.len();
        let term = |m: usize, k: usize| {
            let (sin, cos) = (-2.0 * PI * (m * k % n) as f64 / n as f64).sin_cos();
            let (re, im) = (numbers[m].re[lane], numbers[m].im[lane]);
            [re * cos - im * sin, re * sin + im * cos]
        };
        (0..n).map(|k| (0..n).map(|m| term(m, k)).fold([0.0; 2], |s, t| [s[0] + t[0], s[1] + t[1]])).collect()
    }

    fn check(level: Level, n: usize) {
        let value = |m: usize, lane: usize, by: usize| ((m * 7 + lane * 3) * by % 101) as f64 / 50.0 - 1.0;
        let numbers: Vec<Complexes<f64>> = (0..n)
            .map(|m| Complexes {
                re: array::from_fn(|lane| value(m, lane, 13)),
                im: array::from_fn(|lane| value(m, lane, 29)),
            })
            .collect();
        let plan = Plan::<f64>::new(n);
        let (mut data, mut spare) = (numbers.clone(), vec![Complexes::zero(); n]);
        let (done, _) = dispatch!(level, simd => plan.transform(simd, &mut data, &mut spare));
        for lane in [0, 7, LANES - 1] {
            for (k, (got, want)) in done.iter().zip(by_definition(&numbers, lane)).enumerate() {
                let off = (got.re[lane] - want[0]).hypot(got.im[lane] - want[1]);
                // Rounding grows like the logarithm of the length; the definition's own like its root.
                assert!(off < 1e-13 * n as f64, "length {n}, number {k}, lane {lane}: off by {off}");
            }
        }
    }

    #[test]
    fn transforms_equal_their_definition() {
        for level in [Level::new(), Level::baseline()] {
            for n in [1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 20, 25, 27, 32, 64, 90, 128, 160, 225, 360] {
                check(level, n);
            }
        }
    }

    #[test]
    fn a_result_lands_where_it_is_wanted() {
        for n in [1, 4, 12, 120] {
            let plan = Plan::<f32>::new(n);
            let (mut out, mut spare) = (vec![Complexes::zero(); n], vec![Complexes::zero(); n]);
            let (data, rest) = plan.ordered(&mut out, &mut spare);
            data[0].re = [1.0; LANES];
            dispatch!(Level::new(), simd => plan.transform(simd, data, rest));
            assert!(out.iter().all(|x| x.re == [1.0; LANES]), "the transform of a pulse, length {n}");
        }
    }

    #[test]
    fn good_lengths_are_close_above_and_transformable() {
        for least in (1..3000).step_by(7).chain([100_000, 1_000_003]) {
            let n = good_length(least);
            assert!(least <= n && n <= (least + 8) * 4 / 3, "{least} became {n}");
            assert_eq!(radices(n).iter().product::<usize>(), n, "factors of {n}");
        }
    }
}
