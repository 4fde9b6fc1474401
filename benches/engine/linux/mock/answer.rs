//! The bytes of the answers, made once.

use std::fmt::Write as _;

/// What a stream consists of.
#[derive(Debug)]
pub(super) struct Stream {
    /// Head of the answer and the chunk that only names the role, written at once.
    pub(super) head: Vec<u8>,
    /// One content chunk of some 300 bytes.
    pub(super) chunk: Vec<u8>,
    /// Finish reason, usage, `[DONE]`, and the end of the body.
    pub(super) tail: Vec<u8>,
}

/// A plain answer: 28 bytes of body.
pub(super) fn plain() -> Vec<u8> {
    whole("text/plain", "twenty-eight bytes in answer")
}

/// The answer to a client that asks which models there are.
pub(super) fn models() -> Vec<u8> {
    let body = r#"{"object":"list","data":[{"id":"mock","object":"model","created":1,"owned_by":"mock"}]}"#;
    whole("application/json", body)
}

/// A stream of `chunks` tokens.
pub(super) fn stream(chunks: usize) -> Stream {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
    let role = choices(r#"{"role":"assistant","content":""}"#, "null");
    let content = choices(r#"{"content":" token"}"#, "null");
    let finish = choices("{}", r#""stop""#);
    let usage = format!(
        r#""choices":[],"usage":{{"prompt_tokens":16,"completion_tokens":{chunks},"total_tokens":{}}}"#,
        chunks + 16
    );
    let mut tail = event(&finish) + &event(&usage) + &piece("data: [DONE]\n\n");
    tail.push_str("0\r\n\r\n");
    Stream {
        head: format!("{head}{}", event(&role)).into_bytes(),
        chunk: event(&content).into_bytes(),
        tail: tail.into_bytes(),
    }
}

fn whole(kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}");
    format!("{head}\r\n\r\n{body}").into_bytes()
}

fn choices(delta: &str, finish: &str) -> String {
    format!(
        r#""choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}],"usage":null"#
    )
}

/// A server-sent event with an object of the chat API.
fn event(fields: &str) -> String {
    let common = r#""id":"chatcmpl-0123456789abcdef0123456789abcdef","object":"chat.completion.chunk","created":1700000000,"model":"mock","system_fingerprint":"fp_0123456789""#;
    piece(&format!("data: {{{common},{fields}}}\n\n"))
}

/// One piece of a chunked body.
fn piece(data: &str) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(text, "{:x}\r\n{data}\r\n", data.len());
    text
}
