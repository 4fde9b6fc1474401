//! What a worker sends its requests with.

use super::arrival::Arrival;
use super::draft::{Draft, Style, unsendable};
use super::endpoint::Endpoint;
use super::exchange::{Attempt, Exchanged, Observer, Reading, attempt, head};
use super::failure::Failure;
use super::headers::{Headers, secrets_of_headers};
use super::kernel::Kernel;
use super::learnt::Learnt;
use super::route::{Route, Wanted};
use super::timeouts::Clock;
use crate::config::plan::{TargetPlan, TargetSource, Timeouts};
use crate::load::error::ClientError;
use crate::target::protocol::{Asked, Outgoing, Protocol, UsageField, expand, short_line};
use crate::target::{Mask, secrets_of};
use crate::trial::{Ending, Outcome};
use crate::workload::HistoryMode;
use futures_util::StreamExt;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

/// Longest detail of a failure, in characters.
const DETAIL_CHARS_MAX: usize = 240;
/// Least that an answer to a question outside of any trial may take.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// Most connections that are being opened at the same time before a trial: what a target keeps in its
/// queue of those it has not accepted yet.
const PREWARM_PARALLEL: usize = 128;
/// Time between the beginnings of two of them: 500 a second.
const PREWARM_PAUSE: Duration = Duration::from_millis(2);

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
    /// At least one; a session keeps to its own.
    routes: Vec<Route>,
    style: Style,
    kernel: Rc<Kernel>,
    protocol: Protocol,
    headers: Headers,
    /// Blanks what the target says back of the suite's secrets, as its log is blanked.
    mask: Mask,
    timeouts: Timeouts,
    learnt: Learnt,
}

impl Client {
    /// A client for `target` at these base URLs (`http://…`, `https://…` or `unix:/…`): replicas of it, of which
    /// session i uses the one at i modulo their number. Each host is resolved once.
    ///
    /// # Errors
    /// No URL, a URL or a header that cannot be used, a name without address, no TLS on this machine.
    pub async fn new(
        target: &TargetPlan,
        base_urls: &[impl AsRef<str>],
    ) -> Result<Self, ClientError> {
        Self::towards(target, Endpoint::all(base_urls, &target.api).await?)
    }

    /// The same where the hosts are resolved already.
    pub(in crate::load) fn towards(
        target: &TargetPlan,
        endpoints: Vec<Endpoint>,
    ) -> Result<Self, ClientError> {
        let headers = Headers::new(&target.headers)?;
        let kernel = Rc::new(Kernel::new());
        let ways = endpoints.into_iter().map(|endpoint| Route::new(endpoint, target, &kernel));
        let routes: Vec<Route> = ways.collect::<Result<_, _>>()?;
        if routes.is_empty() {
            return Err(ClientError::Url { reason: "there is none" });
        }
        Ok(Self {
            routes,
            style: Style::of(target),
            kernel,
            protocol: Protocol::new(&target.api, &target.status),
            mask: mask(target),
            headers,
            timeouts: target.timeouts,
            learnt: Learnt::default(),
        })
    }

    /// With what was learnt of the target already, and told what it learns itself.
    #[must_use]
    pub fn knowing(self, learnt: Learnt) -> Self {
        Self { learnt, ..self }
    }

    /// Whether answers consist of tokens.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        self.protocol.has_tokens()
    }

    /// Opens connections until `connections` are idle, where sessions share them, or as many as there
    /// are of HTTP/2; at most 500 a second. Returns how many are open. It takes the time that this needs and the limit for connecting at
    /// most; that, or a failure, only ends it: the requests will meet it again.
    pub async fn prewarm(&self, connections: usize) -> usize {
        let (began, count) = (Instant::now(), self.routes.len().max(1));
        let share = |place: usize| connections / count + usize::from(place < connections % count);
        let missing = self.routes.iter().enumerate().flat_map(|(place, route)| {
            let numbers = 0..route.missing(share(place));
            numbers.map(move |number| (route, number))
        });
        let turns = std::iter::successors(Some(began), |at| at.checked_add(PREWARM_PAUSE));
        let missing: Vec<_> = missing.zip(turns).collect();
        let last = missing.last().map_or(began, |(_, turn)| *turn);
        let until = last.checked_add(self.timeouts.connect).unwrap_or(last);
        let mut opened = futures_util::stream::iter(missing)
            .map(async |((route, number), turn)| {
                tokio::time::sleep_until(turn).await;
                tokio::time::timeout_at(until, route.warm(number)).await
            })
            .buffer_unordered(PREWARM_PARALLEL);
        while let Some(Ok(Ok(()))) = opened.next().await {}
        self.idle()
    }

    /// Steps of the clock of day that were seen while answers were read. Around one, arrivals are by
    /// our own clock.
    #[must_use]
    pub fn clock_steps(&self) -> u64 {
        self.kernel.clock_steps()
    }

    /// Idle connections, and those of HTTP/2.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.routes.iter().map(Route::idle).sum()
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
        let session = asked.session.index;
        let route = match self.route(session) {
            Ok(route) => route,
            Err(failure) => return self.failed(failure, reconnects),
        };
        loop {
            let usage = self.learnt.usage();
            let draft = match self.draft(asked, &route.endpoint, usage) {
                Ok(draft) => draft,
                Err(failure) => return self.failed(failure, reconnects),
            };
            let wanted = if reconnects == 0 { Wanted::Any } else { Wanted::New };
            let (mut lane, connecting) = match route.lane(session, wanted, &mut clock).await {
                Ok(found) => found,
                Err(failure) => return self.failed(failure, reconnects),
            };
            if let Some(took) = connecting {
                observer.connected(took);
            }
            clock.deadlines.connected();
            let has_next = asked.turn + 1 < asked.session.turns.len();
            let keeps_answer = has_next && asked.history == HistoryMode::Inherit;
            let reading = Reading { protocol: &self.protocol, keeps_answer };
            let attempt = attempt(&mut lane, draft, reading, &mut clock, observer);
            match attempt.await {
                Attempt::Failed(failure) => {
                    if failure.is_death {
                        lane.give_up();
                    }
                    let may_repeat = connecting.is_none() && !lane.has_answered();
                    if !(failure.is_death && may_repeat && reconnects == 0) {
                        return self.failed(failure, reconnects);
                    }
                    reconnects += 1;
                }
                Attempt::Answered { verdict, retry_after, may_reuse } => {
                    let verdict = verdict.of_length(asked.output_min());
                    let is_ok = verdict.outcome == Outcome::Ok;
                    if may_reuse {
                        let left = asked.session.turns.len().saturating_sub(asked.turn + 1);
                        let left = if is_ok { left } else { 0 };
                        route.put(lane, session, left);
                    }
                    if verdict.refuses_usage && usage == UsageField::Asked && self.has_tokens() {
                        self.learnt.refused_usage();
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

    /// The status of a GET of `path` below the first base URL, on a connection of its own. It asks whether
    /// the target lives, not how fast it is: limits for requests under load do not bind it.
    ///
    /// # Errors
    /// No connection and answer within five seconds, or the limit for a first chunk if it is longer.
    pub async fn get(&self, path: &str) -> Result<u16, NoAnswer> {
        self.ask("GET", path).await
    }

    /// The same of a request with another method; it has no body.
    ///
    /// # Errors
    /// As of [`Client::get`].
    pub async fn ask(&self, method: &str, path: &str) -> Result<u16, NoAnswer> {
        // The tasks of an HTTP/2 connection need one, and end with it.
        tokio::task::LocalSet::new().run_until(self.status_of(method, path)).await
    }

    async fn status_of(&self, method: &str, path: &str) -> Result<u16, NoAnswer> {
        let no_answer = |failure: Failure| NoAnswer {
            outcome: failure.outcome,
            detail: self.clean(&failure.detail),
        };
        let wait = self.timeouts.first_chunk.max(ANSWER_WAIT);
        let limits = Timeouts { connect: wait, first_chunk: wait, total: wait, ..self.timeouts };
        let mut clock = Clock::new(Instant::now(), limits);
        let route = self.route(0).map_err(no_answer)?;
        let (mut lane, _) = route.lane(0, Wanted::New, &mut clock).await.map_err(no_answer)?;
        clock.deadlines.connected();
        let outgoing =
            Outgoing { method: method.into(), path: path.into(), content_type: None, body: None };
        let draft =
            Draft::new(outgoing, &route.endpoint, &self.headers, self.style, |value| value.into());
        let draft = draft.map_err(no_answer)?;
        let head = head(&mut lane, draft, &mut clock, &Nobody).await;
        head.map(|(head, _)| head.status).map_err(no_answer)
    }

    /// The way that a session takes.
    fn route(&self, session: u64) -> Result<&Route, Failure> {
        let count = u64::try_from(self.routes.len()).unwrap_or(u64::MAX).max(1);
        let index = usize::try_from(session % count).unwrap_or_default();
        self.routes.get(index).ok_or_else(|| Failure::new(Outcome::Unsent, "there is no url"))
    }

    fn draft(
        &self,
        asked: &Asked<'_>,
        endpoint: &Endpoint,
        usage: UsageField,
    ) -> Result<Draft, Failure> {
        let outgoing = self.protocol.outgoing(asked, usage).map_err(|error| unsendable(&error))?;
        Draft::new(outgoing, endpoint, &self.headers, self.style, |value| expand(value, asked))
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
