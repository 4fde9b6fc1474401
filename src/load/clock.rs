//! The clock of a trial. Everything is absolute from the trial's start, so that being late once moves
//! nothing that comes after.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;
use tokio::time::Instant;

/// The instant from which all times of a trial count: the same for all of its workers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Clock {
    start: Instant,
    monotonic: Duration,
}

impl Clock {
    /// A clock that starts in `lead`: the first arrivals are then not late from the beginning.
    pub(super) fn starting_in(lead: Duration) -> Self {
        let now = Instant::now();
        let monotonic = monotonic() + lead;
        Self { start: now.checked_add(lead).unwrap_or(now), monotonic }
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

    /// The reading of the system's monotonic clock at this time after the start: what other programs
    /// on this machine call it.
    pub(super) fn monotonic(self, since_start: Duration) -> Duration {
        self.monotonic.saturating_add(since_start)
    }
}

fn monotonic() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Clock;
    use std::time::Duration;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn times_are_absolute_and_zero_before_the_start() {
        let ms = Duration::from_millis;
        let clock = Clock::starting_in(ms(20));
        assert_eq!(clock.now(), Duration::ZERO);
        assert_eq!(clock.since_start(Instant::now() - ms(1)), Duration::ZERO);
        tokio::time::advance(ms(25)).await;
        assert_eq!(clock.now(), ms(5));
        assert_eq!(clock.at(ms(5)), Instant::now());
        assert!(clock.at(Duration::MAX) > clock.at(Duration::from_secs(3_600)));
        assert_eq!(clock.monotonic(ms(5)), clock.monotonic(ms(1)) + ms(4));
    }
}
