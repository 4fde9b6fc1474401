//! Measures the rows that were asked for, in interleaved rounds.

use super::child::Priority;
use super::machine::{self, CpuTimes};
use super::options::Options;
use super::rows::{EXPERIMENTS, Experiment};
use super::table::{Line, Reading, render};
use super::{say, trial, truth};
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tempfile::TempDir;

/// A round in which the host took more of the CPUs is repeated,
const STEAL_MAX: f64 = 0.02;
/// at most this often.
const REPEATS_MAX: u32 = 2;

/// What every experiment needs.
pub(super) struct Bench<'a> {
    pub(super) options: &'a Options,
    /// Whether the measured program can write a trace.
    pub(super) writes_traces: bool,
    /// The priority that makes a busy machine quiet, where it is granted.
    pub(super) quiet: Priority,
    folder: TempDir,
}

impl Bench<'_> {
    /// Where files of a measurement are; the next one writes over them.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file of that name there.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Measures and prints the table.
pub(super) fn measure(options: &Options) -> anyhow::Result<ExitCode> {
    truth::check().context("the bench cannot tell right from wrong")?;
    anyhow::ensure!(machine::cores() > 1, "server and client need a core each");
    let chosen = choose(&options.rows)?;
    let is_quiet = !options.ordinary && machine::grants_real_time();
    let bench = Bench {
        options,
        writes_traces: trial::writes_traces(&options.plimsoll)?,
        quiet: if is_quiet { Priority::RealTime } else { Priority::Ordinary },
        folder: tempfile::tempdir()?,
    };
    let mut lines: Vec<Vec<Line>> = chosen.iter().map(|experiment| empty(experiment)).collect();
    let head = head(options, is_quiet);
    for round in 1..=options.rounds {
        for (experiment, lines) in chosen.iter().zip(&mut lines) {
            say(&format!("round {round} of {}: {}", options.rounds, experiment.rows.join(", ")));
            for (line, reading) in lines.iter_mut().zip(once(&bench, experiment)) {
                line.readings.push(reading);
            }
        }
    }
    let lines: Vec<Line> = lines.into_iter().flatten().collect();
    print(&format!("{head}\n\n{}", render(&lines)));
    let all = lines.iter().all(Line::is_reached);
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn choose(rows: &[String]) -> anyhow::Result<Vec<&'static Experiment>> {
    for row in rows {
        let known = EXPERIMENTS.iter().any(|experiment| experiment.has(row));
        anyhow::ensure!(known, "there is no row `{row}`: write `a1` to `a12`");
    }
    let is_asked =
        |experiment: &&Experiment| rows.is_empty() || rows.iter().any(|row| experiment.has(row));
    Ok(EXPERIMENTS.iter().filter(is_asked).collect())
}

fn empty(experiment: &Experiment) -> Vec<Line> {
    let line = |figure| Line { figure, readings: Vec::new() };
    experiment.figures.iter().copied().map(line).collect()
}

/// One round of an experiment: a reading for each of its figures.
fn once(bench: &Bench<'_>, experiment: &Experiment) -> Vec<Reading> {
    let mut repeats = 0;
    loop {
        let before = CpuTimes::now();
        let readings = (experiment.run)(bench);
        let steal = before.steal_since();
        if steal > STEAL_MAX && repeats < REPEATS_MAX {
            repeats += 1;
            say(&format!("  again: the host took {:.1} % of the CPUs", steal * 100.0));
            continue;
        }
        let mut readings = readings.unwrap_or_else(|error| {
            say(&format!("  {error:#}"));
            vec![Reading::missing(format!("{error:#}")); experiment.figures.len()]
        });
        for reading in &mut readings {
            reading.steal = steal;
        }
        return readings;
    }
}

fn head(options: &Options, is_quiet: bool) -> String {
    let quiet = match (is_quiet, options.ordinary) {
        (true, _) => "quiet rows at real-time priority",
        (false, true) => "all at ordinary priority, as asked",
        (false, false) => "all at ordinary priority: real-time priority is not granted",
    };
    format!("{}; medians of {} rounds; {quiet}", machine::describe(), options.rounds)
}

#[expect(clippy::print_stdout, reason = "the table is what the bench is for")]
fn print(text: &str) {
    println!("{text}");
}
