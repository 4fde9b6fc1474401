//! The command line.

use super::hog::Hog;
use super::mock::Mock;
use super::timer::Timer;
use clap::Parser;
use std::path::PathBuf;

/// Measures the load engine beside its peers and prints a table. Exit code 0: every demand is
/// reached; 1: one is missed or was not measured; 2: the bench itself failed.
#[derive(Debug, Parser)]
#[command(name = "engine", bin_name = "cargo bench --bench engine --")]
pub(super) struct Options {
    /// Rows to measure, `a1` to `a12`; all by default
    pub(super) rows: Vec<String>,
    /// Interleaved rounds; the figure is their median
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub(super) rounds: u32,
    /// The program that is measured; by default the one that cargo has just built
    #[arg(long, default_value = env!("CARGO_BIN_EXE_plimsoll"))]
    pub(super) plimsoll: PathBuf,
    /// A peer of a1
    #[arg(long, default_value = "oha")]
    pub(super) oha: PathBuf,
    /// A peer of a2
    #[arg(long, default_value = "wrk")]
    pub(super) wrk: PathBuf,
    /// A peer of a12
    #[arg(long, default_value = "aiperf")]
    pub(super) aiperf: PathBuf,
    /// Another peer of a12
    #[arg(long, default_value = "guidellm")]
    pub(super) guidellm: PathBuf,
    /// Run everything at ordinary priority, also where the row wants a quiet machine
    #[arg(long)]
    pub(super) ordinary: bool,
    /// What cargo adds
    #[arg(long, hide = true)]
    pub(super) bench: bool,
}

/// The other processes of a measurement: this program once more.
#[derive(Debug, Parser)]
pub(super) enum Helper {
    /// The server
    Mock(Mock),
    /// Takes the CPU
    Hog(Hog),
    /// How late tokio's own timer is
    Timer(Timer),
}

impl Helper {
    pub(super) const NAMES: [&str; 3] = ["mock", "hog", "timer"];

    pub(super) fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Mock(mock) => mock.run(),
            Self::Hog(hog) => hog.run(),
            Self::Timer(timer) => timer.run(),
        }
    }
}
