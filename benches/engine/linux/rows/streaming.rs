//! A3: what a chunk costs, beside a client on reqwest.

use super::super::child::{Priority, on, run as run_child};
use super::super::rounds::Bench;
use super::super::server::Server;
use super::super::table::{Demand, Reading};
use super::super::trial::CLIENT_CORE;
use super::streams::{self, Streams};
use super::{Experiment, figure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// 40,000 chunks a second.
const STREAMS: u32 = 2_000;

pub(super) const EXPERIMENT: Experiment = Experiment {
    rows: &["A3"],
    figures: &[figure("A3", "CPU a chunk at 40,000/s / reqwest", Demand::AtMost(1.0), "")],
    run,
};

fn run(bench: &Bench<'_>) -> anyhow::Result<Vec<Reading>> {
    let priority = Priority::Ordinary;
    let streams =
        Streams { count: STREAMS, server: priority, client: priority, is_compared: false };
    let streamed = streams.run(bench)?;
    let own = streamed.chunk_us();
    let theirs = prototype(priority)?;
    let ran = &streamed.played.ran;
    let reading = Reading::of(own / theirs).beside("own us", own).beside("theirs us", theirs);
    Ok(vec![reading.wait(ran.wait_share()).invalid(streamed.played.is_invalid())])
}

/// Builds the prototype, which is a package of its own.
fn built() -> anyhow::Result<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/prototype");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prototype");
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--release", "--quiet", "--manifest-path"])
        .arg(package.join("Cargo.toml"));
    let status = cargo.arg("--target-dir").arg(&target).status()?;
    anyhow::ensure!(status.success(), "the prototype could not be built");
    Ok(target.join("release/prototype"))
}

/// CPU of the prototype per chunk, in us.
fn prototype(priority: Priority) -> anyhow::Result<f64> {
    let server = Server::start(&streams::mock(), priority)?;
    let rate = streams::rate(STREAMS);
    let mut command = on(Some(CLIENT_CORE), priority, built()?);
    command.args([server.url(), rate.to_string(), (rate * streams::SECONDS).to_string()]);
    let ran = run_child(command, Duration::from_secs(90))?;
    anyhow::ensure!(ran.status.success(), "the prototype failed: {}", ran.err.trim());
    Ok(streams::chunk_us(&ran, &server.stop()?))
}
