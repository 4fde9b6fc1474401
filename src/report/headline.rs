//! The verdict in one line: a symbol and a sentence, a function of what decides the exit code.

use super::check_result::{Change, GateResult, MetricResult};
use super::conclusion_result::ConclusionResult;
use super::note::likely;
use super::results::{Problem, ProblemCode};
use super::row::{Row, State, change_text, limit, rows};
use super::verdict::NOT_FAILING;
use super::{Results, Verdict, number};

/// Most names that a heading lists.
const NAMES_MAX: usize = 3;

/// Symbol and sentence; the sentence puts names between backticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Headline {
    pub(super) symbol: &'static str,
    pub(super) sentence: String,
}

impl Headline {
    pub(super) fn of(results: &Results) -> Self {
        match State::of(results) {
            State::Problem(problem) => {
                Self { symbol: symbol(problem.code), sentence: of_problem(problem) }
            }
            State::Failing(row) => {
                let more = rows(results)
                    .iter()
                    .filter(|other| other.fails && other.verdict == row.verdict)
                    .count()
                    .saturating_sub(1);
                let more = if more > 0 { format!("; and {more} more") } else { String::new() };
                Self { symbol: row.symbol(), sentence: format!("{}{more}", of_red(row)) }
            }
            State::Hidden(row) => Self {
                symbol: NOT_FAILING,
                sentence: format!(
                    "Not failing, because `fail_on` does not name {}: {}",
                    row.verdict.word(),
                    of_red(row)
                ),
            },
            State::Skipped(why) => Self {
                symbol: Verdict::Skipped.symbol(),
                sentence: format!("Nothing was measured (skipped): {why}"),
            },
            State::Empty => Self {
                symbol: Verdict::Invalid.symbol(),
                sentence: "Nothing was compared, so nothing is known".to_owned(),
            },
            State::Improved(row) => {
                let advice = if results.is_comparison() && !row.is_suspicious() {
                    "better by more than it may be worse"
                } else if row.is_suspicious() {
                    "suspicious, look at error rate and output length before accepting it"
                } else {
                    "commit a new baseline to keep it"
                };
                Self {
                    symbol: row.verdict.symbol(),
                    sentence: format!("{}: {advice}", against(row)),
                }
            }
            State::Passed => Self { symbol: Verdict::Pass.symbol(), sentence: of_pass(results) },
            State::Measured => Self {
                symbol: Verdict::Measured.symbol(),
                sentence: listed(results, |row| format!("{} carries {}", row.name(), now(row))),
            },
        }
    }

    /// In one line.
    pub(super) fn text(&self) -> String {
        format!("{} {}", self.symbol, self.sentence)
    }
}

/// The symbol of a problem.
fn symbol(code: ProblemCode) -> &'static str {
    match code {
        ProblemCode::Interrupted => "🛑",
        ProblemCode::Target => Verdict::Error.symbol(),
        ProblemCode::Usage
        | ProblemCode::Generator
        | ProblemCode::Baseline
        | ProblemCode::Empty => Verdict::Invalid.symbol(),
    }
}

fn of_problem(problem: &Problem) -> String {
    match problem.code {
        ProblemCode::Interrupted => format!("Interrupted: {}", problem.text),
        ProblemCode::Usage | ProblemCode::Target | ProblemCode::Generator => {
            capitalised(&problem.text)
        }
        ProblemCode::Baseline | ProblemCode::Empty => format!("Nothing compared: {}", problem.text),
    }
}

/// The sentence of a row that fails, or would; also the first line of its JUnit text.
pub(super) fn of_red(row: Row<'_>) -> String {
    let reason = first_clause(row.reason);
    if row.hollow {
        return format!("Nothing compared, {}: {reason}", row.name());
    }
    match row.verdict {
        Verdict::Regression => against(row),
        Verdict::Inconclusive => {
            let figures = figures(row, true);
            let reason = match row.line() {
                Some(line) => format!(
                    "after {} it is {}",
                    number::counted(u64::from(line.trials), "trial"),
                    likely(line)
                ),
                None if reason.is_empty() => "the evidence was not enough".to_owned(),
                None => reason.to_owned(),
            };
            format!("No verdict on {}: {reason}{figures}", row.name())
        }
        Verdict::Invalid => {
            let reasons = row.check.conclusion.reasons();
            let reason = reasons.first().map_or(reason, |first| first.text.as_str());
            format!("Not measured, {}: {reason}", row.name())
        }
        Verdict::Incomparable => format!("Not comparable, {}: {reason}", row.name()),
        Verdict::New if row.current().is_none() && row.current_cell() == number::NONE => {
            format!("Nothing found for {}, and no baseline to compare with", row.name())
        }
        Verdict::New => {
            let value = if row.current().is_some() { now(row) } else { row.current_cell() };
            format!("First measurement of {}: {value}; nothing to compare with yet", row.name())
        }
        Verdict::Error
        | Verdict::Improvement
        | Verdict::Measured
        | Verdict::Pass
        | Verdict::Skipped => {
            format!("{}: {}", row.name(), row.reason)
        }
    }
}

/// Of two targets that were compared: `` `chat-rate`: head carries 0.81 of base [0.76, 0.86] ``.
fn beside(row: Row<'_>) -> Option<String> {
    let is_compared = matches!(row.check.conclusion, ConclusionResult::Compared { .. });
    let is_relative = row.gate.is_some() && row.absolute_limit().is_none();
    let is_it = is_compared && is_relative && row.metric() == "capacity";
    is_it.then(|| format!("{}: {}", row.name(), first_clause(row.reason)))
}

/// `` `chat-rate` carries 31.2 sessions/s instead of 41.0 (−24 %, allowed −10 %) ``.
fn against(row: Row<'_>) -> String {
    if let Some(sentence) = beside(row) {
        return sentence;
    }
    let verb = if row.metric() == "capacity" { " carries" } else { ":" };
    let value = row.current().map_or_else(|| row.current_cell(), rounded);
    let unit = with_space(row.unit());
    if let Some(broken) = row.absolute_limit() {
        return format!("{}{verb} {value}{unit}, {} is asked for", row.name(), limit(broken));
    }
    let instead = row.baseline().map(|metric| format!(" instead of {}", rounded(metric)));
    let instead = instead.unwrap_or_default();
    format!("{}{verb} {value}{unit}{instead}{}", row.name(), figures(row, false))
}

/// ` (−24 %, allowed −10 %)`, with the interval of the change where it matters.
fn figures(row: Row<'_>, with_interval: bool) -> String {
    let change = row.gate.and_then(|gate| gate.change).map(|change| {
        if with_interval {
            change_text(change, number::change_short_with_interval)
        } else {
            change_text(change, |value, _, _| number::change_short(value))
        }
    });
    let allowed = row
        .gate
        .and_then(|gate| gate.limit)
        .filter(|_| row.verdict.is_red())
        .map(|allowed| format!("allowed {}", limit(allowed)));
    let parts: Vec<String> = change.into_iter().chain(allowed).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn of_pass(results: &Results) -> String {
    let what = if rows(results).iter().any(|row| row.metric() == "capacity") {
        "Capacity holds"
    } else {
        "All gates hold"
    };
    let list = listed(results, |row| {
        if let Some(sentence) = beside(row) {
            return sentence;
        }
        let value = row.current().map_or_else(|| row.current_cell(), rounded);
        let change = |gate: &GateResult| {
            let is_counted = |change: &Change| change.low.is_some() && change.low == change.high;
            let change = gate.change.filter(|change| !is_counted(change))?;
            let text = change_text(change, number::change_short_with_interval);
            Some(format!(" ({text})"))
        };
        let change = row.gate.and_then(change).unwrap_or_default();
        format!("{} {value}{}{change}", row.name(), with_space(row.unit()))
    });
    format!("{what}: {list}")
}

/// Without the interval.
fn rounded(metric: &MetricResult) -> String {
    number::rounded(metric.value, metric.low, metric.high)
}

/// The value now, with unit and interval.
fn now(row: Row<'_>) -> String {
    match row.current() {
        Some(metric) if metric.low < metric.high => {
            number::with_unit(metric.value, metric.low, metric.high, &quoteless(row.unit()))
        }
        Some(_) | None => format!("{}{}", row.current_cell(), with_space(row.unit())),
    }
}

fn listed(results: &Results, text: impl Fn(Row<'_>) -> String) -> String {
    let rows = rows(results);
    let mut list: Vec<String> = rows.iter().take(NAMES_MAX).map(|row| text(*row)).collect();
    if rows.len() > NAMES_MAX {
        list.push(format!("and {} more", rows.len() - NAMES_MAX));
    }
    list.join(", ")
}

fn with_space(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" {}", quoteless(unit)) }
}

fn quoteless(unit: &str) -> String {
    unit.replace('`', "'")
}

/// Up to the first semicolon: what follows is advice and stands below the heading.
fn first_clause(reason: &str) -> &str {
    reason.split_once(';').map_or(reason, |(first, _)| first)
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::{ConclusionResult, Headline};
    use crate::report::verdict::GREEN;
    use crate::report::{Ruling, Verdict, fixture, markdown, terminal};
    use proptest::prelude::*;

    #[test]
    fn headings_read_as_sentences() {
        let lines: Vec<String> = fixture::states()
            .into_iter()
            .map(|(name, results)| format!("{name}: {}", Headline::of(&results).text()))
            .collect();
        insta::assert_snapshot!("headlines", lines.join("\n"));
    }

    #[test]
    fn a_gain_that_is_too_good_is_called_suspicious_wherever_it_is_read() {
        let mut results = fixture::improvement();
        assert!(!Headline::of(&results).sentence.contains("suspicious"));
        let metric = &mut results.checks[0].metrics["capacity"];
        (metric.value, metric.low, metric.high) = (82.0, 80.0, 84.0);
        assert!(Headline::of(&results).sentence.contains("suspicious"));
        assert!(terminal::render(&results).contains("If the gain is real, keep it"));
        assert!(crate::report::junit::render(&results).contains("Suspicious: "));
    }

    #[test]
    fn of_two_targets_it_says_what_the_head_carries_of_the_base() {
        let mut results = fixture::regression();
        results.verb = "compare".to_owned();
        let reason = "head carries 0.81 of base [0.76, 0.86], allowed −10 %";
        results.checks[0].gates[0].reason = reason.to_owned();
        results.checks[0].conclusion = ConclusionResult::Compared {
            ratio: Some(0.81),
            low: Some(0.76),
            high: Some(0.86),
            base: None,
            at_least: Some(30.0),
            at_most: Some(32.0),
            better: None,
            lines: Vec::new(),
        };
        assert_eq!(Headline::of(&results).sentence, format!("`chat-rate`: {reason}"));
        let text = terminal::render(&results);
        assert!(text.contains("plimsoll compare") && !text.contains("baseline accept"), "{text}");
    }

    #[test]
    fn the_symbol_is_green_exactly_where_the_gate_is() {
        for (name, results) in fixture::states() {
            let is_green = results.gate_exit_code == 0;
            let symbol = Headline::of(&results).symbol;
            assert_eq!(GREEN.contains(&symbol), is_green, "{name}");
            assert!(markdown::render(&results).starts_with(&format!("### {symbol} ")), "{name}");
        }
    }

    #[test]
    fn a_heading_is_never_greener_than_the_exit_code() {
        let mut results = fixture::pass();
        results.gate_exit_code = 5;
        assert!(!GREEN.contains(&Headline::of(&results).symbol));
        assert!(terminal::render(&results).starts_with("ERROR"));
        // A run without any check is red although no gate asked for an exit code.
        let nothing = fixture::run(vec![], vec![]);
        assert_eq!(nothing.gate_exit_code, 0);
        assert!(!GREEN.contains(&Headline::of(&nothing).symbol));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_mix_of_verdicts_has_the_symbol_of_its_exit_code(
            verdicts in proptest::collection::vec(
                (proptest::sample::select(&Verdict::ALL[..]), any::<bool>(), proptest::option::of(proptest::sample::select(&Verdict::ALL[1..6]))), 1..6),
            hidden in proptest::sample::subsequence(&Verdict::ALL[1..6], 0..5),
        ) {
            let mut checks = Vec::new();
            for (index, (verdict, hollow, also)) in verdicts.iter().enumerate() {
                let mut check = fixture::pass().checks[0].clone();
                check.name = format!("check-{index}");
                check.verdict = *verdict;
                check.gates[0].verdict = *verdict;
                check.gates[0].hollow = *hollow && *verdict == Verdict::Incomparable;
                if let Some(also) = also {
                    let reason = "holds as well".to_owned();
                    check.gates[0].also = vec![Ruling { verdict: *also, reason, hollow: false }];
                }
                checks.push(check);
            }
            let results = fixture::run(checks, hidden);
            let symbol = Headline::of(&results).symbol;
            prop_assert_eq!(GREEN.contains(&symbol), results.gate_exit_code == 0);
            let xml = crate::report::junit::render(&results);
            let is_red = xml.contains("<failure") || xml.contains("<error");
            prop_assert_eq!(is_red, results.gate_exit_code != 0);
        }

        #[test]
        fn no_report_holds_a_number_that_is_none(
            value in proptest::num::f64::ANY,
            low in proptest::num::f64::ANY,
            high in proptest::num::f64::ANY,
        ) {
            let mut results = fixture::regression();
            let metric = &mut results.checks[0].metrics["capacity"];
            (metric.value, metric.low, metric.high) = (value, low, high);
            let change = results.checks[0].gates[0].change.as_mut().unwrap();
            (change.value, change.low, change.high) = (Some(value), Some(low), Some(high));
            results.checks[0].binding.as_mut().unwrap().observed = Some(value);
            results.checks[0].trials[0].slos[0].observed = Some(low);
            results.checks[0].trials[0].value = high;
            for text in [
                markdown::render(&results),
                terminal::render(&results),
                crate::report::junit::render(&results),
                crate::report::capacity_search::render(&results, &results.checks[0]),
            ] {
                for word in text.split(|c: char| !c.is_alphanumeric()) {
                    prop_assert!(!["NaN", "nan", "inf", "Infinity"].contains(&word), "{}", text);
                }
            }
        }
    }
}
