//! Writing the committed file.

use super::load::FILE_LIMIT;
use super::record::Baseline;
use super::schema::render;
use crate::run::write_atomically;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why a baseline was not written; what was there before still is.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The folder or the file cannot be written.
    #[error("cannot write the baseline `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It would be too large to be read again.
    #[error("the baseline has {bytes} bytes, at most {FILE_LIMIT} can be read again")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}

/// Writes the baseline, all of it or nothing. Its folder is made where it is missing.
///
/// # Errors
/// Says which file could not be written and why.
pub fn write(path: &Path, baseline: &Baseline) -> Result<(), WriteError> {
    let text = render(baseline);
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > FILE_LIMIT) {
        return Err(WriteError::TooLarge { bytes: text.len() });
    }
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| write_atomically(path, text.as_bytes()))
        .map_err(|source| WriteError::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::{WriteError, write};
    use crate::baseline::{Loaded, fixture, load};
    use std::fs;

    #[test]
    fn a_written_baseline_is_read_again_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("baselines/chat.json");
        write(&path, &fixture::baseline()).unwrap();
        write(&path, &fixture::baseline()).unwrap();
        assert_eq!(load(&path, "chat"), Loaded::Baseline(Box::new(fixture::baseline())));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn an_unwritable_place_is_named_and_the_old_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "old").unwrap();
        let error = write(&file.join("chat.json"), &fixture::baseline()).unwrap_err();
        assert!(error.to_string().contains("chat.json"), "{error}");
        assert!(matches!(error, WriteError::Io { .. }));
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    }
}
