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

fn suite(server: &Server, target: &str) -> String {
    let url = server.url();
    format!(
        "version: 1
suite: starved
target:
  url: {url}
  model: m
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
    let bench = Bench::with(&suite(&server, ""));
    let load = ["--concurrency", CONCURRENCY];
    let ran = trial(&bench, TOO_FEW, &load).exits(6);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("file descriptors") && said.contains("ulimit -n"), "{ran}");
    // The same with enough of them.
    let last = (0..ATTEMPTS).map(|_| trial(&bench, ENOUGH, &load)).find(|ran| ran.code != Some(6));
    let ran = last.expect("a valid trial").exits(0);
    assert!(!ran.stdout.contains("for want of"), "{ran}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trials_of_one_command_learn_once_what_a_target_refuses() {
    let (server, asked) = refusing_usage();
    let bench = Bench::with(&suite(&server, ""));
    let load = ["--concurrency", "2"];
    tokio::task::block_in_place(|| bench.run(&[&["trial", "--for", "1s"][..], &load].concat()));
    let refused = asked.load(Ordering::SeqCst);
    assert!((1..=2).contains(&refused), "{refused} were refused");
}
