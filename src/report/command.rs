//! The commands that a report suggests: how to see it again, how to accept it.

use super::place::Place;
use super::row::{Row, State, rows};
use super::{ProblemCode, Results, Verdict};

/// The name of a check for a command line, quoted where a shell would read more into it.
pub(super) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,%+@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Whether a check or only a measurement ran; older results do not say it.
fn verb(results: &Results, rows: &[Row<'_>]) -> &'static str {
    match results.verb.as_str() {
        "measure" => "measure",
        "compare" => "compare",
        "check" => "check",
        _ if rows.iter().all(|row| row.gate.is_none()) && !rows.is_empty() => "measure",
        _ => "check",
    }
}

/// An option with its value, unless that is the default.
fn option(name: &str, value: &str, default: &str) -> String {
    match value {
        "" => String::new(),
        value if value == default => String::new(),
        value => format!(" {name} {}", shell_word(value)),
    }
}

fn config(results: &Results) -> String {
    option("--config", &results.file, "plimsoll.yml")
}

fn baselines(results: &Results) -> String {
    option("--baselines", &results.baselines, "baselines")
}

fn out(results: &Results) -> String {
    option("--out", &results.out, ".plimsoll")
}

/// Digits of a commit that are enough to name it.
const COMMIT_DIGITS: usize = 12;

/// The command that repeats the run: only its failing checks where some passed, else those that ran.
pub(super) fn repeat(results: &Results) -> String {
    let rows = rows(results);
    let verb = verb(results, &rows);
    let baselines = if verb == "check" { baselines(results) } else { String::new() };
    let urls = if verb == "compare" { urls(results) } else { String::new() };
    let against = results.against.as_ref().map_or_else(String::new, |base| {
        let commit: String = base.commit.chars().take(COMMIT_DIGITS).collect();
        format!(" --against {}", shell_word(&commit))
    });
    let options = format!("{}{against}{baselines}{}", config(results), out(results));
    let mut words = vec![format!("plimsoll {verb}{urls}{options}")];
    let mut failing: Vec<&str> =
        rows.iter().filter(|row| row.fails).map(|row| row.check.name.as_str()).collect();
    failing.dedup();
    if failing.is_empty() || failing.len() == results.checks.len() {
        failing = results.only.iter().map(String::as_str).collect();
    }
    if !failing.is_empty() {
        words.push("--only".to_owned());
        words.extend(failing.iter().map(|name| shell_word(name)));
    }
    for value in &results.overrides {
        words.extend(["--set".to_owned(), shell_word(value)]);
    }
    words.join(" ")
}

/// Two targets that are not ours, as they were named.
fn urls(results: &Results) -> String {
    let is_url = |source: &&String| source.contains("://") || source.starts_with("unix:");
    let base = results.target.base.as_ref().filter(is_url);
    let both = base.zip(Some(&results.target.source).filter(is_url));
    both.map_or_else(String::new, |(base, head)| {
        format!(" {} {}", shell_word(base), shell_word(head))
    })
}

/// When accepting what was measured helps, and for what; with the commands that do it.
pub(super) fn cure(
    results: &Results,
    state: State<'_>,
    place: &Place,
) -> Option<(&'static str, Vec<String>)> {
    // Nothing of a comparison becomes a baseline.
    if results.is_comparison() {
        return None;
    }
    let lead = match state {
        // A run that would be refused is no cure.
        State::Failing(_) | State::Hidden(_) if !results.refusals.is_empty() => return None,
        State::Failing(row) | State::Hidden(row) | State::Improved(row) => lead(row)?,
        State::Problem(problem) if problem.code == ProblemCode::Baseline => RED_UNTIL,
        State::Problem(_) | State::Skipped(_) | State::Empty | State::Passed | State::Measured => {
            return None;
        }
    };
    Some((lead, accept(results, place)))
}

const RED_UNTIL: &str = "The gate stays red (exit code 5) until a baseline is committed";

fn lead(row: Row<'_>) -> Option<&'static str> {
    if row.hollow {
        return Some(RED_UNTIL);
    }
    match row.verdict {
        // A baseline does not move an absolute limit.
        Verdict::Regression if row.absolute_limit().is_some() => None,
        Verdict::Regression => Some("If the loss is wanted, accept it; the diff is the acceptance"),
        Verdict::New if row.fails => Some(RED_UNTIL),
        Verdict::New => Some("Take it as the baseline"),
        Verdict::Incomparable => Some("Take what was measured here as the baseline"),
        Verdict::Improvement if row.is_suspicious() => Some("If the gain is real, keep it"),
        Verdict::Improvement => Some("Keep the gain"),
        Verdict::Error
        | Verdict::Invalid
        | Verdict::Inconclusive
        | Verdict::Measured
        | Verdict::Pass
        | Verdict::Skipped => None,
    }
}

/// Where a run is put that was fetched in order to accept it.
const FETCHED: &str = ".plimsoll/accept";

/// The commands that make this run the baseline; one that measured nothing is measured first.
fn accept(results: &Results, place: &Place) -> Vec<String> {
    let (config, baselines) = (config(results), baselines(results));
    let reason = if results.baseline.is_some() { " --reason \"why\"" } else { "" };
    let mut commands = Vec::new();
    let mut run = String::new();
    if results.checks.is_empty() {
        commands.push(format!("plimsoll measure{config}{}", out(results)));
        run = out(results);
    } else if let Some(download) = &place.download {
        run = format!(" {FETCHED}");
        commands.push(download.command(FETCHED));
    } else if !results.run.is_empty() {
        run = format!(" {}", shell_word(&results.run));
    }
    commands.push(format!("plimsoll baseline accept{run}{config}{baselines}{reason}"));
    let folder = if results.baselines.is_empty() { "baselines" } else { &results.baselines };
    commands.push(format!("git add {} && git commit", shell_word(folder)));
    commands
}

#[cfg(test)]
mod tests {
    use super::{Place, accept, repeat, shell_word};
    use crate::report::fixture;

    #[test]
    fn a_command_can_be_pasted() {
        let mut results = fixture::regression();
        assert_eq!(
            repeat(&results),
            "plimsoll check --only chat-rate --set target.demo.slowdown=1.25"
        );
        results.file = "suites/my chat.yml".to_owned();
        results.run = "runs/1".to_owned();
        assert!(repeat(&results).contains("--config 'suites/my chat.yml'"));
        assert_eq!(
            accept(&results, &Place::default()),
            [
                "plimsoll baseline accept runs/1 --config 'suites/my chat.yml' --reason \"why\"",
                "git add baselines && git commit"
            ]
        );
        let mut measured = fixture::measured();
        assert_eq!(repeat(&measured), "plimsoll measure");
        measured.verb = String::new();
        assert_eq!(repeat(&measured), "plimsoll measure");
    }

    #[test]
    fn a_measurement_that_came_to_nothing_is_repeated_as_one() {
        let mut results = fixture::target_died();
        results.checks.clear();
        assert_eq!(repeat(&results), "plimsoll check");
        results.verb = "measure".to_owned();
        assert_eq!(repeat(&results), "plimsoll measure");
    }

    #[test]
    fn folders_that_are_not_the_default_are_named() {
        let mut results = fixture::regression();
        results.overrides.clear();
        results.baselines = "ci/my bl".to_owned();
        results.out = "o".to_owned();
        results.run = "o/runs/1".to_owned();
        assert_eq!(
            repeat(&results),
            "plimsoll check --baselines 'ci/my bl' --out o --only chat-rate"
        );
        assert_eq!(
            accept(&results, &Place::default()),
            [
                "plimsoll baseline accept o/runs/1 --baselines 'ci/my bl' --reason \"why\"",
                "git add 'ci/my bl' && git commit"
            ]
        );
        results.checks.clear();
        assert_eq!(
            accept(&results, &Place::default())[..2],
            [
                "plimsoll measure --out o",
                "plimsoll baseline accept --out o --baselines 'ci/my bl' --reason \"why\""
            ]
        );
    }

    #[test]
    fn nothing_leaves_its_word() {
        assert_eq!(shell_word("a;rm -rf"), "'a;rm -rf'");
        assert_eq!(shell_word("it's"), "'it'\\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
