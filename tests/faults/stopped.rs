//! A trial that is ended by us: its open requests are counted, and its connections closed.

use crate::cell::{LONG, Offer, closed, open, plan, play, target, timeouts};
use crate::server::Server;
use crate::table::{Fault, Shape};
use plimsoll::load::LoadError;
use plimsoll::trial::{Ended, Flow, Outcome, Patient, StopReason, TrialPlan, Watch, Window};
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

/// Ends the trial at the first window after a request came.
struct AtOnce;

impl Watch for AtOnce {
    fn observe(&mut self, _: &Window) -> Flow {
        Flow::Stop(StopReason::Overload)
    }
}

fn plan_of(offer: Offer) -> TrialPlan {
    match offer {
        Offer::Open => plan(open(60.0), 0, 1_000),
        Offer::Closed => plan(closed(8), 0, 1_000),
    }
}

/// Answers that end by themselves only after the test.
const OPEN_ENDED: [Fault; 4] =
    [Fault::NeverAnswers, Fault::StallsInside, Fault::OnlyPings, Fault::Endless];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_open_when_a_trial_is_ended_is_unfinished_and_its_connections_are_closed() {
    let target = target(Shape::Stream, timeouts(Fault::NeverAnswers, Outcome::Ok), 0);
    for fault in OPEN_ENDED {
        for offer in Offer::ALL {
            let server = Server::start(fault, Shape::Stream).await;
            let stop = CancellationToken::new();
            let (plan, mut watch) = (plan_of(offer), AtOnce);
            let played = play(&plan, &target, server.url(), &mut watch, &stop);
            let report = tokio::time::timeout(LONG, played).await.unwrap().unwrap();
            assert_eq!(report.ended, Ended::Overload, "{fault:?} {offer:?}");
            let intended = report.counts.intended;
            assert!(intended > 0, "{fault:?} {offer:?}");
            let unfinished = BTreeMap::from([(Outcome::Unfinished, intended)]);
            assert_eq!(report.counts.by_outcome, unfinished, "{fault:?} {offer:?}");
            assert_eq!(report.counts.held_back, 0, "{fault:?} {offer:?}");
            assert!(server.connections() > 0);
            server.is_left().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_that_is_interrupted_closes_its_connections() {
    let target = target(Shape::Stream, timeouts(Fault::NeverAnswers, Outcome::Ok), 0);
    for offer in Offer::ALL {
        let server = Server::start(Fault::Endless, Shape::Stream).await;
        let stop = CancellationToken::new();
        let (plan, mut calm) = (plan_of(offer), Patient);
        let interrupt = async {
            server.is_asked().await;
            stop.cancel();
        };
        let played = play(&plan, &target, server.url(), &mut calm, &stop);
        let both = async { tokio::join!(played, interrupt) };
        let (report, ()) = tokio::time::timeout(LONG, both).await.unwrap();
        assert!(matches!(report, Err(LoadError::Interrupted)), "{offer:?}: {report:?}");
        server.is_left().await;
    }
}
