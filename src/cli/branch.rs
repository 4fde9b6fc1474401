//! What a change does to its own gate: limits that it loosens, a baseline that it brings.

use super::arguments::{Suite, chain, complain};
use super::base::{self, BaseCommit};
use super::git;
use crate::baseline::{Baseline, Loaded, parse};
use crate::config::{environment, read};
use crate::gate::{WithSlos, hold_to};
use crate::report::{About, Notice};
use crate::units::number::{change_short, estimate};
use std::path::Path;

/// Largest file that is read from another commit.
const FILE_MAX: u64 = 1 << 20;

/// Holds the suite to the limits of the base where they are stricter; what it loosens.
pub(super) fn hold(suite: &mut Suite, base: &BaseCommit) -> Vec<Notice> {
    let Some(text) = file_of(suite, base, &suite.plan.file) else { return Vec::new() };
    let plan = match read(&suite.plan.file, &text, &[], &environment::process) {
        Ok(plan) => plan,
        Err(error) => {
            let hint = "the limits are those of this change's own suite";
            complain(&format!("the base's suite cannot be read: {}", chain(&error)), Some(hint));
            return Vec::new();
        }
    };
    Notice::all(About::Loosens, hold_to(&plan, &mut suite.plan, WithSlos::No))
}

/// What a change of the committed baseline itself accepts, check by check.
pub(super) fn baseline_of(
    suite: &Suite,
    now: &Loaded,
    path: &Path,
    base: Option<&BaseCommit>,
) -> Vec<Notice> {
    let Some((base, now)) = base.zip(now.baseline()) else { return Vec::new() };
    let before = file_of(suite, base, path).map(|text| parse(&text));
    let before = before.as_ref().and_then(Loaded::baseline);
    let of = |name: &String| accepted(before, now, name);
    Notice::all(About::Accepts, now.checks.keys().filter_map(of))
}

fn accepted(before: Option<&Baseline>, now: &Baseline, name: &str) -> Option<String> {
    let capacity = |baseline: &Baseline| {
        let metric = baseline.checks.get(name)?.metrics.get("capacity")?;
        Some((metric.value, metric.low, metric.high, metric.unit.clone()))
    };
    let (value, low, high, unit) = capacity(now)?;
    let last = now.history.get(name).and_then(|entries| entries.last());
    let reason = last.and_then(|entry| entry.reason.as_deref());
    let reason = reason.map_or_else(String::new, |reason| format!(", reason: {reason}"));
    let new = estimate(value, low, high);
    match before.and_then(capacity) {
        Some((old, was_low, was_high, _)) => {
            let is_same = [(old, value), (was_low, low), (was_high, high)];
            if is_same.iter().all(|(a, b)| a.total_cmp(b).is_eq()) {
                return None;
            }
            let (old_text, change) =
                (estimate(old, was_low, was_high), change_short(value / old - 1.0));
            Some(format!("`{name}`: {old_text} → {new} {unit} ({change}){reason}"))
        }
        None => Some(format!("`{name}`: {new} {unit}, the first{reason}")),
    }
}

/// The text of a file at the base.
fn file_of(suite: &Suite, base: &BaseCommit, file: &Path) -> Option<String> {
    let path = git::path_in_repository(file)?;
    let show = ["show", &format!("{}:{path}", base.sha)];
    let text = git::output(&base::folder(suite), &show, FILE_MAX)?;
    String::from_utf8(text).ok()
}
