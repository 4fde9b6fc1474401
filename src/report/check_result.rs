//! One check with its gates, as `results.json` holds it.

use super::conclusion_result::ConclusionResult;
use super::sequence_result::SequenceResult;
use super::{ItemsResult, Verdict, number};
use crate::check::{Belief, Binding, CurvePoint, Estimate, Finding, Void};
use crate::config::plan;
use crate::slo::{Better, Slo};
use crate::trial::{TrialReport, TrialResult, tidy, unit_of};
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
    /// How the service responds to load, where full trials say so.
    pub response: Option<ResponseResult>,
    /// Trials that count neither for nor against the target.
    pub void: Vec<VoidResult>,
    /// The capacity in items, where a request carries several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<ItemsResult>,
    /// Every trial, valid or not, in order.
    pub trials: Vec<TrialResult>,
}

impl CheckResult {
    /// What a finding and its trials say; verdict, reason and gates are the caller's to add, until
    /// then the verdict is that of the measurement alone.
    pub(super) fn new(finding: &Finding, unit: &str, trials: &[TrialReport]) -> Self {
        let conclusion = ConclusionResult::from(finding);
        let (verdict, reason) = match &conclusion {
            ConclusionResult::Inconclusive { text } => (Verdict::Inconclusive, text.clone()),
            ConclusionResult::Invalid { reasons } => (
                Verdict::Invalid,
                reasons.first().map(|reason| reason.text.clone()).unwrap_or_default(),
            ),
            ConclusionResult::NoneHolds { value } => (
                Verdict::Regression,
                format!(
                    "the conditions do not hold even at {} {unit}, the lowest that is asked about; \
                     lower `from` if less is expected",
                    number::plain(*value)
                ),
            ),
            ConclusionResult::Found
            | ConclusionResult::AtLeast { .. }
            | ConclusionResult::Tested { .. }
            | ConclusionResult::Compared { .. } => (Verdict::Measured, String::new()),
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
            sequence: finding.sequence.as_ref().map(|(id, trial)| SequenceResult::of(id, *trial)),
            response: finding.belief.as_ref().map(ResponseResult::from),
            void: finding.voids.iter().map(VoidResult::from).collect(),
            items: None,
            trials: trials.iter().map(TrialResult::from).collect(),
        }
    }

    /// The capacity, where one was found.
    #[must_use]
    pub fn capacity(&self) -> Option<&MetricResult> {
        self.metrics.get("capacity")
    }
}

impl From<&Belief> for ResponseResult {
    fn from(belief: &Belief) -> Self {
        let point = |point: &CurvePoint| ResponsePoint {
            value: tidy(point.value),
            low: tidy(point.share.low),
            share: tidy(point.share.middle),
            high: tidy(point.share.high),
        };
        Self {
            allowed: tidy(belief.allowed),
            points: belief.curve.iter().map(point).collect(),
            slope: tidy(belief.response.slope()),
            spread: tidy(belief.response.spread()),
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
    /// Line of the condition in the suite file, from 1; `null` for one that Plimsoll added by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
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
            line: None,
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

impl From<plan::Limit> for Limit {
    fn from(limit: plan::Limit) -> Self {
        let (rule, value) = match limit {
            plan::Limit::MaxDrop(share) => (LimitRule::MaxDrop, share),
            plan::Limit::MaxRise(share) => (LimitRule::MaxRise, share),
            plan::Limit::Min(value) => (LimitRule::Min, value),
            plan::Limit::Max(value) => (LimitRule::Max, value),
        };
        Self { rule, value }
    }
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

impl LimitRule {
    /// Its name in the suite.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MaxDrop => "max_drop",
            Self::MaxRise => "max_rise",
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}

/// A relative change: -0.24 is 24 % less than the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The estimate; `null` where only a bound is known.
    pub value: Option<f64>,
    /// Lower end of its interval; `null`: not known.
    pub low: Option<f64>,
    /// Upper end of its interval; `null`: not known.
    pub high: Option<f64>,
}

/// A trial that says nothing, because something else than load and target may have decided it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VoidResult {
    /// Number of the trial within its check, from 0.
    pub trial: u32,
    /// What happened.
    pub text: String,
}

impl From<&Void> for VoidResult {
    fn from(void: &Void) -> Self {
        Self { trial: void.trial, text: void.disturbance.to_string() }
    }
}

/// How the service responds to load, as far as the full trials say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResponseResult {
    /// Share of observations that the worst condition allows to be not good.
    pub allowed: f64,
    /// By load, ascending.
    pub points: Vec<ResponsePoint>,
    /// How steeply the share grows: change of its logit for each change of ln(load).
    pub slope: f64,
    /// Standard deviation of ln(capacity) between trials.
    pub spread: f64,
}

/// The share that is not good at one load, with its interval of 90 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResponsePoint {
    /// Value of the knob.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Middle.
    pub share: f64,
    /// Upper end.
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

#[cfg(test)]
mod tests {
    use super::CheckResult;
    use crate::baseline::fixture;
    use crate::check::Conclusion;

    #[test]
    fn nothing_that_holds_is_said_in_the_unit_of_the_knob() {
        let finding = fixture::finding_with(Conclusion::NoneHolds(fixture::knob(128.0)), &[]);
        let reason = CheckResult::new(&finding, "tokens", &[]).reason;
        assert!(reason.contains("even at 128 tokens") && !reason.contains("load"), "{reason}");
    }
}
