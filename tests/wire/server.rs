//! A raw server that misbehaves on purpose.

use crate::identity::Identity;
use std::cell::RefCell;
use std::future::pending;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio_rustls::server::TlsStream;

/// One thing that the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes, each by itself.
    SendBytewise(Vec<u8>),
    /// Lets what was sent be read.
    Pause,
    /// Sends these bytes again and again.
    Repeat(Vec<u8>),
    /// Never does anything again.
    Stall,
    /// Closes the connection in order.
    Close,
    /// Resets the connection.
    Reset,
}

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Number of its connection, from 0.
    pub(crate) connection: usize,
    /// Number of the request on it, from 0.
    pub(crate) request: usize,
    /// Head and body.
    pub(crate) text: String,
}

/// What the server has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) calls: Vec<Call>,
    pub(crate) connections: usize,
    /// Connections that ended from the client's side.
    pub(crate) closed: usize,
}

type Script = dyn Fn(&Call) -> Vec<Act>;

/// The server; it stops when dropped.
pub(crate) struct Server {
    url: String,
    pub(crate) seen: Rc<RefCell<Seen>>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Starts one on a free port, which does with each request what `script` says. Needs a
    /// `LocalSet`.
    pub(crate) async fn start(script: impl Fn(&Call) -> Vec<Act> + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let accept = async move || {
            let (tcp, _) = listener.accept().await.unwrap();
            tcp.set_nodelay(true).unwrap();
            tcp
        };
        Self::over(url, accept, script)
    }

    /// The same behind a socket at `path`.
    pub(crate) fn start_at(path: &Path, script: impl Fn(&Call) -> Vec<Act> + 'static) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let url = format!("unix:{}", path.display());
        Self::over(url, async move || listener.accept().await.unwrap().0, script)
    }

    /// The same over TLS, as `localhost`, with the certificate of `identity`. A handshake that fails
    /// is a connection that was not seen.
    pub(crate) async fn start_tls(
        identity: &Identity,
        script: impl Fn(&Call) -> Vec<Act> + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let acceptor = identity.acceptor(&[b"http/1.1"]);
        let accept = async move || loop {
            let (tcp, _) = listener.accept().await.unwrap();
            tcp.set_nodelay(true).unwrap();
            if let Ok(stream) = acceptor.accept(tcp).await {
                return stream;
            }
        };
        Self::over(url, accept, script)
    }

    fn over<S: Line>(
        url: String,
        mut accept: impl AsyncFnMut() -> S + 'static,
        script: impl Fn(&Call) -> Vec<Act> + 'static,
    ) -> Self {
        let seen = Rc::new(RefCell::new(Seen::default()));
        let script: Rc<Script> = Rc::new(script);
        let mut tasks = JoinSet::new();
        let all = Rc::clone(&seen);
        tasks.spawn_local(async move {
            let mut serving = JoinSet::new();
            loop {
                let stream = accept().await;
                let connection = all.borrow().connections;
                all.borrow_mut().connections += 1;
                serving.spawn_local(serve(stream, connection, Rc::clone(&script), Rc::clone(&all)));
            }
        });
        Self { url, seen, _tasks: tasks }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.borrow().connections
    }

    /// Waits until what was seen satisfies `condition`; fails after ten seconds.
    pub(crate) async fn until(&self, condition: impl Fn(&Seen) -> bool) {
        let poll = async {
            while !condition(&self.seen.borrow()) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), poll).await.expect("never seen");
    }
}

/// What a server can speak over.
pub(crate) trait Line: AsyncRead + AsyncWrite + Unpin + 'static {
    /// From now on, to be dropped means to be reset.
    fn reset(&self);
}

impl Line for TcpStream {
    fn reset(&self) {
        self.set_zero_linger().unwrap();
    }
}

impl Line for UnixStream {
    fn reset(&self) {}
}

impl Line for TlsStream<TcpStream> {
    fn reset(&self) {
        self.get_ref().0.set_zero_linger().unwrap();
    }
}

async fn serve<S: Line>(
    mut stream: S,
    connection: usize,
    script: Rc<Script>,
    seen: Rc<RefCell<Seen>>,
) {
    for request in 0.. {
        let Some(text) = read_request(&mut stream).await else { break };
        let call = Call { connection, request, text };
        seen.borrow_mut().calls.push(call.clone());
        for act in script(&call) {
            let sent = match act {
                Act::Send(bytes) => stream.write_all(&bytes).await,
                Act::SendBytewise(bytes) => bytewise(&mut stream, &bytes).await,
                Act::Pause => {
                    tokio::task::yield_now().await;
                    tokio::task::yield_now().await;
                    Ok(())
                }
                Act::Repeat(bytes) => repeat(&mut stream, &bytes).await,
                Act::Stall => stall(&mut stream).await,
                Act::Close => return,
                Act::Reset => {
                    stream.reset();
                    return;
                }
            };
            if sent.is_err() {
                seen.borrow_mut().closed += 1;
                return;
            }
        }
    }
    seen.borrow_mut().closed += 1;
}

async fn bytewise(stream: &mut impl Line, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte]).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn repeat(stream: &mut impl Line, bytes: &[u8]) -> std::io::Result<()> {
    loop {
        stream.write_all(bytes).await?;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Does nothing until the client closes the connection.
async fn stall(stream: &mut impl Line) -> std::io::Result<()> {
    match stream.read(&mut [0; 64]).await? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        _ => pending().await,
    }
}

/// Head and body of the next request; `None` when the client has closed. What does not start like
/// HTTP is a request of its own.
async fn read_request(stream: &mut impl Line) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let mut wanted = None;
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
        wanted = wanted.or_else(|| request_length(&bytes));
        if wanted.is_some_and(|length| bytes.len() >= length) {
            return Some(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}

/// How long the request is, once its head is there.
fn request_length(bytes: &[u8]) -> Option<usize> {
    if !bytes.first()?.is_ascii_uppercase() {
        return Some(bytes.len());
    }
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let mut lengths = text.lines().filter_map(|line| line.strip_prefix("content-length:"));
    Some(head + 4 + lengths.next().map_or(0, |length| length.trim().parse().unwrap()))
}

/// The head of an answer in chunks.
pub(crate) fn head(status: &str, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ntransfer-encoding: chunked\r\n{headers}\r\n").into_bytes()
}

/// One HTTP chunk.
pub(crate) fn chunk(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

/// A whole answer with a length.
pub(crate) fn whole(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
        .into_bytes()
}

/// A stream of these events; ended in order only if `ended`.
pub(crate) fn stream(events: &[&str], ended: bool) -> Vec<u8> {
    let mut bytes = head("200 OK", "content-type: text/event-stream\r\n");
    for data in events {
        bytes.extend(chunk(format!("data: {data}\n\n").as_bytes()));
    }
    if ended {
        bytes.extend(b"0\r\n\r\n");
    }
    bytes
}
