//! Four limits, one timer a request. Progress only moves a deadline in memory; the timer is armed
//! anew when it fires too early, or when a deadline moves before it.

use crate::config::plan::Timeouts;
use crate::trial::Outcome;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// A limit that overflows the clock is as good as this one.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// The deadlines of one request: pure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    limits: Timeouts,
    intended: Instant,
    phase: Phase,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Connecting { since: Instant },
    Waiting,
    Streaming { last: Instant },
}

impl Deadlines {
    /// A request that the schedule wanted at `intended` and that has no connection yet.
    pub(super) fn new(intended: Instant, limits: Timeouts) -> Self {
        Self { limits, intended, phase: Phase::Connecting { since: intended } }
    }

    /// The request is sent once more: the limit on connecting starts anew, the others do not.
    pub(super) fn again(&mut self, at: Instant) {
        self.phase = Phase::Connecting { since: at };
    }

    /// There is a connection.
    pub(super) fn connected(&mut self) {
        self.phase = Phase::Waiting;
    }

    /// An output chunk came. Nothing else (a comment, a role, usage) moves a deadline.
    pub(super) fn output(&mut self, at: Instant) {
        self.phase = Phase::Streaming { last: at };
    }

    /// The earliest deadline and what passing it means.
    pub(super) fn next(&self) -> (Instant, Outcome) {
        let first = (after(self.intended, self.limits.first_chunk), Outcome::TimeoutFirst);
        let total = (after(self.intended, self.limits.total), Outcome::TimeoutTotal);
        let own = match self.phase {
            // Whichever passes first: what was missing is the connection.
            Phase::Connecting { since } => {
                let earliest = after(since, self.limits.connect).min(first.0).min(total.0);
                return (earliest, Outcome::TimeoutConnect);
            }
            Phase::Waiting => first,
            Phase::Streaming { last } => {
                (after(last, self.limits.between_chunks), Outcome::TimeoutBetween)
            }
        };
        earlier(own, total)
    }

    /// What a deadline before `at` means, if one has passed. Asked after data, so that a target
    /// that never stops to send cannot hide from the timer.
    pub(super) fn passed(&self, at: Instant) -> Option<Outcome> {
        let (deadline, outcome) = self.next();
        (deadline < at).then_some(outcome)
    }
}

fn after(start: Instant, limit: Duration) -> Instant {
    start.checked_add(limit).unwrap_or_else(|| start + FOREVER)
}

fn earlier(a: (Instant, Outcome), b: (Instant, Outcome)) -> (Instant, Outcome) {
    if b.0 < a.0 { b } else { a }
}

/// Deadlines and the timer that watches them.
#[derive(Debug)]
pub(super) struct Clock {
    pub(super) deadlines: Deadlines,
    timer: Pin<Box<Sleep>>,
    /// Whether the task is woken when the timer fires.
    is_watched: bool,
}

impl Clock {
    pub(super) fn new(intended: Instant, limits: Timeouts) -> Self {
        let deadlines = Deadlines::new(intended, limits);
        let timer = Box::pin(sleep_until(deadlines.next().0));
        Self { deadlines, timer, is_watched: false }
    }

    /// Ready once a deadline has passed. Poll what could bring data first: data wins. One task only
    /// may ask: it is the one that is woken.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        loop {
            let (at, outcome) = self.deadlines.next();
            if self.timer.deadline() > at {
                self.timer.as_mut().reset(at);
                self.is_watched = false;
            }
            if self.is_watched && !self.timer.is_elapsed() {
                return Poll::Pending;
            }
            match self.timer.as_mut().poll(cx) {
                Poll::Pending => {
                    self.is_watched = true;
                    return Poll::Pending;
                }
                Poll::Ready(()) if Instant::now() >= at => return Poll::Ready(outcome),
                Poll::Ready(()) => {
                    self.timer.as_mut().reset(at);
                    self.is_watched = false;
                }
            }
        }
    }

    /// `future`, or what the deadline means that passed before it.
    pub(super) async fn limited<F: Future>(&mut self, future: F) -> Result<F::Output, Outcome> {
        let mut future = pin!(future);
        std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => self.poll_expired(cx).map(Err),
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Deadlines};
    use crate::config::plan::Timeouts;
    use crate::trial::Outcome;
    use std::time::Duration;
    use tokio::time::Instant;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn limits() -> Timeouts {
        Timeouts {
            connect: seconds(5),
            first_chunk: seconds(30),
            between_chunks: seconds(10),
            total: seconds(60),
        }
    }

    #[test]
    fn each_phase_has_its_own_deadline_and_the_total_bounds_all() {
        let start = Instant::now();
        let mut deadlines = Deadlines::new(start, limits());
        assert_eq!(deadlines.next(), (start + seconds(5), Outcome::TimeoutConnect));
        deadlines.again(start + seconds(4));
        assert_eq!(deadlines.next(), (start + seconds(9), Outcome::TimeoutConnect));
        deadlines.again(start + seconds(27));
        let first = (start + seconds(30), Outcome::TimeoutConnect);
        assert_eq!(deadlines.next(), first, "what is missing is still the connection");
        deadlines.connected();
        assert_eq!(deadlines.next(), (start + seconds(30), Outcome::TimeoutFirst));
        deadlines.output(start + seconds(12));
        assert_eq!(deadlines.next(), (start + seconds(22), Outcome::TimeoutBetween));
        deadlines.output(start + seconds(55));
        assert_eq!(deadlines.next(), (start + seconds(60), Outcome::TimeoutTotal));
    }

    #[test]
    fn only_what_comes_after_the_deadline_has_passed_it() {
        let start = Instant::now();
        let mut deadlines = Deadlines::new(start, limits());
        deadlines.connected();
        assert_eq!(deadlines.passed(start + seconds(30)), None);
        assert_eq!(deadlines.passed(start + seconds(31)), Some(Outcome::TimeoutFirst));
        deadlines.output(start + seconds(31));
        assert_eq!(deadlines.passed(start + seconds(31)), None);
        assert_eq!(deadlines.passed(start + seconds(61)), Some(Outcome::TimeoutBetween));
    }

    #[test]
    fn a_limit_beyond_the_clock_is_no_panic() {
        let limits = Timeouts { first_chunk: Duration::MAX, total: Duration::MAX, ..limits() };
        let mut deadlines = Deadlines::new(Instant::now(), limits);
        deadlines.connected();
        assert_eq!(deadlines.next().1, Outcome::TimeoutFirst);
    }

    #[tokio::test(start_paused = true)]
    async fn the_timer_follows_deadlines_that_move_either_way() {
        let start = Instant::now();
        let mut clock = Clock::new(start, limits());
        clock.deadlines.connected();
        let waited = clock.limited(tokio::time::sleep(seconds(6))).await;
        assert_eq!(waited, Ok(()), "armed for the connection, fired early, armed anew");
        clock.deadlines.output(Instant::now());
        let waited = clock.limited(std::future::pending::<()>()).await;
        assert_eq!(waited, Err(Outcome::TimeoutBetween));
        assert_eq!(start.elapsed().as_secs(), 16);
    }
}
