//! The command line: one file per verb. Turns arguments into calls, outcomes into text and exit codes.

mod against;
mod arguments;
mod base;
mod baseline;
mod branch;
mod check;
mod client_cpus;
mod compare;
mod conclude;
mod demo;
mod format;
mod git;
mod github;
mod guard;
mod history;
mod init;
mod outcome;
mod progress;
mod publish;
mod report;
mod schema;
mod selftest;
mod session;
mod signal;
mod trial;
mod unchanged;

pub use outcome::ExitStatus;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A capacity gate that refuses to be green for the wrong reason.
///
/// Plimsoll drives a service with a bounded search, finds how much load it carries within its SLOs,
/// compares that with the baseline committed in the repository, and fails when capacity drops.
#[derive(Debug, Parser)]
#[command(name = "plimsoll", version, about, long_about, max_term_width = 100, after_help = outcome::EXIT_CODES_HELP)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Measure and compare with the committed baseline; the exit code is the verdict
    Check(check::Check),
    /// Measure without a baseline: what can it carry?
    Measure(check::Measure),
    /// Compare two targets on this machine: does the head carry less than the base?
    Compare(compare::Compare),
    /// One trial at one load, without a search
    Trial(Box<trial::Trial>),
    /// Adopt, show or compare the committed baseline
    #[command(subcommand)]
    Baseline(baseline::Verb),
    /// Show what the repository accepted, commit by commit
    History(history::History),
    /// Render a saved run again
    Report(report::Report),
    /// Publish saved runs: a comment under the pull request
    Publish(Box<publish::Publish>),
    /// Prove that the gate on this machine can go red
    Selftest(selftest::Selftest),
    /// Write a commented plimsoll.yml for the server named
    Init(init::Init),
    /// Print the JSON Schema of plimsoll.yml, of a baseline or of results
    Schema(schema::Schema),
    /// Serve the built-in demo target
    Demo(demo::Demo),
    /// Start a target so that it cannot outlive us
    #[command(hide = true)]
    Guard(guard::Guard),
}

/// Parses the arguments and runs the verb.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A broken pipe while printing help is no reason to panic.
            let _ = error.print();
            return if error.use_stderr() {
                ExitStatus::Usage.into()
            } else {
                ExitStatus::Pass.into()
            };
        }
    };
    arguments::start_logging();
    let status = match cli.verb {
        Verb::Guard(verb) => return verb.run(),
        Verb::Check(verb) => return verb.run(),
        Verb::Measure(verb) => return verb.run(),
        Verb::Compare(verb) => return verb.run(),
        Verb::Trial(verb) => verb.run(),
        Verb::Baseline(verb) => verb.run(),
        Verb::History(verb) => verb.run(),
        Verb::Report(verb) => verb.run(),
        Verb::Publish(verb) => verb.run(),
        Verb::Selftest(verb) => verb.run(),
        Verb::Init(verb) => verb.run(),
        Verb::Schema(verb) => verb.run(),
        Verb::Demo(verb) => verb.run(),
    };
    status.into()
}
