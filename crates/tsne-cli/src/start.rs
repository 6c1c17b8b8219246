//! Where points start: by the name of a rule, or at the positions of a file.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::exit::{Failure, shown_path};
use crate::fit::read_positions;

/// What a flag says of where points start, `S` being the rules there are.
#[derive(Debug)]
pub(crate) enum Start<S> {
    Named(S),
    File(PathBuf),
}

impl<S: FromStr<Err = tsne::Error>> Start<S> {
    /// A rule by its name, else a file, if it may be one.
    pub(crate) fn parse(how: &str) -> Result<Self, Failure> {
        let unknown = match how.parse() {
            Ok(named) => return Ok(Self::Named(named)),
            Err(unknown) => unknown,
        };
        let path = Path::new(how);
        if path.extension().is_none() && !path.exists() {
            return Err(Failure::of_fit(&unknown, ""));
        }
        Ok(Self::File(path.to_owned()))
    }

    /// The rule, or what `given` makes of the positions of the file, which are of `n_points` in `D` dimensions.
    pub(crate) fn of_points<const D: usize>(
        self,
        n_points: usize,
        given: impl FnOnce(Vec<[f64; D]>) -> S,
    ) -> Result<S, Failure> {
        match self {
            Self::Named(named) => Ok(named),
            Self::File(path) => positions(&path, n_points).map(given),
        }
    }
}

/// Positions of so many points from a file.
fn positions<const D: usize>(path: &Path, n_points: usize) -> Result<Vec<[f64; D]>, Failure> {
    let data = read_positions(path).map_err(|e| {
        let failure = Failure::in_file(path, &e);
        if failure.code() == "E103" { failure.with_code("E209") } else { failure }
    })?;
    let (n_rows, n_columns) = (data.features.n_rows(), data.features.n_features());
    if (n_rows, n_columns) != (n_points, D) {
        let what = format!(
            "initial positions of shape ({n_rows}, {n_columns}) for a map of shape ({n_points}, {D})"
        );
        let help = "give one row per row of the data and one column per component";
        return Err(Failure::new("E208", what, help).at(shown_path(path)));
    }
    let Some(values) = data.features.into_cells().into_f64() else {
        let help = "give a dense matrix";
        return Err(Failure::new("E208", "initial positions are sparse", help).at(shown_path(path)));
    };
    Ok(values.as_chunks::<D>().0.to_vec())
}
