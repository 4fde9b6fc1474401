//! The accepted values of a suite over the commits that changed its baseline: as text, as Markdown, as
//! JSON.

pub mod markdown;
mod steps;
pub mod text;
#[cfg(test)]
mod tests;

use crate::baseline::{Point, Series};
use crate::slo::Better;
use crate::trial::tidy;
use serde::Serialize;

/// Name and version of the shape of the JSON.
const SCHEMA: &str = "plimsoll.history/1";
/// Characters of a commit that are shown.
const COMMIT_CHARS: usize = 8;

/// What is shown.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    /// The suite.
    pub suite: &'a str,
    /// Path of the baseline from the root of its repository.
    pub file: &'a str,
    /// What its commits say.
    pub series: &'a [Series],
    /// Why the oldest commits are not here, one sentence.
    pub cut: Option<&'a str>,
    /// Most points of a series, the newest.
    pub limit: usize,
}

impl History<'_> {
    /// The newest points of a series, and how many are left out.
    fn newest<'a>(&self, series: &'a Series) -> (&'a [Point], usize) {
        let left_out = series.points.len().saturating_sub(self.limit);
        (series.points.get(left_out..).unwrap_or_default(), left_out)
    }

    /// What is said below the series.
    fn remarks(&self, left_out: usize) -> Vec<String> {
        let cut = self.cut.map(str::to_owned);
        let left_out = match left_out {
            0 => None,
            1 => Some("1 earlier row is left out".to_owned()),
            n => Some(format!("{n} earlier rows are left out")),
        };
        left_out.into_iter().chain(cut).collect()
    }
}

fn short(commit: &str) -> String {
    commit.chars().take(COMMIT_CHARS).collect()
}

fn day(time: &str) -> &str {
    time.split_once('T').map_or(time, |(day, _)| day)
}

/// What is shown of a value beside it: its reason, and what keeps it apart from the one before.
fn remark(point: &Point) -> String {
    let accepted = match &point.value {
        Ok(accepted) => accepted,
        Err(why) => return why.clone(),
    };
    let reason = accepted.reason.clone().unwrap_or_default();
    if accepted.apart.is_empty() {
        return reason;
    }
    let apart = format!("not comparable with the value before: {}", accepted.apart.join("; "));
    if reason.is_empty() { apart } else { format!("{reason} ({apart})") }
}

/// `chat-rate: capacity in sessions/s, more is better`.
fn title(series: &Series) -> String {
    let unit = if series.unit.is_empty() { String::new() } else { format!(" in {}", series.unit) };
    match series.better {
        Some(Better::Higher) => format!("{}{unit}, more is better", series.metric),
        Some(Better::Lower) => format!("{}{unit}, less is better", series.metric),
        None => "no commit holds a baseline that can be read".to_owned(),
    }
}

/// The JSON.
#[must_use]
pub fn json(history: &History<'_>) -> String {
    let of_series = |series| {
        let (points, left_out) = history.newest(series);
        SeriesResult {
            check: &series.check,
            metric: &series.metric,
            unit: &series.unit,
            better: series.better.map(|better| match better {
                Better::Higher => "higher",
                Better::Lower => "lower",
            }),
            left_out,
            points: points.iter().map(PointResult::from).collect(),
        }
    };
    super::json::render(&HistoryResult {
        schema: SCHEMA,
        suite: history.suite,
        file: history.file,
        cut: history.cut,
        series: history.series.iter().map(of_series).collect(),
    })
}

#[derive(Serialize)]
struct HistoryResult<'a> {
    schema: &'static str,
    suite: &'a str,
    file: &'a str,
    cut: Option<&'a str>,
    series: Vec<SeriesResult<'a>>,
}

#[derive(Serialize)]
struct SeriesResult<'a> {
    check: &'a str,
    metric: &'a str,
    unit: &'a str,
    better: Option<&'static str>,
    /// Earlier points that are not here.
    left_out: usize,
    /// The oldest first.
    points: Vec<PointResult<'a>>,
}

#[derive(Serialize)]
struct PointResult<'a> {
    commit: &'a str,
    time: &'a str,
    /// `null`: the commit holds no value, and `problem` says why.
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    confidence: Option<f64>,
    /// Relative change against the value before; `null` where there is none to compare with.
    change: Option<f64>,
    /// Relative change against the first of the values that can be compared.
    in_all: Option<f64>,
    /// Why it cannot be compared with the value before.
    apart: &'a [String],
    reason: Option<&'a str>,
    problem: Option<&'a str>,
}

impl<'a> From<&'a Point> for PointResult<'a> {
    fn from(point: &'a Point) -> Self {
        let accepted = point.value.as_ref().ok();
        let estimate = accepted.map(|accepted| &accepted.estimate);
        Self {
            commit: &point.commit,
            time: &point.time,
            value: estimate.map(|it| tidy(it.value)),
            low: estimate.map(|it| tidy(it.low)),
            high: estimate.map(|it| tidy(it.high)),
            confidence: estimate.map(|it| it.confidence.get()),
            change: accepted.and_then(|it| it.change).map(tidy),
            in_all: accepted.and_then(|it| it.in_all).map(tidy),
            apart: accepted.map(|it| it.apart.as_slice()).unwrap_or_default(),
            reason: accepted.and_then(|it| it.reason.as_deref()),
            problem: point.value.as_ref().err().map(String::as_str),
        }
    }
}
