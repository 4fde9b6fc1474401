//! The kernel stamps arrivals by the clock of day; all else here counts on the steady one. This keeps
//! what lies between the two, and says which stamps can be believed. Pure, but for [`measure`].

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;
use tokio::time::Instant;

/// A measurement that is older is made again, at the next read.
const RENEWED_AFTER: Duration = Duration::from_secs(1);
/// More than this between two measurements is a step of the clock of day: a drift that is corrected
/// by slewing moves both clocks.
const STEP_MIN: Duration = Duration::from_millis(1);
/// A stamp may be this much before what it must follow: the kernel stamps a packet before it is put
/// into the socket's queue.
const EARLY_MAX: Duration = Duration::from_millis(1);
/// Readings in one measurement.
const READINGS: usize = 5;

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    steady: Instant,
    /// Since the epoch.
    real: Duration,
}

/// Reads both clocks; `None` where there is no clock of day.
pub(super) fn measure() -> Option<Reading> {
    let bracketed = std::iter::repeat_with(|| {
        let before = Instant::now();
        let real = clock_gettime(ClockId::Realtime);
        (before, Duration::try_from(real).ok(), Instant::now())
    });
    tightest(
        bracketed.take(READINGS).filter_map(|(before, real, after)| Some((before, real?, after))),
    )
}

/// Of readings of the clock of day between two of the steady one, that with the least between.
fn tightest(bracketed: impl Iterator<Item = (Instant, Duration, Instant)>) -> Option<Reading> {
    bracketed
        .map(|(before, real, after)| (after.saturating_duration_since(before), before, real))
        .min_by_key(|(width, ..)| *width)
        .map(|(width, before, real)| Reading { steady: before + width / 2, real })
}

/// The clock of day, as seen from the steady one.
#[derive(Debug)]
pub(super) struct Realtime {
    anchor: Reading,
    /// Whether the newest measurement agrees with the one before it.
    is_settled: bool,
    steps: u64,
}

impl Realtime {
    pub(super) fn new(first: Reading) -> Self {
        Self { anchor: first, is_settled: true, steps: 0 }
    }

    /// Whether it is time to measure again.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.anchor.steady) >= RENEWED_AFTER
    }

    /// Takes a new measurement. If the clock of day has stepped, no stamp counts until one agrees
    /// with the one before it: what was stamped by which clock cannot be told.
    pub(super) fn measured(&mut self, reading: Reading) {
        let foretold = self.instant(reading.real);
        let off = foretold.map_or(Duration::MAX, |foretold| {
            let late = foretold.saturating_duration_since(reading.steady);
            late.max(reading.steady.saturating_duration_since(foretold))
        });
        self.is_settled = off <= STEP_MIN;
        self.steps += u64::from(!self.is_settled);
        self.anchor = reading;
    }

    /// Steps of the clock of day so far.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// When what was read at `now` arrived by its stamp, if that can be believed: not in the future,
    /// and not before `after`, when there was nothing to read yet.
    pub(super) fn arrival(&self, stamp: Duration, after: Instant, now: Instant) -> Option<Instant> {
        let at = self.instant(stamp).filter(|_| self.is_settled)?;
        (at <= now && after.saturating_duration_since(at) <= EARLY_MAX).then_some(at)
    }

    fn instant(&self, real: Duration) -> Option<Instant> {
        let Reading { steady, real: anchor } = self.anchor;
        match real.checked_sub(anchor) {
            Some(later) => steady.checked_add(later),
            None => steady.checked_sub(anchor.saturating_sub(real)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Reading, Realtime, measure, tightest};
    use std::time::Duration;
    use tokio::time::Instant;

    fn us(us: u64) -> Duration {
        Duration::from_micros(us)
    }

    /// The clock of day at the start of each test.
    const DAY: Duration = Duration::from_secs(1_700_000_000);

    fn at(start: Instant, since: Duration) -> Reading {
        Reading { steady: start + since, real: DAY + since }
    }

    #[test]
    fn the_tightest_reading_counts_with_its_middle() {
        let start = Instant::now();
        let bracketed = [(0, 90, 100), (200, 203, 204), (300, 301, 310)];
        let found = tightest(
            bracketed.into_iter().map(|(a, real, b)| (start + us(a), us(real), start + us(b))),
        );
        assert_eq!(found, Some(Reading { steady: start + us(202), real: us(203) }));
        assert_eq!(tightest(std::iter::empty()), None);
    }

    #[test]
    fn a_stamp_counts_between_the_last_read_and_now() {
        let start = Instant::now() + Duration::from_secs(5);
        let clock = Realtime::new(at(start, us(0)));
        let (after, now) = (start + us(10_000), start + us(50_000));
        for (stamp, believed) in [
            (30_000, true),
            (50_000, true),
            (50_001, false), // the future
            (10_000, true),
            (9_000, true), // the kernel's own way is that long at most
            (8_999, false),
            (0, false),
        ] {
            let expected = believed.then(|| start + us(stamp));
            assert_eq!(clock.arrival(DAY + us(stamp), after, now), expected, "{stamp}");
        }
        let before_the_anchor = clock.arrival(DAY - us(20), start - us(30), now);
        assert_eq!(before_the_anchor, Some(start - us(20)));
        assert_eq!(clock.arrival(Duration::ZERO, start, now), None);
        assert_eq!(clock.arrival(Duration::MAX, start, now), None);
    }

    #[test]
    fn a_step_of_the_clock_voids_stamps_until_two_measurements_agree() {
        let second = Duration::from_secs(1);
        let stamped = |clock: &Realtime, reading: Reading| {
            clock.arrival(reading.real, reading.steady - us(9), reading.steady).is_some()
        };
        for step in [us(1_001), second, DAY] {
            for forward in [true, false] {
                let start = Instant::now();
                let shifted = |since: Duration| {
                    let Reading { steady, real } = at(start, since);
                    let real = if forward { real + step } else { real.saturating_sub(step) };
                    Reading { steady, real }
                };
                let mut clock = Realtime::new(at(start, us(0)));
                clock.measured(at(start, second));
                assert!(stamped(&clock, at(start, second)) && clock.steps() == 0);
                clock.measured(shifted(second * 2));
                assert!(!stamped(&clock, shifted(second * 2)), "{step:?}");
                clock.measured(shifted(second * 3));
                assert!(stamped(&clock, shifted(second * 3)), "{step:?}");
                assert_eq!(clock.steps(), 1);
            }
        }
    }

    #[test]
    fn less_than_a_step_only_moves_the_anchor() {
        let start = Instant::now();
        let mut clock = Realtime::new(at(start, us(0)));
        let later = at(start, Duration::from_secs(1));
        let moved = Reading { real: later.real + us(999), ..later };
        clock.measured(moved);
        assert_eq!(clock.arrival(moved.real, start, later.steady), Some(later.steady));
        assert_eq!(clock.steps(), 0);
    }

    #[test]
    fn it_is_measured_again_after_a_second() {
        let start = Instant::now();
        let clock = Realtime::new(at(start, us(0)));
        assert!(!clock.is_due(start + us(999_999)));
        assert!(clock.is_due(start + us(1_000_000)));
        assert!(measure().is_some());
    }
}
