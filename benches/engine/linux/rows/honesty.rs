//! A12: whose time to the first chunk is nearer to the truth.

use super::super::child::Priority;
use super::super::mock::{Mock, Served};
use super::super::peers::{self, Streaming};
use super::super::rounds::Bench;
use super::super::say;
use super::super::server::{self, Server};
use super::super::suite::{self, Api};
use super::super::table::{Demand, Figure, Reading};
use super::super::trial::{Load, Played, Trial};
use super::super::truth::true_ttfc_p99_ms;
use super::{Experiment, figure};
use std::path::Path;

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
    figures: &[
        against("TTFC p99 off from the truth, 100 streams: AIPerf / own"),
        against("TTFC p99 off from the truth, 100 streams: GuideLLM / own"),
    ],
    run,
};

const fn against(what: &'static str) -> Figure {
    figure("A12", what, Demand::AtLeast(50.0), "")
}

/// Another load generator that plays the same load.
struct Peer<'a> {
    program: &'a Path,
    install: &'static str,
    /// What its number is called.
    name: &'static str,
    /// Its p99 of the time to the first token, in ms.
    play: fn(&Streaming<'_>, &Path) -> anyhow::Result<f64>,
}

fn run(bench: &Bench<'_>) -> anyhow::Result<Vec<Reading>> {
    let aiperf = Peer {
        program: &bench.options.aiperf,
        install: "install it with `pip install aiperf`, or name it with `--aiperf`",
        name: "AIPerf ms",
        play: |load, program| load.aiperf(program),
    };
    let guidellm = Peer {
        program: &bench.options.guidellm,
        install: "install it with `pip install guidellm`, or name it with `--guidellm`",
        name: "GuideLLM ms",
        play: |load, program| load.guidellm(program),
    };
    let mut own = None;
    // What one of them spoils is not the other's.
    let beside = |peer: &Peer<'_>| {
        peer.beside(bench, &mut own).unwrap_or_else(|error| {
            say(&format!("  {error:#}"));
            Reading::missing(format!("{error:#}"))
        })
    };
    Ok([aiperf, guidellm].iter().map(beside).collect())
}

impl Peer<'_> {
    /// How far it is from the truth, beside our own distance, which is measured once.
    fn beside(&self, bench: &Bench<'_>, own: &mut Option<Own>) -> anyhow::Result<Reading> {
        if !peers::is_there(self.program) {
            let (program, install) = (self.program.display(), self.install);
            return Ok(Reading::missing(format!("{program} not found; {install}")));
        }
        let own = match own {
            Some(own) => own,
            None => own.insert(Own::measure(bench)?),
        };
        let (server, truth) = serve(bench)?;
        let url = server.url();
        let (streams, requests, chunks) = (STREAMS, REQUESTS, CHUNKS);
        let load = Streaming { url: &url, streams, requests, chunks, folder: bench.folder() };
        let theirs = (self.play)(&load, self.program)?;
        server.stop()?;
        let their_truth = true_ttfc_p99_ms(&truth()?)?;
        let off = (own.ms - own.truth_ms).abs().clamp(RESOLUTION_MS, f64::MAX);
        let reading = Reading::of((theirs - their_truth).abs() / off)
            .beside("own ms", own.ms)
            .beside("truth", own.truth_ms)
            .beside(self.name, theirs)
            .beside("its truth", their_truth);
        Ok(reading.wait(own.played.ran.wait_share()).invalid(own.played.is_invalid()))
    }
}

/// Our own trial.
struct Own {
    played: Played,
    /// Its p99 of the time to the first chunk, and the true one.
    ms: f64,
    truth_ms: f64,
}

impl Own {
    fn measure(bench: &Bench<'_>) -> anyhow::Result<Self> {
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
        let ms = played.latency_ms("ttfc", "p99")?;
        Ok(Self { played, ms, truth_ms: true_ttfc_p99_ms(&truth()?)? })
    }
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
