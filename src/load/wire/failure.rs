//! What an error of a socket or of the HTTP connection says about a request.

use crate::target::protocol::End;
use crate::trial::Outcome;
use rustix::io::Errno;
use std::error::Error;
use std::io;

/// A request that failed below its protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) outcome: Outcome,
    pub(super) detail: String,
    /// Whether the connection died before an answer: the target may not have seen the request.
    pub(super) is_death: bool,
}

impl Failure {
    pub(super) fn new(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { outcome, detail: detail.into(), is_death: false }
    }

    /// A deadline that passed while we waited for `what`.
    pub(super) fn late(outcome: Outcome, what: &str) -> Self {
        Self::new(outcome, format!("no {what} within the limit"))
    }

    /// No connection: all of `tried` failed. It is our own lack only if none says otherwise, for an
    /// address family that is switched off looks like a lack of ports.
    pub(super) fn connect(tried: &[(String, io::Error)]) -> Self {
        let own_lack = !tried.is_empty() && tried.iter().all(|(_, error)| is_own_lack(error));
        let outcome = if own_lack { Outcome::Resource } else { Outcome::Connect };
        let causes: Vec<String> =
            tried.iter().map(|(address, error)| format!("{address}: {error}")).collect();
        Self::new(outcome, format!("no connection to {}", causes.join("; ")))
    }

    /// No head of an answer over HTTP/2.
    pub(super) fn head(error: &hyper::Error) -> Self {
        if let Some(error) = http2_error(error)
            && let Some(failure) = Self::stream(error)
        {
            return failure;
        }
        Self::died(io_error(error))
    }

    /// A connection that ended before the head of an answer; `None`: it was closed.
    pub(super) fn died(cause: Option<&io::Error>) -> Self {
        let detail = match cause {
            Some(cause) if is_own_lack(cause) => {
                return Self::new(Outcome::Resource, cause.to_string());
            }
            Some(cause) => format!("the connection died before an answer: {cause}"),
            None => "the connection was closed before an answer".to_owned(),
        };
        Self { is_death: true, ..Self::new(Outcome::Reset, detail) }
    }

    /// A stream of HTTP/2 that failed otherwise than by its connection's end.
    fn stream(error: &h2::Error) -> Option<Self> {
        if error.is_io() {
            return None;
        }
        if error.is_library() {
            let detail = format!("the answer is no http/2: {error}");
            return Some(Self::new(Outcome::Malformed, detail));
        }
        let detail = format!("no answer over http/2: {error}");
        let is_death = error.is_go_away();
        Some(Self { is_death, ..Self::new(Outcome::Reset, detail) })
    }
}

/// How a body ended whose reading failed.
pub(super) fn end_of_read(error: &io::Error) -> End {
    let kind = error.kind();
    if kind == io::ErrorKind::UnexpectedEof {
        End::Cut
    } else if matches!(kind, io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) {
        End::Garbled
    } else {
        End::Reset
    }
}

/// The same of a body over HTTP/2.
pub(super) fn end_of_body(error: &hyper::Error) -> End {
    match io_error(error) {
        Some(error) => end_of_read(error),
        None if http2_error(error).is_some_and(h2::Error::is_library) => End::Garbled,
        None if error.is_incomplete_message() => End::Cut,
        None => End::Reset,
    }
}

/// Whether we lacked a descriptor, a port or memory.
fn is_own_lack(error: &io::Error) -> bool {
    const LACKS: [Errno; 5] =
        [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::NOMEM, Errno::NOBUFS];
    Errno::from_io_error(error).is_some_and(|errno| LACKS.contains(&errno))
}

fn io_error(error: &hyper::Error) -> Option<&io::Error> {
    cause(error).or_else(|| http2_error(error).and_then(h2::Error::get_io))
}

fn http2_error(error: &hyper::Error) -> Option<&h2::Error> {
    cause(error)
}

/// The first cause of this type.
fn cause<T: Error + 'static>(error: &hyper::Error) -> Option<&T> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        source = cause.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Failure;
    use crate::trial::Outcome;
    use rustix::io::Errno;
    use std::io;

    #[test]
    fn only_a_lack_on_our_side_is_a_resource() {
        for (errors, outcome) in [
            (&[Errno::CONNREFUSED][..], Outcome::Connect),
            (&[Errno::MFILE], Outcome::Resource),
            (&[Errno::NFILE], Outcome::Resource),
            (&[Errno::ADDRNOTAVAIL, Errno::NOMEM], Outcome::Resource),
            (&[Errno::ADDRNOTAVAIL, Errno::CONNREFUSED], Outcome::Connect),
            (&[], Outcome::Connect),
        ] {
            let tried: Vec<(String, io::Error)> =
                errors.iter().map(|e| ("a:1".to_owned(), io::Error::from(*e))).collect();
            assert_eq!(Failure::connect(&tried).outcome, outcome, "{errors:?}");
        }
    }
}
