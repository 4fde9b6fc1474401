//! What the order statistics of a trial say.

use crate::report::fixture;

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
