//! One base URL, and the connections to it.

use super::connection::Connection;
use super::endpoint::{Endpoint, Query};
use super::error::ClientError;
use super::failure::Failure;
use super::kernel::Kernel;
use super::pool::Pool;
use super::timeouts::Clock;
use super::tls;
use crate::config::plan::TargetPlan;
use std::cell::RefCell;
use std::rc::Rc;
use tokio_rustls::TlsConnector;

/// A way to the target.
pub(super) struct Route {
    pub(super) endpoint: Endpoint,
    tls: Option<TlsConnector>,
    kernel: Rc<Kernel>,
    pool: RefCell<Pool<Connection>>,
}

impl Route {
    /// A way to `base_url`, whose host is resolved once.
    pub(super) async fn new(
        base_url: &str,
        query: Query,
        target: &TargetPlan,
        kernel: &Rc<Kernel>,
    ) -> Result<Self, ClientError> {
        let endpoint = Endpoint::parse(base_url, query)?;
        let tls = endpoint.is_tls.then(|| tls::connector(&target.ca)).transpose()?;
        let (kernel, pool) = (Rc::clone(kernel), RefCell::new(Pool::new(target.connection)));
        Ok(Self { endpoint: endpoint.resolved().await?, tls, kernel, pool })
    }

    /// A connection of its own.
    pub(super) async fn open(&self) -> Result<Connection, Failure> {
        Connection::open(&self.endpoint, self.tls.as_ref(), &self.kernel).await
    }

    /// One that is idle, for whoever comes first.
    pub(super) async fn warm(&self) -> Result<(), Failure> {
        let connection = self.open().await?;
        self.put(connection, 0, 0);
        Ok(())
    }

    /// A connection within the limit for it.
    pub(super) async fn open_within(&self, clock: &mut Clock) -> Result<Connection, Failure> {
        let opened = clock.limited(self.open()).await;
        let late =
            |outcome| Failure::late(outcome, &format!("connection to {}", self.endpoint.name));
        opened.map_err(late)?
    }

    /// An idle connection that still lives, as far as can be seen.
    pub(super) async fn reusable(&self, session: u64) -> Option<Connection> {
        loop {
            let taken = self.pool.borrow_mut().take(session);
            let mut connection = taken?;
            if connection.is_reusable().await {
                return Some(connection);
            }
        }
    }

    /// Keeps `connection` if anyone may use it again; `turns_left` of `session` are to come.
    pub(super) fn put(&self, connection: Connection, session: u64, turns_left: usize) {
        self.pool.borrow_mut().put(connection, session, turns_left);
    }

    /// Idle connections.
    pub(super) fn idle(&self) -> usize {
        self.pool.borrow().len()
    }
}
