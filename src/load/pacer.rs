//! When a worker wakes and sends: at due times, at the ends of windows, and often enough to notice that
//! it was kept from running. All of it is absolute from the trial's start.

use super::clock::Clock;
use super::timer::Timer;
use std::io;
use std::time::Duration;

/// Waits for due times. Where there are thousands of them per second it spaces the turns at which it
/// sends, and finds several requests due: each turn costs CPU that the target may need. The lag is
/// measured.
#[derive(Debug)]
pub(super) struct Pacer {
    clock: Clock,
    timer: Timer,
    quantum: Quantum,
}

impl Pacer {
    pub(super) fn new(clock: Clock, timer: Timer) -> Self {
        Self { clock, timer, quantum: Quantum::default() }
    }

    /// Whether what is due at `now` is sent now: where turns are spaced, an answer that comes in between
    /// makes none.
    pub(super) fn may_send(&self, now: Duration) -> bool {
        now >= self.quantum.earliest
    }

    /// Something was sent at `now`.
    pub(super) fn sent(&mut self, now: Duration) {
        self.quantum.sent(now);
    }

    /// Returns at `due`, or soon after. Cancel-safe.
    pub(super) async fn wait_until(&mut self, due: Duration) -> io::Result<()> {
        self.timer.wait_until(self.clock, due.max(self.quantum.earliest)).await
    }
}

/// Decides how soon after a turn of sending the next may come: pure.
#[derive(Debug, Default)]
struct Quantum {
    /// When the next turn may come.
    earliest: Duration,
    /// Turns since `since`.
    turns: u32,
    since: Duration,
    is_on: bool,
}

impl Quantum {
    /// Time over which turns are counted.
    const PERIOD: Duration = Duration::from_millis(100);
    /// Turns in a period from which on they are spaced: 2,000 per second.
    const TURNS: u32 = 200;
    /// Least time between two that are spaced.
    const SPACE: Duration = Duration::from_micros(150);

    fn sent(&mut self, now: Duration) {
        self.turns += 1;
        if now >= self.since + Self::PERIOD {
            // Spaced ones are fewer than they would be, but still more than the limit.
            self.is_on = self.turns > Self::TURNS;
            self.since = now;
            self.turns = 0;
        }
        self.earliest = if self.is_on { now + Self::SPACE } else { Duration::ZERO };
    }
}

/// Ticks at whole multiples of a period since the start. None is left out: a late worker gets those
/// that it missed one after the other.
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

    /// The oldest one that is due at `now` and was not given yet.
    pub(super) fn passed(&mut self, now: Duration) -> Option<Duration> {
        let tick = self.next;
        (tick <= now).then(|| {
            self.next += self.every;
            tick
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Pacer, Quantum, Ticks, Timer};
    use std::time::Duration;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn ticks_are_absolute_and_a_late_worker_gets_every_one() {
        let mut ticks = Ticks::new(ms(1_000));
        let mut passed = |at| (ticks.passed(ms(at)), ticks.next());
        assert_eq!(passed(999), (None, ms(1_000)));
        assert_eq!(passed(1_030), (Some(ms(1_000)), ms(2_000)));
        assert_eq!(passed(1_999), (None, ms(2_000)));
        assert_eq!(passed(3_500), (Some(ms(2_000)), ms(3_000)));
        assert_eq!(passed(3_500), (Some(ms(3_000)), ms(4_000)));
        assert_eq!(passed(3_500), (None, ms(4_000)));
    }

    #[test]
    fn turns_are_spaced_only_where_there_are_thousands() {
        for (per_s, is_spaced) in [(100, false), (1_900, false), (2_200, true), (10_000, true)] {
            let gap = Duration::from_secs(1) / per_s;
            let (mut quantum, mut now) = (Quantum::default(), Duration::ZERO);
            for _ in 0..per_s {
                now = (now + gap).max(quantum.earliest);
                quantum.sent(now);
            }
            assert_eq!(quantum.earliest > now, is_spaced, "{per_s}");
        }
    }

    #[test]
    fn spacing_ends_when_there_is_less_to_do() {
        let mut quantum = Quantum::default();
        (0..2_000).for_each(|i| quantum.sent(Duration::from_micros(100 * i)));
        assert!(quantum.earliest > Duration::ZERO);
        (2..30).for_each(|i| quantum.sent(ms(100 * i)));
        assert_eq!(quantum.earliest, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_pacer_waits_for_absolute_times_and_never_returns_early() {
        let clock = Clock::starting_in(ms(20));
        let mut pacer = Pacer::new(clock, Timer::paused());
        for due in [ms(0), ms(7), Duration::from_micros(7_300), ms(500)] {
            pacer.wait_until(due).await.unwrap();
            assert!(clock.now() >= due && clock.now() <= due + ms(1), "{due:?}: {:?}", clock.now());
        }
        pacer.wait_until(ms(3)).await.unwrap(); // long past: at once
        assert_eq!(clock.now(), ms(500));
    }
}
