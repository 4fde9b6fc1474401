//! What is learnt of a target is learnt once, not once a trial.

use crate::answers::{good, whole};
use crate::cell::{closed, plan, play_knowing, target, timeouts};
use crate::server::{Act, Server};
use crate::table::{Fault, Shape};
use plimsoll::load::Learnt;
use plimsoll::trial::{Outcome, Patient};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio_util::sync::CancellationToken;

/// Sessions at the same time: the first of each is sent before anything is known.
const AT_ONCE: usize = 3;

/// A server that refuses to be asked for token counts, and how often it was.
pub(crate) fn refusing_usage() -> (Server, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let times = Arc::clone(&asked);
    let server = Server::scripted(move |request, _| {
        if request.contains("stream_options") {
            times.fetch_add(1, Ordering::SeqCst);
            let error = r#"{"error":{"message":"unknown field stream_options"}}"#;
            vec![Act::Send(whole("400 Bad Request", "", error))]
        } else {
            vec![Act::Send(good(Shape::Stream))]
        }
    });
    (server, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_refuses_stream_options_is_asked_for_them_in_one_trial_only() {
    let (server, asked) = refusing_usage();
    let (learnt, stop) = (Learnt::default(), CancellationToken::new());
    let target = target(Shape::Stream, timeouts(Fault::SlowHead, Outcome::Ok), 0);
    let plan = plan(closed(u32::try_from(AT_ONCE).unwrap()), 0, 20);
    for _ in 0..3 {
        let mut calm = Patient;
        let trial = play_knowing(&learnt, &plan, &target, server.url(), &mut calm, &stop);
        let report = trial.await.unwrap();
        assert_eq!(report.counts.of(Outcome::Ok), 20, "{:?}", report.failures);
        let refused = asked.load(Ordering::SeqCst);
        assert!((1..=AT_ONCE).contains(&refused), "{refused} were refused");
    }
}
