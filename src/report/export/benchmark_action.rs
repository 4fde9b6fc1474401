//! What github-action-benchmark reads with `customBiggerIsBetter` and `customSmallerIsBetter`. One of
//! its files has one direction, so there is a report for each.
//!
//! Only estimates are written, and a direction without any is no text: the action would store a gap, or
//! a bound, as a point of its series. `range` is the further half of the interval, as the action's other
//! tools write it; the interval itself stands in `extra`, which its chart shows.

use super::{NothingToExport, Number, full_name, name, numbers};
use crate::report::row::rows;
use crate::report::{BetterResult, CheckResult, Results, json, number};
use serde::Serialize;

/// One point of a series.
#[derive(Serialize)]
struct Point {
    name: String,
    unit: String,
    value: f64,
    range: String,
    extra: String,
}

/// The report of what is better when it is larger or, by `better`, smaller.
///
/// # Errors
/// Nothing of that direction was estimated.
pub fn render(results: &Results, better: BetterResult) -> Result<String, NothingToExport> {
    let of_check = |check| {
        let numbers = numbers(check).filter(|number| number.metric.better == better);
        numbers.filter_map(move |number| point(results, check, &number))
    };
    let points: Vec<Point> = results.checks.iter().flat_map(of_check).collect();
    if points.is_empty() {
        return Err(NothingToExport(match better {
            BetterResult::Higher => "nothing that is better when larger was estimated",
            BetterResult::Lower => "nothing that is better when smaller was estimated",
        }));
    }
    Ok(json::render(&points))
}

fn point(results: &Results, check: &CheckResult, number: &Number<'_>) -> Option<Point> {
    let metric = number.metric;
    let (below, above) = (metric.value - metric.low, metric.high - metric.value);
    let further = if below > above { below } else { above };
    let decimals = number.value.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let lines = [
        format!(
            "{} interval: {} to {}",
            number::percent(metric.confidence),
            number.low,
            number.high
        ),
        format!(
            "{} in {}",
            number::counted(metric.samples, "request"),
            number::counted(u64::from(metric.trials), "trial")
        ),
        format!("verdict: {}", verdict(results, check, number.name)),
        format!("machine: {}", name(&results.environment.machine)),
    ];
    Some(Point {
        name: name(&format!("{}: {}", full_name(results, check), number.name)),
        unit: name(&metric.unit),
        value: number.value.parse().ok()?,
        range: format!("± {further:.decimals$}"),
        extra: lines.join("\n"),
    })
}

/// What the gate on this metric came to; without one, the check.
fn verdict(results: &Results, check: &CheckResult, metric: &str) -> String {
    let rows = rows(results);
    let is_its = |row: &&crate::report::row::Row<'_>| {
        row.check.name == check.name && row.gate.is_some() && row.metric() == metric
    };
    let row = rows.iter().find(is_its);
    row.map_or_else(|| check.verdict.word().to_owned(), |row| row.verdict_cell())
}
