//! The serialised form of a trial's course, beside its result: what `plimsoll trial --format json`
//! prints. A saved run keeps only the result.

use super::result::ms;
use super::{Cells, TrialReport, TrialResult, Window, tidy};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A last window is one of its own from this part of the one before on.
const SHORTEST: u32 = 10;

/// One trial with its course.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialOutput {
    /// Its result.
    #[serde(flatten)]
    pub trial: TrialResult,
    /// Its windows, the oldest first, at most 128: a second each, or a power of two of them.
    pub windows: Vec<WindowResult>,
}

impl From<&TrialReport> for TrialOutput {
    fn from(report: &TrialReport) -> Self {
        Self { trial: TrialResult::from(report), windows: windows_of(&report.windows, usize::MAX) }
    }
}

/// What happened in one window: to all requests, those before and after the measured ones too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowResult {
    /// Its end, in seconds since the trial's start.
    pub end_s: f64,
    /// Its length.
    pub seconds: f64,
    /// Requests that became due in it.
    pub intended: u64,
    /// Requests that ended well in it.
    pub ok: u64,
    /// Requests that ended otherwise in it.
    pub not_ok: u64,
    /// Requests in flight at its end.
    pub in_flight: u64,
    /// Lengths of time of the requests that ended well in it, by name.
    pub latency: IndexMap<String, WindowLatency>,
}

/// Order statistics of one window, each the end of its cell: at most 1/64 above the exact one. `null`
/// where there are fewer observations than it needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowLatency {
    /// Observations.
    pub n: u64,
    /// Median.
    pub p50_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// Largest.
    pub max_ms: Option<f64>,
}

impl From<&Cells> for WindowLatency {
    fn from(cells: &Cells) -> Self {
        let n = cells.n();
        let at = |q, needed| cells.quantile(q).filter(|_| n >= needed).map(ms);
        Self { n, p50_ms: at(0.5, 2), p99_ms: at(0.99, 100), max_ms: at(1.0, 1) }
    }
}

/// The windows of a trial; if there are more than `most`, neighbours are joined. What is left after the
/// last whole one is a window too, unless it is so short that its rates would say nothing.
#[must_use]
pub fn windows_of(windows: &[Window], most: usize) -> Vec<WindowResult> {
    let mut windows = windows.to_vec();
    let begin = |earlier: &[Window]| earlier.last().map_or(Duration::ZERO, |window| window.end);
    if let [earlier @ .., kept, rest] = windows.as_slice()
        && rest.end.saturating_sub(kept.end) < kept.end.saturating_sub(begin(earlier)) / SHORTEST
        && let Some(rest) = windows.pop()
        && let Some(kept) = windows.last_mut()
    {
        kept.extend(&rest);
    }
    let together = windows.len().div_ceil(most.max(1)).max(1);
    let joined = windows.chunks(together).filter_map(|group| {
        group.iter().cloned().reduce(|mut sum, next| {
            sum.extend(&next);
            sum
        })
    });
    let mut begin = Duration::ZERO;
    joined.map(|window| result(&window, std::mem::replace(&mut begin, window.end))).collect()
}

fn result(window: &Window, begin: Duration) -> WindowResult {
    let latency = window.latency.iter().filter(|(_, cells)| cells.n() > 0);
    WindowResult {
        end_s: tidy(window.end.as_secs_f64()),
        seconds: tidy(window.end.saturating_sub(begin).as_secs_f64()),
        intended: window.intended,
        ok: window.ok,
        not_ok: window.not_ok,
        in_flight: window.in_flight,
        latency: latency.map(|(series, cells)| (series.name().to_owned(), cells.into())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::windows_of;
    use crate::trial::{Cells, Series, Window};
    use std::time::Duration;

    #[test]
    fn windows_are_joined_and_nothing_of_them_is_lost() {
        let window = |ms: u64| Window {
            end: Duration::from_millis(ms),
            intended: 10,
            ok: 9,
            not_ok: 1,
            in_flight: ms,
            latency: [(Series::E2e, Cells::default())].into(),
            ..Window::default()
        };
        for (ends, most, expected) in [
            (&[1_000, 2_000, 3_000, 3_500][..], 9, &[1.0, 2.0, 3.0, 3.5][..]),
            (&[1_000, 2_000, 3_000, 3_500], 2, &[2.0, 3.5]),
            (&[1_000, 2_000, 3_000, 3_005], 9, &[1.0, 2.0, 3.005]),
            (&[1_000, 1_005], 9, &[1.005]),
            (&[20], 9, &[0.02]),
            (&[], 9, &[]),
        ] {
            let all: Vec<Window> = ends.iter().map(|ms| window(*ms)).collect();
            let windows = windows_of(&all, most);
            let found: Vec<f64> = windows.iter().map(|window| window.end_s).collect();
            assert_eq!(found, expected);
            let sum = |of: fn(&super::WindowResult) -> u64| windows.iter().map(of).sum::<u64>();
            assert_eq!(sum(|window| window.intended), 10 * ends.len() as u64);
            assert_eq!(sum(|window| window.not_ok), ends.len() as u64);
            assert_eq!(windows.last().map(|window| window.in_flight), ends.last().copied());
            let length: f64 = windows.iter().map(|window| window.seconds).sum();
            assert!((length - expected.last().copied().unwrap_or(0.0)).abs() < 1e-6);
            assert!(windows.iter().all(|window| window.latency.is_empty()), "nothing was observed");
        }
    }
}
