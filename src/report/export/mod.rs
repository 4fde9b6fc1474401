//! A run in the formats of other systems. Each is a pure function of the results, in a file of its
//! own.
//!
//! A number leaves in them only where it was measured (`numbers`): a reader sees nothing of
//! the verdict beside it, so a measurement that was invalid or came to no end must not look like one
//! that stands. Where a format would hold nothing there is no text at all, because an empty one reads
//! like a success.

pub mod bencher;
pub mod benchmark_action;
pub mod code_quality;
pub mod openmetrics;
#[cfg(test)]
mod tests;

use super::check_result::MetricResult;
use super::conclusion_result::ConclusionResult;
use super::escape::{Escaped, Terminal};
use super::{CheckResult, Results, Verdict, number};

/// Longest name in a file of another system.
const NAME_MAX: usize = 200;

/// A run without a number that the format could hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing to export: {0}")]
pub struct NothingToExport(&'static str);

/// A metric that stands, as programs read it: rounded to what its interval supports, in plain decimals,
/// so that a number that did not change is the same text.
struct Number<'a> {
    name: &'a str,
    metric: &'a MetricResult,
    value: String,
    low: String,
    high: String,
}

impl<'a> Number<'a> {
    /// `None` where one of the three is no number: a value does not leave without its interval.
    fn of(name: &'a str, metric: &'a MetricResult) -> Option<Self> {
        let MetricResult { value, low, high, .. } = *metric;
        let text = |number| number::decimal(number, low, high);
        let is_ordered = low <= value && value <= high;
        let (value, low, high) = (text(value)?, text(low)?, text(high)?);
        is_ordered.then_some(Self { name, metric, value, low, high })
    }
}

/// The numbers of a check; none where its measurement does not stand, because it is invalid, came to
/// no conclusion, or was not enough for a verdict. The other metrics were observed around the
/// capacity, and say nothing where that is not known.
fn numbers<'a>(check: &'a CheckResult) -> impl Iterator<Item = Number<'a>> {
    let is_known = stands(check) && check.capacity().is_some();
    let metrics = check.metrics.iter().filter(move |_| is_known);
    metrics.filter_map(|(name, metric)| Number::of(name, metric))
}

/// Whether the measurement of a check says something about its target.
fn stands(check: &CheckResult) -> bool {
    let concluded = match check.conclusion {
        ConclusionResult::Found
        | ConclusionResult::AtLeast { .. }
        | ConclusionResult::NoneHolds { .. }
        | ConclusionResult::Tested { .. }
        | ConclusionResult::Compared { .. } => true,
        ConclusionResult::Inconclusive { .. } | ConclusionResult::Invalid { .. } => false,
    };
    let also = check.gates.iter().flat_map(|gate| gate.also.iter().map(|also| also.verdict));
    let verdicts = check.gates.iter().map(|gate| gate.verdict).chain(also).chain([check.verdict]);
    let is_sound = |verdict| match verdict {
        Verdict::Error | Verdict::Invalid | Verdict::Inconclusive | Verdict::Skipped => false,
        Verdict::Regression
        | Verdict::Incomparable
        | Verdict::New
        | Verdict::Improvement
        | Verdict::Measured
        | Verdict::Pass => true,
    };
    concluded && verdicts.into_iter().all(is_sound)
}

/// `chat/chat-rate`: the check's name in a system that knows several suites.
fn full_name(results: &Results, check: &CheckResult) -> String {
    name(&format!("{}/{}", results.suite, check.name))
}

/// A name from a file, in one line and bounded.
fn name(text: &str) -> String {
    Escaped::<Terminal>::line(text).as_str().chars().take(NAME_MAX).collect()
}
