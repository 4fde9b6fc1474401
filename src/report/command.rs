//! The commands that a report suggests: how to see it again, how to accept it.

use super::Results;
use super::row::rows;

/// The name of a check for a command line, quoted where a shell would read more into it.
pub(super) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,%+@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The command that repeats the run; only its failing checks, where some passed.
pub(super) fn repeat(results: &Results) -> String {
    let rows = rows(results);
    let verb = if rows.iter().all(|row| row.gate.is_none()) && !rows.is_empty() {
        "measure"
    } else {
        "check"
    };
    let mut words = vec!["plimsoll".to_owned(), verb.to_owned()];
    if results.file != "plimsoll.yml" {
        words.extend(["--config".to_owned(), shell_word(&results.file)]);
    }
    let mut failing: Vec<&str> =
        rows.iter().filter(|row| row.fails).map(|row| row.check.name.as_str()).collect();
    failing.dedup();
    if !failing.is_empty() && failing.len() < results.checks.len() {
        words.push("--only".to_owned());
        words.extend(failing.iter().map(|name| shell_word(name)));
    }
    for value in &results.overrides {
        words.extend(["--set".to_owned(), shell_word(value)]);
    }
    words.join(" ")
}

/// The command that takes this run as the baseline.
pub(super) fn accept(results: &Results) -> String {
    let reason = if results.baseline.is_some() { " --reason \"why\"" } else { "" };
    let run = if results.run.is_empty() {
        String::new()
    } else {
        format!(" {}", shell_word(&results.run))
    };
    let config = if results.file == "plimsoll.yml" {
        String::new()
    } else {
        format!(" --config {}", shell_word(&results.file))
    };
    format!("plimsoll baseline accept{run}{config}{reason}")
}

#[cfg(test)]
mod tests {
    use super::{accept, repeat, shell_word};
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
            accept(&results),
            "plimsoll baseline accept runs/1 --config 'suites/my chat.yml' --reason \"why\""
        );
        assert_eq!(repeat(&fixture::measured()), "plimsoll measure");
    }

    #[test]
    fn nothing_leaves_its_word() {
        assert_eq!(shell_word("a;rm -rf"), "'a;rm -rf'");
        assert_eq!(shell_word("it's"), "'it'\\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
