//! Nearest-neighbor descent: from the leaves of trees to a graph, and from a graph to the neighbors of new points.

pub(crate) mod build;
pub(crate) mod compare;
pub(crate) mod edges;
pub(crate) mod lists;
pub(crate) mod search;
pub(crate) mod sparse;
pub(crate) mod write;
