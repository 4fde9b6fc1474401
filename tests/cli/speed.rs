//! The speed of the machine, where that of the target comes from it.

use super::bench::Bench;
use super::faulty::{self, Fault, Server};

/// Speeds in the results of a run: at its start, and before each trial.
fn speeds(target: &str) -> (Option<f64>, Vec<Option<f64>>) {
    let bench = Bench::with(&faulty::suite(target));
    let ran = bench.run(&["measure"]);
    let results = bench.results();
    let trials = results["checks"][0]["trials"].as_array().unwrap();
    assert!(!trials.is_empty(), "{ran}");
    let before = trials.iter().map(|trial| trial["health"]["reference_speed"].as_f64()).collect();
    (results["environment"]["calibration"].as_f64(), before)
}

#[test]
fn the_speed_of_the_machine_is_read_for_a_command_and_for_nothing_else() {
    let (machine, trials) = speeds(&faulty::command("none"));
    assert!(machine.is_some_and(|speed| speed > 0.0), "{machine:?}");
    assert!(trials.iter().all(|speed| speed.is_some_and(|speed| speed > 0.0)), "{trials:?}");
    let server = Server::start(Fault::None);
    let (machine, trials) = speeds(&format!("url: {}", server.url()));
    assert_eq!(machine, None);
    assert!(trials.iter().all(Option::is_none), "{trials:?}");
}
