//! Ctrl-C: the first asks to stop and save, the second ends at once.

use super::ExitStatus;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Waits for SIGINT, SIGTERM or SIGHUP.
pub(super) async fn asked_to_stop() {
    let listen = |kind| signal(kind).ok();
    let (mut interrupt, mut terminate, mut hangup) = (
        listen(SignalKind::interrupt()),
        listen(SignalKind::terminate()),
        listen(SignalKind::hangup()),
    );
    let next = async |signal: &mut Option<tokio::signal::unix::Signal>| match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    };
    tokio::select! {
        () = next(&mut interrupt) => {}
        () = next(&mut terminate) => {}
        () = next(&mut hangup) => {}
    }
}

/// Cancels `stop` at the first signal; ends the process at the second. The targets die with us: their
/// guards see the end of the lifeline.
pub(super) async fn watch(stop: CancellationToken) {
    asked_to_stop().await;
    super::progress::say("stopping; what was measured is saved (again to stop at once)");
    stop.cancel();
    asked_to_stop().await;
    #[expect(
        clippy::exit,
        clippy::disallowed_methods,
        reason = "asked twice: nothing may hold us"
    )]
    std::process::exit(i32::from(ExitStatus::Interrupted.code()));
}
