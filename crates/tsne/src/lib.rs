//! t-SNE: maps of high-dimensional data.
//!
//! ```
//! use tsne::{Points, Tsne};
//!
//! let x: Vec<f32> = (0..300).map(|i| ((i * 37) % 101) as f32).collect(); // 100 points of 3 features
//! let map = Tsne::new().perplexity(10.0).random_state(42).fit(Points::from_row_major(&x, 3)?)?;
//! let y: &[[f32; 2]] = map.positions();
//! assert_eq!(y.len(), 100);
//! println!("{}", map.report());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Tsne`] is the configuration; [`Tsne::fit`] makes a [`TsneEmbedding`]. Names and defaults are those of openTSNE's
//! `TSNE` (before 1.0; `docs/decisions.md` says where and why they differ). The stages are crates of their own, and
//! each can be used alone: [`neighbors`] → [`affinity`] → [`optim`] over a repulsion from [`bh`] or [`fft`]. A fit does
//! nothing that these pieces used by hand would not do, and gives the same bits.
//!
//! Equal data, parameters and seed give equal bits, whatever the number of threads.
#![forbid(unsafe_code)]

mod auto;
mod callbacks;
mod config;
mod data;
mod eigen;
mod embedding;
mod error;
mod hints;
pub mod init;
mod input;
mod joint;
pub mod kl;
mod last_map;
mod model;
mod optimization;
mod options;
mod partial;
pub mod pca;
mod pipeline;
mod plan;
mod reference;
mod report;
mod repulsion;
mod run;
mod samples;
mod search;
mod threads;
mod transform;

pub use callbacks::{Callback, Iteration, Positions, StopWhenSettled};
pub use config::Tsne;
pub use data::Data;
pub use embedding::TsneEmbedding;
pub use error::Error;
pub use input::Input;
pub use joint::JointAffinities;
pub use last_map::LastMap;
pub use model::{ModelError, ModelInfo, SaveOptions};
pub use optimization::Optimization;
pub use options::{Initialization, NegativeGradientMethod, Neighbors, NewPositions};
pub use partial::PartialTsneEmbedding;
pub use plan::{Chosen, InputShape, Plan, Reason};
pub use report::{Report, Stage, Warning};
pub use run::Event;
pub use samples::{Rows, Samples};
pub use transform::Transform;
pub use tsne_affinity as affinity;
pub use tsne_bh as bh;
pub use tsne_core::{self as core, Csr, Points, Scalar, Seed, StudentT, Tick};
pub use tsne_fft as fft;
pub use tsne_neighbors::{self as neighbors, Metric};
pub use tsne_optim::{self as optim, LearningRate, Phase, Progress, Recovery, State, StopReason};
