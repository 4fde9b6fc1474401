//! Counts as numbers, and back.

/// A count as a number.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of requests stay far below 2^53")]
pub fn as_f64(n: u64) -> f64 {
    n as f64
}

/// `part / whole` of two counts; of nothing it is 0.
#[must_use]
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { as_f64(part) / as_f64(whole) }
}

/// Most sessions that one trial plays, the ones before the measured included: drawing them takes
/// about a second.
pub const SESSIONS_MAX: u64 = 1_000_000;

/// More requests in flight than one machine keeps: it has about so many ports.
pub const CONCURRENCY_MAX: u32 = 65_536;

/// The next whole number, from 1 to [`SESSIONS_MAX`].
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
pub fn at_least_one(n: f64) -> u64 {
    n.ceil().clamp(1.0, as_f64(SESSIONS_MAX)) as u64
}

#[cfg(test)]
mod tests {
    use super::{SESSIONS_MAX, at_least_one, share};

    #[test]
    fn a_number_becomes_a_count_that_can_be_played() {
        for (n, count) in [(0.0, 1), (1.2, 2), (-5.0, 1), (1e300, SESSIONS_MAX), (f64::NAN, 0)] {
            assert_eq!(at_least_one(n), count, "{n}");
        }
    }

    #[test]
    fn a_share_of_nothing_is_none_of_it() {
        assert!((share(1, 4) - 0.25).abs() < 1e-12 && share(3, 0) < 1e-12);
    }
}
