//! What GitHub Actions reads: outputs of the step and the job summary.

use super::arguments::complain;
use crate::config::environment;
use crate::report::Results;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

/// Largest job summary; the platform drops one above 1 MiB whole.
const SUMMARY_MAX: usize = 900 * 1024;

/// Writes outputs and summary (which is `page`), as far as the platform asks for them. A failure
/// never changes the verdict.
pub(super) fn write(results: &Results, folder: &Path, page: &str) {
    for (variable, text) in [
        ("GITHUB_OUTPUT", outputs(results, folder)),
        ("GITHUB_STEP_SUMMARY", summary(results, page)),
    ] {
        if let Some(path) = environment::process(variable)
            && let Err(error) = append(Path::new(&path), &text)
        {
            complain(
                &format!("cannot write to {path}, which {variable} names: {error}"),
                Some("the verdict is unaffected"),
            );
        }
    }
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).open(path)?.write_all(text.as_bytes())
}

fn summary(results: &Results, page: &str) -> String {
    if page.len() <= SUMMARY_MAX { page.to_owned() } else { format!("{}\n", results.headline) }
}

/// Each value with a delimiter of its own, so that no value can end early or begin another.
fn outputs(results: &Results, folder: &Path) -> String {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let path = |name: &str| folder.join(name).display().to_string();
    let verdict = match &results.problem {
        Some(_) => "error".to_owned(),
        None => results.verdict.word().to_owned(),
    };
    [
        ("verdict", verdict),
        ("headline", results.headline.clone()),
        ("run", folder.display().to_string()),
        ("results", path("results.json")),
        ("junit", path("junit.xml")),
        ("gate-exit-code", results.gate_exit_code.to_string()),
    ]
    .iter()
    .map(|(name, value)| {
        let value = value.replace(['\n', '\r'], " ");
        let mut delimiter = "end-of-value".to_owned();
        while value.contains(&delimiter) {
            delimiter.push('-');
        }
        format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
    })
    .collect()
}
