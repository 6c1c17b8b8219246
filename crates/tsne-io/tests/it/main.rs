//! Tests of the readers and writers: what they accept, and how they refuse.

mod compressed;
mod corpus;
mod map;
mod missing;
mod narrow;
mod npy;
mod npz;
mod output;
#[cfg(feature = "parquet")]
mod parquet;
mod paths;
mod sparse;
mod standardize;
mod table;
mod written;

use tsne_io::{Cells, Dataset};

/// The features of a data set that are not bytes.
fn f64s(data: &Dataset) -> &[f64] {
    match data.features.cells() {
        Cells::F64(values) => values,
        other => panic!("the features are not f64: {other:?}"),
    }
}
