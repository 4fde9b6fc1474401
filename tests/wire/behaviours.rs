//! Every way to answer, and the class that must come out.

use crate::client::{SHORT, ask, chat, http, limits, target};
use crate::on_one_thread;
use crate::server::{Act, Server, chunk, head, stream, whole};
use plimsoll::config::plan::{Api, TargetPlan, Timeouts};
use plimsoll::load::Client;
use plimsoll::trial::Outcome;

const ROLE: &str = r#"{"choices":[{"delta":{"role":"assistant","content":null}}]}"#;
const WORD: &str = r#"{"choices":[{"index":0,"delta":{"content":"hé"},"finish_reason":null}]}"#;
const STOP: &str = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
const USAGE: &str = r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}"#;
const ERROR: &str = r#"{"error":{"message":"slot lost","code":500}}"#;
const DONE: &str = "[DONE]";
const SSE: &str = "content-type: text/event-stream\r\n";
const JSON: &str = "content-type: application/json\r\n";
const PLAIN: &str = r#"{"choices":[{"message":{"role":"assistant","content":"hi"},
    "finish_reason":"length"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}"#;

struct Case {
    name: &'static str,
    api: Api,
    limits: Timeouts,
    acts: Vec<Act>,
    outcome: Outcome,
}

fn case(name: &'static str, api: Api, outcome: Outcome, acts: Vec<Act>) -> Case {
    Case { name, api, limits: limits(), acts, outcome }
}

/// A streamed answer made of one piece.
fn streamed(name: &'static str, outcome: Outcome, bytes: Vec<u8>) -> Case {
    case(name, chat(true), outcome, vec![Act::Send(bytes)])
}

fn plain(name: &'static str, outcome: Outcome, bytes: Vec<u8>) -> Case {
    case(name, chat(false), outcome, vec![Act::Send(bytes)])
}

fn sized(size: usize) -> Vec<u8> {
    let text = "x".repeat(size);
    stream(&[&format!(r#"{{"choices":[{{"delta":{{"content":"{text}"}}}}]}}"#), STOP, DONE], true)
}

fn streams() -> Vec<Case> {
    let garbled = b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\xfe\"}}]}\n\n";
    let not_text = [head("200 OK", SSE), chunk(garbled), b"0\r\n\r\n".to_vec()].concat();
    vec![
        streamed("ok", Outcome::Ok, stream(&[ROLE, WORD, WORD, STOP, USAGE, DONE], true)),
        streamed("finish reason, no [DONE]", Outcome::Ok, stream(&[WORD, STOP], true)),
        streamed("[DONE], no finish reason", Outcome::Ok, stream(&[WORD, DONE], true)),
        streamed("a large legal event", Outcome::Ok, sized(900 << 10)),
        streamed("an event of over 1 MiB", Outcome::Oversized, sized(1 << 20)),
        streamed("truncated, ended in order", Outcome::Truncated, stream(&[ROLE, WORD], true)),
        streamed("empty stream", Outcome::Truncated, stream(&[], true)),
        streamed("no output", Outcome::Empty, stream(&[ROLE, STOP, USAGE, DONE], true)),
        streamed("finish reason only", Outcome::Empty, stream(&[STOP], true)),
        streamed("[DONE] only", Outcome::Empty, stream(&[DONE], true)),
        streamed("error, then [DONE]", Outcome::StreamError, stream(&[WORD, ERROR, DONE], true)),
        streamed("error at once", Outcome::StreamError, stream(&[ERROR], true)),
        streamed("not utf-8", Outcome::Malformed, not_text),
        streamed("bad json", Outcome::Malformed, stream(&[WORD, "{\"choices\":", DONE], true)),
        streamed(
            "html",
            Outcome::Malformed,
            whole("200 OK", "content-type: text/html\r\n", "<html>login</html>"),
        ),
        streamed("a plain answer", Outcome::Malformed, whole("200 OK", JSON, PLAIN)),
        streamed("a plain error", Outcome::StreamError, whole("200 OK", JSON, ERROR)),
        streamed(
            "gzip",
            Outcome::Malformed,
            whole("200 OK", &format!("{SSE}content-encoding: gzip\r\n"), "\u{1f}zz"),
        ),
        streamed("not http", Outcome::Malformed, b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec()),
        streamed(
            "bad framing",
            Outcome::Malformed,
            [head("200 OK", SSE), b"not a length\r\n".to_vec()].concat(),
        ),
        case(
            "split at every byte",
            chat(true),
            Outcome::Ok,
            vec![Act::SendBytewise(stream(&[ROLE, WORD, WORD, STOP, USAGE, DONE], true))],
        ),
    ]
}

fn statuses() -> Vec<Case> {
    let redirect = whole("307 Temporary Redirect", "location: /other\r\n", "");
    let mut cases = Vec::new();
    for stream in [true, false] {
        for (name, outcome, bytes) in [
            ("503", Outcome::Shed, whole("503 Busy", "retry-after: 2\r\n", "busy")),
            ("429", Outcome::Shed, whole("429 Slow Down", "", "")),
            ("500", Outcome::HttpError, whole("500 Oops", JSON, ERROR)),
            ("redirect", Outcome::HttpError, redirect.clone()),
        ] {
            cases.push(case(name, chat(stream), outcome, vec![Act::Send(bytes)]));
        }
    }
    cases
}

fn plains() -> Vec<Case> {
    let get = || http("GET", "/", None);
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\ncontent-type: application/json\r\n\r\n{";
    let until_close = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nbody";
    vec![
        plain("plain ok", Outcome::Ok, whole("200 OK", JSON, PLAIN)),
        plain(
            "plain html",
            Outcome::Malformed,
            whole("200 OK", "content-type: text/html\r\n", "<"),
        ),
        plain("plain error", Outcome::StreamError, whole("200 OK", JSON, ERROR)),
        plain("plain without body", Outcome::Malformed, whole("200 OK", JSON, "")),
        case(
            "plain cut",
            chat(false),
            Outcome::Truncated,
            vec![Act::Send(half.to_vec()), Act::Close],
        ),
        case("http ok", get(), Outcome::Ok, vec![Act::Send(whole("200 OK", "", "x"))]),
        case("http empty", get(), Outcome::Ok, vec![Act::Send(whole("200 OK", "", ""))]),
        case(
            "http 204",
            get(),
            Outcome::Ok,
            vec![Act::Send(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())],
        ),
        case("http cut", get(), Outcome::Truncated, vec![Act::Send(half.to_vec()), Act::Close]),
        case(
            "http until close",
            get(),
            Outcome::Ok,
            vec![Act::Send(until_close.to_vec()), Act::Close],
        ),
    ]
}

fn endings() -> Vec<Case> {
    let ping = chunk(b": ping\n\n");
    let word = chunk(format!("data: {WORD}\n\n").as_bytes());
    let late = |name, limits, outcome, acts| Case { name, api: chat(true), limits, acts, outcome };
    let begun = || Act::Send(stream(&[ROLE, WORD], false));
    let first = Timeouts { first_chunk: SHORT, ..limits() };
    let between = Timeouts { between_chunks: SHORT, ..limits() };
    let total = Timeouts { total: SHORT, ..limits() };
    vec![
        late("never answers", first, Outcome::TimeoutFirst, vec![Act::Stall]),
        late(
            "head, then nothing",
            first,
            Outcome::TimeoutFirst,
            vec![Act::Send(stream(&[ROLE], false)), Act::Stall],
        ),
        late(
            "pings instead of a first chunk",
            first,
            Outcome::TimeoutFirst,
            vec![Act::Send(stream(&[ROLE], false)), Act::Repeat(ping.clone())],
        ),
        late("stalls", between, Outcome::TimeoutBetween, vec![begun(), Act::Stall]),
        late(
            "stalls with pings",
            between,
            Outcome::TimeoutBetween,
            vec![begun(), Act::Repeat(ping)],
        ),
        late("endless", total, Outcome::TimeoutTotal, vec![begun(), Act::Repeat(word)]),
        late(
            "[DONE], but no end of the body",
            between,
            Outcome::Ok,
            vec![Act::Send(stream(&[WORD, DONE], false)), Act::Stall],
        ),
        late("cut in the middle", limits(), Outcome::Truncated, vec![begun(), Act::Close]),
        late("reset in the middle", limits(), Outcome::Reset, vec![begun(), Act::Reset]),
        late("reset at once", limits(), Outcome::Reset, vec![Act::Reset]),
        late("closed at once", limits(), Outcome::Reset, vec![Act::Close]),
    ]
}

#[test]
fn every_behaviour_has_its_class() {
    on_one_thread(async {
        for case in [streams(), statuses(), plains(), endings()].into_iter().flatten() {
            let Case { name, api, limits, acts, outcome } = case;
            let server = Server::start(move |_| acts.clone()).await;
            let target = TargetPlan { timeouts: limits, ..target(api) };
            let client = Client::new(&target, &[server.url()]).await.unwrap();
            let (exchanged, heard) = ask(&client, 0, 0).await;
            assert_eq!(exchanged.ending.outcome, outcome, "{name}: {exchanged:?}");
            assert_eq!(exchanged.detail.is_none(), outcome == Outcome::Ok, "{name}");
            assert_eq!(exchanged.ending.reconnects, 0, "{name}");
            assert_eq!(heard.written.get(), 1, "{name}");
            assert!(outcome != Outcome::Ok || heard.chunks() > 0, "{name}");
        }
    });
}
