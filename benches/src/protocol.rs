//! The lines by which a workload reports: `METRIC:<name>:<value>:<unit>` and `CHECK:<name>:<value>:<bound>`.

use std::fmt::Write as _;

/// What a workload found.
///
/// A check passes when its value is at most its bound. A report with a failed check shows no metric: the time of a
/// wrong result means nothing.
///
/// ```
/// use tsne_benches::Report;
///
/// let mut report = Report::default();
/// report.metric("repel/seconds", 0.0125, "s");
/// report.check("repel/force_error", 2.9e-3, 6e-3);
/// assert!(report.passed());
/// assert_eq!(report.to_string(), "CHECK:repel/force_error:0.0029:0.006\nMETRIC:repel/seconds:0.0125:s\n");
///
/// report.check("repel/finite", f64::NAN, 0.0);
/// assert!(!report.passed() && !report.to_string().contains("METRIC"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Report {
    metrics: Vec<(String, f64, &'static str)>,
    checks: Vec<(String, f64, f64)>,
}

impl Report {
    /// Records a measurement.
    pub fn metric(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.metrics.push((name.into(), value, unit));
    }

    /// Records that `value` must be at most `bound`; NaN never is.
    pub fn check(&mut self, name: impl Into<String>, value: f64, bound: f64) {
        self.checks.push((name.into(), value, bound));
    }

    /// Whether every check holds.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|(_, value, bound)| value <= bound)
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut lines = String::new();
        for (name, value, bound) in &self.checks {
            writeln!(lines, "CHECK:{name}:{value}:{bound}")?;
        }
        if self.passed() {
            for (name, value, unit) in &self.metrics {
                writeln!(lines, "METRIC:{name}:{value}:{unit}")?;
            }
        }
        f.write_str(&lines)
    }
}
