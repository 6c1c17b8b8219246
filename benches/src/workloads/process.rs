//! `lab process`: a whole process, from its start to its end.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::measure::median_seconds;
use crate::{Args, Report};

pub(super) const USAGE: &str = "\
process --program PATH --arguments \"fit X.csv -o Y.csv\" [--repeat 5]
   Median time of a process, after one that is not counted.";

pub(super) fn run(mut args: Args) -> Result<Report> {
    let program = args.path("program")?;
    let arguments: String = args.required("arguments")?;
    let repeat: usize = args.optional("repeat")?.unwrap_or(5);
    args.finish()?;
    ensure!(repeat > 0, "--repeat must be at least 1");
    let seconds = median_seconds(repeat, || {
        let mut command = Command::new(&program);
        command.args(arguments.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().with_context(|| format!("cannot start {}", program.display()))?;
        ensure!(status.success(), "{} {arguments}: {status}", program.display());
        Ok(())
    })?;
    let mut report = Report::default();
    report.metric("process/seconds", seconds, "s");
    Ok(report)
}
