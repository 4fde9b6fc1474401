//! The sequence that a check played, as `results.json` holds it.

use crate::trial::{Load, TrialPlan, tidy};
use crate::workload::{Realised, SequenceId, SessionLaw};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

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
    /// How it differs from the law that it was drawn from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realised: Option<RealisedResult>,
}

/// What the measured sessions of a sequence hold, each as a factor of what the law says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RealisedResult {
    /// Sessions per second; `null`: they do not arrive by a schedule.
    pub rate: Option<f64>,
    /// Turns of a session.
    pub turns: f64,
    /// Tokens of a turn's own prompt.
    pub prompt_tokens: f64,
    /// Tokens that a turn asks for.
    pub output_tokens: f64,
}

impl SequenceResult {
    /// The sequence, and the nominal length of a trial that plays it.
    pub(super) fn of(id: &SequenceId, trial: Duration) -> Self {
        Self {
            seed: id.seed,
            cut: id.cut,
            count: id.count,
            digest: id.digest.clone(),
            trial_seconds: trial.as_secs_f64(),
            realised: None,
        }
    }
}

impl RealisedResult {
    /// Of the sequence that this trial played.
    pub(super) fn of(law: &SessionLaw, plan: &TrialPlan) -> Self {
        let law = law.with(plan.setting.as_ref());
        let realised = Realised::of(&law, plan.load.arrivals(), plan.seed, plan.cut, plan.count);
        Self {
            rate: matches!(plan.load, Load::Open { .. }).then(|| tidy(realised.rate)),
            turns: tidy(realised.turns),
            prompt_tokens: tidy(realised.prompt_tokens),
            output_tokens: tidy(realised.output_tokens),
        }
    }
}
