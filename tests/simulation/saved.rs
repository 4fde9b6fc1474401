//! Runs that were saved on the live rig, against the truth that the same model has in virtual time.

use crate::world::{median, truth};
use plimsoll::report::Results;
use plimsoll::trial::{Load, Purpose, TrialPlan};
use plimsoll::units::{KnobValue, Rate};
use plimsoll::workload::Arrivals;
use std::path::PathBuf;
use std::time::Duration;

/// `PLIMSOLL_RUNS` names folders of runs of the demo's suite, separated by colons.
#[test]
#[ignore = "needs runs of the demo that were measured before: see docs/explanation/method.md"]
fn intervals_of_saved_runs_hold_the_truth_of_the_model() {
    let folders = std::env::var_os("PLIMSOLL_RUNS").expect("PLIMSOLL_RUNS names no runs");
    let (mut covered, mut errors, mut widths) = (0, Vec::new(), Vec::new());
    let folders: Vec<PathBuf> = std::env::split_paths(&folders).collect();
    for folder in &folders {
        let text = std::fs::read_to_string(folder.join("results.json")).unwrap();
        let results = Results::from_json(&text).unwrap();
        let check = &results.checks[0];
        let capacity = &check.metrics["capacity"];
        let sequence = check.sequence.as_ref().unwrap();
        let slos = ["p95 ttfc < 200ms", "p90 tbc < 40ms", "error_rate < 1%"];
        let rate = Rate::per_second(capacity.value).unwrap();
        let plan = TrialPlan {
            index: 0,
            check: check.name.clone(),
            purpose: Purpose::Play,
            side: plimsoll::trial::Side::Only,
            knob: check.knob.clone(),
            value: KnobValue::new(capacity.value).unwrap(),
            load: Load::Open { rate, arrivals: Arrivals::Poisson },
            setting: None,
            seed: sequence.seed,
            cut: sequence.cut,
            count: sequence.count,
            slos: slos.map(|text| plimsoll::slo::Slo::parse(text).unwrap()).to_vec(),
            time_limit: Duration::from_secs(120),
            request_limit: u64::MAX,
        };
        let truth = truth(&plan, capacity.value, 0.0);
        let held = (capacity.low..=capacity.high).contains(&truth);
        println!(
            "seed {}: {:.1} [{:.1}, {:.1}], truth {truth:.1}: {}",
            sequence.seed,
            capacity.value,
            capacity.low,
            capacity.high,
            if held { "held" } else { "MISSED" }
        );
        covered += usize::from(held);
        errors.push((capacity.value / truth - 1.0).abs());
        widths.push((capacity.high - capacity.low) / capacity.value);
    }
    println!(
        "{covered} of {} held; median error {:.4}, median full width {:.3}",
        folders.len(),
        median(errors),
        median(widths)
    );
    assert!(covered * 10 >= folders.len() * 7, "{covered} of {}", folders.len());
}
