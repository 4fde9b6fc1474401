//! From a path to a [`Plan`]: the one file of this module that reads another.

use super::environment::Lookup;
use super::plan::Plan;
use super::validate::{Invalid, read_with};
use super::yaml::BYTES_MAX;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Why there is no plan; with the path as given. All of these are exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no such file.
    #[error("there is no `{}`", .0.display())]
    Missing(PathBuf),
    /// It cannot be read; with what the system said.
    #[error("`{}` cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// It is larger than any suite.
    #[error("`{}` is larger than {BYTES_MAX} bytes", .0.display())]
    TooLarge(PathBuf),
    /// It is not text; with the offset of the first wrong byte.
    #[error("`{}` is not UTF-8: byte {} is wrong", .0.display(), .1)]
    NotText(PathBuf, usize),
    /// It is no suite that can be run.
    #[error(transparent)]
    Invalid(#[from] Box<Invalid>),
}

impl LoadError {
    /// What would be right, if that is not said by the problems themselves.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing { .. } => {
                Some("run `plimsoll init` to write one, or name another with `--config`")
            }
            Self::Unreadable { .. } => Some("check that it is a file and may be read"),
            Self::TooLarge { .. } | Self::NotText { .. } => Some("a suite is a short YAML text"),
            Self::Invalid(_) => None,
        }
    }
}

/// Reads and checks the suite at `path`, `sets` (`PATH=VALUE`) laid over it; `lookup` answers for
/// the environment ([`super::environment::process`] in the program).
///
/// # Errors
/// [`LoadError`]; of a suite that is read, all problems at once.
pub fn load(path: &Path, sets: &[String], lookup: Lookup<'_>) -> Result<Plan, LoadError> {
    let unreadable = |error: io::Error| {
        if error.kind() == io::ErrorKind::NotFound {
            LoadError::Missing(path.to_owned())
        } else {
            LoadError::Unreadable(path.to_owned(), error)
        }
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // One byte more than allowed, so that a device that never ends is noticed too.
    let most = u64::try_from(BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > BYTES_MAX {
        return Err(LoadError::TooLarge(path.to_owned()));
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| LoadError::NotText(path.to_owned(), error.valid_up_to()))?;
    Ok(read_with(path, text, sets, lookup, &named)?)
}

/// Checks a suite that is in no file; the files that it names count from the working directory. `name`
/// is what messages call it.
///
/// # Errors
/// All problems at once.
pub fn load_text(name: &Path, text: &str, lookup: Lookup<'_>) -> Result<Plan, Box<Invalid>> {
    read_with(name, text, &[], lookup, &named)
}

/// Most bytes of a file that a suite names: the roots of a whole system are a quarter of it.
const NAMED_BYTES_MAX: u64 = 1 << 20;

/// The bytes of a file that the suite names.
fn named(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take(NAMED_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    let fits = u64::try_from(read).is_ok_and(|read| read <= NAMED_BYTES_MAX);
    if fits { Ok(bytes) } else { Err(format!("it is larger than {NAMED_BYTES_MAX} bytes")) }
}

#[cfg(test)]
mod tests {
    use super::{LoadError, load};
    use std::path::Path;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn a_missing_file_says_how_to_get_one() {
        let error = load(Path::new("/nowhere/plimsoll.yml"), &[], &nothing).unwrap_err();
        assert!(matches!(error, LoadError::Missing { .. }));
        assert!(error.hint().unwrap().contains("plimsoll init"));
        assert!(error.to_string().contains("/nowhere/plimsoll.yml"));
    }

    #[test]
    fn what_is_no_text_or_too_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plimsoll.yml");
        assert!(matches!(load(folder.path(), &[], &nothing), Err(LoadError::Unreadable { .. })));
        std::fs::write(&path, b"suite: \xff\n").unwrap();
        assert!(matches!(load(&path, &[], &nothing), Err(LoadError::NotText(_, 7))));
        std::fs::write(&path, vec![b'#'; super::BYTES_MAX + 1]).unwrap();
        assert!(matches!(load(&path, &[], &nothing), Err(LoadError::TooLarge { .. })));
        std::fs::write(&path, "suite: x\n").unwrap();
        assert!(matches!(load(&path, &[], &nothing), Err(LoadError::Invalid(_))));
    }
}
