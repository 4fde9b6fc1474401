//! The one place where the wall clock is read.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, SystemTime};

/// Now, by the wall clock.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// What the wall clock showed when the system's monotonic clock, by which trials count, read this.
#[must_use]
pub fn at_monotonic(reading: Duration) -> SystemTime {
    let now = Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default();
    let wall = self::now();
    let past = wall.checked_sub(now.saturating_sub(reading)).unwrap_or(wall);
    past.checked_add(reading.saturating_sub(now)).unwrap_or(past)
}

/// RFC 3339 in UTC, whole seconds: `2026-11-21T09:12:00Z`.
#[must_use]
pub fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// RFC 3339 in UTC with microseconds: `2026-11-21T09:12:00.000123Z`.
#[must_use]
pub fn rfc3339_micros(time: SystemTime) -> String {
    humantime::format_rfc3339_micros(time).to_string()
}

/// For names of folders: `20261121T091200Z`.
#[must_use]
pub fn compact(time: SystemTime) -> String {
    rfc3339(time).replace(['-', ':'], "")
}

/// Nanoseconds since 1970: a number that no other run has.
#[must_use]
pub fn nonce(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_nanos() % u128::from(u64::MAX)).unwrap_or(0)
        ^ u64::from(std::process::id()).rotate_left(48)
}
