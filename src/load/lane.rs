//! What one request is sent over: a connection of its own while it lasts, or a share of one.

use super::connection::Connection;
use super::http2::Stream;
use super::stamped::{Payload, Wire};
use futures_util::future::Either;
use hyper::body::Incoming;
use hyper::{Request, Response};
use std::rc::Rc;
use std::task::Context;

/// A way to send one request.
pub(super) enum Lane {
    /// HTTP/1.1.
    Own(Connection),
    /// HTTP/2.
    Shared(Stream),
}

impl Lane {
    /// What happens to the request on its way.
    pub(super) fn wire(&self) -> &Rc<Wire> {
        match self {
            Self::Own(connection) => &connection.wire,
            Self::Shared(stream) => &stream.wire,
        }
    }

    /// Sends a request. It gets nowhere unless the lane is driven.
    pub(super) fn send(
        &mut self,
        request: Request<Payload>,
    ) -> impl Future<Output = hyper::Result<Response<Incoming>>> + use<> {
        match self {
            Self::Own(connection) => Either::Left(connection.sender.send_request(request)),
            Self::Shared(stream) => Either::Right(stream.sender().send_request(request)),
        }
    }

    /// Reads and writes what can be read and written now, where nobody else does.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        match self {
            Self::Own(connection) => connection.drive(cx),
            Self::Shared(_) => {}
        }
    }

    /// A part of the answer came: it is told to the wire, where the connection did not.
    pub(super) fn heard(&self) {
        match self {
            Self::Own(_) => {}
            Self::Shared(stream) => stream.heard(),
        }
    }

    /// The connection has died.
    pub(super) fn give_up(&self) {
        match self {
            Self::Own(_) => {}
            Self::Shared(stream) => stream.give_up(),
        }
    }

    /// Whether a byte of an answer was read.
    pub(super) fn has_answered(&self) -> bool {
        self.wire().first_read().is_some()
    }

    /// Whether another request can be sent over it, as far as can be known now.
    pub(super) async fn is_reusable(&mut self) -> bool {
        match self {
            Self::Own(connection) => connection.is_reusable().await,
            Self::Shared(_) => true,
        }
    }
}
