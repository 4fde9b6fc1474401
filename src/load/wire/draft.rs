//! What goes out: a request as it is written, before it has a connection.

use super::endpoint::Endpoint;
use super::failure::Failure;
use super::headers::Headers;
use super::http1::Written;
use super::http2::{Payload, Wire};
use crate::config::plan::{ConnectionMode, HttpVersion, TargetPlan};
use crate::target::protocol::Outgoing;
use crate::trial::Outcome;
use bytes::Bytes;
use hyper::Request;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use hyper::http::uri::{self, PathAndQuery};
use hyper::http::{Method, Uri, Version};
use std::borrow::Cow;
use std::rc::Rc;

/// Room for the head of a request; a longer one takes more.
const HEAD_BYTES: usize = 256;

/// What the kind of connection asks of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// HTTP/1.1, and the connection is kept.
    Keep,
    /// HTTP/1.1, and the connection is closed after it.
    Close,
    /// HTTP/2.
    Two,
}

impl Style {
    /// That of requests to `target`.
    pub(super) fn of(target: &TargetPlan) -> Self {
        match (target.http, target.connection) {
            (HttpVersion::Two { .. }, _) => Self::Two,
            (HttpVersion::One, ConnectionMode::New) => Self::Close,
            (HttpVersion::One, ConnectionMode::Pooled | ConnectionMode::PerSession) => Self::Keep,
        }
    }
}

/// A request that does not know its connection yet.
pub(super) struct Draft(Request<Bytes>);

impl Draft {
    /// `outgoing` to `endpoint`, with the suite's headers, each value as `expanded` makes it.
    pub(super) fn new<'a>(
        outgoing: Outgoing,
        endpoint: &Endpoint,
        headers: &'a Headers,
        style: Style,
        expanded: impl Fn(&'a str) -> Cow<'a, str>,
    ) -> Result<Self, Failure> {
        let mut request = Request::builder()
            .method(outgoing.method.as_str())
            .uri(endpoint.path(&outgoing.path))
            .body(Bytes::from(outgoing.body.unwrap_or_default()))
            .map_err(|error| unsendable(&error))?;
        let has_body = !request.body().is_empty();
        let may_lack_body =
            matches!(outgoing.method.as_str(), "GET" | "HEAD" | "DELETE" | "OPTIONS");
        let written = request.headers_mut();
        headers.write(written, expanded).map_err(|error| unsendable(&error))?;
        default(written, HOST, || endpoint.host_header.clone());
        let agent = concat!("plimsoll/", env!("CARGO_PKG_VERSION"));
        default(written, USER_AGENT, || HeaderValue::from_static(agent));
        if let Some(content_type) = outgoing.content_type {
            default(written, CONTENT_TYPE, || HeaderValue::from_static(content_type));
        }
        if !has_body && !may_lack_body {
            default(written, CONTENT_LENGTH, || HeaderValue::from_static("0"));
        }
        match style {
            Style::Keep => {}
            Style::Close => default(written, CONNECTION, || HeaderValue::from_static("close")),
            Style::Two => for_http2(&mut request, endpoint).map_err(|error| unsendable(&error))?,
        }
        Ok(Self(request))
    }

    /// The request as HTTP/1.1 writes it.
    pub(super) fn written(self) -> Written {
        let (head, body) = self.0.into_parts();
        let is_head = head.method == Method::HEAD;
        let path = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let mut bytes = Vec::with_capacity(HEAD_BYTES + body.len());
        let mut write = |part: &[u8]| bytes.extend_from_slice(part);
        for part in [head.method.as_str(), " ", path, " HTTP/1.1\r\n"] {
            write(part.as_bytes());
        }
        for (name, value) in &head.headers {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                write(part);
            }
        }
        if !body.is_empty() {
            write(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        write(b"\r\n");
        write(&body);
        Written { bytes, is_head }
    }

    /// The request, to be sent on the connection with this wire.
    pub(super) fn on(self, wire: &Rc<Wire>) -> Request<Payload> {
        self.0.map(|body| Payload::new(body, wire))
    }
}

/// HTTP/2 says the host in the URL, and there the scheme too.
fn for_http2(request: &mut Request<Bytes>, endpoint: &Endpoint) -> Result<(), hyper::http::Error> {
    let host = request.headers_mut().remove(HOST);
    let authority = host.as_ref().unwrap_or(&endpoint.host_header).as_bytes();
    let mut parts = uri::Parts::from(std::mem::take(request.uri_mut()));
    parts.scheme = Some(if endpoint.is_tls { uri::Scheme::HTTPS } else { uri::Scheme::HTTP });
    parts.authority = Some(authority.try_into()?);
    *request.uri_mut() = Uri::from_parts(parts)?;
    *request.version_mut() = Version::HTTP_2;
    Ok(())
}

/// A request that cannot be written, and why.
pub(super) fn unsendable(error: &dyn std::error::Error) -> Failure {
    Failure::new(Outcome::Unsent, format!("the request cannot be written: {error}"))
}

fn default(headers: &mut HeaderMap, name: HeaderName, value: impl FnOnce() -> HeaderValue) {
    headers.entry(name).or_insert_with(value);
}
