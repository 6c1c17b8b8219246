//! The flags of a fit as TOML: `--config` reads them, the report and checkpoints keep them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use toml::{Table, Value};

use crate::exit::{Failure, shown_path};

/// Flags that are not part of a configuration: where it came from, and how much is said.
const ASIDE: [&str; 8] = ["config", "force", "progress", "quiet", "verbose", "color", "help", "version"];

/// Whether a flag was on the command line and not left to its default.
pub(crate) fn is_given(flags: &ArgMatches, id: &str) -> bool {
    flags.value_source(id) == Some(ValueSource::CommandLine)
}

/// The words of a command line with the flags of its `--config` file added to them; those given on the command line win.
/// Also the flags that were on the command line itself.
pub(crate) fn with_file(
    words: Vec<OsString>,
    command: &Command,
) -> Result<(Vec<OsString>, Vec<String>), Failure> {
    let lenient = command.clone().mut_subcommand("fit", |fit| {
        let fit = fit.mut_args(|arg| arg.required(false));
        // The file may name the input, which only a search can do without otherwise.
        fit.mut_arg("input", |arg| arg.required_unless_present_any(["config"]))
    });
    // A mistake is left to be found again by whoever reads the words in earnest.
    let Ok(matches) = lenient.try_get_matches_from(&words) else { return Ok((words, Vec::new())) };
    let Some((_, flags)) = matches.subcommand() else { return Ok((words, Vec::new())) };
    let given: Vec<String> =
        flags.ids().map(clap::Id::as_str).filter(|id| is_given(flags, id)).map(str::to_owned).collect();
    let Ok(Some(path)) = flags.try_get_one::<PathBuf>("config") else { return Ok((words, given)) };
    let mut table = read(path)?;
    table.retain(|key, _| !given.iter().any(|id| id == &id_of(key)));
    let added = words_of(&table, command).map_err(|failure| failure.at(shown_path(path)))?;
    // After the command's name, so that a `--` among the words does not reach them.
    let at = words.len().min(2);
    let mut all = words;
    all.splice(at..at, added);
    Ok((all, given))
}

fn read(path: &Path) -> Result<Table, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        let not_found = e.kind() == std::io::ErrorKind::NotFound;
        let (code, what) = if not_found {
            ("E601", "the file does not exist".to_owned())
        } else {
            ("E602", format!("the file cannot be read: {e}"))
        };
        Failure::new(code, what, "check the name and the directory").at(shown_path(path))
    })?;
    parse(&text).map_err(|failure| failure.at(shown_path(path)))
}

/// The table that a text holds.
pub(crate) fn parse(text: &str) -> Result<Table, Failure> {
    text.parse().map_err(|e: toml::de::Error| {
        let what = format!("the configuration is not TOML: {}", tsne_io::shown(e.message()));
        Failure::new("E107", what, "write one flag a line, as perplexity = 30")
    })
}

/// The identifier of a flag by its key: both `n_iter` and `n-iter` are understood.
fn id_of(key: &str) -> String {
    if key == "output" { "outputs".to_owned() } else { key.replace('-', "_") }
}

/// A table as words of a command line.
pub(crate) fn words_of(table: &Table, command: &Command) -> Result<Vec<OsString>, Failure> {
    let fit = command.find_subcommand("fit").expect("there is a command fit");
    let mut words = Vec::new();
    for (key, value) in table {
        let id = id_of(key);
        let known = fit.get_arguments().find(|arg| arg.get_id() == id.as_str() && id != "config");
        let Some(arg) = known else {
            let what = format!("there is no flag --{}", tsne_io::shown(&key.replace('_', "-")));
            return Err(Failure::new(
                "E201",
                what,
                "tsne fit --help lists all; keys are flags without dashes",
            ));
        };
        let texts = match value {
            Value::Array(values) => values.iter().map(|value| text_of(key, value)).collect(),
            value => text_of(key, value).map(|text| vec![text]),
        }?;
        for text in texts {
            let word = match (arg.get_long(), arg.get_action().takes_values()) {
                (Some(long), true) => format!("--{long}={text}"),
                (Some(long), false) if text == "true" => format!("--{long}"),
                (Some(_), false) => continue,
                // Only INPUT has no name; one that begins with a dash is told from a flag by its directory.
                (None, _) if text.starts_with('-') && text != "-" => format!("./{text}"),
                (None, _) => text,
            };
            words.push(word.into());
        }
    }
    Ok(words)
}

fn text_of(key: &str, value: &Value) -> Result<String, Failure> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Boolean(yes) => Ok(yes.to_string()),
        other => {
            let (key, kind) = (tsne_io::shown(key), other.type_str());
            let what = format!("{key} is a {kind}, not a number, text, true or false");
            Err(Failure::new("E201", what, "write one flag a line, as perplexity = 30"))
        }
    }
}

/// Every flag of a fit with its value, defaults included.
pub(crate) fn effective(flags: &ArgMatches, command: &Command) -> Table {
    let fit = command.find_subcommand("fit").expect("there is a command fit");
    let mut table = Table::new();
    for arg in fit.get_arguments() {
        let id = arg.get_id().as_str();
        if ASIDE.contains(&id) {
            continue;
        }
        let Ok(Some(raw)) = flags.try_get_raw(id) else { continue };
        let takes_values = arg.get_action().takes_values();
        let mut values: Vec<Value> =
            raw.map(|text| value_of(&text.to_string_lossy(), takes_values)).collect();
        let is_list = matches!(arg.get_action(), clap::ArgAction::Append) && values.len() != 1;
        let value = match values.pop() {
            Some(only) if !is_list => only,
            last => Value::Array(values.into_iter().chain(last).collect()),
        };
        table.insert(arg.get_long().unwrap_or(id).replace('-', "_"), value);
    }
    table
}

/// A word as a number or truth value where that says the same, else as text.
fn value_of(text: &str, takes_values: bool) -> Value {
    if !takes_values {
        return Value::Boolean(text == "true");
    }
    if let Ok(number) = text.parse::<i64>()
        && number.to_string() == text
    {
        return Value::Integer(number);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number.to_string() == text => Value::Float(number),
        _ => Value::String(text.to_owned()),
    }
}

/// A table as text.
pub(crate) fn to_text(table: &Table) -> String {
    toml::to_string(table).expect("numbers, texts and lists of them are TOML")
}
