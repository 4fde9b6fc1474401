//! Definitions by examples computed by hand; times are milliseconds since the trial's start.

use super::{Ending, Expected, Recorder, RequestId, Usage};
use crate::slo::Slo;
use crate::trial::{
    Ended, Evidence, InvalidReason, Load, Outcome, Readings, Series, Tally, Timeline, TokenSource,
    TrialPlan, TrialReport,
};
use crate::units::{KnobValue, Rate};
use crate::workload::Arrivals;
use std::num::NonZeroU32;
use std::time::Duration;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn plan(slos: &[&str], cut: u64, count: u64) -> TrialPlan {
    TrialPlan {
        index: 0,
        check: "c".into(),
        purpose: crate::trial::Purpose::Play,
        side: crate::trial::Side::Only,
        knob: "rate".into(),
        value: KnobValue::new(10.0).unwrap(),
        load: Load::Open { rate: Rate::per_second(10.0).unwrap(), arrivals: Arrivals::Constant },
        setting: None,
        seed: 1,
        cut,
        count,
        slos: slos.iter().map(|text| Slo::parse(text).unwrap()).collect(),
        time_limit: Duration::from_secs(60),
        request_limit: u64::MAX,
    }
}

fn recorder(slos: &[&str], cut: u64, count: u64) -> Recorder {
    let expected =
        Expected { requests: count, request_limit: u64::MAX, has_tokens: true, has_pauses: false };
    Recorder::new(plan(slos, cut, count), expected)
}

fn id(session: u64) -> RequestId {
    RequestId { session, turn: 0 }
}

/// One request that is written at once, has its chunks at these instants and ends with the last.
fn request(r: &mut Recorder, session: u64, intended: u64, chunks: &[u64], outcome: Outcome) {
    r.intended(id(session), ms(intended));
    r.written(id(session), ms(intended));
    for &at in chunks {
        r.chunk(id(session), ms(at), true);
    }
    let end = chunks.last().copied().unwrap_or(intended + 1);
    r.end(id(session), ms(end), Ending::of(outcome));
}

fn finish(r: Recorder, at: u64) -> TrialReport {
    finish_after(r, at, Timeline::default())
}

fn finish_after(r: Recorder, at: u64, timeline: Timeline) -> TrialReport {
    r.into_report(ms(at), Ended::Complete, Readings::default(), timeline)
}

fn evidence(report: &TrialReport) -> Vec<Evidence> {
    report.slos.iter().map(|result| result.evidence).collect()
}

fn tallies(report: &TrialReport) -> Vec<(u64, u64)> {
    report.slos.iter().map(|result| (result.tally.not_good, result.tally.n)).collect()
}

#[test]
fn each_length_is_what_its_definition_says() {
    let mut r = recorder(&[], 0, 1);
    r.intended(id(0), ms(1_000));
    r.written(id(0), ms(1_010));
    r.first_byte(id(0), ms(1_050));
    r.chunk(id(0), ms(1_100), false);
    for at in [1_150, 1_200, 1_300] {
        r.chunk(id(0), ms(at), true);
    }
    let usage = Some(Usage { prompt_tokens: 9, completion_tokens: 5 });
    r.end(id(0), ms(1_310), Ending { usage, ..Ending::of(Outcome::Ok) });
    let report = finish(r, 1_400);
    let mean = |series| report.latency[&series].mean();
    for (series, expected) in [
        (Series::Ttfc, 100),
        (Series::Ttfb, 50),
        (Series::TtftAnswer, 150),
        (Series::E2e, 300),
        (Series::E2eClosed, 310),
        (Series::Tpot, 50), // (300 - 100) / (5 - 1)
        (Series::TtfcSent, 90),
        (Series::E2eSent, 290),
        (Series::SendLag, 10),
    ] {
        assert_eq!(mean(series), Some(ms(expected)), "{}", series.name());
        assert_eq!(report.latency[&series].n(), 1);
    }
    let gaps = &report.latency[&Series::Tbc];
    assert_eq!((gaps.n(), gaps.sum_ns()), (3, ms(200).as_nanos()));
    assert_eq!((report.token_source, report.tpot_undefined), (TokenSource::Usage, 0));
}

#[test]
fn tpot_of_a_short_answer_is_left_out_and_counted_and_never_zero() {
    let mut r = recorder(&["p50 tpot < 100ms"], 0, 3);
    request(&mut r, 0, 0, &[50], Outcome::Ok);
    request(&mut r, 1, 0, &[50, 90], Outcome::Ok);
    request(&mut r, 2, 0, &[], Outcome::HttpError);
    let report = finish(r, 100);
    assert_eq!((report.tpot_undefined, report.latency[&Series::Tpot].n()), (1, 1));
    assert_eq!(report.latency[&Series::Tpot].mean(), Some(ms(40)));
    assert_eq!(tallies(&report), [(1, 2)]);
}

#[test]
fn a_protocol_without_tokens_has_none() {
    let expected =
        Expected { requests: 2, request_limit: u64::MAX, has_tokens: false, has_pauses: false };
    let mut r = Recorder::new(plan(&["tokens_per_s > 1/s"], 0, 2), expected);
    request(&mut r, 0, 0, &[50, 60], Outcome::Ok);
    request(&mut r, 1, 100, &[150, 160], Outcome::Ok);
    let report = finish(r, 200);
    assert_eq!((report.token_source, report.tpot_undefined), (TokenSource::None, 0));
    assert_eq!(report.latency[&Series::Tpot].n(), 0);
    assert_eq!(evidence(&report), [Evidence::Undecided]);
}

#[test]
fn tokens_come_from_usage_else_from_chunks_and_the_report_says_which() {
    for (usages, source, tokens) in [
        ([Some(7), Some(7)], TokenSource::Usage, 7.0),
        ([Some(7), None], TokenSource::Mixed, 7.0),
        ([None, None], TokenSource::Chunks, 2.0),
    ] {
        let mut r = recorder(&[], 0, 2);
        for (session, usage) in usages.into_iter().enumerate() {
            let (session, at) = (session as u64, session as u64 * 1_000);
            r.intended(id(session), ms(at));
            r.chunk(id(session), ms(at + 10), true);
            r.chunk(id(session), ms(at + 20), true);
            let usage =
                usage.map(|completion_tokens| Usage { prompt_tokens: 1, completion_tokens });
            r.end(id(session), ms(at + 30), Ending { usage, ..Ending::of(Outcome::Ok) });
        }
        let report = finish(r, 2_000);
        assert_eq!(report.token_source, source);
        // The period is one second long and only the first answer ended in it.
        assert!((report.rates.tokens - tokens).abs() < 1e-9, "{source:?}: {:?}", report.rates);
    }
}

#[test]
fn what_failed_is_infinite_in_every_quantile() {
    for (failures, p99, p90) in
        [(1, Evidence::Met, Evidence::Met), (2, Evidence::Violated, Evidence::Met)]
    {
        let slos = ["p99 ttfc < 200ms", "p90 e2e < 200ms", "max ttfc < 1s"];
        let mut r = recorder(&slos, 0, 100);
        for session in 0..100 {
            let ok = session >= failures;
            let outcome = if ok { Outcome::Ok } else { Outcome::Truncated };
            request(&mut r, session, session, &[session + 100], outcome);
        }
        let report = finish(r, 300);
        assert_eq!(evidence(&report), [p99, p90, Evidence::Violated], "{failures} failures");
        assert_eq!(report.slos[0].observed.is_none(), failures == 2);
        assert_eq!(report.slos[2].observed, None);
        assert_eq!(tallies(&report)[0], (failures, 100));
    }
}

#[test]
fn fast_refusals_do_not_improve_the_median() {
    for (shed, observed) in [(40, Some(400)), (60, None)] {
        let mut r = recorder(&["p50 ttfc < 200ms", "shed_rate < 1%"], 0, 100);
        for session in 0..100 {
            if session < shed {
                request(&mut r, session, 0, &[], Outcome::Shed);
            } else {
                request(&mut r, session, 0, &[400], Outcome::Ok);
            }
        }
        let report = finish(r, 500);
        assert_eq!(evidence(&report), [Evidence::Violated; 2]);
        let p50 = report.slos[0].observed.map(|s| (s * 1e3).round());
        assert_eq!(p50, observed.map(f64::from));
        assert_eq!(report.latency[&Series::Ttfc].n(), 100 - shed);
    }
}

#[test]
fn only_the_measured_sessions_count_and_the_others_still_load_the_target() {
    let mut r = recorder(&["error_rate < 50%"], 2, 3);
    for session in 0..8 {
        let outcome = if (2..5).contains(&session) { Outcome::Ok } else { Outcome::Reset };
        assert_eq!(r.is_decided(), session >= 5);
        request(&mut r, session, session * 100, &[session * 100 + 50], outcome);
    }
    let report = finish(r, 800);
    assert_eq!((report.counts.intended, report.counts.of(Outcome::Ok)), (3, 3));
    assert_eq!((report.counts.not_ok(), report.requests), (0, 8));
    assert_eq!(report.latency[&Series::SendLag].n(), 3);
    assert_eq!((evidence(&report), report.evidence), (vec![Evidence::Met], Evidence::Met));
    let window = &report.windows[0];
    assert_eq!((window.intended, window.ok, window.not_ok), (8, 3, 5));
}

#[test]
fn a_target_that_never_answers_is_seen_while_it_does_not_answer() {
    let mut r = recorder(&["p50 ttfc < 1s", "p50 e2e < 10s", "error_rate < 1%"], 1, 2);
    for session in 0..3 {
        r.intended(id(session), ms(100));
    }
    let mut timeline = Timeline::default();
    // (close at, decided, late, not good of ttfc)
    for (at, decided, late, not_good) in [(1_000, 0, 0, 0), (2_000, 3, 3, 2), (3_000, 0, 0, 2)] {
        let window = r.close_window(ms(at));
        assert_eq!((window.decided, window.late, window.in_flight), (decided, late, 3), "{at}");
        assert_eq!(window.tallies[0], Tally { not_good, n: not_good }, "{at}");
        assert_eq!(window.tallies[1], Tally::default());
        assert_eq!((window.measured_ended, window.end), (0, ms(at)));
        timeline.push(window);
    }
    let report = r.into_report(ms(4_000), Ended::Overload, Readings::default(), timeline);
    assert_eq!(report.counts.of(Outcome::Unfinished), 2);
    // Of what was open only the times that were over their limit count: the rest is not known.
    assert_eq!(tallies(&report), [(2, 2), (0, 0), (0, 0)]);
    let decided: u64 = report.windows.iter().map(|window| window.decided).sum();
    assert_eq!((decided, report.windows.len()), (3, 4));
}

#[test]
fn an_answer_that_came_late_or_goes_on_too_long_is_late_before_it_ends() {
    let mut r = recorder(&["p50 ttfb < 1s", "p50 e2e < 3s", "p50 tbc < 500ms"], 0, 1);
    r.intended(id(0), ms(0));
    r.first_byte(id(0), ms(1_500));
    r.chunk(id(0), ms(1_900), true);
    let seen: Vec<Vec<u64>> = [2_000, 3_000, 4_000]
        .map(|at| r.close_window(ms(at)).tallies.iter().map(|tally| tally.not_good).collect())
        .to_vec();
    assert_eq!(seen, [[1, 0, 0], [1, 0, 1], [1, 1, 1]]);
    r.chunk(id(0), ms(4_500), true);
    r.end(id(0), ms(4_500), Ending::of(Outcome::Ok));
    assert_eq!(tallies(&finish(r, 5_000)), [(1, 1); 3]);
}

#[test]
fn the_windows_add_up_to_the_whole() {
    let mut timeline = Timeline::default();
    let mut r = recorder(&["p50 ttfc < 40ms"], 10, 80);
    for session in 0..100 {
        let late = if session % 7 == 0 { 60 } else { 20 };
        let outcome = if session % 9 == 0 { Outcome::Shed } else { Outcome::Ok };
        request(&mut r, session, session * 30, &[session * 30 + late], outcome);
        if session % 33 == 32 {
            timeline.push(r.close_window(ms(session * 30 + 29)));
        }
    }
    r.intended(id(100), ms(3_000));
    let report = finish_after(r, 3_010, timeline);
    let sum = |of: fn(&crate::trial::Window) -> u64| report.windows.iter().map(of).sum::<u64>();
    assert_eq!((sum(|w| w.intended), report.requests), (101, 101));
    assert_eq!((sum(|w| w.ok), sum(|w| w.not_ok), sum(|w| w.decided)), (88, 12, 100));
    let last = report.windows.last().unwrap();
    assert_eq!((last.in_flight, last.measured_ended), (1, 80));
    assert_eq!(last.tallies[0], report.slos[0].tally);
    let numbers: Vec<u32> = report.windows.iter().map(|w| w.index).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
}

#[test]
fn rates_are_over_the_measured_period_and_a_backlog_that_drains_later_is_not_achieved() {
    let slos = ["p50 ttfc < 150ms", "throughput > 4/s", "goodput > 4/s"];
    // Ten requests in 0 .. 1.8 s; the target takes one each 400 ms, one after another.
    let mut r = recorder(&slos, 0, 10);
    (0..10).for_each(|session| r.intended(id(session), ms(session * 200)));
    for session in 0..10 {
        let at = ms(session * 400 + 100);
        r.chunk(id(session), at, true);
        r.end(id(session), at, Ending::of(Outcome::Ok));
    }
    let report = finish(r, 4_000);
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    assert!(near(report.rates.offered, 10.0 / 1.8), "{:?}", report.rates);
    assert!(near(report.rates.achieved, 5.0 / 1.8), "{:?}", report.rates);
    assert!(near(report.rates.good, 1.0 / 1.8), "{:?}", report.rates);
    assert_eq!(evidence(&report), [Evidence::Violated; 3]);
}

#[test]
fn a_rate_without_a_period_decides_nothing() {
    let mut r = recorder(&["throughput > 4/s"], 0, 1);
    request(&mut r, 0, 100, &[150], Outcome::Ok);
    let report = finish(r, 200);
    assert_eq!((evidence(&report), report.slos[0].observed), (vec![Evidence::Undecided], None));
}

#[test]
fn conditions_on_gaps_are_decided_also_as_a_mean_and_a_maximum() {
    let slos = ["mean tbc < 50ms", "max tbc < 50ms", "p50 tbc < 50ms", "max tbc < 100ms"];
    let mut r = recorder(&slos, 0, 2);
    request(&mut r, 0, 0, &[100, 110, 120, 190], Outcome::Ok);
    request(&mut r, 1, 10, &[100], Outcome::Ok);
    let report = finish(r, 300);
    let (met, violated) = (Evidence::Met, Evidence::Violated);
    assert_eq!(evidence(&report), [met, violated, met, met]);
    assert!((report.slos[0].observed.unwrap() - 0.030).abs() < 1e-9);
    assert_eq!(tallies(&report)[2], (1, 3));
}

#[test]
fn a_mean_over_requests_that_never_ended_is_not_met() {
    let slos = ["mean ttfc < 500ms", "mean e2e < 500ms", "max ttfc < 500ms", "min ttfc < 500ms"];
    let mut r = recorder(&slos, 0, 4);
    (0..2).for_each(|session| request(&mut r, session, 0, &[100], Outcome::Ok));
    (2..4).for_each(|session| request(&mut r, session, 0, &[], Outcome::TimeoutTotal));
    let report = finish(r, 300);
    let (met, violated) = (Evidence::Met, Evidence::Violated);
    assert_eq!(evidence(&report), [violated, violated, violated, met]);
    assert_eq!(report.slos[0].observed, None);
}

#[test]
fn a_gap_still_open_when_a_request_fails_is_not_good() {
    let mut r = recorder(&["p50 tbc < 50ms"], 0, 2);
    for (session, end) in [(0, 140), (1, 160)] {
        r.intended(id(session), ms(0));
        r.chunk(id(session), ms(100), true);
        r.end(id(session), ms(end), Ending::of(Outcome::Reset));
    }
    assert_eq!(tallies(&finish(r, 200)), [(1, 1)]);
}

#[test]
fn what_is_cut_short_counts_and_is_no_proof_of_a_violation_while_it_was_still_good() {
    let slos = ["p50 ttfc < 1s", "error_rate < 10%"];
    for (waited, ended, expected, ttfc) in [
        (500, Ended::Stopped, Evidence::Undecided, (4, 7)),
        (1_500, Ended::Stopped, Evidence::Violated, (4, 7)),
        (500, Ended::Overload, Evidence::Violated, (0, 3)),
        (1_500, Ended::Overload, Evidence::Violated, (4, 7)),
    ] {
        let mut r = recorder(&slos, 0, 10);
        (0..3).for_each(|session| request(&mut r, session, 0, &[100], Outcome::Ok));
        (3..7).for_each(|session| r.intended(id(session), ms(2_000)));
        let report =
            r.into_report(ms(2_000 + waited), ended, Readings::default(), Timeline::default());
        assert_eq!(report.evidence, expected, "{waited} {ended:?}");
        assert_eq!((tallies(&report)[0], report.counts.of(Outcome::Unfinished)), (ttfc, 4));
    }
    // Nor is a request that was stopped a failed one; it is no good one either.
    let mut r = recorder(&["error_rate < 10%"], 0, 10);
    r.intended(id(0), ms(0));
    (1..10).for_each(|session| request(&mut r, session, 0, &[100], Outcome::Ok));
    let report = r.into_report(ms(500), Ended::Stopped, Readings::default(), Timeline::default());
    assert_eq!((report.evidence, tallies(&report)[0]), (Evidence::Undecided, (1, 10)));
}

#[test]
fn the_time_to_connect_is_latency_and_not_the_generators_lag() {
    let mut r = recorder(&[], 0, 1);
    r.intended(id(0), ms(0));
    r.connected(id(0), ms(40));
    r.written(id(0), ms(42));
    r.chunk(id(0), ms(100), true);
    r.end(id(0), ms(100), Ending::of(Outcome::Ok));
    let report = finish(r, 200);
    for (series, length) in [(Series::SendLag, 2), (Series::Ttfc, 100), (Series::TtfcSent, 58)] {
        let seen = report.latency[&series].max().unwrap();
        assert!(seen.abs_diff(ms(length)) < ms(1), "{series:?}: {seen:?}");
    }
}

#[test]
fn what_is_never_sent_counts_against_the_target_and_not_towards_the_budget() {
    let mut r = recorder(&["p50 ttfc < 1s"], 0, 3);
    request(&mut r, 0, 0, &[100], Outcome::Ok);
    r.lost(RequestId { session: 0, turn: 1 }, ms(100));
    r.not_sent(id(1), ms(50), ms(120), Outcome::Unsent);
    assert!(r.is_decided());
    let report = finish(r, 200);
    assert_eq!((report.requests, report.counts.intended, report.counts.written), (1, 3, 1));
    assert_eq!(report.counts.of(Outcome::Unsent), 2);
    assert_eq!(tallies(&report), [(2, 3)]);
}

/// A closed loop of two slots over one second, of which one is idle for the first `idle` ms.
fn two_slots(idle: u64, outcome: Outcome, has_pauses: bool) -> TrialReport {
    let concurrency = NonZeroU32::new(2).unwrap();
    let plan = TrialPlan { load: Load::Closed { concurrency }, ..plan(&[], 1, 4) };
    let mut r = Recorder::new(
        plan,
        Expected { requests: 4, request_limit: u64::MAX, has_tokens: true, has_pauses },
    );
    let send = |r: &mut Recorder, session, at| {
        r.intended(id(session), ms(at));
        r.written(id(session), ms(at));
    };
    send(&mut r, 0, 0);
    send(&mut r, 1, 0); // measured from here
    r.end(id(0), ms(0), Ending::of(outcome));
    send(&mut r, 2, idle);
    r.end(id(1), ms(600), Ending::of(Outcome::Ok));
    send(&mut r, 3, 600);
    r.end(id(2), ms(1_000), Ending::of(Outcome::Ok));
    send(&mut r, 4, 1_000);
    r.end(id(3), ms(1_500), Ending::of(Outcome::Ok));
    r.end(id(4), ms(9_000), Ending::of(Outcome::Ok));
    finish(r, 9_000)
}

#[test]
fn closed_loop_knows_how_many_were_in_flight_while_measured_sessions_arrived() {
    let mean = |report: &TrialReport| report.health.readings.in_flight_mean;
    let full = two_slots(0, Outcome::Ok, false);
    assert!((mean(&full).unwrap() - 2.0).abs() < 1e-9);
    assert!(full.is_valid(), "{:?}", full.health);
    let half = two_slots(500, Outcome::Ok, false);
    assert!((mean(&half).unwrap() - 1.5).abs() < 1e-9);
    assert!(matches!(half.health.invalid[..], [InvalidReason::InFlight { .. }]));
    // A client that was turned away pauses, also one whose session is not measured.
    assert_eq!(mean(&two_slots(500, Outcome::Shed, false)), None);
    assert_eq!(mean(&two_slots(0, Outcome::Ok, true)), None);
}

#[test]
fn a_request_that_is_due_twice_is_a_defect_that_shows() {
    let mut r = recorder(&[], 0, 1);
    r.intended(id(0), ms(0));
    request(&mut r, 0, 0, &[10], Outcome::Ok);
    let report = finish(r, 20);
    let expected = InvalidReason::Accounting { intended: 2, ended: 1 };
    assert!(report.health.invalid.contains(&expected), "{:?}", report.health);
}

#[test]
fn what_comes_after_the_end_changes_nothing() {
    let mut r = recorder(&["p50 ttfc < 1s"], 0, 1);
    request(&mut r, 0, 0, &[10], Outcome::TimeoutTotal);
    r.written(id(0), ms(20));
    r.first_byte(id(0), ms(20));
    r.chunk(id(0), ms(20), true);
    r.end(id(0), ms(20), Ending::of(Outcome::Ok));
    let report = finish(r, 30);
    assert_eq!((report.counts.ended(), report.counts.of(Outcome::Ok)), (1, 0));
    assert_eq!(tallies(&report), [(1, 1)]);
}

#[test]
fn only_what_the_target_did_not_keep_from_being_sent_is_held_back() {
    let none: fn(&mut Recorder) = |_| {};
    let a_part: fn(&mut Recorder) = |r| r.begun(id(0));
    let all: fn(&mut Recorder) = |r| r.written(id(0), ms(1));
    for (outcome, went_out, held_back) in [
        (Outcome::TimeoutFirst, none, 1),
        (Outcome::TimeoutFirst, a_part, 0),
        (Outcome::TimeoutFirst, all, 0),
        (Outcome::Connect, none, 0),
        (Outcome::TimeoutConnect, none, 0),
        (Outcome::Unsent, none, 0),
        (Outcome::Resource, none, 1),
    ] {
        let mut r = recorder(&[], 0, 1);
        r.intended(id(0), ms(0));
        went_out(&mut r);
        r.end(id(0), ms(50), Ending::of(outcome));
        assert_eq!(finish(r, 100).counts.held_back, held_back, "{outcome:?}");
    }
}
