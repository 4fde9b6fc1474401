//! Bencher Metric Format, for `bencher run --adapter json`: a benchmark per check, in it a measure per
//! metric with the ends of its interval.
//!
//! A measure has one unit in Bencher, so its name holds that: `capacity (sessions/s)`. Only estimates
//! are written. A bound (`at least 38`) is no point of a series, and without any estimate there is no
//! text.

use super::{NothingToExport, Number, full_name, name, numbers};
use crate::report::{Results, json};
use serde::Serialize;
use std::collections::BTreeMap;

/// Longest name of a measure that Bencher takes.
const MEASURE_MAX: usize = 64;

/// A metric of Bencher's.
#[derive(Serialize)]
struct Metric {
    value: f64,
    lower_value: f64,
    upper_value: f64,
}

/// The report.
///
/// # Errors
/// Nothing was estimated.
pub fn render(results: &Results) -> Result<String, NothingToExport> {
    let mut benchmarks: BTreeMap<String, BTreeMap<String, Metric>> = BTreeMap::new();
    for check in &results.checks {
        for number in numbers(check) {
            let Some(metric) = metric(&number) else { continue };
            let measures = benchmarks.entry(full_name(results, check)).or_default();
            measures.insert(measure(&number), metric);
        }
    }
    if benchmarks.is_empty() {
        return Err(NothingToExport("no capacity was estimated"));
    }
    Ok(json::render(&benchmarks))
}

fn metric(number: &Number<'_>) -> Option<Metric> {
    let parsed = |text: &str| text.parse().ok();
    Some(Metric {
        value: parsed(&number.value)?,
        lower_value: parsed(&number.low)?,
        upper_value: parsed(&number.high)?,
    })
}

fn measure(number: &Number<'_>) -> String {
    let unit = &number.metric.unit;
    let whole = if unit.is_empty() {
        name(number.name)
    } else {
        name(&format!("{} ({unit})", number.name))
    };
    whole.chars().take(MEASURE_MAX).collect()
}
