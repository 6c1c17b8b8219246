//! What is compared with what: named scenarios, each one command, and what each must show.

/// One comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// The data, as [`Store`](crate::data::Store) names them.
    pub(crate) data: &'static str,
    /// Runs of each, from initial positions that differ in their jitter.
    pub(crate) rounds: usize,
    /// What a command takes on two cores of 2023, in words.
    pub(crate) takes: &'static str,
    pub(crate) contenders: &'static [Contender],
    pub(crate) claims: &'static [Claim],
}

/// One program with its settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contender {
    pub(crate) label: &'static str,
    pub(crate) who: Who,
    pub(crate) schedule: &'static str,
    pub(crate) threads: usize,
    /// Whether maps on the way are kept and judged, in one run.
    pub(crate) is_traced: bool,
}

/// A program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Who {
    /// Our library, by `lab fit`.
    Tsne,
    /// Our command line, from start to exit, with all its reading and writing.
    Process,
    /// One of [`PEERS`](super::peers::PEERS).
    Peer(&'static str),
}

/// Something a scenario must show: a figure, or the ratio of two contenders, that is at most a bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) what: What,
    pub(crate) ours: &'static str,
    pub(crate) theirs: &'static str,
    pub(crate) at_most: f64,
}

/// What is held against the bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum What {
    /// Seconds of a whole fit over theirs.
    Fit,
    /// Seconds until the map is as good as their final one, over those of their whole fit.
    TimeToKl,
    /// Divergence over theirs.
    Kl,
    /// Seconds, over nobody's.
    Seconds,
}

const API: Contender =
    Contender { label: "tsne", who: Who::Tsne, schedule: "api", threads: 2, is_traced: false };
const V1: Contender = Contender { label: "tsne v1", schedule: "opentsne_v1", ..API };
const TRACED: Contender = Contender { label: "tsne, traced", is_traced: true, ..API };
const V1_TRACED: Contender = Contender { label: "tsne v1, traced", is_traced: true, ..V1 };
const ONE_THREAD: Contender = Contender { label: "tsne, one thread", threads: 1, ..API };
const PROCESS: Contender = Contender { label: "tsne, process", who: Who::Process, ..API };
const OPENTSNE: Contender = Contender { label: "openTSNE", who: Who::Peer("opentsne"), ..API };
const OPENTSNE_V1: Contender = Contender { label: "openTSNE v1", schedule: "opentsne_v1", ..OPENTSNE };
const OPENTSNE_TRACED: Contender = Contender { label: "openTSNE, traced", is_traced: true, ..OPENTSNE };
const OPENTSNE_V1_TRACED: Contender =
    Contender { label: "openTSNE v1, traced", is_traced: true, ..OPENTSNE_V1 };
const SKLEARN: Contender = Contender { label: "scikit-learn", who: Who::Peer("sklearn"), ..API };
const MANIFOLDS: Contender = Contender { label: "manifolds-rs", who: Who::Peer("manifolds"), ..API };

const fn claim(what: What, ours: &'static str, theirs: &'static str, at_most: f64) -> Claim {
    Claim { what, ours, theirs, at_most }
}

/// Every scenario, by size.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "iris",
        data: "iris",
        rounds: 5,
        takes: "a minute",
        contenders: &[API, V1, PROCESS, OPENTSNE, OPENTSNE_V1, SKLEARN, MANIFOLDS],
        claims: &[
            claim(What::Seconds, "tsne, process", "", 0.2),
            claim(What::Fit, "tsne", "manifolds-rs", 1.0),
        ],
    },
    Scenario {
        name: "digits",
        data: "digits",
        rounds: 5,
        takes: "two minutes",
        contenders: &[API, V1, PROCESS, OPENTSNE, OPENTSNE_V1, SKLEARN, MANIFOLDS],
        claims: &[
            claim(What::Fit, "tsne", "manifolds-rs", 0.6),
            claim(What::Fit, "tsne", "openTSNE", 0.6),
            claim(What::Fit, "tsne", "scikit-learn", 0.6),
            claim(What::Kl, "tsne", "manifolds-rs", 1.0),
            claim(What::Kl, "tsne", "openTSNE", 1.0),
            claim(What::Kl, "tsne", "scikit-learn", 1.0),
        ],
    },
    Scenario {
        name: "mnist-10000",
        data: "mnist_10000",
        rounds: 3,
        takes: "eight minutes",
        contenders: &[API, V1, OPENTSNE, OPENTSNE_V1, SKLEARN, MANIFOLDS],
        claims: &[
            claim(What::Fit, "tsne", "openTSNE", 1.0 / 7.0),
            claim(What::Fit, "tsne", "manifolds-rs", 0.4),
            claim(What::Kl, "tsne", "openTSNE", 1.0),
            claim(What::Kl, "tsne", "manifolds-rs", 1.0),
        ],
    },
    Scenario {
        name: "mnist",
        data: "mnist_70000",
        rounds: 3,
        takes: "ten minutes",
        contenders: &[API, TRACED, OPENTSNE, MANIFOLDS],
        claims: &[
            claim(What::Fit, "tsne", "openTSNE", 1.0 / 7.0),
            claim(What::Kl, "tsne", "openTSNE", 1.0),
            claim(What::Fit, "tsne", "manifolds-rs", 0.4),
            claim(What::TimeToKl, "tsne, traced", "manifolds-rs", 0.3),
        ],
    },
    Scenario {
        name: "mnist-v1",
        data: "mnist_70000",
        rounds: 3,
        takes: "eight minutes",
        contenders: &[V1, V1_TRACED, OPENTSNE_V1],
        claims: &[
            claim(What::Fit, "tsne v1", "openTSNE v1", 1.0 / 8.0),
            claim(What::Kl, "tsne v1", "openTSNE v1", 1.0),
            claim(What::TimeToKl, "tsne v1, traced", "openTSNE v1", 1.0 / 8.0),
        ],
    },
    Scenario {
        name: "mnist-traces",
        data: "mnist_70000",
        rounds: 1,
        takes: "eight minutes",
        contenders: &[TRACED, V1_TRACED, OPENTSNE_TRACED, OPENTSNE_V1_TRACED],
        claims: &[],
    },
    Scenario {
        name: "mnist-threads",
        data: "mnist_70000",
        rounds: 3,
        takes: "two minutes",
        contenders: &[API, ONE_THREAD],
        claims: &[claim(What::Fit, "tsne", "tsne, one thread", 1.0 / 1.7)],
    },
    Scenario {
        name: "mnist-sklearn",
        data: "mnist_70000",
        rounds: 1,
        takes: "half an hour",
        contenders: &[API, SKLEARN],
        claims: &[],
    },
    Scenario {
        name: "distorted-200000",
        data: "distorted_200000",
        rounds: 1,
        takes: "twenty minutes",
        contenders: &[API, OPENTSNE, MANIFOLDS],
        claims: &[claim(What::Fit, "tsne", "openTSNE", 1.0 / 7.0)],
    },
    Scenario {
        name: "distorted-600000",
        data: "distorted_600000",
        rounds: 1,
        takes: "forty minutes",
        contenders: &[API, MANIFOLDS],
        claims: &[claim(What::Fit, "tsne", "manifolds-rs", 0.25)],
    },
];

/// Data of the caller's own.
pub(crate) const GIVEN: Scenario = Scenario {
    name: "given",
    data: "given",
    rounds: 3,
    takes: "",
    contenders: &[API, OPENTSNE, SKLEARN, MANIFOLDS],
    claims: &[],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_about_contenders_of_their_scenario() {
        for scenario in SCENARIOS {
            let has = |label: &str| scenario.contenders.iter().any(|contender| contender.label == label);
            for claim in scenario.claims {
                assert!(has(claim.ours), "{}: {}", scenario.name, claim.ours);
                assert!(
                    has(claim.theirs) || claim.what == What::Seconds,
                    "{}: {}",
                    scenario.name,
                    claim.theirs
                );
            }
        }
    }
}
