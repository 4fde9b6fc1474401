//! Which port a target gets. It is asked of the system, never guessed.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// A port of the loopback that nobody listens on now. Somebody may still take it before the
/// target does: [`start`](super::start) then tries one more.
///
/// # Errors
///
/// When the system has no free port.
pub(super) fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// Whether something listens where the loopback's `port` would answer.
pub(super) fn is_taken(port: u16) -> bool {
    // the standard library sets SO_REUSEADDR: connections that linger are no obstacle
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
}

/// `text` with every `{port}` replaced.
pub(super) fn with_port(text: &str, port: u16) -> String {
    text.replace("{port}", &port.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_taken_exactly_while_somebody_listens() {
        for address in [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED] {
            let listener = TcpListener::bind((address, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            assert!(is_taken(port), "{address}");
            drop(listener);
            assert!(!is_taken(port), "{address}");
        }
    }

    #[test]
    fn every_port_in_a_text_is_replaced() {
        assert_eq!(with_port("--at=127.0.0.1:{port} {port}", 81), "--at=127.0.0.1:81 81");
        assert_eq!(with_port("{ports} port", 81), "{ports} port");
    }
}
