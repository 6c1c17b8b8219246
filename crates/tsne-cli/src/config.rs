//! The flags of a command as TOML: `--config` reads them, reports, models and checkpoints keep them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use toml::{Table, Value};

use crate::exit::{Failure, shown_path};

/// Commands that take `--config`.
const CONFIGURED: [&str; 3] = ["fit", "transform", "plan"];

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
    program: &Command,
) -> Result<(Vec<OsString>, Vec<String>), Failure> {
    let leave_open = |command: Command| {
        let command = command.mut_args(|arg| arg.required(false));
        // The file may name the input, which little can be done without otherwise.
        command.mut_arg("input", |arg| arg.required_unless_present_any(["config"]))
    };
    let lenient =
        CONFIGURED.iter().fold(program.clone(), |program, name| program.mut_subcommand(name, leave_open));
    // A mistake is left to be found again by whoever reads the words in earnest.
    let Ok(matches) = lenient.try_get_matches_from(&words) else { return Ok((words, Vec::new())) };
    let Some((name, flags)) = matches.subcommand() else { return Ok((words, Vec::new())) };
    let given: Vec<String> =
        flags.ids().map(clap::Id::as_str).filter(|id| is_given(flags, id)).map(str::to_owned).collect();
    let Ok(Some(path)) = flags.try_get_one::<PathBuf>("config") else { return Ok((words, given)) };
    let mut table = read(path)?;
    table.retain(|key, _| !given.iter().any(|id| id == &id_of(key)));
    if name == "plan" {
        // What a fit writes is no concern of its plan.
        let has = |name: &str, key: &str| {
            let command = program.find_subcommand(name).expect("the command is known");
            command.get_arguments().any(|arg| arg.get_id() == id_of(key).as_str())
        };
        table.retain(|key, _| has("plan", key) || !has("fit", key));
    }
    let added = words_of(&table, program, name).map_err(|failure| failure.at(shown_path(path)))?;
    // After the command's name, so that a `--` among the words does not reach them.
    let at = words.len().min(2);
    let mut all = words;
    all.splice(at..at, added.flags);
    // Files are known by their order, and those on the command line are the first.
    all.extend(added.files);
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

/// Words of a command line after the name of the command.
#[derive(Debug, Default)]
pub(crate) struct Words {
    flags: Vec<OsString>,
    /// What has no name, in order.
    files: Vec<OsString>,
}

impl Words {
    /// The whole line.
    pub(crate) fn line(self, command: &str) -> impl Iterator<Item = OsString> {
        ["tsne".into(), command.into()].into_iter().chain(self.flags).chain(self.files)
    }
}

/// A table as words of the command `name`.
pub(crate) fn words_of(table: &Table, program: &Command, name: &str) -> Result<Words, Failure> {
    let command = program.find_subcommand(name).expect("the command is known");
    let (mut words, mut files) = (Words::default(), Vec::new());
    for (key, value) in table {
        let id = id_of(key);
        let known = command.get_arguments().find(|arg| arg.get_id() == id.as_str() && id != "config");
        let Some(arg) = known else {
            let what = format!("there is no flag --{}", tsne_io::shown(&key.replace('_', "-")));
            let help = format!("tsne {name} --help lists all; keys are flags without dashes");
            return Err(Failure::new("E201", what, help));
        };
        let texts = match value {
            Value::Array(values) => values.iter().map(|value| text_of(key, value)).collect(),
            value => text_of(key, value).map(|text| vec![text]),
        }?;
        for text in texts {
            match (arg.get_long(), arg.get_action().takes_values()) {
                (Some(long), true) => words.flags.push(format!("--{long}={text}").into()),
                (Some(long), false) if text == "true" => words.flags.push(format!("--{long}").into()),
                (Some(_), false) => {}
                (None, _) => {
                    let place = command.get_positionals().position(|other| other.get_id() == arg.get_id());
                    // A file that begins with a dash is told from a flag by its directory.
                    let is_like_a_flag = text.starts_with('-') && text != "-";
                    files.push((place, if is_like_a_flag { format!("./{text}") } else { text }));
                }
            }
        }
    }
    files.sort_by_key(|(place, _)| *place);
    words.files = files.into_iter().map(|(_, file)| file.into()).collect();
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

/// Every flag of the command `name` with its value, defaults included.
pub(crate) fn effective(flags: &ArgMatches, program: &Command, name: &str) -> Table {
    let command = program.find_subcommand(name).expect("the command is known");
    let mut table = Table::new();
    for arg in command.get_arguments() {
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
