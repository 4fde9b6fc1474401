//! What one request is sent over: a connection of its own, or its share of one.

use super::arrival::Arrival;
use super::draft::Draft;
use super::exchange::Observer;
use super::failure::Failure;
use super::http1::Connection;
use super::http2::Stream;
use crate::target::protocol::End;
use std::task::{Context, Poll};

/// What is asked of the head of an answer. Values that are not readable are left out.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct AnswerHead {
    pub(super) status: u16,
    pub(super) content_type: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) location: Option<String>,
    pub(super) retry_after: Option<String>,
}

/// A way to send one request.
pub(super) enum Lane {
    /// HTTP/1.1.
    Own(Box<Connection>),
    /// HTTP/2.
    Shared(Stream),
}

impl Lane {
    /// Begins a request. It gets nowhere unless the lane is polled.
    pub(super) fn begin(&mut self, draft: Draft) {
        match self {
            Self::Own(connection) => connection.begin(draft.written()),
            Self::Shared(stream) => stream.begin(draft),
        }
    }

    /// Waits for the head of the answer and when it came, and writes what can be written meanwhile.
    pub(super) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        observer: &dyn Observer,
    ) -> Poll<Result<(AnswerHead, Arrival), Failure>> {
        match self {
            Self::Own(connection) => connection.poll_head(cx, observer),
            Self::Shared(stream) => stream.poll_head(cx, observer),
        }
    }

    /// Waits for more of the body and hands it to `sink`; how the body ended, once it has.
    pub(super) fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        observer: &dyn Observer,
        sink: &mut dyn FnMut(&[u8], Arrival),
    ) -> Poll<Option<End>> {
        match self {
            Self::Own(connection) => connection.poll_body(cx, observer, sink),
            Self::Shared(stream) => stream.poll_body(cx, sink),
        }
    }

    /// Whether the request has gone out whole.
    pub(super) fn is_written(&self) -> bool {
        match self {
            Self::Own(connection) => connection.is_written(),
            Self::Shared(stream) => stream.is_written(),
        }
    }

    /// Whether a byte of an answer was read.
    pub(super) fn has_answered(&self) -> bool {
        match self {
            Self::Own(connection) => connection.has_answered(),
            Self::Shared(stream) => stream.has_answered(),
        }
    }

    /// The connection has died.
    pub(super) fn give_up(&self) {
        match self {
            Self::Own(_) => {}
            Self::Shared(stream) => stream.give_up(),
        }
    }

    /// Whether another request can be sent over it, as far as can be known now.
    pub(super) fn is_reusable(&mut self) -> bool {
        match self {
            Self::Own(connection) => connection.is_reusable(),
            Self::Shared(_) => true,
        }
    }
}
