//! The end of a trial, in virtual time: what is in flight is cancelled, and how fast.

use crate::load::control::Audience;
use crate::load::engine::connect;
use crate::load::fake::{Act, Fake, closed, job, known, ms, report_of, run_here, team};
use crate::load::link::Word;
use crate::load::share::Share;
use crate::load::timer::Timer;
use crate::load::worker::{Job, work};
use crate::trial::{Ended, Outcome, Patient, TrialReport, Window};
use futures_util::future::join_all;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Fifty sessions in flight, ten of them not measured, for a second.
fn fifty() -> Job {
    let mut job = job(closed(50), 1, 1_000, &[]);
    job.plan.time_limit = Duration::from_secs(1);
    job
}

/// All that was in flight counts as unfinished, at the age that it had when the trial ended.
#[track_caller]
fn assert_all_unfinished(report: &TrialReport) {
    let by_class: u64 = Outcome::ALL.iter().map(|&outcome| report.counts.of(outcome)).sum();
    let unfinished = report.counts.of(Outcome::Unfinished);
    assert_eq!((report.counts.intended, unfinished, by_class), (40, 40, 40));
    assert_eq!(report.windows.last().unwrap().in_flight, 10);
    assert_eq!(report.ended, Ended::Stopped);
    assert!(report.elapsed < ms(1_005), "{:?}", report.elapsed);
}

/// At most ten leave within `pause`; how long it took.
#[track_caller]
fn assert_paced(left: &[Instant], pause: Duration) -> Duration {
    for (number, pair) in left.iter().zip(left.iter().skip(10)).enumerate() {
        assert!(*pair.1 - *pair.0 >= pause, "{number}: {:?}", *pair.1 - *pair.0);
    }
    left[left.len() - 1] - left[0]
}

#[tokio::test(start_paused = true)]
async fn what_is_in_flight_at_the_end_is_cancelled_at_a_thousand_a_second() {
    let fake = Fake::new(|_| Act::Silence);
    let report = report_of(fifty(), &fake).await;
    assert_all_unfinished(&report);
    let left = fake.left.borrow();
    let took = assert_paced(&left, ms(10));
    assert!(left.len() == 50 && took <= ms(45), "{} in {took:?}", left.len());
}

#[tokio::test(start_paused = true)]
async fn a_trial_does_not_end_later_for_having_more_in_flight() {
    let fake = Fake::new(|_| Act::Silence);
    let mut job = job(closed(5_000), 1, 10_000, &[]);
    job.plan.time_limit = Duration::from_secs(1);
    report_of(job, &fake).await;
    let left = fake.left.borrow();
    let took = left[left.len() - 1] - left[0];
    assert!(left.len() == 5_000 && took > ms(1_900) && took <= ms(2_500), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_meanwhile_cancels_the_rest_at_once_and_keeps_the_trial() {
    let fake = Fake::new(|_| Act::Silence);
    let stop = CancellationToken::new();
    let interrupt = async {
        while fake.left.borrow().is_empty() {
            sleep(ms(1)).await;
        }
        assert_eq!(fake.left.borrow().len(), 10);
        stop.cancel();
    };
    let mut calm = Patient;
    let ((report, _), ()) = tokio::join!(run_here(fifty(), &fake, &mut calm, &stop), interrupt);
    assert_all_unfinished(&report.unwrap());
    let left = fake.left.borrow();
    assert!(left.len() == 50 && left[49] - left[0] <= ms(3), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn what_ends_by_itself_meanwhile_is_not_counted_and_not_waited_for() {
    // The third ten would be cancelled 20 ms after the first.
    let fake = Fake::new(|_| Act::Answer(1_015));
    let report = report_of(fifty(), &fake).await;
    assert_all_unfinished(&report);
    let left = fake.left.borrow();
    assert!(left.len() == 50 && left[49] - left[0] < ms(19), "{left:?}");
    assert_eq!((left[9] - left[0], left[49] - left[20]), (ms(0), ms(0)));
}

#[tokio::test(start_paused = true)]
async fn several_workers_together_are_no_faster() {
    let job = fifty();
    let (links, seat) = connect(team(&job, 2), &CancellationToken::new());
    let words = links[0].words.clone();
    let fakes = [0, 1].map(|_| Fake::new(|_| Act::Silence));
    let all = links.into_iter().zip(Share::each(2)).zip(&fakes).map(|((link, share), fake)| {
        let (job, words) = (Job { share, ..job.clone() }, words.clone());
        async move {
            let index = link.index;
            let part = Box::pin(work(Rc::clone(fake), Timer::paused(), job, link)).await;
            words.send((index, Word::Done(Box::new(part)))).unwrap();
        }
    });
    let mut nobody = |_: &Window| {};
    let mut audience = Audience { watch: &mut Patient, windows: &mut nobody, rows: None };
    let both = async { tokio::join!(join_all(all), seat.supervise(&mut audience)) };
    let (_, played) = LocalSet::new().run_until(both).await;
    assert_all_unfinished(&played.unwrap().unwrap().report(&job, known()).unwrap());
    let mut left: Vec<Instant> = fakes.iter().flat_map(|fake| fake.left.take()).collect();
    left.sort();
    // Each of them waits by a timer of whole milliseconds.
    let took = assert_paced(&left, ms(8));
    assert!(left.len() == 50 && took >= ms(38), "{} in {took:?}", left.len());
}
