//! The commit of the working tree, as `git` tells it.

use std::process::{Command, Stdio};

/// Full hash of `HEAD`; `None` outside a repository or without `git`.
pub(super) fn head() -> Option<String> {
    let output = Command::new("git")
        .args(["rev-parse", "--verify", "HEAD"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let hash = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && hash.len() >= 40 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
        .then_some(hash)
}
