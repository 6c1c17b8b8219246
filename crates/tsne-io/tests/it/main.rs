//! Tests of the readers and writers: what they accept, and how they refuse.

mod map;
mod narrow;
mod npy;
mod npz;
mod output;
mod table;

use tsne_io::{Cells, Dataset};

/// The features of a data set that are not bytes.
fn f64s(data: &Dataset) -> &[f64] {
    match data.features.cells() {
        Cells::F64(values) => values,
        Cells::U8(_) => panic!("the features are bytes"),
    }
}
