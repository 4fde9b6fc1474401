//! What the reports list: one row per gate, or per check where nothing is gated; and which of them
//! decides the heading.

use super::check_result::{
    BetterResult, CheckResult, ConclusionResult, GateResult, Limit, LimitRule, MetricResult,
};
use super::{Problem, Results, Verdict, number};

/// One line of the table of gates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) check: &'a CheckResult,
    pub(super) gate: Option<&'a GateResult>,
    pub(super) verdict: Verdict,
    /// Whether this row makes the exit code non-zero.
    pub(super) fails: bool,
}

/// Every row, those that fail first, else as in the suite.
pub(super) fn rows(results: &Results) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = results
        .checks
        .iter()
        .flat_map(|check| {
            let gates = check.gates.iter().map(move |gate| (gate.verdict, gate.hollow, Some(gate)));
            let alone = check.gates.is_empty().then_some((check.verdict, false, None));
            gates.chain(alone).map(move |(verdict, hollow, gate)| Row {
                check,
                gate,
                verdict,
                fails: hollow || (verdict.is_red() && !results.hidden.contains(&verdict)),
            })
        })
        .collect();
    rows.sort_by_key(|row| !row.fails);
    rows
}

/// What decides the heading.
#[derive(Debug, Clone, Copy)]
pub(super) enum State<'a> {
    /// Something kept the run from its verdict.
    Problem(&'a Problem),
    /// This row fails, and no other is worse.
    Failing(Row<'a>),
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
            "capacity" => quoted(&self.check.name),
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
            ConclusionResult::Found
            | ConclusionResult::Inconclusive { .. }
            | ConclusionResult::Invalid { .. } => number::NONE.to_owned(),
        }
    }

    pub(super) fn baseline_cell(self) -> String {
        self.baseline().map_or_else(|| number::NONE.to_owned(), cell)
    }

    pub(super) fn change_cell(self) -> String {
        self.gate.and_then(|gate| gate.change).map_or_else(
            || number::NONE.to_owned(),
            |change| number::change(change.value, change.low, change.high),
        )
    }

    pub(super) fn limit_cell(self) -> String {
        self.gate.and_then(|gate| gate.limit).map_or_else(|| number::NONE.to_owned(), limit)
    }

    /// The verdict in a word, and whether it counts.
    pub(super) fn verdict_cell(self) -> String {
        match (self.verdict.is_red(), self.fails) {
            (true, false) => format!("{}, not failing", self.verdict.word()),
            _ if self.gate.is_some_and(|gate| gate.hollow) => "nothing compared".to_owned(),
            _ => self.verdict.word().to_owned(),
        }
    }

    /// Why, or what the check says.
    pub(super) fn reason(self) -> &'a str {
        match self.gate {
            Some(gate) if !gate.reason.is_empty() => &gate.reason,
            _ => &self.check.reason,
        }
    }

    /// What can be ruled out, for a pass against a baseline.
    pub(super) fn ruled_out(self) -> Option<String> {
        let (gate, current) = (self.gate?, self.current()?);
        let change = gate.change?;
        let (word, loss) = match current.better {
            BetterResult::Higher => ("drop", -change.low),
            BetterResult::Lower => ("rise", change.high),
        };
        (self.verdict == Verdict::Pass && loss > 0.0 && change.low < change.high).then(|| {
            format!(
                "{}: a {word} of more than {} lies outside the {} interval.",
                self.name(),
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

/// A limit as it is read: `−10 %`, `at least 40`.
pub(super) fn limit(limit: Limit) -> String {
    match limit.rule {
        LimitRule::MaxDrop => number::change_short(-limit.value),
        LimitRule::MaxRise => number::change_short(limit.value),
        LimitRule::Min => format!("at least {}", number::plain(limit.value)),
        LimitRule::Max => format!("at most {}", number::plain(limit.value)),
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
