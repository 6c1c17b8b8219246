//! Where and of what something was measured: the machine, the day, the revision.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::workspace;

/// A machine, as far as a time depends on it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Machine {
    /// Its name: two machines of one kind are still two.
    pub(crate) host: String,
    pub(crate) cpu: String,
    pub(crate) n_cpus: usize,
}

impl Machine {
    /// This one.
    pub(crate) fn here() -> Self {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        let cpu = field(&text("/proc/cpuinfo"), "model name")
            .or_else(|| output("sysctl", &["-n", "machdep.cpu.brand_string"]));
        Self {
            host: output("hostname", &[])
                .unwrap_or_else(|| text("/proc/sys/kernel/hostname").trim().to_owned()),
            cpu: cpu.unwrap_or_else(|| "unknown processor".to_owned()),
            n_cpus: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({"host": self.host, "cpu": self.cpu, "n_cpus": self.n_cpus})
    }

    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        Some(Self {
            host: value["host"].as_str()?.to_owned(),
            cpu: value["cpu"].as_str()?.to_owned(),
            n_cpus: value["n_cpus"].as_u64()?.try_into().ok()?,
        })
    }
}

/// What results that are kept with the sources say of their origin; the name of the machine concerns nobody.
pub(crate) fn origin() -> Value {
    let machine = Machine::here();
    json!({
        "cpu": machine.cpu,
        "instructions": vector_level(),
        "n_cpus": machine.n_cpus,
        "date": today(),
        "revision": revision(),
        "rustc": output("rustc", &["--version"]).unwrap_or_default(),
    })
}

/// The widest vector instructions of the processor that our kernels have a form for.
pub(crate) fn vector_level() -> &'static str {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = field(&cpuinfo, "flags").unwrap_or_default();
    let has = |flag: &str| flags.split_whitespace().any(|one| one == flag);
    match (has("avx512f"), has("avx2") && has("fma"), flags.is_empty()) {
        (true, _, _) => "AVX-512",
        (false, true, _) => "AVX2",
        (false, false, false) => "SSE",
        (false, false, true) => "unknown",
    }
}

/// The first value of a name in the form of `/proc/cpuinfo`.
fn field(text: &str, name: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_prefix(':'))?;
    Some(value.trim().to_owned())
}

/// Today's date in UTC, as 2026-11-23.
pub(crate) fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    date(seconds / 86_400)
}

/// Date so many days after the first of January 1970.
fn date(mut days: u64) -> String {
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut year, mut month) = (1970, 1);
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    for length in [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}

/// Revision of the tree, with `+` where it has changes.
pub(crate) fn revision() -> String {
    let revision = output("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    let is_changed = output("git", &["status", "--porcelain", "--untracked-files=no"]).is_some();
    revision + if is_changed { "+" } else { "" }
}

/// Standard output of a program that can do without, if it has any.
fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).current_dir(workspace::root()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        for (days, expected) in
            [(0, "1970-01-01"), (59, "1970-03-01"), (11_016, "2000-02-29"), (20_780, "2026-11-23")]
        {
            assert_eq!(date(days), expected, "{days} days");
        }
    }

    #[test]
    fn a_machine_comes_back_from_its_json() {
        let machine = Machine { host: "desk".to_owned(), cpu: "Z80".to_owned(), n_cpus: 1 };
        assert_eq!(Machine::from_json(&machine.to_json()), Some(machine), "the same machine");
        assert_eq!(Machine::from_json(&json!({"host": "desk"})), None, "a part is no machine");
    }

    #[test]
    fn the_first_of_several_processors_counts() {
        let text = "processor\t: 0\nmodel name\t: Z80\n\nprocessor\t: 1\nmodel name\t: Z81\n";
        assert_eq!(field(text, "model name").as_deref(), Some("Z80"), "the first");
        assert_eq!(field(text, "flags"), None, "absent");
    }
}
