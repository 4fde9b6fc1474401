//! What a person sees at the end of `plimsoll check`. Plain ASCII of ours (names and logs stay as they
//! are); colour only repeats what the first word says.

use super::command::{cure, repeat};
use super::curve::Curve;
use super::escape::{Escaped, Terminal};
use super::headline::Headline;
use super::note::notes;
use super::place::Place;
use super::results::ProblemCode;
use super::row::{Row, State, rows};
use super::{CheckResult, Problem, Results, Verdict, number};
use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, Table, presets};
use std::fmt::Write as _;

/// Whether escape codes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// None.
    Plain,
    /// As an addition.
    Ansi,
}

/// The report without colour.
#[must_use]
pub fn render(results: &Results) -> String {
    render_with(results, Colour::Plain)
}

/// The report.
#[must_use]
pub fn render_with(results: &Results, colour: Colour) -> String {
    let state = State::of(results);
    let mut out = String::new();
    let (word, style) = word(state);
    let word = match colour {
        Colour::Plain => word.to_owned(),
        Colour::Ansi => format!("{style}{word}{style:#}"),
    };
    let _ = writeln!(out, "{word}: {}\n", line(&Headline::of(results).sentence));
    if let State::Problem(problem) = state {
        log(&mut out, problem);
    }
    let rows = rows(results);
    if !rows.is_empty() {
        let _ = writeln!(out, "{}\n", gates(results, &rows));
    }
    for note in notes(results) {
        let _ = writeln!(out, "{}: {}", note.label, line(&note.text));
    }
    for check in &results.checks {
        if let Some(detail) = &check.detail {
            let _ = writeln!(out, "\n`{}`:", line(&check.name));
            for text in Escaped::<Terminal>::lines(detail.lines()) {
                let _ = writeln!(out, "  {}", ascii(text.as_str()));
            }
        }
    }
    curves(&mut out, results, &rows, state);
    closing(&mut out, results, state);
    out
}

/// The first word, which is all that colour repeats.
fn word(state: State<'_>) -> (&'static str, Style) {
    let (word, colour) = match state {
        State::Problem(problem) => match problem.code {
            ProblemCode::Interrupted => ("STOPPED", AnsiColor::Yellow),
            ProblemCode::Usage
            | ProblemCode::Target
            | ProblemCode::Generator
            | ProblemCode::Baseline
            | ProblemCode::Empty => ("ERROR", AnsiColor::Red),
        },
        State::Failing(row) if row.hollow => ("ERROR", AnsiColor::Red),
        State::Failing(row) => match row.verdict {
            Verdict::Regression => ("FAIL", AnsiColor::Red),
            Verdict::Inconclusive => ("INCONCLUSIVE", AnsiColor::Yellow),
            Verdict::Invalid => ("INVALID", AnsiColor::Yellow),
            Verdict::Incomparable => ("INCOMPARABLE", AnsiColor::Yellow),
            Verdict::New => ("NEW", AnsiColor::Yellow),
            Verdict::Error
            | Verdict::Improvement
            | Verdict::Measured
            | Verdict::Pass
            | Verdict::Skipped => ("ERROR", AnsiColor::Red),
        },
        State::Empty => ("ERROR", AnsiColor::Red),
        State::Hidden(_) => ("ALLOWED", AnsiColor::Yellow),
        State::Improved(_) | State::Passed => ("PASS", AnsiColor::Green),
        State::Measured => ("MEASURED", AnsiColor::Green),
        State::Skipped(_) => ("SKIPPED", AnsiColor::Cyan),
    };
    (word, Style::new().bold().fg_color(Some(colour.into())))
}

fn gates(results: &Results, rows: &[Row<'_>]) -> String {
    let has_baseline = rows.iter().any(|row| row.baseline().is_some());
    let mut header = vec!["check".to_owned(), "unit".to_owned()];
    if has_baseline {
        header.extend([baseline_title(results), "now".to_owned(), "difference".to_owned()]);
    } else {
        header.push("measured".to_owned());
    }
    header.extend(["allowed".to_owned(), "verdict".to_owned()]);
    let lines = rows.iter().map(|row| {
        let mut cells = vec![row.name().replace('`', ""), row.unit().to_owned()];
        if has_baseline {
            cells.extend([row.baseline_cell(), row.current_cell(), row.change_cell()]);
        } else {
            cells.push(row.current_cell());
        }
        cells.extend([row.limit_cell(), row.verdict_cell()]);
        cells
    });
    let last = header.len() - 1;
    table(&header, lines, |column| column >= 2 && column < last)
}

/// What the column of the other side is called: of a baseline its day, where it is known.
pub(super) fn baseline_title(results: &Results) -> String {
    if results.is_comparison() {
        return "base".to_owned();
    }
    let recorded = results.baseline.as_ref().map(|baseline| baseline.recorded.as_str());
    match recorded.and_then(|recorded| recorded.split_once('T')) {
        Some((day, _)) => format!("baseline of {day}"),
        None => "baseline".to_owned(),
    }
}

/// An ASCII table.
pub(super) fn table(
    header: &[String],
    lines: impl Iterator<Item = Vec<String>>,
    is_number: impl Fn(usize) -> bool,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(header.iter().map(|cell| line(cell)));
    for cells in lines {
        table.add_row(cells.iter().map(|cell| line(cell)));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        if is_number(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

fn log(out: &mut String, problem: &Problem) {
    if problem.last_lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}:", problem.log_title());
    for text in Escaped::<Terminal>::lines(problem.tail()) {
        let _ = writeln!(out, "  | {text}");
    }
    out.push('\n');
}

/// Of each check that did not pass; of every check where nothing was to be compared.
fn curves(out: &mut String, results: &Results, rows: &[Row<'_>], state: State<'_>) {
    let is_shown = |check: &CheckResult| {
        matches!(state, State::Measured)
            || rows.iter().any(|row| row.check.name == check.name && row.verdict.is_red())
    };
    for check in results.checks.iter().filter(|check| is_shown(check)) {
        let Some(curve) = Curve::of(check) else { continue };
        let header: Vec<String> = curve.header.iter().map(|text| text.replace('`', "")).collect();
        let last = header.len() - 1;
        let lines =
            curve.lines.into_iter().map(|line| line.into_iter().map(|cell| cell.0).collect());
        let _ = writeln!(out, "\nLoad and response of `{}`, trial by trial:\n", line(&check.name));
        let _ = writeln!(out, "{}", table(&header, lines, |column| column < last));
        if curve.left_out > 0 {
            let _ = writeln!(out, "... and {} trials further away", curve.left_out);
        }
        if let Some(response) = curve.response {
            let _ = writeln!(out, "\n{}:\n", line(&response.lead));
            let rows = response.rows.into_iter();
            let _ = writeln!(out, "{}", table(&response.header, rows, |column| column > 0));
        }
    }
}

fn closing(out: &mut String, results: &Results, state: State<'_>) {
    out.truncate(out.trim_end().len());
    let _ = writeln!(out, "\n\nSee it again: {}", line(&repeat(results)));
    if let Some((lead, commands)) = cure(results, state, &Place::default()) {
        let _ = writeln!(out, "{lead}:");
        for command in commands {
            let _ = writeln!(out, "  {}", line(&command));
        }
    }
    let files = "report.md, results.json, junit.xml";
    let _ = writeln!(out, "Files: {} ({files})", line(&results.run));
    let before = match (results.exit_code, results.gate_exit_code) {
        (raw, gate) if raw != gate => format!(" ({raw} without fail_on)"),
        _ => String::new(),
    };
    let _ = writeln!(
        out,
        "Exit code {}{before} after {}",
        results.gate_exit_code,
        line(&number::duration(results.seconds))
    );
}

/// One line that cannot move the cursor.
pub(super) fn line(text: &str) -> String {
    ascii(Escaped::<Terminal>::line(text).as_str())
}

/// The signs that our own formatters use, in ASCII.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{2212}' | '–' => out.push('-'),
            '\u{a0}' => out.push(' '),
            '…' => out.push_str("..."),
            '×' => out.push('x'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Colour, render, render_with};
    use crate::report::fixture;

    #[test]
    fn every_state_as_a_person_sees_it() {
        for (name, results) in fixture::states() {
            insta::assert_snapshot!(format!("terminal-{name}"), render(&results));
        }
    }

    #[test]
    fn without_colour_all_of_it_is_ascii() {
        for (name, results) in fixture::states() {
            let text = render(&results);
            let strange: Vec<char> = text.chars().filter(|c| !c.is_ascii()).collect();
            assert!(strange.is_empty(), "{name}: {strange:?}");
            assert!(!text.contains('\u{1b}'), "{name}");
        }
    }

    #[test]
    fn colour_adds_nothing_but_escape_codes() {
        for (name, results) in fixture::states() {
            let coloured = render_with(&results, Colour::Ansi);
            assert_ne!(coloured, render(&results), "{name}");
            let stripped = anstream::adapter::strip_str(&coloured).to_string();
            assert_eq!(stripped, render(&results), "{name}");
        }
    }

    #[test]
    fn a_target_cannot_move_the_cursor() {
        let mut results = fixture::target_died();
        let problem = results.problem.as_mut().unwrap();
        problem.last_lines = vec!["\u{1b}[2J\u{1b}]0;title\u{7}gone".to_owned()];
        assert!(!render(&results).contains(['\u{1b}', '\u{7}']));
    }
}
