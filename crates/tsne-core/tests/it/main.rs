//! Every seam in every form it is used in, and every promise of the vocabulary types.

mod control;
mod csr;
mod errors;
mod kernel;
mod knn;
mod points;
mod scalar;
mod seams;
