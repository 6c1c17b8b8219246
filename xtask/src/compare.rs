//! `cargo xtask compare`: the same fit by us and by others, one process each, all judged by our sums over all pairs.

pub(crate) mod peers;
pub(crate) mod scenarios;
mod summary;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::data::Store;
use crate::lab::{self, Measured, Metric};
use crate::machine::{self, Machine};
use crate::options::Options;
use crate::workspace;
use peers::Peer;
use scenarios::{Contender, GIVEN, SCENARIOS, Scenario, Who};
use summary::Summary;

/// A peer that takes longer is run once on a machine, and its figures kept.
const SLOW_SECONDS: f64 = 300.0;
/// Where results are kept with the sources.
pub(crate) const RESULTS: &str = "benches/results";

/// Runs the scenarios named.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    let options = Options::parse(args, &["--quick", "--resume"], &["--peers", "--data"])?;
    let data = options.value("--data");
    let given = data.filter(|path| Path::new(path).is_file());
    let scenarios: Vec<Scenario> = match (given, &options.words[..]) {
        (Some(_), _) => vec![GIVEN],
        (None, []) => {
            println!("cargo xtask compare SCENARIO, and on two cores it takes");
            SCENARIOS.iter().for_each(|scenario| println!("  {:<18}{}", scenario.name, scenario.takes));
            return Ok(());
        }
        (None, names) => names.iter().map(|name| find(name)).collect::<Result<_>>()?,
    };
    let allowed: Option<Vec<&str>> = options.value("--peers").map(|names| names.split(',').collect());
    allowed.iter().flatten().try_for_each(|name| peers::find(name).map(drop))?;

    let lab = lab::build("tsne-benches", "lab")?;
    // Of what was built: the tree may be worked on while the scenarios run.
    let origin = machine::origin();
    let mut store = Store::new(&lab, if given.is_some() { None } else { data })?;
    if let Some(path) = given {
        store.set_given(Path::new(path))?;
    }
    for scenario in scenarios {
        if !store.has(scenario.data) {
            println!("skipped {}: needs --data DIR, a folder with mnist70k.npz", scenario.name);
            continue;
        }
        let course = Course {
            lab: &lab,
            store: &store,
            folder: lab::folder(&format!("compare/{}", scenario.name))?,
            machine: Machine::here(),
            resumes: options.has("--resume"),
        };
        let rounds = if options.has("--quick") { 1 } else { scenario.rounds };
        let summaries = course.run(&scenario, rounds, allowed.as_deref())?;
        let result = summary::result(&scenario, &origin, rounds, &summaries);
        println!("\n{}", summary::text(&result));
        let is_whole = summaries.len() == scenario.contenders.len() && rounds == scenario.rounds;
        if is_whole && given.is_none() {
            let path = format!("{RESULTS}/compare-{}.json", scenario.name);
            fs::write(workspace::root().join(&path), format!("{result:#}\n"))?;
            println!("written to {path}; cargo xtask docs puts it into docs/performance.md");
        }
    }
    Ok(())
}

fn find(name: &str) -> Result<Scenario> {
    let names = || SCENARIOS.iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(", ");
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name).copied();
    scenario.with_context(|| format!("there is no scenario {name}; there are {}", names()))
}

/// One scenario being run.
struct Course<'a> {
    lab: &'a Path,
    store: &'a Store,
    /// Where maps and the figures of each run are kept.
    folder: PathBuf,
    machine: Machine,
    /// Whether runs that are there are taken as they are.
    resumes: bool,
}

/// A contender with what runs it.
struct Ready {
    contender: Contender,
    program: Program,
}

enum Program {
    Lab,
    Process(PathBuf),
    Peer(&'static Peer, PathBuf),
}

impl Course<'_> {
    /// All contenders in turns, as often as there are rounds.
    fn run(&self, scenario: &Scenario, rounds: usize, allowed: Option<&[&str]>) -> Result<Vec<Summary>> {
        // All that is shared is made first, so that it is in nobody's way.
        self.store.path(&format!("{}.affinities", scenario.data))?;
        for round in 1..=rounds {
            self.store.path(&format!("{}.start_{round}", scenario.data))?;
        }
        let mut ready = Vec::new();
        for &contender in scenario.contenders {
            let program = match contender.who {
                Who::Tsne => Program::Lab,
                Who::Process => Program::Process(lab::build("tsne-cli", "tsne")?),
                Who::Peer(name) if allowed.is_some_and(|allowed| !allowed.contains(&name)) => continue,
                Who::Peer(name) => {
                    let peer = peers::find(name)?;
                    match peer.install() {
                        Ok(python) => Program::Peer(peer, python),
                        Err(why) => {
                            println!("skipped {}: cannot be installed from PyPI: {why:#}", contender.label);
                            continue;
                        }
                    }
                }
            };
            ready.push(Ready { contender, program });
        }
        let mut runs: Vec<Vec<Measured>> = vec![Vec::new(); ready.len()];
        for round in 1..=rounds {
            for (ready, runs) in ready.iter().zip(&mut runs) {
                if round == 1 || !ready.contender.is_traced {
                    runs.push(self.run_once(scenario, ready, round)?);
                }
            }
        }
        Ok(ready.iter().zip(&runs).map(|(ready, runs)| Summary::of(&ready.contender, runs)).collect())
    }

    /// One run, judged; or the figures of an earlier one, of a slow peer or where the command was cut.
    fn run_once(&self, scenario: &Scenario, ready: &Ready, round: usize) -> Result<Measured> {
        let label = ready.contender.label;
        let slug = label.replace([' ', ','], "-");
        let kept = self.folder.join(format!("{slug}.{round}.json"));
        let earlier = fs::read_to_string(&kept).ok().and_then(|text| from_json(&text, &self.machine));
        let is_peer = matches!(ready.program, Program::Peer(..));
        let is_slow = |run: &Measured| is_peer && run.get("fit/seconds").is_some_and(|s| s > SLOW_SECONDS);
        if let Some(earlier) = earlier.filter(|run| self.resumes || is_slow(run)) {
            println!("{label}, round {round}: {:.2} s, kept from before", seconds(&earlier)?);
            return Ok(earlier);
        }

        let map = self.folder.join(format!("{slug}.npy"));
        let snapshots = self.folder.join(format!("{slug}.snapshots.npy"));
        let Contender { schedule, threads, is_traced, .. } = ready.contender;
        let mut line = format!("--input {{{}}} --schedule {schedule}", scenario.data);
        line += &format!(" --init {{{}.start_{round}}} --out {}", scenario.data, map.display());
        if is_traced {
            line += &format!(" --snapshots {}", snapshots.display());
        }
        let mut run = match &ready.program {
            Program::Lab => {
                let words = self.store.fill(&format!("fit {line} --threads {threads}"))?;
                let mut run = lab::run(self.lab, &words)?;
                run.notes.push(("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()));
                run
            }
            Program::Process(program) => {
                let input = self.store.path(scenario.data)?;
                let arguments = format!("fit {} -o {} --force --quiet", input.display(), map.display());
                let words =
                    ["process", "--program", &program.display().to_string(), "--arguments", &arguments];
                let mut run = lab::run(self.lab, &words.map(str::to_owned))?;
                let value = run.required("process/seconds")?;
                run.metrics.push(Metric { name: "fit/seconds".to_owned(), value, unit: "s".to_owned() });
                run
            }
            Program::Peer(peer, python) => peer.run(python, threads, &self.store.fill(&line)?)?,
        };
        println!("{label}, round {round}: {:.2} s", seconds(&run)?);
        let mut judge = format!("judge --input {{{0}}} --affinities {{{0}.affinities}}", scenario.data);
        judge += &format!(" --map {}", map.display());
        if is_traced {
            judge += &format!(" --snapshots {}", snapshots.display());
        }
        let judged = lab::run(self.lab, &self.store.fill(&judge)?)?;
        run.metrics.extend(judged.metrics);
        fs::write(&kept, format!("{:#}\n", to_json(&run, &self.machine)))?;
        Ok(run)
    }
}

fn seconds(run: &Measured) -> Result<f64> {
    run.required("fit/seconds")
}

fn to_json(run: &Measured, machine: &Machine) -> Value {
    let metrics: Vec<Value> = run.metrics.iter().map(|m| json!([m.name, m.value, m.unit])).collect();
    json!({
        "machine": machine.to_json(),
        "date": machine::today(),
        "metrics": metrics,
        "notes": run.notes,
    })
}

/// A run that was kept, if it is of this machine.
fn from_json(text: &str, machine: &Machine) -> Option<Measured> {
    let value: Value = serde_json::from_str(text).ok()?;
    if Machine::from_json(&value["machine"])? != *machine {
        return None;
    }
    let metrics = value["metrics"].as_array()?.iter().map(|metric| {
        let [name, value, unit] = metric.as_array()?.as_slice() else { return None };
        Some(Metric {
            name: name.as_str()?.to_owned(),
            value: value.as_f64()?,
            unit: unit.as_str()?.to_owned(),
        })
    });
    let notes = value["notes"].as_array()?.iter().map(|note| {
        let [name, text] = note.as_array()?.as_slice() else { return None };
        Some((name.as_str()?.to_owned(), text.as_str()?.to_owned()))
    });
    Some(Measured { metrics: metrics.collect::<Option<_>>()?, notes: notes.collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_run_counts_on_its_machine_only() {
        let machine = |host: &str| Machine { host: host.to_owned(), cpu: "Z80".to_owned(), n_cpus: 2 };
        let metric = Metric { name: "fit/seconds".to_owned(), value: 301.0, unit: "s".to_owned() };
        let notes = vec![("version".to_owned(), "1.0".to_owned())];
        let run = Measured { metrics: vec![metric], notes };
        let text = to_json(&run, &machine("desk")).to_string();
        assert_eq!(from_json(&text, &machine("desk")), Some(run), "comes back");
        assert_eq!(from_json(&text, &machine("lap")), None, "not elsewhere");
    }

    #[test]
    fn unknown_names_are_errors_that_list_the_known() {
        assert!(
            find("wine").expect_err("no such scenario").to_string().contains("digits"),
            "names the scenarios"
        );
        assert!(
            run(&["digits", "--peers", "umap"]).expect_err("no such peer").to_string().contains("sklearn"),
            "peers"
        );
    }
}
