//! Requests in flight. Each is made by a runner: a task that makes one request after another, so that
//! a request allocates no task of its own.

#[cfg(test)]
mod tests;

use super::clock::Clock;
use super::error::LoadError;
use super::play::Due;
use super::share::Share;
use super::wire::{Arrival, Exchanged, Observer};
use super::worker::Exchange;
use crate::target::protocol::Asked;
use crate::trial::{Recorder, RequestId};
use crate::workload::{HistoryMode, Salt, Setting};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Fewest requests that are cancelled at once at the end of a trial …
const CANCELLED_AT_ONCE: usize = 10;
/// … and the time until the next as many, of all workers together: 1,000 a second. What a target has
/// to put away in one burst it puts away while the next trial is measured.
const CANCEL_PAUSE: Duration = Duration::from_millis(10);
/// Most pauses, two seconds: of more requests, more are cancelled at once.
const CANCEL_PAUSES_MAX: usize = 200;

/// One request on its way.
pub(super) struct Request {
    pub(super) due: Due,
    pub(super) number: u64,
    pub(super) salt: Salt,
    pub(super) history: HistoryMode,
    pub(super) setting: Option<Setting>,
    pub(super) answers: Vec<String>,
    pub(super) clock: Clock,
}

/// A request that has ended and is recorded.
pub(super) struct Done {
    pub(super) id: RequestId,
    pub(super) at: Duration,
    /// Whether its session has a turn after it.
    pub(super) has_next: bool,
    pub(super) answers: Vec<String>,
    pub(super) exchanged: Exchanged,
}

/// The runners of one worker. They run inside its `LocalSet`.
pub(super) struct Runners<E> {
    client: Rc<E>,
    recorder: Rc<RefCell<Recorder>>,
    yard: Rc<Yard>,
    tasks: JoinSet<()>,
    /// All of them, in the order in which they were opened.
    opened: Vec<(Rc<Runner>, AbortHandle)>,
}

/// What the runners and their worker share.
#[derive(Default)]
struct Yard {
    /// The one that was used last is used next.
    idle: RefCell<Vec<Rc<Runner>>>,
    done: RefCell<VecDeque<Done>>,
    worker: Cell<Option<Waker>>,
    /// Whether the trial is over: what happens then is nobody's.
    is_over: Cell<bool>,
}

#[derive(Default)]
struct Runner {
    is_busy: Cell<bool>,
    next: Cell<Option<Request>>,
    waker: Cell<Option<Waker>>,
}

impl<E: Exchange + 'static> Runners<E> {
    pub(super) fn new(client: Rc<E>, recorder: Rc<RefCell<Recorder>>) -> Self {
        let (yard, tasks) = (Rc::default(), JoinSet::new());
        Self { client, recorder, yard, tasks, opened: Vec::new() }
    }

    /// Sends a request.
    pub(super) fn send(&mut self, request: Request) {
        let idle = self.yard.idle.borrow_mut().pop();
        let runner = idle.unwrap_or_else(|| self.open());
        runner.is_busy.set(true);
        runner.next.set(Some(request));
        if let Some(waker) = runner.waker.take() {
            waker.wake();
        }
    }

    fn open(&mut self) -> Rc<Runner> {
        let runner = Rc::new(Runner::default());
        let (client, recorder) = (Rc::clone(&self.client), Rc::clone(&self.recorder));
        let (its, yard) = (Rc::clone(&runner), Rc::clone(&self.yard));
        let task = self.tasks.spawn_local(async move {
            loop {
                let request = its.request().await;
                let done = request.send(&*client, &recorder, &yard).await;
                yard.put(done, &its);
            }
        });
        self.opened.push((Rc::clone(&runner), task));
        runner
    }

    /// A request that has ended, if there is one.
    pub(super) fn take_done(&self) -> Option<Done> {
        self.yard.done.borrow_mut().pop_front()
    }

    /// Waits until there is one. Cancel-safe.
    pub(super) async fn some_done(&self) {
        poll_fn(|cx| {
            if self.yard.done.borrow().is_empty() {
                self.yard.worker.set(Some(cx.waker().clone()));
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }

    /// A runner ends only by a panic: a defect of ours.
    pub(super) fn check(&mut self) -> Result<(), LoadError> {
        self.tasks.try_join_next().map_or(Ok(()), |ended| ended.map_err(LoadError::from_task))
    }

    /// Cancels what is in flight, all workers together at most 1,000 requests a second unless that
    /// takes longer than two; all at once when the whole run ends. From now on nothing is recorded.
    pub(super) async fn close(
        mut self,
        share: Share,
        cancel: &CancellationToken,
    ) -> Result<(), LoadError> {
        self.yard.is_over.set(true);
        tokio::select! {
            biased;
            () = cancel.cancelled() => {}
            () = self.cancel_slowly(share) => {}
        }
        self.tasks.abort_all();
        let is_panic = |error: &JoinError| error.is_panic();
        while let Some(ended) = self.tasks.join_next().await {
            if let Some(error) = ended.err().filter(is_panic) {
                return Err(LoadError::from_task(error));
            }
        }
        Ok(())
    }
}

impl<E> Runners<E> {
    /// What ends by itself before its turn needs no cancelling.
    async fn cancel_slowly(&self, share: Share) {
        let is_busy = |(runner, _): &&(Rc<Runner>, AbortHandle)| runner.is_busy.get();
        let turns = (CANCEL_PAUSES_MAX / share.workers() as usize).max(1);
        let at_once = self.opened.iter().filter(is_busy).count().div_ceil(turns);
        let mut busy = self.opened.iter().filter(is_busy).peekable();
        // The workers take turns.
        let mut pause = CANCEL_PAUSE * share.index();
        while busy.peek().is_some() {
            sleep(pause).await;
            busy.by_ref().take(at_once.max(CANCELLED_AT_ONCE)).for_each(|(_, task)| task.abort());
            pause = CANCEL_PAUSE * share.workers();
        }
    }
}

impl Yard {
    fn put(&self, done: Done, runner: &Rc<Runner>) {
        runner.is_busy.set(false);
        self.done.borrow_mut().push_back(done);
        self.idle.borrow_mut().push(Rc::clone(runner));
        if let Some(waker) = self.worker.take() {
            waker.wake();
        }
    }
}

impl Runner {
    async fn request(&self) -> Request {
        poll_fn(|cx| match self.next.take() {
            Some(request) => Poll::Ready(request),
            None => {
                self.waker.set(Some(cx.waker().clone()));
                Poll::Pending
            }
        })
        .await
    }
}

impl Request {
    async fn send(self, client: &impl Exchange, recorder: &RefCell<Recorder>, yard: &Yard) -> Done {
        let Due { id, intended, session } = self.due;
        let turn = usize::try_from(id.turn).unwrap_or(usize::MAX);
        let asked = Asked {
            session: &session,
            turn,
            request: self.number,
            salt: self.salt,
            history: self.history,
            answers: &self.answers,
            setting: self.setting.as_ref(),
        };
        let tap = Tap { id, clock: self.clock, recorder, yard };
        let exchanged = client.exchange(&asked, self.clock.at(intended), &tap).await;
        let at = self.clock.now();
        tap.record(|recorder| recorder.end(id, at, exchanged.ending));
        let has_next = turn + 1 < session.turns.len();
        Done { id, at, has_next, answers: self.answers, exchanged }
    }
}

/// Hands what is observed of one request to the recorder. Nothing else runs while it is borrowed.
struct Tap<'a> {
    id: RequestId,
    clock: Clock,
    recorder: &'a RefCell<Recorder>,
    yard: &'a Yard,
}

impl Tap<'_> {
    fn record(&self, what: impl FnOnce(&mut Recorder)) {
        if !self.yard.is_over.get() {
            what(&mut self.recorder.borrow_mut());
        }
    }
}

impl Observer for Tap<'_> {
    fn connected(&self, took: Duration) {
        self.record(|recorder| recorder.connected(self.id, took));
    }

    fn begun(&self) {
        self.record(|recorder| recorder.begun(self.id));
    }

    fn written(&self, at: Instant) {
        self.record(|recorder| recorder.written(self.id, self.clock.since_start(at)));
    }

    fn first_byte(&self, arrival: Arrival) {
        self.record(|recorder| {
            recorder.first_byte(self.id, self.clock.since_start(arrival.at));
        });
    }

    fn chunk(&self, arrival: Arrival, answer: bool) {
        let at = self.clock.since_start(arrival.at);
        self.record(|recorder| recorder.received(self.id, at, answer, arrival.lag));
    }
}
