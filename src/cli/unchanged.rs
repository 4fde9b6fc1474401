//! Whether a change touches anything that matters for the measurement.

use super::arguments::{Suite, complain};
use super::base::{self, BaseCommit};
use super::git;
use crate::baseline::Baseline;
use std::path::Path;

/// Longest list of changed files that is read, in bytes.
const LIST_MAX: u64 = 16 << 20;

/// Why nothing has to be measured, if that is so: none of the files that changed since the base
/// matches a pattern. Suite and baseline always matter. Where it cannot be told, it is measured.
pub(super) fn reason(
    suite: &Suite,
    patterns: &[String],
    baselines: &Path,
    base: Option<&BaseCommit>,
) -> Option<String> {
    if patterns.is_empty() {
        return None;
    }
    let Some(base) = base else {
        let hint = "it is measured; a pull request has a base, and `--against REF` names one";
        complain("`--skip-if-unchanged`: there is no base to compare the files with", Some(hint));
        return None;
    };
    let folder = base::folder(suite);
    let baseline = Baseline::path(baselines, &suite.plan.suite);
    let always = [&suite.plan.file, &baseline].map(|path| git::path_in_repository(path));
    let own = always.into_iter().flatten().map(|path| format!(":(top,literal){path}"));
    let globs = patterns.iter().map(|pattern| format!(":(top,glob){pattern}"));
    let relevant: Vec<String> = globs.chain(own).collect();
    let Some(matching) = changed(&folder, &base.sha, &relevant) else {
        let hint = "it is measured; are the patterns those of git (`src/**`, `*.toml`)?";
        complain("`--skip-if-unchanged`: git cannot tell what changed", Some(hint));
        return None;
    };
    let all = changed(&folder, &base.sha, &[])?;
    (matching == 0).then(|| {
        let files = match all {
            0 => "no file changed".to_owned(),
            1 => "the only changed file matches none of".to_owned(),
            n => format!("none of the {n} changed files matches"),
        };
        match all {
            0 => files,
            _ => format!("{files} `{}`", patterns.join(" ")),
        }
    })
}

/// How many files of these patterns differ between a commit and the working tree.
fn changed(folder: &Path, base: &str, patterns: &[String]) -> Option<usize> {
    let count = |arguments: &[&str]| {
        let mut all: Vec<&str> = arguments.to_vec();
        all.push("--");
        all.extend(patterns.iter().map(String::as_str));
        let list = git::output_with(folder, &all, LIST_MAX, git::Patterns::Magic)?;
        Some(list.split(|byte| *byte == 0).filter(|name| !name.is_empty()).count())
    };
    let differ = count(&["diff", "--name-only", "--no-renames", "-z", base])?;
    let new = count(&["ls-files", "--others", "--exclude-standard", "--full-name", "-z"])?;
    Some(differ + new)
}
