//! When a request over HTTP/2 went out, which shares its connection with others: the stream under the
//! connection tells what was flushed, and the requests' bodies what was taken before.

use crate::load::wire::arrival::{Arrival, Newest};
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// What happened to one request on its way.
#[derive(Debug)]
pub(in crate::load::wire) struct Wire {
    trunk: Rc<Trunk>,
    body_taken: Cell<bool>,
    written: Cell<Option<Instant>>,
    has_answered: Cell<bool>,
}

impl Wire {
    /// One of the wires in a trunk.
    pub(super) fn within(trunk: &Rc<Trunk>) -> Self {
        let (trunk, has_answered) = (Rc::clone(trunk), Cell::new(false));
        Self { trunk, body_taken: Cell::new(false), written: Cell::new(None), has_answered }
    }

    /// Whether the connection has taken all of the request.
    pub(super) fn has_begun(&self) -> bool {
        self.body_taken.get()
    }

    /// When the socket accepted the last byte of the request.
    pub(super) fn written(&self) -> Option<Instant> {
        self.written.get()
    }

    /// A part of the answer came out: when it had arrived.
    pub(super) fn read(&self) -> Arrival {
        self.has_answered.set(true);
        self.trunk.newest.get()
    }

    /// Whether a part of an answer came.
    pub(super) fn has_answered(&self) -> bool {
        self.has_answered.get()
    }

    /// The connection has taken the last of the request.
    fn taken(self: &Rc<Self>) {
        if !self.body_taken.replace(true) {
            self.trunk.unwritten.borrow_mut().push(Rc::clone(self));
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

    /// All that was taken has gone out.
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
pub(in crate::load::wire) struct Payload {
    data: Option<Bytes>,
    wire: Rc<Wire>,
}

impl Payload {
    /// The body of the request on this wire.
    pub(in crate::load::wire) fn new(data: Bytes, wire: &Rc<Wire>) -> Self {
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
            // This is how it is found that there is no body.
            self.wire.taken();
        }
        is_end
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64))
    }
}

/// The stream under the connection. It flushes only when all that was handed to it is written, with
/// TLS as without.
#[derive(Debug)]
pub(super) struct Stamped<T> {
    stream: T,
    trunk: Rc<Trunk>,
}

impl<T> Stamped<T> {
    pub(super) fn new(stream: T, trunk: &Rc<Trunk>) -> Self {
        Self { stream, trunk: Rc::clone(trunk) }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stamped<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Stamped<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.trunk.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::{Payload, Trunk, Wire};
    use bytes::Bytes;
    use hyper::body::Body as _;
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::rc::Rc;

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
