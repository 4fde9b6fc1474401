//! One request on one connection, from its first byte out to its last byte in.

use super::arrival::Arrival;
use super::draft::Draft;
use super::failure::Failure;
use super::lane::{AnswerHead, Lane};
use super::timeouts::Clock;
use crate::target::protocol::{End, Head, Output, Protocol, Verdict, retry_after};
use crate::trial::{Ending, Outcome};
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;

/// Hears of a request as it runs. A request that is sent once more is told of again; the first
/// time counts.
pub trait Observer {
    /// A connection was opened for it, which took this long.
    fn connected(&self, took: Duration);
    /// The socket accepted the first byte of the request: what keeps the rest is the target.
    fn begun(&self) {}
    /// The socket accepted the last byte of the request.
    fn written(&self, at: Instant);
    /// The first byte of the answer came.
    fn first_byte(&self, arrival: Arrival);
    /// An output chunk came; `answer` is false for reasoning.
    fn chunk(&self, arrival: Arrival, answer: bool);
}

/// How a request went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// How it ended.
    pub ending: Ending,
    /// The text of the answer, at most 256 KiB; empty where no later turn needs it.
    pub answer: String,
    /// The pause that the target asked for.
    pub retry_after: Option<Duration>,
    /// What a failure looked like: one line of at most 240 characters, without the suite's secrets.
    pub detail: Option<String>,
}

/// What became of a request on one connection.
pub(super) enum Attempt {
    /// A response came.
    Answered { verdict: Verdict, retry_after: Option<Duration>, may_reuse: bool },
    /// None came, or it was none of HTTP.
    Failed(Failure),
}

/// How an answer is read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) protocol: &'a Protocol,
    /// Whether a later turn of the session needs its text.
    pub(super) keeps_answer: bool,
}

/// Sends a request and reads its answer.
pub(super) async fn attempt(
    lane: &mut Lane,
    draft: Draft,
    reading: Reading<'_>,
    clock: &mut Clock,
    observer: &dyn Observer,
) -> Attempt {
    let (head, newest) = match head(lane, draft, clock, observer).await {
        Ok(head) => head,
        Err(failure) => return Attempt::Failed(failure),
    };
    let retry_after = head.retry_after.as_deref().and_then(retry_after);
    let (end, verdict) = read(lane, (&head, newest), reading, clock, observer).await;
    let may_reuse = end == End::Complete && lane.is_reusable();
    Attempt::Answered { verdict, retry_after, may_reuse }
}

/// Sends a request and waits for the head of its answer.
pub(super) async fn head(
    lane: &mut Lane,
    draft: Draft,
    clock: &mut Clock,
    observer: &dyn Observer,
) -> Result<(AnswerHead, Arrival), Failure> {
    lane.begin(draft);
    let outcome = poll_fn(|cx| match lane.poll_head(cx, observer) {
        Poll::Ready(head) => Poll::Ready(Ok(head)),
        Poll::Pending => clock.poll_expired(cx).map(Err),
    });
    match outcome.await {
        Ok(head) => head,
        Err(outcome) if !lane.is_written() => {
            Err(Failure::new(outcome, "the request was not taken within the limit"))
        }
        Err(outcome) => Err(Failure::late(outcome, "answer")),
    }
}

/// Reads the body to its end, so that the connection can be used again.
async fn read(
    lane: &mut Lane,
    (head, mut newest): (&AnswerHead, Arrival),
    reading: Reading<'_>,
    clock: &mut Clock,
    observer: &dyn Observer,
) -> (End, Verdict) {
    let mut reader = reading.protocol.reader(&Head {
        status: head.status,
        content_type: head.content_type.as_deref(),
        content_encoding: head.content_encoding.as_deref(),
        location: head.location.as_deref(),
    });
    if !reading.keeps_answer {
        reader = reader.forgetful();
    }
    let end = loop {
        if !reader.wants_more() {
            // The reader has its verdict; this only closes the connection.
            break End::Stopped(Outcome::Malformed);
        }
        let more = poll_fn(|cx| {
            let polled = lane.poll_body(cx, observer, &mut |bytes, arrival: Arrival| {
                newest = arrival;
                reader.push(bytes, |output| {
                    clock.deadlines.output(arrival.at);
                    observer.chunk(arrival, output == Output::Answer);
                });
            });
            match polled {
                Poll::Ready(end) => Poll::Ready(Ok(end)),
                Poll::Pending => clock.poll_expired(cx).map(Err),
            }
        });
        let end = match more.await {
            Ok(end) => end,
            Err(outcome) => break End::Stopped(outcome),
        };
        if let Some(outcome) = clock.deadlines.passed(newest.at) {
            break End::Stopped(outcome);
        }
        if let Some(end) = end {
            break end;
        }
    };
    let verdict = reader.finish(end);
    if let Some(output) = verdict.closing {
        observer.chunk(newest, output == Output::Answer);
    }
    (end, verdict)
}
