//! One HTTP/1.1 connection of our own. It is driven by the request that uses it: dropping the
//! request closes it, and nothing runs while it is idle.

use super::endpoint::{Endpoint, Host, Place};
use super::failure::Failure;
use super::kernel::Kernel;
use super::socket::Socket;
use super::stamped::{Payload, Stamped, Wire};
use crate::trial::Outcome;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

type Driver = Pin<Box<dyn Future<Output = Result<(), hyper::Error>>>>;

/// A connection.
pub(super) struct Connection {
    pub(super) sender: SendRequest<Payload>,
    pub(super) wire: Rc<Wire>,
    /// Does the reading and the writing; `None` once the connection is closed.
    driver: Option<Driver>,
}

impl Connection {
    /// Opens one, TLS included.
    pub(super) async fn open(
        endpoint: &Endpoint,
        tls: Option<&TlsConnector>,
        kernel: &Rc<Kernel>,
    ) -> Result<Self, Failure> {
        let wire = Rc::new(Wire::default());
        let host = match &endpoint.place {
            Place::Tcp(host) => host,
            Place::Unix(path) => {
                let failed = |error| Failure::connect(&[(endpoint.name.clone(), error)]);
                return Self::over(UnixStream::connect(path).await.map_err(failed)?, wire).await;
            }
        };
        let socket = Socket::new(connected(host).await?, &wire, kernel);
        let Some(tls) = tls else { return Self::over(socket, wire).await };
        let refused = |said: String| {
            let detail = format!("no tls connection to {}: {said}", endpoint.name);
            Failure::new(Outcome::Connect, detail)
        };
        let name = ServerName::try_from(host.name.clone()).map_err(|e| refused(e.to_string()))?;
        let stream = tls.connect(name, socket).await.map_err(|e| refused(e.to_string()))?;
        Self::over(stream, wire).await
    }

    async fn over<T>(stream: T, wire: Rc<Wire>) -> Result<Self, Failure>
    where
        T: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let io = TokioIo::new(Stamped::new(stream, &wire));
        let (sender, driver) = http1::handshake(io)
            .await
            .map_err(|error| Failure::new(Outcome::Connect, error.to_string()))?;
        Ok(Self { sender, wire, driver: Some(Box::pin(driver)) })
    }

    /// Reads and writes what can be read and written now. Errors reach the request in flight.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && driver.as_mut().poll(cx).is_ready()
        {
            self.driver = None;
        }
    }

    /// Whether a byte of an answer to the current request was read.
    pub(super) fn has_answered(&self) -> bool {
        self.wire.first_read().is_some()
    }

    /// Whether another request can be sent, as far as can be known now.
    pub(super) async fn is_reusable(&mut self) -> bool {
        poll_fn(|cx| {
            self.drive(cx);
            Poll::Ready(self.driver.is_some() && self.sender.is_ready())
        })
        .await
    }
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
