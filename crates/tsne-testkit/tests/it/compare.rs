//! The comparisons fail when they should and say where; so do the helpers for threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use tsne_core::{Csr, KnnGraph};
use tsne_testkit::close::{
    Bits, assert_close, assert_close_value, assert_forces_close, assert_rows_close, assert_same_bits,
    relative_l2, worst,
};
use tsne_testkit::threads::{assert_parallel, assert_thread_invariant, in_pool, jobs_of_the_other_worker};

use crate::broken::fails;

#[test]
fn the_worst_entry_is_named() {
    let (got, want) = ([1.0, 2.1, -3.0, 100.5], [1.0, 2.0, -3.0, 100.0]);
    let found = worst(&got, &want, 0.01, 0.0).expect("four entries");
    assert_eq!((found.index, found.got, found.want), (1, 2.1, 2.0), "worst by tolerance, not by difference");
    assert_close(&got, &want, 0.051, 0.0, "within five percent");
    fails("forces: entry 1 is 2.1, expected 2.0", || assert_close(&got, &want, 0.01, 0.0, "forces"));
    fails("differ in length", || assert_close(&[1.0], &want, 1.0, 1.0, "forces"));
    assert!(worst(&[0.0_f32; 0], &[], 0.0, 0.0).is_none(), "nothing to compare");
}

#[test]
fn floors_serve_values_that_should_be_zero() {
    assert_close(&[1e-17_f32, 0.0], &[0.0, 0.0], 0.0, 1e-16, "zeros");
    fails("entry 0", || assert_close(&[1e-15, 0.0], &[0.0, 0.0], 1.0, 1e-16, "zeros"));
    assert_close_value(1.0 + 1e-16, 1.0, 0.0, 0.0, "rounds to one");
    fails("Z is 2.0, expected 1.0: off by 1e0, allowed 5e-1", || assert_close_value(2.0, 1.0, 0.5, 0.0, "Z"));
}

#[test]
fn values_that_are_not_numbers_are_never_close() {
    for (got, want) in [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::INFINITY, 1.0), (1.0, f64::INFINITY)] {
        fails("entry 1", || assert_close(&[0.0, got], &[0.0, want], 1e9, 1e9, "values"));
        fails("value", || assert_close_value(got, want, 1e9, 1e9, "value"));
        fails("forces", || assert_forces_close(&[[0.0, got]], &[[0.0, want]], 1e9, "forces"));
    }
}

#[test]
fn rows_are_compared_with_their_largest_entry() {
    let want = [1.0, 1e-9, 1e-3, 1e-12];
    let got = [1.0, 2e-9, 1e-3, 1e-12];
    assert_rows_close(&got, &want, 2, 1e-8, "P");
    fails("P: row 0, entry 1", || assert_rows_close(&got, &want, 2, 1e-10, "P"));
    let got = [1.0, 1e-9, 1e-3, 2e-12];
    assert_rows_close(&got, &want, 2, 1e-8, "P");
    fails("P: row 1, entry 1", || assert_rows_close(&got, &want, 2, 1e-10, "P"));
    fails("in rows of 3", || assert_rows_close(&got, &want, 3, 1.0, "P"));
}

#[test]
fn relative_error_of_forces() {
    assert_eq!(relative_l2(&[[3.0_f32, 4.0]], &[[3.0, 0.0]]), 4.0 / 3.0, "4 over 3");
    assert_eq!(relative_l2(&[[3e-200, 4e-200]], &[[3e-200, 0.0]]), 4.0 / 3.0, "no underflow");
    assert_eq!(relative_l2(&[[0.0; 2]; 3], &[[0.0; 2]; 3]), 0.0, "no forces");
    assert_eq!(relative_l2(&[[0.0, 1e-30]], &[[0.0; 2]]), f64::INFINITY, "a force where none should be");
    let want = [[1.0, 0.0], [0.0, 1.0]];
    fails("worst is point 1 of 2 with [0.0, 2.0], expected [0.0, 1.0]", || {
        assert_forces_close(&[[1.0, 0.1], [0.0, 2.0]], &want, 0.5, "forces");
    });
}

#[test]
fn bits_tell_zeros_and_lengths_apart() {
    assert_same_bits(&f64::NAN, &f64::NAN, "the same NaN");
    fails("zero: bits differ at word 0 of 1", || assert_same_bits(&-0.0, &0.0, "zero"));
    fails("bits differ at word 2 of 3", || assert_same_bits(&vec![1.0_f32, 2.0], &vec![1.0, 2.5], "values"));
    fails("differ in size", || assert_same_bits(&vec![1_u32], &vec![1, 2], "values"));
    assert_ne!(
        (vec![1_usize], vec![2_u64, 3]).bits(),
        (vec![1_usize, 2], vec![3_u64]).bits(),
        "where one ends"
    );
    let graph = |k, d| KnnGraph::from_parts(k, vec![1, 2], vec![0.5, d]).expect("legal");
    assert_ne!(graph(1, 1.0).bits(), graph(2, 1.0).bits(), "k");
    assert_ne!(graph(1, 1.0_f32).bits(), graph(1, 2.0).bits(), "a distance");
    let csr = |n, offsets, v| Csr::from_parts(n, offsets, vec![0, 1], vec![1.0, v]).expect("legal");
    assert_ne!(csr(2, vec![0, 2], 1.0).bits(), csr(3, vec![0, 2], 1.0).bits(), "number of columns");
    assert_ne!(csr(2, vec![0, 2], 1.0).bits(), csr(2, vec![0, 1, 2], 1.0).bits(), "rows");
    assert_ne!(csr(2, vec![0, 2], 1.0).bits(), csr(2, vec![0, 2], 2.0).bits(), "a value");
    assert_ne!([1.0, 2.0].bits(), [2.0, 1.0].bits(), "order");
}

#[test]
fn results_that_depend_on_the_pool_are_found() {
    assert_eq!(in_pool(3, rayon::current_num_threads), 3, "the pool asked for");
    assert_eq!(assert_thread_invariant("a constant", || 5_usize), 5, "the result is handed on");
    fails("size: 2 threads against 1", || {
        assert_thread_invariant("size", rayon::current_num_threads);
    });
    fails("cap: 8 threads against 1", || {
        assert_thread_invariant("cap", || rayon::current_num_threads().max(3));
    });
}

#[test]
fn work_shared_with_another_worker_is_seen() {
    let busy = || {
        let sum: u64 = (0..2_000_000_u64).into_par_iter().map(|x| x ^ (x >> 3)).sum();
        assert_ne!(sum, 0, "the work is done");
    };
    assert_parallel("a parallel sum", busy);
}

#[test]
fn work_kept_by_one_worker_is_seen() {
    let runs = AtomicUsize::new(0);
    let serial = || {
        runs.fetch_add(1, Ordering::Relaxed);
        let sum: u64 = (0..1000_u64).map(|x| x ^ (x >> 3)).sum();
        assert_ne!(sum, 0, "the work is done");
    };
    assert_eq!(jobs_of_the_other_worker(serial), 0, "jobs of a serial loop");
    assert_eq!(runs.load(Ordering::Relaxed), 1, "the work runs once");
    fails("a loop: one worker did everything", || assert_parallel("a loop", serial));
    fails("inside", || {
        jobs_of_the_other_worker(|| panic!("inside"));
    });
}
