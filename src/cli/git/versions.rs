//! The versions of a file on the current branch, as its commits left them.
//!
//! The first parent of a merge is followed: a version is what arrived on this branch. So is a renamed
//! file, by asking the commit that added it.

use super::{command, is_hash, line, output};
use crate::baseline::FILE_LIMIT;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};
use std::process::{Child, Stdio};

/// Most commits of a file that are looked at.
pub(in crate::cli) const COMMITS_MAX: usize = 1_000;
/// Most times that a file was renamed.
const RENAMES_MAX: usize = 10;
/// Longest list of commits, and of a commit's renamed files.
const LIST_MAX: u64 = 16 * 1024 * 1024;
/// Longest line that is said before an object.
const HEADER_MAX: u64 = 1024;

/// The versions of a file, the newest first.
#[derive(Debug)]
pub(in crate::cli) struct Versions {
    /// The root of the repository.
    root: PathBuf,
    /// Path of the file from there, as it is now.
    pub(in crate::cli) path: String,
    pub(in crate::cli) list: Vec<Version>,
    /// Whether the clone ends before the history of the file does.
    pub(in crate::cli) is_cut: bool,
    /// Whether there are more than [`COMMITS_MAX`].
    pub(in crate::cli) has_more: bool,
}

/// What one commit did to the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Version {
    /// Full hash.
    pub(in crate::cli) commit: String,
    /// When it was made, in seconds since 1970.
    pub(in crate::cli) seconds: u64,
    /// Hash of the content; `None`: it was deleted.
    blob: Option<String>,
    /// Whether the file was not there before.
    is_added: bool,
}

/// The content of a version.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) enum Content {
    Text(String),
    /// It was deleted.
    Gone,
    /// Larger than a baseline may be.
    TooLarge,
    /// Bytes that are no text, from this offset on.
    NotText(usize),
    /// This clone does not have it.
    Missing,
}

impl Versions {
    /// `None` where there is no repository, or no `git`.
    pub(in crate::cli) fn of(file: &Path) -> Option<Self> {
        // The folder need not exist any more.
        let folder = file.ancestors().skip(1).find(|folder| folder.is_dir());
        let folder = folder.unwrap_or(Path::new("."));
        let root = PathBuf::from(line(folder, &["rev-parse", "--show-toplevel"])?);
        let mut path = line(folder, &["rev-parse", "--show-prefix"])?;
        let rest = file.strip_prefix(folder).unwrap_or(file);
        let names = rest.components().filter_map(|part| match part {
            Component::Normal(name) => name.to_str(),
            Component::Prefix(_)
            | Component::RootDir
            | Component::CurDir
            | Component::ParentDir => None,
        });
        path.push_str(&names.collect::<Vec<&str>>().join("/"));
        let mut versions = Self { root, path, list: Vec::new(), is_cut: false, has_more: false };
        versions.follow();
        versions.is_cut = versions.ends_with_the_clone();
        Some(versions)
    }

    fn follow(&mut self) {
        let (mut start, mut path) = ("HEAD".to_owned(), self.path.clone());
        for _ in 0..=RENAMES_MAX {
            let wanted = COMMITS_MAX + 1 - self.list.len();
            self.list.extend(commits(&self.root, &start, &path, wanted));
            if self.list.len() > COMMITS_MAX {
                self.list.truncate(COMMITS_MAX);
                self.has_more = true;
                return;
            }
            let Some(oldest) = self.list.last().filter(|version| version.is_added) else { return };
            let Some(before) = name_before(&self.root, &oldest.commit, &path) else { return };
            (start, path) = (format!("{}^", oldest.commit), before);
        }
    }

    /// Whether the oldest commit is one whose parents a shallow clone left out: it seems to add every
    /// file.
    fn ends_with_the_clone(&self) -> bool {
        let shallow = line(&self.root, &["rev-parse", "--is-shallow-repository"]);
        let has_parent = |version: &Version| {
            let parent = format!("{}^", version.commit);
            line(&self.root, &["rev-parse", "--verify", "--quiet", &parent]).is_some()
        };
        shallow.as_deref() == Some("true") && !self.list.last().is_some_and(has_parent)
    }

    /// Hands out each version with its content, the oldest first.
    pub(in crate::cli) fn read(&self, mut each: impl FnMut(&Version, Content)) {
        let mut objects = Objects::open(&self.root);
        for version in self.list.iter().rev() {
            let content = match (&version.blob, &mut objects) {
                (None, _) => Content::Gone,
                (Some(blob), Some(objects)) => objects.read(blob).unwrap_or(Content::Missing),
                (Some(_), None) => Content::Missing,
            };
            each(version, content);
        }
    }
}

/// Commits that changed the file at this path, the newest first.
fn commits(root: &Path, start: &str, path: &str, max: usize) -> Vec<Version> {
    let max = format!("--max-count={max}");
    let arguments = [
        "-c",
        "log.showRoot=true",
        "log",
        "--first-parent",
        "-m",
        "--no-renames",
        "--no-ext-diff",
        "--no-color",
        "--no-decorate",
        "--no-notes",
        "--raw",
        "-z",
        "--no-abbrev",
        "--format=%H %ct",
        &max,
        start,
        "--",
        path,
    ];
    let list = output(root, &arguments, LIST_MAX).unwrap_or_default();
    parsed(&String::from_utf8_lossy(&list))
}

/// `HASH SECONDS`, then `:MODE MODE BLOB BLOB STATUS` and the path, each ended by a zero byte.
fn parsed(list: &str) -> Vec<Version> {
    let mut versions = Vec::new();
    let mut commit = None;
    let mut parts = list.split('\0').map(|part| part.trim_start_matches('\n'));
    while let Some(part) = parts.next() {
        if let Some(change) = part.strip_prefix(':') {
            // Its path, which is known.
            let _ = parts.next();
            let words: Vec<&str> = change.split(' ').collect();
            let (Some((commit, seconds)), [_, _, _, blob, status]) =
                (commit.take(), words.as_slice())
            else {
                continue;
            };
            let blob = (*status != "D").then(|| (*blob).to_owned());
            versions.push(Version { commit, seconds, blob, is_added: *status == "A" });
        } else if let Some((hash, seconds)) = part.split_once(' ') {
            let seconds = seconds.parse().ok().filter(|_| is_hash(hash));
            commit = seconds.map(|seconds| (hash.to_owned(), seconds));
        }
    }
    versions
}

/// What the file that a commit added was called before, if it was renamed then.
fn name_before(root: &Path, commit: &str, path: &str) -> Option<String> {
    let parent = format!("{commit}^");
    let arguments = [
        "diff-tree",
        "-r",
        "-M",
        "--name-status",
        "-z",
        "--no-ext-diff",
        "--diff-filter=R",
        &parent,
        commit,
    ];
    let list = String::from_utf8(output(root, &arguments, LIST_MAX)?).ok()?;
    let mut parts = list.split('\0');
    while let (Some(_status), Some(before), Some(after)) =
        (parts.next(), parts.next(), parts.next())
    {
        if after == path {
            return Some(before.to_owned());
        }
    }
    None
}

/// `git` that answers a hash with its object, one after the other.
struct Objects {
    git: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Objects {
    fn open(root: &Path) -> Option<Self> {
        let mut command = command(root);
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut git = command.spawn().ok()?;
        let answers = BufReader::new(git.stdout.take()?);
        Some(Self { git, answers })
    }

    /// `None` when it has ended.
    fn read(&mut self, hash: &str) -> Option<Content> {
        let questions = self.git.stdin.as_mut()?;
        writeln!(questions, "{hash}").and_then(|()| questions.flush()).ok()?;
        let mut header = String::new();
        self.answers.by_ref().take(HEADER_MAX).read_line(&mut header).ok()?;
        let words: Vec<&str> = header.split_whitespace().collect();
        let size: u64 = match words.as_slice() {
            [_, "missing"] => return Some(Content::Missing),
            [_, _, size] => size.parse().ok()?,
            _ => return None,
        };
        // A new line ends it.
        let mut object = self.answers.by_ref().take(size + 1);
        if size > FILE_LIMIT {
            std::io::copy(&mut object, &mut std::io::sink()).ok()?;
            return Some(Content::TooLarge);
        }
        let mut bytes = Vec::new();
        object.read_to_end(&mut bytes).ok()?;
        let _ = bytes.pop();
        Some(match String::from_utf8(bytes) {
            Ok(text) => Content::Text(text),
            Err(error) => Content::NotText(error.utf8_error().valid_up_to()),
        })
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        // Without questions it ends.
        drop(self.git.stdin.take());
        let _ = self.git.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::{Version, parsed};

    #[test]
    fn a_list_of_commits_is_read_whatever_the_path_is() {
        let (a, b, c) = ("a".repeat(40), "b".repeat(40), "c".repeat(40));
        let zero = "0".repeat(40);
        let list = format!(
            "{a} 30\0\n:100644 000000 {c} {zero} D\0x y\nz\0{b} 20\0\n:000000 100644 {zero} {c} A\0:p\0"
        );
        let version = |commit: &str, seconds, blob: Option<&str>, is_added| Version {
            commit: commit.to_owned(),
            seconds,
            blob: blob.map(str::to_owned),
            is_added,
        };
        let expected = [version(&a, 30, None, false), version(&b, 20, Some(&c), true)];
        assert_eq!(parsed(&list), expected);
        assert_eq!(parsed(""), []);
        assert_eq!(parsed("x\0:1 2\0y z\0"), []);
    }
}
