//! The words in which every protocol reads an answer.

use crate::trial::{Outcome, Usage};

/// Largest answer that is read; beyond it the outcome is `oversized`.
pub(super) const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Most bytes of an answer's text that are kept for the history of later turns.
pub(super) const HISTORY_BYTES_MAX: usize = 256 << 10;

/// What the head of a response says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    /// Status code.
    pub status: u16,
    /// `content-type`, if readable.
    pub content_type: Option<&'a str>,
    /// `content-encoding`, if readable.
    pub content_encoding: Option<&'a str>,
    /// `location` of a redirect.
    pub location: Option<&'a str>,
}

impl Head<'_> {
    /// `content-type` without parameters, lower case.
    pub(super) fn media_type(&self) -> Option<String> {
        let essence = self.content_type?.split(';').next()?.trim();
        Some(essence.to_ascii_lowercase())
    }

    /// The encoding of the body, if it has one.
    pub(super) fn encoded(&self) -> Option<&str> {
        let encoding = self.content_encoding?.trim();
        (!encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity")).then_some(encoding)
    }
}

/// A unit of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Part of the answer: text, tool-call arguments, a refusal, or a whole plain answer.
    Answer,
    /// Reasoning before the answer.
    Reasoning,
}

/// How the bytes of an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The body ended as HTTP says it must.
    Complete,
    /// The connection was closed before the body ended.
    Cut,
    /// The connection was reset.
    Reset,
    /// The framing of the body is not HTTP.
    Garbled,
    /// We stopped reading, for this reason.
    Stopped(Outcome),
}

/// What a request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Its class.
    pub outcome: Outcome,
    /// Token counts, where the server gave them.
    pub usage: Option<Usage>,
    /// Output that only the end of the body completes: it counts at the time of the last byte.
    pub closing: Option<Output>,
    /// The text of the answer for the history of later turns, at most 256 KiB.
    pub answer: String,
    /// What a failure looked like: raw text of the target, at most 2 KiB; `None` for success.
    pub detail: Option<String>,
    /// Whether the target refused the request because of `stream_options`.
    pub refuses_usage: bool,
}

impl Verdict {
    /// The same, or a failure if the server itself tells of fewer output tokens than `asked`. Chunks are
    /// no tokens: without `usage` nobody can tell, and the answer stays what it is.
    #[must_use]
    pub fn of_length(self, asked: Option<u32>) -> Self {
        let usage = self.usage.filter(|_| self.outcome == Outcome::Ok);
        let (Some(asked), Some(usage)) = (asked, usage) else { return self };
        if usage.completion_tokens >= u64::from(asked) {
            return self;
        }
        let detail = format!(
            "the answer ended by itself after {} of the {asked} tokens that were asked for; \
             `extra: {{ ignore_eos: true }}` or `{{ min_tokens: \"{{output_tokens}}\" }}` makes many \
             servers go on",
            usage.completion_tokens
        );
        Self { outcome: Outcome::Short, detail: Some(detail), ..self }
    }

    /// A failure and what it looked like.
    pub(super) fn failed(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self {
            outcome,
            usage: None,
            closing: None,
            answer: String::new(),
            detail: Some(detail.into()),
            refuses_usage: false,
        }
    }

    /// The failure that an end before the proof of success is, with what is lacking.
    pub(super) fn unproven(end: End, lacking: &str) -> Self {
        let (outcome, detail) = match end {
            End::Complete => (Outcome::Truncated, format!("the answer ended without {lacking}")),
            End::Cut => (Outcome::Truncated, "the connection was closed inside the answer".into()),
            End::Reset => (Outcome::Reset, "the connection was reset inside the answer".into()),
            End::Garbled => (Outcome::Malformed, "the body is not framed as http says".into()),
            End::Stopped(outcome) => (outcome, format!("no {lacking} within the limit")),
        };
        Self::failed(outcome, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict;
    use crate::trial::{Outcome, Usage};

    #[test]
    fn an_answer_is_short_only_where_the_server_itself_says_so() {
        let told = |completion_tokens| Some(Usage { prompt_tokens: 1, completion_tokens });
        for (outcome, usage, asked, expected) in [
            (Outcome::Ok, told(63), Some(64), Outcome::Short),
            (Outcome::Ok, told(64), Some(64), Outcome::Ok),
            (Outcome::Ok, told(65), Some(64), Outcome::Ok),
            (Outcome::Ok, told(1), None, Outcome::Ok),
            (Outcome::Ok, None, Some(64), Outcome::Ok),
            (Outcome::Truncated, told(1), Some(64), Outcome::Truncated),
        ] {
            let verdict = Verdict { usage, ..Verdict::failed(outcome, "") }.of_length(asked);
            assert_eq!((verdict.outcome, verdict.usage), (expected, usage), "{usage:?} {asked:?}");
            let says = verdict.detail.is_some_and(|detail| detail.contains("63 of the 64 tokens"));
            assert_eq!(says, expected == Outcome::Short);
        }
    }
}
