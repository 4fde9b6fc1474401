//! How a request can end, and the counts of a trial by it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a request ended. `Ok` needs proof: an accepted status, a terminal signal, at least one unit of
/// output and no error event. Everything else is not good for every SLO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Proven success.
    Ok,
    /// The target declined on purpose (429, 503, or the suite's list).
    Shed,
    /// Any other status that the suite does not accept.
    HttpError,
    /// An error event inside an accepted answer.
    StreamError,
    /// The answer ended without a terminal signal.
    Truncated,
    /// Whole, but shorter than asked, where the length of answers is what is varied.
    Short,
    /// A terminal signal, but no output.
    Empty,
    /// The answer is not what the protocol says (HTML, bad JSON, no event stream).
    Malformed,
    /// One event or the whole answer is larger than we accept.
    Oversized,
    /// No connection within the limit.
    TimeoutConnect,
    /// No output within the limit.
    TimeoutFirst,
    /// A gap between output chunks beyond the limit.
    TimeoutBetween,
    /// The whole request beyond its limit.
    TimeoutTotal,
    /// No connection: refused, unresolved, TLS failure.
    Connect,
    /// The connection died while the request ran.
    Reset,
    /// We lacked a descriptor, a port or memory to send it: says nothing of the target.
    Resource,
    /// Never sent: over the in-flight cap, or an earlier turn of its session had failed.
    Unsent,
    /// Still running when the trial ended: cancelled by us, and it counts against the SLO.
    Unfinished,
}

impl Outcome {
    /// Every class, in the order in which reports show them.
    pub const ALL: [Self; 18] = [
        Self::Ok,
        Self::Shed,
        Self::HttpError,
        Self::StreamError,
        Self::Truncated,
        Self::Short,
        Self::Empty,
        Self::Malformed,
        Self::Oversized,
        Self::TimeoutConnect,
        Self::TimeoutFirst,
        Self::TimeoutBetween,
        Self::TimeoutTotal,
        Self::Connect,
        Self::Reset,
        Self::Resource,
        Self::Unsent,
        Self::Unfinished,
    ];

    /// Whether a request that ended so may never have gone out without the generator being to blame:
    /// the target took no connection, or the trial was over.
    pub(super) fn keeps_from_sending(self) -> bool {
        matches!(
            self,
            Self::Connect | Self::TimeoutConnect | Self::Reset | Self::Unsent | Self::Unfinished
        )
    }

    /// The name in reports and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Shed => "shed",
            Self::HttpError => "http_error",
            Self::StreamError => "stream_error",
            Self::Truncated => "truncated",
            Self::Short => "short",
            Self::Empty => "empty",
            Self::Malformed => "malformed",
            Self::Oversized => "oversized",
            Self::TimeoutConnect => "timeout_connect",
            Self::TimeoutFirst => "timeout_first",
            Self::TimeoutBetween => "timeout_between",
            Self::TimeoutTotal => "timeout_total",
            Self::Connect => "connect",
            Self::Reset => "reset",
            Self::Resource => "resource",
            Self::Unsent => "unsent",
            Self::Unfinished => "unfinished",
        }
    }
}

/// Counts of the measured requests of a trial.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests that the schedule wanted.
    pub intended: u64,
    /// Requests whose last byte went out.
    pub written: u64,
    /// Requests that never went out although nothing but the generator kept them.
    pub held_back: u64,
    /// Requests by how they ended; classes that did not occur are absent.
    pub by_outcome: BTreeMap<Outcome, u64>,
    /// Requests that were sent once more because a reused connection died before any answer.
    pub reconnects: u64,
}

impl Counts {
    /// Requests that ended this way.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.by_outcome.get(&outcome).copied().unwrap_or(0)
    }

    /// Requests that ended in any way: equals `intended` once the trial is over.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.by_outcome.values().sum()
    }

    /// Requests that were not ok.
    #[must_use]
    pub fn not_ok(&self) -> u64 {
        self.ended() - self.of(Outcome::Ok)
    }

    pub(super) fn end(&mut self, outcome: Outcome) {
        *self.by_outcome.entry(outcome).or_insert(0) += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.intended += other.intended;
        self.written += other.written;
        self.held_back += other.held_back;
        self.reconnects += other.reconnects;
        for (outcome, count) in &other.by_outcome {
            *self.by_outcome.entry(*outcome).or_insert(0) += count;
        }
    }
}
