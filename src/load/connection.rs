//! One HTTP/1.1 connection of our own. It is driven by the request that uses it: dropping the
//! request closes it, and nothing runs while it is idle.

use super::dial::{Transport, dial};
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::kernel::Kernel;
use super::stamped::{Newest, Payload, Stamped, Wire};
use crate::trial::Outcome;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
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
        let newest = Rc::new(Newest::default());
        let wire = Rc::new(Wire::new(&newest));
        match dial(endpoint, tls, kernel, &newest).await? {
            Transport::Tcp(stream) => Self::over(stream, wire).await,
            Transport::Tls(stream) => Self::over(*stream, wire).await,
            Transport::Unix(stream) => Self::over(stream, wire).await,
        }
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

    /// Whether another request can be sent, as far as can be known now.
    pub(super) async fn is_reusable(&mut self) -> bool {
        poll_fn(|cx| {
            self.drive(cx);
            Poll::Ready(self.driver.is_some() && self.sender.is_ready())
        })
        .await
    }
}
