//! One check with its gates, as `results.json` holds it.

use super::Verdict;
use crate::check::{Binding, Conclusion, Estimate, Finding};
use crate::slo::{Better, Slo};
use crate::trial::{Reason, TrialReport, TrialResult, reasons_of, tidy, unit_of};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// Its name.
    pub name: String,
    /// Kind of experiment: `capacity`.
    pub kind: String,
    /// Line of its name in the suite file, from 1.
    pub line: Option<u32>,
    /// The worst verdict of its gates; without gates what the measurement came to.
    pub verdict: Verdict,
    /// Why, one sentence.
    pub reason: String,
    /// More of it, several lines: a diff of the measured configuration.
    pub detail: Option<String>,
    /// Name of what was varied.
    pub knob: String,
    /// Unit of the knob's values.
    pub unit: String,
    /// Time that its trials took.
    pub seconds: f64,
    /// How sure the answer is.
    pub conclusion: ConclusionResult,
    /// Named metrics; `capacity` is missing unless the conclusion is `found`.
    pub metrics: IndexMap<String, MetricResult>,
    /// The condition that breaks first.
    pub binding: Option<BindingResult>,
    /// One entry per limit.
    pub gates: Vec<GateResult>,
    /// What the search was told.
    pub search: Option<SearchResult>,
    /// The sequence that was played.
    pub sequence: Option<SequenceResult>,
    /// Every trial, valid or not, in order.
    pub trials: Vec<TrialResult>,
}

impl CheckResult {
    /// What a finding and its trials say; verdict, reason and gates are the caller's to add, until
    /// then the verdict is that of the measurement alone.
    pub(super) fn new(finding: &Finding, unit: &str, trials: &[TrialReport]) -> Self {
        let conclusion = ConclusionResult::from(&finding.conclusion);
        let (verdict, reason) = match &conclusion {
            ConclusionResult::Inconclusive { text } => (Verdict::Inconclusive, text.clone()),
            ConclusionResult::Invalid { reasons } => (
                Verdict::Invalid,
                reasons.first().map(|reason| reason.text.clone()).unwrap_or_default(),
            ),
            ConclusionResult::NoneHolds { .. } => (
                Verdict::Regression,
                "nothing holds, even at the lowest load that is asked about; \
                 lower `from` if less is expected"
                    .to_owned(),
            ),
            ConclusionResult::Found | ConclusionResult::AtLeast { .. } => {
                (Verdict::Measured, String::new())
            }
        };
        Self {
            name: finding.check.clone(),
            kind: "capacity".to_owned(),
            line: None,
            verdict,
            reason,
            detail: None,
            knob: finding.knob.clone(),
            unit: unit.to_owned(),
            seconds: finding.elapsed.as_secs_f64(),
            conclusion,
            metrics: finding
                .metrics
                .iter()
                .map(|(name, estimate)| (name.clone(), estimate.into()))
                .collect(),
            binding: finding.binding.as_ref().map(BindingResult::from),
            gates: Vec::new(),
            search: None,
            sequence: finding.sequence.as_ref().map(|(id, trial)| SequenceResult {
                seed: id.seed,
                cut: id.cut,
                count: id.count,
                digest: id.digest.clone(),
                trial_seconds: trial.as_secs_f64(),
            }),
            trials: trials.iter().map(TrialResult::from).collect(),
        }
    }

    /// The capacity, where one was found.
    #[must_use]
    pub fn capacity(&self) -> Option<&MetricResult> {
        self.metrics.get("capacity")
    }
}

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
    /// The generator was the limit.
    Invalid {
        /// Which of its signals.
        reasons: Vec<Reason>,
    },
}

impl ConclusionResult {
    /// Why it is invalid; empty for any other.
    pub(super) fn reasons(&self) -> &[Reason] {
        match self {
            Self::Invalid { reasons } => reasons,
            Self::Found
            | Self::AtLeast { .. }
            | Self::NoneHolds { .. }
            | Self::Inconclusive { .. } => &[],
        }
    }
}

impl From<&Conclusion> for ConclusionResult {
    fn from(conclusion: &Conclusion) -> Self {
        match conclusion {
            Conclusion::Found => Self::Found,
            Conclusion::AtLeast(value) => Self::AtLeast { value: tidy(value.get()) },
            Conclusion::NoneHolds(value) => Self::NoneHolds { value: tidy(value.get()) },
            Conclusion::Inconclusive(gap) => Self::Inconclusive { text: gap.to_string() },
            Conclusion::Invalid(limited) => {
                Self::Invalid { reasons: reasons_of(&limited.reasons, limited.can_offer_per_s) }
            }
        }
    }
}

/// A number with what must be said beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricResult {
    /// The estimate.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Nominal confidence of the interval, a share.
    pub confidence: f64,
    /// Unit of the three numbers.
    pub unit: String,
    /// Which direction is an improvement.
    pub better: BetterResult,
    /// Measured requests behind it.
    pub samples: u64,
    /// Trials that entered it.
    pub trials: u32,
}

impl From<&Estimate> for MetricResult {
    fn from(estimate: &Estimate) -> Self {
        Self {
            value: tidy(estimate.value),
            low: tidy(estimate.low),
            high: tidy(estimate.high),
            confidence: estimate.confidence.get(),
            unit: estimate.unit.clone(),
            better: match estimate.better {
                Better::Higher => BetterResult::Higher,
                Better::Lower => BetterResult::Lower,
            },
            samples: estimate.samples,
            trials: estimate.trials,
        }
    }
}

/// Which direction is an improvement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BetterResult {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// The condition that breaks first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BindingResult {
    /// The condition.
    pub slo: String,
    /// Value of the knob at which it was broken.
    pub at: f64,
    /// What was observed there, in `unit`; `null`: it lies among requests that never ended well.
    pub observed: Option<f64>,
    /// Unit of what was observed: `ms`, `share` or `/s`.
    pub unit: String,
    /// Observations that were not good.
    pub not_good: u64,
    /// All observations.
    pub n: u64,
    /// The highest value of the knob that held.
    pub held_at: Option<f64>,
    /// What was observed there, in `unit`.
    pub held_observed: Option<f64>,
}

impl From<&Binding> for BindingResult {
    fn from(binding: &Binding) -> Self {
        let (factor, unit) = unit_of(Slo::parse(&binding.slo).ok().as_ref());
        Self {
            slo: binding.slo.clone(),
            at: tidy(binding.at.get()),
            observed: binding.observed.map(|observed| tidy(observed * factor)),
            unit: unit.to_owned(),
            not_good: binding.not_good,
            n: binding.n,
            held_at: binding.held.map(|(at, _)| tidy(at.get())),
            held_observed: binding.held.map(|(_, observed)| tidy(observed * factor)),
        }
    }
}

/// What one limit came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateResult {
    /// Name of the metric; its current value stands in the check's `metrics`.
    pub metric: String,
    /// The limit; `null` where the suite has none and the metric was compared all the same.
    pub limit: Option<Limit>,
    /// The value of the baseline.
    pub baseline: Option<MetricResult>,
    /// Change against the baseline.
    pub change: Option<Change>,
    /// What follows.
    pub verdict: Verdict,
    /// Why, one sentence.
    pub reason: String,
    /// The baseline has nothing that could be compared: not hidden by `fail_on`.
    pub hollow: bool,
    /// Probability that the limit is crossed, where it is known.
    pub probability: Option<f64>,
    /// What holds besides: an invalid measurement without a baseline is both.
    pub also: Vec<Ruling>,
}

/// One more thing that holds of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ruling {
    /// What it is.
    pub verdict: Verdict,
    /// Why, one sentence.
    pub reason: String,
    /// Not hidden by `fail_on`.
    pub hollow: bool,
}

/// A limit of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Limit {
    /// Which kind.
    pub rule: LimitRule,
    /// A share for `max_drop` and `max_rise`, a number in the metric's unit for the others.
    pub value: f64,
}

/// Kind of a [`Limit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitRule {
    /// Largest relative loss against the baseline.
    MaxDrop,
    /// Largest relative rise against the baseline.
    MaxRise,
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
}

/// A relative change: -0.24 is 24 % less than the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The estimate.
    pub value: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
}

/// What a search was told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchResult {
    /// Lowest value of the knob.
    pub from: f64,
    /// Highest value of the knob.
    pub to: Option<f64>,
    /// Factor of the first steps.
    pub expand: f64,
    /// Most trials.
    pub max_trials: u32,
    /// Wanted half-width of the interval, as a share of the estimate.
    pub precision: f64,
}

/// The sequence of sessions that was played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SequenceResult {
    /// Seed of the suite.
    pub seed: u64,
    /// Sessions played before the measured ones.
    pub cut: u64,
    /// Measured sessions.
    pub count: u64,
    /// Digest over arrivals and lengths.
    pub digest: String,
    /// Nominal length of a trial.
    pub trial_seconds: f64,
}
