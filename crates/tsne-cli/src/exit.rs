//! How the program fails: three lines on standard error, a stable code, an exit status.

use std::fmt;
use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tsne_io::shown;

use crate::signal::Ending;

/// A fault: what, where, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    code: &'static str,
    what: String,
    place: Option<String>,
    help: String,
}

impl Failure {
    pub(crate) fn new(code: &'static str, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, what: what.into(), place: None, help: help.into() }
    }

    /// The same fault, known to lie at `place`.
    pub(crate) fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// The same fault under another code.
    pub(crate) fn with_code(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// What is wrong.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// A fault of the file at `path`.
    pub(crate) fn in_file(path: &Path, error: &tsne_io::Error) -> Self {
        let path = shown_path(error.path().unwrap_or(path));
        let place = match error.place() {
            Some(place) => format!("{path}: {place}"),
            None => path,
        };
        Self::new(error.code(), error.to_string(), error.help()).at(place)
    }

    /// A fault of the model at `path`.
    pub(crate) fn of_model(path: &Path, error: &tsne::Error) -> Self {
        let help = match error {
            tsne::Error::Model(tsne::ModelError::NotAModel { .. }) => {
                "give a .tsne or .ckpt file that tsne fit has written".to_owned()
            }
            _ => error.help(),
        };
        Self::new(error.code().unwrap_or("E900"), error.to_string(), help).at(shown_path(path))
    }

    /// A fault that the library found in data or parameters; `input` says which data.
    pub(crate) fn of_fit(error: &tsne::Error, input: &str) -> Self {
        let place = match error {
            tsne::Error::Parameter { name, .. } => flags_of(name),
            tsne::Error::Perplexity { .. } => "--perplexity".to_owned(),
            tsne::Error::UnknownValue { option, .. } => flags_of(option),
            tsne::Error::ZeroJobs | tsne::Error::Threads { .. } => "--n-jobs".to_owned(),
            tsne::Error::InitialPositions { .. } | tsne::Error::InitialNonFinite(_) => {
                "--initialization".to_owned()
            }
            _ => input.to_owned(),
        };
        // Callers look for interruptions first, which have no code.
        Self::new(error.code().unwrap_or("E900"), error.to_string(), error.help()).at(place)
    }

    /// Exit status: one for each family of codes.
    pub(crate) fn status(&self) -> u8 {
        match self.code.as_bytes() {
            [b'E', b'1' | b'2', ..] => 3,
            [b'E', b'3', ..] => 4,
            [b'E', b'4', ..] => 5,
            [b'E', b'5', ..] => 6,
            [b'E', b'6', ..] => 7,
            _ => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (on, off) =
            if IS_COLORED.load(Ordering::Relaxed) { ("\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "") };
        writeln!(f, "{on}error {}{off}: {}", self.code, self.what)?;
        if let Some(place) = &self.place {
            writeln!(f, "  {place}")?;
        }
        write!(f, "  help: {}", self.help)
    }
}

/// The flags that set a parameter of the library.
fn flags_of(parameter: &str) -> String {
    match parameter {
        "exaggeration" => "--early-exaggeration or --exaggeration".to_owned(),
        "momentum" => "--initial-momentum or --final-momentum".to_owned(),
        other => format!("--{}", other.replace('_', "-")),
    }
}

/// A path fit for a terminal: control characters spelled out, but nothing cut, as it is there to be copied.
pub(crate) fn shown_path(path: &Path) -> String {
    let mut shown = String::new();
    for c in path.to_string_lossy().chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Writes a line to standard error; where that is closed there is nobody to tell.
pub(crate) fn tell(line: impl fmt::Display) {
    // One write, so that lines of other processes on the same terminal stay whole too.
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// The first panic's message and place, noted by the hook for [`run`].
static PANIC: Mutex<Option<(String, String)>> = Mutex::new(None);

/// Whether messages are colored.
static IS_COLORED: AtomicBool = AtomicBool::new(false);

/// Decides whether messages are colored from now on.
pub(crate) fn color_messages(yes: bool) {
    IS_COLORED.store(yes, Ordering::Relaxed);
}

/// Writes to standard output. Whoever stops reading it, as `head` does, has enough.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    print_bytes(text.as_bytes())
}

/// As [`print`], for what may be no text.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            let what = format!("standard output cannot be written: {e}");
            Err(Failure::new("E603", what, "check where it goes"))
        }
        _ => Ok(()),
    }
}

/// Runs the program and turns failures, panics included, into messages and exit statuses.
pub(crate) fn run(program: impl FnOnce() -> Result<Ending, Failure>) -> ExitCode {
    panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let message = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
            (Some(text), _) => (*text).to_owned(),
            (_, Some(text)) => text.clone(),
            _ => "no message".to_owned(),
        };
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        // A worker's panic travels to its caller, which may panic in turn: the first one is the cause.
        PANIC.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert((message, place));
    }));
    let failure = match panic::catch_unwind(AssertUnwindSafe(program)) {
        Ok(Ok(ending)) => return ExitCode::from(ending.status()),
        Ok(Err(failure)) => failure,
        Err(_) => {
            let noted = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take();
            let (message, place) = noted.unwrap_or_default();
            let help = "this is a bug; please report it with the command and, if you can, the data";
            Failure::new("E900", format!("internal error: {}", shown(&message)), help).at(place)
        }
    };
    tell(&failure);
    ExitCode::from(failure.status())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_follow_the_families_of_codes() {
        for (code, status) in
            [("E101", 3), ("E205", 3), ("E301", 4), ("E401", 5), ("E501", 6), ("E604", 7), ("E900", 1)]
        {
            assert_eq!(Failure::new(code, "", "").status(), status, "{code}");
        }
    }

    #[test]
    fn faults_no_small_file_can_have_are_named_too() {
        let rows =
            tsne::core::ShapeError::TooManyPoints { n_points: usize::MAX, max: tsne::core::MAX_POINTS };
        let failure = Failure::of_fit(&rows.into(), "a.npy");
        assert_eq!((failure.code(), failure.status()), ("E108", 3), "more rows than can be numbered");
    }

    #[test]
    fn a_failure_is_three_lines() {
        let failure = Failure::new("E103", "2 missing values", "drop them").at("a.csv: line 3");
        assert_eq!(
            failure.to_string(),
            "error E103: 2 missing values\n  a.csv: line 3\n  help: drop them",
            "text"
        );
    }

    #[test]
    fn paths_cannot_drive_a_terminal() {
        assert_eq!(shown_path(Path::new("a\u{1b}[2Jb é.csv")), "a\\u{1b}[2Jb é.csv", "escape is spelled out");
    }

    #[test]
    fn a_panic_is_an_internal_error() {
        // The default hook is put back, so that other tests report their panics as usual.
        let status = run(|| panic!("the impossible"));
        let _ = panic::take_hook();
        assert_eq!(format!("{status:?}"), format!("{:?}", ExitCode::from(1)), "exit status 1");
    }
}
