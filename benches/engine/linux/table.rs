//! The table of figures, as Markdown, so that it can be kept.

use super::number::{as_f64, median, short};
use comfy_table::{Table, presets::ASCII_MARKDOWN};

/// Longest reason why there is no figure.
const REASON_CHARS_MAX: usize = 160;

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figure {
    pub(super) row: &'static str,
    pub(super) what: &'static str,
    pub(super) unit: &'static str,
    pub(super) demand: Demand,
    /// What a trial says that declares itself invalid is nobody's number.
    pub(super) may_be_invalid: bool,
}

/// What is demanded of a figure.
#[derive(Debug, Clone, Copy)]
pub(super) enum Demand {
    AtMost(f64),
    AtLeast(f64),
}

impl Demand {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }

    /// What is as far from it as can be.
    fn worst(self) -> f64 {
        match self {
            Self::AtMost(_) => f64::INFINITY,
            Self::AtLeast(_) => f64::NEG_INFINITY,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtMost(limit) => format!("≤ {limit}"),
            Self::AtLeast(limit) => format!("≥ {limit}"),
        }
    }
}

/// One figure of one round.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    /// The figure, or why there is none.
    pub(super) value: Option<f64>,
    pub(super) missing: Option<String>,
    /// What happened instead of what is demanded.
    pub(super) failed: Option<String>,
    /// The trial declared itself invalid.
    pub(super) is_invalid: bool,
    /// What the figure is made of, or goes with it.
    pub(super) beside: Vec<(&'static str, f64)>,
    /// Share of the time in which our client was ready and had no CPU.
    pub(super) wait: Option<f64>,
    /// Share of the CPUs that the host took.
    pub(super) steal: f64,
}

impl Reading {
    pub(super) fn of(value: f64) -> Self {
        Self { value: Some(value), ..Self::default() }
    }

    /// There is no figure, for this reason.
    pub(super) fn missing(reason: impl AsRef<str>) -> Self {
        Self {
            missing: Some(bounded(&format!("not measured: {}", reason.as_ref()))),
            ..Self::default()
        }
    }

    /// What happened is not what is demanded, so that there is no figure.
    pub(super) fn failed(reason: impl AsRef<str>) -> Self {
        Self { failed: Some(bounded(reason.as_ref())), ..Self::default() }
    }

    pub(super) fn beside(mut self, name: &'static str, value: f64) -> Self {
        self.beside.push((name, value));
        self
    }

    pub(super) fn wait(mut self, share: Option<f64>) -> Self {
        self.wait = share;
        self
    }

    pub(super) fn invalid(mut self, is_invalid: bool) -> Self {
        self.is_invalid = is_invalid;
        self
    }
}

/// A figure with the readings of all rounds.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) figure: Figure,
    pub(super) readings: Vec<Reading>,
}

impl Line {
    /// The values that count, one a round: what failed, or declared itself invalid, is worse than all
    /// others, unless an invalid trial is as good as a right number.
    fn values(&self) -> Vec<f64> {
        let value = |reading: &Reading| match reading {
            Reading { failed: Some(_), .. } => Some(self.figure.demand.worst()),
            Reading { is_invalid: true, .. } if self.figure.may_be_invalid => None,
            Reading { is_invalid: true, .. } => Some(self.figure.demand.worst()),
            Reading { value, .. } => *value,
        };
        self.readings.iter().filter_map(value).collect()
    }

    fn missing(&self) -> Option<&str> {
        self.readings.iter().find_map(|reading| reading.missing.as_deref())
    }

    /// Whether the demand is reached: by the median, and where an invalid trial is as good as a
    /// right number, in every round.
    pub(super) fn is_reached(&self) -> bool {
        let values = self.values();
        let holds = |value| self.figure.demand.holds(value);
        let declared = self.readings.iter().any(|reading| reading.is_invalid);
        self.missing().is_none()
            && if self.figure.may_be_invalid {
                values.iter().copied().all(holds) && (declared || !values.is_empty())
            } else {
                median(&values).is_some_and(holds)
            }
    }

    fn cells(&self) -> [String; 9] {
        let Figure { row, what, unit, demand, .. } = self.figure;
        let values = self.values();
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in &values {
            low = if *value < low { *value } else { low };
            high = if *value > high { *value } else { high };
        }
        let middle = median(&values);
        let failed = self.readings.iter().find_map(|reading| reading.failed.as_deref());
        let result = match (self.is_reached(), self.missing(), failed) {
            (true, ..) => "reached".to_owned(),
            (false, Some(reason), _) => reason.to_owned(),
            (false, None, Some(reason)) => format!("MISSED: {reason}"),
            (false, None, None) => "MISSED".to_owned(),
        };
        [
            row.to_owned(),
            what.to_owned(),
            format!("{} {unit}", demand.text()).trim().to_owned(),
            middle.map_or("-".to_owned(), short),
            middle.map_or("-".to_owned(), |_| format!("{} to {}", short(low), short(high))),
            result,
            self.beside(),
            percent(&self.readings.iter().filter_map(|r| r.wait).collect::<Vec<_>>()),
            percent(&self.readings.iter().map(|r| r.steal).collect::<Vec<_>>()),
        ]
    }

    /// Medians of what goes with the figure.
    fn beside(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.readings.iter().flat_map(|reading| &reading.beside) {
            if !names.contains(name) {
                names.push(name);
            }
        }
        let of = |name: &str| -> Vec<f64> {
            let all = self.readings.iter().flat_map(|reading| &reading.beside);
            all.filter(|(n, _)| *n == name).map(|(_, value)| *value).collect()
        };
        let mut parts: Vec<String> = names
            .iter()
            .filter_map(|name| Some(format!("{name} {}", short(median(&of(name))?))))
            .collect();
        let rounds = self.readings.len();
        let failed = self.readings.iter().filter(|reading| reading.failed.is_some()).count();
        let invalid = self.readings.iter().filter(|reading| reading.is_invalid).count();
        for (count, what) in [(failed, "failed"), (invalid, "invalid")] {
            if count > 0 {
                parts.push(format!("{count} of {rounds} {what}"));
            }
        }
        parts.join(", ")
    }
}

/// A reason that fits into a table.
fn bounded(reason: &str) -> String {
    let line = reason.replace(['\n', '|'], " ");
    line.chars().take(REASON_CHARS_MAX).collect()
}

fn percent(shares: &[f64]) -> String {
    median(shares).map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// The whole table.
pub(super) fn render(lines: &[Line]) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        "row",
        "figure",
        "demand",
        "median",
        "rounds",
        "result",
        "beside",
        "run-queue wait",
        "steal",
    ]);
    for line in lines {
        table.add_row(line.cells());
    }
    let reached = lines.iter().filter(|line| line.is_reached()).count();
    let share = as_f64(u64::try_from(reached).unwrap_or_default());
    format!("{table}\n\n{share} of {} demands reached\n", lines.len())
}
