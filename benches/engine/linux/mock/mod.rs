//! The server of the benches: one thread, epoll, no HTTP library, so that it is never the limit, and
//! it writes down when it did what.

mod answer;
mod request;
mod server;
mod truth;

pub(in crate::linux) use truth::{Served, Summary};

use clap::Args;
use std::path::PathBuf;

/// `engine mock`: listens on a free port, prints it, serves until its standard input ends, then
/// prints its [`Summary`] as one line of JSON.
#[derive(Debug, Clone, Args)]
pub(crate) struct Mock {
    /// Content chunks of an answer; 0 is a plain answer of 28 bytes
    #[arg(long, default_value_t = 0)]
    pub(crate) chunks: usize,
    /// Time between two chunks of a stream, in us
    #[arg(long, default_value_t = 50_000)]
    pub(crate) gap_us: u64,
    /// Time before the first chunk, in us
    #[arg(long, default_value_t = 0)]
    pub(crate) delay_us: u64,
    /// Add up to one gap before the first chunk, another for each request
    #[arg(long)]
    pub(crate) spread: bool,
    /// Where the truth is written at the end
    #[arg(long)]
    pub(crate) truth: Option<PathBuf>,
}

impl Mock {
    /// A mock that answers 28 bytes at once.
    pub(crate) fn plain() -> Self {
        Self { chunks: 0, gap_us: 50_000, delay_us: 0, spread: false, truth: None }
    }

    pub(crate) fn run(&self) -> anyhow::Result<()> {
        server::serve(self)
    }
}
