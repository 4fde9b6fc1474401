//! Streams of chunks, open loop: as many at once as asked, each 100 chunks at 20 a second.

use super::super::child::{Priority, Ran};
use super::super::clock::SECOND_NS;
use super::super::mock::{Mock, Summary};
use super::super::number::as_f64;
use super::super::rounds::Bench;
use super::super::server::{self, Server};
use super::super::suite::{self, Api};
use super::super::trace;
use super::super::trial::{Load, Played, Trial};
use super::super::truth::Errors;
use anyhow::Context as _;

/// Chunks of a stream.
pub(super) const CHUNKS: usize = 100;
/// Time between two chunks.
const GAP_US: u64 = 50_000;
/// Length of a stream.
const STREAM_SECONDS: u32 = 5;
/// Length of the measured part: after the first stream's length, all asked streams are there.
pub(super) const SECONDS: u32 = 10;

/// How streams are to be run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streams {
    /// At once.
    pub(super) count: u32,
    /// Of the server.
    pub(super) server: Priority,
    /// Of the client.
    pub(super) client: Priority,
    /// Whether the client writes its trace, and it is compared with the truth.
    pub(super) is_compared: bool,
}

/// What came of it.
pub(super) struct Streamed {
    pub(super) played: Played,
    pub(super) summary: Summary,
    /// How far its times are from the truth, or why nobody can say.
    pub(super) errors: Option<Result<Errors, String>>,
}

/// The mock of the streams.
pub(super) fn mock() -> Mock {
    Mock { chunks: CHUNKS, gap_us: GAP_US, spread: true, ..Mock::plain() }
}

/// Streams begun each second for `count` at once.
pub(super) fn rate(count: u32) -> u32 {
    count / STREAM_SECONDS
}

impl Streams {
    pub(super) fn run(&self, bench: &Bench<'_>) -> anyhow::Result<Streamed> {
        let (trace, truth) = (bench.file("trace.jsonl"), bench.file("truth.jsonl"));
        let mock = Mock { truth: self.is_compared.then(|| truth.clone()), ..mock() };
        let server = Server::start(&mock, self.server)?;
        let suite = suite::write(bench.folder(), &server.url(), Api::Chat { chunks: CHUNKS })?;
        let trial = Trial {
            program: &bench.options.plimsoll,
            suite: &suite,
            load: Load::Rate(rate(self.count).into()),
            seconds: SECONDS,
            trace: self.is_compared.then_some(&trace),
            priority: self.client,
        };
        let played = trial.play()?;
        let summary = server.stop()?;
        let errors = self.is_compared.then(|| {
            let (rows, others) = trace::read(&trace)?;
            if others > 0 {
                return Ok(Err(format!("{others} measured requests did not end well")));
            }
            anyhow::Ok(Ok(Errors::of(&rows, &server::served(&truth)?)?))
        });
        Ok(Streamed { played, summary, errors: errors.transpose()? })
    }
}

impl Streamed {
    /// When all asked streams are there: from and to, in ns of the clock.
    fn plateau(&self) -> (u64, u64) {
        let at = |seconds: u32| self.summary.first_request_ns + u64::from(seconds) * SECOND_NS;
        (at(STREAM_SECONDS), at(SECONDS))
    }

    /// CPUs that the client used while all streams were there.
    pub(super) fn cores(&self) -> anyhow::Result<f64> {
        let (from, to) = self.plateau();
        self.played.ran.cores_between(from, to).context("too short to see its CPU")
    }

    /// Chunks delivered while all streams were there, of those that `count` streams should get.
    pub(super) fn delivered(&self, count: u32) -> anyhow::Result<f64> {
        let (from, to) = self.plateau();
        let (first, last) = (from.div_ceil(SECOND_NS), to / SECOND_NS);
        let skipped = usize::try_from(first - self.summary.first_second)?;
        let seconds = last - first;
        let counts = self.summary.chunks_by_second.iter().skip(skipped);
        let chunks: u64 = counts.take(usize::try_from(seconds)?).sum();
        let due = u64::from(count) * 1_000_000 / GAP_US * seconds;
        Ok(as_f64(chunks) / as_f64(due))
    }

    /// CPU of the client per content chunk, in us.
    pub(super) fn chunk_us(&self) -> f64 {
        chunk_us(&self.played.ran, &self.summary)
    }
}

/// CPU of a client per content chunk that the mock sent, in us.
pub(super) fn chunk_us(ran: &Ran, summary: &Summary) -> f64 {
    as_f64(ran.cpu_ns_since(summary.first_request_ns)) / 1e3 / as_f64(summary.chunks)
}
