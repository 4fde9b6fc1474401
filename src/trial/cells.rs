//! A small histogram that adds up: what one second of a trial keeps of its lengths of time.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Nanoseconds of the narrowest cell, as a power of two: about a microsecond.
const UNIT_BITS: u32 = 10;
/// Cells of an octave, as a power of two: a cell is at most 1/64 of its value wide.
const OCTAVE_BITS: u32 = 6;
/// Cells up to the first length beyond an hour.
const CELLS: usize = 1_728;

/// Counts by length of time, without the empty cells. Cells are the same everywhere, so that sums of
/// these histograms are exact, in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cells(Vec<(u16, u32)>);

impl Cells {
    /// Observations.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.0.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// Adds those of `other`.
    pub fn merge(&mut self, other: &Self) {
        let mut sum = Vec::with_capacity(self.0.len() + other.0.len());
        let (mut ours, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        loop {
            let next = match (ours.peek(), theirs.peek()) {
                (Some((a, n)), Some((b, m))) if a == b => Some((*a, n.saturating_add(*m))),
                (Some((a, n)), Some((b, _))) if a < b => Some((*a, *n)),
                (Some((a, n)), None) => Some((*a, *n)),
                (_, Some((b, m))) => Some((*b, *m)),
                (None, None) => None,
            };
            let Some((cell, count)) = next else { break };
            ours.next_if(|(a, _)| *a == cell);
            theirs.next_if(|(b, _)| *b == cell);
            sum.push((cell, count));
        }
        sum.shrink_to_fit();
        self.0 = sum;
    }

    /// Upper end of the cell that holds the order statistic `ceil(q * n)`; `None` without any.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let n = self.n();
        let rank = if n > 0 { super::distribution::rank(q, n) } else { return None };
        let mut seen = 0;
        let cell = self.0.iter().find(|(_, count)| {
            seen += u64::from(*count);
            seen >= rank
        })?;
        Some(upper_end(cell.0))
    }
}

/// Counts into cells that are all there; emptied once a second.
#[derive(Debug)]
pub(super) struct Tray(Vec<u32>);

impl Default for Tray {
    fn default() -> Self {
        Self(vec![0; CELLS])
    }
}

impl Tray {
    /// Adds one observation; one beyond an hour goes into the last cell.
    pub(super) fn record(&mut self, length: Duration) {
        if let Some(count) = self.0.get_mut(cell(length)) {
            *count = count.saturating_add(1);
        }
    }

    /// What was counted since the last time.
    pub(super) fn empty(&mut self) -> Cells {
        let filled = self.0.iter_mut().zip(0_u16..).filter(|(count, _)| **count > 0);
        let mut cells: Vec<_> = filled.map(|(count, cell)| (cell, std::mem::take(count))).collect();
        cells.shrink_to_fit();
        Cells(cells)
    }
}

fn cell(length: Duration) -> usize {
    let units = u64::try_from(length.as_nanos() >> UNIT_BITS).unwrap_or(u64::MAX);
    let octave = units.checked_ilog2().unwrap_or(0).saturating_sub(OCTAVE_BITS);
    // The octave's own cells follow those of all below it, of which the first octave has twice.
    let within = usize::try_from(units >> octave).unwrap_or(usize::MAX);
    let below = usize::try_from(octave << OCTAVE_BITS).unwrap_or(usize::MAX);
    below.saturating_add(within).min(CELLS - 1)
}

fn upper_end(cell: u16) -> Duration {
    let cell = u64::from(cell);
    let octave = (cell >> OCTAVE_BITS).saturating_sub(1);
    let within = cell - (octave << OCTAVE_BITS);
    Duration::from_nanos(((within + 1) << octave) << UNIT_BITS)
}

#[cfg(test)]
mod tests {
    use super::{CELLS, Cells, Tray, cell, upper_end};
    use proptest::prelude::*;
    use std::time::Duration;

    fn of(lengths: &[u64]) -> Cells {
        let mut tray = Tray::default();
        lengths.iter().for_each(|ns| tray.record(Duration::from_nanos(*ns)));
        tray.empty()
    }

    #[test]
    fn cells_follow_each_other_up_to_an_hour_and_end_where_the_next_begins() {
        for number in 0..u16::try_from(CELLS).unwrap() - 1 {
            let end = upper_end(number);
            assert_eq!(cell(end), usize::from(number) + 1, "{number}: {end:?}");
            assert_eq!(cell(end - Duration::from_nanos(1)), usize::from(number), "{number}");
        }
        assert!(cell(Duration::from_secs(3_600)) < CELLS);
        assert!(upper_end(1_727) > Duration::from_secs(3_600));
        assert_eq!(cell(Duration::MAX), CELLS - 1);
    }

    #[test]
    fn a_tray_is_empty_after_it_was_emptied() {
        let mut tray = Tray::default();
        tray.record(Duration::from_millis(3));
        assert_eq!((tray.empty().n(), tray.empty().n()), (1, 0));
        assert_eq!(tray.empty().quantile(0.5), None);
    }

    proptest! {
        #[test]
        fn the_order_of_merging_changes_nothing(
            parts in prop::collection::vec(prop::collection::vec(0_u64..4_000_000_000_000, 0..20), 0..6),
            swap in any::<prop::sample::Index>(),
        ) {
            let mut other = parts.clone();
            if !parts.is_empty() {
                other.rotate_left(swap.index(parts.len()));
                other.reverse();
            }
            let merged = |parts: &[Vec<u64>]| {
                parts.iter().fold(Cells::default(), |mut sum, part| {
                    sum.merge(&of(part));
                    sum
                })
            };
            prop_assert_eq!(merged(&parts), merged(&other));
            prop_assert_eq!(merged(&parts), of(&parts.concat()));
        }

        #[test]
        fn a_quantile_is_never_below_and_at_most_a_cell_above(
            mut lengths in prop::collection::vec(0_u64..3_600_000_000_000, 1..60),
            q in 0.01_f64..1.0,
        ) {
            let found = of(&lengths).quantile(q).unwrap().as_nanos();
            lengths.sort_unstable();
            let rank = crate::trial::distribution::rank(q, lengths.len() as u64);
            let exact = u128::from(lengths[usize::try_from(rank).unwrap() - 1]);
            prop_assert!(found > exact && found <= exact + exact / 64 + 2 * 1_024, "{exact} {found}");
        }
    }
}
