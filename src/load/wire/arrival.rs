//! When bytes came in.

use std::cell::Cell;
use std::time::Duration;
use tokio::time::Instant;

/// When bytes came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When they arrived, by the kernel's stamp of the read that held them; by our own clock at that
    /// read where there is none.
    pub at: Instant,
    /// How long they had waited for us when we read them; `None`: there was no stamp.
    pub lag: Option<Duration>,
}

impl Arrival {
    /// An arrival that only our own clock has seen.
    #[must_use]
    pub fn unstamped(at: Instant) -> Self {
        Self { at, lag: None }
    }
}

/// The newest read of a socket: what TLS and HTTP/2 hand on came with it.
#[derive(Debug, Default)]
pub(super) struct Newest(Cell<Option<Arrival>>);

impl Newest {
    /// The socket was read.
    pub(super) fn set(&self, arrival: Arrival) {
        self.0.set(Some(arrival));
    }

    /// Our own clock stands in for a socket that does not tell.
    pub(super) fn get(&self) -> Arrival {
        self.0.get().unwrap_or_else(|| Arrival::unstamped(Instant::now()))
    }
}
