//! What the serialised form of a trial says.

use crate::report::fixture;
use crate::trial::{EvidenceResult, TrialResult, Validity};

#[test]
fn the_classes_add_up_to_what_was_due() {
    let trial = fixture::recorded_trial(300, 4);
    assert_eq!(trial.counts.intended, trial.counts.by_outcome.values().sum::<u64>());
    assert_eq!(trial.counts.by_outcome.len(), 18);
    assert_eq!(trial.counts.not_ok(), 4);
    assert_eq!((trial.validity, trial.evidence), (Validity::Valid, EvidenceResult::Violated));
}

#[test]
fn a_trial_reads_back_as_it_was_written() {
    let trial = fixture::recorded_trial(12, 3);
    let text = crate::report::json::render(&trial);
    let again: TrialResult = serde_json::from_str(&text).unwrap();
    assert_eq!(again, trial);
    insta::assert_snapshot!("trial-json", text);
}
