//! What a worker sends its requests with.

use super::connection::Connection;
use super::endpoint::Endpoint;
use super::error::ClientError;
use super::exchange::{Attempt, Exchanged, Observer, attempt, response};
use super::failure::Failure;
use super::headers::{Headers, secrets_of_headers};
use super::kernel::Kernel;
use super::pool::Pool;
use super::stamped::{Arrival, Payload, Wire};
use super::timeouts::Clock;
use super::tls;
use crate::config::plan::{ConnectionMode, TargetPlan, TargetSource, Timeouts};
use crate::target::protocol::{Asked, Outgoing, Protocol, UsageField, expand, short_line};
use crate::target::{Mask, secrets_of};
use crate::trial::{Ending, Outcome};
use bytes::Bytes;
use futures_util::StreamExt;
use hyper::Request;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

/// Longest detail of a failure, in characters.
const DETAIL_CHARS_MAX: usize = 240;
/// Least that an answer to a question outside of any trial may take.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// Connections that are opened at the same time before a trial.
const PREWARM_PARALLEL: usize = 16;

/// A request outside of any trial got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct NoAnswer {
    /// Class of the failure.
    pub outcome: Outcome,
    /// What it looked like: one line.
    pub detail: String,
}

/// Sends requests to one target over connections of its own; one per worker thread.
pub struct Client {
    endpoint: Endpoint,
    tls: Option<TlsConnector>,
    kernel: Rc<Kernel>,
    protocol: Protocol,
    headers: Headers,
    /// Blanks what the target says back of the suite's secrets, as its log is blanked.
    mask: Mask,
    timeouts: Timeouts,
    pool: RefCell<Pool<Connection>>,
    usage: Cell<UsageField>,
}

impl Client {
    /// A client for `target` at `base_url` (`http://…` or `https://…`). The host is resolved once.
    ///
    /// # Errors
    /// A URL or a header that cannot be used, a name without address, no TLS on this machine.
    pub async fn new(target: &TargetPlan, base_url: &str) -> Result<Self, ClientError> {
        let endpoint = Endpoint::parse(base_url)?;
        let headers = Headers::new(&target.headers)?;
        let tls = endpoint.is_tls.then(tls::connector).transpose()?;
        Ok(Self {
            endpoint: endpoint.resolved().await?,
            tls,
            kernel: Rc::new(Kernel::new()),
            protocol: Protocol::new(&target.api, &target.status),
            mask: mask(target),
            headers,
            timeouts: target.timeouts,
            pool: RefCell::new(Pool::new(target.connection)),
            usage: Cell::new(UsageField::Asked),
        })
    }

    /// Whether answers consist of tokens.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        self.protocol.has_tokens()
    }

    /// Opens connections until `connections` are idle, where they are shared at all; returns how
    /// many are. A failure, or the limit for connecting, only ends it: the requests will meet it again.
    pub async fn prewarm(&self, connections: usize) -> usize {
        if self.pool.borrow().mode() != ConnectionMode::Pooled {
            return 0;
        }
        let missing = connections.saturating_sub(self.idle());
        let until = Instant::now() + self.timeouts.connect;
        let open = || async move { tokio::time::timeout_at(until, self.open()).await };
        let mut opened = futures_util::stream::iter(0..missing)
            .map(|_| open())
            .buffer_unordered(PREWARM_PARALLEL);
        while let Some(Ok(Ok(connection))) = opened.next().await {
            self.pool.borrow_mut().put(connection, 0, 0);
        }
        self.idle()
    }

    /// Steps of the clock of day that were seen while answers were read. Around one, arrivals are by
    /// our own clock.
    #[must_use]
    pub fn clock_steps(&self) -> u64 {
        self.kernel.clock_steps()
    }

    /// Idle connections.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.pool.borrow().len()
    }

    /// Sends one request, which the schedule wanted at `intended`, and reads its answer. Dropping
    /// the future cancels the request and closes its connection.
    pub async fn exchange(
        &self,
        asked: &Asked<'_>,
        intended: Instant,
        observer: &dyn Observer,
    ) -> Exchanged {
        let mut clock = Clock::new(intended, self.timeouts);
        let mut reconnects = 0;
        loop {
            let usage = self.usage.get();
            let draft = match self.draft(asked, usage) {
                Ok(draft) => draft,
                Err(failure) => return self.failed(failure, reconnects),
            };
            let reused =
                if reconnects == 0 { self.reusable(asked.session.index).await } else { None };
            let is_reused = reused.is_some();
            let since = Instant::now();
            let mut connection = match self.or_open(reused, &mut clock).await {
                Ok(connection) => connection,
                Err(failure) => return self.failed(failure, reconnects),
            };
            if !is_reused {
                observer.connected(since.elapsed());
            }
            clock.deadlines.connected();
            let request = draft.on(&connection.wire);
            let attempt =
                Box::pin(attempt(&mut connection, request, &self.protocol, &mut clock, observer));
            match attempt.await {
                Attempt::Failed(failure) => {
                    let died = failure.outcome == Outcome::Reset && !connection.has_answered();
                    if !(died && is_reused && reconnects == 0) {
                        return self.failed(failure, reconnects);
                    }
                    reconnects += 1;
                }
                Attempt::Answered { verdict, retry_after, may_reuse } => {
                    let is_ok = verdict.outcome == Outcome::Ok;
                    if may_reuse {
                        let left = asked.session.turns.len().saturating_sub(asked.turn + 1);
                        let left = if is_ok { left } else { 0 };
                        self.pool.borrow_mut().put(connection, asked.session.index, left);
                    }
                    if verdict.refuses_usage && usage == UsageField::Asked && self.has_tokens() {
                        self.usage.set(UsageField::Omitted);
                    } else {
                        let ending =
                            Ending { outcome: verdict.outcome, usage: verdict.usage, reconnects };
                        let detail = verdict.detail.map(|detail| self.clean(&detail));
                        return Exchanged { ending, answer: verdict.answer, retry_after, detail };
                    }
                }
            }
            clock.deadlines.again(Instant::now());
        }
    }

    /// The status of a GET of `path` below the base URL, on a connection of its own. It asks whether
    /// the target lives, not how fast it is: limits for requests under load do not bind it.
    ///
    /// # Errors
    /// No connection and answer within five seconds, or the limit for a first chunk if it is longer.
    pub async fn get(&self, path: &str) -> Result<u16, NoAnswer> {
        let no_answer = |failure: Failure| NoAnswer {
            outcome: failure.outcome,
            detail: self.clean(&failure.detail),
        };
        let wait = self.timeouts.first_chunk.max(ANSWER_WAIT);
        let limits = Timeouts { connect: wait, first_chunk: wait, total: wait, ..self.timeouts };
        let mut clock = Clock::new(Instant::now(), limits);
        let mut connection = self.or_open(None, &mut clock).await.map_err(no_answer)?;
        clock.deadlines.connected();
        let outgoing =
            Outgoing { method: "GET".into(), path: path.into(), content_type: None, body: None };
        let draft = self.drafted(outgoing, |value| value.into()).map_err(no_answer)?;
        let request = draft.on(&connection.wire);
        let response = response(&mut connection, request, &mut clock, &Nobody).await;
        response.map(|response| response.status().as_u16()).map_err(no_answer)
    }

    async fn open(&self) -> Result<Connection, Failure> {
        Connection::open(&self.endpoint, self.tls.as_ref(), &self.kernel).await
    }

    async fn or_open(
        &self,
        reused: Option<Connection>,
        clock: &mut Clock,
    ) -> Result<Connection, Failure> {
        if let Some(connection) = reused {
            return Ok(connection);
        }
        let opened = clock.limited(self.open()).await;
        let late =
            |outcome| Failure::late(outcome, &format!("connection to {}", self.endpoint.authority));
        opened.map_err(late)?
    }

    /// An idle connection that still lives, as far as can be seen.
    async fn reusable(&self, session: u64) -> Option<Connection> {
        loop {
            let taken = self.pool.borrow_mut().take(session);
            let mut connection = taken?;
            if connection.is_reusable().await {
                return Some(connection);
            }
        }
    }

    fn draft(&self, asked: &Asked<'_>, usage: UsageField) -> Result<Draft, Failure> {
        let outgoing = self.protocol.outgoing(asked, usage).map_err(|error| unsendable(&error))?;
        self.drafted(outgoing, |value| expand(value, asked))
    }

    fn drafted<'a>(
        &'a self,
        outgoing: Outgoing,
        expanded: impl Fn(&'a str) -> Cow<'a, str>,
    ) -> Result<Draft, Failure> {
        let mut request = Request::builder()
            .method(outgoing.method.as_str())
            .uri(self.endpoint.path(&outgoing.path))
            .body(Bytes::from(outgoing.body.unwrap_or_default()))
            .map_err(|error| unsendable(&error))?;
        let has_body = !request.body().is_empty();
        let may_lack_body =
            matches!(outgoing.method.as_str(), "GET" | "HEAD" | "DELETE" | "OPTIONS");
        let headers = request.headers_mut();
        self.headers.write(headers, expanded).map_err(|error| unsendable(&error))?;
        let host = HeaderValue::from_str(&self.endpoint.authority);
        default(headers, HOST, host.map_err(|error| unsendable(&error))?);
        let agent = concat!("plimsoll/", env!("CARGO_PKG_VERSION"));
        default(headers, USER_AGENT, HeaderValue::from_static(agent));
        if let Some(content_type) = outgoing.content_type {
            default(headers, CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if !has_body && !may_lack_body {
            default(headers, CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if self.pool.borrow().mode() == ConnectionMode::New {
            default(headers, CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(Draft(request))
    }

    fn failed(&self, failure: Failure, reconnects: u32) -> Exchanged {
        Exchanged {
            ending: Ending { reconnects, ..Ending::of(failure.outcome) },
            answer: String::new(),
            retry_after: None,
            detail: Some(self.clean(&failure.detail)),
        }
    }

    /// A detail that may be shown: no secret of the suite, one bounded line.
    fn clean(&self, detail: &str) -> String {
        short_line(&self.mask.text(detail), DETAIL_CHARS_MAX)
    }
}

/// A request that does not know its connection yet.
struct Draft(Request<Bytes>);

impl Draft {
    fn on(self, wire: &Rc<Wire>) -> Request<Payload> {
        self.0.map(|body| Payload::new(body, wire))
    }
}

/// Nobody needs to hear of this request.
struct Nobody;

impl Observer for Nobody {
    fn connected(&self, _: Duration) {}
    fn written(&self, _: Instant) {}
    fn first_byte(&self, _: Arrival) {}
    fn chunk(&self, _: Arrival, _: bool) {}
}

/// Blanks the secrets that `target` was told: by its headers, and by its environment.
fn mask(target: &TargetPlan) -> Mask {
    let told = match &target.source {
        TargetSource::Managed(managed) => secrets_of(managed),
        TargetSource::Url(_) | TargetSource::Demo(_) => Vec::new(),
    };
    Mask::new(told.iter().chain(secrets_of_headers(&target.headers)))
}

fn default(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.entry(name).or_insert(value);
}

fn unsendable(error: &dyn std::error::Error) -> Failure {
    Failure::new(Outcome::Unsent, format!("the request cannot be written: {error}"))
}
