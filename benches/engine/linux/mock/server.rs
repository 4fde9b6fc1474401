//! The loop: accept, read requests, write what is due.

use super::Mock;
use super::answer::{self, Stream};
use super::request::{self, Request};
use super::truth::Truth;
use crate::linux::clock::{SECOND_NS, now_ns};
use anyhow::Context as _;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrV4, SocketFlags, SocketType, accept_with, bind, listen, socket_with,
    sockopt,
};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

/// Tokens of what is no connection.
const LISTENER: u64 = u64::MAX;
const TIMER: u64 = u64::MAX - 1;
const INPUT: u64 = u64::MAX - 2;

/// Connections that may wait to be accepted: fewer, and a burst is held up for a second.
const BACKLOG: i32 = 4_096;
/// Chunks are written in batches this far apart; the schedule itself stays absolute.
const QUANTUM_NS: u64 = 1_000_000;
/// Longest request.
const INPUT_BYTES: usize = 64 * 1024;

/// A client.
struct Connection {
    socket: OwnedFd,
    /// What was read and does not make a request yet.
    input: Vec<u8>,
    running: Option<Running>,
}

/// A stream on its way.
#[derive(Clone, Copy)]
struct Running {
    number: u64,
    sent: usize,
    closes: bool,
}

struct Server<'a> {
    options: &'a Mock,
    epoll: OwnedFd,
    listener: OwnedFd,
    timer: OwnedFd,
    is_armed: bool,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    /// When, on which connection, for which request.
    due: BinaryHeap<Reverse<(u64, usize, u64)>>,
    plain: Vec<u8>,
    models: Vec<u8>,
    stream: Stream,
    buffer: Vec<u8>,
    truth: Truth,
}

/// Serves until standard input ends.
pub(super) fn serve(options: &Mock) -> anyhow::Result<()> {
    let mut server = Server::open(options)?;
    server.run()?;
    let summary = server.truth.finish(options.truth.as_deref())?;
    serde_json::to_writer(std::io::stdout(), &summary)?;
    Ok(())
}

impl<'a> Server<'a> {
    fn open(options: &'a Mock) -> anyhow::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let listener = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        bind(&listener, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
        // What a machine may be set to, such as BBR, holds packets back to smooth them.
        sockopt::set_tcp_congestion(&listener, "reno")?;
        listen(&listener, BACKLOG)?;
        let address = SocketAddr::try_from(rustix::net::getsockname(&listener)?)?;
        let mut out = std::io::stdout();
        writeln!(out, "{}", address.port())?;
        out.flush()?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        watch(&epoll, &listener, LISTENER)?;
        watch(&epoll, &timer, TIMER)?;
        watch(&epoll, std::io::stdin(), INPUT).context("standard input is no pipe")?;
        Ok(Self {
            options,
            epoll,
            listener,
            timer,
            is_armed: false,
            connections: Vec::new(),
            free: Vec::new(),
            due: BinaryHeap::new(),
            plain: answer::plain(),
            models: answer::models(),
            stream: answer::stream(options.chunks),
            buffer: vec![0; INPUT_BYTES],
            truth: Truth::new(options.truth.is_some())?,
        })
    }

    fn run(&mut self) -> anyhow::Result<()> {
        let mut events = Vec::with_capacity(256);
        loop {
            self.arm()?;
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in events.drain(..) {
                match event.data.u64() {
                    LISTENER => self.accept()?,
                    TIMER => {}
                    INPUT => return Ok(()),
                    slot => self.readable(usize::try_from(slot)?)?,
                }
            }
            self.write_due();
        }
    }

    /// Arms the timer for the next chunk. Setting it also clears that it has fired.
    fn arm(&mut self) -> Result<(), Errno> {
        let next = self.due.peek().map(|Reverse((due, ..))| *due);
        if next.is_none() && !self.is_armed {
            return Ok(());
        }
        self.is_armed = next.is_some();
        let at = next.map_or(0, |next| next.max(now_ns() + QUANTUM_NS));
        let part = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let it_value = Timespec { tv_sec: part(at / SECOND_NS), tv_nsec: part(at % SECOND_NS) };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Itimerspec { it_interval, it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &value).map(|_| ())
    }

    fn accept(&mut self) -> anyhow::Result<()> {
        loop {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let socket = match accept_with(&self.listener, flags) {
                Ok(socket) => socket,
                Err(Errno::AGAIN | Errno::CONNABORTED) => return Ok(()),
                Err(error) => return Err(error).context("no further connection"),
            };
            sockopt::set_tcp_nodelay(&socket, true)?;
            let slot = self.free.pop().unwrap_or(self.connections.len());
            watch(&self.epoll, &socket, u64::try_from(slot)?)?;
            let connection = Connection { socket, input: Vec::new(), running: None };
            if slot == self.connections.len() {
                self.connections.push(None);
            }
            if let Some(place) = self.connections.get_mut(slot) {
                *place = Some(connection);
            }
            self.truth.summary.connections += 1;
        }
    }

    fn readable(&mut self, slot: usize) -> anyhow::Result<()> {
        let Some(Some(connection)) = self.connections.get_mut(slot) else { return Ok(()) };
        let count = match rustix::io::read(&connection.socket, &mut self.buffer) {
            Ok(count) if count > 0 => count,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
            Ok(_) | Err(_) => {
                self.close(slot);
                return Ok(());
            }
        };
        let fresh = self.buffer.get(..count).unwrap_or_default();
        // Nearly always the request came in one piece, and nothing needs to be copied.
        let held = std::mem::take(&mut connection.input);
        let joined = if held.is_empty() { None } else { Some([held.as_slice(), fresh].concat()) };
        let input = joined.as_deref().unwrap_or(fresh);
        let Some(request) = request::parse(input) else {
            anyhow::ensure!(input.len() < INPUT_BYTES, "a request of over {INPUT_BYTES} bytes");
            connection.input = input.to_vec();
            return Ok(());
        };
        connection.input = input.get(request.length..).unwrap_or_default().to_vec();
        let Request { is_post, closes, id, .. } = request;
        if self.options.chunks > 0 && is_post {
            let (now, number) = self.truth.received(id, self.options.chunks);
            connection.running = Some(Running { number, sent: 0, closes });
            let gap = self.options.gap_us * 1_000;
            let spread = if self.options.spread { phase(number, gap) } else { 0 };
            let due = now + self.options.delay_us * 1_000 + spread;
            self.due.push(Reverse((due, slot, number)));
            self.write(slot, |server| &server.stream.head);
        } else if self.options.chunks > 0 {
            self.write(slot, |server| &server.models);
        } else {
            self.truth.received(id, 0);
            self.write(slot, |server| &server.plain);
            if closes {
                self.close(slot);
            }
        }
        Ok(())
    }

    /// Writes every chunk that is due, each on its own.
    fn write_due(&mut self) {
        let now = now_ns();
        while let Some(Reverse((due, slot, number))) = self.due.peek().copied() {
            if due > now {
                return;
            }
            self.due.pop();
            let running = self.connections.get(slot).and_then(|at| at.as_ref()?.running);
            let Some(Running { sent, closes, .. }) = running.filter(|run| run.number == number)
            else {
                continue;
            };
            if sent < self.options.chunks {
                let began = now_ns();
                if self.write(slot, |server| &server.stream.chunk) {
                    self.truth.sent(number, due, began);
                    self.due.push(Reverse((due + self.options.gap_us * 1_000, slot, number)));
                    self.running(slot, Some(Running { number, sent: sent + 1, closes }));
                }
            } else if self.write(slot, |server| &server.stream.tail) {
                self.running(slot, None);
                if closes {
                    self.close(slot);
                }
            }
        }
    }

    fn running(&mut self, slot: usize, running: Option<Running>) {
        if let Some(Some(connection)) = self.connections.get_mut(slot) {
            connection.running = running;
        }
    }

    /// Writes all of it at once, or hangs up; whether it was written.
    fn write(&mut self, slot: usize, bytes: impl Fn(&Self) -> &[u8]) -> bool {
        let Some(Some(connection)) = self.connections.get(slot) else { return false };
        let bytes = bytes(self);
        match rustix::io::write(&connection.socket, bytes) {
            Ok(written) if written == bytes.len() => return true,
            Err(Errno::PIPE | Errno::CONNRESET) => {}
            Ok(_) | Err(_) => self.truth.summary.blocked += 1,
        }
        self.close(slot);
        false
    }

    fn close(&mut self, slot: usize) {
        if self.connections.get_mut(slot).and_then(Option::take).is_some() {
            self.free.push(slot);
        }
    }
}

fn watch(epoll: &OwnedFd, source: impl AsFd, token: u64) -> Result<(), Errno> {
    epoll::add(epoll, source, EventData::new_u64(token), EventFlags::IN)
}

/// A part of `gap`, another for each `number`: multiples of the golden ratio are spread evenly,
/// however many there are.
fn phase(number: u64, gap: u64) -> u64 {
    let turn = number.wrapping_mul(0x9E37_79B9) % (1 << 32);
    (turn * (gap >> 8)) >> 24
}
