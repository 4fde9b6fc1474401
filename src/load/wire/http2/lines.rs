//! The connections to one place, which many requests share. Each is driven by tasks of its own, for
//! whoever waits on one stream must not have to read for the others.

use super::stream::Stream;
use super::trunk::{Payload, Stamped, Trunk, Wire};
use crate::load::wire::arrival::Newest;
use crate::load::wire::dial::{Transport, dial, no_tls};
use crate::load::wire::endpoint::Endpoint;
use crate::load::wire::failure::Failure;
use crate::load::wire::kernel::Kernel;
use crate::trial::Outcome;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::rt::Executor;
use hyper_util::rt::TokioIo;
use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::rc::{Rc, Weak};
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
pub(in crate::load::wire) struct Dialling<'a> {
    pub(in crate::load::wire) endpoint: &'a Endpoint,
    pub(in crate::load::wire) tls: Option<&'a TlsConnector>,
    pub(in crate::load::wire) kernel: &'a Rc<Kernel>,
}

/// The connections to one place.
pub(in crate::load::wire) struct Shared {
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

/// A connection that is open.
#[derive(Clone)]
pub(super) struct Open {
    pub(super) sender: SendRequest<Payload>,
    trunk: Rc<Trunk>,
    /// It has died: nobody shall use it any more.
    pub(super) is_broken: Rc<Cell<bool>>,
}

/// A request's place on a line.
pub(super) struct Seat(Rc<Line>);

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
    pub(in crate::load::wire) fn new(connections: NonZeroUsize) -> Self {
        let lines = std::iter::repeat_with(Rc::default).take(connections.get()).collect();
        Self { lines, tasks: Rc::default() }
    }

    /// How many connections there may be.
    pub(in crate::load::wire) fn len(&self) -> usize {
        self.lines.len()
    }

    /// A stream on the connection with the fewest, and how long it took to open that if it was not
    /// open.
    pub(in crate::load::wire) async fn stream(
        &self,
        dialling: &Dialling<'_>,
    ) -> Result<(Stream, Option<Duration>), Failure> {
        let line = self.lines.iter().min_by_key(|line| line.in_flight.get());
        let line = line.ok_or_else(|| Failure::new(Outcome::Unsent, "there is no connection"))?;
        let seat = Seat::take(line);
        let (open, took) = self.opened(line, dialling).await?;
        let wire = Wire::within(&open.trunk);
        Ok((Stream::new(open, wire, seat), took))
    }

    /// Opens the connection of this number, unless it is open.
    pub(in crate::load::wire) async fn warm(
        &self,
        number: usize,
        dialling: &Dialling<'_>,
    ) -> Result<(), Failure> {
        match self.lines.get(number) {
            Some(line) => self.opened(line, dialling).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Connections that are open, as far as is known.
    pub(in crate::load::wire) fn count(&self) -> usize {
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

impl Open {
    fn lives(&self) -> bool {
        !self.is_broken.get() && !self.sender.is_closed()
    }
}

/// Runs the tasks of connections, for as long as these are wanted. Needs a `LocalSet` or a
/// `LocalRuntime`.
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
