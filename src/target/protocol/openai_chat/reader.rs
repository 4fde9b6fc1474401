//! Readers of an accepted answer: a stream of events, or one JSON object.

use super::progress::Progress;
use crate::target::protocol::answer::ANSWER_BYTES_MAX;
use crate::target::protocol::{End, Output, Splitter, Verdict};
use crate::trial::Outcome;

const TOO_LARGE: &str = "the answer is larger than 64 MiB";

/// Reads a streamed answer.
#[derive(Debug, Default)]
pub(in crate::target::protocol) struct StreamReader {
    splitter: Splitter,
    progress: Progress,
    received: usize,
}

impl StreamReader {
    pub(in crate::target::protocol) fn forgetful(mut self) -> Self {
        self.progress.forget();
        self
    }

    pub(in crate::target::protocol) fn push(
        &mut self,
        bytes: &[u8],
        mut on_output: impl FnMut(Output),
    ) {
        let progress = &mut self.progress;
        self.received = self.received.saturating_add(bytes.len());
        if self.received > ANSWER_BYTES_MAX && !progress.is_decided() {
            progress.fail(Outcome::Oversized, TOO_LARGE);
        }
        if progress.is_decided() {
            return;
        }
        let split = self.splitter.push(bytes, |event| {
            let data = event.data.trim_ascii();
            if progress.is_decided() || data.is_empty() {
                return;
            }
            if data == b"[DONE]" {
                progress.over();
            } else if event.name == b"error" {
                let said = String::from_utf8_lossy(data.get(..1024).unwrap_or(data));
                progress.fail(Outcome::StreamError, format!("the answer holds an error: {said}"));
            } else if let Some(output) = progress.take(data) {
                on_output(output);
            }
        });
        if split.is_err() {
            progress.fail(Outcome::Oversized, "an event of the answer is larger than 1 MiB");
        }
    }

    pub(in crate::target::protocol) fn wants_more(&self) -> bool {
        !self.progress.is_unreadable() && self.received <= ANSWER_BYTES_MAX
    }

    pub(in crate::target::protocol) fn finish(self, end: End) -> Verdict {
        self.progress.verdict(end, "finish_reason or [DONE]")
    }
}

/// Reads a plain answer. Its output is complete only with its last byte.
#[derive(Debug, Default)]
pub(in crate::target::protocol) struct PlainReader {
    body: Vec<u8>,
    is_oversized: bool,
    /// A stream was asked for: only an error object makes sense here.
    wanted_stream: bool,
    is_forgetful: bool,
}

impl PlainReader {
    /// Reads JSON where a stream was asked for.
    pub(in crate::target::protocol) fn instead_of_stream() -> Self {
        Self { wanted_stream: true, ..Self::default() }
    }

    pub(in crate::target::protocol) fn forgetful(self) -> Self {
        Self { is_forgetful: true, ..self }
    }

    pub(in crate::target::protocol) fn push(&mut self, bytes: &[u8]) {
        self.is_oversized |= self.body.len().saturating_add(bytes.len()) > ANSWER_BYTES_MAX;
        if !self.is_oversized {
            self.body.extend_from_slice(bytes);
        }
    }

    pub(in crate::target::protocol) fn wants_more(&self) -> bool {
        !self.is_oversized
    }

    pub(in crate::target::protocol) fn finish(self, end: End) -> Verdict {
        let mut progress = Progress::default();
        if self.is_forgetful {
            progress.forget();
        }
        if self.is_oversized {
            progress.fail(Outcome::Oversized, TOO_LARGE);
        }
        let mut closing = None;
        if end == End::Complete && !self.is_oversized {
            closing = progress.take(&self.body);
            if self.wanted_stream {
                let said = "a plain json answer instead of text/event-stream";
                progress.fail(Outcome::Malformed, said);
            }
        }
        let verdict = progress.verdict(end, "finish_reason");
        let is_ok = verdict.outcome == Outcome::Ok;
        Verdict { closing: closing.filter(|_| is_ok), ..verdict }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::plan::{Api, StatusClasses};
    use crate::target::protocol::{End, Head, Output, Protocol, Reader, Verdict};
    use crate::trial::{Outcome, Usage};

    const ROLE: &str = r#"{"choices":[{"delta":{"role":"assistant","content":null}}]}"#;
    const WORD: &str = r#"{"choices":[{"delta":{"content":"hé"}}]}"#;
    const THINK: &str = r#"{"choices":[{"delta":{"reasoning":"hm"}}]}"#;
    const STOP: &str = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    const FILTER: &str = r#"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#;
    const NOT_YET: &str = r#"{"choices":[{"delta":{},"finish_reason":null}]}"#;
    const USAGE: &str = r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#;
    const ERROR: &str = r#"{"error":{"message":"out of memory"}}"#;
    const DONE: &str = "[DONE]";

    fn reader(stream: bool, content_type: Option<&str>) -> Reader {
        let api = Api::OpenAiChat {
            path: "/".into(),
            model: "m".into(),
            stream,
            extra: serde_json::Map::new(),
        };
        let status = StatusClasses { ok: [200].into(), shed: [503].into() };
        let head = Head { status: 200, content_type, content_encoding: None, location: None };
        Protocol::new(&api, &status).reader(&head)
    }

    fn streamed(events: &[&str], end: End, size: usize) -> (Vec<Output>, Verdict) {
        let text: String = events.iter().map(|data| format!("data: {data}\n\n")).collect();
        let mut reader = reader(true, Some("text/event-stream; charset=utf-8"));
        let mut outputs = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            reader.push(piece, |output| outputs.push(output));
        }
        (outputs, reader.finish(end))
    }

    #[test]
    fn a_stream_is_a_success_only_with_proof() {
        use End::{Complete, Cut, Reset, Stopped};
        let table: [(&[&str], End, Outcome); 22] = [
            (&[ROLE, WORD, WORD, STOP, USAGE, DONE], Complete, Outcome::Ok),
            (&[ROLE, WORD, STOP], Complete, Outcome::Ok),
            (&[WORD, DONE], Complete, Outcome::Ok),
            (&[THINK, STOP, DONE], Complete, Outcome::Ok),
            (&[WORD, DONE], Cut, Outcome::Ok),
            (&[WORD, DONE, ERROR], Complete, Outcome::Ok),
            (&[WORD, DONE], Stopped(Outcome::TimeoutTotal), Outcome::Ok),
            (&[FILTER, DONE], Complete, Outcome::Ok),
            (&[WORD, STOP], Cut, Outcome::Truncated),
            (&[WORD, STOP], Stopped(Outcome::TimeoutBetween), Outcome::TimeoutBetween),
            (&[WORD, NOT_YET, USAGE], Complete, Outcome::Truncated),
            (&[WORD], Cut, Outcome::Truncated),
            (&[WORD], Reset, Outcome::Reset),
            (&[WORD], End::Garbled, Outcome::Malformed),
            (&[], Complete, Outcome::Truncated),
            (&[ROLE, STOP, USAGE, DONE], Complete, Outcome::Empty),
            (&[STOP], Complete, Outcome::Empty),
            (&[DONE], Complete, Outcome::Empty),
            (&[WORD, ERROR, STOP, DONE], Complete, Outcome::StreamError),
            (&[ERROR], Stopped(Outcome::TimeoutFirst), Outcome::StreamError),
            (&[WORD, "{broken", DONE], Complete, Outcome::Malformed),
            (&[WORD, "[1]", DONE], Complete, Outcome::Malformed),
        ];
        for (events, end, outcome) in table {
            for size in [1, 7, 1 << 20] {
                let (outputs, verdict) = streamed(events, end, size);
                assert_eq!(verdict.outcome, outcome, "{events:?} {end:?}: {verdict:?}");
                assert_eq!(verdict.detail.is_none(), outcome == Outcome::Ok);
                let units = events.iter().take_while(|e| **e != ERROR && !e.starts_with("{b"));
                let units = units.filter(|e| [WORD, THINK].contains(e)).count();
                assert_eq!(outputs.len(), units, "{events:?}");
            }
        }
    }

    #[test]
    fn usage_and_text_are_kept() {
        let (_, verdict) =
            streamed(&[ROLE, THINK, WORD, WORD, STOP, USAGE, DONE], End::Complete, 3);
        assert_eq!(verdict.usage, Some(Usage { prompt_tokens: 5, completion_tokens: 2 }));
        assert_eq!(verdict.answer, "héhé");
    }

    #[test]
    fn an_event_named_error_is_an_error_whatever_it_holds() {
        let mut reader = reader(true, None);
        reader.push(b"event: error\ndata: overloaded\n\ndata: [DONE]\n\n", |_| {});
        assert_eq!(reader.finish(End::Complete).outcome, Outcome::StreamError);
    }

    #[test]
    fn bytes_that_are_no_text_or_too_many_end_the_reading() {
        for (bytes, outcome) in [
            (
                b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}\n\n".to_vec(),
                Outcome::Malformed,
            ),
            ([&b"data: "[..], &vec![b'x'; 2 << 20]].concat(), Outcome::Oversized),
        ] {
            let mut reader = reader(true, None);
            reader.push(&bytes, |_| {});
            assert!(!reader.wants_more());
            assert_eq!(reader.finish(End::Stopped(Outcome::Unfinished)).outcome, outcome);
        }
    }

    #[test]
    fn comments_without_end_are_oversized_too() {
        let ping = b": ping\n".repeat(1 << 17);
        let mut reader = reader(true, None);
        let mut pushes = 0;
        while reader.wants_more() && pushes < 100 {
            reader.push(&ping, |_| {});
            pushes += 1;
        }
        assert_eq!(reader.finish(End::Complete).outcome, Outcome::Oversized);
    }

    #[test]
    fn a_plain_answer_needs_the_same_proof() {
        let choice = |message: &str, reason: &str| {
            format!(
                r#"{{"choices":[{{"message":{message},"finish_reason":{reason}}}],
                    "usage":{{"prompt_tokens":5,"completion_tokens":2}}}}"#
            )
        };
        let said = choice(r#"{"role":"assistant","content":"hi"}"#, r#""length""#);
        let table = [
            (said.clone(), End::Complete, Outcome::Ok),
            (said.clone(), End::Cut, Outcome::Truncated),
            (said.clone(), End::Reset, Outcome::Reset),
            (choice(r#"{"content":"hi"}"#, "null"), End::Complete, Outcome::Truncated),
            (choice(r#"{"content":""}"#, r#""stop""#), End::Complete, Outcome::Empty),
            (choice(r#"{"content":null}"#, r#""tool_calls""#), End::Complete, Outcome::Ok),
            (ERROR.to_owned(), End::Complete, Outcome::StreamError),
            ("<html>".to_owned(), End::Complete, Outcome::Malformed),
            (String::new(), End::Complete, Outcome::Malformed),
        ];
        for (body, end, outcome) in table {
            let mut reader = reader(false, Some("application/json"));
            reader.push(body.as_bytes(), |_| panic!("output before the end"));
            let verdict = reader.finish(end);
            assert_eq!(verdict.outcome, outcome, "{body} {end:?}");
            let has_output = outcome == Outcome::Ok && body == said;
            assert_eq!(verdict.closing.is_some(), has_output, "{body}");
        }
    }

    #[test]
    fn a_wrong_content_type_is_malformed_and_an_error_object_an_error() {
        for (stream, content_type, body, outcome) in [
            (true, "text/html", "<html>", Outcome::Malformed),
            (true, "application/json", r#"{"choices":[]}"#, Outcome::Malformed),
            (true, "application/problem+json", ERROR, Outcome::StreamError),
            (false, "text/event-stream", "data: [DONE]\n\n", Outcome::Malformed),
            (false, "Text/HTML; charset=x", "<html>", Outcome::Malformed),
        ] {
            let mut reader = reader(stream, Some(content_type));
            reader.push(body.as_bytes(), |_| {});
            assert_eq!(reader.finish(End::Complete).outcome, outcome, "{stream} {content_type}");
        }
    }
}
