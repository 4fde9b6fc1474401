//! A connection that carries one request at a time.

use super::framing::Framing;
use super::head::{self, Parsed};
use crate::load::wire::arrival::{Arrival, Newest};
use crate::load::wire::dial::{Transport, dial};
use crate::load::wire::endpoint::Endpoint;
use crate::load::wire::exchange::Observer;
use crate::load::wire::failure::{Failure, end_of_read};
use crate::load::wire::kernel::Kernel;
use crate::load::wire::lane::AnswerHead;
use crate::target::protocol::End;
use crate::trial::Outcome;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

/// Room for what came with a head that a connection keeps for the next one.
const HELD_BYTES_KEPT: usize = 1_024;

/// A request as it goes over the wire.
#[derive(Debug)]
pub(in crate::load::wire) struct Written {
    /// Head and body.
    pub(in crate::load::wire) bytes: Vec<u8>,
    /// Whether it asks for the head of an answer only.
    pub(in crate::load::wire) is_head: bool,
}

/// A connection.
pub(in crate::load::wire) struct Connection {
    transport: Transport,
    newest: Rc<Newest>,
    kernel: Rc<Kernel>,
    request: Written,
    sending: Sending,
    /// A part of a head, or what came with the head.
    held: Vec<u8>,
    held_since: Arrival,
    has_answered: bool,
    framing: Framing,
    keeps: bool,
}

/// How far a request has come.
#[derive(Debug)]
enum Sending {
    /// So many bytes of it are in the socket, or on their way through TLS.
    Accepted(usize),
    /// All of it is in the socket.
    Done,
    /// The rest of it cannot be written; an answer may come all the same.
    Failed(io::Error),
}

impl Connection {
    /// Opens one, TLS included.
    pub(in crate::load::wire) async fn open(
        endpoint: &Endpoint,
        tls: Option<&TlsConnector>,
        kernel: &Rc<Kernel>,
    ) -> Result<Self, Failure> {
        let newest = Rc::new(Newest::default());
        let transport = dial(endpoint, tls, kernel, &newest).await?;
        Ok(Self {
            transport,
            newest,
            kernel: Rc::clone(kernel),
            request: Written { bytes: Vec::new(), is_head: false },
            sending: Sending::Done,
            held: Vec::new(),
            held_since: Arrival::unstamped(Instant::now()),
            has_answered: false,
            framing: Framing::NONE,
            keeps: true,
        })
    }

    /// Begins a request. It gets nowhere unless the connection is polled.
    pub(in crate::load::wire) fn begin(&mut self, request: Written) {
        self.request = request;
        self.sending = Sending::Accepted(0);
        self.held.clear();
        self.has_answered = false;
    }

    /// Whether the request has gone out whole.
    pub(in crate::load::wire) fn is_written(&self) -> bool {
        matches!(self.sending, Sending::Done)
    }

    /// Whether a byte of an answer was read.
    pub(in crate::load::wire) fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// Writes what can be written now, and waits for the head of the answer, and when its last
    /// byte came.
    pub(in crate::load::wire) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        observer: &dyn Observer,
    ) -> Poll<Result<(AnswerHead, Arrival), Failure>> {
        self.poll_send(cx, observer);
        loop {
            let kernel = Rc::clone(&self.kernel);
            let mut room = kernel.room();
            let fresh = match ready!(self.poll_read(cx, &mut room)) {
                Ok([]) => return Poll::Ready(Err(self.died(None))),
                Ok(fresh) => fresh,
                Err(error) => return Poll::Ready(Err(self.died(Some(error)))),
            };
            let arrival = self.newest.get();
            if !self.has_answered {
                self.has_answered = true;
                observer.first_byte(arrival);
            }
            match self.parse(fresh, arrival) {
                Ok(None) => {}
                Ok(Some(head)) => {
                    if !self.is_written() {
                        // A target may answer before it has read all of the request.
                        observer.written(arrival.at);
                    }
                    return Poll::Ready(Ok((head, arrival)));
                }
                Err(failure) => return Poll::Ready(Err(failure)),
            }
        }
    }

    fn parse(&mut self, fresh: &[u8], arrival: Arrival) -> Result<Option<AnswerHead>, Failure> {
        let before = self.held.len();
        if before > 0 {
            self.held.extend_from_slice(fresh);
        }
        let whole = if before > 0 { &self.held[..] } else { fresh };
        let parsed = head::parse(whole, self.request.is_head).map_err(|error| {
            let detail = format!("the answer is no http/1.1: {error}");
            Failure::new(Outcome::Malformed, detail)
        })?;
        let Some(Parsed { head, framing, keeps, bytes }) = parsed else {
            if before == 0 {
                self.held.extend_from_slice(fresh);
            }
            return Ok(None);
        };
        let rest = fresh.split_at(bytes.saturating_sub(before).min(fresh.len())).1;
        self.held.clear();
        self.held.extend_from_slice(rest);
        (self.framing, self.keeps, self.held_since) = (framing, keeps, arrival);
        Ok(Some(head))
    }

    /// Waits for more of the body and hands it to `sink`; how the body ended, once it has.
    pub(in crate::load::wire) fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        observer: &dyn Observer,
        sink: &mut dyn FnMut(&[u8], Arrival),
    ) -> Poll<Option<End>> {
        if !self.held.is_empty() {
            let mut held = std::mem::take(&mut self.held);
            let end = self.take(&held, self.held_since, sink);
            held.clear();
            held.shrink_to(HELD_BYTES_KEPT);
            self.held = held;
            return Poll::Ready(end);
        }
        if self.framing.is_done() {
            return Poll::Ready(Some(End::Complete));
        }
        self.poll_send(cx, observer);
        let kernel = Rc::clone(&self.kernel);
        let mut room = kernel.room();
        match ready!(self.poll_read(cx, &mut room)) {
            Ok([]) if self.framing == Framing::UntilClose => Poll::Ready(Some(End::Complete)),
            Ok([]) => Poll::Ready(Some(End::Cut)),
            Ok(fresh) => Poll::Ready(self.take(fresh, self.newest.get(), sink)),
            Err(error) => Poll::Ready(Some(end_of_read(&error))),
        }
    }

    fn take(
        &mut self,
        bytes: &[u8],
        arrival: Arrival,
        sink: &mut dyn FnMut(&[u8], Arrival),
    ) -> Option<End> {
        match self.framing.take(bytes, |piece| sink(piece, arrival)) {
            Ok(count) => {
                // Nobody asked for what comes after the answer.
                self.keeps &= count == bytes.len();
                self.framing.is_done().then_some(End::Complete)
            }
            Err(_) => Some(End::Garbled),
        }
    }

    /// Whether another request can be sent, as far as can be known now.
    pub(in crate::load::wire) fn is_reusable(&mut self) -> bool {
        if !(self.keeps && self.framing.is_done() && self.is_written()) {
            return false;
        }
        // It is silent unless it was closed, or says what nobody asked for.
        let mut room = [0; 1];
        let mut nobody = Context::from_waker(Waker::noop());
        self.poll_read(&mut nobody, &mut room).is_pending()
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, observer: &dyn Observer) {
        while let Sending::Accepted(before) = self.sending {
            let rest = self.request.bytes.get(before..).unwrap_or_default();
            let stream = Pin::new(&mut self.transport);
            let polled = if rest.is_empty() {
                stream.poll_flush(cx).map_ok(|()| None)
            } else {
                stream.poll_write(cx, rest).map_ok(Some)
            };
            let Poll::Ready(sent) = polled else { return };
            self.sending = match sent {
                Ok(None) => {
                    observer.written(Instant::now());
                    self.request.bytes = Vec::new();
                    Sending::Done
                }
                Ok(Some(0)) => Sending::Failed(io::ErrorKind::WriteZero.into()),
                Ok(Some(count)) => {
                    if before == 0 {
                        observer.begun();
                    }
                    Sending::Accepted(before + count)
                }
                Err(error) => Sending::Failed(error),
            };
        }
    }

    fn poll_read<'a>(
        &mut self,
        cx: &mut Context<'_>,
        room: &'a mut [u8],
    ) -> Poll<io::Result<&'a [u8]>> {
        let mut buffer = ReadBuf::new(room);
        ready!(Pin::new(&mut self.transport).poll_read(cx, &mut buffer))?;
        let count = buffer.filled().len();
        Poll::Ready(Ok(room.split_at(count.min(room.len())).0))
    }

    /// The connection ended before the head did: what broke it, where that is known.
    fn died(&mut self, cause: Option<io::Error>) -> Failure {
        match std::mem::replace(&mut self.sending, Sending::Done) {
            Sending::Failed(error) => Failure::died(Some(&error)),
            Sending::Accepted(_) | Sending::Done => Failure::died(cause.as_ref()),
        }
    }
}
