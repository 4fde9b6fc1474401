//! Runs one trial: workers on threads of their own offer the load; the caller's task is their control.

#[cfg(test)]
mod tests;

use super::calibrate::Calibration;
use super::cap::{Allowed, Cap};
use super::control::{Audience, Known, Played, Seat};
use super::error::{ClientError, LoadError};
use super::feasible::{Means, SessionCost, feasible, offer_max};
use super::link::{Link, Order, Part, Word};
use super::play::Play;
use super::probe;
use super::share::{Demand, Share};
use super::timer::Timer;
use super::wire::{Client, Endpoint, Exchanged, Learnt, Observer, addresses};
use super::worker::{Exchange, Job, work};
use crate::config::plan::{Api, HttpVersion, TargetPlan, TargetSource};
use crate::target::protocol::Asked;
use crate::trial::{GeneratorWatch, TrialPlan, TrialReport};
use crate::units::share;
use crate::workload::{Salt, SessionLaw};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread::JoinHandle;
use tokio::runtime::LocalOptions;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A trial on real sockets.
#[derive(Debug, Clone, Copy)]
pub struct LiveTrial<'a> {
    /// What to do.
    pub plan: &'a TrialPlan,
    /// Law of the sessions.
    pub law: &'a SessionLaw,
    /// What makes the contents this trial's own.
    pub salt: Salt,
    /// The service under test.
    pub target: &'a TargetPlan,
    /// Its base URLs (`http://…`, `https://…`, `unix:/…`), one a replica; session i uses that at i modulo their
    /// number.
    pub base_urls: &'a [String],
    /// Most requests in flight for which descriptors are taken to last; `None`: as the limit on them
    /// says. When it is reached although the load needs more, the trial is invalid.
    pub in_flight_max: Option<usize>,
    /// Cores on which they run; none: any.
    pub cpus: &'a [usize],
    /// Threads that offer the load, 1 to 16; `None`: as many as the plan and this machine ask for.
    pub workers: Option<u32>,
    /// Processes of the target, and of one that waits for its turn, on this machine: their CPU is no
    /// neighbour's.
    pub target_pids: &'a [i32],
    /// What the generator costs on this machine; `None`: a load is not refused for its CPU.
    pub calibration: Option<Calibration>,
    /// What earlier trials learnt of the target, and where this one adds to it.
    pub learnt: &'a Learnt,
}

/// Runs a trial. The audience is told in the caller's task; the load itself does not wait for it.
///
/// The first call raises the process's soft limit on open files to the hard one.
///
/// # Errors
/// [`LoadError`]; [`LoadError::Interrupted`] once `stop` is cancelled, [`LoadError::Refused`] before
/// anything is sent when this machine cannot offer the load.
pub async fn run_trial(
    trial: &LiveTrial<'_>,
    audience: &mut Audience<'_>,
    stop: &CancellationToken,
) -> Result<TrialReport, LoadError> {
    let descriptors_limit = probe::raise_descriptor_limit();
    let LiveTrial { plan, law, salt, target, .. } = *trial;
    let extent = Play::extent(law, plan);
    let endpoints = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(LoadError::Interrupted),
        found = Endpoint::all(trial.base_urls, &target.api) => found?,
    };
    let addresses = match target.http {
        HttpVersion::One => addresses(&endpoints),
        // A few connections, however much is in flight.
        HttpVersion::Two { .. } => 0,
    };
    let allowed = Allowed::read(descriptors_limit, addresses);
    let taken = Allowed { fd: trial.in_flight_max.or(allowed.fd), ..allowed };
    let per_session = share(extent.requests, plan.count);
    let job = Job {
        plan: plan.clone(),
        law: law.clone(),
        salt,
        share: Share::WHOLE,
        cap: Cap::new(plan, per_session, target.timeouts.total, taken),
        is_traced: audience.rows.is_some(),
    };
    let chunks = match &target.api {
        Api::OpenAiChat { stream: true, .. } => extent.output_tokens,
        Api::OpenAiChat { .. } | Api::Http(_) => 0,
    };
    let workers = trial.workers.unwrap_or_else(|| workers(trial, extent.requests + chunks));
    let cost = SessionCost { requests: per_session, chunks: share(chunks, extent.requests) };
    let means = Means::read(trial.calibration, workers, allowed, addresses);
    feasible(plan.load, cost, target.connection, &means)
        .map_err(|refusal| LoadError::Refused { refusal })?;
    let generator = GeneratorWatch::new(extent.requests, descriptors_limit);
    let (target, learnt) = (target.clone(), trial.learnt.clone());
    let open = move || {
        let client = Client::towards(&target, endpoints.clone());
        client.map(|client| client.knowing(learnt.clone()))
    };
    let cpus = trial.cpus.to_vec();
    let team = Team { workers, cpus, generator, target_pids: trial.target_pids.to_vec() };
    let played = run_on_threads(&job, team, open, audience, stop).await?;
    let can_offer_per_s = trial.calibration.map(|known| offer_max(&known, workers, cost));
    let known = Known { descriptors_limit, can_offer_per_s };
    played.report(&job, known).ok_or(LoadError::StillRunning)
}

fn workers(trial: &LiveTrial<'_>, events: u64) -> u32 {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let cores = if trial.cpus.is_empty() { all } else { trial.cpus.len() };
    let is_here = !matches!(trial.target.source, TargetSource::Url(_));
    Demand::of(trial.plan, events).workers(u32::try_from(cores).unwrap_or(u32::MAX), is_here)
}

/// Who offers a trial's load, and what their control must know.
#[derive(Debug, Clone)]
pub(super) struct Team {
    /// Threads.
    pub(super) workers: u32,
    /// Cores on which they run; none: any.
    pub(super) cpus: Vec<usize>,
    /// Ends a trial that can only become invalid.
    pub(super) generator: GeneratorWatch,
    /// The target's processes on this machine.
    pub(super) target_pids: Vec<i32>,
}

/// Runs workers on threads of their own and waits for their end. If the caller goes away, so do they.
async fn run_on_threads<E: Exchange + 'static>(
    job: &Job,
    team: Team,
    open: impl Fn() -> Result<E, ClientError> + Clone + Send + 'static,
    audience: &mut Audience<'_>,
    stop: &CancellationToken,
) -> Result<Played, LoadError> {
    let (cancel, workers, cpus) = (stop.child_token(), team.workers, team.cpus.clone());
    let _ends_with_us = cancel.clone().drop_guard();
    let (links, seat) = connect(team, &cancel);
    let mut threads = Vec::with_capacity(links.len());
    for (link, share) in links.into_iter().zip(Share::each(workers)) {
        let (job, open, cpus) = (Job { share, ..job.clone() }, open.clone(), cpus.clone());
        let thread = std::thread::Builder::new()
            .name(format!("load-{}", share.index()))
            .spawn(move || on_own_thread(&cpus, job, link, open))
            .map_err(LoadError::Start)?;
        threads.push(thread);
    }
    let outcome = seat.supervise(audience).await;
    if !matches!(outcome, Some(Ok(_))) {
        cancel.cancel();
    }
    // Each has said its last word or was told to go, so this does not wait for an answer of anyone.
    let lost = threads.into_iter().map(JoinHandle::join).find_map(Result::err);
    match (outcome, lost) {
        (Some(outcome), None) => outcome,
        (_, Some(payload)) => Err(LoadError::from_panic(payload.as_ref())),
        (None, None) => Err(LoadError::StillRunning),
    }
}

/// Plays a worker's share; its outcome, also a panic, is its last word.
fn on_own_thread<E: Exchange + 'static>(
    cpus: &[usize],
    job: Job,
    link: Link,
    open: impl Fn() -> Result<E, ClientError>,
) {
    let (index, words) = (link.index, link.words.clone());
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        probe::stay_on(cpus).map_err(LoadError::Start)?;
        on_own_runtime(job, link, open)
    }));
    let outcome = outcome
        .unwrap_or_else(|payload: Box<dyn Any + Send>| Err(LoadError::from_panic(&*payload)));
    let _gone = words.send((index, Word::Done(Box::new(outcome))));
}

fn on_own_runtime<E: Exchange + 'static>(
    job: Job,
    link: Link,
    open: impl Fn() -> Result<E, ClientError>,
) -> Result<Part, LoadError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .map_err(LoadError::Start)?;
    // Connections close when the runtime goes.
    runtime.block_on(async move {
        let timer = Timer::new().map_err(LoadError::Start)?;
        work(Rc::new(open()?), timer, job, link).await
    })
}

/// The two ends of what joins workers to their control.
pub(super) fn connect(team: Team, cancel: &CancellationToken) -> (Vec<Link>, Seat) {
    let (say, words) = mpsc::unbounded_channel();
    let (orders, hear) = watch::channel(Order::Wait);
    let links: Vec<Link> = (0..team.workers.max(1))
        .zip(0..)
        .map(|(_, index)| Link {
            index,
            words: say.clone(),
            orders: hear.clone(),
            cancel: cancel.clone(),
        })
        .collect();
    let seat = Seat {
        workers: links.len(),
        words,
        orders,
        generator: team.generator,
        target_pids: team.target_pids,
    };
    (links, seat)
}

impl Exchange for Client {
    fn has_tokens(&self) -> bool {
        Client::has_tokens(self)
    }

    fn clock_steps(&self) -> u64 {
        Client::clock_steps(self)
    }

    async fn prewarm(&self, connections: usize) -> usize {
        Client::prewarm(self, connections).await
    }

    async fn exchange(
        &self,
        request: &Asked<'_>,
        intended: Instant,
        observer: &dyn Observer,
    ) -> Exchanged {
        Client::exchange(self, request, intended, observer).await
    }
}
