//! What `git` tells: the commit of the working tree, and where a file stands in its repository.

pub(super) mod versions;

use crate::config::environment;
use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Component, Path};
use std::process::{Command, Stdio};

/// Longest answer to a question that has one line.
const LINE_MAX: u64 = 16 * 1024;
/// All that `git` is given of our environment: where it finds itself and its user's settings. A
/// variable such as `GIT_DIR`, which hooks are started with, would point it elsewhere.
const PASSED: [&str; 3] = ["PATH", "HOME", "XDG_CONFIG_HOME"];

/// `git` in this folder: no pager, no prompt, no program that a repository's settings name.
pub(super) fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.env_clear();
    for name in PASSED {
        command.envs(environment::process(name).map(|value| (name, value)));
    }
    command
        .envs([
            ("LC_ALL", "C"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_LITERAL_PATHSPECS", "1"),
            // A clone without all objects would fetch what is missing.
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
        ])
        .args(["--no-pager", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// What a command of `git` prints, at most `max` bytes of it; `None` when it fails or prints more.
pub(super) fn output<S: AsRef<OsStr>>(folder: &Path, arguments: &[S], max: u64) -> Option<Vec<u8>> {
    output_with(folder, arguments, max, Patterns::Literal)
}

/// How the paths of a command are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patterns {
    /// As they stand there.
    Literal,
    /// By the rules of `git`.
    Magic,
}

/// The same, with paths that may be patterns.
pub(super) fn output_with<S: AsRef<OsStr>>(
    folder: &Path,
    arguments: &[S],
    max: u64,
    patterns: Patterns,
) -> Option<Vec<u8>> {
    let mut git = command(folder);
    if patterns == Patterns::Magic {
        git.env_remove("GIT_LITERAL_PATHSPECS");
    }
    let mut child = git.args(arguments).stdout(Stdio::piped()).spawn().ok()?;
    let mut text = Vec::new();
    let read = child.stdout.take()?.take(max + 1).read_to_end(&mut text);
    // The pipe is closed by now: one that has more to say ends.
    let ended = child.wait().ok()?;
    let is_whole = u64::try_from(read.ok()?).is_ok_and(|length| length <= max);
    (is_whole && ended.success()).then_some(text)
}

/// The one line that a question is answered with.
pub(super) fn line(folder: &Path, arguments: &[&str]) -> Option<String> {
    let text = String::from_utf8(output(folder, arguments, LINE_MAX)?).ok()?;
    Some(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// Full hash of `HEAD`; `None` outside a repository or without `git`.
pub(super) fn head() -> Option<String> {
    let hash = line(Path::new("."), &["rev-parse", "--verify", "HEAD"])?;
    is_hash(&hash).then_some(hash)
}

pub(super) fn is_hash(text: &str) -> bool {
    text.len() >= 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Path of a file from the root of the repository that it stands in; `None` outside of one.
pub(super) fn path_in_repository(file: &Path) -> Option<String> {
    let Some(Component::Normal(name)) = file.components().next_back() else { return None };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let prefix = line(folder.unwrap_or(Path::new(".")), &["rev-parse", "--show-prefix"])?;
    Some(format!("{prefix}{}", name.to_str()?))
}

#[cfg(test)]
mod tests {
    use super::{head, line, output, path_in_repository};
    use std::path::Path;

    fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        assert!(line(folder.path(), &["init", "--quiet"]).is_some());
        folder
    }

    #[test]
    fn a_file_is_named_from_the_root_of_its_repository() {
        let repository = repository();
        let folder = repository.path().join("services/chat");
        std::fs::create_dir_all(&folder).unwrap();
        let path = path_in_repository(&folder.join("plimsoll.yml"));
        assert_eq!(path.as_deref(), Some("services/chat/plimsoll.yml"));
        let path = path_in_repository(&repository.path().join("plimsoll.yml"));
        assert_eq!(path.as_deref(), Some("plimsoll.yml"));
    }

    #[test]
    fn outside_a_repository_there_is_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(path_in_repository(&folder.path().join("plimsoll.yml")), None);
        assert_eq!(path_in_repository(&folder.path().join("gone/plimsoll.yml")), None);
        assert_eq!(path_in_repository(Path::new("..")), None);
    }

    #[test]
    fn an_answer_that_is_too_long_is_none() {
        let repository = repository();
        let long = output(repository.path(), &["help", "--all"], 100);
        assert_eq!(long, None);
        assert!(head().is_none_or(|hash| hash.len() >= 40));
    }
}
