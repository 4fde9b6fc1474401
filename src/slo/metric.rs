//! What can be observed of a trial, each defined once, with formula and unit.

use crate::units::Unit;

/// Which direction is an improvement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// More is better (capacity, throughput).
    Higher,
    /// Less is better (latency, errors).
    Lower,
}

/// A metric. Times are seconds on one monotonic clock; *intended* is when the schedule wanted the
/// request to start: in open loop the schedule, in closed loop the instant its slot became free, for
/// a later turn its parent's completion plus think time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Time to first chunk: first output chunk − intended. Output is text, reasoning or tool-call
    /// arguments; never an empty or a role-only chunk. Alias `ttft`.
    Ttfc,
    /// Time between chunks: the gaps between successive output chunks, pooled over the trial's
    /// requests. Finish and usage chunks end no gap. Alias `itl`.
    Tbc,
    /// Time per output token after the first: (e2e − ttfc) / (tokens − 1). Undefined, left out and
    /// counted below two tokens or two chunks.
    Tpot,
    /// Last output chunk − intended; of a plain answer, its last byte − intended.
    E2e,
    /// End of the body − intended.
    E2eClosed,
    /// First byte of the answer − intended.
    Ttfb,
    /// First output chunk that is not reasoning − intended.
    TtftAnswer,
    /// Requests that were not ok / offered, shed ones included. A share.
    ErrorRate,
    /// Requests that the target shed (429, 503, or the suite's list) / offered. A share.
    ShedRate,
    /// Requests that were ok / offered. A share.
    Success,
    /// Requests that were ok per second of the measured period.
    Throughput,
    /// Requests that met every per-request SLO, per second of the measured period.
    Goodput,
    /// Output tokens of requests that were ok, per second of the measured period.
    TokensPerS,
}

impl Metric {
    /// Every metric, in the order in which reports show them.
    pub const ALL: [Self; 13] = [
        Self::Ttfc,
        Self::Tbc,
        Self::Tpot,
        Self::E2e,
        Self::E2eClosed,
        Self::Ttfb,
        Self::TtftAnswer,
        Self::ErrorRate,
        Self::ShedRate,
        Self::Success,
        Self::Throughput,
        Self::Goodput,
        Self::TokensPerS,
    ];

    /// The name in suites and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ttfc => "ttfc",
            Self::Tbc => "tbc",
            Self::Tpot => "tpot",
            Self::E2e => "e2e",
            Self::E2eClosed => "e2e_closed",
            Self::Ttfb => "ttfb",
            Self::TtftAnswer => "ttft_answer",
            Self::ErrorRate => "error_rate",
            Self::ShedRate => "shed_rate",
            Self::Success => "success",
            Self::Throughput => "throughput",
            Self::Goodput => "goodput",
            Self::TokensPerS => "tokens_per_s",
        }
    }

    /// The metric of that name or alias (`ttft` is `ttfc`, `itl` is `tbc`).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "ttft" => Some(Self::Ttfc),
            "itl" => Some(Self::Tbc),
            _ => Self::ALL.into_iter().find(|metric| metric.name() == name),
        }
    }

    /// Whether single observations are lengths of time.
    #[must_use]
    pub fn is_latency(self) -> bool {
        self.unit() == Unit::Seconds
    }

    /// The unit of its values.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Ttfc
            | Self::Tbc
            | Self::Tpot
            | Self::E2e
            | Self::E2eClosed
            | Self::Ttfb
            | Self::TtftAnswer => Unit::Seconds,
            Self::ErrorRate | Self::ShedRate | Self::Success => Unit::Ratio,
            Self::Throughput | Self::Goodput | Self::TokensPerS => Unit::PerSecond,
        }
    }

    /// Which direction is an improvement.
    #[must_use]
    pub fn better(self) -> Better {
        match self {
            Self::Success | Self::Throughput | Self::Goodput | Self::TokensPerS => Better::Higher,
            Self::Ttfc
            | Self::Tbc
            | Self::Tpot
            | Self::E2e
            | Self::E2eClosed
            | Self::Ttfb
            | Self::TtftAnswer
            | Self::ErrorRate
            | Self::ShedRate => Better::Lower,
        }
    }
}
