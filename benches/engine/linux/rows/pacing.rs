//! A8: how late requests leave, beside tokio's own timer.

use super::super::child::{on, run as run_child};
use super::super::mock::Mock;
use super::super::rounds::Bench;
use super::super::server::Server;
use super::super::suite::{self, Api};
use super::super::table::{Demand, Reading};
use super::super::timer::Lag;
use super::super::trial::{CLIENT_CORE, Load, Trial};
use super::{Experiment, figure};
use std::time::Duration;

/// Length of a trial.
const SECONDS: u32 = 5;

pub(super) const EXPERIMENT: Experiment = Experiment {
    rows: &["A8"],
    figures: &[
        figure("A8", "send lag p99 at 1,000/s, quiet", Demand::AtMost(0.3), "ms"),
        figure("A8", "the same / tokio's timer", Demand::AtMost(0.2), ""),
        figure("A8", "send lag p99 at 10,000/s, quiet", Demand::AtMost(0.3), "ms"),
        figure("A8", "the same / tokio's timer", Demand::AtMost(0.2), ""),
    ],
    run,
};

fn run(bench: &Bench<'_>) -> anyhow::Result<Vec<Reading>> {
    let mut readings = Vec::new();
    for rate in [1_000_u32, 10_000] {
        let server = Server::start(&Mock::plain(), bench.quiet)?;
        let suite = suite::write(bench.folder(), &server.url(), Api::Plain)?;
        let trial = Trial {
            program: &bench.options.plimsoll,
            suite: &suite,
            load: Load::Rate(rate.into()),
            seconds: SECONDS,
            trace: None,
            priority: bench.quiet,
        };
        let played = trial.play()?;
        server.stop()?;
        let lag_ms = played.latency_ms("send_lag", "p99")?;
        let timer_ms = timer(bench, rate)?;
        let about =
            |value| Reading::of(value).wait(played.ran.wait_share()).invalid(played.is_invalid());
        readings.push(about(lag_ms).beside("p50", played.latency_ms("send_lag", "p50")?));
        readings.push(about(lag_ms / timer_ms).beside("tokio's p99 ms", timer_ms));
    }
    Ok(readings)
}

/// p99 of the lag of tokio's timer on the same core, in ms.
fn timer(bench: &Bench<'_>, rate: u32) -> anyhow::Result<f64> {
    let mut command = on(Some(CLIENT_CORE), bench.quiet, std::env::current_exe()?);
    command.arg("timer").arg(format!("--rate={rate}")).arg("--seconds=2");
    let ran = run_child(command, Duration::from_secs(30))?;
    let lag: Lag = serde_json::from_str(&ran.out)?;
    Ok(lag.p99_ms)
}
