//! Data files for t-SNE: reads tables and numpy arrays, writes maps, and believes nothing it reads.
//!
//! Depend on this crate to turn a file into a matrix and a map into a file; the command line and the benches do.
//! It knows nothing of t-SNE itself.
//!
//! | to | use |
//! | --- | --- |
//! | read a data file by its suffix | [`read_path`] with [`ReadOptions`], which gives a [`Dataset`] |
//! | read delimited text from any source, compressed or not | [`read_table`] |
//! | read any of them from a stream | [`read_stream`] |
//! | read and write Matrix Market files | [`read_mtx`], [`write_mtx`] |
//! | read and write Parquet files (feature `parquet`) | `read_parquet`, `write_parquet` |
//! | read neighbors, a sparse matrix, or labels for themselves | [`read_graph`], [`read_sparse`], [`read_labels`] |
//! | read and write one numpy array | [`read_npy`], [`write_npy`] |
//! | read and write arrays by name | [`NpzReader`], [`NpzWriter`] |
//! | make columns of different units comparable | [`Standardization`] |
//! | bring data into the range of `f32` without loss | [`Narrowing`] |
//! | write data as they were read | [`write_table`], [`write_features`], [`write_npz`] |
//! | write a map as text | [`MapTable`] |
//! | write text compressed | [`Compression`] |
//! | write a file whole or not at all | [`Output`] |
//!
//! Files are untrusted: sizes are bounded and compared with the file before memory is taken, nothing is evaluated,
//! and every fault is an [`Error`] that says what is wrong, where, and what to do.
#![forbid(unsafe_code)]

mod blocks;
mod columns;
mod compress;
mod dataset;
mod error;
mod fields;
mod graph;
mod header;
mod labels;
mod map;
mod matrix;
mod missing;
mod mtx;
mod narrow;
mod npy;
mod npy_text;
mod npz;
mod number;
mod output;
#[cfg(feature = "parquet")]
mod parquet;
mod read;
mod records;
mod rows;
mod sniff;
mod sparse;
mod standardize;
mod table;
mod write;

pub use compress::Compression;
pub use dataset::{Dataset, Format, ReadOptions};
pub use error::{BadCell, Column, Error, RowPlace, shown};
pub use graph::Graph;
pub use labels::Labels;
pub use map::MapTable;
pub use matrix::{Cells, Matrix, Sparse};
pub use missing::Missing;
pub use mtx::{read_mtx, write_mtx};
pub use narrow::Narrowing;
pub use npy::{Array, NpyElement, Values, read_npy, write_npy};
pub use npz::{NpzReader, NpzWriter};
pub use output::{Output, WriteSeek};
#[cfg(feature = "parquet")]
pub use parquet::{read_parquet, write_parquet};
pub use read::{read_graph, read_labels, read_path, read_sparse, read_stream};
pub use standardize::Standardization;
pub use table::read_table;
pub use write::{write_features, write_npz, write_table};
