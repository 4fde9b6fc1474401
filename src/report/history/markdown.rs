//! A history for a page: a chart of the newest values that can be compared, and a table of each series.

use super::steps::{HEADER, Step};
use super::{History, title};
use crate::baseline::Point;
use crate::report::escape::{Escaped, Markdown};
use crate::units::number;
use std::fmt::Write as _;

/// Most points of a chart, and fewest of which it says anything.
const POINTS_MAX: usize = 30;
const POINTS_MIN: usize = 2;

/// The page.
#[must_use]
pub fn render(history: &History<'_>) -> String {
    let mut out = String::new();
    let suite = Escaped::<Markdown>::code(history.suite);
    let file = Escaped::<Markdown>::code(history.file);
    let _ = writeln!(out, "## Accepted capacity of {suite}\n\nFrom the commits of {file}.");
    for series in history.series {
        let (points, left_out) = history.newest(series);
        let check = if series.check.is_empty() {
            String::new()
        } else {
            format!("{}: ", Escaped::<Markdown>::code(&series.check))
        };
        let _ = writeln!(out, "\n### {check}{}\n", Escaped::<Markdown>::prose(&title(series)));
        if let Some(chart) = chart(points) {
            let _ = writeln!(out, "```mermaid\n{chart}\n```\n");
        }
        table(&mut out, points);
        for remark in history.remarks(left_out) {
            let _ = writeln!(out, "\n{}.", Escaped::<Markdown>::prose(&remark));
        }
    }
    out
}

fn table(out: &mut String, points: &[Point]) {
    let _ = writeln!(out, "| row | {} |", HEADER.join(" | "));
    let _ = writeln!(out, "| ---: | --- | --- | ---: | ---: | ---: | --- |");
    for (at, point) in points.iter().enumerate() {
        let step = Step::of(point);
        let [date, value, change, in_all] =
            [step.date, step.value, step.change, step.in_all].map(|it| Escaped::prose(&it));
        let commit = Escaped::<Markdown>::code(&step.commit);
        let why = Escaped::<Markdown>::prose(&step.why);
        let _ = writeln!(
            out,
            "| {} | {date} | {commit} | {value} | {change} | {in_all} | {why} |",
            at + 1
        );
    }
}

/// A point of the chart.
struct Drawn {
    row: usize,
    low: String,
    value: String,
    high: String,
}

/// Rows of the table as points, with their intervals as two more lines. What came before the newest
/// value that cannot be compared with the one above is another series, and not drawn. Nothing in it
/// comes from outside but numbers.
fn chart(points: &[Point]) -> Option<String> {
    let mut values = Vec::new();
    for (at, point) in points.iter().enumerate() {
        let Ok(accepted) = &point.value else { continue };
        if !accepted.apart.is_empty() {
            values.clear();
        }
        let it = &accepted.estimate;
        let text = |number| number::decimal(number, it.low, it.high);
        let (row, low, value, high) = (at + 1, text(it.low)?, text(it.value)?, text(it.high)?);
        values.push(Drawn { row, low, value, high });
    }
    let values = values.get(values.len().saturating_sub(POINTS_MAX)..)?;
    let number = |text: &String| text.parse::<f64>().ok();
    let least = values.iter().filter_map(|value| number(&value.low)).min_by(f64::total_cmp)?;
    let most = values.iter().filter_map(|value| number(&value.high)).max_by(f64::total_cmp)?;
    if values.len() < POINTS_MIN {
        return None;
    }
    // An axis without length is none.
    let pad = if least < most { (most - least) / 10.0 } else { most.abs() / 10.0 + 1.0 };
    let axis = |value| number::plain_decimal(value);
    let bottom = if least >= 0.0 && pad > least { 0.0 } else { least - pad };
    let list =
        |of: &dyn Fn(&Drawn) -> String| values.iter().map(of).collect::<Vec<String>>().join(", ");
    let lines = [
        "xychart-beta".to_owned(),
        "    title \"accepted value, and the ends of its interval\"".to_owned(),
        format!("    x-axis \"row\" [{}]", list(&|value| value.row.to_string())),
        format!("    y-axis \"value\" {} --> {}", axis(bottom)?, axis(most + pad)?),
        format!("    line [{}]", list(&|value| value.value.clone())),
        format!("    line [{}]", list(&|value| value.low.clone())),
        format!("    line [{}]", list(&|value| value.high.clone())),
    ];
    Some(lines.join("\n"))
}
