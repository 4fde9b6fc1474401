//! One plain HTTP request per turn. Its unit of output is the complete answer, which may be empty.

use super::answer::{ANSWER_BYTES_MAX, End, Output, Verdict};
use super::api::{Asked, Outgoing};
use super::template::{expand, percent_encoded};
use crate::config::plan::HttpRequest;
use crate::trial::Outcome;

/// The request of this turn.
pub(super) fn outgoing(request: &HttpRequest, asked: &Asked<'_>) -> Outgoing {
    let body = request.body.as_ref().map(|body| expand(body, asked).into_owned());
    let is_json = body.as_ref().is_some_and(|body| body.trim_start().starts_with(['{', '[']));
    Outgoing {
        method: request.method.clone(),
        path: percent_encoded(&expand(&request.path, asked)),
        content_type: is_json.then_some("application/json"),
        body: body.map(String::into_bytes),
    }
}

/// Reads an accepted answer: only its size and that it is whole.
#[derive(Debug, Default)]
pub(super) struct HttpReader {
    received: usize,
}

impl HttpReader {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.received = self.received.saturating_add(bytes.len());
    }

    pub(super) fn wants_more(&self) -> bool {
        self.received <= ANSWER_BYTES_MAX
    }

    pub(super) fn finish(self, end: End) -> Verdict {
        if !self.wants_more() {
            return Verdict::failed(Outcome::Oversized, "the answer is larger than 64 MiB");
        }
        if end != End::Complete {
            return Verdict::unproven(end, "complete answer");
        }
        Verdict {
            outcome: Outcome::Ok,
            usage: None,
            closing: Some(Output::Answer),
            answer: String::new(),
            detail: None,
            refuses_usage: false,
        }
    }
}
