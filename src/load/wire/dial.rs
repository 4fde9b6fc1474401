//! From an endpoint to a stream that HTTP can be spoken over.

use super::arrival::Newest;
use super::endpoint::{Endpoint, Host, Place};
use super::failure::Failure;
use super::kernel::Kernel;
use super::socket::Socket;
use crate::trial::Outcome;
use rustls::pki_types::ServerName;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A stream that is open.
pub(super) enum Transport {
    Tcp(Socket),
    Tls(Box<TlsStream<Socket>>),
    Unix(UnixStream),
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// Opens a stream, TLS included, whose socket tells `newest` when what it reads arrived.
pub(super) async fn dial(
    endpoint: &Endpoint,
    tls: Option<&TlsConnector>,
    kernel: &Rc<Kernel>,
    newest: &Rc<Newest>,
) -> Result<Transport, Failure> {
    let host = match &endpoint.place {
        Place::Tcp(host) => host,
        Place::Unix(path) => {
            let failed = |error| Failure::connect(&[(endpoint.name.clone(), error)]);
            return UnixStream::connect(path).await.map(Transport::Unix).map_err(failed);
        }
    };
    let socket = Socket::new(connected(host).await?, newest, kernel);
    let Some(tls) = tls else { return Ok(Transport::Tcp(socket)) };
    let name = ServerName::try_from(host.name.clone())
        .map_err(|error| no_tls(endpoint, &error.to_string()))?;
    let stream = tls.connect(name, socket).await;
    stream
        .map(|stream| Transport::Tls(Box::new(stream)))
        .map_err(|error| no_tls(endpoint, &error.to_string()))
}

/// The failure of a TLS connection to `endpoint`.
pub(super) fn no_tls(endpoint: &Endpoint, said: &str) -> Failure {
    Failure::new(Outcome::Connect, format!("no tls connection to {}: {said}", endpoint.name))
}

async fn connected(host: &Host) -> Result<TcpStream, Failure> {
    let mut tried = Vec::new();
    for address in host.rotation() {
        match TcpStream::connect(address).await.and_then(|tcp| tcp.set_nodelay(true).map(|()| tcp))
        {
            Ok(tcp) => return Ok(tcp),
            Err(error) => tried.push((address.to_string(), error)),
        }
    }
    Err(Failure::connect(&tried))
}
