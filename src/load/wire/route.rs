//! One base URL, and the connections to it.

use super::endpoint::Endpoint;
use super::failure::Failure;
use super::http1::Connection;
use super::http2::{Dialling, Shared};
use super::kernel::Kernel;
use super::lane::Lane;
use super::pool::Pool;
use super::timeouts::Clock;
use super::tls;
use crate::config::plan::{ConnectionMode, HttpVersion, TargetPlan};
use crate::load::error::ClientError;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

/// A way to the target.
pub(super) struct Route {
    pub(super) endpoint: Endpoint,
    tls: Option<TlsConnector>,
    kernel: Rc<Kernel>,
    links: Links,
}

enum Links {
    /// HTTP/1.1: a connection has one request at a time.
    Own(ConnectionMode, RefCell<Pool<Box<Connection>>>),
    /// HTTP/2.
    Shared(Shared),
}

/// Which connection a request may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// One that is there already, or a new one.
    Any,
    /// One that no request has been sent over, as far as they are not shared.
    New,
}

impl Route {
    /// A way to this place.
    pub(super) fn new(
        endpoint: Endpoint,
        target: &TargetPlan,
        kernel: &Rc<Kernel>,
    ) -> Result<Self, ClientError> {
        let tls = endpoint.is_tls.then(|| tls::connector(&target.ca, target.http)).transpose()?;
        let links = match target.http {
            HttpVersion::One => {
                Links::Own(target.connection, RefCell::new(Pool::new(target.connection)))
            }
            HttpVersion::Two { connections } => Links::Shared(Shared::new(connections)),
        };
        let kernel = Rc::clone(kernel);
        Ok(Self { endpoint, tls, kernel, links })
    }

    /// A way for one request of a session, within the limit for connecting; and how long it took to
    /// connect, if there was no connection.
    pub(super) async fn lane(
        &self,
        session: u64,
        wanted: Wanted,
        clock: &mut Clock,
    ) -> Result<(Lane, Option<Duration>), Failure> {
        if wanted == Wanted::Any
            && let Links::Own(_, pool) = &self.links
            && let Some(connection) = reusable(pool, session)
        {
            return Ok((Lane::Own(connection), None));
        }
        let late =
            |outcome| Failure::late(outcome, &format!("connection to {}", self.endpoint.name));
        match &self.links {
            Links::Own(..) => {
                let since = Instant::now();
                let connection = clock.limited(self.open()).await.map_err(late)??;
                Ok((Lane::Own(connection), Some(since.elapsed())))
            }
            Links::Shared(shared) => {
                let stream = clock.limited(shared.stream(&self.dialling())).await;
                let (stream, took) = stream.map_err(late)??;
                Ok((Lane::Shared(stream), took))
            }
        }
    }

    /// Connections to open before a trial that needs `share` of them.
    pub(super) fn missing(&self, share: usize) -> usize {
        match &self.links {
            Links::Own(ConnectionMode::Pooled, _) => share.saturating_sub(self.idle()),
            Links::Own(ConnectionMode::PerSession | ConnectionMode::New, _) => 0,
            Links::Shared(shared) => shared.len(),
        }
    }

    /// Opens the connection of this number, for whoever comes first.
    pub(super) async fn warm(&self, number: usize) -> Result<(), Failure> {
        match &self.links {
            Links::Own(..) => {
                let connection = self.open().await?;
                self.put(Lane::Own(connection), 0, 0);
                Ok(())
            }
            Links::Shared(shared) => shared.warm(number, &self.dialling()).await,
        }
    }

    /// Keeps a connection if anyone may use it again; `turns_left` of `session` are to come.
    pub(super) fn put(&self, lane: Lane, session: u64, turns_left: usize) {
        if let (Links::Own(_, pool), Lane::Own(connection)) = (&self.links, lane) {
            pool.borrow_mut().put(connection, session, turns_left);
        }
    }

    /// Connections that are open and free, or shared.
    pub(super) fn idle(&self) -> usize {
        match &self.links {
            Links::Own(_, pool) => pool.borrow().len(),
            Links::Shared(shared) => shared.count(),
        }
    }

    async fn open(&self) -> Result<Box<Connection>, Failure> {
        // Boxed, for a request in flight shall not carry the room that a handshake needs.
        let open = Connection::open(&self.endpoint, self.tls.as_ref(), &self.kernel);
        Box::pin(open).await.map(Box::new)
    }

    fn dialling(&self) -> Dialling<'_> {
        Dialling { endpoint: &self.endpoint, tls: self.tls.as_ref(), kernel: &self.kernel }
    }
}

/// An idle connection that still lives, as far as can be seen.
fn reusable(pool: &RefCell<Pool<Box<Connection>>>, session: u64) -> Option<Box<Connection>> {
    let mut pool = pool.borrow_mut();
    loop {
        let mut connection = pool.take(session)?;
        if connection.is_reusable() {
            return Some(connection);
        }
    }
}
