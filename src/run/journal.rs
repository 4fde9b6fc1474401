//! What survives everything: one line per trial, appended and synced before anyone reasons about it.

use super::RunError;
use crate::trial::{TrialReport, TrialResult};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Where trials are kept.
pub trait Journal {
    /// Keeps a trial for good.
    ///
    /// # Errors
    /// It could not be written: disk full, folder gone.
    fn append(&mut self, trial: &TrialReport) -> Result<(), RunError>;
}

/// Keeps nothing: for simulations.
#[derive(Debug, Clone, Copy)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn append(&mut self, _: &TrialReport) -> Result<(), RunError> {
        Ok(())
    }
}

/// Name and version of the format.
const SCHEMA: &str = "plimsoll.journal/1";
/// Larger journals are not read: a trial is some kilobytes, and a run has tens of them.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The first line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Name and version of the format.
    pub schema: String,
    /// Name of the suite.
    pub suite: String,
    /// Path of the suite file as given.
    pub file: String,
    /// Start of the run, RFC 3339 UTC.
    pub started: String,
}

/// Every further line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Name of the check.
    pub check: String,
    /// The trial.
    pub trial: TrialResult,
}

/// `trials.jsonl` of a run.
#[derive(Debug)]
pub struct JournalFile {
    file: File,
    path: PathBuf,
}

impl JournalFile {
    /// Begins the journal of a run.
    ///
    /// # Errors
    /// It could not be written.
    pub fn create(path: &Path, suite: &str, file: &str, started: &str) -> Result<Self, RunError> {
        let fail = |source| RunError::Journal { path: path.to_owned(), source };
        let header = Header {
            schema: SCHEMA.to_owned(),
            suite: suite.to_owned(),
            file: file.to_owned(),
            started: started.to_owned(),
        };
        let mut journal =
            Self { file: File::create_new(path).map_err(fail)?, path: path.to_owned() };
        journal.write(&header).map_err(fail)?;
        Ok(journal)
    }

    /// One write a line, so that a kill leaves at most one torn line, at the end.
    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.file.write_all(&bytes)?;
        self.file.sync_data()
    }
}

impl Journal for JournalFile {
    fn append(&mut self, trial: &TrialReport) -> Result<(), RunError> {
        let entry = Entry { check: trial.plan.check.clone(), trial: TrialResult::from(trial) };
        self.write(&entry).map_err(|source| RunError::Journal { path: self.path.clone(), source })
    }
}

/// Reads a journal, however its run ended. A torn last line is left out; a torn line before the last
/// is an error, because then something else went wrong.
///
/// # Errors
/// It is missing, too large, of another version, or broken before its end.
pub fn read(path: &Path) -> io::Result<(Header, Vec<Entry>)> {
    let invalid = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
    if std::fs::metadata(path)?.len() > BYTES_MAX {
        return Err(invalid(format!("larger than {BYTES_MAX} bytes")));
    }
    // Bytes: a torn line may end inside a character.
    let bytes = std::fs::read(path)?;
    let mut lines =
        bytes.split_inclusive(|&byte| byte == b'\n').filter(|l| l.ends_with(b"\n")).enumerate();
    let (_, first) = lines.next().ok_or_else(|| invalid("it is empty".to_owned()))?;
    let header: Header = serde_json::from_slice(first)?;
    if header.schema != SCHEMA {
        return Err(invalid(format!(
            "its format is `{}`, this version reads `{SCHEMA}`",
            header.schema
        )));
    }
    let entries = lines
        .map(|(number, line)| {
            serde_json::from_slice(line)
                .map_err(|error| invalid(format!("line {}: {error}", number + 1)))
        })
        .collect::<io::Result<Vec<Entry>>>()?;
    Ok((header, entries))
}
