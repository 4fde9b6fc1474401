//! The protocol of a target: what to send for a turn, and who reads the answer.

use super::answer::{End, Head, Output, Verdict};
use super::http::{self, HttpReader};
use super::openai_chat::{self, PlainReader, StreamReader};
use super::refused::Refused;
use crate::config::plan::{Api, StatusClasses};
use crate::trial::Outcome;
use crate::workload::{Dial, HistoryMode, Salt, Session, Setting};
use std::time::Duration;

/// Longest pause that a `retry-after` can ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// The request that is wanted: turn `turn` of a session.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The session.
    pub session: &'a Session,
    /// Number of the turn in it, from 0.
    pub turn: usize,
    /// Running number of the request in the trial, from 0.
    pub request: u64,
    /// Makes the contents of the trial its own.
    pub salt: Salt,
    /// Whether earlier turns are sent along.
    pub history: HistoryMode,
    /// Texts that earlier turns got.
    pub answers: &'a [String],
    /// What the trial sets besides the load.
    pub setting: Option<&'a Setting>,
}

impl Asked<'_> {
    /// The number for which `{name}` stands, if it stands for one in any request.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        let law = self.session.turns.get(self.turn);
        match (name, self.setting) {
            ("prompt_tokens", _) => Some(law.map_or(0, |turn| turn.prompt_tokens)),
            ("output_tokens", _) => Some(law.map_or(0, |turn| turn.output_tokens)),
            (_, Some(Setting { dial: Dial::Parameter(parameter), value })) => {
                (**parameter == *name).then_some(*value)
            }
            _ => None,
        }
    }

    /// Output tokens below which an answer is not what was asked for: where just that is varied.
    #[must_use]
    pub fn output_min(&self) -> Option<u32> {
        let is_varied = self.setting.is_some_and(|setting| setting.dial == Dial::OutputTokens);
        is_varied.then(|| self.number("output_tokens")).flatten()
    }
}

/// A request without what belongs to the connection (`host`) and to the suite (its headers).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Method, upper case.
    pub method: String,
    /// Path and query below the base URL.
    pub path: String,
    /// `content-type`, unless the suite sets one.
    pub content_type: Option<&'static str>,
    /// Body, if any.
    pub body: Option<Vec<u8>>,
}

/// Whether a streamed answer is asked for token counts (`stream_options.include_usage`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageField {
    /// It is.
    Asked,
    /// It is not: the target refuses the field.
    Omitted,
}

/// How a target is spoken to. Success needs proof: an accepted status, a terminal signal, a unit of
/// output and no error event.
#[derive(Debug, Clone)]
pub struct Protocol {
    api: Api,
    status: StatusClasses,
}

impl Protocol {
    /// The protocol of this API with these classes of status codes.
    #[must_use]
    pub fn new(api: &Api, status: &StatusClasses) -> Self {
        Self { api: api.clone(), status: status.clone() }
    }

    /// Whether its answers consist of tokens: given as `usage`, else estimated by output chunks.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        match self.api {
            Api::OpenAiChat { .. } => true,
            Api::Http(_) => false,
        }
    }

    /// The request for this turn.
    ///
    /// # Errors
    /// A body that cannot be written as JSON.
    pub fn outgoing(
        &self,
        asked: &Asked<'_>,
        usage: UsageField,
    ) -> Result<Outgoing, serde_json::Error> {
        match &self.api {
            Api::OpenAiChat { path, model, stream, extra } => Ok(Outgoing {
                method: "POST".into(),
                path: path.clone(),
                content_type: Some("application/json"),
                body: Some(openai_chat::body(model, *stream, extra, asked, usage)?),
            }),
            Api::Http(request) => Ok(http::outgoing(request, asked)),
        }
    }

    /// Who reads the answer with this head.
    #[must_use]
    pub fn reader(&self, head: &Head<'_>) -> Reader {
        if !self.status.ok.contains(&head.status) {
            let shed = self.status.shed.contains(&head.status);
            let outcome = if shed { Outcome::Shed } else { Outcome::HttpError };
            return Reader(Kind::Refused(Refused::status(head, outcome)));
        }
        if let Some(encoding) = head.encoded() {
            let said = format!("content-encoding `{encoding}`, which was not asked for");
            return Reader(Kind::Refused(Refused::head(head, said)));
        }
        let Api::OpenAiChat { stream, .. } = self.api else {
            return Reader(Kind::Http(HttpReader::default()));
        };
        let media_type = head.media_type();
        let media_type = media_type.as_deref();
        let is_json =
            media_type.is_some_and(|media| media == "application/json" || media.ends_with("+json"));
        match (stream, media_type) {
            (true, None | Some("text/event-stream")) => Reader(Kind::Stream(Box::default())),
            // It may hold an error object, which says more than the wrong type does.
            (true, Some(_)) if is_json => Reader(Kind::Plain(PlainReader::instead_of_stream())),
            (false, None) => Reader(Kind::Plain(PlainReader::default())),
            (false, Some(_)) if is_json => Reader(Kind::Plain(PlainReader::default())),
            (true, Some(other)) => {
                let said = format!("content-type `{other}` instead of text/event-stream");
                Reader(Kind::Refused(Refused::head(head, said)))
            }
            (false, Some(other)) => {
                let said = format!("content-type `{other}` instead of application/json");
                Reader(Kind::Refused(Refused::head(head, said)))
            }
        }
    }
}

/// Reads the body of one answer.
#[derive(Debug)]
pub struct Reader(Kind);

#[derive(Debug)]
enum Kind {
    /// The head already said that it is no success.
    Refused(Refused),
    /// Plain HTTP.
    Http(HttpReader),
    /// A chat completion as one JSON object.
    Plain(PlainReader),
    /// A chat completion as a stream of events.
    Stream(Box<StreamReader>),
}

impl Reader {
    /// The same without keeping the text of the answer: nobody asks for it.
    #[must_use]
    pub fn forgetful(self) -> Self {
        Self(match self.0 {
            Kind::Plain(reader) => Kind::Plain(reader.forgetful()),
            Kind::Stream(reader) => Kind::Stream(Box::new(reader.forgetful())),
            kind @ (Kind::Refused(_) | Kind::Http(_)) => kind,
        })
    }

    /// Takes the next bytes and calls `on_output` for each output chunk in them.
    pub fn push(&mut self, bytes: &[u8], on_output: impl FnMut(Output)) {
        match &mut self.0 {
            Kind::Refused(reader) => reader.push(bytes),
            Kind::Http(reader) => reader.push(bytes),
            Kind::Plain(reader) => reader.push(bytes),
            Kind::Stream(reader) => reader.push(bytes, on_output),
        }
    }

    /// Whether it is worth to read on: false once the answer is known to be unreadable.
    #[must_use]
    pub fn wants_more(&self) -> bool {
        match &self.0 {
            Kind::Refused(reader) => reader.wants_more(),
            Kind::Http(reader) => reader.wants_more(),
            Kind::Plain(reader) => reader.wants_more(),
            Kind::Stream(reader) => reader.wants_more(),
        }
    }

    /// The verdict, now that the bytes have ended.
    #[must_use]
    pub fn finish(self, end: End) -> Verdict {
        match self.0 {
            Kind::Refused(reader) => reader.finish(end),
            Kind::Http(reader) => reader.finish(end),
            Kind::Plain(reader) => reader.finish(end),
            Kind::Stream(reader) => reader.finish(end),
        }
    }
}

/// The pause that a `retry-after` of whole seconds asks for, at most an hour. Its other form, a
/// date, is not read: it would need a wall clock that agrees with the target's.
#[must_use]
pub fn retry_after(value: &str) -> Option<Duration> {
    let seconds = value.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::{Protocol, retry_after};
    use crate::config::plan::{Api, HttpRequest, StatusClasses};
    use crate::target::protocol::{End, Head, Output};
    use crate::trial::Outcome;
    use std::time::Duration;

    fn http() -> Protocol {
        let request = HttpRequest {
            method: "GET".into(),
            path: "/".into(),
            body: None,
            item: None,
            items_per_request: 1,
        };
        let ok = [200, 204].into();
        Protocol::new(&Api::Http(request), &StatusClasses { ok, shed: [429, 503].into() })
    }

    fn head(status: u16) -> Head<'static> {
        Head { status, content_type: None, content_encoding: None, location: None }
    }

    #[test]
    fn the_status_decides_before_the_body() {
        for (status, outcome) in [
            (200, Outcome::Ok),
            (204, Outcome::Ok),
            (201, Outcome::HttpError),
            (302, Outcome::HttpError),
            (400, Outcome::HttpError),
            (429, Outcome::Shed),
            (503, Outcome::Shed),
        ] {
            let verdict = http().reader(&head(status)).finish(End::Complete);
            assert_eq!(verdict.outcome, outcome, "{status}");
            let closing = (outcome == Outcome::Ok).then_some(Output::Answer);
            assert_eq!(verdict.closing, closing);
        }
    }

    #[test]
    fn a_refusal_says_what_the_target_said() {
        let mut reader = http().reader(&Head { location: Some("/new"), ..head(307) });
        reader.push(b"gone", |_| {});
        let verdict = reader.finish(End::Complete);
        assert_eq!(verdict.detail.as_deref(), Some("status 307, a redirect to /new: gone"));
        for (status, refuses) in [(400, true), (422, true), (500, false)] {
            let mut reader = http().reader(&head(status));
            reader.push(b"unknown field `stream_options`", |_| {});
            assert_eq!(reader.finish(End::Complete).refuses_usage, refuses);
        }
    }

    #[test]
    fn an_endless_refusal_is_not_read_to_its_end() {
        let mut reader = http().reader(&head(500));
        for _ in 0..17 {
            assert!(reader.wants_more());
            reader.push(&[b'x'; 4096], |_| {});
        }
        assert!(!reader.wants_more());
        assert_eq!(reader.finish(End::Stopped(Outcome::Unfinished)).outcome, Outcome::HttpError);
    }

    #[test]
    fn an_encoding_nobody_asked_for_is_malformed() {
        for (encoding, outcome) in
            [("gzip", Outcome::Malformed), ("identity", Outcome::Ok), ("", Outcome::Ok)]
        {
            let reader = http().reader(&Head { content_encoding: Some(encoding), ..head(200) });
            assert_eq!(reader.wants_more(), outcome == Outcome::Ok);
            assert_eq!(reader.finish(End::Complete).outcome, outcome);
        }
    }

    #[test]
    fn a_retry_after_is_seconds_and_bounded() {
        for (value, pause) in [("2", Some(2)), (" 0 ", Some(0)), ("99999", Some(3600))] {
            assert_eq!(retry_after(value), pause.map(Duration::from_secs));
        }
        for value in ["", "-1", "1.5", "Fri, 31 Dec 1999 23:59:59 GMT", "99999999999999999999"] {
            assert_eq!(retry_after(value), None);
        }
    }
}
