//! The accepted values of each metric over the commits that changed the file.

use super::load::Loaded;
use super::record::{Baseline, BaselineCheck};
use crate::check::Estimate;
use crate::slo::Better;
use std::collections::BTreeSet;

/// The schema before this one.
const FIRST_SCHEMA: &str = "plimsoll.baseline/1";

/// The file as one commit left it.
#[derive(Debug, Clone, PartialEq)]
pub struct Committed {
    /// Full hash of the commit.
    pub commit: String,
    /// When it was made, RFC 3339 UTC.
    pub time: String,
    /// What stood in the file.
    pub file: Found,
}

/// What stood in a committed file.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// A baseline.
    Baseline(Box<Baseline>),
    /// Nothing that can be compared: why, one sentence.
    Nothing(String),
}

impl From<Loaded> for Found {
    fn from(loaded: Loaded) -> Self {
        let problem = loaded.problem();
        match loaded {
            Loaded::Baseline(baseline) => Self::Baseline(baseline),
            Loaded::Missing => Self::Nothing("the file is gone".to_owned()),
            Loaded::UnknownSchema { found: Some(found) } if found == FIRST_SCHEMA => {
                Self::Nothing(format!(
                    "a baseline of the schema `{found}`: found by another method, no value of this series"
                ))
            }
            Loaded::Empty { .. } | Loaded::Corrupt(_) | Loaded::UnknownSchema { .. } => {
                Self::Nothing(problem.unwrap_or_default())
            }
        }
    }
}

/// One metric of one check, the oldest commit first. Without any baseline in the whole history there
/// is one of no check, which says why.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The check.
    pub check: String,
    /// The metric.
    pub metric: String,
    /// Unit of its newest value.
    pub unit: String,
    /// Which direction is an improvement; `None` without any value.
    pub better: Option<Better>,
    /// What each commit says of it, where it says something new.
    pub points: Vec<Point>,
}

/// What one commit says of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Full hash of the commit.
    pub commit: String,
    /// When it was made, RFC 3339 UTC.
    pub time: String,
    /// The accepted value, or why there is none.
    pub value: Result<Accepted, String>,
}

/// An accepted value.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The value with its interval.
    pub estimate: Estimate,
    /// What keeps it from being compared with the value before; a new run of values begins then.
    pub apart: Vec<String>,
    /// Relative change against the value before, within the run.
    pub change: Option<f64>,
    /// Relative change against the first value of the run.
    pub in_all: Option<f64>,
    /// Why it was accepted, as the file itself says.
    pub reason: Option<String>,
}

/// The series of every metric that any of the versions has, capacities first; the versions are in the
/// order of their commits, the oldest first. A commit that leaves a check as it was is no point of it.
#[must_use]
pub fn series(versions: &[Committed]) -> Vec<Series> {
    let mut names = BTreeSet::new();
    for version in versions {
        let Found::Baseline(baseline) = &version.file else { continue };
        for (check, entry) in &baseline.checks {
            let metrics = entry.metrics.keys().map(|metric| (metric != "capacity", check, metric));
            names.extend(metrics);
        }
    }
    if names.is_empty() {
        let points: Vec<Point> = versions.iter().filter_map(nothing).collect();
        let (check, metric, unit) = (String::new(), String::new(), String::new());
        let none = Series { check, metric, unit, better: None, points };
        return if none.points.is_empty() { Vec::new() } else { vec![none] };
    }
    names.into_iter().map(|(_, check, metric)| of_metric(versions, check, metric)).collect()
}

/// Why a version holds no baseline.
fn nothing(version: &Committed) -> Option<Point> {
    match &version.file {
        Found::Nothing(why) => Some(point(version, Err(why.clone()))),
        Found::Baseline(_) => None,
    }
}

fn point(version: &Committed, value: Result<Accepted, String>) -> Point {
    Point { commit: version.commit.clone(), time: version.time.clone(), value }
}

fn of_metric(versions: &[Committed], check: &str, metric: &str) -> Series {
    let mut run = Run { before: None, first: 0.0 };
    let mut points: Vec<Point> = Vec::new();
    for version in versions {
        let Found::Baseline(baseline) = &version.file else {
            points.extend(nothing(version));
            continue;
        };
        let entry = baseline.checks.get(check);
        let Some((entry, estimate)) = entry.and_then(|it| Some((it, it.metrics.get(metric)?)))
        else {
            let is_known = points.last().is_some_and(|point| point.value.is_ok());
            let gone = is_known.then(|| "the baseline has it no more".to_owned());
            points.extend(gone.map(|why| point(version, Err(why))));
            continue;
        };
        let accepted = run.next(baseline, check, entry, estimate);
        let is_after_value = points.last().is_some_and(|point| point.value.is_ok());
        match accepted {
            None if is_after_value => {}
            None => {
                let again = run.again(estimate, reason(baseline, check, entry));
                points.push(point(version, Ok(again)));
            }
            Some(accepted) => points.push(point(version, Ok(accepted))),
        }
    }
    let newest = points.iter().rev().find_map(|point| point.value.as_ref().ok());
    Series {
        check: check.to_owned(),
        metric: metric.to_owned(),
        unit: newest.map(|it| it.estimate.unit.clone()).unwrap_or_default(),
        better: newest.map(|it| it.estimate.better),
        points,
    }
}

/// Values that may be compared with each other.
struct Run<'a> {
    before: Option<(&'a Baseline, &'a BaselineCheck, &'a Estimate)>,
    first: f64,
}

impl<'a> Run<'a> {
    /// What the next version says; `None` where the check is as it was.
    fn next(
        &mut self,
        baseline: &'a Baseline,
        check: &str,
        entry: &'a BaselineCheck,
        estimate: &'a Estimate,
    ) -> Option<Accepted> {
        let before = self.before.replace((baseline, entry, estimate));
        let reason = reason(baseline, check, entry);
        let Some((then, was, value)) = before else {
            self.first = estimate.value;
            let estimate = estimate.clone();
            return Some(Accepted {
                estimate,
                apart: Vec::new(),
                change: None,
                in_all: None,
                reason,
            });
        };
        let mut apart: Vec<String> =
            then.apart_from(baseline).iter().map(ToString::to_string).collect();
        if was.digest != entry.digest {
            apart.push("another configuration is measured".to_owned());
        }
        if value.unit != estimate.unit {
            apart.push(format!("unit: {} then, {} now", value.unit, estimate.unit));
        }
        if apart.is_empty() && was == entry {
            return None;
        }
        let is_one_run = apart.is_empty();
        if !is_one_run {
            self.first = estimate.value;
        }
        let against = |base: f64| (is_one_run && base > 0.0).then(|| estimate.value / base - 1.0);
        Some(Accepted {
            change: against(value.value),
            in_all: against(self.first),
            estimate: estimate.clone(),
            apart,
            reason,
        })
    }

    /// The same value once more, after a version that was no baseline.
    fn again(&self, estimate: &Estimate, reason: Option<String>) -> Accepted {
        let in_all = (self.first > 0.0).then(|| estimate.value / self.first - 1.0);
        let (apart, change) = (Vec::new(), Some(0.0));
        Accepted { estimate: estimate.clone(), apart, change, in_all, reason }
    }
}

/// The reason of the newest entry of the file's own history, if that is what stands in it.
fn reason(baseline: &Baseline, check: &str, entry: &BaselineCheck) -> Option<String> {
    let newest = baseline.history.get(check)?.last()?;
    let capacity = entry.metrics.get("capacity")?;
    // Both were rounded alike.
    let is_it = (newest.value - capacity.value).abs() <= 1e-9 * capacity.value.abs();
    newest.reason.clone().filter(|_| is_it)
}

#[cfg(test)]
mod tests {
    use super::{Accepted, Committed, Found, Series, series};
    use crate::baseline::{Baseline, fixture, parse};

    fn version(n: usize, file: impl Into<Found>) -> Committed {
        Committed {
            commit: format!("{n}").repeat(40),
            time: format!("2026-11-0{n}T08:00:00Z"),
            file: file.into(),
        }
    }

    fn with(value: f64, reason: &str, change: impl FnOnce(&mut Baseline)) -> Found {
        let mut baseline = fixture::baseline();
        let check = baseline.checks.get_mut("chat-rate").unwrap();
        let estimate = fixture::estimate(value, value - 1.0, value + 1.0);
        check.metrics.insert("capacity".to_owned(), estimate);
        let newest = baseline.history.get_mut("chat-rate").unwrap().last_mut().unwrap();
        (newest.value, newest.reason) = (value, Some(reason.to_owned()));
        change(&mut baseline);
        Found::Baseline(Box::new(baseline))
    }

    fn capacity(versions: &[Committed]) -> Series {
        series(versions).into_iter().find(|it| it.metric == "capacity").unwrap()
    }

    fn accepted(series: &Series, at: usize) -> &Accepted {
        series.points[at].value.as_ref().unwrap()
    }

    fn close(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() < 1e-9)
    }

    #[test]
    fn each_value_is_compared_with_the_one_before_and_with_the_first() {
        let series = capacity(&[
            version(1, with(40.0, "first", |_| ())),
            version(2, with(44.0, "faster parser", |_| ())),
            version(3, with(33.0, "wanted loss", |_| ())),
        ]);
        assert_eq!(series.points.len(), 3);
        assert_eq!((accepted(&series, 0).change, accepted(&series, 0).in_all), (None, None));
        assert!(close(accepted(&series, 1).change, 0.1));
        assert!(close(accepted(&series, 2).change, -0.25));
        assert!(close(accepted(&series, 2).in_all, -0.175));
        assert_eq!(accepted(&series, 2).reason.as_deref(), Some("wanted loss"));
    }

    #[test]
    fn another_machine_begins_a_new_run_of_values() {
        let moved = |baseline: &mut Baseline| {
            baseline.environment.fingerprint.cpu = Some("AMD EPYC 9V74".to_owned());
        };
        let series = capacity(&[
            version(1, with(40.0, "a", |_| ())),
            version(2, with(60.0, "b", moved)),
            version(3, with(66.0, "c", moved)),
        ]);
        let second = accepted(&series, 1);
        assert_eq!(second.apart, ["CPU model: AMD EPYC 7763 then, AMD EPYC 9V74 now"]);
        assert_eq!((second.change, second.in_all), (None, None));
        assert!(close(accepted(&series, 2).in_all, 0.1));
    }

    #[test]
    fn another_configuration_is_another_number() {
        let changed = |baseline: &mut Baseline| {
            baseline.checks.get_mut("chat-rate").unwrap().digest = "else".to_owned();
        };
        let series =
            capacity(&[version(1, with(40.0, "a", |_| ())), version(2, with(60.0, "b", changed))]);
        assert_eq!(accepted(&series, 1).apart, ["another configuration is measured"]);
        assert_eq!(accepted(&series, 1).change, None);
    }

    #[test]
    fn a_file_that_is_no_baseline_is_a_point_that_says_so() {
        let v1 = r#"{"schema": "plimsoll.baseline/1", "checks": {"a": {}}}"#;
        let series = capacity(&[
            version(1, parse(v1)),
            version(2, with(40.0, "a", |_| ())),
            version(3, parse("<<<<<<< HEAD")),
            version(4, with(40.0, "a", |_| ())),
            version(5, Found::Nothing("the file is gone".to_owned())),
        ]);
        let said: Vec<String> =
            series.points.iter().filter_map(|point| point.value.clone().err()).collect();
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].contains("`plimsoll.baseline/1`"), "{said:?}");
        assert!(said[1].starts_with("the baseline cannot be read: line 1"), "{said:?}");
        // It is back as it was.
        assert!(close(accepted(&series, 3).change, 0.0));
    }

    #[test]
    fn without_any_baseline_the_reasons_are_still_there() {
        let all = series(&[version(1, parse("{}")), version(2, parse("{"))]);
        assert_eq!((all.len(), all[0].points.len(), all[0].better), (1, 2, None));
        assert_eq!(series(&[]), []);
    }

    #[test]
    fn a_commit_that_leaves_a_check_as_it_was_is_no_point_of_it() {
        let labelled = |baseline: &mut Baseline| {
            let mut other = fixture::entry();
            other.knob = "concurrency".to_owned();
            baseline.checks.insert("other".to_owned(), other);
        };
        let without = |baseline: &mut Baseline| {
            let check = baseline.checks.remove("chat-rate").unwrap();
            baseline.checks.insert("other".to_owned(), check);
        };
        let versions = [
            version(1, with(40.0, "a", |_| ())),
            version(2, with(40.0, "a", labelled)),
            version(3, with(40.0, "a", without)),
            version(4, with(40.0, "a", without)),
        ];
        let series = capacity(&versions);
        assert_eq!(series.points.len(), 2);
        assert_eq!(series.points[1].value, Err("the baseline has it no more".to_owned()));
    }
}
