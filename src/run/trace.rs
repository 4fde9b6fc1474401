//! A line of JSON for each request of a trial, on disk while the trial runs.

use super::clock;
use crate::load::TraceRows;
use crate::trial::Load;
use serde::Serialize;
use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Version of the format.
const VERSION: u32 = 1;
/// Bytes after which whole lines are handed to the system: a batch is never held a second time.
const WRITTEN_AT_ONCE: usize = 1 << 18;
/// Bytes that must fit before a trial is begun.
const ROOM_BYTES: usize = 1 << 12;

/// Why there is no trace, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be written at all.
    #[error("cannot write the trace {}", path.display())]
    Create {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It could not be written to its end. Its lines are whole.
    #[error("the trace {} ends after {rows} requests", path.display())]
    Cut {
        /// Its path.
        path: PathBuf,
        /// Requests that are in it.
        rows: u64,
        /// What the system said.
        source: io::Error,
    },
}

/// What the first line says of the trial.
#[derive(Debug, Clone)]
pub struct TraceHead {
    /// Where the target is, as far as it may be shown; empty: a suite says it.
    pub target: Vec<String>,
    /// How much load.
    pub load: Load,
}

/// The first line.
#[derive(Serialize)]
struct Head<'a> {
    trace: u32,
    start_monotonic_ns: u64,
    start: String,
    target: &'a [String],
    load: LoadLine,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum LoadLine {
    /// Sessions per second.
    Rate(f64),
    /// Sessions in flight.
    Concurrency(u32),
}

/// The file of a trace. It holds whole lines at any time.
#[derive(Debug)]
pub struct TraceFile {
    file: File,
    path: PathBuf,
    head: TraceHead,
    /// Whether it can be cut: a pipe or a device cannot.
    is_regular: bool,
    /// Bytes of whole lines.
    length: u64,
    rows: u64,
    error: Option<io::Error>,
}

impl TraceFile {
    /// Opens the file; what it held is gone.
    ///
    /// # Errors
    /// It cannot be written, or there is no room for even its first lines.
    pub fn create(path: &Path, head: TraceHead) -> Result<Self, TraceError> {
        let fail = |source| TraceError::Create { path: path.to_owned(), source };
        let mut file = File::create(path).map_err(fail)?;
        let is_regular = file.metadata().is_ok_and(|data| data.is_file());
        if is_regular {
            file.write_all(&[b' '; ROOM_BYTES])
                .and_then(|()| file.sync_data())
                .and_then(|()| file.set_len(0))
                .and_then(|()| file.rewind())
                .map_err(fail)?;
        }
        Ok(Self { file, path: path.to_owned(), head, is_regular, length: 0, rows: 0, error: None })
    }

    /// Adds the requests that have ended, before them the first line. After an error nothing more is
    /// written: [`TraceFile::finish`] tells it.
    pub fn write(&mut self, batch: &TraceRows) {
        if self.error.is_none()
            && let Err(error) = self.try_write(batch)
        {
            if self.is_regular {
                // A line that did not fit whole is no line.
                let _ = self.file.set_len(self.length);
            }
            self.error = Some(error);
        }
    }

    /// Closes the file.
    ///
    /// # Errors
    /// The first one that was met.
    pub fn finish(mut self) -> Result<(), TraceError> {
        match self.error.take() {
            None => Ok(()),
            Some(source) => Err(TraceError::Cut { path: self.path, rows: self.rows, source }),
        }
    }

    fn try_write(&mut self, batch: &TraceRows) -> io::Result<()> {
        let (mut lines, mut rows) = (Vec::new(), 0);
        if self.length == 0 {
            line(&mut lines, &self.head(batch.start_monotonic))?;
        }
        for row in &batch.rows {
            line(&mut lines, row)?;
            rows += 1;
            if lines.len() >= WRITTEN_AT_ONCE {
                self.put(&mut lines, &mut rows)?;
            }
        }
        self.put(&mut lines, &mut rows)
    }

    fn put(&mut self, lines: &mut Vec<u8>, rows: &mut u64) -> io::Result<()> {
        self.file.write_all(lines)?;
        self.length += lines.len() as u64;
        self.rows += std::mem::take(rows);
        lines.clear();
        Ok(())
    }

    fn head(&self, start: Duration) -> Head<'_> {
        Head {
            trace: VERSION,
            start_monotonic_ns: u64::try_from(start.as_nanos()).unwrap_or(u64::MAX),
            start: clock::rfc3339_micros(clock::at_monotonic(start)),
            target: &self.head.target,
            load: match self.head.load {
                Load::Open { rate, .. } => LoadLine::Rate(rate.as_per_second()),
                Load::Closed { concurrency } => LoadLine::Concurrency(concurrency.get()),
            },
        }
    }
}

fn line(lines: &mut Vec<u8>, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *lines, value)?;
    lines.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{TraceFile, TraceHead};
    use crate::load::TraceRows;
    use crate::trial::{Load, Outcome, TraceRow};
    use std::num::NonZeroU32;
    use std::path::Path;
    use std::time::Duration;

    fn head() -> TraceHead {
        let load = Load::Closed { concurrency: NonZeroU32::MIN };
        TraceHead { target: vec!["http://a".to_owned()], load }
    }

    fn batch(rows: u64) -> TraceRows {
        let row = |session| TraceRow {
            session,
            turn: 0,
            measured: true,
            outcome: Outcome::Ok,
            intended_ns: 5,
            written_ns: Some(6),
            first_byte_ns: None,
            ended_ns: 7,
            connect_ns: 0,
            chunks_ns: vec![6, 7],
            tokens: None,
            reconnects: 0,
        };
        let start_monotonic = Duration::from_nanos(1_234);
        TraceRows { start_monotonic, rows: (0..rows).map(row).collect() }
    }

    #[test]
    fn the_first_line_is_the_trial_and_each_further_one_a_request() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace");
        std::fs::write(&path, "what was there before, and is longer").unwrap();
        let mut trace = TraceFile::create(&path, head()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        // Larger than what is handed over at once.
        for rows in [1, 3_000, 2] {
            trace.write(&batch(rows));
            assert!(std::fs::read(&path).unwrap().ends_with(b"}\n"));
        }
        trace.finish().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3_004);
        assert_eq!(
            (&lines[0]["trace"], &lines[0]["start_monotonic_ns"]),
            (&1.into(), &1_234.into())
        );
        assert_eq!(
            (&lines[0]["load"]["concurrency"], &lines[0]["target"][0]),
            (&1.into(), &"http://a".into())
        );
        assert!(lines[0]["start"].as_str().unwrap().ends_with('Z'));
        assert_eq!((&lines[1]["outcome"], &lines[1]["chunks_ns"][1]), (&"ok".into(), &7.into()));
    }

    #[test]
    fn a_file_that_cannot_be_written_is_refused_and_a_full_one_is_told_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path(), &folder.path().join("none/trace")] {
            let error = TraceFile::create(path, head()).unwrap_err().to_string();
            assert!(error.contains("cannot write the trace"), "{error}");
        }
        if Path::new("/dev/full").exists() {
            let mut trace = TraceFile::create(Path::new("/dev/full"), head()).unwrap();
            trace.write(&batch(2));
            trace.write(&batch(2));
            let error = trace.finish().unwrap_err().to_string();
            assert_eq!(error, "the trace /dev/full ends after 0 requests");
        }
    }
}
