//! A stream that notes when the request went out and when its answer came in. It is the top of a
//! connection, above TLS; the arrivals are told by the socket at its bottom.

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// When bytes came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When they arrived, by the kernel's stamp of the read that held them; by our own clock at that
    /// read where there is none.
    pub at: Instant,
    /// How long they had waited for us when we read them; `None`: there was no stamp.
    pub lag: Option<Duration>,
}

impl Arrival {
    /// An arrival that only our own clock has seen.
    #[must_use]
    pub fn unstamped(at: Instant) -> Self {
        Self { at, lag: None }
    }
}

/// The newest read of a socket: what TLS and HTTP/2 hand on came with it.
#[derive(Debug, Default)]
pub(super) struct Newest(Cell<Option<Arrival>>);

impl Newest {
    /// The socket was read.
    pub(super) fn set(&self, arrival: Arrival) {
        self.0.set(Some(arrival));
    }

    /// Our own clock stands in for a socket that does not tell.
    fn get(&self) -> Arrival {
        self.0.get().unwrap_or_else(|| Arrival::unstamped(Instant::now()))
    }
}

/// Hears what is done with a stream.
pub(super) trait Listen {
    /// Bytes of an answer came out of it.
    fn read(&self);
    /// It took bytes of a request.
    fn wrote(&self);
    /// All that it took has gone out.
    fn flushed(&self);
}

/// What happened to one request on its way.
#[derive(Debug, Default)]
pub(super) struct Wire {
    newest: Rc<Newest>,
    /// The connection, where it carries other requests besides.
    trunk: Option<Rc<Trunk>>,
    body_taken: Cell<bool>,
    wrote: Cell<bool>,
    written: Cell<Option<Instant>>,
    first_read: Cell<Option<Arrival>>,
    last_read: Cell<Option<Arrival>>,
}

impl Wire {
    /// A wire that carries one request at a time.
    pub(super) fn new(newest: &Rc<Newest>) -> Self {
        Self { newest: Rc::clone(newest), ..Self::default() }
    }

    /// One of the wires in a trunk.
    pub(super) fn within(trunk: &Rc<Trunk>) -> Self {
        Self { trunk: Some(Rc::clone(trunk)), ..Self::new(&trunk.newest) }
    }

    /// A request begins.
    fn begin(&self, has_body: bool) {
        self.body_taken.set(!has_body && self.trunk.is_none());
        self.wrote.set(false);
        self.written.set(None);
        self.first_read.set(None);
        self.last_read.set(None);
    }

    /// Whether the socket accepted a byte of the request, or a connection of many all of it.
    pub(super) fn has_begun(&self) -> bool {
        self.wrote.get() || (self.trunk.is_some() && self.body_taken.get())
    }

    /// When the socket accepted the last byte of the request.
    pub(super) fn written(&self) -> Option<Instant> {
        self.written.get()
    }

    /// When the first byte of the answer came.
    pub(super) fn first_read(&self) -> Option<Arrival> {
        self.first_read.get()
    }

    /// When the newest bytes of the answer came.
    pub(super) fn last_read(&self) -> Option<Arrival> {
        self.last_read.get()
    }

    /// The connection has taken the last of the request.
    fn taken(self: &Rc<Self>) {
        if !self.body_taken.replace(true)
            && let Some(trunk) = &self.trunk
        {
            trunk.unwritten.borrow_mut().push(Rc::clone(self));
        }
    }
}

impl Listen for Wire {
    fn read(&self) {
        let newest = self.newest.get();
        if self.first_read.get().is_none() {
            self.first_read.set(Some(newest));
        }
        self.last_read.set(Some(newest));
    }

    fn wrote(&self) {
        self.wrote.set(true);
    }

    fn flushed(&self) {
        if self.wrote.get() && self.body_taken.get() && self.written.get().is_none() {
            self.written.set(Some(Instant::now()));
        }
    }
}

/// A connection that carries many requests at once.
#[derive(Debug, Default)]
pub(super) struct Trunk {
    newest: Rc<Newest>,
    /// Those whose last byte it has taken and not yet sent.
    unwritten: RefCell<Vec<Rc<Wire>>>,
}

impl Trunk {
    pub(super) fn new(newest: &Rc<Newest>) -> Self {
        Self { newest: Rc::clone(newest), ..Self::default() }
    }
}

impl Listen for Trunk {
    fn read(&self) {}

    fn wrote(&self) {}

    fn flushed(&self) {
        let mut unwritten = self.unwritten.borrow_mut();
        if unwritten.is_empty() {
            return;
        }
        let now = Some(Instant::now());
        unwritten.drain(..).for_each(|wire| wire.written.set(now));
    }
}

/// A request's body, which tells the wire when the connection has taken it.
#[derive(Debug)]
pub(super) struct Payload {
    data: Option<Bytes>,
    wire: Rc<Wire>,
}

impl Payload {
    /// The body of the request that begins now on this wire.
    pub(super) fn new(data: Bytes, wire: &Rc<Wire>) -> Self {
        wire.begin(!data.is_empty());
        Self { data: Some(data).filter(|data| !data.is_empty()), wire: Rc::clone(wire) }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.wire.taken();
        Poll::Ready(self.data.take().map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        let is_end = self.data.is_none();
        if is_end {
            // This is how HTTP/2 finds that there is no body.
            self.wire.taken();
        }
        is_end
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64))
    }
}

/// The stream under the HTTP connection. It flushes only when all that was handed to it is written,
/// so the first flush after the body was taken is the request's last byte, with TLS as without.
#[derive(Debug)]
pub(super) struct Stamped<T, L> {
    stream: T,
    listener: Rc<L>,
}

impl<T, L> Stamped<T, L> {
    pub(super) fn new(stream: T, listener: &Rc<L>) -> Self {
        Self { stream, listener: Rc::clone(listener) }
    }
}

impl<T: AsyncRead + Unpin, L: Listen> AsyncRead for Stamped<T, L> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.listener.read();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin, L: Listen> AsyncWrite for Stamped<T, L> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.listener.wrote();
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
        self.listener.wrote();
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.listener.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::{Listen as _, Payload, Stamped, Trunk, Wire};
    use bytes::Bytes;
    use hyper::body::Body as _;
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::rc::Rc;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    #[tokio::test]
    async fn a_request_is_written_at_the_flush_after_its_last_byte() {
        let (ours, mut theirs) = duplex(64);
        let wire = Rc::new(Wire::default());
        let mut stream = Stamped::new(ours, &wire);
        for _ in 0..2 {
            let mut body = Payload::new(Bytes::from_static(b"body"), &wire);
            stream.flush().await.unwrap();
            assert_eq!(wire.written(), None, "nothing was sent yet");
            stream.write_all(b"head").await.unwrap();
            stream.flush().await.unwrap();
            assert_eq!(wire.written(), None, "only the head was sent");
            let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await.unwrap().unwrap();
            stream.write_all(frame.data_ref().unwrap()).await.unwrap();
            assert_eq!(wire.written(), None, "tls may still hold it");
            stream.flush().await.unwrap();
            let written = wire.written().unwrap();
            assert_eq!(wire.first_read(), None);
            theirs.write_all(b"answer").await.unwrap();
            stream.read_exact(&mut [0; 6]).await.unwrap();
            assert!(wire.first_read().unwrap().at >= written);
            stream.flush().await.unwrap();
            assert_eq!(wire.written(), Some(written), "it is stamped once");
        }
    }

    #[tokio::test]
    async fn a_request_in_a_trunk_is_written_at_the_first_flush_after_it_was_taken() {
        let trunk = Rc::new(Trunk::default());
        let wires = [(); 2].map(|()| Rc::new(Wire::within(&trunk)));
        let mut body = Payload::new(Bytes::from_static(b"body"), &wires[0]);
        let none = Payload::new(Bytes::new(), &wires[1]);
        trunk.flushed();
        assert_eq!((wires[0].written(), wires[1].written()), (None, None));
        assert!(none.is_end_stream() && !body.is_end_stream());
        trunk.flushed();
        let written = wires[1].written();
        assert!(written.is_some() && wires[0].written().is_none());
        poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await.unwrap().unwrap();
        trunk.flushed();
        trunk.flushed();
        assert!(wires[0].written() >= written && wires[1].written() == written);
    }
}
