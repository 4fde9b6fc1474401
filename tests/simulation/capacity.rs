//! Does the reported interval hold the truth?
//!
//! Truth: the load at which a trial of the sequence that was played, at its length, meets the SLOs
//! half the time, found by virtual replays with other jitter of the server.

use crate::bench::Bench;
use crate::world::{median, search, truth};
use plimsoll::baseline::Loaded;
use plimsoll::check::{Conclusion, OVER_SEQUENCES};
use plimsoll::trial::Purpose;

#[derive(Debug, Default)]
struct Score {
    found: u32,
    covered: u32,
    errors: Vec<f64>,
    widths: Vec<f64>,
    seconds: Vec<f64>,
}

fn score(seeds: impl Iterator<Item = u64>, speed_sd: f64) -> Score {
    let mut score = Score::default();
    for seed in seeds {
        let (finding, history) = search(seed, speed_sd);
        if finding.conclusion != Conclusion::Found {
            continue;
        }
        let capacity = &finding.metrics["capacity"];
        let play =
            history.trials().iter().find(|trial| trial.plan.purpose == Purpose::Play).unwrap();
        let truth = truth(&play.plan, capacity.value, speed_sd);
        score.found += 1;
        score.covered += u32::from((capacity.low..=capacity.high).contains(&truth));
        score.errors.push((capacity.value / truth - 1.0).abs());
        score.widths.push((capacity.high - capacity.low) / capacity.value);
        score.seconds.push(finding.elapsed.as_secs_f64());
    }
    score
}

/// Two halves on two threads.
fn score_of(seeds: u64, speed_sd: f64) -> Score {
    let (mut first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(|| score((1..seeds).step_by(2), speed_sd));
        (score((0..seeds).step_by(2), speed_sd), other.join().unwrap())
    });
    first.found += second.found;
    first.covered += second.covered;
    first.errors.extend(second.errors);
    first.widths.extend(second.widths);
    first.seconds.extend(second.seconds);
    first
}

#[test]
fn the_interval_holds_the_true_capacity_of_the_sequence() {
    let score = score_of(200, 0.0);
    let (error, width) = (median(score.errors), median(score.widths));
    println!(
        "{} of {} found covered; median error {error:.4}, median full width {width:.3}, median virtual time {:.0} s",
        score.covered,
        score.found,
        median(score.seconds)
    );
    assert_eq!(score.found, 200);
    assert!(score.covered >= 160, "{}", score.covered);
    assert!(error < 0.05 && width < 0.25, "error {error}, width {width}");
}

#[test]
fn a_server_whose_speed_varies_between_trials_is_still_covered() {
    // Speed that varies by 3 % moves the capacity by about 4 to 5 %.
    let score = score_of(60, 0.03);
    let (error, width) = (median(score.errors), median(score.widths));
    println!(
        "{} of {} found covered; median error {error:.4}, median full width {width:.3}",
        score.covered, score.found
    );
    // At a true coverage of 0.85 fewer than 42 of 60 has a probability below 0.002.
    assert!(score.found >= 58 && score.covered >= 42, "{} of {}", score.covered, score.found);
    assert!(error < 0.05 && width < 0.25, "error {error}, width {width}");
}

#[test]
fn several_sequences_widen_the_interval_by_what_differs_between_them() {
    let several = "checks.rate.capacity.sequences=3";
    let budget = "budget.time=10m";
    let finding = Bench::new(&[several, budget]).check(&Loaded::Missing).findings.remove(0);
    let (own, over) = (&finding.metrics["capacity"], &finding.metrics[OVER_SEQUENCES]);
    assert!(over.high - over.low > own.high - own.low, "{own} {over}");
    assert!(over.trials >= own.trials + 12, "{own} {over}");
    // The suite's own sequence is the one that a baseline is compared by, and not moved by the others.
    let alone = Bench::new(&[budget]).check(&Loaded::Missing).findings.remove(0);
    assert_eq!(alone.metrics["capacity"], *own);
    assert!(!alone.metrics.contains_key(OVER_SEQUENCES));
    assert_eq!(alone.sequence, finding.sequence);
}
