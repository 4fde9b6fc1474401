//! Why a trial says nothing about the target.

use super::Scarce;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Why a trial says nothing about the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
pub enum InvalidReason {
    /// Requests left too late.
    SendLag {
        /// 99th percentile of written − intended.
        p99: Duration,
        /// Largest that is accepted.
        limit: Duration,
    },
    /// Most requests left too late, seconds on end.
    Behind {
        /// Requests that left too late.
        late: u64,
        /// Requests that left.
        written: u64,
        /// Largest lag that is accepted.
        limit: Duration,
    },
    /// What had arrived waited for us.
    ReceiveLag {
        /// 99th percentile of the wait.
        p99: Duration,
        /// Largest that is accepted.
        limit: Duration,
    },
    /// The worker's loop came late to everything.
    LoopLag {
        /// 99th percentile of its lag.
        p99: Duration,
        /// Largest that is accepted.
        limit: Duration,
    },
    /// Gaps between chunks are unknown because we read several chunks at once.
    Coalesced {
        /// Share of the gaps.
        share: f64,
        /// Largest that is accepted.
        limit: f64,
    },
    /// Fewer requests left than the schedule wanted.
    Offered {
        /// Requests that were due.
        intended: u64,
        /// Requests that left.
        written: u64,
    },
    /// We ran out of descriptors, ports or memory.
    Resource {
        /// Requests that could not be sent for it.
        requests: u64,
        /// Which of them, where it is known.
        #[serde(default)]
        scarce: Option<Scarce>,
    },
    /// Descriptors were nearly exhausted.
    Descriptors {
        /// Most that were open.
        open: u64,
        /// Limit of the process.
        limit: u64,
    },
    /// The generator's threads were busy all the time.
    Cpu {
        /// CPU time / (wall time * workers), or of the busiest worker over the worst seconds.
        share: f64,
        /// Largest that is accepted.
        limit: f64,
    },
    /// Samples did not fit a histogram.
    Dropped {
        /// How many.
        samples: u64,
    },
    /// The system's clock was set, or ran backwards.
    Clock {
        /// How often.
        steps: u64,
    },
    /// Closed loop: fewer sessions were in flight than asked for.
    InFlight {
        /// Mean in flight.
        mean: f64,
        /// Asked for.
        concurrency: f64,
    },
    /// Closed loop: requests in flight are not throughput times response time.
    LittlesLaw {
        /// Mean in flight.
        in_flight: f64,
        /// Throughput times mean response time.
        implied: f64,
    },
    /// Requests ended that were never intended, or the other way round: a defect of ours.
    Accounting {
        /// Requests that were due.
        intended: u64,
        /// Requests that ended.
        ended: u64,
    },
}

impl fmt::Display for InvalidReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SendLag { p99, limit } => {
                write!(f, "requests left late: send lag p99 {}", over(*p99, *limit))
            }
            Self::Behind { late, written, limit } => write!(
                f,
                "requests left late, seconds on end: {late} of {written} by more than {:.1} ms",
                ms(*limit)
            ),
            Self::ReceiveLag { p99, limit } => {
                write!(f, "what arrived was read late: receive lag p99 {}", over(*p99, *limit))
            }
            Self::LoopLag { p99, limit } => {
                write!(f, "the load generator was late: loop lag p99 {}", over(*p99, *limit))
            }
            Self::Coalesced { share, limit } => write!(
                f,
                "{:.1} % of the gaps between chunks are unknown, at most {:.1} % is accepted: the load generator was late and read the chunks together",
                share * 100.0,
                limit * 100.0
            ),
            Self::Offered { intended, written } => {
                write!(f, "the load was not offered: {written} of {intended} requests were sent")
            }
            Self::Resource { requests, scarce: Some(scarce) } => {
                write!(f, "{requests} requests were not sent for want of {scarce}")
            }
            Self::Resource { requests, scarce: None } => write!(
                f,
                "{requests} requests were not sent for want of descriptors, ports or memory"
            ),
            Self::Descriptors { open, limit } => {
                write!(f, "{open} of {limit} file descriptors were open")
            }
            Self::Cpu { share, limit } => write!(
                f,
                "the load generator used {:.0} % of its CPU, at most {:.0} % is accepted",
                share * 100.0,
                limit * 100.0
            ),
            Self::Dropped { samples } => write!(f, "{samples} samples did not fit the histograms"),
            Self::Clock { steps } => {
                write!(f, "the system's clock was set while the trial ran ({steps} times)")
            }
            Self::InFlight { mean, concurrency } => {
                write!(f, "{mean:.1} sessions were in flight instead of {concurrency}")
            }
            Self::LittlesLaw { in_flight, implied } => write!(
                f,
                "{in_flight:.1} requests were in flight, but throughput times response time is {implied:.1}"
            ),
            Self::Accounting { intended, ended } => {
                write!(f, "{intended} requests were due but {ended} are accounted for")
            }
        }
    }
}

const CPU_ADVICE: &str =
    "give the load generator a core of its own, a quieter machine, or lower `to`";
const DEFECT_ADVICE: &str = "this is a defect in plimsoll: please report it with the run folder";

impl InvalidReason {
    /// Its stable name in files.
    #[must_use]
    pub fn signal(&self) -> &'static str {
        match self {
            Self::SendLag { .. } => "send_lag",
            Self::Behind { .. } => "behind",
            Self::ReceiveLag { .. } => "receive_lag",
            Self::LoopLag { .. } => "loop_lag",
            Self::Coalesced { .. } => "coalesced",
            Self::Offered { .. } => "offered",
            Self::Resource { .. } => "resource",
            Self::Descriptors { .. } => "descriptors",
            Self::Cpu { .. } => "cpu",
            Self::Dropped { .. } => "dropped",
            Self::Clock { .. } => "clock",
            Self::InFlight { .. } => "in_flight",
            Self::LittlesLaw { .. } => "littles_law",
            Self::Accounting { .. } => "accounting",
        }
    }

    /// What the reader can do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::SendLag { .. }
            | Self::Behind { .. }
            | Self::ReceiveLag { .. }
            | Self::LoopLag { .. }
            | Self::Coalesced { .. }
            | Self::Offered { .. }
            | Self::Cpu { .. } => CPU_ADVICE,
            Self::Resource { scarce: Some(scarce), .. } => scarce.advice(),
            Self::Resource { scarce: None, .. } | Self::Descriptors { .. } => Scarce::Fd.advice(),
            Self::Dropped { .. } => {
                "set a shorter `timeouts.total`; latencies beyond an hour are not recorded"
            }
            Self::Clock { .. } => {
                "measure again; if it comes back, let the machine's time service slew its clock instead of setting it"
            }
            Self::InFlight { .. } => {
                "make the trial longer, so that its start does not dominate it"
            }
            Self::LittlesLaw { .. } | Self::Accounting { .. } => DEFECT_ADVICE,
        }
    }

    /// Whether less load, or a faster machine, would cure it.
    #[must_use]
    pub fn is_of_load(&self) -> bool {
        self.advice() == CPU_ADVICE
    }

    /// The advice, with what this machine can offer (sessions per second) where that helps.
    #[must_use]
    pub fn advice_with(&self, can_offer_per_s: Option<f64>) -> String {
        match can_offer_per_s.filter(|_| self.is_of_load()) {
            Some(per_s) => {
                format!("this machine can offer about {}/s: {}", two_digits(per_s), self.advice())
            }
            None => self.advice().to_owned(),
        }
    }
}

/// `12.3 ms, at most 10.0 ms is accepted`.
fn over(value: Duration, limit: Duration) -> String {
    format!("{:.1} ms, at most {:.1} ms is accepted", ms(value), ms(limit))
}

pub(super) fn ms(length: Duration) -> f64 {
    length.as_secs_f64() * 1e3
}

/// A number that is only about right, rounded down to two digits.
fn two_digits(value: f64) -> String {
    if !value.is_finite() || value <= 0.0 {
        return "0".to_owned();
    }
    let scale = libm::pow(10.0, value.log10().floor() - 1.0);
    let rounded = (value / scale + 1e-9).floor() * scale;
    let decimals = if scale >= 1.0 { 0 } else { 2 };
    format!("{rounded:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::{InvalidReason, two_digits};

    #[test]
    fn what_the_machine_can_offer_is_said_where_less_load_would_help() {
        let cpu = InvalidReason::Cpu { share: 0.9, limit: 0.85 };
        let advice = cpu.advice_with(Some(12_987.3));
        assert!(advice.starts_with("this machine can offer about 12000/s: give the"), "{advice}");
        assert_eq!(cpu.advice_with(None), cpu.advice());
        let dropped = InvalidReason::Dropped { samples: 1 };
        assert_eq!(dropped.advice_with(Some(5.0)), dropped.advice());
    }

    #[test]
    fn about_right_has_two_digits() {
        for (value, text) in [
            (0.0, "0"),
            (f64::NAN, "0"),
            (0.579, "0.57"),
            (3.99, "3.90"),
            (10.0, "10"),
            (99.9, "99"),
            (14_999.0, "14000"),
        ] {
            assert_eq!(two_digits(value), text, "{value}");
        }
    }
}
