//! The worker's own thread, on the real clock: what comes back from it, and that nothing is lost.

use super::run_on_thread;
use crate::load::error::{ClientError, LoadError};
use crate::load::exchange::{Exchanged, Observer};
use crate::load::fake::{Act, Fake, closed, job, open};
use crate::load::worker::Exchange;
use crate::target::protocol::Asked;
use crate::trial::{Ended, Outcome, Patient, RequestId, Window};
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// A fake that says when it is dropped.
struct Told(Rc<Fake>, std::sync::mpsc::Sender<()>);

impl Drop for Told {
    fn drop(&mut self) {
        let _nobody_asks = self.1.send(());
    }
}

impl Exchange for Told {
    fn has_tokens(&self) -> bool {
        self.0.has_tokens()
    }

    async fn prewarm(&self, connections: usize) -> usize {
        self.0.prewarm(connections).await
    }

    async fn exchange(&self, asked: &Asked<'_>, at: Instant, observer: &dyn Observer) -> Exchanged {
        self.0.exchange(asked, at, observer).await
    }
}

/// Opens a fake on the worker's thread; the receiver hears when it is gone.
fn scripted(
    script: impl Fn(RequestId) -> Act + Send + 'static,
) -> (impl AsyncFnOnce() -> Result<Told, ClientError> + Send + 'static, std::sync::mpsc::Receiver<()>)
{
    let (gone, ended) = std::sync::mpsc::channel();
    (async move || Ok(Told(Fake::new(script), gone)), ended)
}

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_trial_on_its_own_thread_gives_its_report_and_the_readings_of_that_thread() {
    let (open_fake, ended) = scripted(|_| Act::Answer(3));
    let stop = CancellationToken::new();
    let job = job(closed(4), 1, 40, &["p90 e2e < 10s"]);
    let report = run_on_thread(job, open_fake, &mut Patient, &stop, &mut |_| {}).await.unwrap();
    assert_eq!((report.ended, report.counts.of(Outcome::Ok)), (Ended::Complete, 40));
    let readings = report.health.readings;
    assert!(readings.cpu_cores.unwrap() > 0.0 && readings.workers == 1, "{readings:?}");
    assert_eq!(readings.descriptors_limit, Some(100_000));
    if cfg!(target_os = "linux") {
        assert!(readings.descriptors.unwrap() > 2);
    }
    ended.recv_timeout(LONG).unwrap();
}

#[tokio::test]
async fn a_panic_of_the_thread_is_an_error() {
    let open_fake = async || -> Result<Told, ClientError> { panic!("no {}", "luck") };
    let stop = CancellationToken::new();
    let job = job(closed(1), 1, 1, &[]);
    let report = run_on_thread(job, open_fake, &mut Patient, &stop, &mut |_| {}).await;
    let Err(LoadError::Panicked { what }) = report else { panic!("{report:?}") };
    assert_eq!(what, "no luck");
}

#[tokio::test]
async fn an_interruption_reaches_the_thread_also_while_the_client_is_being_made() {
    let stop = CancellationToken::new();
    let stopper = stop.clone();
    let open_fake = async move || -> Result<Told, ClientError> {
        stopper.cancel();
        std::future::pending().await
    };
    let job = job(closed(1), 1, 1, &[]);
    let report = timeout(LONG, run_on_thread(job, open_fake, &mut Patient, &stop, &mut |_| {}))
        .await
        .unwrap();
    assert!(matches!(report, Err(LoadError::Interrupted)), "{report:?}");
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_the_worker_with_it() {
    let (open_fake, ended) = scripted(|_| Act::Silence);
    let stop = CancellationToken::new();
    let job = job(open(20.0), 1, 100_000, &[]);
    let (seen, mut first_window) = tokio::sync::mpsc::channel(100);
    let mut progress = |_: &Window| {
        let _full = seen.try_send(());
    };
    let mut calm = Patient;
    tokio::select! {
        report = run_on_thread(job, open_fake, &mut calm, &stop, &mut progress) => {
            panic!("{report:?}")
        }
        window = first_window.recv() => assert_eq!(window, Some(())),
    }
    ended.recv_timeout(LONG).unwrap();
    assert!(!stop.is_cancelled());
}
