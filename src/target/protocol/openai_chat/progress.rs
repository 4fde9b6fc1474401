//! What is known of an answer so far, and the verdict that follows from it.

use super::chunk::Chunk;
use crate::target::protocol::answer::HISTORY_BYTES_MAX;
use crate::target::protocol::{End, Output, Verdict};
use crate::trial::{Outcome, Usage};

/// Finish reasons of answers that may be without output.
const WITHOUT_OUTPUT: [&str; 3] = ["content_filter", "tool_calls", "function_call"];

/// What is known of an answer so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// A finish reason came.
    is_finished: bool,
    may_be_empty: bool,
    /// The last word of the protocol came (`[DONE]`): what follows does not matter.
    is_over: bool,
    has_output: bool,
    usage: Option<Usage>,
    answer: String,
    /// Whether the text of the answer is not kept.
    is_forgetful: bool,
    failure: Option<(Outcome, String)>,
}

impl Progress {
    /// Keeps no text: nobody will ask for it.
    pub(super) fn forget(&mut self) {
        self.is_forgetful = true;
    }

    /// Nothing that follows can change the verdict.
    pub(super) fn is_decided(&self) -> bool {
        self.is_over || self.failure.is_some()
    }

    /// The bytes cannot be understood any more.
    pub(super) fn is_unreadable(&self) -> bool {
        matches!(self.failure, Some((Outcome::Malformed | Outcome::Oversized, _)))
    }

    /// The last word of the protocol.
    pub(super) fn over(&mut self) {
        self.is_over = true;
    }

    /// The answer is a failure; the first one counts.
    pub(super) fn fail(&mut self, outcome: Outcome, detail: impl Into<String>) {
        self.failure.get_or_insert_with(|| (outcome, detail.into()));
    }

    /// Takes one JSON object; returns the output in it.
    pub(super) fn take(&mut self, json: &[u8]) -> Option<Output> {
        let Ok(text) = std::str::from_utf8(json) else {
            self.fail(Outcome::Malformed, "the answer is not utf-8");
            return None;
        };
        let chunk = match Chunk::parse(text) {
            Ok(chunk) => chunk,
            Err(error) => {
                let start: String = text.chars().take(1024).collect();
                self.fail(Outcome::Malformed, format!("no chunk of an answer ({error}): {start}"));
                return None;
            }
        };
        if let Some(error) = chunk.error() {
            self.fail(Outcome::StreamError, format!("the answer holds an error: {error}"));
            return None;
        }
        if let Some(reason) = chunk.finish_reason() {
            self.is_finished = true;
            self.may_be_empty |= WITHOUT_OUTPUT.contains(&reason);
        }
        self.usage = chunk.usage().or(self.usage);
        for text in chunk.text() {
            if !self.is_forgetful && self.answer.len() + text.len() <= HISTORY_BYTES_MAX {
                self.answer.push_str(text);
            }
        }
        let output = chunk.output();
        self.has_output |= output.is_some();
        output
    }

    /// The verdict at this end. `terminal` names the signal that must have come.
    pub(super) fn verdict(self, end: End, terminal: &str) -> Verdict {
        let usage = self.usage;
        if let Some((outcome, detail)) = self.failure {
            return Verdict { usage, ..Verdict::failed(outcome, detail) };
        }
        let is_terminated = self.is_finished || self.is_over;
        // A finish reason alone does not excuse a cut: a client waits for the end of the body.
        if !(is_terminated && (self.is_over || end == End::Complete)) {
            let lacking = match end {
                End::Stopped(Outcome::TimeoutFirst) => "output",
                End::Stopped(Outcome::TimeoutBetween) => "further output",
                End::Stopped(_) | End::Complete | End::Cut | End::Reset | End::Garbled => terminal,
            };
            return Verdict { usage, ..Verdict::unproven(end, lacking) };
        }
        if !(self.has_output || self.may_be_empty) {
            let failed = Verdict::failed(Outcome::Empty, "the answer ended without any output");
            return Verdict { usage, ..failed };
        }
        Verdict {
            outcome: Outcome::Ok,
            usage,
            closing: None,
            answer: self.answer,
            detail: None,
            refuses_usage: false,
        }
    }
}
