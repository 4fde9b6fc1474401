//! What a step leaves for the steps after it, and what its job shows: outputs, summary, annotations.

use crate::report::{Annotation, Level, Results};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

/// Most bytes of all summaries in one file; above 1 MiB the platform drops it whole.
const SUMMARIES_MAX: u64 = 1_000_000;

/// The outputs of a measurement.
#[must_use]
pub fn outputs(results: &Results, folder: &Path) -> Vec<(&'static str, String)> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let path = |name: &str| folder.join(name).display().to_string();
    vec![
        ("verdict", verdict(results).to_owned()),
        ("headline", results.headline.clone()),
        ("run", folder.display().to_string()),
        ("results", path("results.json")),
        ("junit", path("junit.xml")),
        ("exit-code", results.exit_code.to_string()),
        ("gate-exit-code", results.gate_exit_code.to_string()),
    ]
}

/// The verdict in a word; what kept a run from one is an error.
#[must_use]
pub fn verdict(results: &Results) -> &'static str {
    if results.problem.is_some() { "error" } else { results.verdict.word() }
}

/// Appends outputs to the file of the step.
///
/// # Errors
/// The file cannot be written.
pub fn write_outputs(file: &Path, outputs: &[(&'static str, String)]) -> io::Result<()> {
    append(file, &outputs.iter().map(|(name, value)| output(name, value)).collect::<String>())
}

/// A value with a delimiter of its own, so that it can neither end early nor begin another.
fn output(name: &str, value: &str) -> String {
    let value = value.replace(['\n', '\r'], " ");
    let mut delimiter = "end-of-value".to_owned();
    while value.contains(&delimiter) {
        delimiter.push('-');
    }
    format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
}

/// Appends a summary to those of the step, unless it would make the platform drop all of them: then
/// only its headline.
///
/// # Errors
/// The file cannot be written.
pub fn write_summary(file: &Path, page: &str, headline: &str) -> io::Result<()> {
    let there = std::fs::metadata(file).map_or(0, |it| it.len());
    if there + page.len() as u64 <= SUMMARIES_MAX {
        append(file, &format!("{page}\n"))
    } else {
        append(file, &format!("{}\n\n", headline.replace('<', "&lt;")))
    }
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).open(path)?.write_all(text.as_bytes())
}

/// An annotation as a workflow command.
#[must_use]
pub fn command(annotation: &Annotation) -> String {
    let word = match annotation.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "notice",
    };
    let line =
        annotation.line.map_or_else(String::new, |line| format!(",line={line},endLine={line}"));
    format!(
        "::{word} file={}{line},title={}::{}",
        property(&annotation.file),
        property(&annotation.title),
        message(&annotation.message)
    )
}

/// A remark that belongs to no file.
#[must_use]
pub fn notice(text: &str) -> String {
    format!("::notice title=plimsoll::{}", message(text))
}

/// The escapes of the platform; the percent sign first.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{command, notice, output, write_summary};
    use crate::report::{Annotation, Level};
    use proptest::prelude::*;

    #[test]
    fn an_annotation_is_one_command_whatever_it_says() {
        let annotation = Annotation {
            level: Level::Error,
            file: "suites/a,b:c.yml".to_owned(),
            line: Some(17),
            title: "x: regression, 5%".to_owned(),
            message: "::set-output\nnext: a, 5%".to_owned(),
        };
        assert_eq!(
            command(&annotation),
            "::error file=suites/a%2Cb%3Ac.yml,line=17,endLine=17,\
             title=x%3A regression%2C 5%25::::set-output%0Anext: a, 5%25"
        );
        assert_eq!(notice("a\nb"), "::notice title=plimsoll::a%0Ab");
    }

    #[test]
    fn a_summary_never_makes_the_platform_drop_an_earlier_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("summary");
        for _ in 0..3 {
            write_summary(&file, &"x".repeat(450_000), "<headline>").unwrap();
        }
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.len() < 1_000_000 && text.ends_with("&lt;headline>\n\n"));
    }

    proptest! {
        #[test]
        fn no_value_ends_early(value in "(end-of-value-?|[a-z\n=<]){0,12}") {
            let text = output("headline", &value);
            let lines: Vec<&str> = text.lines().collect();
            let delimiter = lines[0].strip_prefix("headline<<").unwrap();
            prop_assert_eq!(lines.len(), 3);
            prop_assert_eq!(lines[2], delimiter);
            prop_assert!(!lines[1].contains(delimiter));
        }
    }
}
