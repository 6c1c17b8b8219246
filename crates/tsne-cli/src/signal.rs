//! Ctrl-C, SIGTERM and a terminal that goes away: the first signal asks a computation to stop, the second ends the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::exit::Failure;

/// A signal that asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signal(i32);

impl Signal {
    const KNOWN: [i32; 3] = [SIGINT, SIGTERM, HANGUP];

    /// Exit status of a program that it ended: 130, 143 or 129.
    pub(crate) fn status(self) -> u8 {
        128 + u8::try_from(self.0).unwrap_or(0)
    }

    /// What the report calls it.
    pub(crate) fn name(self) -> &'static str {
        match self.0 {
            SIGINT => "SIGINT",
            HANGUP => "SIGHUP",
            _ => "SIGTERM",
        }
    }
}

/// SIGHUP, which Linux sends when the terminal of a program is closed.
const HANGUP: i32 = 1;

/// Whether SIGHUP is to be answered: on Linux, which tells whether `nohup` or a shell has had it ignored, as it stays then.
fn answers_hangup() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & 1 == 0)
}

/// Listens to signals for as long as the program runs.
#[derive(Debug)]
pub(crate) struct Stop {
    signal: Arc<AtomicUsize>,
    ends_program: Arc<AtomicBool>,
}

impl Stop {
    /// Starts to listen. Until [`hold`](Self::hold) a signal ends the program, as there is nothing to save.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let stop =
            Self { signal: Arc::new(AtomicUsize::new(0)), ends_program: Arc::new(AtomicBool::new(true)) };
        for signal in Signal::KNOWN.into_iter().filter(|&signal| signal != HANGUP || answers_hangup()) {
            stop.register(signal).map_err(|e| {
                let what = format!("signals cannot be listened to: {e}");
                Failure::new("E900", what, "please report this with the name of your system")
            })?;
        }
        Ok(stop)
    }

    /// The actions run in this order, inside the handler: the second signal finds what the first has set.
    fn register(&self, signal: i32) -> std::io::Result<()> {
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&self.ends_program))?;
        flag::register(signal, Arc::clone(&self.ends_program))?;
        let number = usize::try_from(signal).unwrap_or(0);
        flag::register_usize(signal, Arc::clone(&self.signal), number)?;
        Ok(())
    }

    /// From here on a first signal only asks to stop; [`signal`](Self::signal) tells.
    pub(crate) fn hold(&self) {
        self.ends_program.store(false, Ordering::SeqCst);
    }

    /// The signal that asked to stop, if one did.
    pub(crate) fn signal(&self) -> Option<Signal> {
        let number = i32::try_from(self.signal.load(Ordering::SeqCst)).unwrap_or(0);
        Signal::KNOWN.contains(&number).then_some(Signal(number))
    }
}

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It did all it was asked to.
    Done,
    /// A signal stopped it, and what there was is saved.
    Stopped(Signal),
}

impl Ending {
    /// Exit status.
    pub(crate) fn status(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Stopped(signal) => signal.status(),
        }
    }
}
