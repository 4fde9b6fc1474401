//! How a target responds to load: the share of observations that are not good, as all full trials
//! together say it.

use super::check_result::{CheckResult, ResponsePoint};
use super::curve::{axis, axis_title};
use super::number;
use std::fmt::Write as _;

/// Of the points of a response every so many is listed, and drawn.
const LISTED: usize = 4;
const DRAWN: usize = 2;
/// The chart ends at so many times what is allowed: what lies far above the capacity interests nobody.
const TOP: f64 = 8.0;

/// The response of a check, as a table that lies on its side.
pub(super) struct Response {
    /// What it shows.
    pub(super) lead: String,
    /// The unit of the load, and the loads.
    pub(super) header: Vec<String>,
    /// A name, and what it is at each load.
    pub(super) rows: Vec<Vec<String>>,
    /// A mermaid chart, line by line.
    pub(super) chart: String,
}

impl Response {
    /// `None` without trials on both sides of the capacity: the other end would be what was believed
    /// before anything was measured.
    pub(super) fn of(check: &CheckResult) -> Option<Self> {
        check.capacity()?;
        let response = check.response.as_ref()?;
        let is_sound = |point: &&ResponsePoint| {
            [point.value, point.low, point.share, point.high].iter().all(|n| n.is_finite())
        };
        let points: Vec<&ResponsePoint> = response.points.iter().filter(is_sound).collect();
        let listed = || points.iter().step_by(LISTED);
        let row = |name: &str, text: fn(&ResponsePoint) -> String| {
            let cells = listed().map(|point| text(point));
            std::iter::once(name.to_owned()).chain(cells).collect::<Vec<String>>()
        };
        let drawn: Vec<&ResponsePoint> = points.iter().step_by(DRAWN).copied().collect();
        Some(Self {
            lead: format!(
                "What all full trials together say: observations that are not good, in %; {} is allowed",
                number::percent(response.allowed)
            ),
            header: row(&check.unit, |point| number::plain(point.value)),
            rows: vec![
                row("not good, %", |point| percent(point.share)),
                row("90 % band", |point| {
                    format!("[{}, {}]", percent(point.low), percent(point.high))
                }),
            ],
            chart: chart(&drawn, response.allowed, &check.knob)?,
        })
    }
}

/// To a hundredth of a per cent.
fn percent(share: f64) -> String {
    number::plain((share * 1e4).round() / 1e2)
}

/// Nothing in it comes from outside: all of it is ours or a number.
fn chart(points: &[&ResponsePoint], allowed: f64, knob: &str) -> Option<String> {
    let highest = points.iter().map(|point| point.high).max_by(f64::total_cmp)?;
    let cut = TOP * allowed;
    let (top, is_cut) = if highest > cut { (cut, true) } else { (highest * 1.1, false) };
    if !(top.is_finite() && top > 0.0) {
        return None;
    }
    let list = |of: &dyn Fn(&ResponsePoint) -> f64| -> String {
        points.iter().map(|point| axis(of(point))).collect::<Vec<String>>().join(", ")
    };
    let share = |share: f64| 1e2 * if share > top { top } else { share };
    let end = if is_cut { format!(", cut off at {} %", axis(top * 1e2)) } else { String::new() };
    let mut out = String::new();
    let _ = writeln!(out, "xychart-beta");
    let _ = writeln!(
        out,
        "    title \"not good: estimate and its 90 % band{end}, the flat line is what is allowed\""
    );
    let _ = writeln!(out, "    x-axis \"{}\" [{}]", axis_title(knob), list(&|point| point.value));
    let _ = writeln!(out, "    y-axis \"% of observations\" 0 --> {}", axis(top * 1e2));
    let _ = writeln!(out, "    line [{}]", list(&|point| share(point.low)));
    let _ = writeln!(out, "    line [{}]", list(&|point| share(point.share)));
    let _ = writeln!(out, "    line [{}]", list(&|point| share(point.high)));
    let _ = write!(out, "    line [{}]", list(&|_| share(allowed)));
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::Response;
    use crate::report::fixture;

    #[test]
    fn what_was_only_believed_is_not_shown() {
        let states = fixture::states();
        let (_, results) = states.iter().find(|(name, _)| *name == "measured-response").unwrap();
        let mut check = results.checks[0].clone();
        let chart = Response::of(&check).unwrap().chart;
        assert!(chart.contains("0 --> 8") && chart.contains("cut off at 8 %"), "{chart}");
        check.metrics.clear();
        assert!(Response::of(&check).is_none());
    }

    #[test]
    fn a_response_without_a_number_is_none() {
        let states = fixture::states();
        let (_, results) = states.iter().find(|(name, _)| *name == "measured-response").unwrap();
        let mut check = results.checks[0].clone();
        for point in &mut check.response.as_mut().unwrap().points {
            point.high = f64::NAN;
        }
        assert!(Response::of(&check).is_none());
    }
}
