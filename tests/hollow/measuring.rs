//! Numbers that could not have been otherwise.

use crate::bench::Bench;
use crate::requests::{Request, closed, closed_loop, plan, recorder, times, trial};
use plimsoll::baseline::Loaded;
use plimsoll::check::{Check, Conclusion, History, Step};
use plimsoll::cli::ExitStatus;
use plimsoll::gate::Verdict;
use plimsoll::load::{Play, Share};
use plimsoll::search::{Answer, Ask, Point, Range, Refine, Scale};
use plimsoll::stats::{Known, Reading, Response};
use plimsoll::trial::{
    Ended, Ending, Evidence, InvalidReason, LatencyResult, Outcome, Readings, RequestId, Timeline,
    TrialReport, TrialResult,
};
use plimsoll::workload::{HistoryMode, Salt, Sequence, Session, conversation};
use std::collections::BTreeSet;
use std::time::Duration;

/// The latency of a trial as reports show it.
fn shown(trial: &TrialReport) -> LatencyResult {
    TrialResult::from(trial).latency["ttfc"].clone()
}

/// A histogram dropped all that took longer than 65 ms: its p99 read 5 ms with a tenth at 500 ms.
#[test]
fn hollow_gate_03_a_slow_sample_is_never_dropped_silently() {
    let slow = [times(90, Request::ok(5)), times(10, Request::ok(500))].concat();
    let slow = trial(&["p99 ttfc < 65ms"], &slow);
    assert_eq!((slow.evidence, slow.is_valid()), (Evidence::Violated, true));
    assert!(shown(&slow).p99.unwrap() > 499.0 && shown(&slow).max.unwrap() > 499.0);
    // What no histogram can hold is counted, is not good, and makes the trial invalid.
    let endless = [times(90, Request::ok(5)), times(10, Request::ok(7_200_000))].concat();
    let endless = trial(&["p99 ttfc < 65ms"], &endless);
    assert_eq!((endless.evidence, endless.slos[0].tally.not_good), (Evidence::Violated, 10));
    let is_dropped = |why: &InvalidReason| matches!(why, InvalidReason::Dropped { .. });
    assert!(endless.health.invalid.iter().any(is_dropped), "{:?}", endless.health);
}

/// Fast refusals stood in the median, and time-outs were left out of the percentiles.
#[test]
fn hollow_gate_06_refusals_and_time_outs_flatter_no_percentile() {
    let refusals = times(60, Request::failed(Outcome::Shed, 1));
    let refused = [refusals, times(40, Request::ok(400))].concat();
    let refused = trial(&["p50 ttfc < 200ms"], &refused);
    assert_eq!((refused.evidence, shown(&refused).p50), (Evidence::Violated, None));
    assert_eq!((shown(&refused).n, shown(&refused).censored), (40, 60));
    assert_eq!(shown(&refused).beyond, ["p50", "p75", "p90", "p95", "p99", "max"]);

    let late = times(5, Request::failed(Outcome::TimeoutTotal, 30_000));
    let late = trial(
        &["p95 ttfc < 200ms", "p99 ttfc < 200ms"],
        &[times(95, Request::ok(50)), late].concat(),
    );
    let evidence: Vec<Evidence> = late.slos.iter().map(|slo| slo.evidence).collect();
    assert_eq!(evidence, [Evidence::Met, Evidence::Violated]);
    assert_eq!((shown(&late).p99, shown(&late).max), (None, None));
    // Nor does an answer that had not come when the trial ended.
    let open = [times(98, Request::ok(50)), times(2, Request::silent())].concat();
    assert_eq!(trial(&["p99 ttfc < 200ms"], &open).evidence, Evidence::Violated);
}

/// "500 concurrent users" were reported; by Little's law about ten requests had been in flight.
#[test]
fn hollow_gate_07_a_concurrency_that_was_never_in_flight_is_invalid() {
    let trial = closed_loop(500, 10);
    let [InvalidReason::InFlight { mean, concurrency }] = trial.health.invalid[..] else {
        panic!("{:?}", trial.health)
    };
    assert!((mean - 10.0).abs() < 1e-9 && (concurrency - 500.0).abs() < 1e-9);
    assert!(closed_loop(10, 10).is_valid());
}

/// A generator asked for 100,000/s sent 780/s; one asked for 400/s sent 206/s and called it healthy.
#[test]
fn hollow_gate_08_a_load_that_was_not_offered_is_invalid() {
    let unwritten = Request { written: None, ..Request::failed(Outcome::TimeoutFirst, 900) };
    for (sent, of) in [(206, 400), (780, 100_000), (395, 400)] {
        let requests = [times(sent, Request::ok(1)), times(of - sent, unwritten)].concat();
        let trial = trial(&["p50 ttfc < 1s"], &requests);
        let offered = InvalidReason::Offered { intended: of as u64, written: sent as u64 };
        assert!(trial.health.invalid.contains(&offered), "{:?}", trial.health);
    }
    // The same load, sent ever later: each request waits for the one before.
    let behind: Vec<Request> = (0..400).map(|n| Request::ok(1).kept_back(9 * n)).collect();
    let behind = trial(&["p50 ttfc < 1s"], &behind);
    assert!(matches!(behind.health.invalid[..], [InvalidReason::SendLag { .. }]));
    let starved = Bench { is_starved: true, ..Bench::new(&[]) };
    starved.check(&Bench::new(&[]).baseline()).expect(Verdict::Invalid, ExitStatus::Invalid);
}

/// Concurrency "100" was judged during a ramp that never passed ten.
#[test]
fn hollow_gate_10_a_ramp_is_not_the_concurrency_it_leads_to() {
    // All slots start at once, and what is measured begins only after each has served two sessions.
    let knob = "checks.rate.capacity={knob: concurrency, from: 100, to: 400}";
    let bench = Bench::new(&[knob]);
    let experiment = bench.experiment("rate", &Loaded::Missing);
    let Step::Run { plan: first, .. } = experiment.next(&History::default()) else {
        panic!("no trial");
    };
    let slots: u64 = format!("{:.0}", first.value.get()).parse().unwrap();
    assert!(slots >= 100 && first.cut >= 2 * slots, "{first:?}");
    let mut play = Play::new(&bench.plan.sessions, &first, Share::WHOLE);
    let started = std::iter::from_fn(|| play.pop(Duration::ZERO)).count() as u64;
    assert_eq!(started, slots);

    // A generator that starts one more slot each second has not offered what it was asked for.
    let mut ramp = recorder(plan(&["p50 ttfc < 1s"], closed(100), 55));
    let mut session = 0;
    for second in 1..=10_u64 {
        let (start, end) = (Duration::from_secs(second), Duration::from_secs(second + 1));
        let ids = session..session + second;
        for id in ids.clone().map(|session| RequestId { session, turn: 0 }) {
            ramp.intended(id, start);
            ramp.written(id, start);
        }
        for id in ids.map(|session| RequestId { session, turn: 0 }) {
            ramp.chunk(id, end, true);
            ramp.end(id, end, Ending::of(Outcome::Ok));
        }
        session += second;
    }
    let ramp = ramp.into_report(
        Duration::from_secs(11),
        Ended::Complete,
        Readings::default(),
        Timeline::default(),
    );
    let [InvalidReason::InFlight { mean, .. }] = ramp.health.invalid[..] else {
        panic!("{:?}", ramp.health)
    };
    assert!(mean < 10.0, "{mean}");
}

/// A search at 77 % errors reported "capacity = maximum, pass".
#[test]
fn hollow_gate_11_errors_are_no_capacity() {
    let baseline = Bench::new(&[]).baseline();
    let failing = "target.demo.error_rate=0.77";
    let checked = Bench::new(&[failing]).check(&baseline);
    let checked = checked.expect(Verdict::Regression, ExitStatus::Regression);
    assert!(!checked.findings[0].metrics.contains_key("capacity"));
    let finding = Bench::new(&[failing]).check(&Loaded::Missing).findings.remove(0);
    assert!(matches!(finding.conclusion, Conclusion::NoneHolds(_)), "{:?}", finding.conclusion);
    // A suite that limits no failure limits them all the same.
    let latency_only = "checks.rate.slos=[mean ttfc < 10s]";
    let finding = Bench::new(&[failing, latency_only]).check(&Loaded::Missing).findings.remove(0);
    assert!(matches!(finding.conclusion, Conclusion::NoneHolds(_)), "{:?}", finding.conclusion);
    // One that allows them on purpose gets a bound, which is no capacity and no baseline.
    let allowed = "checks.rate.slos=[min ttfc < 10s, error_rate < 90%]";
    let bench = Bench::new(&[failing, allowed, "checks.rate.capacity.to=100"]);
    let finding = bench.check(&Loaded::Missing).findings.remove(0);
    assert!(matches!(finding.conclusion, Conclusion::AtLeast(_)), "{:?}", finding.conclusion);
    assert!(!finding.metrics.contains_key("capacity") && bench.accept(&[finding]).is_err());
}

/// A p99 was decided by 160 samples: two slow requests flip it.
#[test]
fn hollow_gate_12_one_trial_decides_nothing() {
    let flipped = |slow: usize| {
        let requests = [times(160 - slow, Request::ok(10)), times(slow, Request::ok(900))].concat();
        trial(&["p99 ttfc < 500ms"], &requests).evidence
    };
    assert_eq!((flipped(1), flipped(2)), (Evidence::Met, Evidence::Violated));
    assert_eq!(
        trial(&["p99 ttfc < 500ms"], &times(99, Request::ok(10))).evidence,
        Evidence::Undecided
    );

    // So an answer takes trials that agree: the same ones with any single trial turned round either
    // ask for more, or still hold the old answer in their interval.
    let value = 83.0;
    let search = Refine {
        range: Range { from: 10.0, to: Some(400.0), expand: 2.0, scale: Scale::Real },
        precision: 0.05,
        start: None,
        response: Response::VAGUE,
    };
    let point = |at: f64, full: bool, held: bool| {
        let share = if held { 0.01 } else { 0.13 };
        let reading = Reading { allowed: 0.05, share, n: 95.0, known: Known::Share };
        Point { value: at, held, full, reading, pace: None }
    };
    let mut points: Vec<Point> = Vec::new();
    loop {
        let (at, full) = match search.next(&points) {
            Ask::Probe(at) => (at, false),
            Ask::Play(at) => (at, true),
            Ask::Done(_) => break,
        };
        points.push(point(at, full, at < value));
    }
    for turned in (0..points.len()).filter(|&at| points[at].full) {
        let mut points = points.clone();
        points[turned] = point(points[turned].value, true, !points[turned].held);
        match search.next(&points) {
            Ask::Probe(_) | Ask::Play(_) => {}
            Ask::Done(Answer::Crossing { low, high, .. }) => {
                assert!((low..=high).contains(&value), "{value} left [{low}, {high}]");
            }
            Ask::Done(other) => panic!("one trial made it {other:?}"),
        }
    }
}

/// The first point was cold and all later ones came from a prefix cache: every probe sent the same
/// prompts.
#[test]
fn hollow_gate_13_no_two_trials_send_the_same_prompt() {
    let plan = Bench::new(&[]).plan;
    let law = &plan.sessions;
    let arrivals = plimsoll::workload::Arrivals::Poisson;
    let sessions: Vec<Session> = Sequence::new(law, arrivals, plan.seed).take(20).collect();
    let mut openings = BTreeSet::new();
    let mut lengths = BTreeSet::new();
    for (run, trial) in [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1)] {
        let salt = Salt::new(plan.seed, run, "rate", trial);
        let mut of_trial = Vec::new();
        for session in &sessions {
            let text = conversation(session, 0, salt, HistoryMode::Inherit, &[]).remove(0).text;
            of_trial.push(text.split(' ').count());
            let opening: Vec<&str> = text.split(' ').take(8).collect();
            assert!(openings.insert(opening.join(" ")), "sent before: {text}");
        }
        lengths.insert(of_trial);
    }
    // What is sent differs, how much does not: the trials stay comparable.
    assert_eq!((openings.len(), lengths.len()), (100, 1));
}
