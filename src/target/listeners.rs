//! Who listens on a port: the target, or a stranger.

use crate::target::descendants::Process;
use std::net::SocketAddr;

/// Whether the listener was seen to be the target's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortOwner {
    /// A process of the target holds the listening socket.
    Verified,
    /// The system did not let us see who holds it.
    Unverified,
}

/// Who answers on the loopback's port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Listener {
    /// A descendant of the guard.
    Ours,
    /// Somebody else; named where the system tells.
    Stranger(Option<Process>),
    /// The system does not tell.
    Unknown,
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::*;

    pub(in crate::target) fn listener(_port: u16, _guard: i32) -> Listener {
        Listener::Unknown
    }

    pub(in crate::target) fn holder(_port: u16) -> Option<Process> {
        None
    }

    pub(in crate::target) fn addresses_of(_guard: i32) -> Vec<SocketAddr> {
        Vec::new()
    }
}

#[cfg(target_os = "linux")]
mod system {
    use super::*;
    use crate::target::descendants::descendants;
    use crate::target::tail::readable;
    use procfs::net::TcpState;
    use procfs::process::FDTarget;
    use procfs::{ProcError, ProcResult};
    use std::collections::HashSet;
    use std::net::IpAddr;

    /// A listening socket.
    struct Socket {
        address: SocketAddr,
        inode: u64,
    }

    /// Who answers on the loopback's `port`, seen from the guard's descendants.
    pub(in crate::target) fn listener(port: u16, guard: i32) -> Listener {
        let (Ok(sockets), Ok(processes)) = (answering(port), descendants(guard)) else {
            return Listener::Unknown;
        };
        if sockets.is_empty() {
            return Listener::Unknown; // answered from outside of what we can see
        }
        let mut missing: HashSet<u64> = sockets.iter().map(|socket| socket.inode).collect();
        let mut is_hidden = false;
        for process in &processes {
            match inodes(process.pid) {
                Ok(held) => missing.retain(|inode| !held.contains(inode)),
                Err(ProcError::NotFound(_)) => {} // ended while we looked
                Err(_) => is_hidden = true,
            }
        }
        match (missing.is_empty(), is_hidden) {
            (true, _) => Listener::Ours,
            (false, true) => Listener::Unknown,
            (false, false) => Listener::Stranger(holder_of(&missing)),
        }
    }

    /// The process that holds a listener on the loopback's `port`, if the system tells.
    pub(in crate::target) fn holder(port: u16) -> Option<Process> {
        let sockets = answering(port).ok()?;
        holder_of(&sockets.iter().map(|socket| socket.inode).collect())
    }

    /// Every address that a descendant of the guard listens on, sorted.
    pub(in crate::target) fn addresses_of(guard: i32) -> Vec<SocketAddr> {
        let (Ok(sockets), Ok(processes)) = (listening(), descendants(guard)) else {
            return Vec::new();
        };
        let held: HashSet<u64> =
            processes.iter().filter_map(|process| inodes(process.pid).ok()).flatten().collect();
        let mut addresses: Vec<_> =
            sockets.iter().filter(|s| held.contains(&s.inode)).map(|s| s.address).collect();
        addresses.sort();
        addresses.dedup();
        addresses
    }

    /// The sockets to which the loopback's `port` leads. Where one of IPv4 is among them, one of
    /// IPv6 on the same port is none of ours: it could not have both.
    fn answering(port: u16) -> ProcResult<Vec<Socket>> {
        let mut sockets = listening()?;
        sockets.retain(|socket| socket.address.port() == port && leads_to(socket.address.ip()));
        let is_v4 = |socket: &Socket| socket.address.is_ipv4();
        if sockets.iter().any(is_v4) {
            sockets.retain(is_v4);
        }
        Ok(sockets)
    }

    fn leads_to(address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(v4) => v4.is_unspecified() || v4 == std::net::Ipv4Addr::LOCALHOST,
            IpAddr::V6(v6) => v6.is_unspecified(),
        }
    }

    fn listening() -> ProcResult<Vec<Socket>> {
        // a kernel without IPv6 has no such table
        let entries = procfs::net::tcp()?.into_iter();
        let entries = entries.chain(procfs::net::tcp6().unwrap_or_default());
        let listening = entries.filter(|entry| entry.state == TcpState::Listen);
        Ok(listening
            .map(|entry| Socket { address: entry.local_address, inode: entry.inode })
            .collect())
    }

    fn inodes(pid: i32) -> ProcResult<HashSet<u64>> {
        let descriptors = procfs::process::Process::new(pid)?.fd()?;
        Ok(descriptors
            .filter_map(|descriptor| {
                let FDTarget::Socket(inode) = descriptor.ok()?.target else { return None };
                Some(inode)
            })
            .collect())
    }

    fn holder_of(sockets: &HashSet<u64>) -> Option<Process> {
        let processes = procfs::process::all_processes().ok()?;
        processes.filter_map(Result::ok).find_map(|process| {
            inodes(process.pid()).ok()?.iter().any(|inode| sockets.contains(inode)).then_some(())?;
            let name = process.stat().map(|stat| readable(stat.comm.as_bytes()));
            Some(Process { pid: process.pid(), name: name.unwrap_or_default() })
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::net::{Ipv4Addr, TcpListener};

        #[test]
        fn our_own_listener_is_found_with_its_process() {
            let socket = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
            let port = socket.local_addr().unwrap().port();
            let ourselves = i32::try_from(std::process::id()).unwrap();
            assert_eq!(holder(port).map(|process| process.pid), Some(ourselves));
            // this process is no descendant of itself
            let Listener::Stranger(Some(stranger)) = listener(port, ourselves) else {
                panic!("a listener of nobody's descendant must be a stranger");
            };
            assert_eq!(stranger.pid, ourselves);
        }

        #[test]
        fn a_port_that_nobody_listens_on_has_no_holder() {
            let port = crate::target::port::free_port().unwrap();
            assert_eq!(holder(port), None);
        }

        #[test]
        fn only_addresses_that_the_loopback_reaches_count() {
            for (address, expected) in [
                ("127.0.0.1", true),
                ("0.0.0.0", true),
                ("::", true),
                ("::ffff:127.0.0.1", true),
                ("::1", false),
                ("10.0.0.1", false),
            ] {
                assert_eq!(leads_to(address.parse().unwrap()), expected, "{address}");
            }
        }
    }
}

pub(super) use system::{addresses_of, holder, listener};
