//! What a trial is asked to do.

use crate::slo::{Metric, Slo};
use crate::units::{KnobValue, Rate};
use crate::workload::{Arrivals, Setting};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::ops::Range;
use std::time::Duration;

/// How much load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// Sessions arrive by a schedule, whatever the target does.
    Open {
        /// Sessions per second.
        rate: Rate,
        /// Law of the gaps.
        arrivals: Arrivals,
    },
    /// A fixed number of sessions is kept in flight.
    Closed {
        /// Sessions in flight.
        concurrency: NonZeroU32,
    },
}

impl Load {
    /// How its sessions arrive. A closed loop has no arrivals: they are drawn as if Poisson.
    #[must_use]
    pub fn arrivals(self) -> Arrivals {
        match self {
            Self::Open { arrivals, .. } => arrivals,
            Self::Closed { .. } => Arrivals::Poisson,
        }
    }

    /// The unit of its number, for reports.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Open { .. } => "sessions/s",
            Self::Closed { .. } => "sessions",
        }
    }

    /// The number that was set.
    #[must_use]
    pub fn value(self) -> f64 {
        match self {
            Self::Open { rate, .. } => rate.as_per_second(),
            Self::Closed { concurrency } => f64::from(concurrency.get()),
        }
    }
}

/// What a trial is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A short look, to find the right order of magnitude.
    Probe,
    /// A whole play of the common sequence: evidence.
    Play,
    /// The first play near the capacity once more, at the end of a search: has the target changed?
    Anchor,
    /// A play above what was accepted, after it has held: is it more now?
    Above,
}

/// Which target a trial is played against, where there are two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// There is only one.
    #[default]
    Only,
    /// What there was before.
    Base,
    /// What is to replace it.
    Head,
}

/// One trial: the measured sessions are `cut..cut + count` of the suite's sequence; the load goes on
/// after them until each of their requests has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialPlan {
    /// Number of the trial within its check, from 0.
    pub index: u32,
    /// Name of the check.
    pub check: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Against which target.
    pub side: Side,
    /// Name of the knob.
    pub knob: String,
    /// Value of the knob.
    pub value: KnobValue,
    /// How much load.
    pub load: Load,
    /// What else it sets, where the knob is not the load.
    pub setting: Option<Setting>,
    /// Seed of the sequence: the same in every trial of a check.
    pub seed: u64,
    /// Sessions played before the measured ones.
    pub cut: u64,
    /// Measured sessions, at least 1.
    pub count: u64,
    /// Conditions to count for.
    pub slos: Vec<Slo>,
    /// When the trial is ended at the latest; what has not ended by then counts as unfinished.
    pub time_limit: Duration,
    /// Most requests that may be sent; when one more is due the trial is ended in the same way.
    pub request_limit: u64,
}

impl TrialPlan {
    /// Unit of the knob's value, for reports.
    #[must_use]
    pub fn unit(&self) -> &str {
        self.setting.as_ref().map_or(self.load.unit(), |setting| setting.dial.unit())
    }

    /// Numbers of the measured sessions.
    #[must_use]
    pub fn measured(&self) -> Range<u64> {
        self.cut..self.cut + self.count
    }

    /// The tightest limit among the conditions on times that count from the intended send: what a
    /// late request spoils. Gaps between chunks do not suffer from it.
    #[must_use]
    pub fn tightest_limit(&self) -> Option<Duration> {
        let from_intended = |slo: &&Slo| !matches!(slo.metric, Metric::Tbc | Metric::Tpot);
        self.slos.iter().filter(from_intended).filter_map(Slo::latency_limit).min()
    }
}
