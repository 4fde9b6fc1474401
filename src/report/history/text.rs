//! A history for a terminal: a table of each series, and its values with their intervals as blocks.

use super::steps::{HEADER, Step};
use super::{History, day, short, title};
use crate::baseline::Point;
use crate::report::terminal::{line, table};
use crate::units::number;
use std::fmt::Write as _;

/// Cells of the chart from its lowest to its highest number.
const WIDTH: usize = 48;
/// A cell of the interval, and the one of the value.
const INTERVAL: char = '▒';
const VALUE: char = '█';

/// The text.
#[must_use]
pub fn render(history: &History<'_>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{} of suite {}", line(history.file), line(history.suite));
    for series in history.series {
        let (points, left_out) = history.newest(series);
        let check = if series.check.is_empty() {
            String::new()
        } else {
            format!("{}: ", line(&series.check))
        };
        let _ = writeln!(out, "\n{check}{}\n", line(&title(series)));
        let rows = points.iter().map(Step::of).map(|step| {
            vec![step.date, step.commit, step.value, step.change, step.in_all, step.why]
        });
        let header = HEADER.map(str::to_owned);
        let _ = writeln!(out, "{}", table(&header, rows, |column| (2..5).contains(&column)));
        for remark in history.remarks(left_out) {
            let _ = writeln!(out, "{}", line(&remark));
        }
        chart(&mut out, points);
    }
    out
}

/// The values from the lowest end of an interval to the highest, a line each; a rule stands where a
/// value cannot be compared with the one above.
fn chart(out: &mut String, points: &[Point]) {
    let values = points.iter().filter_map(|point| {
        let accepted = point.value.as_ref().ok()?;
        let it = &accepted.estimate;
        Some((point, !accepted.apart.is_empty(), it.low, it.value, it.high))
    });
    let values: Vec<_> = values.collect();
    let bounds = values.iter().fold(None, |bounds: Option<(f64, f64)>, (_, _, low, _, high)| {
        let (least, most) = bounds.unwrap_or((*low, *high));
        Some((if *low < least { *low } else { least }, if *high > most { *high } else { most }))
    });
    let Some((least, most)) = bounds.filter(|(least, most)| values.len() > 1 && least < most)
    else {
        return;
    };
    let (from, to) = (number::plain(least), number::plain(most));
    let gap = (WIDTH + 1).saturating_sub(from.chars().count() + to.chars().count()).max(1);
    let _ = writeln!(out, "\n{:20}{}{}{}", "", line(&from), " ".repeat(gap), line(&to));
    for (at, (point, is_apart, low, value, high)) in values.into_iter().enumerate() {
        if is_apart && at > 0 {
            let _ = writeln!(out, "{:20}{}", "", "-".repeat(WIDTH + 1));
        }
        let cells = [low, value, high].map(|number| cell(number, least, most));
        let _ = writeln!(
            out,
            "{} {:8} {}",
            line(day(&point.time)),
            line(&short(&point.commit)),
            strip(cells)
        );
    }
}

/// The cell of a number between the two.
fn cell(number: f64, least: f64, most: f64) -> usize {
    let share = ((number - least) / (most - least)).clamp(0.0, 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "between 0 and the width of the chart"
    )]
    let cell = (share * WIDTH as f64).round() as usize;
    cell
}

fn strip([low, value, high]: [usize; 3]) -> String {
    let of = |cell: usize| match cell {
        cell if cell == value => VALUE,
        cell if (low..=high).contains(&cell) => INTERVAL,
        _ => ' ',
    };
    (0..=WIDTH).map(of).collect::<String>().trim_end().to_owned()
}
