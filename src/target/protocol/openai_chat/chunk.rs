//! The JSON of an answer: one chunk of a stream, or the whole of a plain answer. Unknown fields are
//! ignored; texts are borrowed where they hold no escapes.

use crate::target::protocol::Output;
use crate::trial::Usage;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// More tokens than any answer has: a count above it is no count.
const TOKENS_MAX: u64 = 1 << 32;

#[derive(Debug, Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    usage: Option<Counted>,
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Choice<'a> {
    /// Of a stream.
    #[serde(borrow)]
    delta: Option<Said<'a>>,
    /// Of a plain answer.
    #[serde(borrow)]
    message: Option<Said<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    content: Option<Text<'a>>,
    #[serde(borrow)]
    reasoning: Option<Text<'a>>,
    #[serde(borrow)]
    reasoning_content: Option<Text<'a>>,
    #[serde(borrow)]
    refusal: Option<Text<'a>>,
    #[serde(borrow)]
    tool_calls: Option<Vec<ToolCall<'a>>>,
}

#[derive(Debug, Deserialize)]
struct ToolCall<'a> {
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

#[derive(Debug, Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    arguments: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct Counted {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

/// A text that borrows: inside an `Option`, a bare `Cow` would be copied.
#[derive(Debug, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn is_said(text: Option<&Text<'_>>) -> bool {
    text.is_some_and(|text| !text.0.is_empty())
}

impl Said<'_> {
    fn output(&self) -> Option<Output> {
        let calls = self.tool_calls.iter().flatten();
        let mut arguments =
            calls.filter_map(|call| call.function.as_ref()).map(|call| call.arguments.as_ref());
        if is_said(self.content.as_ref())
            || is_said(self.refusal.as_ref())
            || arguments.any(is_said)
        {
            Some(Output::Answer)
        } else if is_said(self.reasoning.as_ref()) || is_said(self.reasoning_content.as_ref()) {
            Some(Output::Reasoning)
        } else {
            None
        }
    }
}

impl<'a> Chunk<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    fn said(&self) -> impl Iterator<Item = &Said<'a>> {
        let choices = self.choices.iter().flatten();
        choices.filter_map(|choice| choice.delta.as_ref().or(choice.message.as_ref()))
    }

    /// What output it carries: none in a chunk with only a role, an empty text or usage.
    pub(super) fn output(&self) -> Option<Output> {
        let mut outputs = self.said().filter_map(Said::output);
        let first = outputs.next()?;
        Some(if outputs.any(|output| output == Output::Answer) { Output::Answer } else { first })
    }

    /// Its part of the answer's text.
    pub(super) fn text(&self) -> impl Iterator<Item = &str> {
        self.said().filter_map(|said| said.content.as_ref()).map(|text| text.0.as_ref())
    }

    /// Why the answer ended, if it says so.
    pub(super) fn finish_reason(&self) -> Option<&str> {
        let choices = self.choices.iter().flatten();
        choices
            .filter_map(|choice| choice.finish_reason.as_ref())
            .map(|reason| reason.0.as_ref())
            .find(|reason| !reason.is_empty())
    }

    /// Token counts, if it holds them.
    pub(super) fn usage(&self) -> Option<Usage> {
        let counted = self.usage.as_ref()?;
        let tokens = counted.completion_tokens.filter(|tokens| *tokens <= TOKENS_MAX)?;
        Some(Usage { prompt_tokens: counted.prompt_tokens.unwrap_or(0), completion_tokens: tokens })
    }

    /// The text of its error, if it is one.
    pub(super) fn error(&self) -> Option<String> {
        let error = self.error.as_ref()?;
        let message = error.get("message").unwrap_or(error);
        Some(message.as_str().map_or_else(|| message.to_string(), str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::Chunk;
    use crate::target::protocol::Output;
    use std::borrow::Cow;

    #[test]
    fn only_what_a_user_would_see_is_output() {
        for (delta, output) in [
            (r#"{"role":"assistant"}"#, None),
            (r#"{"role":"assistant","content":null}"#, None),
            (r#"{"content":""}"#, None),
            (r#"{"tool_calls":[{"function":{"name":"f","arguments":""}}]}"#, None),
            (r#"{"tool_calls":[{"index":0}]}"#, None),
            ("{}", None),
            (r#"{"content":"a"}"#, Some(Output::Answer)),
            (r#"{"role":"assistant","content":" "}"#, Some(Output::Answer)),
            (r#"{"refusal":"no"}"#, Some(Output::Answer)),
            (r#"{"tool_calls":[{"function":{"arguments":"{"}}]}"#, Some(Output::Answer)),
            (r#"{"reasoning_content":"hm"}"#, Some(Output::Reasoning)),
            (r#"{"reasoning":"hm","content":null}"#, Some(Output::Reasoning)),
            (r#"{"reasoning":"hm","content":"a"}"#, Some(Output::Answer)),
        ] {
            for field in ["delta", "message"] {
                let text = format!(r#"{{"id":"x","choices":[{{"index":0,"{field}":{delta}}}]}}"#);
                assert_eq!(Chunk::parse(&text).unwrap().output(), output, "{text}");
            }
        }
        for text in [r#"{"choices":[]}"#, r#"{"choices":null}"#, "{}"] {
            assert_eq!(Chunk::parse(text).unwrap().output(), None);
        }
    }

    #[test]
    fn a_text_without_escapes_is_borrowed() {
        let said = |text: &str| {
            let chunk = Chunk::parse(text).unwrap();
            let choice = chunk.choices.unwrap().remove(0);
            matches!(choice.delta.unwrap().content.unwrap().0, Cow::Borrowed(_))
        };
        assert!(said(r#"{"choices":[{"delta":{"content":"abc"}}]}"#));
        assert!(!said(r#"{"choices":[{"delta":{"content":"a\nc"}}]}"#));
    }

    #[test]
    fn errors_come_in_several_shapes() {
        for (text, error) in [
            (r#"{"error":{"message":"full","code":500}}"#, Some("full")),
            (r#"{"error":"full"}"#, Some("full")),
            (r#"{"error":{"code":5}}"#, Some(r#"{"code":5}"#)),
            (r#"{"error":null,"choices":[]}"#, None),
        ] {
            assert_eq!(Chunk::parse(text).unwrap().error().as_deref(), error);
        }
    }
}
