//! Runs one trial: a worker on a thread of its own offers the load; the caller's task looks at its
//! windows, asks the watch, and may end it.

#[cfg(test)]
mod tests;

use super::cap;
use super::client::Client;
use super::error::{ClientError, LoadError};
use super::exchange::{Exchanged, Observer};
use super::probe::{self, Descriptors};
use super::worker::{Exchange, Job, Link, work};
use crate::config::plan::TargetPlan;
use crate::target::protocol::Asked;
use crate::trial::{Flow, StopReason, TrialPlan, TrialReport, Watch, Window};
use crate::workload::{Salt, SessionLaw};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;
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
    /// Most requests in flight that our own resources allow; `None`: what the limit on descriptors
    /// allows. When it is reached although the load needs more, the trial is invalid.
    pub in_flight_max: Option<usize>,
}

/// Runs a trial. `watch` and `progress` see each window as it closes, once a second, in the caller's
/// task; the load itself does not wait for them.
///
/// The first call raises the process's soft limit on open files to the hard one.
///
/// # Errors
/// [`LoadError`]; [`LoadError::Interrupted`] once `stop` is cancelled.
pub async fn run_trial(
    trial: &LiveTrial<'_>,
    watch: &mut dyn Watch,
    stop: &CancellationToken,
    progress: &mut dyn FnMut(&Window),
) -> Result<TrialReport, LoadError> {
    let descriptors_limit = probe::raise_descriptor_limit();
    let job = Job {
        plan: trial.plan.clone(),
        law: trial.law.clone(),
        salt: trial.salt,
        timeout: trial.target.timeouts.total,
        by_resources: trial.in_flight_max.or_else(|| cap::by_descriptors(descriptors_limit)),
        descriptors_limit,
    };
    let (target, base_urls) = (trial.target.clone(), trial.base_urls.to_vec());
    let open = async move || Client::new(&target, &base_urls).await;
    run_on_thread(job, open, watch, stop, progress).await
}

/// Runs a worker on its own thread and waits for its end. If the caller goes away, so does the
/// worker.
async fn run_on_thread<E: Exchange + 'static>(
    job: Job,
    open: impl AsyncFnOnce() -> Result<E, ClientError> + Send + 'static,
    watch: &mut dyn Watch,
    stop: &CancellationToken,
    progress: &mut dyn FnMut(&Window),
) -> Result<TrialReport, LoadError> {
    let (link, seat) = connect(stop.child_token());
    let _ends_with_us = link.cancel.clone().drop_guard();
    let (done, result) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("load-0".to_owned())
        .spawn(move || {
            let outcome = on_own_runtime(job, link, open);
            // Nobody listens when the caller went away.
            let _gone = done.send(outcome);
        })
        .map_err(LoadError::Start)?;
    let outcome = supervise(seat, result, watch, progress).await;
    // The thread has said its last, so this does not wait.
    match thread.join() {
        Ok(()) => outcome.unwrap_or(Err(LoadError::StillRunning)),
        Err(payload) => Err(LoadError::from_panic(payload.as_ref())),
    }
}

fn on_own_runtime<E: Exchange + 'static>(
    job: Job,
    link: Link,
    open: impl AsyncFnOnce() -> Result<E, ClientError>,
) -> Result<TrialReport, LoadError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(LoadError::Start)?;
    let tasks = LocalSet::new();
    let cancel = link.cancel.clone();
    let outcome = tasks.block_on(&runtime, async move {
        let client = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(LoadError::Interrupted),
            client = open() => Rc::new(client?),
        };
        work(client, job, link).await
    });
    drop(tasks); // connections close here
    runtime.shutdown_background(); // a host name still being looked up holds nobody up
    outcome
}

/// The caller's end of a [`Link`].
#[derive(Debug)]
pub(super) struct Seat {
    windows: mpsc::Receiver<Window>,
    stops: mpsc::Sender<StopReason>,
    descriptors: Arc<Descriptors>,
}

/// The two ends of what joins a worker to its caller.
pub(super) fn connect(cancel: CancellationToken) -> (Link, Seat) {
    // A minute of windows: full only if the caller's task stands still for as long.
    let (windows_in, windows) = mpsc::channel(60);
    // Only the first word counts, so a full channel says all.
    let (stops, stops_out) = mpsc::channel(1);
    let descriptors = Arc::new(Descriptors::default());
    let link = Link {
        windows: windows_in,
        stops: stops_out,
        cancel,
        descriptors: Arc::clone(&descriptors),
    };
    (link, Seat { windows, stops, descriptors })
}

/// Shows each window to the watch and to `progress` until the worker is done; `None` when it died
/// without a result.
pub(super) async fn supervise<T>(
    mut seat: Seat,
    mut result: oneshot::Receiver<T>,
    watch: &mut dyn Watch,
    progress: &mut dyn FnMut(&Window),
) -> Option<T> {
    let mut stopped = false;
    loop {
        tokio::select! {
            biased;
            Some(window) = seat.windows.recv() => {
                seat.descriptors.sample();
                progress(&window);
                if !stopped && let Flow::Stop(reason) = watch.observe(&window) {
                    stopped = true;
                    let _ending_anyway = seat.stops.try_send(reason);
                }
            }
            outcome = &mut result => return outcome.ok(),
        }
    }
}

impl Exchange for Client {
    fn has_tokens(&self) -> bool {
        Client::has_tokens(self)
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
