//! Reading the committed file.

use super::record::Baseline;
use super::schema::{SCHEMA, parse};
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

/// Largest file that is read: a thousand checks fit; what is larger is not ours.
pub const FILE_LIMIT: u64 = 4 * 1024 * 1024;

/// What was found where the baseline should be. Only `Missing` may ever be forgiven: a file that is
/// there and says nothing is an error whatever the suite allows.
#[derive(Debug, Clone, PartialEq)]
pub enum Loaded {
    /// There is no file.
    Missing,
    /// A file without anything to compare with.
    Empty {
        /// What is empty.
        what: String,
    },
    /// A file that cannot be read.
    Corrupt(Defect),
    /// A file of another format or version.
    UnknownSchema {
        /// The schema that it names, if any.
        found: Option<String>,
    },
    /// A baseline.
    Baseline(Box<Baseline>),
}

impl Loaded {
    /// Why the file cannot be used, as one sentence; `None` when it is missing or good.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Missing | Self::Baseline(_) => None,
            Self::Empty { what } => Some(format!("the baseline is empty: {what}")),
            Self::Corrupt(defect) => Some(format!("the baseline cannot be read: {defect}")),
            Self::UnknownSchema { found: None } => {
                Some(format!("the baseline names no schema; this version reads `{SCHEMA}`"))
            }
            Self::UnknownSchema { found: Some(found) } => Some(format!(
                "the baseline has the schema `{found}`; this version reads `{SCHEMA}`"
            )),
        }
    }

    /// The baseline, if there is a good one.
    #[must_use]
    pub fn baseline(&self) -> Option<&Baseline> {
        match self {
            Self::Baseline(baseline) => Some(baseline),
            Self::Missing | Self::Empty { .. } | Self::Corrupt(_) | Self::UnknownSchema { .. } => {
                None
            }
        }
    }
}

/// Why a file that is there cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// It is a folder.
    #[error("it is a folder, not a file")]
    Folder,
    /// The system refused.
    #[error("{message}")]
    Unreadable {
        /// What the system said.
        message: String,
    },
    /// It is larger than [`FILE_LIMIT`].
    #[error("it is larger than {FILE_LIMIT} bytes")]
    TooLarge,
    /// It is not UTF-8.
    #[error("byte {offset} is not text")]
    NotText {
        /// Offset of the first byte that is not UTF-8.
        offset: usize,
    },
    /// It is not JSON, or not of the schema's shape.
    #[error("line {line} column {column}{}: {message}", at(path.as_deref()))]
    Json {
        /// Line, 1-based.
        line: usize,
        /// Column, 1-based.
        column: usize,
        /// Keys that lead to the place, where they are known.
        path: Option<String>,
        /// What is wrong.
        message: String,
    },
    /// A value is impossible.
    #[error("`{path}` {wrong}")]
    Value {
        /// Keys that lead to the place.
        path: String,
        /// What is wrong.
        wrong: &'static str,
    },
    /// It belongs to another suite.
    #[error("it is the baseline of the suite `{found}`, not of `{expected}`")]
    OtherSuite {
        /// The suite that it names.
        found: String,
        /// The suite that was asked for.
        expected: String,
    },
}

impl Defect {
    pub(super) fn value(path: &str, wrong: &'static str) -> Self {
        Self::Value { path: path.to_owned(), wrong }
    }
}

fn at(path: Option<&str>) -> String {
    path.filter(|path| *path != ".").map(|path| format!(" (`{path}`)")).unwrap_or_default()
}

/// Reads the baseline of a suite.
#[must_use]
pub fn load(path: &Path, suite: &str) -> Loaded {
    let text = match read(path) {
        Ok(Some(text)) => text,
        Ok(None) => return Loaded::Missing,
        Err(defect) => return Loaded::Corrupt(defect),
    };
    let loaded = parse(&text);
    match loaded.baseline() {
        Some(baseline) if baseline.suite != suite => {
            let (found, expected) = (baseline.suite.clone(), suite.to_owned());
            Loaded::Corrupt(Defect::OtherSuite { found, expected })
        }
        Some(_) | None => loaded,
    }
}

/// `None`: there is no file.
fn read(path: &Path) -> Result<Option<String>, Defect> {
    // A broken link is not a missing baseline: something was meant to be there.
    if path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Ok(None);
    }
    let unreadable = |error: std::io::Error| Defect::Unreadable { message: error.to_string() };
    let metadata = path.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(Defect::Folder);
    }
    if !metadata.is_file() {
        return Err(Defect::Unreadable { message: "it is not a regular file".to_owned() });
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    let read = file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(read).is_ok_and(|read| read > FILE_LIMIT) {
        return Err(Defect::TooLarge);
    }
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|error| Defect::NotText { offset: error.utf8_error().valid_up_to() })
}

#[cfg(test)]
mod tests {
    use super::{Defect, FILE_LIMIT, Loaded, load};
    use crate::baseline::{fixture, render};
    use std::fs;

    #[test]
    fn each_way_of_being_unusable_has_its_own_state() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.json");
        assert_eq!(load(&path, "chat"), Loaded::Missing);
        assert_eq!(load(folder.path(), "chat"), Loaded::Corrupt(Defect::Folder));

        let state = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            load(&path, "chat")
        };
        assert!(matches!(state(b""), Loaded::Empty { .. }));
        assert!(matches!(state(b"{}\n"), Loaded::Empty { .. }));
        assert!(matches!(state(b"{\"a\":"), Loaded::Corrupt(Defect::Json { line: 1, .. })));
        assert_eq!(state(b"ab\xff"), Loaded::Corrupt(Defect::NotText { offset: 2 }));
        let large = vec![b' '; usize::try_from(FILE_LIMIT).unwrap() + 1];
        assert_eq!(state(&large), Loaded::Corrupt(Defect::TooLarge));

        let good = render(&fixture::baseline());
        assert!(matches!(state(good.as_bytes()), Loaded::Baseline(_)));
        assert_eq!(load(&path, "chat").problem(), None);
        let other = Defect::OtherSuite { found: "chat".into(), expected: "batch".into() };
        assert_eq!(load(&path, "batch"), Loaded::Corrupt(other));
    }

    #[cfg(unix)]
    #[test]
    fn a_broken_link_is_not_a_missing_baseline() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.json");
        std::os::unix::fs::symlink(folder.path().join("gone"), &path).unwrap();
        assert!(matches!(load(&path, "chat"), Loaded::Corrupt(Defect::Unreadable { .. })));
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_not_a_missing_baseline() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("baselines");
        fs::write(&file, "").unwrap();
        let loaded = load(&file.join("chat.json"), "chat");
        assert!(matches!(loaded, Loaded::Corrupt(Defect::Unreadable { .. })), "{loaded:?}");
        assert!(loaded.problem().unwrap().starts_with("the baseline cannot be read: "));
    }
}
