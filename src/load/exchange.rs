//! One request on one connection, from its first byte out to its last byte in.

use super::failure::{Failure, end_of_body};
use super::lane::Lane;
use super::stamped::{Arrival, Payload, Wire};
use super::timeouts::Clock;
use crate::target::protocol::{End, Head, Output, Protocol, Verdict, retry_after};
use crate::trial::{Ending, Outcome};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use hyper::{Request, Response};
use std::future::poll_fn;
use std::pin::{Pin, pin};
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
    /// The text of the answer, for the history of later turns; at most 256 KiB.
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

/// Sends `request` and reads its answer.
pub(super) async fn attempt(
    lane: &mut Lane,
    request: Request<Payload>,
    protocol: &Protocol,
    clock: &mut Clock,
    observer: &dyn Observer,
) -> Attempt {
    let response = match response(lane, request, clock, observer).await {
        Ok(response) => response,
        Err(failure) => return Attempt::Failed(failure),
    };
    let (parts, body) = response.into_parts();
    let retry_after = text(&parts.headers, RETRY_AFTER).and_then(retry_after);
    let (end, verdict) = read(lane, &parts, body, protocol, clock, observer).await;
    let may_reuse = end == End::Complete && lane.is_reusable().await;
    Attempt::Answered { verdict, retry_after, may_reuse }
}

/// Sends `request` and waits for the head of its response.
pub(super) async fn response(
    lane: &mut Lane,
    request: Request<Payload>,
    clock: &mut Clock,
    observer: &dyn Observer,
) -> Result<Response<Incoming>, Failure> {
    let mut told = Told::default();
    let mut response = pin!(lane.send(request));
    let outcome = poll_fn(|cx| {
        lane.drive(cx);
        told.look(lane.wire(), observer);
        match response.as_mut().poll(cx) {
            Poll::Ready(response) => Poll::Ready(Ok(response)),
            Poll::Pending => clock.poll_expired(cx).map(Err),
        }
    })
    .await;
    match outcome {
        Ok(Ok(response)) => {
            lane.heard();
            told.look(lane.wire(), observer);
            told.answered(lane.wire(), observer);
            Ok(response)
        }
        Ok(Err(error)) => Err(Failure::head(&error)),
        Err(outcome) if lane.wire().written().is_none() => {
            Err(Failure::new(outcome, "the request was not taken within the limit"))
        }
        Err(outcome) => Err(Failure::late(outcome, "answer")),
    }
}

/// Reads the body to its end, so that the connection can be used again.
async fn read(
    lane: &mut Lane,
    parts: &hyper::http::response::Parts,
    mut body: Incoming,
    protocol: &Protocol,
    clock: &mut Clock,
    observer: &dyn Observer,
) -> (End, Verdict) {
    let mut reader = protocol.reader(&Head {
        status: parts.status.as_u16(),
        content_type: text(&parts.headers, CONTENT_TYPE),
        content_encoding: text(&parts.headers, CONTENT_ENCODING),
        location: text(&parts.headers, LOCATION),
    });
    let newest = lane.wire().last_read();
    let mut arrival = newest.unwrap_or_else(|| Arrival::unstamped(Instant::now()));
    let end = loop {
        if !reader.wants_more() {
            // The reader has its verdict; this only closes the connection.
            break End::Stopped(Outcome::Malformed);
        }
        let frame = poll_fn(|cx| {
            lane.drive(cx);
            match Pin::new(&mut body).poll_frame(cx) {
                Poll::Ready(frame) => Poll::Ready(Ok(frame)),
                Poll::Pending => clock.poll_expired(cx).map(Err),
            }
        })
        .await;
        match frame {
            Ok(Some(Ok(frame))) => {
                lane.heard();
                arrival = lane.wire().last_read().unwrap_or(arrival);
                if let Some(data) = frame.data_ref() {
                    reader.push(data, |output| {
                        clock.deadlines.output(arrival.at);
                        observer.chunk(arrival, output == Output::Answer);
                    });
                }
                if let Some(outcome) = clock.deadlines.passed(arrival.at) {
                    break End::Stopped(outcome);
                }
            }
            Ok(None) => break End::Complete,
            Ok(Some(Err(error))) => break end_of_body(&error),
            Err(outcome) => break End::Stopped(outcome),
        }
    };
    let verdict = reader.finish(end);
    if let Some(output) = verdict.closing {
        observer.chunk(arrival, output == Output::Answer);
    }
    (end, verdict)
}

/// The value of a header, if it is there and readable.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What the observer has been told.
#[derive(Default)]
struct Told {
    begun: bool,
    written: bool,
    first_byte: bool,
}

impl Told {
    fn look(&mut self, wire: &Wire, observer: &dyn Observer) {
        if wire.has_begun() && !self.begun {
            self.begun = true;
            observer.begun();
        }
        if let Some(at) = wire.written().filter(|_| !self.written) {
            self.written = true;
            observer.written(at);
        }
        if let Some(arrival) = wire.first_read().filter(|_| !self.first_byte) {
            self.first_byte = true;
            observer.first_byte(arrival);
        }
    }

    /// A target may answer before it has read all of the request: no more of it will be written.
    fn answered(&mut self, wire: &Wire, observer: &dyn Observer) {
        if let Some(arrival) = wire.first_read().filter(|_| !self.written) {
            self.written = true;
            observer.written(arrival.at);
        }
    }
}
