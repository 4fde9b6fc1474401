//! The bodies of the OpenAI-compatible routes, in and out.

use super::MODEL;
use serde::Deserialize;
use serde_json::{Value, json};

/// Tokens of an answer when the request names no number.
const MAX_TOKENS_DEFAULT: u32 = 16;

/// The words that the answers are made of, one a token.
const WORDS: [&str; 8] = ["the", "load", "line", "is", "painted", "on", "the", "hull"];

/// Which of the two routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    /// `/v1/chat/completions`.
    Chat,
    /// `/v1/completions`.
    Text,
}

/// How the answer is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// One JSON document.
    Plain,
    /// Server-sent events.
    Stream,
    /// Server-sent events, the last but one with the usage.
    StreamWithUsage,
}

/// A request that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) api: Api,
    /// As the client named it; any name is served.
    pub(super) model: Option<String>,
    /// Words of the prompt, at least 1.
    pub(super) prompt_tokens: u32,
    /// The limit of the answer.
    pub(super) output_tokens: u32,
    /// Where it may first end by itself; the limit with `ignore_eos: true`.
    pub(super) output_min: u32,
    pub(super) delivery: Delivery,
}

/// Why a body is answered 400.
#[derive(Debug, thiserror::Error)]
pub(super) enum OrderError {
    #[error("the body is not the JSON that this route takes")]
    Malformed(#[source] serde_json::Error),
    #[error("`messages` is empty, expected at least one")]
    NoMessages,
    #[error("`prompt` has {found} entries, expected one")]
    SeveralPrompts { found: usize },
    #[error("`n` is {n}, expected 1")]
    SeveralChoices { n: u32 },
    #[error("`max_tokens` is 0, expected at least 1")]
    NoTokens,
    #[error("`min_tokens` is {min}, expected at most the limit of {max}")]
    MinAboveMax { min: u32, max: u32 },
    #[error("`stream_options` is given, expected only together with `stream: true`")]
    OptionsWithoutStream,
}

#[derive(Deserialize)]
struct ChatBody {
    messages: Vec<Message>,
    #[serde(flatten)]
    common: Common,
}

#[derive(Deserialize)]
struct TextBody {
    prompt: Prompt,
    #[serde(flatten)]
    common: Common,
}

#[derive(Deserialize)]
struct Common {
    model: Option<String>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    min_tokens: Option<u32>,
    ignore_eos: Option<bool>,
    n: Option<u32>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Prompt {
    Text(String),
    Tokens(Vec<u32>),
    Texts(Vec<String>),
}

impl Order {
    /// Reads a body.
    pub(super) fn parse(api: Api, body: &[u8]) -> Result<Self, OrderError> {
        let (common, prompt_tokens) = match api {
            Api::Chat => {
                let body: ChatBody = serde_json::from_slice(body).map_err(OrderError::Malformed)?;
                if body.messages.is_empty() {
                    return Err(OrderError::NoMessages);
                }
                (body.common, body.messages.iter().map(Message::words).sum())
            }
            Api::Text => {
                let body: TextBody = serde_json::from_slice(body).map_err(OrderError::Malformed)?;
                (body.common, body.prompt.tokens()?)
            }
        };
        let output_tokens = common.output_tokens()?;
        let output_min = common.output_min(output_tokens);
        let delivery = common.delivery()?;
        let prompt_tokens = u32::try_from(prompt_tokens).unwrap_or(u32::MAX).max(1);
        Ok(Self { api, model: common.model, prompt_tokens, output_tokens, output_min, delivery })
    }
}

impl Common {
    fn output_tokens(&self) -> Result<u32, OrderError> {
        if let Some(n) = self.n.filter(|n| *n != 1) {
            return Err(OrderError::SeveralChoices { n });
        }
        let max = self.max_completion_tokens.or(self.max_tokens).unwrap_or(MAX_TOKENS_DEFAULT);
        if max == 0 {
            return Err(OrderError::NoTokens);
        }
        match self.min_tokens.filter(|min| *min > max) {
            Some(min) => Err(OrderError::MinAboveMax { min, max }),
            None => Ok(max),
        }
    }

    fn output_min(&self, max: u32) -> u32 {
        match self.ignore_eos {
            Some(true) => max,
            Some(false) | None => self.min_tokens.unwrap_or(0).max(max / 2).max(1),
        }
    }

    fn delivery(&self) -> Result<Delivery, OrderError> {
        let streams = self.stream == Some(true);
        match &self.stream_options {
            Some(_) if !streams => Err(OrderError::OptionsWithoutStream),
            Some(options) if options.include_usage == Some(true) => Ok(Delivery::StreamWithUsage),
            Some(_) | None if streams => Ok(Delivery::Stream),
            Some(_) | None => Ok(Delivery::Plain),
        }
    }
}

impl Message {
    fn words(&self) -> usize {
        match &self.content {
            Some(Content::Text(text)) => words(text),
            Some(Content::Parts(parts)) => {
                parts.iter().filter_map(|part| part.text.as_deref()).map(words).sum()
            }
            None => 0,
        }
    }
}

impl Prompt {
    fn tokens(&self) -> Result<usize, OrderError> {
        match self {
            Self::Text(text) => Ok(words(text)),
            Self::Tokens(tokens) => Ok(tokens.len()),
            Self::Texts(texts) => match texts.as_slice() {
                [text] => Ok(words(text)),
                several => Err(OrderError::SeveralPrompts { found: several.len() }),
            },
        }
    }
}

/// A word is a token here, so that a client can make a prompt of any length without a tokenizer.
fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// Writes the answer to one order.
#[derive(Debug)]
pub(super) struct Scribe {
    api: Api,
    id: String,
    model: String,
    prompt_tokens: u32,
    written: u32,
    words: std::iter::Cycle<std::array::IntoIter<&'static str, 8>>,
}

impl Scribe {
    /// For the request of that number.
    pub(super) fn new(order: &Order, number: u64) -> Self {
        let id = match order.api {
            Api::Chat => format!("chatcmpl-{number}"),
            Api::Text => format!("cmpl-{number}"),
        };
        Self {
            api: order.api,
            id,
            model: order.model.clone().unwrap_or_else(|| MODEL.to_owned()),
            prompt_tokens: order.prompt_tokens,
            written: 0,
            words: WORDS.into_iter().cycle(),
        }
    }

    /// The next token's text; all but the first begin with a space.
    pub(super) fn token(&mut self) -> String {
        let word = self.words.next().unwrap_or_default();
        self.written += 1;
        if self.written == 1 { word.to_owned() } else { format!(" {word}") }
    }

    /// The chunk before the first token, of which only a chat has one; none once a token is
    /// written.
    pub(super) fn role(&self) -> Option<Value> {
        (self.api == Api::Chat && self.written == 0).then(|| {
            let delta = json!({ "role": "assistant", "content": "" });
            self.chunk(json!([{ "index": 0, "delta": delta, "finish_reason": null }]))
        })
    }

    /// The chunk of one token.
    pub(super) fn text(&self, token: &str) -> Value {
        self.chunk(match self.api {
            Api::Chat => {
                json!([{ "index": 0, "delta": { "content": token }, "finish_reason": null }])
            }
            Api::Text => json!([{ "index": 0, "text": token, "finish_reason": null }]),
        })
    }

    /// The chunk that says why it ended.
    pub(super) fn finish(&self, reason: &str) -> Value {
        self.chunk(match self.api {
            Api::Chat => json!([{ "index": 0, "delta": {}, "finish_reason": reason }]),
            Api::Text => json!([{ "index": 0, "text": "", "finish_reason": reason }]),
        })
    }

    /// The chunk after it, with the usage.
    pub(super) fn last(&self) -> Value {
        let mut chunk = self.chunk(json!([]));
        if let Some(fields) = chunk.as_object_mut() {
            fields.insert("usage".to_owned(), self.usage());
        }
        chunk
    }

    /// The whole answer in one document; `finish_reason` is null where it was cut.
    pub(super) fn document(&self, text: &str, finish_reason: Option<&str>) -> Value {
        let (object, choice) = match self.api {
            Api::Chat => {
                let message = json!({ "role": "assistant", "content": text });
                (
                    "chat.completion",
                    json!({ "index": 0, "message": message, "finish_reason": finish_reason }),
                )
            }
            Api::Text => (
                "text_completion",
                json!({ "index": 0, "text": text, "finish_reason": finish_reason }),
            ),
        };
        json!({
            "id": self.id, "object": object, "created": 0, "model": self.model,
            "choices": [choice], "usage": self.usage(),
        })
    }

    /// `created` is 0: the demo knows no date.
    fn chunk(&self, choices: Value) -> Value {
        let object = match self.api {
            Api::Chat => "chat.completion.chunk",
            Api::Text => "text_completion",
        };
        json!({
            "id": self.id, "object": object, "created": 0, "model": self.model,
            "choices": choices,
        })
    }

    fn usage(&self) -> Value {
        json!({
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.written,
            "total_tokens": self.prompt_tokens.saturating_add(self.written),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(more: &str) -> Result<Order, OrderError> {
        let body = format!(r#"{{"messages":[{{"role":"user","content":"a b"}}]{more}}}"#);
        Order::parse(Api::Chat, body.as_bytes())
    }

    #[test]
    fn a_word_is_a_token_whatever_holds_it() {
        for (api, body, tokens) in [
            (Api::Chat, r#"{"messages":[{"content":"a  b\n"},{"content":"c"}]}"#, 3),
            (
                Api::Chat,
                r#"{"messages":[{"content":[{"type":"text","text":"a b"},{"type":"image"}]}]}"#,
                2,
            ),
            (Api::Chat, r#"{"messages":[{"role":"assistant","content":null}]}"#, 1),
            (Api::Text, r#"{"prompt":"a b c"}"#, 3),
            (Api::Text, r#"{"prompt":["a b"]}"#, 2),
            (Api::Text, r#"{"prompt":[7,8,9,10]}"#, 4),
            (Api::Text, r#"{"prompt":""}"#, 1),
        ] {
            assert_eq!(Order::parse(api, body.as_bytes()).unwrap().prompt_tokens, tokens, "{body}");
        }
    }

    #[test]
    fn the_limit_is_the_newer_name_then_the_older_then_16() {
        for (more, tokens) in [
            ("", 16),
            (r#","max_tokens":5,"min_tokens":5,"ignore_eos":true"#, 5),
            (r#","max_tokens":5,"max_completion_tokens":6"#, 6),
            (r#","max_tokens":null,"temperature":0.1,"unknown":[]"#, 16),
        ] {
            assert_eq!(chat(more).unwrap().output_tokens, tokens, "{more}");
        }
    }

    #[test]
    fn an_answer_may_end_from_half_of_its_limit_unless_told_otherwise() {
        for (more, min) in [
            ("", 8),
            (r#","max_tokens":1"#, 1),
            (r#","max_tokens":5,"ignore_eos":false"#, 2),
            (r#","max_tokens":5,"min_tokens":1"#, 2),
            (r#","max_tokens":5,"min_tokens":4"#, 4),
            (r#","max_tokens":5,"ignore_eos":true"#, 5),
        ] {
            assert_eq!(chat(more).unwrap().output_min, min, "{more}");
        }
    }

    #[test]
    fn the_usage_is_streamed_only_when_asked() {
        for (more, delivery) in [
            ("", Delivery::Plain),
            (r#","stream":false"#, Delivery::Plain),
            (r#","stream":true"#, Delivery::Stream),
            (r#","stream":true,"stream_options":{"include_usage":false}"#, Delivery::Stream),
            (
                r#","stream":true,"stream_options":{"include_usage":true}"#,
                Delivery::StreamWithUsage,
            ),
        ] {
            assert_eq!(chat(more).unwrap().delivery, delivery, "{more}");
        }
    }

    #[test]
    fn what_cannot_be_served_is_refused_by_name() {
        for (more, text) in [
            (r#","max_tokens":0"#, "`max_tokens` is 0"),
            (r#","max_tokens":-1"#, "the body is not"),
            (r#","max_tokens":2,"min_tokens":3"#, "`min_tokens` is 3"),
            (r#","n":2"#, "`n` is 2"),
            (r#","stream_options":{"include_usage":true}"#, "`stream_options`"),
            (r#","stream":"yes""#, "the body is not"),
            (",", "the body is not"),
        ] {
            let error = chat(more).unwrap_err().to_string();
            assert!(error.contains(text), "{more}: {error}");
        }
        assert!(matches!(
            Order::parse(Api::Chat, br#"{"messages":[]}"#),
            Err(OrderError::NoMessages)
        ));
        let two = Order::parse(Api::Text, br#"{"prompt":["a","b"]}"#);
        assert!(matches!(two, Err(OrderError::SeveralPrompts { found: 2 })));
    }

    #[test]
    fn an_answer_sent_back_counts_as_many_words_as_it_had_tokens() {
        let order = chat("").unwrap();
        let mut scribe = Scribe::new(&order, 0);
        let text: String = (0..20).map(|_| scribe.token()).collect();
        assert_eq!(words(&text), 20);
    }
}
