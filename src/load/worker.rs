//! One worker: sends what is due, records what happens, closes a window each second. Everything here
//! belongs to one thread (`Rc`, no locks); what leaves it are windows and, at the end, the report.

#[cfg(test)]
mod tests;

use super::cap::Cap;
use super::error::LoadError;
use super::exchange::{Exchanged, Observer};
use super::pacer::{Clock, Pacer, Ticks};
use super::play::{Due, Play, pause};
use super::probe::{CpuMeter, Descriptors};
use crate::target::protocol::Asked;
use crate::trial::{
    Ended, Expected, Outcome, Readings, Recorder, RequestId, StopReason, TrialPlan, TrialReport,
    Window,
};
use crate::units::share;
use crate::workload::{HistoryMode, Salt, SessionLaw};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Length of a window.
const WINDOW: Duration = Duration::from_secs(1);
/// Time between the clock's start being set and the start itself.
const LEAD: Duration = Duration::from_millis(20);
/// Requests released before the answers get their turn.
const RELEASED_AT_ONCE: usize = 16;

/// Makes one request and reads its answer: the seam below which the wire begins.
pub(super) trait Exchange {
    /// Whether output chunks stand for tokens.
    fn has_tokens(&self) -> bool;
    /// Opens connections before the start; returns how many are open.
    fn prewarm(&self, connections: usize) -> impl Future<Output = usize>;
    /// Makes one request; its time limits count from `intended`.
    fn exchange(
        &self,
        request: &Asked<'_>,
        intended: Instant,
        observer: &dyn Observer,
    ) -> impl Future<Output = Exchanged>;
}

/// What a worker is asked to do.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) plan: TrialPlan,
    pub(super) law: SessionLaw,
    pub(super) salt: Salt,
    /// Limit of a whole request.
    pub(super) timeout: Duration,
    /// Most requests in flight that our own resources allow.
    pub(super) by_resources: Option<usize>,
    /// Our limit on descriptors.
    pub(super) descriptors_limit: Option<u64>,
}

/// A worker's way to the outside.
#[derive(Debug)]
pub(super) struct Link {
    /// Windows as they close. Never waited for: one that does not fit is not looked at while the
    /// trial runs, and is in the report all the same.
    pub(super) windows: mpsc::Sender<Window>,
    /// Word from outside to end the trial.
    pub(super) stops: mpsc::Receiver<StopReason>,
    /// The whole run ends.
    pub(super) cancel: CancellationToken,
    /// Sampled outside, once a second.
    pub(super) descriptors: Arc<Descriptors>,
}

/// Plays a trial to its end. Must be polled inside a `LocalSet`.
///
/// # Errors
/// [`LoadError::Interrupted`] when it was cancelled, [`LoadError::Panicked`] when a request's task
/// panicked.
pub(super) async fn work<E: Exchange + 'static>(
    client: Rc<E>,
    job: Job,
    mut link: Link,
) -> Result<TrialReport, LoadError> {
    let mut worker = Worker::new(client, job);
    tokio::select! {
        biased;
        () = link.cancel.cancelled() => return Err(LoadError::Interrupted),
        opened = worker.client.prewarm(worker.cap.warm_connections(worker.job.plan.load)) => {
            tracing::trace!(opened, "connections opened before the start");
        }
    }
    worker.clock = Clock::starting_in(LEAD);
    let cpu = CpuMeter::start();
    let ended = worker.run(&mut link).await?;
    let at = worker.clock.now();
    link.descriptors.sample();
    let readings = Readings {
        cpu_cores: cpu.cores(),
        workers: 1,
        descriptors: link.descriptors.most(),
        descriptors_limit: worker.job.descriptors_limit,
        scarce: worker.cap.scarce,
        ..Readings::default()
    };
    worker.finish(at, ended, readings).await
}

struct Worker<E> {
    client: Rc<E>,
    job: Job,
    cap: Cap,
    clock: Clock,
    play: Play,
    recorder: Rc<RefCell<Recorder>>,
    requests: JoinSet<Done>,
    sent: u64,
    /// Answers of the sessions that have a turn to come and whose turns inherit them.
    answers: HashMap<u64, Vec<String>>,
    failures: BTreeMap<Outcome, String>,
}

/// A request that has ended and is recorded.
struct Done {
    id: RequestId,
    at: Duration,
    /// Whether its session has a turn after it.
    has_next: bool,
    answers: Vec<String>,
    exchanged: Exchanged,
}

impl<E: Exchange + 'static> Worker<E> {
    fn new(client: Rc<E>, job: Job) -> Self {
        let requests = Play::extent(&job.law, &job.plan).requests;
        let has_pauses = job.law.has_pauses();
        let expected = Expected { requests, has_tokens: client.has_tokens(), has_pauses };
        let per_session = share(requests, job.plan.count);
        Self {
            cap: Cap::new(&job.plan, per_session, job.timeout, job.by_resources),
            clock: Clock::starting_in(LEAD),
            play: Play::new(&job.law, &job.plan),
            recorder: Rc::new(RefCell::new(Recorder::new(job.plan.clone(), expected))),
            requests: JoinSet::new(),
            sent: 0,
            answers: HashMap::new(),
            failures: BTreeMap::new(),
            client,
            job,
        }
    }

    /// The loop: what has ended, windows, the ways to end, what is due, and then waiting.
    async fn run(&mut self, link: &mut Link) -> Result<Ended, LoadError> {
        let time_limit = self.job.plan.time_limit;
        let mut pacer = Pacer::new(self.clock);
        let mut ticks = Ticks::new(WINDOW);
        // Before the start all times are zero: nothing may be sent yet.
        tokio::select! {
            biased;
            () = link.cancel.cancelled() => return Err(LoadError::Interrupted),
            () = pacer.wait_until(Duration::ZERO) => {}
        }
        loop {
            while let Some(done) = self.requests.try_join_next() {
                self.settle(done)?;
            }
            let now = self.clock.now();
            if ticks.passed(now) {
                let window = self.recorder.borrow_mut().close_window(now);
                let _full_or_gone = link.windows.try_send(window);
            }
            if self.recorder.borrow().is_decided() {
                return Ok(Ended::Complete);
            }
            if now >= time_limit || self.is_over_its_requests(now) {
                return Ok(Ended::Stopped);
            }
            if self.release(now) {
                // More is due: let the answers be read in between.
                tokio::task::yield_now().await;
                if link.cancel.is_cancelled() {
                    return Err(LoadError::Interrupted);
                }
                if let Ok(reason) = link.stops.try_recv() {
                    return Ok(reason.into());
                }
                continue;
            }
            let next = ticks.next().min(time_limit);
            let next = self.play.next_due().map_or(next, |due| due.min(next));
            tokio::select! {
                biased;
                () = link.cancel.cancelled() => return Err(LoadError::Interrupted),
                Some(reason) = link.stops.recv() => return Ok(reason.into()),
                Some(done) = self.requests.join_next() => self.settle(done)?,
                () = pacer.wait_until(next) => {}
            }
        }
    }

    /// Whether a request is due that may not be sent any more.
    fn is_over_its_requests(&self, now: Duration) -> bool {
        self.recorder.borrow().is_spent() && self.play.next_due().is_some_and(|due| due <= now)
    }

    /// Sends what is due at `now`, up to a number; whether more may be due.
    fn release(&mut self, now: Duration) -> bool {
        for _ in 0..RELEASED_AT_ONCE {
            if self.recorder.borrow().is_spent() {
                return false;
            }
            let Some(due) = self.play.pop(now) else { return false };
            self.start(due, now);
        }
        true
    }

    fn start(&mut self, due: Due, now: Duration) {
        let id = due.id;
        let mut recorder = self.recorder.borrow_mut();
        if recorder.in_flight() >= self.cap.requests {
            recorder.not_sent(id, due.intended, now, self.cap.outcome);
            drop(recorder);
            let cap = self.cap;
            self.note_failure(id, cap.outcome, || Some(cap.detail()));
            self.after(id, now, false, pause(cap.outcome, None));
            return;
        }
        recorder.intended(id, due.intended);
        drop(recorder);
        let request = Request {
            answers: self.answers.remove(&id.session).unwrap_or_default(),
            number: self.sent,
            salt: self.job.salt,
            history: self.job.law.history,
            clock: self.clock,
            due,
        };
        self.sent += 1;
        let (client, recorder) = (Rc::clone(&self.client), Rc::clone(&self.recorder));
        self.requests.spawn_local(request.send(client, recorder));
    }

    /// Schedules what follows a request that has ended.
    fn settle(&mut self, done: Result<Done, JoinError>) -> Result<(), LoadError> {
        let mut done = done.map_err(LoadError::from_task)?;
        let Exchanged { ending, answer, retry_after, detail } = done.exchanged;
        let ok = ending.outcome == Outcome::Ok;
        if ok && done.has_next && self.job.law.history == HistoryMode::Inherit {
            done.answers.push(answer);
            self.answers.insert(done.id.session, done.answers);
        }
        if !ok {
            self.note_failure(done.id, ending.outcome, || detail);
        }
        self.after(done.id, done.at, ok, pause(ending.outcome, retry_after));
        Ok(())
    }

    fn after(&mut self, id: RequestId, at: Duration, ok: bool, pause: Duration) {
        let lost = self.play.ended(id, at, ok, pause);
        let mut recorder = self.recorder.borrow_mut();
        for id in lost {
            recorder.lost(id, at);
        }
    }

    /// Keeps the first example of each class among the measured requests.
    fn note_failure(
        &mut self,
        id: RequestId,
        outcome: Outcome,
        detail: impl FnOnce() -> Option<String>,
    ) {
        let plan = &self.job.plan;
        let is_measured = (plan.cut..plan.cut + plan.count).contains(&id.session);
        if is_measured
            && !self.failures.contains_key(&outcome)
            && let Some(detail) = detail()
        {
            self.failures.insert(outcome, detail);
        }
    }

    /// Drops what is in flight and hands over the report.
    async fn finish(
        mut self,
        at: Duration,
        ended: Ended,
        readings: Readings,
    ) -> Result<TrialReport, LoadError> {
        self.requests.abort_all();
        while let Some(done) = self.requests.join_next().await {
            if let Err(error) = done
                && error.is_panic()
            {
                return Err(LoadError::from_task(error));
            }
        }
        let recorder = Rc::into_inner(self.recorder).ok_or(LoadError::StillRunning)?;
        let mut report = recorder.into_inner().finish(at, ended, readings);
        report.failures = self.failures;
        Ok(report)
    }
}

/// One request on its way.
struct Request {
    due: Due,
    number: u64,
    salt: Salt,
    history: HistoryMode,
    answers: Vec<String>,
    clock: Clock,
}

impl Request {
    async fn send<E: Exchange>(self, client: Rc<E>, recorder: Rc<RefCell<Recorder>>) -> Done {
        let Due { id, intended, session } = self.due;
        let turn = usize::try_from(id.turn).unwrap_or(usize::MAX);
        let asked = Asked {
            session: &session,
            turn,
            request: self.number,
            salt: self.salt,
            history: self.history,
            answers: &self.answers,
        };
        let tap = Tap { id, clock: self.clock, recorder: &recorder };
        let exchanged = client.exchange(&asked, self.clock.at(intended), &tap).await;
        let at = self.clock.now();
        recorder.borrow_mut().end(id, at, exchanged.ending);
        let has_next = turn + 1 < session.turns.len();
        Done { id, at, has_next, answers: self.answers, exchanged }
    }
}

/// Hands what is observed of one request to the recorder. Nothing else runs while it is borrowed.
struct Tap<'a> {
    id: RequestId,
    clock: Clock,
    recorder: &'a RefCell<Recorder>,
}

impl Observer for Tap<'_> {
    fn connected(&self, took: Duration) {
        self.recorder.borrow_mut().connected(self.id, took);
    }

    fn written(&self, at: Instant) {
        self.recorder.borrow_mut().written(self.id, self.clock.since_start(at));
    }

    fn first_byte(&self, at: Instant) {
        self.recorder.borrow_mut().first_byte(self.id, self.clock.since_start(at));
    }

    fn chunk(&self, at: Instant, answer: bool) {
        self.recorder.borrow_mut().chunk(self.id, self.clock.since_start(at), answer);
    }
}
