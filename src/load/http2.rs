//! HTTP/2: a few connections, which many requests share. Each is driven by tasks of its own, for
//! whoever waits on one stream must not have to read for the others.

use super::arrival::{Arrival, Newest};
use super::dial::{Transport, dial, no_tls};
use super::draft::Draft;
use super::endpoint::Endpoint;
use super::exchange::Observer;
use super::failure::{Failure, end_of_body};
use super::kernel::Kernel;
use super::lane::AnswerHead;
use super::stamped::{Payload, Stamped, Trunk, Wire};
use crate::target::protocol::End;
use crate::trial::Outcome;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use hyper::rt::Executor;
use hyper::{Response, http};
use hyper_util::rt::TokioIo;
use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

/// Most bytes of one answer that are on their way to us …
const STREAM_WINDOW: u32 = 1 << 20;
/// … and of all answers on one connection: no stream waits because others are not read.
const CONNECTION_WINDOW: u32 = 16 << 20;

/// How a connection is opened.
pub(super) struct Dialling<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) tls: Option<&'a TlsConnector>,
    pub(super) kernel: &'a Rc<Kernel>,
}

/// The connections to one place.
pub(super) struct Shared {
    lines: Vec<Rc<Line>>,
    tasks: Rc<RefCell<JoinSet<()>>>,
}

/// The place of one connection.
#[derive(Default)]
struct Line {
    /// Requests on it, also those that wait for it to open.
    in_flight: Cell<usize>,
    open: Mutex<Option<Open>>,
}

#[derive(Clone)]
struct Open {
    sender: SendRequest<Payload>,
    trunk: Rc<Trunk>,
    is_broken: Rc<Cell<bool>>,
}

/// One request's share of a connection. Dropping what it sent, or the answer, resets its stream and
/// nothing else.
pub(super) struct Stream {
    open: Open,
    wire: Rc<Wire>,
    told: Told,
    head: Option<Answering>,
    body: Option<Incoming>,
    _seat: Seat,
}

type Answering = Pin<Box<dyn Future<Output = hyper::Result<Response<Incoming>>>>>;

/// What the observer of a request has been told.
#[derive(Debug, Default)]
struct Told {
    begun: bool,
    written: bool,
}

impl Told {
    fn look(&mut self, wire: &Wire, observer: &dyn Observer) {
        if wire.has_begun() && !self.begun {
            self.begun = true;
            observer.begun();
        }
        if let Some(at) = wire.written().filter(|_| !self.written) {
            self.written = true;
            observer.written(at);
        }
    }
}

impl Stream {
    /// Begins a request.
    pub(super) fn begin(&mut self, draft: Draft) {
        let request = draft.on(&self.wire);
        self.head = Some(Box::pin(self.open.sender.send_request(request)));
    }

    /// Waits for the head of the answer, and when it came.
    pub(super) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        observer: &dyn Observer,
    ) -> Poll<Result<(AnswerHead, Arrival), Failure>> {
        self.told.look(&self.wire, observer);
        let Some(head) = &mut self.head else {
            return Poll::Ready(Err(Failure::new(Outcome::Unsent, "there is no request")));
        };
        let response = match ready!(head.as_mut().poll(cx)) {
            Ok(response) => response,
            Err(error) => return Poll::Ready(Err(Failure::head(&error))),
        };
        let arrival = self.wire.read();
        self.told.look(&self.wire, observer);
        if !self.told.written {
            // A target may answer before it has read all of the request.
            observer.written(arrival.at);
        }
        observer.first_byte(arrival);
        let (parts, body) = response.into_parts();
        (self.head, self.body) = (None, Some(body));
        Poll::Ready(Ok((head_of(&parts), arrival)))
    }

    /// Waits for more of the body and hands it to `sink`; how the body ended, once it has.
    pub(super) fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut dyn FnMut(&[u8], Arrival),
    ) -> Poll<Option<End>> {
        let Some(body) = &mut self.body else { return Poll::Ready(Some(End::Reset)) };
        match ready!(Pin::new(body).poll_frame(cx)) {
            None => Poll::Ready(Some(End::Complete)),
            Some(Err(error)) => Poll::Ready(Some(end_of_body(&error))),
            Some(Ok(frame)) => {
                let arrival = self.wire.read();
                if let Some(data) = frame.data_ref() {
                    sink(data, arrival);
                }
                Poll::Ready(None)
            }
        }
    }

    /// Whether the request has gone out whole.
    pub(super) fn is_written(&self) -> bool {
        self.wire.written().is_some()
    }

    /// Whether a part of an answer came.
    pub(super) fn has_answered(&self) -> bool {
        self.wire.has_answered()
    }

    /// The connection under it has died: nobody shall use it any more.
    pub(super) fn give_up(&self) {
        self.open.is_broken.set(true);
    }
}

/// A request's place on a line.
struct Seat(Rc<Line>);

impl Seat {
    fn take(line: &Rc<Line>) -> Self {
        line.in_flight.set(line.in_flight.get() + 1);
        Self(Rc::clone(line))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.in_flight.set(self.0.in_flight.get().saturating_sub(1));
    }
}

impl Shared {
    /// Room for this many connections; none is open.
    pub(super) fn new(connections: NonZeroUsize) -> Self {
        let lines = std::iter::repeat_with(Rc::default).take(connections.get()).collect();
        Self { lines, tasks: Rc::default() }
    }

    /// How many connections there may be.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// A stream on the connection with the fewest, and how long it took to open that if it was not
    /// open.
    pub(super) async fn stream(
        &self,
        dialling: &Dialling<'_>,
    ) -> Result<(Stream, Option<Duration>), Failure> {
        let line = self.lines.iter().min_by_key(|line| line.in_flight.get());
        let line = line.ok_or_else(|| Failure::new(Outcome::Unsent, "there is no connection"))?;
        let seat = Seat::take(line);
        let (open, took) = self.opened(line, dialling).await?;
        let wire = Rc::new(Wire::within(&open.trunk));
        let (told, head, body) = (Told::default(), None, None);
        Ok((Stream { open, wire, told, head, body, _seat: seat }, took))
    }

    /// Opens the connection of this number, unless it is open.
    pub(super) async fn warm(&self, number: usize, dialling: &Dialling<'_>) -> Result<(), Failure> {
        match self.lines.get(number) {
            Some(line) => self.opened(line, dialling).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Connections that are open, as far as is known.
    pub(super) fn count(&self) -> usize {
        let is_open = |line: &&Rc<Line>| {
            line.open.try_lock().is_ok_and(|open| open.as_ref().is_some_and(Open::lives))
        };
        self.lines.iter().filter(is_open).count()
    }

    /// The connection of a line. While one request opens it, the others wait for it.
    async fn opened(
        &self,
        line: &Line,
        dialling: &Dialling<'_>,
    ) -> Result<(Open, Option<Duration>), Failure> {
        let mut open = line.open.lock().await;
        if let Some(open) = open.as_ref().filter(|open| open.lives()) {
            return Ok((open.clone(), None));
        }
        let since = Instant::now();
        // Boxed, for a request in flight shall not carry the room that a handshake needs.
        let opened = Box::pin(self.open(dialling)).await?;
        *open = Some(opened.clone());
        Ok((opened, Some(since.elapsed())))
    }

    async fn open(&self, dialling: &Dialling<'_>) -> Result<Open, Failure> {
        let Dialling { endpoint, tls, kernel } = dialling;
        let newest = Rc::new(Newest::default());
        let trunk = Rc::new(Trunk::new(&newest));
        let sender = match dial(endpoint, *tls, kernel, &newest).await? {
            Transport::Tcp(stream) => self.over(stream, &trunk).await?,
            Transport::Unix(stream) => self.over(stream, &trunk).await?,
            Transport::Tls(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                self.over(*stream, &trunk).await?
            }
            Transport::Tls(_) => return Err(no_tls(endpoint, "it does not speak http/2")),
        };
        Ok(Open { sender, trunk, is_broken: Rc::default() })
    }

    async fn over<T>(&self, stream: T, trunk: &Rc<Trunk>) -> Result<SendRequest<Payload>, Failure>
    where
        T: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let tasks = Tasks(Rc::downgrade(&self.tasks));
        let io = TokioIo::new(Stamped::new(stream, trunk));
        let (sender, connection) = Builder::new(tasks.clone())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .handshake(io)
            .await
            .map_err(|error| Failure::new(Outcome::Connect, error.to_string()))?;
        tasks.execute(async move {
            // Its streams hear of it.
            let _ended = connection.await;
        });
        Ok(sender)
    }
}

fn head_of(parts: &http::response::Parts) -> AnswerHead {
    AnswerHead {
        status: parts.status.as_u16(),
        content_type: text(&parts.headers, CONTENT_TYPE),
        content_encoding: text(&parts.headers, CONTENT_ENCODING),
        location: text(&parts.headers, LOCATION),
        retry_after: text(&parts.headers, RETRY_AFTER),
    }
}

/// The value of a header, if it is there and readable.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

impl Open {
    fn lives(&self) -> bool {
        !self.is_broken.get() && !self.sender.is_closed()
    }
}

/// Runs the tasks of connections, for as long as these are wanted. Needs a `LocalSet` or a `LocalRuntime`.
#[derive(Clone)]
struct Tasks(Weak<RefCell<JoinSet<()>>>);

impl<F: Future<Output = ()> + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        let Some(tasks) = self.0.upgrade() else { return };
        let mut tasks = tasks.borrow_mut();
        while let Some(ended) = tasks.try_join_next() {
            if let Err(error) = ended
                && let Ok(panic) = error.try_into_panic()
            {
                resume_unwind(panic);
            }
        }
        tasks.spawn_local(task);
    }
}
