//! A10 and A11: what happens beyond the limit of this machine, and below it.

use super::super::child::Priority;
use super::super::clock::SECOND_NS;
use super::super::mock::Summary;
use super::super::number::as_f64;
use super::super::rounds::Bench;
use super::super::table::{Demand, Reading};
use super::super::trial::{Load, Played};
use super::plain::{closed_loop, offered};
use super::{Experiment, figure};

/// Length of the closed loop that finds the limit.
const LEARNING_SECONDS: u32 = 3;
/// Longest trial …
const SECONDS_MAX: u32 = 30;
/// … and most sessions of one.
const SESSIONS_MAX: f64 = 1e6;

pub(super) const REFUSAL: Experiment = Experiment {
    rows: &["A10"],
    figures: &[figure("A10", "asked 3 x the limit: invalid after", Demand::AtMost(5.0), "s")],
    run: refusal,
};

pub(super) const OFFER: Experiment = Experiment {
    rows: &["A11"],
    figures: &[figure(
        "A11",
        "offered of asked at 70 % of the limit, 30 s or a million",
        Demand::AtLeast(100.0),
        "%",
    )],
    run: offer,
};

fn refusal(bench: &Bench<'_>) -> anyhow::Result<Vec<Reading>> {
    let limit = limit(bench, Priority::Ordinary)?;
    let asked = 3.0 * limit;
    let (played, _) = open_loop(bench, asked, Priority::Ordinary)?;
    let seconds = as_f64(played.ran.wall_ns) / 1e9;
    let reasons = played.reasons();
    let reading = if !played.is_invalid() {
        Reading::failed(format!("not declared invalid: {}", played.ran.status))
    } else if !names_cpu(&reasons) {
        Reading::failed(format!("CPU is not named: {reasons}"))
    } else {
        Reading::of(seconds)
    };
    let reading = reading.beside("limit /s", limit).beside("asked /s", asked);
    Ok(vec![reading.beside("seconds", seconds).wait(played.ran.wait_share())])
}

/// Whether it says that the generator, by its CPU, is the limit: found out, or foretold.
fn names_cpu(reasons: &str) -> bool {
    reasons.to_ascii_lowercase().contains("cpu") || reasons.contains("this machine can offer")
}

fn offer(bench: &Bench<'_>) -> anyhow::Result<Vec<Reading>> {
    // Whole, so that a whole number of sessions is asked for, and all of them can be offered.
    let rate = (0.7 * limit(bench, bench.quiet)?).floor();
    let (played, summary) = open_loop(bench, rate, bench.quiet)?;
    // Of what was asked, not only of what was tried: a trial that ends early offers less.
    let asked = rate * f64::from(seconds(rate));
    let written = played.count("written").unwrap_or_default().min(summary.requests);
    let reading = Reading::of(as_f64(written) / asked * 100.0);
    let request_us = as_f64(played.ran.cpu_ns_since(summary.first_request_ns)) / 1e3;
    let reading = reading
        .beside("rate /s", rate)
        .beside("seconds", as_f64(played.ran.wall_ns) / 1e9)
        .beside("us a request", request_us / as_f64(summary.requests));
    Ok(vec![reading.wait(played.ran.wait_share()).invalid(played.is_invalid())])
}

/// Length of a trial at this rate.
fn seconds(rate: f64) -> u32 {
    let fits = |seconds: &u32| rate * f64::from(*seconds) <= SESSIONS_MAX;
    (1..=SECONDS_MAX).rev().find(fits).unwrap_or(1)
}

/// Requests per second of a closed loop, as the mock saw them.
fn limit(bench: &Bench<'_>, priority: Priority) -> anyhow::Result<f64> {
    let (_, summary) = closed_loop(bench, LEARNING_SECONDS, priority)?;
    let time = summary.last_request_ns - summary.first_request_ns;
    anyhow::ensure!(time > SECOND_NS, "the closed loop ended after {time} ns");
    Ok(as_f64(summary.requests) / as_f64(time) * 1e9)
}

fn open_loop(
    bench: &Bench<'_>,
    rate: f64,
    priority: Priority,
) -> anyhow::Result<(Played, Summary)> {
    offered(bench, Load::Rate(rate), seconds(rate), priority, |trial| trial.attempt())
}
