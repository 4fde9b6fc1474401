//! An answer whose head already says that it is no success.

use super::answer::{End, Head, Verdict};
use super::detail::excerpt;
use crate::trial::Outcome;

/// Most of such an answer that is read, to keep its connection: more is not worth it.
const REFUSAL_BYTES_MAX: usize = 64 << 10;

/// Most of it that is kept for the detail.
const KEPT_BYTES_MAX: usize = 2 << 10;

/// Reads such an answer.
#[derive(Debug)]
pub(super) struct Refused {
    outcome: Outcome,
    status: u16,
    summary: String,
    is_text: bool,
    kept: Vec<u8>,
    received: usize,
    /// Nothing in the body is of use, not even the connection.
    is_over: bool,
}

impl Refused {
    /// A status that is not accepted.
    pub(super) fn status(head: &Head<'_>, outcome: Outcome) -> Self {
        let summary = match head.location {
            Some(to) if (300..400).contains(&head.status) => {
                format!("status {}, a redirect to {}", head.status, excerpt(to.as_bytes(), 200))
            }
            _ => format!("status {}", head.status),
        };
        Self {
            outcome,
            status: head.status,
            summary,
            is_text: head.encoded().is_none(),
            kept: Vec::new(),
            received: 0,
            is_over: false,
        }
    }

    /// An accepted status with a head that the protocol does not allow.
    pub(super) fn head(head: &Head<'_>, summary: String) -> Self {
        Self { summary, is_over: true, ..Self::status(head, Outcome::Malformed) }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.received = self.received.saturating_add(bytes.len());
        self.is_over |= self.received > REFUSAL_BYTES_MAX;
        let room = KEPT_BYTES_MAX.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    pub(super) fn wants_more(&self) -> bool {
        !self.is_over
    }

    pub(super) fn finish(self, _end: End) -> Verdict {
        let said = if self.is_text { excerpt(&self.kept, KEPT_BYTES_MAX) } else { String::new() };
        let refuses_usage = matches!(self.status, 400 | 422) && said.contains("stream_options");
        let detail = match said.trim() {
            "" => self.summary,
            said => format!("{}: {said}", self.summary),
        };
        Verdict { refuses_usage, ..Verdict::failed(self.outcome, detail) }
    }
}
