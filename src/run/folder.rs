//! The folder of a run: `<out>/runs/<UTC>-<hash>/`, and `<out>/latest`, which names the newest.

use super::write::write_atomically;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A folder that could not be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}")]
pub struct FolderError {
    /// What could not be written.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// A run that is not there.
#[derive(Debug, thiserror::Error)]
#[error("there is no run `{}`{}", run.display(), if *is_first { ": nothing was measured yet" } else { "" })]
pub struct NoRun {
    /// As it was named.
    pub run: PathBuf,
    /// Whether there is no run at all.
    pub is_first: bool,
}

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder of a run that began at `stamp`, and names it the newest.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn create(out: &Path, stamp: &str, nonce: u64) -> Result<Self, FolderError> {
        let name = format!("{stamp}-{:08x}", nonce & 0xffff_ffff);
        let path = out.join("runs").join(&name);
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |source| FolderError { path, source }
        };
        fs::create_dir_all(&path).map_err(fail(&path))?;
        let latest = out.join("latest");
        write_atomically(&latest, format!("runs/{name}\n").as_bytes()).map_err(fail(&latest))?;
        Ok(Self(path))
    }

    /// A run named by its folder, by the folder's name below `out`, or `latest`.
    ///
    /// # Errors
    /// There is no such run.
    pub fn find(out: &Path, run: &Path) -> Result<Self, NoRun> {
        let mut candidates = vec![run.to_owned(), out.join("runs").join(run)];
        if run.as_os_str() == "latest"
            && let Ok(name) = fs::read_to_string(out.join("latest"))
        {
            candidates = vec![out.join(name.trim())];
        }
        match candidates.iter().find(|path| path.is_dir()) {
            Some(path) => Ok(Self(path.clone())),
            None => Err(NoRun { run: run.to_owned(), is_first: !out.join("runs").is_dir() }),
        }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The journal of trials.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.0.join("trials.jsonl")
    }

    /// The log of the target.
    #[must_use]
    pub fn target_log(&self) -> PathBuf {
        self.0.join("target.log")
    }

    /// The log of what the target was compared with.
    #[must_use]
    pub fn base_log(&self) -> PathBuf {
        self.0.join("target-base.log")
    }

    /// The suite as it was resolved.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.0.join("config.yml")
    }

    /// What could become the baseline, where anything could.
    #[must_use]
    pub fn candidate(&self) -> PathBuf {
        self.0.join("baseline.json")
    }

    /// The results.
    #[must_use]
    pub fn results(&self) -> PathBuf {
        self.0.join("results.json")
    }
}
