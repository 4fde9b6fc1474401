//! The table: what a target may do, and the class that every measured request must get for it.

use plimsoll::trial::Outcome::{
    self, Connect, Empty, HttpError, Malformed, Ok, Oversized, Reset, Shed, StreamError,
    TimeoutBetween, TimeoutConnect, TimeoutFirst, TimeoutTotal, Truncated,
};

/// One way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    NeverAccepts,
    NeverAcceptsInTime,
    Refuses,
    NeverReads,
    NeverAnswers,
    StallsAfterHead,
    OnlyPings,
    StallsInside,
    Endless,
    ClosesAtOnce,
    ClosesInside,
    ResetsAtOnce,
    ResetsInside,
    ClosesAfterEach,
    ClosesWhenReused,
    SaysMore,
    Busy,
    TooMany,
    Fails,
    Redirects,
    Html,
    Error,
    Unended,
    NoOutput,
    BadJson,
    NotHttp,
    EndlessHead,
    BadChunks,
    Oversized,
    Gzip,
    SlowHead,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A chat completion, streamed.
    Stream,
    /// A chat completion as one JSON object.
    Json,
    /// Plain HTTP: an accepted status and a whole body are all that it can prove.
    Http,
}

impl Shape {
    pub(crate) const ALL: [Self; 3] = [Self::Stream, Self::Json, Self::Http];
}

/// A kind of misbehaviour and its class for each shape.
pub(crate) struct Row {
    pub(crate) fault: Fault,
    pub(crate) name: &'static str,
    pub(crate) stream: Outcome,
    pub(crate) json: Outcome,
    pub(crate) http: Outcome,
}

impl Row {
    pub(crate) fn outcome(&self, shape: Shape) -> Outcome {
        match shape {
            Shape::Stream => self.stream,
            Shape::Json => self.json,
            Shape::Http => self.http,
        }
    }
}

const fn row(fault: Fault, name: &'static str, [stream, json, http]: [Outcome; 3]) -> Row {
    Row { fault, name, stream, json, http }
}

/// Streamed chat, plain chat, plain HTTP.
#[rustfmt::skip]
pub(crate) const TABLE: [Row; 31] = [
    row(Fault::NeverAccepts, "accepts no connection", [TimeoutConnect; 3]),
    row(Fault::NeverAcceptsInTime, "accepts none before output is due", [TimeoutConnect; 3]),
    row(Fault::Refuses, "refuses connections", [Connect; 3]),
    row(Fault::NeverReads, "does not read the request", [TimeoutFirst; 3]),
    row(Fault::NeverAnswers, "never answers", [TimeoutFirst; 3]),
    row(Fault::StallsAfterHead, "stalls after the head", [TimeoutFirst; 3]),
    row(Fault::OnlyPings, "sends only pings, for ever", [TimeoutFirst; 3]),
    row(Fault::StallsInside, "stalls inside the answer", [TimeoutBetween, TimeoutFirst, TimeoutFirst]),
    row(Fault::Endless, "answers for ever", [TimeoutTotal; 3]),
    row(Fault::ClosesAtOnce, "closes instead of an answer", [Reset; 3]),
    row(Fault::ClosesInside, "closes inside the answer", [Truncated; 3]),
    row(Fault::ResetsAtOnce, "resets instead of an answer", [Reset; 3]),
    row(Fault::ResetsInside, "resets inside the answer", [Reset; 3]),
    row(Fault::ClosesAfterEach, "closes after each answer, unsaid", [Ok; 3]),
    row(Fault::ClosesWhenReused, "closes a connection that is used again", [Ok; 3]),
    row(Fault::SaysMore, "says more than its answer", [Ok; 3]),
    row(Fault::Busy, "503 with retry-after", [Shed; 3]),
    row(Fault::TooMany, "429", [Shed; 3]),
    row(Fault::Fails, "500 with a body", [HttpError; 3]),
    row(Fault::Redirects, "redirects", [HttpError; 3]),
    row(Fault::Html, "200 with a web page", [Malformed, Malformed, Ok]),
    row(Fault::Error, "200 with an error", [StreamError, StreamError, Ok]),
    row(Fault::Unended, "ends without saying why", [Truncated, Truncated, Ok]),
    row(Fault::NoOutput, "says done, and nothing else", [Empty, Empty, Ok]),
    row(Fault::BadJson, "200 with bad json", [Malformed, Malformed, Ok]),
    row(Fault::NotHttp, "speaks no http", [Malformed; 3]),
    row(Fault::EndlessHead, "a head without an end", [Malformed; 3]),
    row(Fault::BadChunks, "breaks the chunked encoding", [Malformed; 3]),
    row(Fault::Oversized, "more than we accept", [Oversized; 3]),
    row(Fault::Gzip, "gzip, unasked", [Malformed; 3]),
    row(Fault::SlowHead, "a slow head, byte by byte", [Ok; 3]),
];
