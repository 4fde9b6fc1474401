//! A target's output: always drained (a full pipe stops a server), kept in a file up to a limit.

use crate::target::error::TargetError;
use crate::target::mask::Mask;
use crate::target::tail::{LastLines, Tail};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Largest log file; what comes later is dropped, and the log says so.
const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Size of one read.
const READ_BYTES: usize = 64 * 1024;
/// Longest wait for the end of the output once the target is gone: a process that survived may
/// hold the pipe.
const END_WAIT: Duration = Duration::from_millis(500);

/// Reads the output of a target until every writer is gone.
#[derive(Debug)]
pub(super) struct Drain {
    tail: Arc<Mutex<Tail>>,
    task: JoinSet<()>,
}

impl Drain {
    /// Starts to read `output` into the file `path`, behind what it holds already, through `mask`.
    pub(super) async fn start(
        output: OwnedFd,
        path: &Path,
        mask: Mask,
    ) -> Result<Self, TargetError> {
        let failed = |source| TargetError::Log { path: path.to_owned(), source };
        let output = pipe::Receiver::from_owned_fd(output).map_err(failed)?;
        let file = File::options().create(true).append(true).open(path).await.map_err(failed)?;
        let written = file.metadata().await.map_err(failed)?.len();
        let room = Room { left: LOG_BYTES_MAX.saturating_sub(written), is_full: false };
        let tail = Arc::new(Mutex::new(Tail::default()));
        let mut task = JoinSet::new();
        let kept = Kept { file: Some(file), room, tail: Arc::clone(&tail) };
        task.spawn(drain(output, mask, kept));
        Ok(Self { tail, task })
    }

    /// What the target printed last.
    pub(super) fn last_lines(&self) -> LastLines {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner).last_lines()
    }

    /// Waits until all output is read, a short time at most. May be cancelled and called again.
    pub(super) async fn finish(&mut self) {
        if let Ok(Some(Err(error))) = timeout(END_WAIT, self.task.join_next()).await {
            tracing::error!(%error, "reading the target's output failed");
        }
    }
}

async fn drain(mut output: pipe::Receiver, mut mask: Mask, mut kept: Kept) {
    let mut bytes = vec![0; READ_BYTES];
    loop {
        match output.read(&mut bytes).await {
            Ok(0) => break,
            Ok(read) => kept.keep(&mask.pass(bytes.get(..read).unwrap_or_default())).await,
            Err(error) => {
                tracing::warn!(%error, "the target's output cannot be read");
                break;
            }
        }
    }
    kept.keep(&mask.rest()).await;
}

/// Where the output goes.
struct Kept {
    file: Option<File>,
    room: Room,
    tail: Arc<Mutex<Tail>>,
}

impl Kept {
    async fn keep(&mut self, piece: &[u8]) {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner).push(piece);
        if let Some(open) = &mut self.file
            && let Err(error) = write(open, &mut self.room, piece).await
        {
            // a full disk must not stop the target: go on reading
            tracing::warn!(%error, "the target's log is cut short");
            self.file = None;
        }
    }
}

async fn write(file: &mut File, room: &mut Room, piece: &[u8]) -> io::Result<()> {
    let (kept, notice) = room.take(piece);
    file.write_all(kept).await?;
    file.write_all(notice).await?;
    file.flush().await
}

/// What still fits into the log.
#[derive(Debug)]
struct Room {
    left: u64,
    is_full: bool,
}

impl Room {
    /// The part of `piece` that fits, and what the log says when something did not: once.
    fn take<'a>(&mut self, piece: &'a [u8]) -> (&'a [u8], &'static [u8]) {
        let fits = usize::try_from(self.left).unwrap_or(usize::MAX).min(piece.len());
        let kept = piece.get(..fits).unwrap_or_default();
        self.left = self.left.saturating_sub(u64::try_from(fits).unwrap_or(u64::MAX));
        if fits == piece.len() || self.is_full {
            return (kept, b"");
        }
        self.is_full = true;
        (kept, b"\n[plimsoll: the log is full at 16 MiB; further output is dropped]\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_says_so_exactly_once() {
        let mut room = Room { left: 5, is_full: false };
        assert_eq!(room.take(b"abc"), (&b"abc"[..], &b""[..]));
        assert_eq!(room.take(b"de"), (&b"de"[..], &b""[..]));
        let (kept, notice) = room.take(b"f");
        assert_eq!(kept, b"");
        assert!(notice.starts_with(b"\n[plimsoll: the log is full"));
        assert_eq!(room.take(b"g"), (&b""[..], &b""[..]));
    }

    #[test]
    fn the_part_that_fits_is_kept() {
        let mut room = Room { left: 2, is_full: false };
        let (kept, notice) = room.take(b"abc");
        assert_eq!(kept, b"ab");
        assert!(!notice.is_empty());
    }
}
