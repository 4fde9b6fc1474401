//! Workers on threads of their own: what comes back from them, and that nothing is lost.

use super::{LiveTrial, connect, run_on_threads, run_trial};
use crate::config::plan::{
    Api, ConnectionMode, HttpRequest, HttpVersion, StatusClasses, TargetPlan, TargetSource,
    Timeouts,
};
use crate::load::control::Audience;
use crate::load::error::{ClientError, LoadError};
use crate::load::fake::{Act, Fake, closed, job, known, ms, open, team};
use crate::load::feasible::Refusal;
use crate::load::link::Word;
use crate::load::probe::port_range;
use crate::load::share::Share;
use crate::load::timer::Timer;
use crate::load::wire::Learnt;
use crate::load::wire::{Exchanged, Observer};
use crate::load::worker::{Exchange, Job, work};
use crate::target::protocol::Asked;
use crate::trial::{Ended, Outcome, Patient, RequestId, TrialReport, Window};
use crate::workload::ThinkTime;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use tokio::task::LocalSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// A fake that says when it is dropped.
struct Told(Rc<Fake>, std::sync::mpsc::Sender<()>);

impl Drop for Told {
    fn drop(&mut self) {
        let _nobody_asks = self.1.send(());
    }
}

impl Exchange for Told {
    fn has_tokens(&self) -> bool {
        self.0.has_tokens()
    }

    fn clock_steps(&self) -> u64 {
        self.0.clock_steps()
    }

    async fn prewarm(&self, connections: usize) -> usize {
        self.0.prewarm(connections).await
    }

    async fn exchange(&self, asked: &Asked<'_>, at: Instant, observer: &dyn Observer) -> Exchanged {
        self.0.exchange(asked, at, observer).await
    }
}

/// Opens a fake on each worker's thread; the receiver hears when one is gone.
fn scripted(
    script: impl Fn(RequestId) -> Act + Copy + Send + 'static,
) -> (impl Fn() -> Result<Told, ClientError> + Clone + Send + 'static, Receiver<()>) {
    let (gone, ended) = std::sync::mpsc::channel();
    (move || Ok(Told(Fake::new(script), gone.clone())), ended)
}

const LONG: Duration = Duration::from_secs(30);

async fn run(
    job: &Job,
    workers: u32,
    open: impl Fn() -> Result<Told, ClientError> + Clone + Send + 'static,
    stop: &CancellationToken,
    windows: &mut dyn FnMut(&Window),
) -> Result<TrialReport, LoadError> {
    let mut audience = Audience { watch: &mut Patient, windows, rows: None };
    let played = run_on_threads(job, team(job, workers), open, &mut audience, stop).await?;
    Ok(played.report(job, known()).unwrap())
}

#[tokio::test]
async fn a_trial_on_its_own_thread_gives_its_report_and_the_readings_of_that_thread() {
    let (open_fake, ended) = scripted(|_| Act::Answer(3));
    let job = job(closed(4), 1, 40, &["p90 e2e < 10s"]);
    let report = run(&job, 1, open_fake, &CancellationToken::new(), &mut |_| {}).await.unwrap();
    assert_eq!((report.ended, report.counts.of(Outcome::Ok)), (Ended::Complete, 40));
    let readings = report.health.readings;
    assert!(readings.cpu_cores.unwrap() > 0.0 && readings.workers == 1, "{readings:?}");
    assert_eq!(readings.descriptors_limit, Some(100_000));
    if cfg!(target_os = "linux") {
        assert!(readings.descriptors.unwrap() > 2);
    }
    ended.recv_timeout(LONG).unwrap();
}

#[tokio::test]
async fn several_workers_play_one_trial_and_lose_nothing() {
    for load in [open(400.0), closed(7)] {
        let (open_fake, ended) = scripted(|id| match id.session % 5 {
            0 => Act::Shed(Some(1)),
            1 => Act::Fail(Outcome::Truncated, 2),
            _ => Act::Answer(6),
        });
        let job = job(load, 2, 500, &["p50 ttfc < 10s"]);
        let mut shown = 0;
        let mut count = |window: &Window| shown = window.index + 1;
        let stop = CancellationToken::new();
        let report = run(&job, 3, open_fake, &stop, &mut count).await.unwrap();
        assert_eq!((report.ended, report.counts.intended), (Ended::Complete, 1_000), "{load:?}");
        // Sessions 10 to 509: a fifth of them is shed and a fifth truncated at their first turn.
        for (outcome, count) in [
            (Outcome::Ok, 600),
            (Outcome::Shed, 100),
            (Outcome::Truncated, 100),
            (Outcome::Unsent, 200),
        ] {
            assert_eq!(report.counts.of(outcome), count, "{outcome:?} in {load:?}");
        }
        assert_eq!(report.health.readings.workers, 3);
        let last = report.windows.last().unwrap();
        assert_eq!((last.measured_ended, last.tallies[0]), (1_000, report.slos[0].tally));
        assert!(shown <= last.index + 1);
        (0..3).for_each(|_| ended.recv_timeout(LONG).unwrap());
    }
}

#[tokio::test]
async fn a_panic_of_one_of_the_threads_is_an_error_and_ends_the_others() {
    let (fake, ended) = scripted(|_| Act::Silence);
    let thread = || std::thread::current().name().map(str::to_owned);
    let open_fake = move || {
        assert!(thread().as_deref() != Some("load-1"), "no {}", "luck");
        fake()
    };
    let job = job(closed(2), 1, 1, &[]);
    let report = run(&job, 2, open_fake, &CancellationToken::new(), &mut |_| {}).await;
    let Err(LoadError::Panicked { what }) = report else { panic!("{report:?}") };
    assert_eq!(what, "no luck");
    // The other may have been told to go before it had opened anything.
    assert_ne!(ended.recv_timeout(LONG), Err(RecvTimeoutError::Timeout));
}

#[tokio::test]
async fn an_interruption_reaches_the_thread_also_while_the_client_is_being_made() {
    let stop = CancellationToken::new();
    let stopper = stop.clone();
    let (fake, _ended) = scripted(|_| Act::Silence);
    let open_fake = move || {
        stopper.cancel();
        fake()
    };
    let job = job(closed(1), 1, 1, &[]);
    let report = timeout(LONG, run(&job, 2, open_fake, &stop, &mut |_| {})).await.unwrap();
    assert!(matches!(report, Err(LoadError::Interrupted)), "{report:?}");
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_the_workers_with_it() {
    let (open_fake, ended) = scripted(|_| Act::Silence);
    let stop = CancellationToken::new();
    let job = job(open(20.0), 1, 100_000, &[]);
    let (seen, mut first_window) = tokio::sync::mpsc::channel(100);
    let mut progress = |_: &Window| {
        let _full = seen.try_send(());
    };
    tokio::select! {
        report = run(&job, 2, open_fake, &stop, &mut progress) => panic!("{report:?}"),
        window = first_window.recv() => assert_eq!(window, Some(())),
    }
    (0..2).for_each(|_| ended.recv_timeout(LONG).unwrap());
    assert!(!stop.is_cancelled());
}

/// In virtual time, so that what differs can only be the workers.
#[tokio::test(start_paused = true)]
async fn several_workers_give_the_counts_and_the_histograms_of_one() {
    let act = |id: RequestId| match id.session % 11 {
        0 => Act::Shed(None),
        n => Act::Answer(20 + 7 * n),
    };
    let mut job =
        job(open(80.0), 2, 400, &["p90 ttfc < 30ms", "p50 tbc < 25ms", "error_rate < 99%"]);
    job.law.think_time = ThinkTime::Exponential(ms(300));
    let mut reports = Vec::new();
    for workers in [1, 2, 5] {
        let (links, seat) = connect(team(&job, workers), &CancellationToken::new());
        let words = links[0].words.clone();
        let all = links.into_iter().zip(Share::each(workers)).map(|(link, share)| {
            let (job, words) = (Job { share, ..job.clone() }, words.clone());
            async move {
                let index = link.index;
                let part = Box::pin(work(Fake::new(act), Timer::paused(), job, link)).await;
                words.send((index, Word::Done(Box::new(part)))).unwrap();
            }
        });
        let mut nobody = |_: &Window| {};
        let mut audience = Audience { watch: &mut Patient, windows: &mut nobody, rows: None };
        let both = async { tokio::join!(join_all(all), seat.supervise(&mut audience)) };
        let (_, played) = LocalSet::new().run_until(both).await;
        reports.push(played.unwrap().unwrap().report(&job, known()).unwrap());
    }
    let [one, rest @ ..] = &reports[..] else { panic!("no report") };
    for many in rest {
        assert_eq!(many.counts, one.counts);
        for (slo, alone) in many.slos.iter().zip(&one.slos) {
            assert_eq!((slo.tally, slo.evidence), (alone.tally, alone.evidence));
        }
        for (series, distribution) in &many.latency {
            let alone = &one.latency[series];
            assert!(distribution.cells().eq(alone.cells()), "{series:?}");
            assert_eq!(distribution.sum_ns(), alone.sum_ns(), "{series:?}");
        }
        assert_eq!(
            (many.tpot_undefined, many.token_source),
            (one.tpot_undefined, one.token_source)
        );
    }
}

/// A target at which every request is a connection of its own.
fn fresh(http: HttpVersion) -> TargetPlan {
    TargetPlan {
        source: TargetSource::Url(String::new()),
        api: Api::Http(HttpRequest {
            method: "GET".into(),
            path: "/".into(),
            body: None,
            item: None,
            items_per_request: 1,
        }),
        headers: Vec::new(),
        timeouts: Timeouts { connect: LONG, first_chunk: LONG, between_chunks: LONG, total: LONG },
        status: StatusClasses { ok: BTreeSet::new(), shed: BTreeSet::new() },
        ca: Vec::new(),
        http,
        connection: ConnectionMode::New,
        labels: BTreeMap::new(),
    }
}

#[tokio::test]
async fn a_load_is_refused_for_ports_only_where_it_needs_more_than_there_are() {
    let Some(ports) = port_range() else { return };
    // Half more connections than the ports towards one address allow: each rests for a minute.
    let job = job(open(1.5 * crate::units::as_f64(ports) / 60.0), 1, 5, &[]);
    let (one, two) = (HttpVersion::One, HttpVersion::Two { connections: 1.try_into().unwrap() });
    // Nobody listens on port 1, nor there.
    let (here, there, unix) = ("http://127.0.0.1:1", "http://127.0.0.2:1", "unix:/nowhere/socket");
    for (http, base_urls, is_refused) in [
        (one, &[here][..], true),
        (one, &["http://127.0.0.1:1/a", "http://127.0.0.1:1/b"], true),
        (one, &[here, unix], true),
        (one, &[here, there], false),
        (one, &[unix], false),
        (two, &[here], false),
    ] {
        let base_urls: Vec<String> = base_urls.iter().map(|&url| url.into()).collect();
        let trial = LiveTrial {
            plan: &job.plan,
            law: &job.law,
            salt: job.salt,
            target: &fresh(http),
            base_urls: &base_urls,
            in_flight_max: None,
            cpus: &[],
            workers: Some(1),
            target_pids: &[],
            calibration: None,
            learnt: &Learnt::default(),
        };
        let mut audience = Audience { watch: &mut Patient, windows: &mut |_| {}, rows: None };
        let report = run_trial(&trial, &mut audience, &CancellationToken::new()).await;
        match report {
            Err(LoadError::Refused { refusal: Refusal::Ports { .. } }) => {
                assert!(is_refused, "{base_urls:?}");
            }
            Ok(report) => {
                assert!(!is_refused && report.counts.of(Outcome::Connect) == 5, "{report:?}");
            }
            other => panic!("{base_urls:?}: {other:?}"),
        }
    }
}
