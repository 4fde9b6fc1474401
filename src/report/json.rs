//! `results.json`, and one trial for `plimsoll trial --format json`.

#[cfg(test)]
mod trial_tests;

use super::{Results, TrialResult};
use serde::Serialize;

/// The results file: indented, its keys in a fixed order, with a new line at the end.
#[must_use]
pub fn render(results: &Results) -> String {
    pretty(results)
}

/// One trial.
#[must_use]
pub fn render_trial(trial: &TrialResult) -> String {
    pretty(trial)
}

#[expect(clippy::expect_used, reason = "keys are strings, and no field can fail to serialise")]
pub(super) fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("plain data");
    text.push('\n');
    text
}
