//! A12: whose time to the first chunk is nearer to the truth.

use super::super::child::Priority;
use super::super::mock::{Mock, Served};
use super::super::peers;
use super::super::rounds::Bench;
use super::super::server::{self, Server};
use super::super::suite::{self, Api};
use super::super::table::{Demand, Reading};
use super::super::trial::{Load, Trial};
use super::super::truth::true_ttfc_p99_ms;
use super::{Experiment, figure};

/// Streams at once, of 40 chunks at 20 a second, the first after 50 ms.
const STREAMS: u32 = 100;
const REQUESTS: u32 = 500;
const CHUNKS: usize = 40;
const DELAY_US: u64 = 50_000;
/// Length of our trial, for as many requests.
const SECONDS: u32 = 10;
/// Times are reported with three digits, so a distance below this is no distance.
const RESOLUTION_MS: f64 = 0.05;

pub(super) const EXPERIMENT: Experiment = Experiment {
    rows: &["A12"],
    figures: &[figure(
        "A12",
        "TTFC p99 off from the truth, 100 streams: AIPerf / own",
        Demand::AtLeast(50.0),
        "",
    )],
    run,
};

fn run(bench: &Bench<'_>) -> anyhow::Result<Vec<Reading>> {
    let program = &bench.options.aiperf;
    if !peers::is_there(program) {
        let program = program.display();
        let install = "install it with `pip install aiperf`, or name it with `--aiperf`";
        return Ok(vec![Reading::missing(format!("{program} not found; {install}"))]);
    }
    let (server, truth) = serve(bench)?;
    let suite = suite::write(bench.folder(), &server.url(), Api::Chat { chunks: CHUNKS })?;
    let trial = Trial {
        program: &bench.options.plimsoll,
        suite: &suite,
        load: Load::Concurrency(STREAMS),
        seconds: SECONDS,
        trace: None,
        priority: Priority::Ordinary,
    };
    let played = trial.play()?;
    server.stop()?;
    let own = played.latency_ms("ttfc", "p99")?;
    let own_truth = true_ttfc_p99_ms(&truth()?)?;
    let (server, truth) = serve(bench)?;
    let load = (STREAMS, REQUESTS);
    let theirs = peers::aiperf(program, &server.url(), load, CHUNKS, bench.folder())?;
    server.stop()?;
    let their_truth = true_ttfc_p99_ms(&truth()?)?;
    let off = (own - own_truth).abs().clamp(RESOLUTION_MS, f64::MAX);
    let reading = Reading::of((theirs - their_truth).abs() / off)
        .beside("own ms", own)
        .beside("truth", own_truth)
        .beside("AIPerf ms", theirs)
        .beside("its truth", their_truth);
    Ok(vec![reading.wait(played.ran.wait_share()).invalid(played.is_invalid())])
}

/// A mock, and how to read what it saw once it has stopped.
fn serve(
    bench: &Bench<'_>,
) -> anyhow::Result<(Server, impl FnOnce() -> anyhow::Result<Vec<Served>> + use<>)> {
    let truth = bench.file("truth.jsonl");
    let delay_us = DELAY_US;
    let mock = Mock { chunks: CHUNKS, delay_us, truth: Some(truth.clone()), ..Mock::plain() };
    Ok((Server::start(&mock, bench.quiet)?, move || server::served(&truth)))
}
