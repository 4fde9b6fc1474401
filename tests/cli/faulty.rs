//! Servers that misbehave, each in one way.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// What a server does with a `POST`. A `GET` is always answered 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None: a streamed answer of two tokens.
    None,
    /// None, but a `GET` waits for longer than a first chunk may.
    SlowToGreet,
    /// 500 where the number after `k=` in the path is above this.
    RefusesAbove(u32),
    /// 404 for all.
    NotFound,
    /// 401, with the request's headers in the body.
    EchoesHeaders,
    /// A page instead of a stream.
    Html,
    /// The stream ends in the middle, in order.
    Truncated,
    /// A stream that is packed although nobody asked for it.
    Gzip,
    /// Chunks for ever.
    Endless,
    /// A chunk of 1 MiB of one event, then a proper end.
    Large,
    /// An event that is no UTF-8.
    NotText,
    /// Reads, and never answers.
    Silent,
    /// Reads, and closes without an answer.
    Resets,
    /// Not even a `GET` is answered.
    Dead,
    /// Prints each request's headers, and answers like `EchoesHeaders`.
    Prints,
    /// Serves this many requests (more than one trial has) since its start or its last `POST /reset`,
    /// then the process ends with code 3.
    Dies(usize),
}

/// A server in this process. Its threads end with it.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
}

impl Server {
    pub(crate) fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || serve(&listener, fault));
        Self { address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

/// A suite against `target` (`url: …` or `command: …`) that is over in seconds: two trials,
/// which find no capacity.
pub(crate) fn suite(target: &str) -> String {
    format!(
        "version: 1
suite: small
target:
  {target}
  model: m
  timeouts: {{ first_chunk: 300ms, between_chunks: 200ms, total: 400ms }}
checks:
  rate:
    capacity: {{ knob: rate, from: 50, to: 100, trial: 1s, max_trials: 2 }}
    slos: [ p95 ttfc < 200ms, error_rate < 1% ]
budget: {{ time: 15s }}
"
    )
}

fn serve(listener: &TcpListener, fault: Fault) {
    let served = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let (stream, served) = (stream.unwrap(), Arc::clone(&served));
        thread::spawn(move || {
            // The client may close at any time: that is its right.
            let _ = converse(stream, fault, &served);
        });
    }
}

fn converse(mut stream: TcpStream, fault: Fault, served: &AtomicUsize) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(head) = read_request(&mut reader)? {
        if fault == Fault::Dead {
            return hold(reader);
        }
        if head.starts_with("GET ") {
            if fault == Fault::SlowToGreet {
                pause(Duration::from_millis(600));
            }
            stream.write_all(&whole("200 OK", "text/plain", b"here"))?;
            continue;
        }
        if head.starts_with("POST /reset ") {
            let status = if served.swap(0, Ordering::Relaxed) == 0 { "500" } else { "204" };
            let answer = format!("HTTP/1.1 {status} Some\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes())?;
            continue;
        }
        match fault {
            Fault::None | Fault::SlowToGreet => stream.write_all(&answer())?,
            Fault::RefusesAbove(most) => {
                let k = head.split_once("k=").and_then(|(_, rest)| rest.split_once(' ')).unwrap().0;
                let is_fine = k.parse::<u32>().unwrap() <= most;
                let status = if is_fine { "200 OK" } else { "500 Too Large" };
                stream.write_all(&whole(status, "text/plain", b"so"))?;
            }
            Fault::NotFound => stream.write_all(&whole("404 Not Found", "text/plain", b"no"))?,
            Fault::EchoesHeaders | Fault::Prints => {
                if fault == Fault::Prints {
                    eprint!("{head}");
                }
                stream.write_all(&whole("401 Unauthorized", "text/plain", head.as_bytes()))?;
            }
            Fault::Html => {
                let page = b"<!doctype html><title>Welcome</title>";
                stream.write_all(&whole("200 OK", "text/html", page))?;
            }
            Fault::Truncated => stream.write_all(&events(&[TOKEN], b""))?,
            Fault::Gzip => {
                let packed = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
                let kind = "text/event-stream\r\ncontent-encoding: gzip";
                stream.write_all(&whole("200 OK", kind, packed))?;
            }
            Fault::Endless => {
                stream.write_all(&head_of_stream())?;
                loop {
                    stream.write_all(&chunk(event(TOKEN).as_bytes()))?;
                    pause(Duration::from_millis(20));
                }
            }
            Fault::Large => {
                let text = "x".repeat(1 << 20);
                let large = format!(r#"{{"choices":[{{"delta":{{"content":"{text}"}}}}]}}"#);
                stream.write_all(&events(&[&large, TOKEN, LAST, "[DONE]"], b""))?;
            }
            Fault::NotText => stream.write_all(&events(&[TOKEN], b"data: {\"\xff\xfe\n\n"))?,
            Fault::Silent => return hold(reader),
            Fault::Resets => return Ok(()),
            Fault::Dies(after) => {
                if served.fetch_add(1, Ordering::Relaxed) >= after {
                    die();
                }
                stream.write_all(&answer())?;
            }
            Fault::Dead => unreachable!("handled above"),
        }
    }
    Ok(())
}

/// Reads on and answers nothing, until the client closes.
fn hold(mut reader: BufReader<TcpStream>) -> std::io::Result<()> {
    std::io::copy(&mut reader, &mut std::io::sink()).map(|_| ())
}

/// The head of the next request, its body read and dropped; `None` when the client has closed.
fn read_request(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    Ok(Some(head))
}

const TOKEN: &str = r#"{"choices":[{"index":0,"delta":{"content":"word "}}]}"#;
const LAST: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#;

fn answer() -> Vec<u8> {
    events(&[TOKEN, TOKEN, LAST, "[DONE]"], b"")
}

fn head_of_stream() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        .into()
}

/// A whole stream of these events and then `tail`, closed in order.
fn events(all: &[&str], tail: &[u8]) -> Vec<u8> {
    let mut bytes = head_of_stream();
    for data in all {
        bytes.extend(chunk(event(data).as_bytes()));
    }
    if !tail.is_empty() {
        bytes.extend(chunk(tail));
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

fn chunk(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

fn whole(status: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

use super::processes::pause;

#[expect(clippy::exit, clippy::disallowed_methods, reason = "this process is a server that dies")]
fn die() -> ! {
    eprintln!("fatal: out of luck");
    std::process::exit(3)
}

/// How a suite starts this test binary as a managed target with `fault`.
pub(crate) fn command(fault: &str) -> String {
    let program = std::env::current_exe().unwrap();
    format!(
        "command: [{:?}, --ignored, --exact, faulty::serves, --nocapture]\n  \
         env: {{ PORT: \"{{port}}\", FAULT: {fault} }}",
        program.display()
    )
}

#[test]
#[ignore = "a server for other tests, started by Plimsoll"]
fn serves() {
    let variable = |name: &str| {
        std::env::vars_os().find(|(key, _)| key == name).unwrap().1.into_string().unwrap()
    };
    let fault = match variable("FAULT").as_str() {
        "none" => Fault::None,
        "dies" => Fault::Dies(120),
        "fills" => Fault::Dies(180),
        "prints" => Fault::Prints,
        other => panic!("no fault `{other}`"),
    };
    let port: u16 = variable("PORT").parse().unwrap();
    serve(&TcpListener::bind(("127.0.0.1", port)).unwrap(), fault);
}
