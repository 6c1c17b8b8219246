//! Which column of a file is used for what.

use std::ops::RangeInclusive;

use crate::{Error, ReadOptions};

/// What each column is used for.
#[derive(Debug)]
pub(crate) struct Roles {
    /// Column of the label.
    pub(crate) label: Option<usize>,
    /// Column of the id.
    pub(crate) id: Option<usize>,
    /// Whether a column is a feature.
    pub(crate) is_feature: Vec<bool>,
    /// Number of features, at least 1.
    pub(crate) n_features: usize,
}

impl Roles {
    pub(crate) fn new(
        options: &ReadOptions,
        names: Option<&[String]>,
        n_columns: usize,
    ) -> Result<Self, Error> {
        let find = |wanted: &String| find_column(wanted, names, n_columns);
        let label = options.label.as_ref().map(find).transpose()?;
        let id = options.id.as_ref().map(find).transpose()?;
        let mut is_feature = vec![options.columns.is_empty(); n_columns];
        for (list, used) in [(&options.columns, true), (&options.drop, false)] {
            for wanted in list {
                is_feature[find_columns(wanted, names, n_columns)?].fill(used);
            }
        }
        for column in [label, id].into_iter().flatten() {
            is_feature[column] = false;
        }
        let n_features = is_feature.iter().filter(|&&yes| yes).count();
        if n_features == 0 {
            return Err(Error::NoFeatures { n_columns });
        }
        Ok(Self { label, id, is_feature, n_features })
    }
}

/// The column that `wanted` names or numbers, or those from one to another: a name or number, `-`, a name or number.
fn find_columns(
    wanted: &str,
    names: Option<&[String]>,
    n_columns: usize,
) -> Result<RangeInclusive<usize>, Error> {
    let refused = match find_column(wanted, names, n_columns) {
        Ok(column) => return Ok(column..=column),
        Err(refused) => refused,
    };
    // Names may hold hyphens of their own, so each is tried.
    for (at, _) in wanted.match_indices('-') {
        let ends = [&wanted[..at], &wanted[at + 1..]].map(|end| find_column(end, names, n_columns));
        if let [Ok(first), Ok(last)] = ends
            && first <= last
        {
            return Ok(first..=last);
        }
    }
    Err(refused)
}

/// Index of the column that `wanted` names or numbers.
fn find_column(wanted: &str, names: Option<&[String]>, n_columns: usize) -> Result<usize, Error> {
    let named: Vec<usize> = names
        .unwrap_or_default()
        .iter()
        .enumerate()
        .filter(|(_, name)| *name == wanted)
        .map(|(i, _)| i)
        .collect();
    match named[..] {
        [only] => return Ok(only),
        [] => {}
        _ => {
            let numbers = named.iter().map(|i| i + 1).collect();
            return Err(Error::AmbiguousColumn { wanted: wanted.to_owned(), numbers });
        }
    }
    match wanted.parse::<usize>() {
        Ok(number) if (1..=n_columns).contains(&number) => Ok(number - 1),
        _ => {
            let same = |name: &&String| name.trim().eq_ignore_ascii_case(wanted.trim());
            let similar = names.unwrap_or_default().iter().find(same).cloned();
            Err(Error::NoSuchColumn { wanted: wanted.to_owned(), n_columns, similar })
        }
    }
}
