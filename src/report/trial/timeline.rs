//! The course of a trial in a few lines.

use super::super::number;
use super::super::terminal::table;
use crate::trial::{WindowLatency, WindowResult};

/// Most lines.
pub const LINES_MAX: usize = 20;

/// A line for each window, under the name of the length of time that says most: of streams the first
/// output, of plain answers the whole; empty without windows.
pub(super) fn timeline(windows: &[WindowResult]) -> Option<String> {
    let has = |name: &str| windows.iter().any(|window| window.latency.contains_key(name));
    let name = if has("tbc") && has("ttfc") { "ttfc" } else { "e2e" };
    let header = ["until", "ok/s", "not ok/s", "in flight", &format!("{name} p50"), "p99", "max"];
    let lines = windows.iter().filter(|window| window.seconds > 0.0).map(|window| {
        let per_s = |n: u64| number::plain(crate::units::as_f64(n) / window.seconds);
        let latency = window.latency.get(name);
        let ms = |pick: fn(&WindowLatency) -> Option<f64>| match latency {
            None => number::NONE.to_owned(),
            Some(latency) => pick(latency).map_or_else(|| "few".to_owned(), number::plain),
        };
        vec![
            format!("{} s", number::plain(window.end_s)),
            per_s(window.ok),
            per_s(window.not_ok),
            number::count(window.in_flight),
            ms(|latency| latency.p50_ms),
            ms(|latency| latency.p99_ms),
            ms(|latency| latency.max_ms),
        ]
    });
    let lines: Vec<_> = lines.collect();
    (!lines.is_empty()).then(|| table(&header.map(str::to_owned), lines.into_iter(), |_| true))
}
