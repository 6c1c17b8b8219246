//! What models and checkpoints keep beside the map, and when checkpoints are written.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tsne::{ModelError, SaveOptions, Scalar, TsneEmbedding};
use tsne_io::{Labels, Narrowing, Output, Standardization};

use crate::exit::{Failure, shown_path};
use crate::features::Treatment;

/// Name of the notes in the file.
const KEY: &str = "tsne-cli";

/// What the program needs to go on with a run, and to treat new rows as it treated the first.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notes {
    /// What the data are called in messages.
    pub(crate) name: String,
    /// All flags of the fit as TOML.
    pub(crate) configuration: String,
    /// Shape and format of the data, for the report.
    pub(crate) data: serde_json::Value,
    /// Code and text of what was noticed while reading.
    pub(crate) warnings: Vec<(String, String)>,
    /// Names of the columns, if they had any.
    pub(crate) feature_names: Option<Vec<String>>,
    /// How columns were shifted and scaled: centers and exponent.
    pub(crate) narrowing: Option<(Vec<f64>, i32)>,
    /// How columns were standardized before that: means and deviations.
    #[serde(default)]
    pub(crate) standardization: Option<(Vec<f64>, Vec<f64>)>,
    pub(crate) labels: Option<SavedLabels>,
    pub(crate) ids: Option<Vec<String>>,
}

/// [`Labels`].
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedLabels {
    name: String,
    classes: Vec<String>,
    codes: Vec<u32>,
}

/// What goes with the numbers of a data file.
#[derive(Default, Clone, Debug)]
pub(crate) struct Company {
    pub(crate) labels: Option<Labels>,
    pub(crate) ids: Option<Vec<String>>,
    pub(crate) feature_names: Option<Vec<String>>,
    /// Shape and format, for the report.
    pub(crate) description: serde_json::Value,
    /// Code and text of what was noticed while reading.
    pub(crate) warnings: Vec<(String, String)>,
    /// What was done to the columns.
    pub(crate) treatment: Treatment,
}

impl Notes {
    pub(crate) fn of(name: &str, configuration: &toml::Table, company: &Company) -> Self {
        Self {
            name: name.to_owned(),
            configuration: crate::config::to_text(configuration),
            data: company.description.clone(),
            warnings: company.warnings.clone(),
            feature_names: company.feature_names.clone(),
            narrowing: company.treatment.narrowing.as_ref().map(|n| (n.centers().to_vec(), n.exponent())),
            standardization: company
                .treatment
                .standardization
                .as_ref()
                .map(|s| (s.means().to_vec(), s.deviations().to_vec())),
            labels: company.labels.as_ref().map(|labels| SavedLabels {
                name: labels.name().to_owned(),
                classes: labels.classes().to_vec(),
                codes: labels.codes().to_vec(),
            }),
            ids: company.ids.clone(),
        }
    }

    /// What the map at `path` keeps, which is of `n_points`.
    pub(crate) fn read<T: Scalar, const D: usize>(
        map: &TsneEmbedding<T, D>,
        path: &Path,
    ) -> Result<Self, Failure> {
        let failed = |what: String| {
            Failure::new("E505", what, "give a file that tsne fit has written").at(shown_path(path))
        };
        let Some(text) = map.note(KEY) else {
            return Err(failed("this map was not made by tsne fit: it does not say how".to_owned()));
        };
        let notes: Self = serde_json::from_str(text)
            .map_err(|e| failed(format!("what the map says of its data cannot be read: {e}")))?;
        let n_points = map.positions().len();
        let fits = |len: usize| len == n_points;
        let labels_fit = notes.labels.as_ref().is_none_or(|labels| {
            fits(labels.codes.len())
                && labels.codes.iter().all(|&code| (code as usize) < labels.classes.len())
        });
        if !labels_fit || !notes.ids.as_ref().is_none_or(|ids| fits(ids.len())) {
            return Err(failed(format!("the labels or ids are not those of {n_points} rows")));
        }
        Ok(notes)
    }

    /// A flag of the fit; none of a version that did not have it.
    pub(crate) fn flag(&self, name: &str) -> Option<toml::Value> {
        crate::config::parse(&self.configuration).ok()?.remove(name)
    }

    /// Seed of the fit, by which new rows start at random.
    pub(crate) fn seed(&self) -> Option<u64> {
        // Numbers that TOML has no room for are written as texts.
        match self.flag("random_state")? {
            toml::Value::Integer(seed) => seed.try_into().ok(),
            toml::Value::String(seed) => seed.parse().ok(),
            _ => None,
        }
    }

    /// What was done to the `n_features` columns.
    pub(crate) fn treatment(&self, n_features: Option<usize>, path: &Path) -> Result<Treatment, Failure> {
        let fits = |len: usize| n_features.is_none_or(|n_features| len == n_features);
        let failed = || {
            let what = "what the model says of its columns contradicts itself or is not finite";
            Failure::new("E505", what, "make the file again").at(shown_path(path))
        };
        let mut treatment = Treatment::default();
        if let Some((centers, exponent)) = &self.narrowing {
            let narrowing = Narrowing::from_parts(centers.clone(), *exponent);
            treatment.narrowing = Some(narrowing.filter(|n| fits(n.centers().len())).ok_or_else(failed)?);
        }
        if let Some((means, deviations)) = &self.standardization {
            let standardization = Standardization::from_parts(means.clone(), deviations.clone());
            treatment.standardization =
                Some(standardization.filter(|s| fits(s.means().len())).ok_or_else(failed)?);
        }
        Ok(treatment)
    }

    /// What goes with the rows, of so many features.
    pub(crate) fn company(&self, n_features: Option<usize>, path: &Path) -> Result<Company, Failure> {
        Ok(Company {
            labels: self.labels.as_ref().map(|saved| {
                let texts = saved.codes.iter().map(|&code| &saved.classes[code as usize]);
                Labels::from_texts(&saved.name, texts)
            }),
            ids: self.ids.clone(),
            feature_names: self.feature_names.clone(),
            description: self.data.clone(),
            warnings: self.warnings.clone(),
            treatment: self.treatment(n_features, path)?,
        })
    }

    /// Makes a map keep these notes.
    pub(crate) fn attach<T: Scalar, const D: usize>(&self, map: &mut TsneEmbedding<T, D>) {
        let text = serde_json::to_string(self).expect("texts and finite numbers are JSON");
        map.set_note(KEY, text);
    }
}

/// Writes a model or checkpoint. Data are what models need to place new rows, and take most of the space.
pub(crate) fn save<T: Scalar, const D: usize>(
    map: &TsneEmbedding<T, D>,
    output: &Output,
    with_data: bool,
) -> Result<(), Failure> {
    let mut fault = None;
    let written = output.write(|file| match map.save(file, SaveOptions::new().data(with_data)) {
        Ok(_) => Ok(()),
        Err(tsne::Error::Model(ModelError::Io(e))) => Err(e),
        Err(error) => {
            fault = Some(Failure::of_fit(&error, &shown_path(output.path())));
            Err(std::io::ErrorKind::Other.into())
        }
    });
    match (fault, written) {
        (Some(failure), _) => Err(failure),
        (None, written) => written.map_err(|e| Failure::in_file(output.path(), &e)),
    }
}

/// A name for the checkpoint of a stopped run that asked for none: that of `output` with the suffix `.ckpt`, and a number
/// if there is such a file.
pub(crate) fn free_name(output: &Path) -> PathBuf {
    let stem = output.file_stem().unwrap_or("tsne".as_ref()).to_string_lossy().into_owned();
    let named = |name: String| output.with_file_name(name);
    let numbered = (2..).map(|number| named(format!("{stem}-{number}.ckpt")));
    let mut names = std::iter::once(named(format!("{stem}.ckpt"))).chain(numbered);
    names.find(|path| !path.exists()).expect("numbers do not end")
}
