//! A scripted target for the tests of the engine: no socket, any outcome, any length of time.

use super::cap::{self, Cap};
use super::control::{Audience, Known};
use super::engine::{Team, connect};
use super::error::LoadError;
use super::link::Word;
use super::play::Play;
use super::share::Share;
use super::timer::Timer;
use super::wire::{Arrival, Exchanged, Observer};
use super::worker::{Exchange, Job, work};
use crate::slo::Slo;
use crate::target::protocol::Asked;
use crate::trial::{
    Ending, Flow, GeneratorWatch, Load, Outcome, Patient, RequestId, StopReason, TrialPlan,
    TrialReport, Watch, Window,
};
use crate::units::{KnobValue, Rate, share};
use crate::workload::{Arrivals, HistoryMode, Length, Salt, SessionLaw, ThinkTime};
use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

pub(super) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What the target does with a request.
#[derive(Clone, Copy)]
pub(super) enum Act {
    /// Three chunks, the last after this many milliseconds.
    Answer(u64),
    /// An end without output after this many milliseconds.
    Fail(Outcome, u64),
    /// A 503 at once that asks to wait this many milliseconds.
    Shed(Option<u64>),
    /// Nothing, ever.
    Silence,
    /// A defect of ours.
    Panic,
}

/// A request that came.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) id: RequestId,
    pub(super) number: u64,
    pub(super) intended: Instant,
    pub(super) answers: Vec<String>,
}

pub(super) struct Fake {
    script: Box<dyn Fn(RequestId) -> Act>,
    pub(super) seen: RefCell<Vec<Seen>>,
    pub(super) warmed: Cell<usize>,
    pub(super) in_flight: Cell<usize>,
    pub(super) most_in_flight: Cell<usize>,
    /// When each request ended or was dropped.
    pub(super) left: RefCell<Vec<Instant>>,
}

impl Fake {
    pub(super) fn new(script: impl Fn(RequestId) -> Act + 'static) -> Rc<Self> {
        Rc::new(Self {
            script: Box::new(script),
            seen: RefCell::default(),
            warmed: Cell::new(0),
            in_flight: Cell::new(0),
            most_in_flight: Cell::new(0),
            left: RefCell::default(),
        })
    }
}

/// Counts a request as in flight until it has ended or was dropped.
struct Held<'a>(&'a Fake);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.in_flight.set(self.0.in_flight.get() - 1);
        self.0.left.borrow_mut().push(Instant::now());
    }
}

impl Exchange for Fake {
    fn has_tokens(&self) -> bool {
        true
    }

    fn clock_steps(&self) -> u64 {
        0
    }

    async fn prewarm(&self, connections: usize) -> usize {
        self.warmed.set(connections);
        connections
    }

    async fn exchange(&self, asked: &Asked<'_>, at: Instant, observer: &dyn Observer) -> Exchanged {
        let id = RequestId {
            session: asked.session.index,
            turn: u32::try_from(asked.turn).unwrap_or(u32::MAX),
        };
        self.in_flight.set(self.in_flight.get() + 1);
        let _held = Held(self);
        self.most_in_flight.set(self.most_in_flight.get().max(self.in_flight.get()));
        self.seen.borrow_mut().push(Seen {
            id,
            number: asked.request,
            intended: at,
            answers: asked.answers.to_vec(),
        });
        observer.written(Instant::now());
        let ended = |outcome, answer, retry_after| Exchanged {
            ending: Ending::of(outcome),
            answer,
            retry_after,
            detail: (outcome != Outcome::Ok).then(|| format!("session {}", id.session)),
        };
        match (self.script)(id) {
            Act::Answer(length) => {
                for part in 0..3 {
                    sleep(ms(length / 3 + if part == 2 { length % 3 } else { 0 })).await;
                    let arrival = Arrival::unstamped(Instant::now());
                    observer.first_byte(arrival);
                    observer.chunk(arrival, true);
                }
                ended(Outcome::Ok, format!("{}.{}", id.session, id.turn), None)
            }
            Act::Fail(outcome, after) => {
                sleep(ms(after)).await;
                ended(outcome, String::new(), None)
            }
            Act::Shed(retry_after) => ended(Outcome::Shed, String::new(), retry_after.map(ms)),
            Act::Silence => std::future::pending().await,
            Act::Panic => panic!("a defect in request {}", asked.request),
        }
    }
}

pub(super) fn open(per_s: f64) -> Load {
    Load::Open { rate: Rate::per_second(per_s).unwrap(), arrivals: Arrivals::Poisson }
}

pub(super) fn closed(concurrency: u32) -> Load {
    Load::Closed { concurrency: NonZeroU32::new(concurrency).unwrap() }
}

/// A trial of `count` sessions of `turns` turns after a cut of 10, without pauses.
pub(super) fn job(load: Load, turns: u32, count: u64, slos: &[&str]) -> Job {
    let job = Job {
        plan: TrialPlan {
            index: 0,
            check: "c".into(),
            purpose: crate::trial::Purpose::Play,
            side: crate::trial::Side::Only,
            knob: "k".into(),
            value: KnobValue::new(load.value()).unwrap(),
            load,
            setting: None,
            seed: 4,
            cut: 10,
            count,
            slos: slos.iter().map(|text| Slo::parse(text).unwrap()).collect(),
            time_limit: Duration::from_secs(60),
            request_limit: u64::MAX,
        },
        law: SessionLaw {
            turns: Length::Fixed(turns),
            prompt_tokens: Length::Fixed(5),
            output_tokens: Length::Fixed(3),
            think_time: ThinkTime::Fixed(Duration::ZERO),
            history: HistoryMode::Inherit,
        },
        salt: Salt::new(4, 1, "c", 0),
        share: Share::WHOLE,
        cap: Cap { requests: 0, outcome: Outcome::Unsent, scarce: None },
        is_traced: false,
    };
    capped(job, Duration::from_secs(30), cap::by_descriptors(Some(100_000)))
}

/// A machine with many descriptors, never calibrated.
pub(super) fn known() -> Known {
    Known { descriptors_limit: Some(100_000), can_offer_per_s: None }
}

/// So many workers for this job.
pub(super) fn team(job: &Job, workers: u32) -> Team {
    let requests = Play::extent(&job.law, &job.plan).requests;
    let generator = GeneratorWatch::new(requests, Some(100_000));
    Team { workers, cpus: Vec::new(), generator, target_pids: Vec::new() }
}

/// The same with the cap that follows from this limit of a request and our own resources.
pub(super) fn capped(job: Job, timeout: Duration, by_resources: Option<usize>) -> Job {
    let requests = Play::extent(&job.law, &job.plan).requests;
    let per_session = share(requests, job.plan.count);
    Job { cap: Cap::new(&job.plan, per_session, timeout, by_resources), ..job }
}

/// Ends a trial once almost all that was decided in a window was late.
pub(super) struct AllLate;

impl Watch for AllLate {
    fn observe(&mut self, window: &Window) -> Flow {
        if window.decided > 0 && window.late * 10 > window.decided * 9 {
            Flow::Stop(StopReason::Overload)
        } else {
            Flow::Continue
        }
    }
}

/// Runs a job on the test's own runtime; also gives the windows that were shown while it ran.
pub(super) async fn run_here(
    job: Job,
    fake: &Rc<Fake>,
    watch: &mut dyn Watch,
    stop: &CancellationToken,
) -> (Result<TrialReport, LoadError>, Vec<Window>) {
    let (mut links, seat) = connect(team(&job, 1), &stop.child_token());
    let (link, asked) = (links.pop().unwrap(), job.clone());
    let words = link.words.clone();
    let mut shown = Vec::new();
    let mut windows = |window: &Window| shown.push(window.clone());
    let mut audience = Audience { watch, windows: &mut windows, rows: None };
    let worker = async {
        let part = Box::pin(work(Rc::clone(fake), Timer::paused(), job, link)).await;
        words.send((0, Word::Done(Box::new(part)))).unwrap();
    };
    let both = async { tokio::join!(worker, seat.supervise(&mut audience)) };
    let ((), played) = LocalSet::new().run_until(both).await;
    (played.unwrap().map(|played| played.report(&asked, known()).unwrap()), shown)
}

/// The report of a job that nobody disturbs.
pub(super) async fn report_of(job: Job, fake: &Rc<Fake>) -> TrialReport {
    run_here(job, fake, &mut Patient, &CancellationToken::new()).await.0.unwrap()
}
