//! What the serialised form of a trial says.

use crate::report::fixture;
use crate::trial::{EvidenceResult, TrialResult, Validity};

#[test]
fn requests_that_were_not_ok_count_as_longer_than_all_others() {
    let trial = fixture::recorded_trial(300, 4);
    let ttfc = &trial.latency["ttfc"];
    assert_eq!((ttfc.n, ttfc.censored), (296, 4));
    assert_eq!(ttfc.beyond, ["p99", "max"]);
    assert!(ttfc.p95.is_some() && ttfc.p99.is_none() && ttfc.max.is_none());
    assert!(trial.latency["tbc"].beyond.is_empty() && trial.latency["tbc"].p99.is_some());
    assert!(trial.latency["send_lag"].beyond.is_empty());
}

#[test]
fn no_quantile_is_given_below_its_smallest_sample() {
    let trial = fixture::recorded_trial(12, 0);
    let ttfc = &trial.latency["ttfc"];
    assert!(ttfc.p90.is_some() && ttfc.p95.is_none() && ttfc.p99.is_none());
    assert!(ttfc.beyond.is_empty() && ttfc.max.is_some());
}

#[test]
fn the_classes_add_up_to_what_was_due() {
    let trial = fixture::recorded_trial(300, 4);
    assert_eq!(trial.counts.intended, trial.counts.by_outcome.values().sum::<u64>());
    assert_eq!(trial.counts.by_outcome.len(), 17);
    assert_eq!(trial.counts.not_ok(), 4);
    assert_eq!((trial.validity, trial.evidence), (Validity::Valid, EvidenceResult::Violated));
}

#[test]
fn a_trial_reads_back_as_it_was_written() {
    let trial = fixture::recorded_trial(12, 3);
    let text = crate::report::json::render_trial(&trial);
    let again: TrialResult = serde_json::from_str(&text).unwrap();
    assert_eq!(crate::report::json::render_trial(&again), text);
    insta::assert_snapshot!("trial-json", text);
}
