//! A distribution of lengths of time that never clips silently.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longest length of time that is told apart, one hour: longer than any time-out that is accepted.
const LONGEST_NS: u64 = 3_600_000_000_000;
/// Shortest length of time that is told apart.
const SHORTEST_NS: u64 = 1_000;

/// A series of lengths of time that a trial records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Series {
    /// First output chunk − intended.
    Ttfc,
    /// Gaps between output chunks.
    Tbc,
    /// Time per output token after the first.
    Tpot,
    /// Last output chunk − intended.
    E2e,
    /// End of the body − intended.
    E2eClosed,
    /// First byte − intended.
    Ttfb,
    /// First output chunk that is not reasoning − intended.
    TtftAnswer,
    /// First output chunk − written: for comparison with tools that measure so.
    TtfcSent,
    /// Last output chunk − written.
    E2eSent,
    /// Written − intended: the generator's own share.
    SendLag,
    /// Read by us − arrived by the kernel's clock: how long we, not the target, held what was read.
    ReceiveLag,
    /// Opening a connection, for requests that needed one.
    Connect,
}

impl Series {
    /// Every series, in the order in which reports show them.
    pub const ALL: [Self; 12] = [
        Self::Ttfc,
        Self::Tbc,
        Self::Tpot,
        Self::E2e,
        Self::E2eClosed,
        Self::Ttfb,
        Self::TtftAnswer,
        Self::TtfcSent,
        Self::E2eSent,
        Self::SendLag,
        Self::ReceiveLag,
        Self::Connect,
    ];

    /// The name in reports and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ttfc => "ttfc",
            Self::Tbc => "tbc",
            Self::Tpot => "tpot",
            Self::E2e => "e2e",
            Self::E2eClosed => "e2e_closed",
            Self::Ttfb => "ttfb",
            Self::TtftAnswer => "ttft_answer",
            Self::TtfcSent => "ttfc_sent",
            Self::E2eSent => "e2e_sent",
            Self::SendLag => "send_lag",
            Self::ReceiveLag => "receive_lag",
            Self::Connect => "connect",
        }
    }
}

/// An order statistic of observations of which some never ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// Its value.
    At(Duration),
    /// It lies among those that were not ok: larger than anything that was seen.
    Beyond,
}

/// Lengths of time, to three digits, with the exact sum.
#[derive(Debug, Clone)]
pub struct Distribution {
    histogram: Histogram<u64>,
    sum_ns: u128,
    dropped: u64,
}

impl Default for Distribution {
    #[expect(clippy::expect_used, reason = "the bounds are constants that the histogram accepts")]
    fn default() -> Self {
        let histogram =
            Histogram::new_with_bounds(SHORTEST_NS, LONGEST_NS, 3).expect("constant bounds");
        Self { histogram, sum_ns: 0, dropped: 0 }
    }
}

impl Distribution {
    /// Adds one observation. One that does not fit is counted in [`Distribution::dropped`], which
    /// makes the trial invalid.
    pub fn record(&mut self, length: Duration) {
        let ns = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        match self.histogram.record(ns) {
            Ok(()) => self.sum_ns += u128::from(ns),
            Err(_) => self.dropped += 1,
        }
    }

    /// Observations recorded.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.histogram.len()
    }

    /// Observations that did not fit.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Order statistic at `ceil(q * (n + censored))`, where `censored` requests never ended well and
    /// count as larger than all; `None` without any observation.
    #[must_use]
    pub fn quantile(&self, q: f64, censored: u64) -> Option<Observed> {
        let total = self.n() + censored;
        if total == 0 {
            return None;
        }
        let rank = rank(q, total);
        if rank > self.n() {
            return Some(Observed::Beyond);
        }
        let mut seen = 0;
        for cell in self.histogram.iter_recorded() {
            seen += cell.count_at_value();
            if seen >= rank {
                return Some(Observed::At(Duration::from_nanos(cell.value_iterated_to())));
            }
        }
        None
    }

    /// Adds the observations of `other`.
    pub fn merge(&mut self, other: &Self) {
        match self.histogram.add(&other.histogram) {
            Ok(()) => self.sum_ns += other.sum_ns,
            // Both have the same bounds, so this cannot be; if it were, the trial is invalid.
            Err(_) => self.dropped += other.n(),
        }
        self.dropped += other.dropped;
    }

    /// Mean; `None` without any observation.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let n = u128::from(self.n());
        (n > 0).then(|| Duration::from_nanos(u64::try_from(self.sum_ns / n).unwrap_or(u64::MAX)))
    }

    /// Largest observation; `None` without any.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        (self.n() > 0).then(|| Duration::from_nanos(self.histogram.max()))
    }

    /// Smallest observation; `None` without any.
    #[must_use]
    pub fn min(&self) -> Option<Duration> {
        (self.n() > 0).then(|| Duration::from_nanos(self.histogram.min()))
    }

    /// The cells that are not empty: `(value in ns, count)`, ascending.
    pub fn cells(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.histogram.iter_recorded().map(|cell| (cell.value_iterated_to(), cell.count_at_value()))
    }

    /// A distribution from its cells, exact sum and dropped count, as a journal holds them.
    #[must_use]
    pub fn from_cells(cells: &[(u64, u64)], sum_ns: u128, dropped: u64) -> Self {
        let mut distribution = Self { sum_ns, dropped, ..Self::default() };
        for &(value, count) in cells {
            if distribution.histogram.record_n(value, count).is_err() {
                distribution.dropped += count;
            }
        }
        distribution
    }

    /// Sum of all observations, in nanoseconds.
    #[must_use]
    pub fn sum_ns(&self) -> u128 {
        self.sum_ns
    }
}

/// `ceil(q * n)`, at least 1: the nearest-rank definition, in integers so that 0.99 * 100 is 99.
pub(super) fn rank(q: f64, n: u64) -> u64 {
    const PARTS: u128 = 1_000_000_000;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=1e9"
    )]
    let parts = (q.clamp(0.0, 1.0) * 1e9).round() as u128;
    u64::try_from((parts * u128::from(n)).div_ceil(PARTS)).unwrap_or(n).clamp(1, n)
}

#[cfg(test)]
mod tests {
    use super::{Distribution, Observed};
    use proptest::prelude::*;
    use std::time::Duration;

    fn of(ms: impl IntoIterator<Item = u64>) -> Distribution {
        let mut distribution = Distribution::default();
        ms.into_iter().for_each(|ms| distribution.record(Duration::from_millis(ms)));
        distribution
    }

    fn ms(observed: Option<Observed>) -> Option<u128> {
        match observed {
            Some(Observed::At(at)) => Some(at.as_millis()),
            Some(Observed::Beyond) | None => None,
        }
    }

    #[test]
    fn quantiles_are_order_statistics() {
        let d = of(1..=100);
        assert_eq!(ms(d.quantile(0.99, 0)), Some(99));
        assert_eq!(ms(d.quantile(0.5, 0)), Some(50));
        assert_eq!(ms(d.quantile(0.001, 0)), Some(1));
        assert_eq!(d.mean(), Some(Duration::from_micros(50_500)));
    }

    #[test]
    fn what_never_ended_is_larger_than_all_that_did() {
        let d = of(1..=90);
        assert_eq!(ms(d.quantile(0.9, 10)), Some(90));
        assert_eq!(d.quantile(0.91, 10), Some(Observed::Beyond));
        assert_eq!(of([]).quantile(0.5, 3), Some(Observed::Beyond));
        assert_eq!(of([]).quantile(0.5, 0), None);
    }

    #[test]
    fn a_value_beyond_the_top_is_counted_and_never_clipped() {
        let mut d = of([5]);
        d.record(Duration::from_secs(7_200));
        assert_eq!((d.n(), d.dropped()), (1, 1));
        assert!(d.max() < Some(Duration::from_millis(6)));
    }

    proptest! {
        #[test]
        fn cells_carry_everything(values in proptest::collection::vec(0u64..4_000_000, 0..60)) {
            let d = of(values);
            let cells: Vec<(u64, u64)> = d.cells().collect();
            let again = Distribution::from_cells(&cells, d.sum_ns(), d.dropped());
            prop_assert_eq!(again.n(), d.n());
            prop_assert_eq!(again.mean(), d.mean());
            prop_assert_eq!(again.quantile(0.9, 1), d.quantile(0.9, 1));
        }

        #[test]
        fn the_sum_of_two_is_the_whole(
            values in proptest::collection::vec(0u64..4_000_000, 0..60),
            at in any::<prop::sample::Index>(),
        ) {
            let (left, right) = values.split_at(at.index(values.len() + 1));
            let mut sum = of(right.iter().copied());
            sum.merge(&of(left.iter().copied()));
            let whole = of(values.iter().copied());
            prop_assert!(sum.cells().eq(whole.cells()));
            prop_assert_eq!((sum.sum_ns(), sum.dropped()), (whole.sum_ns(), whole.dropped()));
        }
    }
}
