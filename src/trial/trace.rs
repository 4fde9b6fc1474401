//! One row per request, for whoever asks to see every one.

use super::Outcome;
use serde::Serialize;
use std::time::Duration;

/// What happened to one request. Times are nanoseconds since the trial's start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TraceRow {
    /// Number of its session in the sequence.
    pub session: u64,
    /// Number of the turn in the session.
    pub turn: u32,
    /// Whether it belongs to the measured sessions.
    pub measured: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// When the schedule wanted it.
    pub intended_ns: u64,
    /// When its last byte went out.
    pub written_ns: Option<u64>,
    /// When the first byte of its answer arrived.
    pub first_byte_ns: Option<u64>,
    /// When it ended.
    pub ended_ns: u64,
    /// Time in which connections were opened for it.
    pub connect_ns: u64,
    /// When each output chunk arrived.
    pub chunks_ns: Vec<u64>,
    /// Output tokens by the server's own count.
    pub tokens: Option<u64>,
    /// Times it was sent again because a reused connection had died.
    pub reconnects: u32,
}

/// Nanoseconds of a length of time, 584 years at most.
pub(super) fn ns(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
