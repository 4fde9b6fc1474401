//! Numbers of samples.

/// A count or a time in ns as a float; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts and times of a bench stay below 2^53")]
pub(super) fn as_f64(n: u64) -> f64 {
    n as f64
}

/// Milliseconds of ns.
pub(super) fn ms(ns: u64) -> f64 {
    as_f64(ns) / 1e6
}

/// The `percent`-th percentile by nearest rank; `None` of nothing.
pub(super) fn percentile(values: &mut [u64], percent: usize) -> Option<u64> {
    let rank = (values.len() * percent).div_ceil(100).max(1) - 1;
    (rank < values.len()).then(|| *values.select_nth_unstable(rank).1)
}

/// The middle value, of an even number the lower of the two; `None` of nothing.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

/// Three digits that count, no more than three after the point.
pub(super) fn short(value: f64) -> String {
    if value.is_infinite() {
        return "none".to_owned();
    }
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}
