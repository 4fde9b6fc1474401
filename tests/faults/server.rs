//! A raw server that misbehaves on purpose.

use crate::answers::acts;
use crate::table::{Fault, Shape};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Longest wait for what must happen. It only ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time between two parts of what has no end.
const PAUSE: Duration = Duration::from_millis(10);

/// One thing that the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes, each by itself and a while after the one before.
    SendSlowly(Vec<u8>),
    /// Sends these bytes so many times.
    Times(Vec<u8>, usize),
    /// Sends these bytes again and again.
    Repeat(Vec<u8>),
    /// Waits for this long.
    Wait(Duration),
    /// Never does anything again.
    Stall,
    /// Closes the connection in order.
    Close,
    /// Resets the connection.
    Reset,
}

/// What the server has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    requests: AtomicUsize,
    connections: AtomicUsize,
    /// Connections that are still open.
    open: AtomicUsize,
}

/// The server; it stops when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Seen>,
    _tasks: JoinSet<()>,
    /// What keeps its address as it is.
    _held: Vec<Held>,
}

#[expect(dead_code, reason = "held, not read")]
enum Held {
    Bound(TcpSocket),
    Listening(TcpListener),
    InQueue(TcpStream),
}

/// What is done with a request: its text, and its number on its connection.
type Script = Arc<dyn Fn(&str, usize) -> Vec<Act> + Send + Sync>;

impl Server {
    /// Starts one with this fault for requests of this shape.
    pub(crate) async fn start(fault: Fault, shape: Shape) -> Self {
        if matches!(fault, Fault::NeverAccepts | Fault::NeverAcceptsInTime) {
            Self::with_full_queue().await
        } else if fault == Fault::Refuses {
            Self::refusing()
        } else if fault == Fault::NeverReads {
            Self::not_accepting()
        } else {
            Self::scripted(move |_, request| acts(fault, shape, request))
        }
    }

    /// Starts one that does with each request what `script` says.
    pub(crate) fn scripted(
        script: impl Fn(&str, usize) -> Vec<Act> + Send + Sync + 'static,
    ) -> Self {
        let listener = listener(1_024);
        let address = listener.local_addr().unwrap();
        let (seen, script): (_, Script) = (Arc::new(Seen::default()), Arc::new(script));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, script, Arc::clone(&seen)));
        Self { address, seen, _tasks: tasks, _held: Vec::new() }
    }

    /// Bound, not listening.
    fn refusing() -> Self {
        let socket = socket();
        Self::without_tasks(socket.local_addr().unwrap(), vec![Held::Bound(socket)])
    }

    /// Connections wait in its queue; nobody reads.
    fn not_accepting() -> Self {
        let listener = listener(1_024);
        let address = listener.local_addr().unwrap();
        Self::without_tasks(address, vec![Held::Listening(listener)])
    }

    /// Its queue of connections that nobody accepts is full: the next ones hear nothing.
    async fn with_full_queue() -> Self {
        let listener = listener(0);
        let address = listener.local_addr().unwrap();
        let mut held = vec![Held::Listening(listener)];
        let mut in_vain = 0;
        while in_vain < 2 {
            match timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
                Ok(stream) => held.push(Held::InQueue(stream.unwrap())),
                Err(_) => in_vain += 1,
            }
        }
        Self::without_tasks(address, held)
    }

    fn without_tasks(address: SocketAddr, held: Vec<Held>) -> Self {
        Self { address, seen: Arc::default(), _tasks: JoinSet::new(), _held: held }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Connections that came.
    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Waits until the client has closed all of its connections.
    pub(crate) async fn is_left(&self) {
        self.until(|seen| seen.open.load(Ordering::SeqCst) == 0).await;
    }

    /// Waits until a request has come.
    pub(crate) async fn is_asked(&self) {
        self.until(|seen| seen.requests.load(Ordering::SeqCst) > 0).await;
    }

    async fn until(&self, holds: impl Fn(&Seen) -> bool) {
        let held = async {
            while !holds(&self.seen) {
                sleep(PAUSE).await;
            }
        };
        assert!(timeout(PATIENCE, held).await.is_ok(), "waited in vain: {:?}", self.seen);
    }
}

fn socket() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

fn listener(backlog: u32) -> TcpListener {
    socket().listen(backlog).unwrap()
}

async fn accept(listener: TcpListener, script: Script, seen: Arc<Seen>) {
    let mut serving = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        seen.connections.fetch_add(1, Ordering::SeqCst);
        seen.open.fetch_add(1, Ordering::SeqCst);
        let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
        serving.spawn(async move {
            // The client may close at any time: that is its right.
            let _ = converse(stream, &script, &seen).await;
            seen.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn converse(mut stream: TcpStream, script: &Script, seen: &Seen) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    for number in 0.. {
        let Some(request) = read_request(&mut stream).await? else { break };
        seen.requests.fetch_add(1, Ordering::SeqCst);
        for act in script(&request, number) {
            match act {
                Act::Send(bytes) => stream.write_all(&bytes).await?,
                Act::SendSlowly(bytes) => {
                    for byte in bytes {
                        stream.write_all(&[byte]).await?;
                        sleep(Duration::from_micros(100)).await;
                    }
                }
                Act::Times(bytes, times) => {
                    for _ in 0..times {
                        stream.write_all(&bytes).await?;
                    }
                }
                Act::Repeat(bytes) => loop {
                    stream.write_all(&bytes).await?;
                    sleep(PAUSE).await;
                },
                Act::Wait(length) => sleep(length).await,
                Act::Stall => return read_to_end(&mut stream).await,
                Act::Close => return Ok(()),
                Act::Reset => return stream.set_zero_linger(),
            }
        }
    }
    Ok(())
}

/// Reads until the client closes, and says nothing.
async fn read_to_end(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 4_096];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

/// Head and body of the next request; `None` when the client has closed.
async fn read_request(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 16 << 10]);
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(None),
            n => bytes.extend_from_slice(&buffer[..n]),
        }
        if request_length(&bytes).is_some_and(|length| bytes.len() >= length) {
            return Ok(Some(String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

/// How long the request is, once its head is there.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let mut lengths = text.lines().filter_map(|line| line.strip_prefix("content-length:"));
    Some(head + 4 + lengths.next().map_or(0, |length| length.trim().parse().unwrap()))
}
