//! One worker: sends what is due, records what happens, closes a window each second. Everything here
//! belongs to one thread (`Rc`, no locks); what leaves it are words, windows and, at the end, its part
//! of the totals.

#[cfg(test)]
mod tests;

use super::cap::Cap;
use super::clock::Clock;
use super::error::LoadError;
use super::link::{Delta, Link, Part, Word};
use super::pacer::{Pacer, Ticks};
use super::play::{Due, Play, pause};
use super::probe::{CpuMeter, ThreadMeter};
use super::runners::{Done, Request, Runners};
use super::share::Share;
use super::timer::Timer;
use super::wire::{Exchanged, Observer};
use crate::target::protocol::Asked;
use crate::trial::{Ended, Expected, Finished, Outcome, Recorder, RequestId, TrialPlan};
use crate::workload::{HistoryMode, Salt, SessionLaw};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Length of a window.
const WINDOW: Duration = Duration::from_secs(1);
/// Time between two looks at whether the event loop comes to its turn.
const LOOK: Duration = Duration::from_millis(10);
/// Requests released before the answers get their turn.
const RELEASED_AT_ONCE: usize = 16;

/// Makes one request and reads its answer: the seam below which the wire begins.
pub(super) trait Exchange {
    /// Whether output chunks stand for tokens.
    fn has_tokens(&self) -> bool;
    /// Steps of the system's clock that were seen while answers were read.
    fn clock_steps(&self) -> u64;
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
    /// Which of the trial's sessions are its own.
    pub(super) share: Share,
    /// Most requests in flight, of all workers.
    pub(super) cap: Cap,
    /// Whether somebody wants a row for each request.
    pub(super) is_traced: bool,
}

impl Job {
    /// Requests in the measured sessions of this share.
    fn requests(&self) -> u64 {
        let measured = self.plan.measured();
        self.share
            .sessions(&self.law, &self.plan)
            .take_while(|session| session.index < measured.end)
            .filter(|session| measured.contains(&session.index))
            .map(|session| session.turns.len() as u64)
            .sum()
    }
}

/// Plays a worker's share of a trial to its end. Must be polled inside a `LocalSet`.
///
/// # Errors
/// [`LoadError::Interrupted`] when it was cancelled, [`LoadError::Panicked`] when a request's task
/// panicked, [`LoadError::Start`] when the system's timer fails.
pub(super) async fn work<E: Exchange + 'static>(
    client: Rc<E>,
    timer: Timer,
    job: Job,
    mut link: Link,
) -> Result<Part, LoadError> {
    let warm = job.share.part(job.cap.warm_connections(job.plan.load) as u64);
    tokio::select! {
        biased;
        () = link.cancel.cancelled() => return Err(LoadError::Interrupted),
        opened = client.prewarm(usize::try_from(warm).unwrap_or(usize::MAX)) => {
            tracing::trace!(opened, "connections opened before the start");
        }
    }
    let worker = Worker::new(client, job);
    link.say(Word::Ready);
    let clock = link.start().await?;
    worker.play(Pacer::new(clock, timer), clock, link).await
}

struct Worker<E> {
    client: Rc<E>,
    job: Job,
    /// Most requests of its own in flight.
    in_flight_max: u64,
    play: Play,
    expected: Expected,
    recorder: Rc<RefCell<Recorder>>,
    runners: Runners<E>,
    sent: u64,
    /// Answers of the sessions that have a turn to come and whose turns inherit them.
    answers: HashMap<u64, Vec<String>>,
    failures: BTreeMap<Outcome, String>,
}

impl<E: Exchange + 'static> Worker<E> {
    fn new(client: Rc<E>, job: Job) -> Self {
        let expected = Expected {
            requests: job.requests(),
            request_limit: job.share.part(job.plan.request_limit),
            has_tokens: client.has_tokens(),
            has_pauses: job.law.has_pauses(),
        };
        let recorder = Recorder::new(job.plan.clone(), expected);
        let recorder = if job.is_traced { recorder.traced() } else { recorder };
        let recorder = Rc::new(RefCell::new(recorder));
        Self {
            in_flight_max: job.share.part(job.cap.requests as u64),
            play: Play::new(&job.law, &job.plan, job.share),
            runners: Runners::new(Rc::clone(&client), Rc::clone(&recorder)),
            recorder,
            expected,
            sent: 0,
            answers: HashMap::new(),
            failures: BTreeMap::new(),
            client,
            job,
        }
    }

    async fn play(
        mut self,
        mut pacer: Pacer,
        clock: Clock,
        mut link: Link,
    ) -> Result<Part, LoadError> {
        // Before the start all times are zero: nothing may be sent yet.
        tokio::select! {
            biased;
            () = link.cancel.cancelled() => return Err(LoadError::Interrupted),
            started = pacer.wait_until(Duration::from_nanos(1)) => started.map_err(LoadError::Start)?,
        }
        let (cpu, mut strain) = (CpuMeter::start(), ThreadMeter::start());
        let ended = self.run(&mut pacer, &mut strain, clock, &mut link).await?;
        self.finish(clock.now(), ended, cpu.cores(), &link.cancel).await
    }

    /// The loop: what has ended, windows, the ways to end, what is due, and then waiting.
    async fn run(
        &mut self,
        pacer: &mut Pacer,
        strain: &mut ThreadMeter,
        clock: Clock,
        link: &mut Link,
    ) -> Result<Ended, LoadError> {
        let time_limit = self.job.plan.time_limit;
        let (mut windows, mut looks) = (Ticks::new(WINDOW), Ticks::new(LOOK));
        let (mut has_said_decided, mut is_busy) = (false, false);
        loop {
            while let Some(done) = self.runners.take_done() {
                self.settle(done);
            }
            let now = clock.now();
            while let Some(due) = looks.passed(now) {
                self.recorder.borrow_mut().looped(now.saturating_sub(due));
            }
            while let Some(end) = windows.passed(now) {
                self.runners.check()?;
                link.say(Word::Window(Box::new(self.close_window(end, strain))));
            }
            if !has_said_decided && self.recorder.borrow().is_decided() {
                if self.job.share.is_whole() {
                    return Ok(Ended::Complete);
                }
                // The load goes on until the others are.
                has_said_decided = true;
                link.say(Word::Decided);
            }
            if now >= time_limit || self.is_over_its_requests(now) {
                return Ok(Ended::Stopped);
            }
            let before = self.sent;
            is_busy = (is_busy || pacer.may_send(now)) && self.release(clock, now);
            if self.sent > before {
                pacer.sent(now);
            }
            let next = windows.next().min(looks.next()).min(time_limit);
            let next = self.play.next_due().map_or(next, |due| due.min(next));
            tokio::select! {
                biased;
                ended = link.over() => return ended,
                // More is due: let the answers be read in between.
                () = tokio::task::yield_now(), if is_busy => {}
                () = self.runners.some_done() => {}
                waited = pacer.wait_until(next), if !is_busy => waited.map_err(LoadError::Start)?,
            }
        }
    }

    fn close_window(&mut self, end: Duration, strain: &mut ThreadMeter) -> Delta {
        let mut recorder = self.recorder.borrow_mut();
        let mut window = recorder.close_window(end);
        window.strain = strain.lap(window.strain.loop_lag_max);
        Delta { window, rows: recorder.take_rows() }
    }

    /// Whether a request is due that may not be sent any more.
    fn is_over_its_requests(&self, now: Duration) -> bool {
        self.recorder.borrow().is_spent() && self.play.next_due().is_some_and(|due| due <= now)
    }

    /// Sends what is due at `now`, up to a number; whether more may be due.
    fn release(&mut self, clock: Clock, now: Duration) -> bool {
        for _ in 0..RELEASED_AT_ONCE {
            if self.recorder.borrow().is_spent() {
                return false;
            }
            let Some(due) = self.play.pop(now) else { return false };
            self.start(due, clock, now);
        }
        true
    }

    fn start(&mut self, due: Due, clock: Clock, now: Duration) {
        let id = due.id;
        let mut recorder = self.recorder.borrow_mut();
        if recorder.in_flight() as u64 >= self.in_flight_max {
            let cap = self.job.cap;
            recorder.not_sent(id, due.intended, now, cap.outcome);
            drop(recorder);
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
            setting: self.job.plan.setting.clone(),
            clock,
            due,
        };
        self.sent += 1;
        self.runners.send(request);
    }

    /// Schedules what follows a request that has ended.
    fn settle(&mut self, mut done: Done) {
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
        if self.job.plan.measured().contains(&id.session)
            && !self.failures.contains_key(&outcome)
            && let Some(detail) = detail()
        {
            self.failures.insert(outcome, detail);
        }
    }

    /// Cancels what is in flight and hands over what was counted before. A run that ends meanwhile
    /// takes nothing back: it only hastens the cancelling.
    async fn finish(
        mut self,
        at: Duration,
        ended: Ended,
        cpu_cores: Option<f64>,
        cancel: &CancellationToken,
    ) -> Result<Part, LoadError> {
        while let Some(Done { id, exchanged, .. }) = self.runners.take_done() {
            // It ended by itself, just before.
            self.note_failure(id, exchanged.ending.outcome, || exchanged.detail);
        }
        let clock_steps = self.client.clock_steps();
        self.runners.close(self.job.share, cancel).await?;
        let recorder = Rc::into_inner(self.recorder).ok_or(LoadError::StillRunning)?;
        let mut recorder = recorder.into_inner();
        recorder.clock_stepped(clock_steps);
        let Finished { window, rows, totals } = recorder.finish(at, ended);
        let last = Delta { window, rows };
        let expected = self.expected;
        Ok(Part { ended, expected, last, totals, failures: self.failures, cpu_cores })
    }
}
