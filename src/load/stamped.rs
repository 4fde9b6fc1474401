//! A stream that notes when the request went out and when its answer came in. It is the top of a
//! connection, above TLS; the arrivals are told by the socket at its bottom.

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::cell::Cell;
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

/// What happened on a connection since its current request began.
#[derive(Debug, Default)]
pub(super) struct Wire {
    body_taken: Cell<bool>,
    wrote: Cell<bool>,
    written: Cell<Option<Instant>>,
    /// The newest read of the socket itself, where that tells.
    newest: Cell<Option<Arrival>>,
    first_read: Cell<Option<Arrival>>,
    last_read: Cell<Option<Arrival>>,
}

impl Wire {
    /// A request begins.
    fn begin(&self, has_body: bool) {
        self.body_taken.set(!has_body);
        self.wrote.set(false);
        self.written.set(None);
        self.first_read.set(None);
        self.last_read.set(None);
    }

    /// Whether the socket accepted a byte of the request.
    pub(super) fn has_begun(&self) -> bool {
        self.wrote.get()
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

    fn flushed(&self) {
        if self.wrote.get() && self.body_taken.get() && self.written.get().is_none() {
            self.written.set(Some(Instant::now()));
        }
    }

    /// The socket was read. Not all that it holds is an answer: TLS has words of its own.
    pub(super) fn arrived(&self, arrival: Arrival) {
        self.newest.set(Some(arrival));
    }

    fn read(&self) {
        let newest = self.newest.get().unwrap_or_else(|| Arrival::unstamped(Instant::now()));
        if self.first_read.get().is_none() {
            self.first_read.set(Some(newest));
        }
        self.last_read.set(Some(newest));
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
        self.wire.body_taken.set(true);
        Poll::Ready(self.data.take().map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64))
    }
}

/// The stream under the HTTP connection. It flushes only when all that was handed to it is written,
/// so the first flush after the body was taken is the request's last byte, with TLS as without.
#[derive(Debug)]
pub(super) struct Stamped<T> {
    stream: T,
    wire: Rc<Wire>,
}

impl<T> Stamped<T> {
    pub(super) fn new(stream: T, wire: &Rc<Wire>) -> Self {
        Self { stream, wire: Rc::clone(wire) }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stamped<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.wire.read();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Stamped<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.wire.wrote.set(true);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
        self.wire.wrote.set(true);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.wire.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::{Payload, Stamped, Wire};
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
}
