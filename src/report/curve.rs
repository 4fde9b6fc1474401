//! Load and response: what each trial of a check observed, and a chart of it.

use super::check_result::{CheckResult, VoidResult};
use super::number;
use super::response::Response;
use super::row::{observed, quoted};
use crate::slo::Slo;
use crate::trial::{EvidenceResult, Purpose, TargetSide, TrialResult, Validity, unit_of};
use std::fmt::Write as _;

/// Most trials that are listed, those nearest to the capacity.
const TRIALS_MAX: usize = 30;
/// Most conditions that are listed.
const CONDITIONS_MAX: usize = 4;
/// Fewest points of which a chart says anything.
const POINTS_MIN: usize = 3;

/// The table of a check's trials.
pub(super) struct Curve {
    /// Unit of the load, the conditions between backticks, and what else is told of each trial.
    pub(super) header: Vec<String>,
    /// One entry per trial, by ascending load: each cell, and whether a condition was violated there.
    pub(super) lines: Vec<Vec<(String, bool)>>,
    /// Trials that are not listed.
    pub(super) left_out: usize,
    /// What the trials say together, where they lie on both sides of the capacity.
    pub(super) response: Option<Response>,
    /// A mermaid chart, line by line.
    pub(super) chart: Option<String>,
}

impl Curve {
    /// `None` without trials.
    pub(super) fn of(check: &CheckResult) -> Option<Self> {
        let first = check.trials.first()?;
        let conditions: Vec<String> =
            first.slos.iter().take(CONDITIONS_MAX).map(|slo| slo.text.clone()).collect();
        let centre = check
            .capacity()
            .map(|metric| metric.value)
            .or_else(|| check.binding.as_ref().map(|binding| binding.at))
            .unwrap_or(first.value);
        let mut trials: Vec<&TrialResult> =
            check.trials.iter().filter(|trial| is_listed(check, trial)).collect();
        let left_out = trials.len().saturating_sub(TRIALS_MAX);
        trials.sort_by(|a, b| {
            (a.value / centre).ln().abs().total_cmp(&(b.value / centre).ln().abs())
        });
        trials.truncate(TRIALS_MAX);
        trials.sort_by(|a, b| a.value.total_cmp(&b.value).then(a.index.cmp(&b.index)));
        let charted = check
            .binding
            .as_ref()
            .map_or_else(|| conditions.first().cloned(), |binding| Some(binding.slo.clone()));
        let response = Response::of(check);
        let mut header = vec![check.unit.clone()];
        header.extend(conditions.iter().map(|slo| quoted(slo)));
        header.extend(["requests".to_owned(), "evidence".to_owned()]);
        Some(Self {
            header,
            lines: trials.iter().map(|trial| line(check, trial, &conditions)).collect(),
            left_out,
            // What all trials say together is worth more than each of them.
            chart: match &response {
                Some(response) => Some(response.chart.clone()),
                None => charted.and_then(|slo| chart(&slo, &check.knob, &trials)),
            },
            response,
        })
    }
}

fn line(check: &CheckResult, trial: &TrialResult, conditions: &[String]) -> Vec<(String, bool)> {
    let is_valid = trial.validity == Validity::Valid;
    let of = |condition: &String| {
        let slo = trial.slos.iter().find(|slo| slo.text == *condition && slo.n > 0);
        let Some(slo) = slo else { return (number::NONE.to_owned(), false) };
        let value = observed(slo.observed, &slo.unit);
        if !(is_valid && slo.evidence == EvidenceResult::Violated) {
            return (value, false);
        }
        (format!("{value} ({} of {})", number::count(slo.not_good), number::count(slo.n)), true)
    };
    let evidence = evidence(check, trial);
    let evidence = match trial.side {
        Some(side) => format!("{evidence} ({})", side.word()),
        None => evidence,
    };
    let mut cells = vec![(number::plain(trial.value), false)];
    cells.extend(conditions.iter().map(of));
    cells.extend([number::count(trial.counts.intended), evidence].map(|c| (c, false)));
    cells
}

fn void<'a>(check: &'a CheckResult, trial: &TrialResult) -> Option<&'a VoidResult> {
    check.void.iter().find(|void| void.trial == trial.index)
}

/// The void trials at this value of the knob.
fn void_at(check: &CheckResult, value: f64) -> impl Iterator<Item = &TrialResult> {
    let is_here = move |trial: &&TrialResult| trial.value.total_cmp(&value).is_eq();
    check.trials.iter().filter(is_here).filter(move |trial| void(check, trial).is_some())
}

/// Of the void trials at one value of the knob the first stands for all.
fn is_listed(check: &CheckResult, trial: &TrialResult) -> bool {
    let first = void_at(check, trial.value).next();
    void(check, trial).is_none() || first.is_some_and(|first| first.index == trial.index)
}

/// What a trial says, and what it was for where that is not plain.
fn evidence(check: &CheckResult, trial: &TrialResult) -> String {
    if let Some(void) = void(check, trial) {
        return match void_at(check, trial.value).count() {
            1 => format!("void: {}", void.text),
            n => format!("void, as {} more here: {}", n - 1, void.text),
        };
    }
    let said = match trial.validity {
        Validity::Valid => trial.evidence.word(),
        Validity::Invalid => "invalid",
    };
    match trial.purpose {
        Some(Purpose::Probe) => format!("{said} (a short look)"),
        Some(Purpose::Anchor) => format!("{said} (repeats the first)"),
        Some(Purpose::Above) => format!("{said} (above the baseline)"),
        Some(Purpose::Play) | None => said.to_owned(),
    }
}

/// The worst that each load observed, and the limit as a flat line. Nothing in it comes from outside:
/// the title is the condition as we write it, the rest are numbers.
fn chart(slo: &str, knob: &str, trials: &[&TrialResult]) -> Option<String> {
    let parsed = Slo::parse(slo).ok()?;
    let (factor, unit) = unit_of(Some(&parsed));
    let mut points: Vec<(f64, f64)> = Vec::new();
    // Of two targets the chart is the head's.
    let is_its = |trial: &&&TrialResult| {
        trial.validity == Validity::Valid && trial.side != Some(TargetSide::Base)
    };
    for trial in trials.iter().filter(is_its) {
        let Some(value) = trial.slos.iter().find(|s| s.text == slo).and_then(|s| s.observed) else {
            continue;
        };
        if !(value.is_finite() && trial.value.is_finite()) {
            continue;
        }
        match points.last_mut() {
            // Loads that read alike are one point: the axis has one place for each label.
            Some((load, worst)) if axis(*load) == axis(trial.value) => {
                *worst = if value > *worst { value } else { *worst };
            }
            Some(_) | None => points.push((trial.value, value)),
        }
    }
    let limit = parsed.limit.value() * factor;
    let top = points.iter().fold(limit, |top, (_, value)| if *value > top { *value } else { top });
    if points.len() < POINTS_MIN || !(top.is_finite() && top > 0.0) {
        return None;
    }
    let list = |numbers: &mut dyn Iterator<Item = f64>| -> String {
        numbers.map(axis).collect::<Vec<String>>().join(", ")
    };
    let knob = axis_title(knob);
    let mut out = String::new();
    let _ = writeln!(out, "xychart-beta");
    let _ = writeln!(out, "    title \"{parsed}; the flat line is the limit\"");
    let _ = writeln!(out, "    x-axis \"{knob}\" [{}]", list(&mut points.iter().map(|p| p.0)));
    let _ = writeln!(out, "    y-axis \"{unit}\" 0 --> {}", axis(top * 1.1));
    let _ = writeln!(out, "    line [{}]", list(&mut points.iter().map(|p| p.1)));
    let _ = write!(out, "    line [{}]", list(&mut points.iter().map(|_| limit)));
    Some(out)
}

/// What is said below the axis of the loads.
pub(super) fn axis_title(knob: &str) -> &str {
    match knob {
        "rate" => "sessions/s",
        "concurrency" => "sessions in flight",
        // A name of ours, or one of letters, digits and `_`; what was edited by hand may be anything.
        name if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => name,
        _ => "knob",
    }
}

/// A plain decimal for the chart, three digits where it has that many: no groups, no exponent, no
/// zeros that say nothing.
pub(super) fn axis(value: f64) -> String {
    // A zero has no sign.
    let value = value + 0.0;
    let decimals = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 4,
    };
    let text = format!("{value:.decimals$}");
    if decimals == 0 {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
