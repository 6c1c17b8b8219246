//! The scalar hooks, and the streams of a seed.

use std::cmp::Ordering;
use std::collections::HashSet;

use tsne_core::{Element, Scalar, Seed, Typed};

fn hooks<T: Scalar>(epsilon: f64) {
    assert_eq!(T::EPSILON.to_f64(), epsilon, "epsilon");
    assert_eq!(T::lit(0.1).to_f64(), if epsilon < 1e-10 { 0.1 } else { f64::from(0.1_f32) }, "nearest value");
    assert_eq!(T::lit(2.25).sqrt().to_f64(), 1.5, "sqrt");
    assert_eq!(T::lit(8.0).powf(T::lit(2.0)).to_f64(), 64.0, "powf");
    assert_eq!((T::default().exp().to_f64(), T::lit(1.0).ln().to_f64()), (1.0, 0.0), "exp and ln");
    assert_eq!(T::lit(-2.0).abs().to_f64(), 2.0, "abs comes with the supertraits");
    assert!(T::MAX.is_finite() && !T::INFINITY.is_finite() && !T::lit(f64::NAN).is_finite(), "is_finite");
    assert_eq!(T::lit(-0.0).total_cmp(&T::lit(0.0)), Ordering::Less, "total order tells zeros apart");
    assert_eq!(T::INFINITY.total_cmp(&T::lit(f64::NAN)), Ordering::Less, "NaN comes last");
    assert_eq!([T::lit(1.0), T::lit(2.0)].into_iter().sum::<T>().to_f64(), 3.0, "sum");
}

#[test]
fn both_types_have_the_same_hooks() {
    hooks::<f32>(f64::from(f32::EPSILON));
    hooks::<f64>(f64::EPSILON);
    assert_eq!(7_u8.to_f64(), 7.0, "bytes are elements too");
}

/// Doubles in place through the concrete type and says which one it was.
fn double<T: Scalar>(values: &mut [T]) -> &'static str {
    match T::typed_mut(values) {
        Typed::F32(values) => {
            values.iter_mut().for_each(|x| *x *= 2.0);
            "f32"
        }
        Typed::F64(values) => {
            values.iter_mut().for_each(|x| *x *= 2.0);
            "f64"
        }
    }
}

#[test]
fn generic_code_recovers_its_type() {
    let (mut narrow, mut wide) = ([1.5_f32, 2.0], [1.5_f64, 2.0]);
    assert_eq!((double(&mut narrow), double(&mut wide)), ("f32", "f64"), "types");
    assert_eq!((narrow, wide), ([3.0, 4.0], [3.0, 4.0]), "the slices themselves were changed");
    assert_eq!(f32::typed(&narrow), Typed::F32(&narrow[..]), "shared");
    assert_eq!(f64::typed(&wide), Typed::F64(&wide[..]), "shared");
}

#[test]
fn streams_of_a_seed_do_not_meet() {
    let mut streams = HashSet::new();
    for seed in [0, 1, 42, u64::MAX] {
        for label in (0..200).chain([u64::MAX - 1, u64::MAX]) {
            assert!(streams.insert(Seed(seed).derive(label)), "seed {seed}, label {label} repeats a stream");
        }
    }
    // Streams of streams: a purpose, then a chunk.
    for (purpose, chunk) in (0..20).flat_map(|purpose| (0..20).map(move |chunk| (purpose, chunk))) {
        let stream = Seed(42).derive(purpose).derive(chunk);
        assert!(streams.insert(stream), "purpose {purpose}, chunk {chunk} repeats a stream");
    }
}

#[test]
fn streams_are_the_same_everywhere_and_always() {
    const AT_COMPILE_TIME: Seed = Seed(42).derive(7);
    assert_eq!(AT_COMPILE_TIME, Seed(42).derive(7), "a constant function");
    // Saved maps name their seed: these values must never change.
    assert_eq!(Seed(0).derive(0).0, 0xa706_dd2f_4d19_7e6f, "seed 0, stream 0");
    assert_eq!(Seed(42).derive(7).0, 0x1606_2d6c_1339_e500, "seed 42, stream 7");
}
