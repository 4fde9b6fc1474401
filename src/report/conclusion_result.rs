//! How sure a check is of its answer, as `results.json` holds it.

use super::check_result::{Limit, MetricResult};
use crate::check::{self, Conclusion, Finding, Line, Ruled};
use crate::trial::{Reason, reasons_of, tidy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How sure a check is of its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ConclusionResult {
    /// The estimate stands with its interval.
    Found,
    /// The top of the range held: the capacity is at least this, and not known.
    AtLeast {
        /// Value of the knob.
        value: f64,
    },
    /// The bottom of the range did not hold.
    NoneHolds {
        /// Value of the knob.
        value: f64,
    },
    /// The evidence was not enough.
    Inconclusive {
        /// What is missing.
        text: String,
    },
    /// The accepted capacity was tested at its limits.
    Tested {
        /// With 90 % certainty the capacity is at least this; `null`: no trial held.
        at_least: Option<f64>,
        /// With 90 % certainty it is at most this; `null`: no trial broke a condition.
        at_most: Option<f64>,
        /// Whether it is better by as much as the largest loss that is allowed; `null`: nobody looked.
        better: Option<bool>,
        /// Whether it is better by so much that the measurement is the likelier cause.
        too_good: bool,
        /// Relative loss of which 90 % certainty says that it is not more; `null`: no limit was kept.
        ruled_out: Option<f64>,
        /// The limits that were looked at.
        lines: Vec<LineResult>,
    },
    /// Two targets were compared; the metrics are those of the head.
    Compared {
        /// What the head carries / what the base carries; `null` where only a bound is known.
        ratio: Option<f64>,
        /// Lower end of its interval of 90 %; `null`: not known.
        low: Option<f64>,
        /// Upper end; `null`: not known.
        high: Option<f64>,
        /// Capacity of the base, where its trials lie on both sides of it.
        base: Option<MetricResult>,
        /// With 90 % certainty the head's capacity is at least this; `null`: no trial held.
        at_least: Option<f64>,
        /// With 90 % certainty it is at most this; `null`: no trial broke a condition.
        at_most: Option<f64>,
        /// Whether the head is better by as much as the largest loss that is allowed; `null`: nobody
        /// looked.
        better: Option<bool>,
        /// The limits, as values of the ratio; `trials` are pairs of them.
        lines: Vec<LineResult>,
    },
    /// The generator was the limit, the machine was busy, or the target changed.
    Invalid {
        /// Which signals.
        reasons: Vec<Reason>,
    },
}

/// One limit of a tested capacity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LineResult {
    /// Value of the knob at which it lies.
    pub at: f64,
    /// Probability that the capacity lies beyond it.
    pub risk: f64,
    /// Full trials behind that.
    pub trials: u32,
    /// On which side it lies.
    pub side: SideResult,
    /// The limit.
    pub limit: Limit,
    /// It counts as broken from this probability on, a share …
    pub red: f64,
    /// … by at least so many trials.
    pub red_trials: u32,
    /// It counts as kept up to this probability, a share.
    pub green: f64,
}

/// On which side of a limit a capacity lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SideResult {
    /// On the good one.
    Kept,
    /// On the bad one.
    Broken,
    /// Not decided.
    Open,
}

impl ConclusionResult {
    /// Why it is invalid; empty for any other.
    pub(super) fn reasons(&self) -> &[Reason] {
        match self {
            Self::Invalid { reasons } => reasons,
            Self::Found
            | Self::AtLeast { .. }
            | Self::NoneHolds { .. }
            | Self::Tested { .. }
            | Self::Compared { .. }
            | Self::Inconclusive { .. } => &[],
        }
    }

    /// What this limit of a tested capacity came to.
    pub(super) fn line(&self, limit: Limit) -> Option<&LineResult> {
        let Self::Tested { lines, .. } = self else { return None };
        lines.iter().find(|line| line.limit == limit)
    }
}

impl From<&Finding> for ConclusionResult {
    fn from(finding: &Finding) -> Self {
        let belief = finding.belief.as_ref();
        match &finding.conclusion {
            Conclusion::Found => Self::Found,
            Conclusion::AtLeast(value) => Self::AtLeast { value: tidy(value.get()) },
            Conclusion::NoneHolds(value) => Self::NoneHolds { value: tidy(value.get()) },
            Conclusion::Inconclusive(gap) => Self::Inconclusive { text: gap.to_string() },
            Conclusion::Invalid(limited) => {
                Self::Invalid { reasons: reasons_of(&limited.reasons, limited.can_offer_per_s) }
            }
            Conclusion::Tested(tested) => Self::Tested {
                at_least: belief.and_then(|belief| belief.at_least).map(tidy),
                at_most: belief.and_then(|belief| belief.at_most).map(tidy),
                better: is_better(tested.better),
                too_good: tested.better == check::Better::TooGood,
                ruled_out: tested.ruled_out.map(tidy),
                lines: tested.lines.iter().map(LineResult::from).collect(),
            },
            Conclusion::Compared(compared) => Self::Compared {
                ratio: compared.relation.value.map(tidy),
                low: compared.relation.low.map(tidy),
                high: compared.relation.high.map(tidy),
                base: compared.base.as_ref().map(Into::into),
                at_least: belief.and_then(|belief| belief.at_least).map(tidy),
                at_most: belief.and_then(|belief| belief.at_most).map(tidy),
                better: is_better(compared.better),
                lines: compared.lines.iter().map(LineResult::from).collect(),
            },
            Conclusion::Busy { .. } => Self::Invalid { reasons: unsound(finding, "machine_busy") },
            Conclusion::Drifted(_) => Self::Invalid { reasons: unsound(finding, "target_drift") },
        }
    }
}

fn is_better(better: check::Better) -> Option<bool> {
    match better {
        check::Better::Yes | check::Better::TooGood => Some(true),
        check::Better::No => Some(false),
        check::Better::Unknown => None,
    }
}

impl From<&Ruled> for LineResult {
    fn from(ruled: &Ruled) -> Self {
        Self {
            at: tidy(ruled.at),
            risk: tidy(ruled.risk),
            trials: ruled.trials,
            side: match ruled.line {
                Line::Kept => SideResult::Kept,
                Line::Broken => SideResult::Broken,
                Line::Open(_) => SideResult::Open,
            },
            limit: ruled.limit.into(),
            red: tidy(ruled.rule.red),
            red_trials: u32::try_from(ruled.rule.red_trials).unwrap_or(u32::MAX),
            green: tidy(ruled.rule.green),
        }
    }
}

/// Why a measurement is none, its advice apart.
fn unsound(finding: &Finding, signal: &str) -> Vec<Reason> {
    let why = finding.conclusion.unsound().unwrap_or_default();
    let (text, advice) = why.split_once("; ").unwrap_or((&why, ""));
    let (signal, text, advice) = (signal.to_owned(), text.to_owned(), advice.to_owned());
    vec![Reason { signal, text, advice }]
}
