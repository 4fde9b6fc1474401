//! `results.json`, one trial, and whatever else is printed as JSON.

#[cfg(test)]
mod trial_tests;

use serde::Serialize;

/// Indented, its keys in a fixed order, with a new line at the end.
#[must_use]
#[expect(clippy::expect_used, reason = "keys are strings, and no field can fail to serialise")]
pub fn render(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("plain data");
    text.push('\n');
    text
}
