//! Who may depend on whom: the walls between the crates, one entry each, and the outside crates each may use and why.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::tidy::Finding;
use crate::workspace::{self, Package};

/// Most packages in the tree of a leaf with its default features, itself not counted.
pub(crate) const MAX_LEAF_TREE: usize = 40;

/// What a package is in the star.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Traits and vocabulary; knows no other crate of ours.
    Core,
    /// One part of the algorithm; knows the core alone.
    Leaf,
    /// The facade and the readers of files, whose signatures may name other crates.
    Library,
    /// Binaries and what serves only this workspace.
    Program,
}

struct Layer {
    name: &'static str,
    kind: Kind,
    /// Packages of this workspace it may depend on.
    ours: &'static [&'static str],
    /// Packages of this workspace its tests may use besides.
    ours_in_tests: &'static [&'static str],
    /// Outside crates and what each is for.
    outside: &'static [(&'static str, &'static str)],
    /// Outside crates of its tests and examples.
    outside_in_tests: &'static [(&'static str, &'static str)],
}

const ERRORS: (&str, &str) = ("thiserror", "error enums without hand-written Display");
const NUMBERS: (&str, &str) =
    ("num-traits", "supertraits of Scalar, so that it can be transformed by rustfft");
const THREADS: (&str, &str) = ("rayon", "parallel loops over fixed chunks");
const SIMD: (&str, &str) = ("fearless_simd", "run-time choice of vector instructions without unsafe code");
const RANDOM: (&str, &str) = ("rand_xoshiro", "a named generator whose streams outlive releases of rand");
const RAND_CORE: (&str, &str) = ("rand", "the traits through which rand_xoshiro and rand_distr meet");
const NORMALS: (&str, &str) = ("rand_distr", "normal variates");
const MATRIX: (&str, &str) = ("nalgebra", "small dense eigenproblems; DMatrix at the facade");
const PROPERTIES: (&str, &str) = ("proptest", "property tests");

const TEST_TOOLS: &[(&str, &str)] = &[PROPERTIES, THREADS];

const LAYERS: &[Layer] = &[
    Layer {
        name: "tsne-core",
        kind: Kind::Core,
        ours: &[],
        ours_in_tests: &[],
        outside: &[NUMBERS, ERRORS],
        outside_in_tests: TEST_TOOLS,
    },
    Layer {
        name: "tsne-neighbors",
        kind: Kind::Leaf,
        ours: &["tsne-core"],
        ours_in_tests: &["tsne-testkit"],
        outside: &[
            ERRORS,
            THREADS,
            SIMD,
            RANDOM,
            RAND_CORE,
            NORMALS,
            ("matrixmultiply", "blocked matrix products of the exact search"),
            ("hnsw_rs", "an index of its own behind the feature `hnsw`"),
            ("instant-distance", "an index of its own behind the feature `instant-distance`"),
        ],
        outside_in_tests: TEST_TOOLS,
    },
    Layer {
        name: "tsne-affinity",
        kind: Kind::Leaf,
        ours: &["tsne-core"],
        ours_in_tests: &["tsne-testkit"],
        outside: &[ERRORS, THREADS, SIMD],
        outside_in_tests: TEST_TOOLS,
    },
    Layer {
        name: "tsne-bh",
        kind: Kind::Leaf,
        ours: &["tsne-core"],
        ours_in_tests: &["tsne-testkit"],
        outside: &[ERRORS, THREADS, SIMD],
        outside_in_tests: TEST_TOOLS,
    },
    Layer {
        name: "tsne-fft",
        kind: Kind::Leaf,
        ours: &["tsne-core"],
        ours_in_tests: &["tsne-testkit", "tsne-bh"],
        outside: &[ERRORS, THREADS, SIMD, NUMBERS],
        outside_in_tests: TEST_TOOLS,
    },
    Layer {
        name: "tsne-optim",
        kind: Kind::Leaf,
        ours: &["tsne-core"],
        ours_in_tests: &["tsne-testkit", "tsne-bh"],
        outside: &[ERRORS, THREADS, SIMD],
        outside_in_tests: &[PROPERTIES, THREADS, ("serde_json", "golden files of the tests")],
    },
    Layer {
        name: "tsne-testkit",
        kind: Kind::Library,
        ours: &["tsne-core"],
        ours_in_tests: &[],
        outside: &[
            RANDOM,
            RAND_CORE,
            NORMALS,
            PROPERTIES,
            THREADS,
            ("realfft", "real transforms of the plain mesh that meshes are judged by"),
            ("rustfft", "complex transforms of the same, along all axes but the last"),
        ],
        outside_in_tests: TEST_TOOLS,
    },
    Layer {
        name: "tsne",
        kind: Kind::Library,
        ours: &["tsne-affinity", "tsne-bh", "tsne-core", "tsne-fft", "tsne-neighbors", "tsne-optim"],
        ours_in_tests: &["tsne-testkit"],
        outside: &[
            ERRORS,
            THREADS,
            SIMD,
            RANDOM,
            RAND_CORE,
            NORMALS,
            MATRIX,
            ("nalgebra-sparse", "CsrMatrix at the facade, feature `nalgebra`"),
            ("ndarray", "Array2 at the facade, feature `ndarray`"),
            ("faer", "Mat at the facade, feature `faer`"),
            ("strsim", "the name nearest to a misspelt one"),
            ("serde", "the header of model files"),
            ("serde_json", "the header of model files"),
            ("crc32fast", "checksums of model files"),
        ],
        outside_in_tests: &[PROPERTIES, THREADS],
    },
    Layer {
        name: "tsne-io",
        kind: Kind::Library,
        ours: &[],
        ours_in_tests: &[],
        outside: &[
            ERRORS,
            THREADS,
            ("bytes", "the buffers that parquet hands pages over in"),
            ("csv-core", "splitting tables with quoting, in buffers of our own"),
            ("flate2", "gzip around text"),
            ("memchr", "line ends and quotation marks of large tables"),
            ("parquet", "the format of Parquet files, feature `parquet`; decompressed by us"),
            ("ruzstd", "zstd around text and in Parquet files, in Rust alone"),
            ("snap", "snappy in Parquet files"),
            ("zip", "the container of NPZ"),
        ],
        outside_in_tests: TEST_TOOLS,
    },
    Layer {
        name: "tsne-cli",
        kind: Kind::Program,
        ours: &["tsne", "tsne-io"],
        ours_in_tests: &[],
        outside: &[
            ("ab_glyph", "drawing letters of the embedded font"),
            ("base64", "pictures within text files"),
            ("clap", "flags, help and usage errors"),
            ("clap_complete", "scripts that complete flags in shells"),
            ("clap_mangen", "the manual page"),
            ("indicatif", "progress on a terminal"),
            ("png", "writing pictures"),
            ("serde", "what a checkpoint keeps beside the map"),
            ("serde_json", "the run report and progress for programs"),
            ("sha2", "hashes by which an HTML file names the script it allows"),
            ("signal-hook", "Ctrl-C and SIGTERM, told apart, without unsafe code"),
            ("toml", "the flags of a run as a file"),
        ],
        outside_in_tests: &[
            ("base64", "pictures that a browser sends"),
            ("png", "reading pictures back"),
            ("roxmltree", "reading SVG back"),
            ("serde_json", "reading reports back"),
        ],
    },
    Layer {
        name: "tsne-benches",
        kind: Kind::Program,
        ours: &[
            "tsne",
            "tsne-affinity",
            "tsne-bh",
            "tsne-core",
            "tsne-fft",
            "tsne-io",
            "tsne-neighbors",
            "tsne-optim",
            "tsne-testkit",
        ],
        ours_in_tests: &[],
        outside: &[
            ("anyhow", "errors of a program"),
            RANDOM,
            RAND_CORE,
            NORMALS,
            THREADS,
            ("barnes-hut-tree", "another tree to compare with, feature `peers`"),
        ],
        outside_in_tests: &[("criterion", "benches of single kernels")],
    },
    Layer {
        name: "xtask",
        kind: Kind::Program,
        ours: &[],
        ours_in_tests: &[],
        outside: &[("anyhow", "errors of a program"), ("serde_json", "the output of cargo metadata")],
        outside_in_tests: &[],
    },
];

fn layer(name: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.name == name)
}

/// What a package is, if the table has it.
pub(crate) fn kind(name: &str) -> Option<Kind> {
    layer(name).map(|layer| layer.kind)
}

/// Every dependency of every package is one the table allows.
pub(crate) fn check(packages: &[Package], findings: &mut Vec<Finding>) {
    for package in packages {
        let manifest = package.folder.join("Cargo.toml");
        let mut found = |message: String| findings.push(Finding::new(&manifest, 0, message));
        let Some(layer) = layer(&package.name) else {
            found(format!("{} is not in the table of xtask/src/layers.rs", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let allowed = if dependency.by_path {
                layer.ours.contains(&name) || dependency.dev && layer.ours_in_tests.contains(&name)
            } else {
                let has = |list: &[(&str, &str)]| list.iter().any(|(outside, _)| *outside == name);
                has(layer.outside) || dependency.dev && has(layer.outside_in_tests)
            };
            if dependency.build || !allowed {
                found(format!(
                    "{} may not depend on {name}; a new edge needs an entry with its reason in xtask/src/layers.rs",
                    package.name
                ));
            }
            if name == "tsne-testkit" && dependency.dev && dependency.version != "*" {
                found("tsne-testkit is a dev-dependency by path without a version: publishing must not be circular".to_owned());
            }
        }
    }
}

/// Entries of the table that no manifest uses.
pub(crate) fn unused(packages: &[Package]) -> Vec<String> {
    let mut notes = Vec::new();
    for package in packages {
        let Some(layer) = layer(&package.name) else { continue };
        let used: BTreeSet<&str> =
            package.dependencies.iter().map(|dependency| dependency.name.as_str()).collect();
        let listed = layer.ours.iter().copied().chain(layer.outside.iter().map(|(name, _)| *name));
        let idle: Vec<&str> = listed.filter(|name| !used.contains(name)).collect();
        if !idle.is_empty() {
            notes.push(format!("{} may use and does not: {}", package.name, idle.join(", ")));
        }
    }
    notes
}

/// Number of packages in the tree of a package with its default features, itself not counted.
pub(crate) fn tree(package: &str) -> Result<usize> {
    let args = ["tree", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"];
    Ok(count_tree(&workspace::cargo_output(&args)?))
}

fn count_tree(tree: &str) -> usize {
    let lines: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)").trim()).collect();
    lines.iter().filter(|line| !line.is_empty()).count().saturating_sub(1)
}

/// The tree of a leaf stays small enough to depend on without thinking.
pub(crate) fn check_tree(package: &Package, tree: usize, findings: &mut Vec<Finding>) {
    if tree > MAX_LEAF_TREE {
        let message = format!("{} has {tree} packages in its tree, more than {MAX_LEAF_TREE}", package.name);
        findings.push(Finding::new(&package.folder.join("Cargo.toml"), 0, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn package(name: &str, dependencies: &[Dependency]) -> Package {
        Package { name: name.to_owned(), dependencies: dependencies.to_vec(), ..Package::default() }
    }

    fn ours(name: &str) -> Dependency {
        Dependency { name: name.to_owned(), by_path: true, version: "*".to_owned(), ..Dependency::default() }
    }

    fn outside(name: &str) -> Dependency {
        Dependency { name: name.to_owned(), version: "^1".to_owned(), ..Dependency::default() }
    }

    fn dev(dependency: Dependency) -> Dependency {
        Dependency { dev: true, ..dependency }
    }

    fn findings(name: &str, dependency: Dependency) -> usize {
        let mut findings = Vec::new();
        check(&[package(name, &[dependency])], &mut findings);
        findings.len()
    }

    #[test]
    fn leaves_know_the_core_alone() {
        assert_eq!(findings("tsne-bh", ours("tsne-core")), 0, "a leaf and the core");
        assert_eq!(findings("tsne-bh", ours("tsne-affinity")), 1, "a leaf and another leaf");
        assert_eq!(findings("tsne-core", ours("tsne-bh")), 1, "the core and a leaf");
        assert_eq!(findings("tsne", ours("tsne-bh")), 0, "the facade and a leaf");
    }

    #[test]
    fn no_leaf_may_list_another_leaf() {
        for layer in LAYERS.iter().filter(|layer| layer.kind == Kind::Leaf) {
            assert_eq!(layer.ours, ["tsne-core"], "{} is a leaf", layer.name);
        }
        let core = layer("tsne-core").expect("the core is in the table");
        assert!(core.ours.is_empty(), "the core knows no other crate of ours");
        assert!(core.outside.iter().all(|(name, _)| *name != "rayon"), "the core does not know rayon");
    }

    #[test]
    fn test_tools_stay_in_tests() {
        assert_eq!(findings("tsne-bh", dev(ours("tsne-testkit"))), 0, "testkit in tests");
        assert_eq!(findings("tsne-bh", ours("tsne-testkit")), 1, "testkit in the library");
        assert_eq!(findings("tsne-bh", outside("proptest")), 1, "proptest in the library");
        assert_eq!(findings("tsne-bh", dev(outside("proptest"))), 0, "proptest in tests");
        let versioned = Dependency { version: "^0.1".to_owned(), ..dev(ours("tsne-testkit")) };
        assert_eq!(findings("tsne-bh", versioned), 1, "testkit with a version");
    }

    #[test]
    fn outside_crates_need_a_reason() {
        assert_eq!(findings("tsne-testkit", outside("rustfft")), 0, "listed");
        assert_eq!(findings("tsne-bh", outside("rustfft")), 1, "listed for another crate only");
        assert_eq!(
            findings("tsne-bh", Dependency { build: true, ..outside("thiserror") }),
            1,
            "no build scripts"
        );
        assert_eq!(findings("tsne-new", outside("thiserror")), 1, "a crate without an entry");
        for layer in LAYERS {
            for (name, reason) in layer.outside.iter().chain(layer.outside_in_tests) {
                assert!(reason.split(' ').count() > 1, "{}: {name} has no reason", layer.name);
            }
        }
    }

    #[test]
    fn entries_without_use_are_named() {
        let notes = unused(&[package("xtask", &[outside("anyhow")])]);
        assert_eq!(notes, ["xtask may use and does not: serde_json"], "one of two is used");
    }

    #[test]
    fn trees_are_counted_once_per_package() {
        let text = "tsne-bh v0.1.0 (x)\nthiserror v2\nsyn v2\nsyn v2 (*)\n\n";
        assert_eq!(count_tree(text), 2, "thiserror and syn");
        let mut findings = Vec::new();
        check_tree(&package("tsne-bh", &[]), MAX_LEAF_TREE, &mut findings);
        assert!(findings.is_empty(), "40 is allowed");
        check_tree(&package("tsne-bh", &[]), MAX_LEAF_TREE + 1, &mut findings);
        assert_eq!(findings.len(), 1, "41 is not");
    }
}
