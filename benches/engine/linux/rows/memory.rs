//! A9: memory of a stream.

use super::super::mock::Mock;
use super::super::number::as_f64;
use super::super::rounds::Bench;
use super::super::server::Server;
use super::super::suite::{self, Api};
use super::super::table::{Demand, Reading};
use super::super::trial::{Load, Played, Trial};
use super::{Experiment, figure};

/// Chunks of a stream, five a second: it is there for five seconds.
const CHUNKS: usize = 25;
const GAP_US: u64 = 200_000;
const STREAM_SECONDS: u32 = 5;
/// All streams are there from the fifth second on.
const SECONDS: u32 = 8;

/// Streams at once, and those of the run that is taken off.
const MANY: u32 = 10_000;
const FEW: u32 = 100;

pub(super) const EXPERIMENT: Experiment = Experiment {
    rows: &["A9"],
    figures: &[figure("A9", "memory a stream at 10,000 streams", Demand::AtMost(24.0), "KiB")],
    run,
};

fn run(bench: &Bench<'_>) -> anyhow::Result<Vec<Reading>> {
    let few = play(bench, FEW)?;
    let many = play(bench, MANY)?;
    let (base, peak) = (few.ran.rss_kib_max, many.ran.rss_kib_max);
    let stream = as_f64(peak.saturating_sub(base)) / f64::from(MANY - FEW);
    let reading = Reading::of(stream).beside("peak MiB", as_f64(peak) / 1024.0);
    let reading = reading.beside("with 100 MiB", as_f64(base) / 1024.0);
    Ok(vec![reading.wait(many.ran.wait_share()).invalid(many.is_invalid())])
}

fn play(bench: &Bench<'_>, streams: u32) -> anyhow::Result<Played> {
    let mock = Mock { chunks: CHUNKS, gap_us: GAP_US, spread: true, ..Mock::plain() };
    let server = Server::start(&mock, bench.quiet)?;
    let suite = suite::write(bench.folder(), &server.url(), Api::Chat { chunks: CHUNKS })?;
    let trial = Trial {
        program: &bench.options.plimsoll,
        suite: &suite,
        load: Load::Rate((streams / STREAM_SECONDS).into()),
        seconds: SECONDS,
        trace: None,
        priority: bench.quiet,
    };
    let played = trial.play()?;
    let summary = server.stop()?;
    let there = summary.connections >= streams.into();
    anyhow::ensure!(there, "{} connections, not {streams}", summary.connections);
    Ok(played)
}
