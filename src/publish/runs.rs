//! Runs that were fetched from somewhere else: only their `results.json` is read, and nothing in it is
//! trusted to be small, shallow or ours.

use crate::report::{ReadError, Results};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// What a folder of runs may hold: files, bytes in all, levels.
const FILES_MAX: usize = 200;
const BYTES_MAX: u64 = 20 << 20;
const LEVELS_MAX: usize = 4;
/// Largest `results.json`, and its deepest nesting.
const RESULTS_MAX: u64 = 5 << 20;
const DEPTH_MAX: usize = 32;

/// Why runs are refused.
#[derive(Debug, thiserror::Error)]
pub enum RunsError {
    /// The system refused.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Links lead anywhere.
    #[error("`{}` is neither a file nor a folder", path.display())]
    Strange {
        /// The entry.
        path: PathBuf,
    },
    /// More than a run has.
    #[error("`{}` holds too much: {what}", path.display())]
    TooMuch {
        /// The folder or file.
        path: PathBuf,
        /// More of what.
        what: String,
    },
    /// No `results.json` anywhere.
    #[error("there is no run below `{}`", path.display())]
    None {
        /// The folder.
        path: PathBuf,
    },
    /// A `results.json` that is none.
    #[error("cannot use `{}`", path.display())]
    Results {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        #[source]
        source: ReadError,
    },
}

/// Every `results.json` below a folder, in the order of their paths.
///
/// # Errors
/// There is none, or one that cannot be used, or more than a run has.
pub fn read_runs(folder: &Path) -> Result<Vec<Results>, RunsError> {
    let mut walk = Walk { files: Vec::new(), bytes: 0 };
    walk.enter(folder, 0)?;
    let Walk { mut files, .. } = walk;
    files.retain(|file| file.file_name().is_some_and(|name| name == "results.json"));
    files.sort();
    if files.is_empty() {
        return Err(RunsError::None { path: folder.to_owned() });
    }
    files.iter().map(|file| read(file)).collect()
}

struct Walk {
    files: Vec<PathBuf>,
    bytes: u64,
}

impl Walk {
    fn enter(&mut self, folder: &Path, level: usize) -> Result<(), RunsError> {
        let io = |source| RunsError::Io { path: folder.to_owned(), source };
        let too_much = |what: String| RunsError::TooMuch { path: folder.to_owned(), what };
        if level > LEVELS_MAX {
            return Err(too_much(format!("more than {LEVELS_MAX} levels of folders")));
        }
        for entry in fs::read_dir(folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let file = fs::symlink_metadata(&path).map_err(io)?;
            if file.is_dir() {
                self.enter(&path, level + 1)?;
            } else if file.is_file() {
                self.bytes += file.len();
                self.files.push(path);
            } else {
                return Err(RunsError::Strange { path });
            }
            if self.files.len() > FILES_MAX {
                return Err(too_much(format!("more than {FILES_MAX} files")));
            }
            if self.bytes > BYTES_MAX {
                return Err(too_much(format!("more than {} MiB", BYTES_MAX >> 20)));
            }
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Results, RunsError> {
    let too_much = |what: String| RunsError::TooMuch { path: path.to_owned(), what };
    let mut text = String::new();
    let file = File::open(path);
    file.and_then(|file| file.take(RESULTS_MAX + 1).read_to_string(&mut text))
        .map_err(|source| RunsError::Io { path: path.to_owned(), source })?;
    if text.len() as u64 > RESULTS_MAX {
        return Err(too_much(format!("more than {} MiB", RESULTS_MAX >> 20)));
    }
    if depth(&text) > DEPTH_MAX {
        return Err(too_much(format!("more than {DEPTH_MAX} levels")));
    }
    Results::from_json(&text).map_err(|source| RunsError::Results { path: path.to_owned(), source })
}

/// How deep brackets are nested, whether or not the rest is JSON.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > deepest {
            deepest = depth;
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::{RunsError, depth, read_runs};
    use std::fs;

    #[test]
    fn a_folder_without_a_run_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("report.md"), "# pass").unwrap();
        assert!(matches!(read_runs(folder.path()), Err(RunsError::None { .. })));
        assert!(matches!(read_runs(&folder.path().join("x")), Err(RunsError::Io { .. })));
    }

    #[test]
    fn a_link_is_refused_wherever_it_leads() {
        let folder = tempfile::tempdir().unwrap();
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::os::unix::fs::symlink(secret.path(), folder.path().join("results.json")).unwrap();
        assert!(matches!(read_runs(folder.path()), Err(RunsError::Strange { .. })));
    }

    #[test]
    fn what_no_run_is_is_refused_by_what_is_too_much() {
        let refusal = |make: &dyn Fn(&std::path::Path)| {
            let folder = tempfile::tempdir().unwrap();
            make(folder.path());
            read_runs(folder.path()).unwrap_err().to_string()
        };
        let text = refusal(&|folder| {
            for n in 0..=200 {
                fs::write(folder.join(n.to_string()), "").unwrap();
            }
        });
        assert!(text.contains("200 files"), "{text}");
        let text = refusal(&|folder| fs::create_dir_all(folder.join("a/b/c/d/e")).unwrap());
        assert!(text.contains("4 levels"), "{text}");
        let text = refusal(&|folder| fs::write(folder.join("a"), vec![0; 21 << 20]).unwrap());
        assert!(text.contains("20 MiB"), "{text}");
        let text = refusal(&|folder| {
            fs::write(folder.join("results.json"), "[".repeat(40)).unwrap();
        });
        assert!(text.contains("32 levels"), "{text}");
        let text = refusal(&|folder| {
            fs::write(folder.join("results.json"), " ".repeat(6 << 20)).unwrap();
        });
        assert!(text.contains("5 MiB"), "{text}");
    }

    #[test]
    fn a_number_that_is_none_and_a_wrong_type_are_refused() {
        for json in
            ["{\"schema\": 1}", "{\"schema\": \"plimsoll.results/1\", \"seconds\": 1e999}", "null"]
        {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("results.json"), json).unwrap();
            assert!(matches!(read_runs(folder.path()), Err(RunsError::Results { .. })), "{json}");
        }
    }

    #[test]
    fn brackets_in_text_are_not_depth() {
        assert_eq!(depth(r#"{"a": "[[[\"[", "b": [[]]}"#), 3);
    }
}
