//! One request over the wire (a stand-in that only says what is missing).

use crate::config::plan::TargetPlan;
use crate::trial::Ending;
use crate::workload::{HistoryMode, Salt, Session};
use std::time::Duration;
use tokio::time::Instant;

/// A client of one target, for one worker.
#[derive(Debug)]
pub struct Client(());

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
#[error("no client for {base_url}")]
pub struct ClientError {
    base_url: String,
}

/// A request to make.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its session.
    pub session: &'a Session,
    /// Its turn, from 0.
    pub turn: usize,
    /// Its number in the trial, from 0.
    pub request: u64,
    /// What makes the contents the trial's own.
    pub salt: Salt,
    /// What later turns inherit.
    pub history: HistoryMode,
    /// Answers of the earlier turns.
    pub answers: &'a [String],
}

/// Told what happens to a request, when it happens.
pub trait Observer {
    /// The last byte of the request went out.
    fn written(&self, at: Instant);
    /// The first byte of the answer came.
    fn first_byte(&self, at: Instant);
    /// A chunk of output came; `answer` is false for reasoning.
    fn chunk(&self, at: Instant, answer: bool);
}

/// What became of a request.
#[derive(Debug, Clone)]
pub struct Exchanged {
    /// How it ended.
    pub ending: Ending,
    /// The text that came.
    pub answer: String,
    /// What the target asked for with `Retry-After`.
    pub retry_after: Option<Duration>,
    /// What a failure looked like.
    pub detail: Option<String>,
}

impl Client {
    /// # Errors
    /// Always.
    #[expect(clippy::unused_async, reason = "the real one resolves the host")]
    pub async fn new(_target: &TargetPlan, base_url: &str) -> Result<Self, ClientError> {
        Err(ClientError { base_url: base_url.to_owned() })
    }

    /// Whether output chunks stand for tokens.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        false
    }

    /// Opens connections.
    #[expect(clippy::unused_async, reason = "the real one connects")]
    pub async fn prewarm(&self, _connections: usize) -> usize {
        0
    }

    /// Sends a request and reads its answer.
    #[expect(clippy::unused_async, reason = "the real one sends")]
    pub async fn exchange(
        &self,
        _request: &Asked<'_>,
        _intended: Instant,
        _observer: &dyn Observer,
    ) -> Exchanged {
        Exchanged {
            ending: Ending::of(crate::trial::Outcome::Connect),
            answer: String::new(),
            retry_after: None,
            detail: None,
        }
    }
}
