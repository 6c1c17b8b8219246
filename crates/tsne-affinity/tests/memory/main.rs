//! What is allocated on the way to P, counted: a binary of its own, so that nothing else is.
#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tsne_affinity::{MultiscaleMixture, Options, PerplexityBased, Symmetrization, Uniform};
use tsne_core::{Control, Csr, KnnGraph, Scalar, Seed};

/// Bytes allocated now, and the most there have been.
struct Counting {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Counting {
    fn add(&self, bytes: usize) {
        let now = self.now.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.peak.fetch_max(now, Ordering::Relaxed);
    }
}

// SAFETY: every call is passed on to the system's allocator, with the arguments it came with.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.add(layout.size());
        // SAFETY: the caller's promises are those of the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.add(layout.size());
        // SAFETY: the caller's promises are those of the system's allocator.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        self.now.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are those of the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting { now: AtomicUsize::new(0), peak: AtomicUsize::new(0) };

/// Points on a circle, each with neighbors to both sides at random steps: about half of the links are mutual, as in
/// graphs of real data.
fn graph<T: Scalar>(n: u32, k: u32) -> KnnGraph<T> {
    let (mut neighbors, mut distances) = (Vec::new(), Vec::new());
    for i in 0..n {
        let (mut step, mut random) = (0, Seed(u64::from(i)));
        for position in 0..k {
            if position % 2 == 0 {
                random = random.derive(u64::from(position));
                step += 1 + u32::from(random.0 % 3 == 0);
            }
            neighbors.push(if position % 2 == 0 { (i + step) % n } else { (i + n - step) % n });
            distances.push(T::lit(f64::from(step)));
        }
    }
    KnnGraph::from_parts(k as usize, neighbors, distances).expect("n rows of k")
}

/// Bytes of a matrix.
fn size<T: Scalar>(matrix: &Csr<T>) -> usize {
    matrix.n_entries() * (size_of::<u32>() + size_of::<T>()) + size_of_val(matrix.offsets())
}

fn check<T: Scalar>(
    what: &str,
    graph: &Arc<KnnGraph<T>>,
    k: usize,
    build: impl Fn(Arc<KnnGraph<T>>) -> Csr<T>,
) {
    let before = ALLOCATOR.now.load(Ordering::Relaxed);
    ALLOCATOR.peak.store(before, Ordering::Relaxed);
    let matrix = build(Arc::clone(graph));
    let high_water = ALLOCATOR.peak.load(Ordering::Relaxed) - before;
    let ratio = high_water as f64 / size(&matrix) as f64;
    let entries_per_link = matrix.n_entries() as f64 / (graph.n_points() * k) as f64;
    assert!(
        entries_per_link > 1.2 && entries_per_link < 1.7,
        "{what}: {entries_per_link} entries a link is no ordinary graph"
    );
    assert!(ratio >= 1.0, "{what}: {high_water} bytes cannot hold P");
    assert!(ratio <= 1.4, "{what}: {high_water} bytes at most beside the graph, {ratio} times P");
}

fn check_all<T: Scalar>() {
    let (options, control) = (Options::default(), Control::NONE);
    let graph = Arc::new(graph::<T>(20_000, 90));
    check("perplexity 30", &graph, 90, |graph| {
        let p = PerplexityBased::from_graph(graph, 30.0, &options, &control).expect("legal");
        tsne_core::Affinities::into_csr(Box::new(p))
    });
    check("perplexity 10", &graph, 30, |graph| {
        let p = PerplexityBased::from_graph(graph, 10.0, &options, &control).expect("legal");
        tsne_core::Affinities::into_csr(Box::new(p))
    });
    check("mixture of 10 and 30", &graph, 90, |graph| {
        let p = MultiscaleMixture::from_graph(graph, &[10.0, 30.0], &options, &control).expect("legal");
        tsne_core::Affinities::into_csr(Box::new(p))
    });
    check("uniform", &graph, 15, |graph| {
        let p = Uniform::from_graph(graph, Some(15), Symmetrization::Max, &control).expect("legal");
        tsne_core::Affinities::into_csr(Box::new(p))
    });
}

#[test]
fn p_takes_the_graph_and_little_more_than_itself() {
    for threads in [1, 2, 8] {
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
        pool.install(|| {
            check_all::<f32>();
            check_all::<f64>();
        });
    }
}
