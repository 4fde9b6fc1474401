//! The fault `freeze_every`: the server works for `every`, stands still for `length`, and so on.

use std::time::Duration;

/// Maps work to wall time. Both are since the server's start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Freezes {
    every: u64,
    length: u64,
}

impl Freezes {
    /// None where `every` is zero: a server that never works cannot be modelled.
    pub(super) fn new(every: Option<Duration>, length: Duration) -> Option<Self> {
        let every = every.map(nanos).filter(|every| *every > 0)?;
        Some(Self { every, length: nanos(length) })
    }

    /// When work of `length` that begins at `start` is done.
    pub(super) fn end(self, start: Duration, length: Duration) -> Duration {
        let done = self.worked(nanos(start)).saturating_add(nanos(length));
        let frozen = self.length.saturating_mul(done / self.every);
        Duration::from_nanos(done.saturating_add(frozen))
    }

    /// Time not frozen until `wall`.
    fn worked(self, wall: u64) -> u64 {
        let cycle = self.every.saturating_add(self.length);
        (wall / cycle).saturating_mul(self.every).saturating_add(self.every.min(wall % cycle))
    }
}

/// Whole nanoseconds; 584 years at most.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn work_that_meets_a_freeze_ends_later_by_its_length() {
        let freezes = Freezes::new(Some(ms(100)), ms(30)).unwrap();
        for (start, length, end) in [
            (0, 99, 99),     // before the first
            (90, 20, 140),   // straddles it
            (110, 5, 135),   // begins within it
            (130, 99, 229),  // the whole second period
            (130, 100, 260), // ends where the second freeze begins
            (0, 350, 440),   // three freezes
        ] {
            assert_eq!(freezes.end(ms(start), ms(length)), ms(end), "{start} + {length}");
        }
    }

    #[test]
    fn a_freeze_longer_than_the_work_between_two_lets_work_end() {
        let freezes = Freezes::new(Some(ms(10)), ms(1_000)).unwrap();
        assert_eq!(freezes.end(ms(0), ms(25)), ms(2_025));
    }

    #[test]
    fn freezing_all_the_time_is_not_freezing() {
        assert!(Freezes::new(Some(Duration::ZERO), ms(1)).is_none());
        assert!(Freezes::new(None, ms(1)).is_none());
    }
}
