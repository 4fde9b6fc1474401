//! The program, starved on purpose of what it needs, and with enough of it. What it says is asserted,
//! not how fast it is.

use crate::answers::good;
use crate::bench::{Bench, PLIMSOLL, Ran};
use crate::learnt::refusing_usage;
use crate::server::{Act, Server};
use crate::table::Shape;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Sessions in flight that are asked for.
const CONCURRENCY: &str = "120";
/// A limit on descriptors under which these fit, and one under which they do not.
const ENOUGH: u32 = 1_000;
const TOO_FEW: u32 = 300;
/// Attempts at a valid trial: other work on this machine may spoil one.
const ATTEMPTS: usize = 8;

const CHAT: &str = "model: m";
/// Plain requests, each on a connection of its own.
const EACH_ITS_OWN: &str = "api: http
  request: { method: GET, path: / }
  connection: new";
/// More connections per second than ports come back, however wide the range of ports is.
const TOO_FAST: &str = "1200";

fn suite(server: &Server, target: &str) -> String {
    let url = server.url();
    format!(
        "version: 1
suite: starved
target:
  url: {url}
  timeouts: {{ first_chunk: 20s, total: 20s }}
  {target}
checks:
  load:
    capacity: {{ knob: rate, from: 50, to: 100, trial: 1s, max_trials: 2 }}
    slos: [ p50 ttfc < 15s ]
budget: {{ time: 60s }}
"
    )
}

/// Runs a trial that may have so many descriptors open.
fn trial(bench: &Bench, descriptors: u32, load: &[&str]) -> Ran {
    let mut command = bench.command("sh");
    let script = format!("ulimit -n {descriptors} && exec \"$0\" trial --for 1s \"$@\"");
    command.args(["-c", &script, PLIMSOLL]).args(load);
    tokio::task::block_in_place(|| bench.finish(command))
}

fn slow() -> Server {
    let answer = [Act::Wait(Duration::from_millis(200)), Act::Send(good(Shape::Stream))];
    Server::scripted(move |_, _| answer.to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_descriptors_a_trial_is_invalid_and_names_them() {
    let server = slow();
    let bench = Bench::with(&suite(&server, CHAT));
    let load = ["--concurrency", CONCURRENCY];
    let ran = trial(&bench, TOO_FEW, &load).exits(6);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("file descriptors") && said.contains("ulimit -n"), "{ran}");
    // The same with enough of them.
    is_valid(|| trial(&bench, ENOUGH, &load));
}

/// Runs until a trial is valid. It may be too small to tell.
fn is_valid(mut run: impl FnMut() -> Ran) {
    let ran = (0..ATTEMPTS).map(|_| run()).find(|ran| ran.code != Some(6));
    let ran = ran.unwrap_or_else(|| panic!("no trial of {ATTEMPTS} was valid"));
    assert!(matches!(ran.code, Some(0 | 3)) && !ran.stdout.contains("for want of"), "{ran}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_for_which_ports_run_out_is_refused_before_the_start() {
    let server = Server::scripted(|_, _| vec![Act::Send(good(Shape::Http)), Act::Close]);
    let bench = Bench::with(&suite(&server, EACH_ITS_OWN));
    let ran = trial(&bench, ENOUGH, &["--rate", TOO_FAST]).exits(6);
    assert!(ran.stderr.contains("local ports") && ran.stderr.contains("pooled"), "{ran}");
    assert!(server.connections() < 10, "{} connections: it was not refused", server.connections());
    // The same at a rate for which they last.
    is_valid(|| trial(&bench, ENOUGH, &["--rate", "50"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trials_of_one_command_learn_once_what_a_target_refuses() {
    let (server, asked) = refusing_usage();
    let bench = Bench::with(&suite(&server, CHAT));
    let load = ["--concurrency", "2"];
    tokio::task::block_in_place(|| bench.run(&[&["trial", "--for", "1s"][..], &load].concat()));
    let refused = asked.load(Ordering::SeqCst);
    assert!((1..=2).contains(&refused), "{refused} were refused");
}
