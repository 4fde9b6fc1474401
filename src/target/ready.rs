//! When a target counts as ready: its own 2xx on its own port.

use crate::target::descendants::Process;
use crate::target::listeners::{Listener, PortOwner, listener};
use crate::target::tail::readable;
use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// Pause between two attempts at first; the start-up time is known no better than this.
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// Longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_millis(100);
/// Longest wait for one answer. A server may take the connection before it serves, so this is
/// long; an attempt that was lost is repeated after it.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// Longest status line.
const STATUS_BYTES_MAX: usize = 1024;
/// Most of a body that is read only so that the server does not see a reset.
const BODY_BYTES_MAX: u64 = 64 * 1024;
/// Longest time for it.
const BODY_WAIT: Duration = Duration::from_millis(200);
/// Sights of a stranger in a row that convince: one may be a process table read in motion.
const STRANGER_SIGHTS: u32 = 3;

/// How an attempt to see whether a target is ready ended; `Display` continues `GET …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// There was no attempt yet.
    NotTried,
    /// Nothing listens.
    Refused,
    /// Connected, but no answer came.
    Silent,
    /// The connection was closed before an answer.
    Closed,
    /// A status other than 2xx.
    Status(u16),
    /// What came is not HTTP; its first characters.
    NotHttp(String),
    /// Connecting or reading failed.
    Failed(io::ErrorKind),
    /// A status of 2xx.
    Ready,
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTried => f.write_str("was not tried"),
            Self::Refused => f.write_str("was refused: nothing listens there"),
            Self::Silent => f.write_str("was accepted but not answered"),
            Self::Closed => f.write_str("was closed without an answer"),
            Self::Status(status) => write!(f, "answered {status}, a 2xx is needed"),
            Self::NotHttp(start) => write!(f, "was not answered in HTTP but with `{start}`"),
            Self::Failed(kind) => write!(f, "failed: {kind}"),
            Self::Ready => f.write_str("answered 2xx"),
        }
    }
}

/// The answer of a ready target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Readiness {
    /// When it came.
    pub(super) at: Instant,
    /// Whether it was seen to be the target's.
    pub(super) owner: PortOwner,
}

/// Asks again and again until a 2xx comes, or a stranger answers (`Err`). `last` always holds how
/// the latest attempt stands, for whoever stops waiting.
pub(super) async fn until_ready(
    port: u16,
    path: &str,
    guard: i32,
    last: &mut Probe,
) -> Result<Readiness, Option<Process>> {
    let mut pause = PAUSE_MIN;
    let mut sights = 0;
    loop {
        if timeout(ANSWER_WAIT, attempt(port, path, last)).await.is_err() && *last != Probe::Silent
        {
            *last = Probe::Failed(io::ErrorKind::TimedOut);
        }
        if *last == Probe::Ready {
            let at = Instant::now();
            match listener(port, guard) {
                Listener::Ours => return Ok(Readiness { at, owner: PortOwner::Verified }),
                Listener::Unknown => return Ok(Readiness { at, owner: PortOwner::Unverified }),
                Listener::Stranger(owner) => {
                    sights += 1;
                    if sights == STRANGER_SIGHTS {
                        return Err(owner);
                    }
                }
            }
        }
        sleep(pause).await;
        pause = (pause + pause / 8).clamp(PAUSE_MIN, PAUSE_MAX);
    }
}

/// One `GET`; `last` holds how far it came.
async fn attempt(port: u16, path: &str, last: &mut Probe) {
    *last = match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
        Ok(stream) => {
            *last = Probe::Silent;
            match ask(stream, port, path).await {
                Ok(probe) => probe,
                Err(error) => Probe::Failed(error.kind()),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Probe::Refused,
        Err(error) => Probe::Failed(error.kind()),
    };
}

async fn ask(mut stream: TcpStream, port: u16, path: &str) -> io::Result<Probe> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: plimsoll\r\n\
         Accept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::with_capacity(STATUS_BYTES_MAX);
    while !head.contains(&b'\n') && head.len() < STATUS_BYTES_MAX {
        if stream.read_buf(&mut head).await? == 0 {
            break;
        }
    }
    let probe = read_status(&head);
    // a close with unread bytes is a reset, which many servers log as an error
    let mut rest = stream.take(BODY_BYTES_MAX);
    let _ = timeout(BODY_WAIT, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    Ok(probe)
}

/// Reads `HTTP/1.1 200 …`.
fn read_status(head: &[u8]) -> Probe {
    if head.is_empty() {
        return Probe::Closed;
    }
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = readable(line);
    let status = line
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1))
        .filter(|status| status.len() == 3)
        .and_then(|status| status.parse().ok());
    match status {
        Some(200..=299) => Probe::Ready,
        Some(status) => Probe::Status(status),
        None => Probe::NotHttp(line.chars().take(40).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_a_2xx_in_http_is_ready() {
        let not_http = |text: &str| Probe::NotHttp(text.to_owned());
        let table: &[(&[u8], Probe)] = &[
            (b"HTTP/1.1 200 OK\r\n", Probe::Ready),
            (b"HTTP/1.0 204\r\n", Probe::Ready),
            (b"HTTP/1.1 200", Probe::Ready),
            (b"HTTP/1.1 302 Found\r\n", Probe::Status(302)),
            (b"HTTP/1.1 404 Not Found\r\n", Probe::Status(404)),
            (b"HTTP/1.1 503 Loading\r\n", Probe::Status(503)),
            (b"HTTP/1.1 2000 OK\r\n", not_http("HTTP/1.1 2000 OK")),
            (b"HTTP/1.1 20", not_http("HTTP/1.1 20")),
            (b"HTTP/2 200\r\n", not_http("HTTP/2 200")),
            (b"SSH-2.0-OpenSSH\r\n", not_http("SSH-2.0-OpenSSH")),
            (b"\x1b[2J\xff\r\n", not_http("\u{fffd}")),
            (b"", Probe::Closed),
        ];
        for (head, expected) in table {
            assert_eq!(read_status(head), *expected, "{}", head.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let probe = read_status(&bytes);
            prop_assert_eq!(probe == Probe::Closed, bytes.is_empty());
        }
    }
}
