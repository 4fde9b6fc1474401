//! One request of many on a connection.

use super::lines::{Open, Seat};
use super::trunk::Wire;
use crate::load::wire::arrival::Arrival;
use crate::load::wire::draft::Draft;
use crate::load::wire::exchange::Observer;
use crate::load::wire::failure::{Failure, end_of_body};
use crate::load::wire::lane::AnswerHead;
use crate::target::protocol::End;
use crate::trial::Outcome;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use hyper::{Response, http};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// One request's share of a connection. Dropping what it sent, or the answer, resets its stream and
/// nothing else.
pub(in crate::load::wire) struct Stream {
    open: Open,
    wire: Rc<Wire>,
    told: Told,
    head: Option<Answering>,
    body: Option<Incoming>,
    _seat: Seat,
}

type Answering = Pin<Box<dyn Future<Output = hyper::Result<Response<Incoming>>>>>;

/// What the observer of a request has been told.
#[derive(Debug, Default)]
struct Told {
    begun: bool,
    written: bool,
}

impl Told {
    fn look(&mut self, wire: &Wire, observer: &dyn Observer) {
        if wire.has_begun() && !self.begun {
            self.begun = true;
            observer.begun();
        }
        if let Some(at) = wire.written().filter(|_| !self.written) {
            self.written = true;
            observer.written(at);
        }
    }
}

impl Stream {
    pub(super) fn new(open: Open, wire: Wire, seat: Seat) -> Self {
        let (wire, told) = (Rc::new(wire), Told::default());
        Self { open, wire, told, head: None, body: None, _seat: seat }
    }

    /// Begins a request.
    pub(in crate::load::wire) fn begin(&mut self, draft: Draft) {
        let request = draft.on(&self.wire);
        self.head = Some(Box::pin(self.open.sender.send_request(request)));
    }

    /// Waits for the head of the answer, and when it came.
    pub(in crate::load::wire) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        observer: &dyn Observer,
    ) -> Poll<Result<(AnswerHead, Arrival), Failure>> {
        self.told.look(&self.wire, observer);
        let Some(head) = &mut self.head else {
            return Poll::Ready(Err(Failure::new(Outcome::Unsent, "there is no request")));
        };
        let response = match ready!(head.as_mut().poll(cx)) {
            Ok(response) => response,
            Err(error) => return Poll::Ready(Err(Failure::head(&error))),
        };
        let arrival = self.wire.read();
        self.told.look(&self.wire, observer);
        if !self.told.written {
            // A target may answer before it has read all of the request.
            observer.written(arrival.at);
        }
        observer.first_byte(arrival);
        let (parts, body) = response.into_parts();
        (self.head, self.body) = (None, Some(body));
        Poll::Ready(Ok((head_of(&parts), arrival)))
    }

    /// Waits for more of the body and hands it to `sink`; how the body ended, once it has.
    pub(in crate::load::wire) fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut dyn FnMut(&[u8], Arrival),
    ) -> Poll<Option<End>> {
        let Some(body) = &mut self.body else { return Poll::Ready(Some(End::Reset)) };
        match ready!(Pin::new(body).poll_frame(cx)) {
            None => Poll::Ready(Some(End::Complete)),
            Some(Err(error)) => Poll::Ready(Some(end_of_body(&error))),
            Some(Ok(frame)) => {
                let arrival = self.wire.read();
                if let Some(data) = frame.data_ref() {
                    sink(data, arrival);
                }
                Poll::Ready(None)
            }
        }
    }

    /// Whether the request has gone out whole.
    pub(in crate::load::wire) fn is_written(&self) -> bool {
        self.wire.written().is_some()
    }

    /// Whether a part of an answer came.
    pub(in crate::load::wire) fn has_answered(&self) -> bool {
        self.wire.has_answered()
    }

    /// The connection under it has died: nobody shall use it any more.
    pub(in crate::load::wire) fn give_up(&self) {
        self.open.is_broken.set(true);
    }
}

fn head_of(parts: &http::response::Parts) -> AnswerHead {
    AnswerHead {
        status: parts.status.as_u16(),
        content_type: text(&parts.headers, CONTENT_TYPE),
        content_encoding: text(&parts.headers, CONTENT_ENCODING),
        location: text(&parts.headers, LOCATION),
        retry_after: text(&parts.headers, RETRY_AFTER),
    }
}

/// The value of a header, if it is there and readable.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
