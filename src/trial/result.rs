//! The serialised form of a trial, a type of its own: one trial, as `results.json` and `plimsoll trial --format json` hold it.

use super::latency_result::{LatencyResult, latency_of};
use super::{
    Counts, Ended, Evidence, Health, HealthNote, InvalidReason, Load, Outcome, Purpose, Rates,
    Side, SloResult, TokenSource, TrialReport,
};
use crate::slo::Slo;
use crate::units::Unit;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialResult {
    /// Number of the trial within its check, from 0.
    pub index: u32,
    /// What the check ran it for; older files do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// Against which target it was played, where two were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<TargetSide>,
    /// Name of what was varied.
    pub knob: String,
    /// Its value, in `unit`.
    pub value: f64,
    /// Unit of the value.
    pub unit: String,
    /// The load, where it is not what was varied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadResult>,
    /// How the trial ended.
    pub ended: EndedResult,
    /// Whether it says something about the target.
    pub validity: Validity,
    /// Why it does not.
    pub reasons: Vec<Reason>,
    /// What is worth knowing about the generator; changes no result.
    #[serde(default)]
    pub notes: Vec<Reason>,
    /// What it says about all conditions together; meaningless in an invalid trial.
    pub evidence: EvidenceResult,
    /// Length, from the first arrival to the end.
    pub seconds: f64,
    /// Requests sent in all, measured or not.
    pub requests: u64,
    /// The measured requests.
    pub counts: CountsResult,
    /// Lengths of time of the measured requests, by name.
    pub latency: IndexMap<String, LatencyResult>,
    /// Rates over the measured period.
    pub rates: RatesResult,
    /// One entry per condition.
    pub slos: Vec<TrialSlo>,
    /// The generator's own figures.
    pub health: HealthResult,
    /// Where token counts come from.
    pub tokens: TokensResult,
    /// Requests whose `tpot` is undefined: left out of it.
    pub tpot_undefined: u64,
    /// One example per class of failure, as the target gave it.
    pub failures: IndexMap<String, String>,
    /// Readings of the target, by name and unit.
    pub target: IndexMap<String, f64>,
}

impl From<&TrialReport> for TrialResult {
    fn from(report: &TrialReport) -> Self {
        Self {
            index: report.plan.index,
            purpose: Some(report.plan.purpose),
            side: TargetSide::of(report.plan.side),
            knob: report.plan.knob.clone(),
            value: tidy(report.plan.value.get()),
            unit: report.plan.unit().to_owned(),
            load: report.plan.setting.as_ref().map(|_| report.plan.load.into()),
            ended: report.ended.into(),
            validity: if report.is_valid() { Validity::Valid } else { Validity::Invalid },
            reasons: reasons_of(&report.health.invalid, report.health.readings.can_offer_per_s),
            notes: notes_of(&report.health.notes),
            evidence: report.evidence.into(),
            seconds: tidy(report.elapsed.as_secs_f64()),
            requests: report.requests,
            counts: CountsResult::from(&report.counts),
            latency: latency_of(report),
            rates: report.rates.into(),
            slos: report.slos.iter().map(TrialSlo::from).collect(),
            health: HealthResult::from(&report.health),
            tokens: report.token_source.into(),
            tpot_undefined: report.tpot_undefined,
            failures: report
                .failures
                .iter()
                .map(|(outcome, example)| (outcome.name().to_owned(), example.clone()))
                .collect(),
            target: IndexMap::new(),
        }
    }
}

/// One of two targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetSide {
    /// What there was before.
    Base,
    /// What is to replace it.
    Head,
}

impl TargetSide {
    fn of(side: Side) -> Option<Self> {
        match side {
            Side::Only => None,
            Side::Base => Some(Self::Base),
            Side::Head => Some(Self::Head),
        }
    }

    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Head => "head",
        }
    }
}

/// A load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadResult {
    /// How much, in `unit`.
    pub value: f64,
    /// `sessions/s` in open loop, `sessions` in closed loop.
    pub unit: String,
}

impl From<Load> for LoadResult {
    fn from(load: Load) -> Self {
        Self { value: tidy(load.value()), unit: load.unit().to_owned() }
    }
}

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndedResult {
    /// Every measured request ended by itself.
    Complete,
    /// The outcome could no longer change.
    Settled,
    /// The target was overloaded.
    Overload,
    /// Its time limit, or the budget, ran out, or the load generator was the limit.
    Stopped,
}

impl From<Ended> for EndedResult {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Complete => Self::Complete,
            Ended::Settled => Self::Settled,
            Ended::Overload => Self::Overload,
            Ended::Stopped => Self::Stopped,
        }
    }
}

/// Whether a trial says something about the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// It does.
    Valid,
    /// The load generator was the limit.
    Invalid,
}

/// What a trial says about a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceResult {
    /// It held.
    Met,
    /// It did not.
    Violated,
    /// Too little was observed.
    Undecided,
}

impl From<Evidence> for EvidenceResult {
    fn from(evidence: Evidence) -> Self {
        match evidence {
            Evidence::Met => Self::Met,
            Evidence::Violated => Self::Violated,
            Evidence::Undecided => Self::Undecided,
        }
    }
}

impl EvidenceResult {
    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Violated => "violated",
            Self::Undecided => "undecided",
        }
    }
}

/// A signal by which a trial is invalid, or a note about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// Its stable name.
    pub signal: String,
    /// What was read and what is accepted.
    pub text: String,
    /// What to do about it.
    pub advice: String,
}

impl Reason {
    fn new(signal: &str, text: String, advice: &str) -> Self {
        Self { signal: signal.to_owned(), text, advice: advice.to_owned() }
    }
}

/// The same for each of these.
#[must_use]
pub fn reasons_of(reasons: &[InvalidReason], can_offer_per_s: Option<f64>) -> Vec<Reason> {
    let reason = |why: &InvalidReason| {
        Reason::new(why.signal(), why.to_string(), &why.advice_with(can_offer_per_s))
    };
    reasons.iter().map(reason).collect()
}

/// The same for each of these.
#[must_use]
pub fn notes_of(notes: &[HealthNote]) -> Vec<Reason> {
    notes.iter().map(|note| Reason::new(note.signal(), note.to_string(), note.advice())).collect()
}

/// The measured requests: `intended` is the sum of all classes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountsResult {
    /// Requests that the schedule wanted.
    pub intended: u64,
    /// Requests whose last byte went out.
    pub written: u64,
    /// Requests sent once more because a reused connection had died.
    pub reconnects: u64,
    /// Requests by how they ended, every class, those that did not occur with 0.
    #[serde(flatten)]
    pub by_outcome: IndexMap<String, u64>,
}

impl CountsResult {
    /// Requests that ended this way.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.by_outcome.get(outcome.name()).copied().unwrap_or(0)
    }

    /// Requests that were not ok.
    #[must_use]
    pub fn not_ok(&self) -> u64 {
        self.by_outcome.values().sum::<u64>().saturating_sub(self.of(Outcome::Ok))
    }
}

impl From<&Counts> for CountsResult {
    fn from(counts: &Counts) -> Self {
        Self {
            intended: counts.intended,
            written: counts.written,
            reconnects: counts.reconnects,
            by_outcome: Outcome::ALL
                .into_iter()
                .map(|outcome| (outcome.name().to_owned(), counts.of(outcome)))
                .collect(),
        }
    }
}

pub(super) fn ms(length: Duration) -> f64 {
    tidy(length.as_secs_f64() * 1e3)
}

/// Without the digits that only the arithmetic of this machine put there: to nine decimals, so that
/// every reader of the file gets the same number.
#[must_use]
pub fn tidy(value: f64) -> f64 {
    if value.abs() < 1e5 { (value * 1e9).round() / 1e9 } else { value }
}

/// Rates over the measured period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RatesResult {
    /// Always `/s`.
    pub unit: String,
    /// Requests that the schedule wanted.
    pub offered: f64,
    /// Requests that were ok.
    pub achieved: f64,
    /// Requests that met every condition on a request.
    pub good: f64,
    /// Output tokens of requests that were ok.
    pub tokens: f64,
}

impl From<Rates> for RatesResult {
    fn from(rates: Rates) -> Self {
        Self {
            unit: "/s".to_owned(),
            offered: tidy(rates.offered),
            achieved: tidy(rates.achieved),
            good: tidy(rates.good),
            tokens: tidy(rates.tokens),
        }
    }
}

/// What a trial says about one condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialSlo {
    /// The condition.
    pub text: String,
    /// Observations that were not good within the limit.
    pub not_good: u64,
    /// All observations.
    pub n: u64,
    /// Share of them that may be not good; `null` for a condition on a number.
    pub allowed: Option<f64>,
    /// What was observed, in `unit`; `null`: it lies among requests that never ended well, or nothing
    /// was observed (`n` is 0).
    pub observed: Option<f64>,
    /// `ms`, `share` or `/s`.
    pub unit: String,
    /// What follows.
    pub evidence: EvidenceResult,
}

impl From<&SloResult> for TrialSlo {
    fn from(result: &SloResult) -> Self {
        let (factor, unit) = unit_of(Some(&result.slo));
        Self {
            text: result.slo.to_string(),
            not_good: result.tally.not_good,
            n: result.tally.n,
            allowed: result.allowed().map(tidy),
            observed: result.observed.map(|observed| tidy(observed * factor)),
            unit: unit.to_owned(),
            evidence: result.evidence.into(),
        }
    }
}

/// The generator's own figures; `null` where the system does not tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HealthResult {
    /// 99th percentile of written − intended.
    pub send_lag_p99_ms: Option<f64>,
    /// 99th percentile of the time for which what had arrived waited to be read.
    #[serde(default)]
    pub receive_lag_p99_ms: Option<f64>,
    /// 99th percentile of how late the load generator came to its regular probe.
    #[serde(default)]
    pub loop_lag_p99_ms: Option<f64>,
    /// Share of the time for which the busiest worker was ready and had no CPU.
    #[serde(default)]
    pub run_wait: Option<f64>,
    /// CPU time / wall time: 1 is one whole core.
    pub cpu_cores: Option<f64>,
    /// Threads that offer load.
    pub workers: u32,
    /// Most descriptors open at once.
    pub descriptors: Option<u64>,
    /// Limit on descriptors.
    pub descriptors_limit: Option<u64>,
    /// Mean sessions in flight, closed loop.
    pub in_flight_mean: Option<f64>,
    /// The resource that bounds the requests in flight below what the load needs: `fd`, `port` or
    /// `memory`.
    #[serde(default)]
    pub scarce: Option<String>,
    /// CPU that the machine's host gave to others / wall time.
    #[serde(default)]
    pub steal_cores: Option<f64>,
    /// CPU of processes that are neither ours nor the target's / wall time.
    #[serde(default)]
    pub foreign_cores: Option<f64>,
    /// Speed of a core just before the trial, in slices of a fixed work per second of its time; of a
    /// target with `command`.
    #[serde(default)]
    pub reference_speed: Option<f64>,
}

impl From<&Health> for HealthResult {
    fn from(health: &Health) -> Self {
        Self {
            send_lag_p99_ms: health.send_lag_p99.map(ms),
            receive_lag_p99_ms: health.receive_lag_p99.map(ms),
            loop_lag_p99_ms: health.loop_lag_p99.map(ms),
            run_wait: health.run_wait.map(tidy),
            cpu_cores: health.readings.cpu_cores.map(tidy),
            workers: health.readings.workers,
            descriptors: health.readings.descriptors,
            descriptors_limit: health.readings.descriptors_limit,
            in_flight_mean: health.readings.in_flight_mean.map(tidy),
            scarce: health.readings.scarce.map(|scarce| scarce.name().to_owned()),
            steal_cores: health.readings.steal_cores.map(tidy),
            foreign_cores: health.readings.foreign_cores.map(tidy),
            reference_speed: health.readings.reference_speed.map(tidy),
        }
    }
}

/// Where token counts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokensResult {
    /// The server's own `usage`.
    Usage,
    /// Output chunks: an estimate.
    Chunks,
    /// Some answers had `usage`, others not.
    Mixed,
    /// The protocol has no tokens.
    None,
}

impl From<TokenSource> for TokensResult {
    fn from(source: TokenSource) -> Self {
        match source {
            TokenSource::Usage => Self::Usage,
            TokenSource::Chunks => Self::Chunks,
            TokenSource::Mixed => Self::Mixed,
            TokenSource::None => Self::None,
        }
    }
}

/// The unit in which results state what a condition observed, and its factor from the base unit.
#[must_use]
pub fn unit_of(slo: Option<&Slo>) -> (f64, &'static str) {
    match slo.map(|slo| slo.metric.unit()) {
        Some(Unit::Seconds) => (1e3, "ms"),
        Some(Unit::Ratio) => (1.0, "share"),
        Some(Unit::PerSecond) => (1.0, "/s"),
        Some(Unit::Bytes) => (1.0, "bytes"),
        Some(Unit::Count) | None => (1.0, ""),
    }
}
