//! A4 to A7: many streams on one core, and how far their times are from the truth.

use super::super::child::Priority;
use super::super::hog;
use super::super::number::as_f64;
use super::super::rounds::Bench;
use super::super::table::{Demand, Figure, Reading};
use super::super::trial::CLIENT_CORE;
use super::streams::{Streamed, Streams};
use super::{Experiment, figure};

/// Streams at once, each of 20 chunks a second: 100,000 chunks a second.
const FULL: u32 = 5_000;
const NO_TRACE: &str = "this plimsoll has no `trial --trace`";

pub(super) const QUIET: Experiment = Experiment {
    rows: &["A4", "A5", "A6"],
    figures: &[
        figure("A4", "core used at 100,000 chunks/s, 5,000 streams", Demand::AtMost(85.0), "%"),
        figure("A4", "chunks delivered of 100,000/s", Demand::AtLeast(99.5), "%"),
        figure("A5", "TTFC error p99, 500 streams, quiet", Demand::AtMost(0.5), "ms"),
        figure("A6", "gap error p99, 500 streams, quiet", Demand::AtMost(0.05), "ms"),
        figure("A5", "TTFC error p99, 2,000 streams, quiet", Demand::AtMost(1.0), "ms"),
        figure("A6", "gap error p99, 2,000 streams, quiet", Demand::AtMost(0.05), "ms"),
        figure("A5", "TTFC error p99, 5,000 streams, quiet", Demand::AtMost(3.0), "ms"),
        figure("A6", "gap error p99, 5,000 streams, quiet", Demand::AtMost(0.1), "ms"),
    ],
    run: quiet,
};

pub(super) const BUSY: Experiment = Experiment {
    rows: &["A7"],
    figures: &[
        busy_figure("TTFC error p99, 500 streams, a hog on the core", Demand::AtMost(0.5)),
        busy_figure("gap error p99, 500 streams, a hog on the core", Demand::AtMost(0.1)),
    ],
    run: busy,
};

const fn busy_figure(what: &'static str, demand: Demand) -> Figure {
    Figure { may_be_invalid: true, ..figure("A7", what, demand, "ms") }
}

fn quiet(bench: &Bench<'_>) -> anyhow::Result<Vec<Reading>> {
    let (server, client, is_compared) = (bench.quiet, bench.quiet, bench.writes_traces);
    let mut readings = full(bench)?;
    for count in [500, 2_000, 5_000] {
        let mut streamed = Streams { count, server, client, is_compared }.run(bench)?;
        readings.extend(compared(&mut streamed)?);
    }
    Ok(readings)
}

/// As much as one core shall carry, without a trace: that is no part of what is recorded.
fn full(bench: &Bench<'_>) -> anyhow::Result<Vec<Reading>> {
    let (server, client) = (bench.quiet, bench.quiet);
    let streamed = Streams { count: FULL, server, client, is_compared: false }.run(bench)?;
    let (Ok(cores), Ok(delivered)) = (streamed.cores(), streamed.delivered(FULL)) else {
        return Ok(vec![Reading::failed("it ended before all streams were there"); 2]);
    };
    let late = f64::from(u32::try_from(streamed.summary.late_us_p99)?) / 1e3;
    let mock = as_f64(streamed.summary.cpu_ns) / 1e3 / as_f64(streamed.summary.chunks);
    let cores = about(&streamed, cores * 100.0).beside("us a chunk", streamed.chunk_us());
    let delivered = about(&streamed, delivered * 100.0).beside("mock late p99 ms", late);
    Ok(vec![cores, delivered.beside("mock us a chunk", mock)])
}

fn busy(bench: &Bench<'_>) -> anyhow::Result<Vec<Reading>> {
    if !bench.writes_traces {
        return Ok(vec![Reading::missing(NO_TRACE); BUSY.figures.len()]);
    }
    let _hog = hog::Running::start(CLIENT_CORE)?;
    let (server, client) = (bench.quiet, Priority::Ordinary);
    let mut streamed = Streams { count: 500, server, client, is_compared: true }.run(bench)?;
    compared(&mut streamed)
}

/// The two readings of a comparison with the truth.
fn compared(streamed: &mut Streamed) -> anyhow::Result<Vec<Reading>> {
    let mut errors = match streamed.errors.take() {
        Some(Ok(errors)) => errors,
        Some(Err(reason)) => return Ok(vec![Reading::failed(reason); 2]),
        None => return Ok(vec![Reading::missing(NO_TRACE); 2]),
    };
    let (ttfc, intended, gap) = (errors.ttfc()?, errors.ttfc_intended()?, errors.gap()?);
    let ttfc = about(streamed, ttfc.p99_ms)
        .beside("p50", ttfc.p50_ms)
        .beside("from intended p50", intended.p50_ms)
        .beside("p99", intended.p99_ms);
    let gap = about(streamed, gap.p99_ms).beside("p50", gap.p50_ms);
    Ok(vec![ttfc, gap])
}

fn about(streamed: &Streamed, value: f64) -> Reading {
    let played = &streamed.played;
    Reading::of(value).wait(played.ran.wait_share()).invalid(played.is_invalid())
}
