//! A target that costs next to nothing, to measure what the generator itself costs: a fixed small
//! answer to a GET, a fixed stream of output chunks to a POST. On loopback, in a thread of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Output chunks of a stream.
pub(super) const CHUNKS: u64 = 20;
/// Time between them: each must be read by itself, as those of a real stream.
const GAP: Duration = Duration::from_millis(1);
const PLAIN: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const CHUNK: &str = r#"data: {"id":"null","object":"chat.completion.chunk","created":0,"model":"null","system_fingerprint":"null","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}]}"#;
const LAST: &str =
    r#"data: {"id":"null","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const DONE: &str = "data: [DONE]";
/// A request that is larger is none of ours.
const REQUEST_BYTES_MAX: usize = 64 * 1_024;

/// Answers until it is dropped.
#[derive(Debug)]
pub(super) struct NullTarget {
    address: SocketAddr,
    _ends_with_us: DropGuard,
}

impl NullTarget {
    pub(super) fn start() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("null-target".to_owned()).spawn(move || {
            runtime.block_on(stopped.run_until_cancelled(serve(listener)));
        })?;
        Ok(Self { address, _ends_with_us: stop.drop_guard() })
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve(listener: std::net::TcpListener) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let mut connections = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await?;
        connections.spawn(answer(socket));
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(mut socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let stream = [framed(CHUNK), framed(LAST), format!("{}0\r\n\r\n", framed(DONE))];
    let mut seen = Vec::with_capacity(4_096);
    loop {
        if socket.read_buf(&mut seen).await? == 0 || seen.len() > REQUEST_BYTES_MAX {
            return Ok(());
        }
        while let Some(length) = request_length(&seen) {
            let is_stream = seen.starts_with(b"POST");
            seen.drain(..length.min(seen.len()));
            if is_stream {
                answer_stream(&mut socket, &stream).await?;
            } else {
                socket.write_all(PLAIN).await?;
            }
        }
    }
}

async fn answer_stream(socket: &mut TcpStream, parts: &[String; 3]) -> io::Result<()> {
    let [chunk, last, done] = parts;
    socket.write_all(HEAD).await?;
    for _ in 0..CHUNKS {
        socket.write_all(chunk.as_bytes()).await?;
        tokio::time::sleep(GAP).await;
    }
    socket.write_all(last.as_bytes()).await?;
    socket.write_all(done.as_bytes()).await
}

/// An event as one piece of a body without a known length.
fn framed(event: &str) -> String {
    format!("{:x}\r\n{event}\n\n\r\n", event.len() + 2)
}

/// Length of the first request in `bytes`, once it is whole.
fn request_length(bytes: &[u8]) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    let head = bytes.windows(END.len()).position(|part| part == END)?;
    let text = std::str::from_utf8(bytes.get(..head)?).unwrap_or_default();
    let body: usize = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.trim().parse().ok())
        .unwrap_or(0);
    let length = head.saturating_add(END.len()).saturating_add(body);
    (bytes.len() >= length).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::{framed, request_length};

    #[test]
    fn a_request_is_whole_with_its_body() {
        for (text, length) in [
            ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", Some(27)),
            ("GET / HTTP/1.1\r\nhost: a\r\n\r\nGET", Some(27)),
            ("GET / HTTP/1.1\r\nhost: a\r\n", None),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", None),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", Some(41)),
            ("", None),
        ] {
            assert_eq!(request_length(text.as_bytes()), length, "{text:?}");
        }
    }

    #[test]
    fn a_piece_says_its_length() {
        assert_eq!(framed("data: [DONE]"), "e\r\ndata: [DONE]\n\n\r\n");
    }
}
