//! What is worth knowing about the generator and changes no result.

use super::reason::ms;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A warning: it stands beside the result of a trial and does not change it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
pub enum HealthNote {
    /// Requests left late enough to show.
    SendLag {
        /// 99th percentile of written − intended.
        p99: Duration,
        /// From which it is noted.
        limit: Duration,
    },
    /// What had arrived waited for us.
    ReceiveLag {
        /// 99th percentile of the wait.
        p99: Duration,
        /// From which it is noted.
        limit: Duration,
    },
    /// The worker's loop came late.
    LoopLag {
        /// 99th percentile of its lag.
        p99: Duration,
        /// From which it is noted.
        limit: Duration,
    },
    /// The kernel did not stamp what arrived: our own clock stands in.
    Unstamped {
        /// Share of the reads.
        share: f64,
    },
    /// Workers were ready and had no CPU.
    RunWait {
        /// Share of the time, of the busiest worker.
        share: f64,
        /// From which it is noted.
        limit: f64,
    },
    /// The generator's threads were fairly busy.
    Cpu {
        /// CPU time / wall time of the busiest worker.
        share: f64,
        /// From which it is noted.
        limit: f64,
    },
    /// Others used the machine.
    ForeignCpu {
        /// Cores that other processes, or other machines on the same host, used.
        cores: f64,
        /// From which it is noted.
        limit: f64,
    },
    /// A few requests did not leave.
    Offered {
        /// Requests that were due.
        intended: u64,
        /// Requests that left.
        written: u64,
    },
    /// Closed loop: fewer sessions were in flight than asked for.
    InFlight {
        /// Mean in flight.
        mean: f64,
        /// Asked for.
        concurrency: f64,
    },
    /// Closed loop: requests in flight are not quite throughput times response time.
    LittlesLaw {
        /// Mean in flight.
        in_flight: f64,
        /// Throughput times mean response time.
        implied: f64,
    },
}

impl fmt::Display for HealthNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SendLag { p99, limit } => {
                write!(f, "requests left a little late: send lag p99 {}", over(*p99, *limit))
            }
            Self::ReceiveLag { p99, limit } => {
                let over = over(*p99, *limit);
                write!(f, "what arrived was read a little late: receive lag p99 {over}")
            }
            Self::LoopLag { p99, limit } => {
                let over = over(*p99, *limit);
                write!(f, "the load generator was a little late: loop lag p99 {over}")
            }
            Self::Unstamped { share } => write!(
                f,
                "{:.1} % of what arrived has no stamp of the kernel: our own delay is inside its times",
                share * 100.0
            ),
            Self::RunWait { share, limit } => write!(
                f,
                "this machine is crowded: the load generator waited for a CPU {:.1} % of the time, more than {:.1} %",
                share * 100.0,
                limit * 100.0
            ),
            Self::Cpu { share, limit } => write!(
                f,
                "the load generator used {:.0} % of a worker's CPU, more than {:.0} %",
                share * 100.0,
                limit * 100.0
            ),
            Self::ForeignCpu { cores, limit } => write!(
                f,
                "others used {cores:.2} cores of this machine meanwhile, more than {limit:.2}"
            ),
            Self::Offered { intended, written } => {
                write!(f, "{written} of {intended} requests were sent")
            }
            Self::InFlight { mean, concurrency } => {
                write!(f, "{mean:.1} sessions were in flight instead of {concurrency}")
            }
            Self::LittlesLaw { in_flight, implied } => write!(
                f,
                "{in_flight:.1} requests were in flight, and throughput times response time is {implied:.1}"
            ),
        }
    }
}

impl HealthNote {
    /// Its stable name in files.
    #[must_use]
    pub fn signal(&self) -> &'static str {
        match self {
            Self::SendLag { .. } => "send_lag",
            Self::ReceiveLag { .. } => "receive_lag",
            Self::LoopLag { .. } => "loop_lag",
            Self::Unstamped { .. } => "unstamped",
            Self::RunWait { .. } => "run_wait",
            Self::Cpu { .. } => "cpu",
            Self::ForeignCpu { .. } => "foreign_cpu",
            Self::Offered { .. } => "offered",
            Self::InFlight { .. } => "in_flight",
            Self::LittlesLaw { .. } => "littles_law",
        }
    }

    /// What the reader can do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::SendLag { .. } | Self::ReceiveLag { .. } | Self::LoopLag { .. } => {
                "this much of the latencies may be the load generator's: a core of its own makes it less"
            }
            Self::Unstamped { .. } => {
                "on Linux the kernel stamps what arrives; gVisor and other systems do not"
            }
            Self::RunWait { .. } | Self::ForeignCpu { .. } => {
                "what else ran took CPU from the target or from us: repeat on a quiet machine before you trust small differences"
            }
            Self::Cpu { .. } => "a higher load may make the trial invalid: give it more cores",
            Self::Offered { .. } => {
                "the requests that are missing would not have been the fast ones"
            }
            Self::InFlight { .. } => "a longer trial comes closer to the concurrency asked for",
            Self::LittlesLaw { .. } => {
                "requests across the ends of the period weigh more in a short trial: make it longer"
            }
        }
    }
}

/// `3.1 ms, more than 1.0 ms`.
fn over(value: Duration, limit: Duration) -> String {
    format!("{:.1} ms, more than {:.1} ms", ms(value), ms(limit))
}
