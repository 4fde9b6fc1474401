//! The clock that every process here reads: `CLOCK_MONOTONIC`, in ns.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of a second.
pub(crate) const SECOND_NS: u64 = 1_000_000_000;

/// Now, in ns of `CLOCK_MONOTONIC`.
pub(crate) fn now_ns() -> u64 {
    read(ClockId::Monotonic)
}

/// CPU of this process so far, in ns.
pub(crate) fn own_cpu_ns() -> u64 {
    read(ClockId::ProcessCPUTime)
}

fn read(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    let part = |value: i64| u64::try_from(value).unwrap_or_default();
    part(now.tv_sec) * SECOND_NS + part(now.tv_nsec)
}
