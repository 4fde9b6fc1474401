//! In virtual time, against a scripted target.

use crate::load::error::LoadError;
use crate::load::fake::{
    Act, AllLate, Fake, Seen, capped, closed, job, ms, open, report_of, run_here,
};
use crate::trial::{
    Ended, Evidence, InvalidReason, Outcome, Patient, RequestId, Scarce, Series, TrialReport,
    Window,
};
use crate::workload::{Arrivals, HistoryMode, Sequence, ThinkTime};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Something of everything.
fn mixed(id: RequestId) -> Act {
    match (id.session + u64::from(id.turn)) % 7 {
        0 => Act::Shed(Some(200)),
        1 => Act::Fail(Outcome::Reset, 40),
        2 => Act::Fail(Outcome::Truncated, 5),
        _ => Act::Answer(90),
    }
}

fn assert_adds_up(report: &TrialReport, requests: u64) {
    let by_class: u64 = Outcome::ALL.iter().map(|&outcome| report.counts.of(outcome)).sum();
    assert_eq!((report.counts.intended, by_class), (requests, requests), "{:?}", report.counts);
    let sum = |of: fn(&Window) -> u64| report.windows.iter().map(of).sum::<u64>();
    let last = report.windows.last().unwrap();
    assert_eq!(sum(|w| w.intended), sum(|w| w.ok) + sum(|w| w.not_ok) + last.in_flight);
    assert_eq!(last.measured_ended, requests);
}

#[tokio::test(start_paused = true)]
async fn every_request_is_accounted_for_in_open_and_in_closed_loop() {
    for load in [open(50.0), closed(6)] {
        let fake = Fake::new(mixed);
        let report = report_of(job(load, 3, 100, &["p50 ttfc < 1s"]), &fake).await;
        assert_eq!(report.ended, Ended::Complete);
        assert_adds_up(&report, 300);
        let sent = fake.seen.borrow();
        assert_eq!(report.requests, sent.len() as u64);
        let measured = sent.iter().filter(|seen| (10..110).contains(&seen.id.session)).count();
        assert_eq!(report.counts.written, measured as u64);
        assert_eq!(report.counts.of(Outcome::Unsent), 300 - measured as u64);
        for outcome in [Outcome::Ok, Outcome::Shed, Outcome::Reset, Outcome::Truncated] {
            assert!(report.counts.of(outcome) > 0, "{outcome:?} in {load:?}");
        }
        assert!(sent.iter().map(|seen| seen.number).eq(0..report.requests));
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_example_of_each_failure_is_kept() {
    let fake = Fake::new(mixed);
    let report = report_of(job(open(50.0), 1, 60, &[]), &fake).await;
    let kept: Vec<(Outcome, &str)> =
        report.failures.iter().map(|(outcome, text)| (*outcome, text.as_str())).collect();
    // Sessions 0 to 9 are not measured.
    let expected = [
        (Outcome::Shed, "session 14"),
        (Outcome::Truncated, "session 16"),
        (Outcome::Reset, "session 15"),
    ];
    assert_eq!(kept, expected);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_never_answers_is_stopped_by_the_watch_or_the_time_limit() {
    let slos = ["p99 ttfc < 500ms", "error_rate < 1%"];
    for load in [open(20.0), closed(30)] {
        let mut job = job(load, 1, 100, &slos);
        job.plan.time_limit = Duration::from_secs(20);
        let stop = CancellationToken::new();
        let silent = || Fake::new(|_| Act::Silence);
        let (watched, shown) = run_here(job.clone(), &silent(), &mut AllLate, &stop).await;
        let watched = watched.unwrap();
        assert_eq!(watched.ended, Ended::Overload, "{load:?}");
        assert!(watched.elapsed < ms(2_500), "{:?}", watched.elapsed);
        assert!(shown.len() <= 2, "{shown:?}");

        let fake = silent();
        let report = report_of(job, &fake).await;
        assert_eq!(report.ended, Ended::Stopped);
        assert!(report.elapsed >= Duration::from_secs(20));
        for report in [&watched, &report] {
            let unfinished = report.counts.of(Outcome::Unfinished);
            assert!(unfinished > 0);
            assert_eq!((report.counts.intended, report.counts.ended()), (unfinished, unfinished));
            let late = report.slos[0].tally;
            assert!(late.not_good > 0 && late.not_good == late.n && late.n <= unfinished);
            assert_eq!((report.slos[0].observed, report.evidence), (None, Evidence::Violated));
        }
        assert_eq!(fake.in_flight.get(), 0, "requests in flight are dropped");
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_is_sent_than_the_budget_allows() {
    for load in [open(20.0), closed(3)] {
        let mut job = job(load, 1, 100, &["error_rate < 1%"]);
        job.plan.request_limit = 40;
        let fake = Fake::new(|_| Act::Answer(30));
        let report = report_of(job, &fake).await;
        // In closed loop the last may be due in the instant in which the trial ends.
        let sent = fake.seen.borrow().len();
        assert!(report.requests == 40 && (39..=40).contains(&sent), "{load:?}: {sent} sent");
        assert_eq!((report.ended, report.evidence), (Ended::Stopped, Evidence::Undecided));
    }
}

#[tokio::test(start_paused = true)]
async fn later_turns_carry_the_answers_of_the_earlier_ones() {
    for (history, third_turn) in
        [(HistoryMode::Inherit, vec!["12.0", "12.1"]), (HistoryMode::None, vec![])]
    {
        let fake = Fake::new(|_| Act::Answer(30));
        let mut job = job(open(20.0), 3, 20, &[]);
        job.law.history = history;
        job.law.think_time = ThinkTime::Fixed(ms(700));
        let report = report_of(job, &fake).await;
        assert_eq!(report.counts.of(Outcome::Ok), 60);
        let seen = fake.seen.borrow();
        let of = |turn| {
            seen.iter().find(|seen| seen.id == RequestId { session: 12, turn }).unwrap().clone()
        };
        assert_eq!(
            (of(2).answers, of(0).answers),
            (third_turn.iter().map(|t| (*t).into()).collect(), vec![])
        );
        // Due when the answer had ended, plus the time to think.
        let (first, second): (Seen, Seen) = (of(0), of(1));
        let pause = second.intended - first.intended;
        assert!(pause >= ms(730) && pause <= ms(735), "{pause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn turns_after_a_failed_one_are_never_sent_and_count() {
    let fake =
        Fake::new(|id| if id.turn == 1 { Act::Fail(Outcome::Empty, 9) } else { Act::Answer(9) });
    let report = report_of(job(open(50.0), 4, 50, &["success >= 50%"]), &fake).await;
    let of = |outcome| report.counts.of(outcome);
    assert_eq!((of(Outcome::Ok), of(Outcome::Empty), of(Outcome::Unsent)), (50, 50, 100));
    assert_eq!((report.slos[0].tally.not_good, report.slos[0].tally.n), (150, 200));
    assert!(fake.seen.borrow().iter().all(|seen| seen.id.turn < 2));
    assert_eq!(report.requests, fake.seen.borrow().len() as u64);
}

#[tokio::test(start_paused = true)]
async fn a_closed_loop_client_that_was_turned_away_waits() {
    for (act, pause) in [
        (Act::Shed(Some(300)), 300),
        (Act::Shed(Some(60_000)), 1_000),
        (Act::Shed(None), 100),
        (Act::Fail(Outcome::HttpError, 0), 100),
        (Act::Answer(50), 50), // the answer takes that long, and nothing is added
    ] {
        let fake = Fake::new(move |_| act);
        let report = report_of(job(closed(1), 1, 5, &[]), &fake).await;
        assert_eq!(report.ended, Ended::Complete, "{pause}");
        let seen = fake.seen.borrow();
        for pair in seen.windows(2) {
            let gap = pair[1].intended - pair[0].intended;
            assert!(gap >= ms(pause) && gap <= ms(pause + 5), "{pause}: {gap:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn above_our_own_limit_nothing_is_queued_and_the_trial_is_invalid() {
    let fake = Fake::new(|_| Act::Answer(400));
    let mut job = job(open(100.0), 1, 200, &["p50 ttfc < 1s"]);
    job = capped(job, ms(30_000), Some(5));
    let report = report_of(job, &fake).await;
    // The first second tells that no other could make it valid.
    assert!(report.ended == Ended::Stopped && report.elapsed < ms(1_100), "{:?}", report.elapsed);
    assert_adds_up(&report, report.counts.intended);
    assert_eq!((fake.most_in_flight.get(), fake.warmed.get()), (5, 5));
    let refused = report.counts.of(Outcome::Resource);
    assert!(refused > 50 && report.counts.of(Outcome::Ok) >= 5, "{:?}", report.counts);
    let scarce = Some(Scarce::Fd);
    let is_told = |why: &InvalidReason| {
        (refused..2 * refused).any(|requests| *why == InvalidReason::Resource { requests, scarce })
    };
    assert!(report.health.invalid.iter().any(is_told), "{:?}", report.health.invalid);
    assert_eq!(
        report.failures[&Outcome::Resource],
        "our own limit of 5 connections was reached, for want of file descriptors"
    );
    // What is sent is sent when it is due: there is no queue to wait in.
    assert!(report.latency[&Series::SendLag].max() < Some(ms(3)));
}

#[tokio::test(start_paused = true)]
async fn above_what_the_load_can_need_the_target_is_to_blame() {
    let fake = Fake::new(|_| Act::Silence);
    let mut job = job(open(100.0), 1, 200, &["p50 ttfc < 100s"]);
    job = capped(job, ms(500), None); // 2 x 100/s x 0.5 s
    job.plan.time_limit = Duration::from_secs(5);
    let report = report_of(job, &fake).await;
    assert_eq!(fake.most_in_flight.get(), 100);
    assert!(report.counts.of(Outcome::Unsent) > 50, "{:?}", report.counts);
    assert_eq!(report.counts.of(Outcome::Resource), 0);
    assert!(
        !report.health.invalid.iter().any(|why| matches!(
            why,
            InvalidReason::Resource { .. } | InvalidReason::Offered { .. }
        )),
        "{:?}",
        report.health
    );
    assert_eq!(report.evidence, Evidence::Violated);
    assert_eq!(report.failures[&Outcome::Unsent], "100 requests were in flight already");
}

#[tokio::test(start_paused = true)]
async fn a_slow_target_moves_no_arrival_of_an_open_loop() {
    let rate = 40.0;
    let job = job(open(rate), 1, 80, &[]);
    let due: Vec<Duration> = Sequence::new(&job.law, Arrivals::Poisson, job.plan.seed)
        .take(90)
        .map(|session| Duration::from_secs_f64(session.offset / rate))
        .collect();
    for length in [1, 3_000] {
        let fake = Fake::new(move |_| Act::Answer(length));
        let report = report_of(job.clone(), &fake).await;
        let seen = fake.seen.borrow();
        let start: Instant = seen[0].intended - due[0];
        for (seen, due) in seen.iter().zip(&due) {
            assert_eq!(seen.intended - start, *due, "session {}", seen.id.session);
        }
        // Virtual time stands still while we work, so the whole lag is the width of the timer.
        assert!(report.latency[&Series::SendLag].max() < Some(ms(3)), "{length}");
        let ttfc = report.latency[&Series::Ttfc].mean().unwrap();
        assert!(ttfc >= ms(length / 3), "{ttfc:?}");
        assert!(seen.len() > 90 || length == 1, "the load goes on until the last one has ended");
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_loop_keeps_its_slots_full() {
    let fake = Fake::new(|id| Act::Answer(20 + id.session % 50));
    let report = report_of(job(closed(8), 2, 300, &[]), &fake).await;
    assert_eq!((fake.most_in_flight.get(), fake.warmed.get()), (8, 8));
    let mean = report.health.readings.in_flight_mean.unwrap();
    assert!((mean - 8.0).abs() < 0.05, "{mean}");
    assert_adds_up(&report, 600);
}

#[tokio::test(start_paused = true)]
async fn windows_close_at_whole_seconds_and_are_shown_as_they_close() {
    let fake = Fake::new(|_| Act::Answer(333));
    let stop = CancellationToken::new();
    let (report, shown) =
        run_here(job(open(30.0), 1, 150, &["p50 e2e < 1s"]), &fake, &mut Patient, &stop).await;
    let report = report.unwrap();
    assert!(shown.len() >= 4, "{}", shown.len());
    assert_eq!(report.windows[..shown.len()], shown[..]);
    assert_eq!(report.windows.len(), shown.len() + 1);
    for (number, window) in shown.iter().enumerate() {
        let whole = ms(1_000 * (number as u64 + 1));
        assert!(window.end >= whole && window.end <= whole + ms(2), "{:?}", window.end);
    }
    assert_eq!(report.windows.last().unwrap().tallies[0], report.slos[0].tally);
    assert_adds_up(&report, 150);
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_is_interrupted_gives_no_report() {
    let fake = Fake::new(|_| Act::Silence);
    let stop = CancellationToken::new();
    let job = job(open(20.0), 1, 100, &[]);
    let interrupt = async {
        tokio::time::sleep(ms(1_500)).await;
        stop.cancel();
    };
    let mut calm = Patient;
    let ((report, shown), ()) =
        tokio::join!(run_here(job.clone(), &fake, &mut calm, &stop), interrupt);
    assert!(matches!(report, Err(LoadError::Interrupted)), "{report:?}");
    assert_eq!((shown.len(), fake.in_flight.get()), (1, 0));
    let (report, _) = run_here(job, &fake, &mut Patient, &stop).await;
    assert!(matches!(report, Err(LoadError::Interrupted)), "also before its start");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_request_is_an_error_and_not_a_missing_request() {
    let fake = Fake::new(|id| if id.session == 30 { Act::Panic } else { Act::Answer(5) });
    let stop = CancellationToken::new();
    let (report, _) = run_here(job(open(50.0), 1, 100, &[]), &fake, &mut Patient, &stop).await;
    let Err(LoadError::Panicked { what }) = report else { panic!("{report:?}") };
    assert_eq!(what, "a defect in request 30");
}
