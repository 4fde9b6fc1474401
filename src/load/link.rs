//! What joins a worker to the control of its trial: few words each way, a second apart.

use super::clock::Clock;
use super::error::LoadError;
use crate::trial::{Ended, Expected, Outcome, Totals, TraceRow, Window};
use std::collections::BTreeMap;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// What a worker says.
#[derive(Debug)]
pub(super) enum Word {
    /// Its connections are open: it waits for the start.
    Ready,
    /// A second has passed.
    Window(Box<Delta>),
    /// Its measured requests have ended; the load goes on until those of the others have.
    Decided,
    /// It has ended.
    Done(Box<Result<Part, LoadError>>),
}

/// A second of one worker.
#[derive(Debug)]
pub(super) struct Delta {
    pub(super) window: Window,
    pub(super) rows: Vec<TraceRow>,
}

/// A worker's part of a trial that has ended.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) ended: Ended,
    pub(super) expected: Expected,
    pub(super) last: Delta,
    pub(super) totals: Totals,
    /// One example per class of failure.
    pub(super) failures: BTreeMap<Outcome, String>,
    pub(super) cpu_cores: Option<f64>,
}

impl Part {
    /// Adds another worker's.
    pub(super) fn join(&mut self, other: Self) {
        self.expected.requests += other.expected.requests;
        self.expected.request_limit =
            self.expected.request_limit.saturating_add(other.expected.request_limit);
        self.totals.merge(&other.totals);
        for (outcome, example) in other.failures {
            self.failures.entry(outcome).or_insert(example);
        }
        self.cpu_cores = self.cpu_cores.zip(other.cpu_cores).map(|(a, b)| a + b);
    }
}

/// What all workers are told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Order {
    /// Wait.
    Wait,
    /// The trial starts when this clock does.
    Start(Clock),
    /// The trial ends now.
    End(Ended),
}

/// A worker's end.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) index: usize,
    /// A worker says something once a second, so this does not grow however long nobody listens.
    pub(super) words: mpsc::UnboundedSender<(usize, Word)>,
    pub(super) orders: watch::Receiver<Order>,
    /// The whole run ends.
    pub(super) cancel: CancellationToken,
}

impl Link {
    /// Says `word`; if nobody listens any more, the trial is over anyway.
    pub(super) fn say(&self, word: Word) {
        let _gone = self.words.send((self.index, word));
    }

    /// Waits for the start.
    pub(super) async fn start(&mut self) -> Result<Clock, LoadError> {
        loop {
            let order = *self.orders.borrow_and_update();
            match order {
                Order::Start(clock) => return Ok(clock),
                Order::End(_) => return Err(LoadError::Interrupted),
                Order::Wait => {}
            }
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(LoadError::Interrupted),
                changed = self.orders.changed() => changed.map_err(|_| LoadError::Interrupted)?,
            }
        }
    }

    /// Waits for the order to end, or for the end of the run. Cancel-safe.
    pub(super) async fn over(&mut self) -> Result<Ended, LoadError> {
        loop {
            if let Order::End(ended) = *self.orders.borrow_and_update() {
                return Ok(ended);
            }
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(LoadError::Interrupted),
                changed = self.orders.changed() => changed.map_err(|_| LoadError::Interrupted)?,
            }
        }
    }
}
