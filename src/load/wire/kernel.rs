//! Reading from a TCP socket with the kernel's stamp of when the bytes arrived: however late we come
//! to read them, that does not move. Linux only; elsewhere there are no stamps.

use super::realtime::{Realtime, measure};
use std::cell::{RefCell, RefMut};
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{Interest, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;

/// Most bytes of one read.
const READ_BYTES_MAX: usize = 64 * 1024;

/// What came with one read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received {
    /// Zero at the end of the stream.
    pub(super) bytes: usize,
    /// Whether nothing was left to read.
    pub(super) is_all: bool,
    /// The kernel's stamp of the newest of the bytes, since the epoch.
    stamp: Option<Duration>,
}

/// What the connections of one worker share to read with stamps: room, so that an idle connection
/// has none of its own, and the translation of the stamps.
#[derive(Debug)]
pub(super) struct Kernel {
    room: RefCell<Box<[u8]>>,
    shared: RefCell<Shared>,
    /// The kernel begins to stamp only some time after the first socket asked: this one asks before
    /// any other, for as long as we live.
    _first: Option<TcpSocket>,
}

#[derive(Debug)]
struct Shared {
    control: Vec<u8>,
    realtime: Option<Realtime>,
}

impl Kernel {
    pub(super) fn new() -> Self {
        let realtime = measure().map(Realtime::new);
        let first = TcpSocket::new_v4().ok().filter(system::ask_for_stamps);
        Self {
            room: RefCell::new(vec![0; READ_BYTES_MAX].into_boxed_slice()),
            shared: RefCell::new(Shared { control: system::control(), realtime }),
            _first: first,
        }
    }

    /// Room for one read, which whoever reads has for himself until he is done with it.
    pub(super) fn room(&self) -> RefMut<'_, Box<[u8]>> {
        self.room.borrow_mut()
    }

    /// Asks for stamps on a connection; whether the system has them.
    pub(super) fn ask_for_stamps(&self, tcp: &TcpStream) -> bool {
        system::ask_for_stamps(tcp)
    }

    /// Steps of the clock of day that were seen.
    pub(super) fn clock_steps(&self) -> u64 {
        self.shared.borrow().realtime.as_ref().map_or(0, Realtime::steps)
    }

    /// Reads what there is, as `poll_read` of a socket does.
    pub(super) fn poll_read(
        &self,
        tcp: &TcpStream,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Received>> {
        let most = buffer.remaining().min(READ_BYTES_MAX);
        loop {
            ready!(tcp.poll_read_ready(cx))?;
            let mut shared = self.shared.borrow_mut();
            let room = buffer.initialize_unfilled_to(most);
            let mut all = None;
            let read = tcp.try_io(Interest::READABLE, || {
                let received = system::receive(tcp, room, &mut shared.control)?;
                if received.is_all && received.bytes > 0 {
                    // Taking the readiness back by this error saves the read that would only say
                    // that nothing is left; what comes from now on is told anew.
                    all = Some(received);
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(received)
            });
            let received = match (all, read) {
                (Some(received), _) | (None, Ok(received)) => received,
                (None, Err(error)) if is_to_be_repeated(&error) => continue,
                (None, Err(error)) => return Poll::Ready(Err(error)),
            };
            buffer.advance(received.bytes.min(most));
            return Poll::Ready(Ok(received));
        }
    }

    /// When `received`, read at `now`, arrived, if the kernel says so and can be believed: not before
    /// `after`.
    pub(super) fn arrival(
        &self,
        received: &Received,
        after: Instant,
        now: Instant,
    ) -> Option<Instant> {
        let stamp = received.stamp?;
        let mut shared = self.shared.borrow_mut();
        let realtime = shared.realtime.as_mut()?;
        if realtime.is_due(now)
            && let Some(reading) = measure()
        {
            realtime.measured(reading);
        }
        realtime.arrival(stamp, after, now)
    }
}

fn is_to_be_repeated(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(target_os = "linux")]
mod system {
    use super::Received;
    use nix::cmsg_space;
    use nix::sys::socket::{
        ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt::ReceiveTimestampns,
    };
    use std::io::{self, IoSliceMut};
    use std::os::fd::{AsFd, AsRawFd};
    use std::time::Duration;

    /// Room for the one thing that is told besides the bytes.
    pub(super) fn control() -> Vec<u8> {
        cmsg_space!(nix::sys::time::TimeSpec)
    }

    pub(super) fn ask_for_stamps(socket: &impl AsFd) -> bool {
        setsockopt(&socket.as_fd(), ReceiveTimestampns, &true).is_ok()
    }

    pub(super) fn receive(
        socket: &impl AsRawFd,
        room: &mut [u8],
        control: &mut [u8],
    ) -> io::Result<Received> {
        let most = room.len();
        let mut slices = [IoSliceMut::new(room)];
        let fd = socket.as_raw_fd();
        let message = recvmsg::<()>(fd, &mut slices, Some(control), MsgFlags::empty())?;
        let stamp = message.cmsgs().ok().and_then(|mut told| told.find_map(stamp));
        Ok(Received { bytes: message.bytes, is_all: message.bytes < most, stamp })
    }

    fn stamp(told: ControlMessageOwned) -> Option<Duration> {
        let ControlMessageOwned::ScmTimestampns(time) = told else { return None };
        let (seconds, nanoseconds) = (time.tv_sec().try_into(), time.tv_nsec().try_into());
        Some(Duration::new(seconds.ok()?, nanoseconds.ok()?))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::Received;
    use std::io;
    use tokio::net::TcpStream;

    pub(super) fn control() -> Vec<u8> {
        Vec::new()
    }

    pub(super) fn ask_for_stamps<T>(_: &T) -> bool {
        false
    }

    pub(super) fn receive(tcp: &TcpStream, room: &mut [u8], _: &mut [u8]) -> io::Result<Received> {
        let most = room.len();
        let bytes = tcp.try_read(room)?;
        Ok(Received { bytes, is_all: bytes < most, stamp: None })
    }
}
