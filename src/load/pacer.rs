//! The clock of a trial and the waiting for a due time. Everything is absolute from the trial's
//! start, so that being late once moves nothing that comes after.

use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// The instant from which all times of a trial count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that starts in `lead`: the first arrivals are then not late from the beginning.
    pub(super) fn starting_in(lead: Duration) -> Self {
        let now = Instant::now();
        Self { start: now.checked_add(lead).unwrap_or(now) }
    }

    /// Time since the start; zero before it.
    pub(super) fn now(self) -> Duration {
        self.since_start(Instant::now())
    }

    /// When `at` was; zero before the start.
    pub(super) fn since_start(self, at: Instant) -> Duration {
        at.saturating_duration_since(self.start)
    }

    /// The instant that is this long after the start.
    pub(super) fn at(self, since_start: Duration) -> Instant {
        const FAR: Duration = Duration::from_secs(86_400 * 365);
        self.start.checked_add(since_start).unwrap_or(self.start + FAR)
    }
}

/// Waits until a due time, with one timer that is armed again and again. Its width is 1 ms, always on
/// the late side; the lag is measured and part of every latency.
#[derive(Debug)]
pub(super) struct Pacer {
    clock: Clock,
    timer: Pin<Box<Sleep>>,
}

impl Pacer {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, timer: Box::pin(tokio::time::sleep_until(clock.at(Duration::ZERO))) }
    }

    /// Returns at `due` or soon after. Cancel-safe.
    pub(super) async fn wait_until(&mut self, due: Duration) {
        self.timer.as_mut().reset(self.clock.at(due));
        self.timer.as_mut().await;
    }
}

/// Ticks at whole multiples of a period since the start; one that was missed is left out.
#[derive(Debug)]
pub(super) struct Ticks {
    every: Duration,
    next: Duration,
}

impl Ticks {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, next: every }
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Duration {
        self.next
    }

    /// Whether one is due at `now`; the next is then after `now`.
    pub(super) fn passed(&mut self, now: Duration) -> bool {
        let due = now >= self.next;
        while self.next <= now {
            self.next += self.every;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Pacer, Ticks};
    use std::time::Duration;
    use tokio::time::Instant;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn ticks_are_absolute_and_a_missed_one_is_left_out() {
        let mut ticks = Ticks::new(ms(1_000));
        let mut passed = |at| (ticks.passed(ms(at)), ticks.next());
        assert_eq!(passed(999), (false, ms(1_000)));
        assert_eq!(passed(1_030), (true, ms(2_000)));
        assert_eq!(passed(1_999), (false, ms(2_000)));
        assert_eq!(passed(4_500), (true, ms(5_000)));
        assert_eq!(passed(5_000), (true, ms(6_000)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_pacer_waits_for_absolute_times_and_never_returns_early() {
        let clock = Clock::starting_in(ms(20));
        assert_eq!(clock.now(), Duration::ZERO);
        assert_eq!(clock.since_start(Instant::now() - ms(1)), Duration::ZERO);
        let mut pacer = Pacer::new(clock);
        for due in [ms(0), ms(7), Duration::from_micros(7_300), ms(500)] {
            pacer.wait_until(due).await;
            assert!(clock.now() >= due && clock.now() <= due + ms(1), "{due:?}: {:?}", clock.now());
        }
        pacer.wait_until(ms(3)).await; // long past: at once
        assert_eq!(clock.now(), ms(500));
        assert!(clock.at(Duration::MAX) > clock.at(Duration::from_secs(3_600)));
    }
}
