//! The body of a request.

use crate::target::protocol::{Asked, UsageField};
use crate::workload::{Message, Role, conversation};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};

/// The body for this turn. Text in `extra` that is nothing but a variable, in braces, that stands for a
/// number becomes that number. A field of `extra` replaces ours, except `messages` and `stream`: those
/// are what is measured.
pub(in crate::target::protocol) fn body(
    model: &str,
    stream: bool,
    extra: &Map<String, Value>,
    asked: &Asked<'_>,
    usage: UsageField,
) -> Result<Vec<u8>, serde_json::Error> {
    let messages =
        conversation(asked.session, asked.turn, asked.salt, asked.history, asked.answers);
    let max_tokens = asked.session.turns.get(asked.turn).map(|turn| turn.output_tokens);
    serde_json::to_vec(&Body {
        model,
        messages: &messages,
        stream,
        with_usage: stream && usage == UsageField::Asked,
        max_tokens,
        extra,
        asked,
    })
}

struct Body<'a> {
    model: &'a str,
    messages: &'a [Message],
    stream: bool,
    with_usage: bool,
    max_tokens: Option<u32>,
    extra: &'a Map<String, Value>,
    asked: &'a Asked<'a>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct WireMessage<'a> {
    role: &'static str,
    content: &'a str,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_ours = |name: &str| !self.extra.contains_key(name);
        let messages: Vec<WireMessage<'_>> = self.messages.iter().map(wire_message).collect();
        let mut map = serializer.serialize_map(None)?;
        if is_ours("model") {
            map.serialize_entry("model", self.model)?;
        }
        map.serialize_entry("messages", &messages)?;
        map.serialize_entry("stream", &self.stream)?;
        if self.with_usage && is_ours("stream_options") {
            map.serialize_entry("stream_options", &StreamOptions { include_usage: true })?;
        }
        if let Some(max_tokens) = self.max_tokens.filter(|_| is_ours("max_tokens")) {
            map.serialize_entry("max_tokens", &max_tokens)?;
        }
        for (name, value) in self.extra {
            if !matches!(name.as_str(), "messages" | "stream") {
                map.serialize_entry(name, &Filled(value, self.asked))?;
            }
        }
        map.end()
    }
}

/// A value of `extra` with its variables replaced.
struct Filled<'a>(&'a Value, &'a Asked<'a>);

impl Serialize for Filled<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(value, asked) = *self;
        let number = |text: &str| asked.number(text.strip_prefix('{')?.strip_suffix('}')?);
        match value {
            Value::String(text) => match number(text) {
                Some(number) => serializer.serialize_u32(number),
                None => serializer.serialize_str(text),
            },
            Value::Array(values) => {
                serializer.collect_seq(values.iter().map(|value| Filled(value, asked)))
            }
            Value::Object(values) => serializer
                .collect_map(values.iter().map(|(name, value)| (name, Filled(value, asked)))),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.serialize(serializer),
        }
    }
}

fn wire_message(message: &Message) -> WireMessage<'_> {
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    WireMessage { role, content: &message.text }
}

#[cfg(test)]
mod tests {
    use super::body;
    use crate::target::protocol::{Asked, UsageField};
    use crate::workload::{Dial, HistoryMode, Salt, Session, Setting, Turn};
    use serde_json::{Map, Value, json};
    use std::time::Duration;

    fn written(stream: bool, extra: Value, usage: UsageField) -> Value {
        let turn = Turn { prompt_tokens: 3, output_tokens: 8, think_time: Duration::ZERO };
        let session = Session { index: 0, offset: 0.0, turns: vec![turn; 2] };
        let setting = Setting { dial: Dial::Parameter("top_k".into()), value: 40 };
        let asked = Asked {
            session: &session,
            turn: 1,
            request: 0,
            salt: Salt::new(1, 1, "c", 0),
            history: HistoryMode::Inherit,
            answers: &["said \"so\"\n".to_owned()],
            setting: Some(&setting),
        };
        let extra: Map<String, Value> = serde_json::from_value(extra).unwrap();
        serde_json::from_slice(&body("tiny", stream, &extra, &asked, usage).unwrap()).unwrap()
    }

    #[test]
    fn a_streamed_request_asks_for_usage_and_carries_the_history() {
        let body = written(true, json!({}), UsageField::Asked);
        assert_eq!(body["model"], "tiny");
        assert_eq!(body["stream"], true);
        assert_eq!(body["stream_options"], json!({"include_usage": true}));
        assert_eq!(body["max_tokens"], 8);
        let roles: Vec<&str> = body["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["role"].as_str().unwrap())
            .collect();
        assert_eq!(roles, ["user", "assistant", "user"]);
        assert_eq!(body["messages"][1]["content"], "said \"so\"\n");
    }

    #[test]
    fn a_plain_request_or_a_target_that_refuses_it_gets_no_stream_options() {
        for (stream, usage) in [(false, UsageField::Asked), (true, UsageField::Omitted)] {
            assert!(written(stream, json!({}), usage).get("stream_options").is_none());
        }
    }

    #[test]
    fn extra_fields_are_merged_and_win_except_over_what_is_measured() {
        let extra = json!({
            "ignore_eos": true, "max_tokens": 5, "model": "other", "stream": false, "messages": [],
            "stream_options": {"include_usage": false},
        });
        let body = written(true, extra, UsageField::Asked);
        assert_eq!((&body["ignore_eos"], &body["max_tokens"]), (&json!(true), &json!(5)));
        assert_eq!((&body["model"], &body["stream"]), (&json!("other"), &json!(true)));
        assert_eq!(body["messages"].as_array().unwrap().len(), 3);
        assert_eq!(body["stream_options"], json!({"include_usage": false}));
    }

    #[test]
    fn only_whole_variables_that_stand_for_a_number_become_one() {
        let extra = json!({
            "top_k": "{top_k}", "min_tokens": "{output_tokens}", "deep": [{ "k": "{top_k}" }],
            "text": "k={top_k}", "other": "{salt}", "none": null,
        });
        let body = written(true, extra, UsageField::Asked);
        assert_eq!((&body["top_k"], &body["min_tokens"]), (&json!(40), &json!(8)));
        assert_eq!(body["deep"], json!([{ "k": 40 }]));
        assert_eq!((&body["text"], &body["other"]), (&json!("k={top_k}"), &json!("{salt}")));
        assert_eq!(body["none"], Value::Null);
    }
}
