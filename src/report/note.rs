//! What must be said below the table: what broke first, how sure, what is missing, what to do.

use super::check_result::{BindingResult, CheckResult};
use super::row::{Row, State, observed, quoted, rows};
use super::{Results, Verdict, number};
use crate::trial::{EndedResult, EvidenceResult, TrialResult, Validity};
use std::collections::BTreeMap;

/// Most examples of failures.
const FAILURES_MAX: usize = 3;

/// A label and a sentence, which puts names between backticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) label: &'static str,
    pub(super) text: String,
}

impl Note {
    fn new(label: &'static str, text: impl Into<String>) -> Self {
        Self { label, text: text.into() }
    }

    /// Both of it.
    pub(super) fn line(&self) -> String {
        format!("{}: {}", self.label, self.text)
    }
}

/// The notes of every red row, those that fail first; where none is red, of every row. Each once per
/// check.
pub(super) fn notes(results: &Results) -> Vec<Note> {
    let rows = rows(results);
    let is_red = rows.iter().any(|row| row.verdict.is_red());
    let mut notes: Vec<Note> = Vec::new();
    for row in rows.iter().filter(|row| row.verdict.is_red() || !is_red) {
        for mut note in of_row(*row) {
            if results.checks.len() > 1 {
                note.text = format!("{}: {}", quoted(&row.check.name), note.text);
            }
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    notes.extend(results.warnings.iter().map(|text| Note::new("Warning", text)));
    // Where a baseline is missing, this run would be taken for one.
    if rows.iter().any(|row| matches!(row.verdict, Verdict::New | Verdict::Incomparable)) {
        notes.extend(results.refusals.iter().map(|text| Note::new("No baseline", text)));
    }
    // A problem that something worse pushed out of the heading.
    if let Some(problem) = &results.problem
        && !matches!(State::of(results), State::Problem(_))
    {
        notes.push(Note::new("Also", &problem.text));
    }
    notes
}

/// What one row has to say.
pub(super) fn of_row(row: Row<'_>) -> Vec<Note> {
    let reason = |label| (!row.reason.is_empty()).then(|| Note::new(label, row.reason));
    let evidence = || Some(Note::new("Evidence", evidence(row)));
    let broke = || {
        let binding = row.check.binding.as_ref()?;
        Some(Note::new("Broke first", broke_first(row.check, binding)))
    };
    let mut notes: Vec<Note> = match row.verdict {
        Verdict::Regression => {
            let limit = if row.check.binding.is_none() { reason("Why") } else { None };
            vec![limit, broke(), failures(row.check), evidence()]
        }
        Verdict::Inconclusive => vec![reason("Missing"), failures(row.check), evidence()],
        Verdict::Invalid => invalid(row).into_iter().map(Some).collect(),
        Verdict::Incomparable if row.hollow => vec![reason("Why")],
        Verdict::Incomparable => vec![reason("Differs")],
        Verdict::Error => vec![reason("Why")],
        Verdict::Improvement if row.is_suspicious() => {
            let text = "so large a gain is more often a measurement that broke: are there more \
                        errors, or shorter answers?";
            vec![Some(Note::new("Suspicious", text)), broke(), failures(row.check), evidence()]
        }
        Verdict::New | Verdict::Improvement | Verdict::Measured => {
            vec![broke(), failures(row.check), evidence()]
        }
        Verdict::Pass => {
            let ruled_out = row.ruled_out().map(|text| Note::new("Ruled out", text));
            vec![ruled_out, evidence()]
        }
    }
    .into_iter()
    .flatten()
    .collect();
    notes.extend(row.also().map(|text| Note::new("Also", text)));
    notes
}

fn invalid(row: Row<'_>) -> Vec<Note> {
    let reasons = row.check.conclusion.reasons();
    let mut notes: Vec<Note> =
        reasons.iter().map(|reason| Note::new("Signal", &reason.text)).collect();
    if notes.is_empty() && !row.reason.is_empty() {
        notes.push(Note::new("Why", row.reason));
    }
    let mut advice: Vec<&str> = reasons.iter().map(|reason| reason.advice.as_str()).collect();
    advice.dedup();
    notes.extend(advice.into_iter().map(|advice| Note::new("What to do", advice)));
    notes.push(Note::new("Therefore", "no capacity is stated, and nothing was compared"));
    notes
}

/// `` `p99 ttfc < 500ms` at 32 sessions/s: 742 ms over 1 912 requests … ``.
fn broke_first(check: &CheckResult, binding: &BindingResult) -> String {
    let unit = &check.unit;
    let held = match (binding.held_at, binding.held_observed) {
        (Some(at), Some(value)) => format!(
            "; at {} {unit} it held with {}",
            number::plain(at),
            observed(Some(value), &binding.unit)
        ),
        (Some(at), None) => format!("; at {} {unit} it held", number::plain(at)),
        (None, _) => String::new(),
    };
    format!(
        "{} at {} {unit}: {}, {} of {} observations not good{held}",
        quoted(&binding.slo),
        number::plain(binding.at),
        observed(binding.observed, &binding.unit),
        number::count(binding.not_good),
        number::count(binding.n),
    )
}

/// How much stands behind the answer.
fn evidence(row: Row<'_>) -> String {
    let trials = &row.check.trials;
    let invalid = trials.iter().filter(|trial| trial.validity == Validity::Invalid).count();
    let health = match invalid {
        0 => format!("the load generator was healthy{}", noted(trials)),
        1 => "1 invalid trial was left out".to_owned(),
        n => format!("{n} invalid trials were left out"),
    };
    let sent = trials.iter().map(|trial| trial.counts.intended).sum();
    let took = number::duration(row.check.seconds);
    match row.current() {
        Some(metric) => format!(
            "{} in {}, {} interval; {} took {took}; {health}",
            number::counted(metric.samples, "request"),
            number::counted(u64::from(metric.trials), "trial"),
            number::percent(metric.confidence),
            number::counted(trials.len() as u64, "trial"),
        ),
        None => format!(
            "{} in {}, {took}; {health}",
            number::counted(sent, "request"),
            number::counted(trials.len() as u64, "trial"),
        ),
    }
}

/// `; noted: run_wait in 3 trials`: signs that change nothing, by name.
fn noted(trials: &[TrialResult]) -> String {
    let mut signals: BTreeMap<&str, u64> = BTreeMap::new();
    for note in trials.iter().flat_map(|trial| &trial.notes) {
        *signals.entry(&note.signal).or_insert(0) += 1;
    }
    let each = |(signal, trials): (&&str, &u64)| {
        format!("{signal} in {}", number::counted(*trials, "trial"))
    };
    let each: Vec<String> = signals.iter().map(each).collect();
    if each.is_empty() { String::new() } else { format!("; noted: {}", each.join(", ")) }
}

/// Classes of failures, with their counts.
fn failed(trial: &TrialResult) -> Vec<(&String, u64)> {
    let cut_short = matches!(trial.ended, EndedResult::Settled | EndedResult::Overload);
    let is_failure = |class: &str| match class {
        "ok" => false,
        "unfinished" => !cut_short,
        _ => true,
    };
    let all = trial.counts.by_outcome.iter();
    all.filter(|(class, n)| is_failure(class) && **n > 0).map(|(class, n)| (class, *n)).collect()
}

/// What failures looked like in the lowest load that was violated, class by class. What was cut short
/// by an early end is no failure.
fn failures(check: &CheckResult) -> Option<Note> {
    let violated = |trial: &&TrialResult| {
        trial.validity == Validity::Valid
            && trial.evidence == EvidenceResult::Violated
            && !failed(trial).is_empty()
    };
    let trial = check.trials.iter().filter(violated).min_by(|a, b| a.value.total_cmp(&b.value))?;
    let mut classes = failed(trial);
    classes.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let list: Vec<String> = classes
        .iter()
        .take(FAILURES_MAX)
        .map(|(class, n)| {
            let example = trial
                .failures
                .get(*class)
                .map_or_else(String::new, |example| format!(", such as {}", quoted(example)));
            format!("{} {}{example}", number::count(*n), quoted(class))
        })
        .collect();
    let text = format!(
        "of {} at {} {}: {}",
        number::counted(trial.counts.intended, "request"),
        number::plain(trial.value),
        check.unit,
        list.join("; ")
    );
    Some(Note::new("Failures", text))
}

#[cfg(test)]
mod tests {
    use super::noted;
    use crate::report::fixture::recorded_trial;
    use crate::trial::Reason;

    #[test]
    fn notes_are_named_with_the_trials_that_have_them() {
        let note = |signal: &str| Reason {
            signal: signal.to_owned(),
            text: String::new(),
            advice: String::new(),
        };
        let mut trial = recorded_trial(12, 0);
        trial.notes.clear();
        assert_eq!(noted(&[trial.clone()]), "");
        let once = trial.clone();
        trial.notes = vec![note("run_wait"), note("foreign_cpu")];
        let mut twice = trial.clone();
        twice.notes.pop();
        let all = [once, trial, twice];
        assert_eq!(noted(&all), "; noted: foreign_cpu in 1 trial, run_wait in 2 trials");
    }
}
