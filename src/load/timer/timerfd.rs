//! The kernel's timer as a file that becomes readable.

use super::super::clock::Clock;
use rustix::io::{Errno, read};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A timer of the kernel.
#[derive(Debug)]
pub(in crate::load) struct TimerFd {
    file: AsyncFd<OwnedFd>,
    /// What it is armed for, by the system's monotonic clock.
    armed: Option<Duration>,
}

impl TimerFd {
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let file = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe, against types whose descriptor changes; an OwnedFd's does not"
        )]
        let file = AsyncFd::with_interest(file, Interest::READABLE)?;
        Ok(Self { file, armed: None })
    }

    pub(super) async fn wait_until(&mut self, clock: Clock, due: Duration) -> io::Result<()> {
        while clock.now() < due {
            self.arm(clock.monotonic(due))?;
            let mut ready = self.file.readable().await?;
            match read(self.file.get_ref(), &mut [0_u8; 8]) {
                Ok(_) => self.armed = None,
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn arm(&mut self, at: Duration) -> io::Result<()> {
        if self.armed == Some(at) {
            return Ok(());
        }
        // One of zero would disarm it.
        let at_least = at.max(Duration::from_nanos(1));
        let it_value = Timespec::try_from(at_least).map_err(io::Error::other)?;
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
        timerfd_settime(self.file.get_ref(), TimerfdTimerFlags::ABSTIME, &once)?;
        self.armed = Some(at);
        Ok(())
    }
}
