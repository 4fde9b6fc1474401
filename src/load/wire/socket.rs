//! A TCP socket that tells when what it reads arrived.

use super::arrival::{Arrival, Newest};
use super::kernel::Kernel;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// The bottom of a connection, below TLS.
#[derive(Debug)]
pub(super) struct Socket {
    tcp: TcpStream,
    newest: Rc<Newest>,
    kernel: Rc<Kernel>,
    has_stamps: bool,
    /// What is read next arrived after this.
    after: Instant,
}

impl Socket {
    pub(super) fn new(tcp: TcpStream, newest: &Rc<Newest>, kernel: &Rc<Kernel>) -> Self {
        let has_stamps = kernel.ask_for_stamps(&tcp);
        let (newest, kernel) = (Rc::clone(newest), Rc::clone(kernel));
        Self { tcp, newest, kernel, has_stamps, after: Instant::now() }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if !self.has_stamps {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.tcp).poll_read(cx, buffer))?;
            if buffer.filled().len() > before {
                self.newest.set(Arrival::unstamped(Instant::now()));
            }
            return Poll::Ready(Ok(()));
        }
        let received = ready!(self.kernel.poll_read(&self.tcp, cx, buffer))?;
        if received.bytes > 0 {
            let now = Instant::now();
            let arrival = match self.kernel.arrival(&received, self.after, now) {
                Some(at) => Arrival { at, lag: Some(now.saturating_duration_since(at)) },
                None => Arrival::unstamped(now),
            };
            // What is left in the socket now has arrived already.
            self.after = if received.is_all { now } else { arrival.at };
            self.newest.set(arrival);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
