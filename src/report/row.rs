//! What the reports list: one row per gate, or per check where nothing is gated; and which of them
//! decides the heading.

use super::check_result::{
    BetterResult, Change, CheckResult, GateResult, Limit, LimitRule, MetricResult,
};
use super::conclusion_result::{ConclusionResult, LineResult};
use super::{Problem, Results, Verdict, number};
use crate::check::SUSPICIOUS;

/// One line of the table of gates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) check: &'a CheckResult,
    pub(super) gate: Option<&'a GateResult>,
    /// What counts: the worst that fails, else the worst that holds.
    pub(super) verdict: Verdict,
    /// Why.
    pub(super) reason: &'a str,
    /// Whether the baseline had nothing to compare with.
    pub(super) hollow: bool,
    /// Whether this row makes the exit code non-zero.
    pub(super) fails: bool,
}

/// Every row, those that fail first, else as in the suite.
pub(super) fn rows(results: &Results) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = results
        .checks
        .iter()
        .flat_map(|check| {
            let gates = check.gates.iter().map(move |gate| Row::new(results, check, Some(gate)));
            let alone = check.gates.is_empty().then(|| Row::new(results, check, None));
            gates.chain(alone)
        })
        .collect();
    rows.sort_by_key(|row| !row.fails);
    rows
}

impl<'a> Row<'a> {
    fn new(results: &'a Results, check: &'a CheckResult, gate: Option<&'a GateResult>) -> Self {
        let row = |verdict: Verdict, reason: &'a str, hollow: bool| Self {
            check,
            gate,
            verdict,
            reason: if reason.is_empty() { &check.reason } else { reason },
            hollow,
            fails: hollow || (verdict.is_red() && !results.hidden.contains(&verdict)),
        };
        let Some(gate) = gate else { return row(check.verdict, &check.reason, false) };
        let first = row(gate.verdict, &gate.reason, gate.hollow);
        gate.also.iter().map(|also| row(also.verdict, &also.reason, also.hollow)).fold(
            first,
            |worst, next| {
                let rank = |row: &Self| (!row.fails, row.verdict);
                if rank(&next) < rank(&worst) { next } else { worst }
            },
        )
    }

    /// What holds of the gate besides what counts.
    pub(super) fn also(self) -> impl Iterator<Item = &'a str> {
        let gate = self.gate;
        let first = gate.map(|gate| gate.reason.as_str());
        let rest = gate.into_iter().flat_map(|gate| gate.also.iter().map(|a| a.reason.as_str()));
        first
            .into_iter()
            .chain(rest)
            .filter(move |reason| !reason.is_empty() && *reason != self.reason)
    }
}

/// What decides the heading.
#[derive(Debug, Clone, Copy)]
pub(super) enum State<'a> {
    /// Something kept the run from its verdict.
    Problem(&'a Problem),
    /// This row fails, and no other is worse.
    Failing(Row<'a>),
    /// Nothing was to be measured, and why.
    Skipped(&'a str),
    /// Nothing was compared or measured.
    Empty,
    /// This row would fail, but `fail_on` lets it pass.
    Hidden(Row<'a>),
    /// This row is better than its baseline, and nothing failed.
    Improved(Row<'a>),
    /// Nothing failed.
    Passed,
    /// Nothing failed, and nothing was to be compared.
    Measured,
}

impl<'a> State<'a> {
    /// Red wherever the exit code or a row says so: a heading is never greener than either.
    pub(super) fn of(results: &'a Results) -> Self {
        let rows = rows(results);
        let worst = |wanted: fn(&Row<'_>) -> bool| {
            rows.iter().filter(|row| wanted(row)).min_by_key(|row| row.verdict).copied()
        };
        let failing = worst(|row| row.fails);
        // The order in which exit codes win: a regression stands before a baseline of no use.
        let is_regression = failing.is_some_and(|row| row.verdict == Verdict::Regression);
        if let Some(problem) = &results.problem
            && !(is_regression && problem.code.exit_code() == 5)
        {
            return Self::Problem(problem);
        }
        if let Some(row) = failing {
            return Self::Failing(row);
        }
        if let (Some(why), true, 0) = (&results.skipped, rows.is_empty(), results.gate_exit_code) {
            return Self::Skipped(why);
        }
        if rows.is_empty() || results.gate_exit_code != 0 {
            return Self::Empty;
        }
        if let Some(row) = worst(|row| row.verdict.is_red()) {
            return Self::Hidden(row);
        }
        match worst(|_| true) {
            Some(row) if row.verdict == Verdict::Improvement => Self::Improved(row),
            Some(row) if row.verdict == Verdict::Measured => Self::Measured,
            Some(_) | None => Self::Passed,
        }
    }
}

impl<'a> Row<'a> {
    /// Name of the metric; a check without gates is about its capacity.
    pub(super) fn metric(self) -> &'a str {
        self.gate.map_or("capacity", |gate| &gate.metric)
    }

    /// The value now.
    pub(super) fn current(self) -> Option<&'a MetricResult> {
        self.check.metrics.get(self.metric())
    }

    pub(super) fn baseline(self) -> Option<&'a MetricResult> {
        self.gate?.baseline.as_ref()
    }

    pub(super) fn unit(self) -> &'a str {
        self.current().or(self.baseline()).map_or_else(
            || if self.metric() == "capacity" { self.check.unit.as_str() } else { "" },
            |metric| metric.unit.as_str(),
        )
    }

    /// The check and, unless it is the capacity, the metric: `` `chat-rate` `` or
    /// `` `chat-rate` ttfc ``.
    pub(super) fn name(self) -> String {
        match self.metric() {
            // The last two name what is missing, not a metric.
            "capacity" | "baseline" | "gate" => quoted(&self.check.name),
            metric => format!("{} {}", quoted(&self.check.name), unticked(metric)),
        }
    }

    /// The value now, in words where there is no number.
    pub(super) fn current_cell(self) -> String {
        if let Some(metric) = self.current() {
            return cell(metric);
        }
        match &self.check.conclusion {
            ConclusionResult::AtLeast { value } => format!("at least {}", number::plain(*value)),
            ConclusionResult::NoneHolds { value } => format!("below {}", number::plain(*value)),
            ConclusionResult::Tested { at_least: Some(value), .. }
            | ConclusionResult::Compared { at_least: Some(value), .. }
                if self.metric() == "capacity" =>
            {
                format!("at least {}", number::plain(*value))
            }
            ConclusionResult::Tested { at_most: Some(value), .. }
            | ConclusionResult::Compared { at_most: Some(value), .. }
                if self.metric() == "capacity" =>
            {
                format!("at most {}", number::plain(*value))
            }
            ConclusionResult::Found
            | ConclusionResult::Tested { .. }
            | ConclusionResult::Compared { .. }
            | ConclusionResult::Inconclusive { .. }
            | ConclusionResult::Invalid { .. } => number::NONE.to_owned(),
        }
    }

    pub(super) fn baseline_cell(self) -> String {
        self.baseline().map_or_else(|| number::NONE.to_owned(), cell)
    }

    pub(super) fn change_cell(self) -> String {
        self.gate
            .and_then(|gate| gate.change)
            .map_or_else(|| number::NONE.to_owned(), |change| change_text(change, number::change))
    }

    pub(super) fn limit_cell(self) -> String {
        self.gate.and_then(|gate| gate.limit).map_or_else(|| number::NONE.to_owned(), limit)
    }

    /// The verdict in a word, and whether it counts.
    pub(super) fn verdict_cell(self) -> String {
        match (self.verdict.is_red(), self.fails) {
            _ if self.hollow => "nothing compared".to_owned(),
            (true, false) => format!("{}, not failing", self.verdict.word()),
            _ => self.verdict.word().to_owned(),
        }
    }

    /// What its limit came to, where the check tested it.
    pub(super) fn line(self) -> Option<&'a LineResult> {
        let limit = self.gate?.limit.filter(|_| self.metric() == "capacity")?;
        self.check.conclusion.line(limit)
    }

    /// The limit, where it is a number and not relative to a baseline.
    pub(super) fn absolute_limit(self) -> Option<Limit> {
        let limit = self.gate?.limit?;
        matches!(limit.rule, LimitRule::Min | LimitRule::Max).then_some(limit)
    }

    /// What it is, for a program: the verdict, told apart where two kinds share one.
    pub(super) fn kind(self) -> &'static str {
        if self.hollow {
            "baseline"
        } else if self.verdict == Verdict::Regression && self.absolute_limit().is_some() {
            "limit"
        } else {
            self.verdict.word()
        }
    }

    pub(super) fn symbol(self) -> &'static str {
        if self.hollow { Verdict::Invalid.symbol() } else { self.verdict.symbol() }
    }

    /// Whether it is better by so much that the measurement is the likelier cause.
    pub(super) fn is_suspicious(self) -> bool {
        if let ConclusionResult::Tested { too_good, .. } = self.check.conclusion {
            return too_good && self.verdict == Verdict::Improvement;
        }
        let at_least = match self.check.conclusion {
            ConclusionResult::AtLeast { value }
            | ConclusionResult::Compared { at_least: Some(value), .. } => {
                Some((value, BetterResult::Higher))
            }
            ConclusionResult::Found
            | ConclusionResult::Tested { .. }
            | ConclusionResult::Compared { .. }
            | ConclusionResult::NoneHolds { .. }
            | ConclusionResult::Inconclusive { .. }
            | ConclusionResult::Invalid { .. } => None,
        };
        let now = self.current().map(|metric| (metric.value, metric.better)).or(at_least);
        let factor = now.zip(self.baseline()).map(|((now, better), then)| match better {
            BetterResult::Higher => now / then.value,
            BetterResult::Lower => then.value / now,
        });
        self.verdict == Verdict::Improvement && factor.is_some_and(|factor| factor > SUSPICIOUS)
    }

    /// What can be ruled out, for a pass against a baseline.
    pub(super) fn ruled_out(self) -> Option<String> {
        if let ConclusionResult::Tested { ruled_out: Some(loss), at_most, .. } =
            self.check.conclusion
            && self.metric() == "capacity"
        {
            let loss = number::change_short(if loss > 0.0 { loss } else { 0.0 });
            let loss = loss.trim_start_matches('+');
            let more = match at_most {
                Some(_) => "; the ends of the interval are surer and lie further out",
                None => {
                    "; no trial that counts broke a condition, so how much more it carries is not known"
                }
            };
            let is_kept = self.verdict == Verdict::Pass;
            return is_kept.then(|| format!("a drop of more than {loss} (90 % sure){more}"));
        }
        let (gate, current) = (self.gate?, self.current()?);
        let change = gate.change?;
        let (low, high) = change.low.zip(change.high)?;
        let (word, loss) = match current.better {
            BetterResult::Higher => ("drop", -low),
            BetterResult::Lower => ("rise", high),
        };
        (self.verdict == Verdict::Pass && loss > 0.0 && low < high).then(|| {
            let metric = match self.metric() {
                "capacity" => String::new(),
                metric => format!("{}: ", unticked(metric)),
            };
            format!(
                "{metric}a {word} of more than {} lies outside the {} interval",
                number::change_short(loss).trim_start_matches('+'),
                number::percent(current.confidence)
            )
        })
    }
}

/// A metric with its interval.
pub(super) fn cell(metric: &MetricResult) -> String {
    number::estimate(metric.value, metric.low, metric.high)
}

/// A change as far as it is known: with its interval, or the side on which there is evidence.
pub(super) fn change_text(change: Change, whole: fn(f64, f64, f64) -> String) -> String {
    match (change.value, change.low, change.high) {
        (Some(value), Some(low), Some(high)) => whole(value, low, high),
        (_, Some(low), _) => format!("{} or better", number::change_short(low)),
        (_, None, Some(high)) => format!("{} or worse", number::change_short(high)),
        (Some(value), None, None) => number::change_short(value),
        (None, None, None) => number::NONE.to_owned(),
    }
}

/// A limit as it is read: `−10 %`, `at least 40`.
pub(super) fn limit(limit: Limit) -> String {
    match limit.rule {
        LimitRule::MaxDrop => number::change_in_full(-limit.value),
        LimitRule::MaxRise => number::change_in_full(limit.value),
        LimitRule::Min => format!("at least {}", number::in_full(limit.value)),
        LimitRule::Max => format!("at most {}", number::in_full(limit.value)),
    }
}

/// A name between backticks, for sentences.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", unticked(name))
}

fn unticked(name: &str) -> String {
    name.replace('`', "'")
}

/// What a condition observed, with its unit.
pub(super) fn observed(value: Option<f64>, unit: &str) -> String {
    match (value, unit) {
        (None, _) => "beyond all that ended".to_owned(),
        (Some(value), "share") => number::percent(value),
        (Some(value), "") => number::plain(value),
        (Some(value), unit) if unit.starts_with('/') => format!("{}{unit}", number::plain(value)),
        (Some(value), unit) => format!("{} {unit}", number::plain(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Row, rows};
    use crate::report::{Ruling, Verdict, fixture};

    #[test]
    fn a_new_baseline_does_not_hide_an_invalid_measurement() {
        let mut results = fixture::new(vec![Verdict::New]);
        let reason = "the load generator was the limit".to_owned();
        results.checks[0].gates[0].also =
            vec![Ruling { verdict: Verdict::Invalid, reason, hollow: false }];
        let rows: Vec<Row<'_>> = rows(&results);
        assert!(rows[0].fails && rows[0].verdict == Verdict::Invalid);
        assert_eq!(rows[0].reason, "the load generator was the limit");
        assert_eq!(rows[0].also().collect::<Vec<_>>(), ["there is no baseline yet"]);
    }

    #[test]
    fn rows_that_fail_stand_first_and_the_others_as_in_the_suite() {
        let mut results = fixture::regression();
        results.checks.reverse();
        let names: Vec<&str> = rows(&results).iter().map(|row| row.check.name.as_str()).collect();
        assert_eq!(names, ["chat-rate", "max-context"]);
    }
}
