//! What the examination is given besides the trial's own counts.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Readings of the generator's own process and of the machine during a trial; `None` where the
/// system does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Readings {
    /// CPU time that the generator used / wall time: 1 is one whole core.
    pub cpu_cores: Option<f64>,
    /// Threads that offer load: the generator cannot use more cores than this.
    pub workers: u32,
    /// Most descriptors open at once.
    pub descriptors: Option<u64>,
    /// Limit on descriptors.
    pub descriptors_limit: Option<u64>,
    /// Mean sessions in flight over the measured period, for closed loop.
    pub in_flight_mean: Option<f64>,
    /// The resource of ours that bounds the requests in flight below what the load needs.
    #[serde(default)]
    pub scarce: Option<Scarce>,
    /// CPU that the machine's host gave to others / wall time: 1 is one whole core.
    #[serde(default)]
    pub steal_cores: Option<f64>,
    /// Sessions per second that the calibration foretells for these workers.
    #[serde(default)]
    pub can_offer_per_s: Option<f64>,
    /// CPU that processes used which are neither ours nor the target's / wall time.
    #[serde(default)]
    pub foreign_cores: Option<f64>,
    /// Speed of a core just before the trial, in slices of a fixed work per second of its time; only
    /// for a target that runs here as a command.
    #[serde(default)]
    pub reference_speed: Option<f64>,
}

/// A resource of our own that can run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scarce {
    /// File descriptors.
    Fd,
    /// Local ports towards the target.
    Port,
    /// Memory.
    Memory,
}

impl Scarce {
    /// The name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fd => "fd",
            Self::Port => "port",
            Self::Memory => "memory",
        }
    }

    /// What to do when it runs out.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Fd => "raise the limit on open files (`ulimit -n`) or lower `to`",
            Self::Port => {
                "widen `net.ipv4.ip_local_port_range`, give the target more addresses, reuse connections, or lower `to`"
            }
            Self::Memory => "give the load generator more memory or lower `to`",
        }
    }
}

impl fmt::Display for Scarce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fd => "file descriptors",
            Self::Port => "local ports",
            Self::Memory => "memory",
        })
    }
}

/// Counts about the arrival of output chunks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunks {
    /// Gaps between output chunks.
    pub gaps: u64,
    /// Of these, gaps between chunks of one read: their true length is unknown.
    pub coalesced: u64,
    /// Reads that the kernel stamped.
    pub stamped: u64,
    /// Reads without a stamp that can be trusted, where our own clock stands in.
    pub unstamped: u64,
    /// Times that the system's clock was set, or ran backwards, while the trial ran.
    pub clock_steps: u64,
}

impl Chunks {
    /// The counts of two workers together.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            gaps: self.gaps + other.gaps,
            coalesced: self.coalesced + other.coalesced,
            stamped: self.stamped + other.stamped,
            unstamped: self.unstamped + other.unstamped,
            // Every worker sees the same clock.
            clock_steps: self.clock_steps.max(other.clock_steps),
        }
    }
}

/// What Little's law needs beside the requests in flight, over the measured period of a steady
/// closed loop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turnover {
    /// Mean time from intended to ended.
    pub mean_response: Duration,
    /// Requests that ended, per second.
    pub per_s: f64,
    /// Length of the period.
    pub span: Duration,
}
