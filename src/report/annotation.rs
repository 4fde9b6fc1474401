//! What a CI system shows beside the line of the suite that broke.

use super::headline::{Headline, of_red};
use super::row::{Row, State, rows};
use super::{Results, Verdict};
use crate::units::one_line;

/// Most annotations of a level in one step; the platform drops the rest without a word.
const LEVEL_MAX: usize = 10;
/// Longest title and message, in characters.
const TITLE_MAX: usize = 100;
const MESSAGE_MAX: usize = 500;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It makes the step fail.
    Error,
    /// It would, but is let pass.
    Warning,
    /// Good to know.
    Notice,
}

/// A remark on a line of the suite file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// How bad it is.
    pub level: Level,
    /// Path of the suite file, from the root of its repository.
    pub file: String,
    /// Line in it, from 1.
    pub line: Option<u32>,
    /// A few words.
    pub title: String,
    /// One line.
    pub message: String,
}

/// The remarks of a run, one per gate; of a level that has more of them than are shown, the last one
/// says how many.
#[must_use]
pub fn annotations(results: &Results) -> Vec<Annotation> {
    let mut all: Vec<Annotation> = Vec::new();
    if let State::Problem(_) | State::Empty = State::of(results) {
        let message = Headline::of(results).sentence;
        all.push(new(results, Level::Error, None, "plimsoll", &message));
    }
    all.extend(rows(results).into_iter().filter_map(|row| of_row(results, row)));
    let mut shown = Vec::new();
    for level in [Level::Error, Level::Warning, Level::Notice] {
        let mut these: Vec<Annotation> =
            all.iter().filter(|it| it.level == level).cloned().collect();
        let more = these.len().saturating_sub(LEVEL_MAX);
        if more > 0 {
            these.truncate(LEVEL_MAX - 1);
            let message = format!("and {} more, see the summary", more + 1);
            these.push(new(results, level, None, "plimsoll", &message));
        }
        shown.append(&mut these);
    }
    shown
}

fn of_row(results: &Results, row: Row<'_>) -> Option<Annotation> {
    let level = match row.verdict {
        _ if row.fails => Level::Error,
        Verdict::New | Verdict::Improvement => Level::Notice,
        verdict if verdict.is_red() => Level::Warning,
        Verdict::Error
        | Verdict::Regression
        | Verdict::Incomparable
        | Verdict::Invalid
        | Verdict::Inconclusive
        | Verdict::Measured
        | Verdict::Pass
        | Verdict::Skipped => return None,
    };
    // The condition that broke, else the check.
    let broken = row.check.binding.as_ref().filter(|_| row.verdict == Verdict::Regression);
    let line = broken.and_then(|binding| binding.line).or(row.check.line);
    let title = format!("{}: {}", row.check.name, row.verdict_cell());
    let is_better = row.verdict == Verdict::Improvement;
    let message = if is_better { Headline::of(results).sentence } else { of_red(row) };
    Some(new(results, level, line, &title, &message))
}

fn new(
    results: &Results,
    level: Level,
    line: Option<u32>,
    title: &str,
    message: &str,
) -> Annotation {
    let cut = |text: &str, max: usize| one_line(text).chars().take(max).collect();
    Annotation {
        level,
        file: results.place().to_owned(),
        line,
        title: cut(title, TITLE_MAX),
        message: cut(&message.replace('`', "'"), MESSAGE_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::{Annotation, Level, annotations};
    use crate::report::{Results, Verdict, fixture};

    fn lines(results: &Results) -> Vec<(Level, Option<u32>, String)> {
        annotations(results).into_iter().map(|it| (it.level, it.line, it.title)).collect()
    }

    #[test]
    fn a_remark_stands_at_the_condition_that_broke() {
        let mut results = fixture::regression();
        results.checks[0].binding.as_mut().unwrap().line = Some(17);
        assert_eq!(lines(&results), [(Level::Error, Some(17), "chat-rate: regression".to_owned())]);
        results.checks[0].binding = None;
        assert_eq!(lines(&results)[0].1, Some(14));
    }

    #[test]
    fn each_verdict_has_its_level() {
        for (results, level) in [
            (fixture::regression(), Some(Level::Error)),
            (fixture::limit_broken(), Some(Level::Error)),
            (fixture::invalid(), Some(Level::Error)),
            (fixture::target_died(), Some(Level::Error)),
            (fixture::empty(), Some(Level::Error)),
            (fixture::hollow(), Some(Level::Error)),
            (fixture::inconclusive(vec![]), Some(Level::Error)),
            (fixture::inconclusive(vec![Verdict::Inconclusive]), Some(Level::Warning)),
            (fixture::new(vec![]), Some(Level::Error)),
            (fixture::new(vec![Verdict::New]), Some(Level::Notice)),
            (fixture::improvement(), Some(Level::Notice)),
            (fixture::pass(), None),
            (fixture::skipped(), None),
            (fixture::measured(), None),
        ] {
            assert_eq!(
                annotations(&results).first().map(|it| it.level),
                level,
                "{}",
                results.headline
            );
        }
    }

    #[test]
    fn of_fourteen_failures_ten_are_shown_and_the_tenth_counts_the_rest() {
        let mut results = fixture::regression();
        let check = results.checks[0].clone();
        results.checks = (0..14)
            .map(|index| {
                let mut check = check.clone();
                check.name = format!("check-{index}");
                check
            })
            .collect();
        let all: Vec<Annotation> = annotations(&results);
        assert_eq!(all.len(), 10);
        assert!(all[9].message.starts_with("and 5 more"), "{}", all[9].message);
    }

    #[test]
    fn what_is_long_is_cut() {
        let mut results = fixture::target_died();
        results.problem.as_mut().unwrap().text = "x\n".repeat(4_000);
        let all = annotations(&results);
        assert!(all[0].message.chars().count() <= 500 && !all[0].message.contains('\n'));
    }
}
