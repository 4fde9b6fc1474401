//! A1 and A2: what a request costs, beside oha and wrk.

use super::super::child::{Priority, Ran};
use super::super::mock::{Mock, Summary};
use super::super::number::as_f64;
use super::super::peers;
use super::super::rounds::Bench;
use super::super::server::Server;
use super::super::suite::{self, Api};
use super::super::table::{Demand, Reading};
use super::super::trial::{Load, Played, Trial};
use super::{Experiment, figure};

/// Length of a run.
const SECONDS: u32 = 4;
/// In flight; oha and wrk are told the same.
const CONCURRENCY: u32 = 64;

pub(super) const EXPERIMENT: Experiment = Experiment {
    rows: &["A1", "A2"],
    figures: &[
        figure("A1", "CPU a request, 64 connections / oha", Demand::AtMost(1.1), ""),
        figure("A2", "CPU a request, 64 connections / wrk", Demand::AtMost(2.0), ""),
    ],
    run,
};

fn run(bench: &Bench<'_>) -> anyhow::Result<Vec<Reading>> {
    let options = bench.options;
    let (played, summary) = closed_loop(bench, SECONDS, Priority::Ordinary)?;
    let own = us(&played.ran, &summary)?;
    let beside = |program: &std::path::Path, peer: fn(&_, &str, u32) -> _, install: &str| {
        if !peers::is_there(program) {
            let program = program.display();
            return Ok(Reading::missing(format!("{program} not found; {install}")));
        }
        let server = Server::start(&Mock::plain(), Priority::Ordinary)?;
        let ran: anyhow::Result<Ran> = peer(program, &server.url(), SECONDS);
        let theirs = us(&ran?, &server.stop()?)?;
        let reading = Reading::of(own / theirs).beside("own us", own).beside("theirs us", theirs);
        anyhow::Ok(reading.wait(played.ran.wait_share()))
    };
    let oha = beside(&options.oha, peers::oha, "install it with `cargo install oha --locked`")?;
    let wrk = beside(&options.wrk, peers::wrk, "install it with `apt-get install wrk`")?;
    Ok(vec![oha, wrk])
}

/// A closed loop of plain requests, and what the mock saw of it.
pub(super) fn closed_loop(
    bench: &Bench<'_>,
    seconds: u32,
    priority: Priority,
) -> anyhow::Result<(Played, Summary)> {
    offered(bench, Load::Concurrency(CONCURRENCY), seconds, priority, |trial| trial.play())
}

/// Plain requests under this load, played so, and what the mock saw of them.
pub(super) fn offered(
    bench: &Bench<'_>,
    load: Load,
    seconds: u32,
    priority: Priority,
    play: fn(&Trial<'_>) -> anyhow::Result<Played>,
) -> anyhow::Result<(Played, Summary)> {
    let server = Server::start(&Mock::plain(), priority)?;
    let suite = suite::write(bench.folder(), &server.url(), Api::Plain)?;
    let trial = Trial {
        program: &bench.options.plimsoll,
        suite: &suite,
        load,
        seconds,
        trace: None,
        priority,
    };
    let played = play(&trial)?;
    Ok((played, server.stop()?))
}

/// CPU of a client per request that the mock answered, in us.
fn us(ran: &Ran, summary: &Summary) -> anyhow::Result<f64> {
    let (requests, connections) = (summary.requests, summary.connections);
    let keeps = connections * 10 < requests;
    anyhow::ensure!(keeps, "{connections} connections for {requests} requests: not kept alive");
    Ok(as_f64(ran.cpu_ns_since(summary.first_request_ns)) / 1e3 / as_f64(requests))
}
