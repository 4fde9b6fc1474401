//! How often the gate is wrong: on an unchanged server, and on one that is a quarter slower.
//!
//! What 120 runs can say: were a false alarm to come in 2.5 % of all runs, 120 runs without one would
//! have a probability of 0.975^120 = 0.048. Were only 90 % of all slowdowns caught, no more than 6
//! misses in 120 would have one of 0.038; at 99 % caught, more than 6 misses would have one of 0.0002.

use crate::bench::Bench;
use plimsoll::gate::Verdict;

/// Runs that ended in a regression, and runs that ended otherwise than in a pass or a regression: of
/// 30 runs against each of four baselines, all on servers of this spread between trials.
fn alarms_and_doubts(sets: &[&str], speed_sd: f64) -> (u32, u32) {
    let bench = |seed: u64, sets: &[&str]| Bench { speed_sd, seed, ..Bench::new(sets) };
    let (mut alarms, mut doubts) = (0, 0);
    for first in 0..4_u64 {
        let baseline = bench(1_000 + first, &[]).baseline();
        for seed in 0..30 {
            match bench(30 * first + seed, sets).check(&baseline).verdict.verdict {
                Verdict::Regression => alarms += 1,
                Verdict::Pass => {}
                Verdict::Improvement
                | Verdict::Inconclusive
                | Verdict::Invalid
                | Verdict::New
                | Verdict::Incomparable => doubts += 1,
            }
        }
    }
    println!("{sets:?}, speed sd {speed_sd}: {alarms} regressions, {doubts} doubts of 120");
    (alarms, doubts)
}

#[test]
fn an_unchanged_server_raises_no_alarm_and_is_seldom_in_doubt() {
    for speed_sd in [0.0, 0.02] {
        let (alarms, doubts) = alarms_and_doubts(&[], speed_sd);
        assert_eq!(alarms, 0, "speed sd {speed_sd}");
        assert!(doubts <= 6, "speed sd {speed_sd}: {doubts} of 120 without an answer");
    }
}

#[test]
fn a_server_slower_by_a_quarter_is_caught() {
    for speed_sd in [0.0, 0.02] {
        let (alarms, _) = alarms_and_doubts(&["target.demo.slowdown=1.25"], speed_sd);
        assert!(alarms >= 114, "speed sd {speed_sd}: only {alarms} of 120 caught");
    }
}
