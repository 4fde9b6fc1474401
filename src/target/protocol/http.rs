//! One plain HTTP request per turn. Its unit of output is the complete answer, which may be empty.

use super::answer::{ANSWER_BYTES_MAX, End, Output, Verdict};
use super::api::{Asked, Outgoing};
use super::template::{expand_by, percent_encoded, value};
use crate::config::plan::HttpRequest;
use crate::trial::Outcome;
use crate::workload::{Dial, Setting};

/// The request of this turn.
pub(super) fn outgoing(request: &HttpRequest, asked: &Asked<'_>) -> Outgoing {
    let count = match asked.setting {
        Some(Setting { dial: Dial::Items, value }) => *value,
        Some(_) | None => request.items_per_request,
    };
    let value = |name: &str| match (name, &request.item) {
        ("items", Some(item)) => Some(items(item, count, asked)),
        ("item_count", _) => Some(count.to_string()),
        _ => value(name, asked),
    };
    let body = request.body.as_ref().map(|body| expand_by(body, value).into_owned());
    let is_json = body.as_ref().is_some_and(|body| body.trim_start().starts_with(['{', '[']));
    Outgoing {
        method: request.method.clone(),
        path: percent_encoded(&expand_by(&request.path, value)),
        content_type: is_json.then_some("application/json"),
        body: body.map(String::into_bytes),
    }
}

/// So many renderings of an item, joined by commas.
fn items(item: &str, count: u32, asked: &Asked<'_>) -> String {
    let of = |number: u32| {
        expand_by(item, |name| match name {
            "item" => Some(number.to_string()),
            _ => value(name, asked),
        })
    };
    let mut whole = String::new();
    for number in 0..count {
        if number > 0 {
            whole.push(',');
        }
        whole.push_str(&of(number));
    }
    whole
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

#[cfg(test)]
mod tests {
    use super::outgoing;
    use crate::config::plan::HttpRequest;
    use crate::target::protocol::Asked;
    use crate::workload::{Dial, HistoryMode, Salt, Session, Setting, Turn};
    use std::time::Duration;

    /// Path and body of a batch under this setting.
    fn batch(dial: Option<(Dial, u32)>) -> (String, String) {
        let turn = Turn { prompt_tokens: 1, output_tokens: 1, think_time: Duration::ZERO };
        let session = Session { index: 7, offset: 0.0, turns: vec![turn] };
        let setting = dial.map(|(dial, value)| Setting { dial, value });
        let asked = Asked {
            session: &session,
            turn: 0,
            request: 0,
            salt: Salt::new(1, 2, "c", 3),
            history: HistoryMode::None,
            answers: &[],
            setting: setting.as_ref(),
        };
        let request = HttpRequest {
            method: "POST".into(),
            path: "/ingest?n={item_count}".into(),
            body: Some("{\"all\": [{items}], \"k\": {k}}".into()),
            item: Some("{\"id\": \"{session}-{item}\"}".into()),
            items_per_request: 2,
        };
        let outgoing = outgoing(&request, &asked);
        (outgoing.path, String::from_utf8(outgoing.body.unwrap()).unwrap())
    }

    #[test]
    fn a_batch_has_as_many_items_as_the_suite_or_the_trial_says() {
        let (path, body) = batch(None);
        assert_eq!(path, "/ingest?n=2");
        assert_eq!(body, r#"{"all": [{"id": "7-0"},{"id": "7-1"}], "k": {k}}"#);
        let (path, body) = batch(Some((Dial::Items, 1)));
        assert_eq!((path.as_str(), body.matches("id").count()), ("/ingest?n=1", 1));
        assert_eq!(batch(Some((Dial::Items, 300))).1.matches("id").count(), 300);
        let (_, body) = batch(Some((Dial::Parameter("k".into()), 5)));
        assert_eq!(body, r#"{"all": [{"id": "7-0"},{"id": "7-1"}], "k": 5}"#);
    }
}
