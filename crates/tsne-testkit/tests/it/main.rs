//! Tests of the test support itself: the oracle by hand, and every check on right and wrong implementations.

mod broken;
mod compare;
mod conforming;
mod data;
mod mesh;
mod oracle;
mod plain;
