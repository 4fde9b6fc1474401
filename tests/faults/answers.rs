//! The bytes of each misbehaviour, written by hand.

use crate::server::Act::{self, Close, Repeat, Reset, Send, SendSlowly, Stall, Times};
use crate::table::{Fault, Shape};

const WORD: &str = r#"{"choices":[{"index":0,"delta":{"content":"word "}}]}"#;
const LAST: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#;
const ERROR: &str = r#"{"error":{"message":"slot lost","code":500}}"#;
const DONE: &str = "[DONE]";
const SSE: &str = "content-type: text/event-stream\r\n";
const JSON: &str = "content-type: application/json\r\n";
const HTML: &str = "content-type: text/html\r\n";
const TEXT: &str = "content-type: text/plain\r\n";

/// What is done with the request of this number on its connection.
pub(crate) fn acts(fault: Fault, shape: Shape, request: usize) -> Vec<Act> {
    match fault {
        Fault::NeverAccepts | Fault::NeverAcceptsInTime | Fault::Refuses | Fault::NeverReads => {
            unreachable!("no request is read")
        }
        Fault::NeverAnswers => vec![Stall],
        Fault::StallsAfterHead => vec![Send(head(shape)), Stall],
        Fault::OnlyPings => vec![Send(head(shape)), Repeat(ping(shape))],
        Fault::StallsInside => vec![Send(begun(shape)), Stall],
        Fault::Endless => vec![Send(head(shape)), Repeat(part(shape))],
        Fault::ClosesAtOnce => vec![Close],
        Fault::ClosesInside => vec![Send(begun(shape)), Close],
        Fault::ResetsAtOnce => vec![Reset],
        Fault::ResetsInside => vec![Send(begun(shape)), Reset],
        Fault::ClosesAfterEach => vec![Send(good(shape)), Close],
        Fault::ClosesWhenReused if request > 0 => vec![Close],
        Fault::ClosesWhenReused => vec![Send(good(shape))],
        Fault::SaysMore => vec![Send([good(shape), good(shape)].concat())],
        Fault::Busy => vec![Send(whole("503 Busy", "retry-after: 1\r\n", "no slot is free"))],
        Fault::TooMany => vec![Send(whole("429 Too Many", JSON, ERROR))],
        Fault::Fails => vec![Send(whole("500 Oops", TEXT, "out of luck"))],
        Fault::Redirects => vec![Send(whole("307 Elsewhere", "location: /login\r\n", ""))],
        Fault::Html => vec![Send(whole("200 OK", HTML, "<title>Log in</title>"))],
        Fault::Error => vec![Send(answer(shape, &[WORD, ERROR], ERROR))],
        Fault::Unended => {
            let json = r#"{"choices":[{"message":{"content":"word"}}]}"#;
            vec![Send(answer(shape, &[WORD, WORD], json))]
        }
        Fault::NoOutput => {
            let json = r#"{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}"#;
            vec![Send(answer(shape, &[DONE], json))]
        }
        Fault::BadJson => vec![Send(answer(shape, &["{\"choices\":", DONE], "{\"choices\":"))],
        Fault::NotHttp => vec![Send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec()), Stall],
        Fault::EndlessHead => {
            vec![Send(b"HTTP/1.1 200 OK\r\n".to_vec()), Repeat(b"x-more: x\r\n".repeat(8_000))]
        }
        Fault::BadChunks => vec![Send(head(shape)), Send(b"no length\r\n".to_vec()), Stall],
        Fault::Oversized => oversized(shape),
        Fault::Gzip => vec![Send(gzip(shape))],
        Fault::SlowHead => vec![SendSlowly(good(shape))],
    }
}

fn media(shape: Shape) -> &'static str {
    match shape {
        Shape::Stream => SSE,
        Shape::Json => JSON,
        Shape::Http => TEXT,
    }
}

/// The head of an answer in chunks.
fn head(shape: Shape) -> Vec<u8> {
    let media = media(shape);
    format!("HTTP/1.1 200 OK\r\n{media}transfer-encoding: chunked\r\n\r\n").into_bytes()
}

/// One HTTP chunk.
fn chunk(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

/// A part that is no output.
fn ping(shape: Shape) -> Vec<u8> {
    match shape {
        Shape::Stream => chunk(b": ping\n\n"),
        Shape::Json | Shape::Http => chunk(b" "),
    }
}

/// A part that is output, where parts are.
fn part(shape: Shape) -> Vec<u8> {
    match shape {
        Shape::Stream => chunk(event(WORD).as_bytes()),
        Shape::Json | Shape::Http => chunk(b"word "),
    }
}

/// The head and the first part of an answer.
fn begun(shape: Shape) -> Vec<u8> {
    [head(shape), part(shape)].concat()
}

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

/// An answer that is whole as HTTP: a stream of these events, or this body.
fn answer(shape: Shape, events: &[&str], body: &str) -> Vec<u8> {
    match shape {
        Shape::Stream => {
            let events = events.iter().map(|data| chunk(event(data).as_bytes()));
            let all: Vec<Vec<u8>> =
                [head(shape)].into_iter().chain(events).chain([b"0\r\n\r\n".to_vec()]).collect();
            all.concat()
        }
        Shape::Json | Shape::Http => whole("200 OK", media(shape), body),
    }
}

pub(crate) fn good(shape: Shape) -> Vec<u8> {
    let json = r#"{"choices":[{"message":{"content":"word"},"finish_reason":"stop"}]}"#;
    answer(shape, &[WORD, WORD, LAST, DONE], json)
}

pub(crate) fn whole(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}

fn gzip(shape: Shape) -> Vec<u8> {
    let packed = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
    let (media, length) = (media(shape), packed.len());
    let head = format!(
        "HTTP/1.1 200 OK\r\n{media}content-encoding: gzip\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), packed].concat()
}

/// An event, or a whole answer, above its limit.
fn oversized(shape: Shape) -> Vec<Act> {
    let block = vec![b'x'; 1 << 20];
    match shape {
        Shape::Stream => vec![
            Send(head(shape)),
            Send(chunk(&[b"data: ", block.as_slice(), b"\n\n"].concat())),
            Send(b"0\r\n\r\n".to_vec()),
        ],
        Shape::Json | Shape::Http => {
            let head = format!(
                "HTTP/1.1 200 OK\r\n{}content-length: {}\r\n\r\n",
                media(shape),
                65 * block.len()
            );
            vec![Send(head.into_bytes()), Times(block, 65)]
        }
    }
}
