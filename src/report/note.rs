//! What must be said below the table: what broke first, how sure, what is missing, what to do.

use super::check_result::{BindingResult, CheckResult, LimitRule};
use super::conclusion_result::{ConclusionResult, LineResult, SideResult};
use super::row::{Row, State, limit, observed, quoted, rows};
use super::{Results, Verdict, number};
use crate::trial::{EndedResult, EvidenceResult, Purpose, TargetSide, TrialResult, Validity};
use std::collections::BTreeMap;

/// Most examples of failures.
const FAILURES_MAX: usize = 3;
/// Label of the note that is the same for every check.
const RULE: &str = "Rule";

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
            // The rule is that of the run.
            if results.checks.len() > 1 && note.label != RULE {
                note.text = format!("{}: {}", quoted(&row.check.name), note.text);
            }
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    notes.extend(results.notices.iter().map(|it| Note::new(it.about.label(), &it.text)));
    notes.extend(results.warnings.iter().map(|text| Note::new("Warning", text)));
    // Where a baseline is missing, this run would be taken for one.
    if rows.iter().any(|row| matches!(row.verdict, Verdict::New | Verdict::Incomparable)) {
        let said = results.problem.as_ref().map(|it| &it.text);
        let refusals = results.refusals.iter().filter(|text| Some(*text) != said);
        notes.extend(refusals.map(|text| Note::new("Not to be accepted", text)));
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
    let items = || {
        let items = row.check.items.as_ref().filter(|_| row.metric() == "capacity")?;
        Some(Note::new("In items", items.sentence(&row.check.unit)))
    };
    let broke = || {
        let binding = row.check.binding.as_ref()?;
        Some(Note::new("Broke first", broke_first(row.check, binding)))
    };
    let mut notes: Vec<Note> = match row.verdict {
        Verdict::Regression => {
            let limit = if row.check.binding.is_none() { reason("Why") } else { None };
            vec![limit, broke(), failures(row.check), items(), decided(row), rule(row), evidence()]
        }
        Verdict::Inconclusive => {
            let missing = reason("Missing");
            vec![missing, failures(row.check), items(), decided(row), rule(row), evidence()]
        }
        Verdict::Invalid => invalid(row).into_iter().map(Some).collect(),
        Verdict::Incomparable if row.hollow => vec![reason("Why")],
        Verdict::Incomparable => vec![reason("Differs")],
        Verdict::Error | Verdict::Skipped => vec![reason("Why")],
        Verdict::Improvement if row.is_suspicious() => {
            let text = "so large a gain is more often a measurement that broke: are there more \
                        errors, or shorter answers?";
            let suspicious = Some(Note::new("Suspicious", text));
            vec![suspicious, broke(), failures(row.check), items(), evidence()]
        }
        Verdict::New | Verdict::Measured => {
            vec![broke(), failures(row.check), items(), sample(row), evidence()]
        }
        Verdict::Improvement => {
            vec![broke(), failures(row.check), items(), better(row), evidence()]
        }
        Verdict::Pass => {
            let ruled_out = row.ruled_out().map(|text| Note::new("Ruled out", text));
            vec![ruled_out, items(), decided(row), rule(row), evidence()]
        }
    }
    .into_iter()
    .flatten()
    .collect();
    notes.extend(row.also().map(|text| Note::new("Also", text)));
    notes.extend(voided(row.check));
    notes
}

/// How it was decided, for a reader who knows the service and no statistics.
fn decided(row: Row<'_>) -> Option<Note> {
    let line = row.line()?;
    let of = match row.baseline().filter(|_| row.absolute_limit().is_none()) {
        Some(then) => {
            format!(
                " ({} of {})",
                limit(line.limit),
                number::rounded(then.value, then.low, then.high)
            )
        }
        None => String::new(),
    };
    let none_held = matches!(row.check.conclusion, ConclusionResult::Tested { at_least: None, .. });
    let less = if none_held && line.side == SideResult::Broken {
        "; no trial that counts held, so how much less it carries is not known"
    } else {
        ""
    };
    let text = format!(
        "the limit lies at {} {}{of}; after {} of the baseline's own sessions at or near it, it is {}{less}",
        number::plain(line.at),
        row.check.unit,
        number::counted(u64::from(line.trials), "trial"),
        likely(line)
    );
    let label = if line.side == SideResult::Open { "So far" } else { "Decided" };
    Some(Note::new(label, text))
}

/// Why it is better.
fn better(row: Row<'_>) -> Option<Note> {
    let (line, then) = row.line().zip(row.baseline())?;
    let is_better =
        matches!(row.check.conclusion, ConclusionResult::Tested { better: Some(true), .. });
    if !is_better || line.limit.rule != LimitRule::MaxDrop {
        return None;
    }
    let text = format!(
        "after one more trial above the baseline it is at least {} likely that it carries {} {} or more, \
         as far above {} as the limit lies below",
        number::percent(1.0 - line.green),
        number::plain(then.value / (1.0 - line.limit.value)),
        row.check.unit,
        number::rounded(then.value, then.low, then.high)
    );
    Some(Note::new("Better", text))
}

/// When a limit counts as broken, and when as kept.
fn rule(row: Row<'_>) -> Option<Note> {
    let line = row.line()?;
    let text = format!(
        "it is a regression when that is {} likely or more, after at least {} trials, and a pass when it \
         is {} or less; in between, one more trial is played",
        number::percent(line.red),
        line.red_trials,
        number::percent(line.green)
    );
    Some(Note::new(RULE, text))
}

/// `99.2 % likely that the capacity lies below it`; never "100 %": no evidence is.
pub(super) fn likely(line: &LineResult) -> String {
    let share = match line.risk {
        risk if risk < 0.001 => "less than 0.1 %".to_owned(),
        risk if risk > 0.999 => "more than 99.9 %".to_owned(),
        risk => number::percent((risk * 1e3).round() / 1e3),
    };
    let side = match line.limit.rule {
        LimitRule::MaxDrop | LimitRule::Min => "below",
        LimitRule::MaxRise | LimitRule::Max => "above",
    };
    format!("{share} likely that the capacity lies {side} the limit")
}

/// What a measured number is about: this sample of the workload, in trials of this length.
fn sample(row: Row<'_>) -> Option<Note> {
    row.current().filter(|metric| metric.low < metric.high && row.metric() == "capacity")?;
    let sequence = row.check.sequence.as_ref()?;
    let factors = sequence.realised.map(|it| {
        [
            (it.rate, "rate"),
            (Some(it.turns), "turns"),
            (Some(it.prompt_tokens), "prompt tokens"),
            (Some(it.output_tokens), "output tokens"),
        ]
    });
    let factors = factors.into_iter().flatten().filter_map(|(factor, name)| {
        let factor = factor.filter(|factor| (factor - 1.0).abs() >= 5e-4)?;
        Some(format!("{} of the nominal {name}", number::plain((factor * 1e3).round() / 1e3)))
    });
    let factors: Vec<String> = factors.collect();
    let factors =
        if factors.is_empty() { String::new() } else { format!(" ({})", factors.join(", ")) };
    let text = format!(
        "this sample of the workload{factors}: the interval is about repeating this sequence of {} in \
         trials of {}; another sample of the same workload differs by some per cent",
        number::counted(sequence.count, "session"),
        number::duration(sequence.trial_seconds)
    );
    Some(Note::new("Holds for", text))
}

/// Trials that count neither way.
fn voided(check: &CheckResult) -> Option<Note> {
    let first = check.void.first()?;
    let (count, them, which) = match check.void.len() {
        1 => ("1 trial counts".to_owned(), "it", ""),
        n => (format!("{n} trials count"), "them", " (the first of them)"),
    };
    let text = format!(
        "{count} neither way, because something else may have decided {them}: {}{which}",
        first.text
    );
    Some(Note::new("Void", text))
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
    let held = on_the_base(check, binding).unwrap_or(held);
    format!(
        "{} at {} {unit}: {}, {} of {} observations not good{held}",
        quoted(&binding.slo),
        number::plain(binding.at),
        observed(binding.observed, &binding.unit),
        number::count(binding.not_good),
        number::count(binding.n),
    )
}

/// What the other side had nearest to that load, where two were compared.
fn on_the_base(check: &CheckResult, binding: &BindingResult) -> Option<String> {
    let distance = |trial: &TrialResult| (trial.value / binding.at).ln().abs();
    let plays = check.trials.iter().filter(|trial| {
        trial.side == Some(TargetSide::Base)
            && trial.purpose == Some(Purpose::Play)
            && trial.validity == Validity::Valid
    });
    let nearest = plays.min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    let slo = nearest.slos.iter().find(|slo| slo.text == binding.slo)?;
    Some(format!(
        "; the base had {} at {} {}",
        observed(slo.observed, &slo.unit),
        number::plain(nearest.value),
        check.unit
    ))
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
    let of = row.check.sequence.as_ref().map_or_else(String::new, |sequence| {
        format!(" of {}", number::duration(sequence.trial_seconds))
    });
    match row.current() {
        Some(metric) => format!(
            "{} in {}{of}, {} interval; {} took {took}; {health}",
            number::counted(metric.samples, "request"),
            number::counted(u64::from(metric.trials), "trial"),
            number::percent(metric.confidence),
            number::counted(trials.len() as u64, "trial"),
        ),
        None => format!(
            "{} in {}{of}, {took}; {health}",
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
        trial.side != Some(TargetSide::Base)
            && trial.validity == Validity::Valid
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
    use super::{noted, notes};
    use crate::report::fixture::{new, recorded_trial, target_died};
    use crate::trial::Reason;

    #[test]
    fn why_a_run_is_no_baseline_is_said_once() {
        let died = target_died().problem.unwrap();
        let mut results = new(vec![]);
        results.refusals = vec![died.text.clone(), "two trials are too few".to_owned()];
        results.problem = Some(died);
        let notes = notes(&results);
        let said = notes.iter().filter(|note| note.label == "Not to be accepted");
        assert_eq!(said.map(|note| &note.text).collect::<Vec<_>>(), ["two trials are too few"]);
    }

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
