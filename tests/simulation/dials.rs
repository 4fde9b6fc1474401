//! Knobs that are not the load, against what the model of the demo is known to hold: 8 192 tokens of
//! prompt, output and history together.

use crate::bench::Bench;
use plimsoll::baseline::Loaded;
use plimsoll::check::{Conclusion, Finding};
use plimsoll::run::NoJournal;
use plimsoll::trial::{Load, TrialReport};

/// A search of `knob` where no request may fail.
fn searched(knob: &str) -> (Finding, Vec<TrialReport>) {
    let capacity = format!("checks.rate.capacity={{ {knob}, precision: 0.5% }}");
    let bench = Bench::new(&[
        &capacity,
        "checks.rate.slos=[success >= 100%]",
        "workload.sessions={ prompt_tokens: 100, output_tokens: 24 }",
        "budget.time=1h",
    ]);
    let mut run = bench.run(&Loaded::Missing, &mut NoJournal);
    let check = run.checks.remove(0);
    (check.finding.unwrap(), check.history.trials().to_vec())
}

#[test]
fn the_context_is_found_by_each_knob_that_fills_it() {
    for (knob, unit, truth) in [
        ("knob: prompt_tokens, from: 128, to: 32_768", "tokens", 8_192.0 - 24.0),
        ("knob: prompt_tokens, from: 128", "tokens", 8_192.0 - 24.0),
        ("knob: prompt_tokens, from: 128, to: 32_768, rate: 5", "tokens", 8_192.0 - 24.0),
        ("knob: output_tokens, from: 16, to: 9_000", "tokens", 8_192.0 - 100.0),
        ("knob: turns, from: 1, to: 1_000, concurrency: 3", "turns", 66.0),
    ] {
        let (finding, trials) = searched(knob);
        assert_eq!(finding.conclusion, Conclusion::Found, "{knob}");
        let capacity = &finding.metrics["capacity"];
        assert!((capacity.low..=capacity.high).contains(&truth), "{knob}: {capacity}");
        assert!((capacity.value / truth - 1.0).abs() < 0.02, "{knob}: {capacity}");
        assert_eq!((capacity.unit.as_str(), trials[0].plan.unit()), (unit, unit));
        assert_eq!(finding.binding.unwrap().slo, "success >= 100%");
        // Every trial is of the same load and of few sessions, but played to its end.
        for trial in &trials {
            assert_eq!(trial.plan.load, trials[0].plan.load);
            match trial.plan.load {
                Load::Closed { concurrency } => {
                    let sessions = 5.max(2 * u64::from(concurrency.get()));
                    assert_eq!((trial.plan.cut, trial.plan.count), (0, sessions), "{knob}");
                }
                Load::Open { rate, .. } => assert!((rate.as_per_second() - 5.0).abs() < 1e-9),
            }
        }
    }
}

#[test]
fn the_identity_of_what_was_played_does_not_depend_on_what_was_found() {
    let sequence = |knob: &str| searched(knob).0.sequence.unwrap().0;
    let low = sequence("knob: prompt_tokens, from: 128, to: 32_768");
    assert_eq!(low, sequence("knob: prompt_tokens, from: 4_000, to: 9_000"));
    assert_eq!(low, sequence("knob: output_tokens, from: 16, to: 9_000"));
}
