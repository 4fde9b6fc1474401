//! What can go wrong with a managed target.

use crate::target::descendants::Process;
use crate::target::ready::Probe;
use crate::target::tail::LastLines;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Why a managed target could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The plan holds no program to start.
    #[error("the target's command is empty")]
    NoCommand,
    /// The working directory is none.
    #[error("the target's working directory {} does not exist", directory.display())]
    NoDirectory {
        /// As given, joined to the suite's folder.
        directory: PathBuf,
    },
    /// The system has no free port.
    #[error("no free port on 127.0.0.1")]
    NoFreePort {
        /// What the system said.
        source: io::Error,
    },
    /// The port that the suite fixes is taken already.
    #[error(
        "port {port} is in use{}: stop that process, or leave the port out of the suite and write {{port}} in the command",
        by(owner)
    )]
    PortInUse {
        /// The fixed port.
        port: u16,
        /// Who listens there, if the system tells.
        owner: Option<Process>,
    },
    /// The log of the target cannot be written.
    #[error("cannot write the target's log {}", path.display())]
    Log {
        /// Path of the log.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Our own binary could not be started as the guard.
    #[error("cannot start the target's guard {}", program.display())]
    Guard {
        /// Path of our binary.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The target ended before it was ready.
    #[error("the target ended before it was ready: {exit}")]
    ExitedEarly {
        /// How, and its last lines.
        exit: Exit,
    },
    /// No 2xx came in time.
    #[error(
        "the target was not ready within {within:?}: GET {url} {last_probe}{}{last_lines}",
        elsewhere(listens)
    )]
    NotReady {
        /// What was asked.
        url: String,
        /// The limit of the suite.
        within: Duration,
        /// How the last attempt ended.
        last_probe: Probe,
        /// The addresses that the target does listen on, where it is not the one asked.
        listens: Vec<SocketAddr>,
        /// What it printed last.
        last_lines: LastLines,
    },
    /// Somebody else answers on the target's port.
    #[error(
        "port {port} is answered{}, which is not the target; if the command hands its port to a daemon (as docker does), start it yourself and give the suite a url{last_lines}",
        by(owner)
    )]
    Stranger {
        /// The port that the target was given.
        port: u16,
        /// Who answers, if the system tells.
        owner: Option<Process>,
        /// What the target printed last.
        last_lines: LastLines,
    },
    /// The run was cancelled before the target was ready.
    #[error("interrupted before the target was ready")]
    Interrupted,
}

impl TargetError {
    /// What the target printed last, where it got that far.
    #[must_use]
    pub fn last_lines(&self) -> &[String] {
        match self {
            Self::ExitedEarly { exit } => exit.last_lines.as_slice(),
            Self::NotReady { last_lines, .. } | Self::Stranger { last_lines, .. } => {
                last_lines.as_slice()
            }
            Self::NoCommand
            | Self::NoDirectory { .. }
            | Self::NoFreePort { .. }
            | Self::PortInUse { .. }
            | Self::Log { .. }
            | Self::Guard { .. }
            | Self::Interrupted => &[],
        }
    }
}

/// How a target ended, and what it printed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// How it ended.
    pub status: EndStatus,
    /// What it printed last.
    pub last_lines: LastLines,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.status, self.last_lines)
    }
}

/// How a target ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndStatus {
    /// With an exit code; 128 + n also stands for the signal n.
    Code(i32),
    /// Its guard was killed by this signal, and the target with it.
    GuardKilled(i32),
    /// The system did not tell.
    Unknown,
}

impl fmt::Display for EndStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(127) => f.write_str("exit code 127 (the command could not be started)"),
            Self::Code(code @ 129..=159) => {
                write!(f, "exit code {code} (128 + {}: {})", code - 128, signal_name(code - 128))
            }
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::GuardKilled(signal) => {
                write!(f, "its guard process was killed by {}", signal_name(*signal))
            }
            Self::Unknown => f.write_str("its exit status is unknown"),
        }
    }
}

/// The names that a person on call meets; the numbers are the same on every system.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL, perhaps out of memory",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return format!("signal {signal}"),
    };
    name.to_owned()
}

fn by(owner: &Option<Process>) -> String {
    owner.as_ref().map_or_else(String::new, |process| format!(" by {process}"))
}

fn elsewhere(listens: &[SocketAddr]) -> String {
    if listens.is_empty() {
        return String::new();
    }
    let addresses: Vec<_> = listens.iter().map(ToString::to_string).collect();
    format!(" (the target listens on {}; is {{port}} in its command?)", addresses.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_which_signal_it_stands_for() {
        let table = [
            (EndStatus::Code(0), "exit code 0"),
            (EndStatus::Code(3), "exit code 3"),
            (EndStatus::Code(127), "exit code 127 (the command could not be started)"),
            (EndStatus::Code(128), "exit code 128"),
            (EndStatus::Code(139), "exit code 139 (128 + 11: SIGSEGV)"),
            (EndStatus::Code(153), "exit code 153 (128 + 25: signal 25)"),
            (EndStatus::GuardKilled(15), "its guard process was killed by SIGTERM"),
        ];
        for (status, text) in table {
            assert_eq!(status.to_string(), text);
        }
    }

    #[test]
    fn a_port_in_use_names_its_owner_where_known() {
        let owner = Some(Process { pid: 7, name: "nginx".to_owned() });
        let text = TargetError::PortInUse { port: 80, owner }.to_string();
        assert!(text.starts_with("port 80 is in use by pid 7 (nginx): stop"), "{text}");
        let text = TargetError::PortInUse { port: 80, owner: None }.to_string();
        assert!(text.starts_with("port 80 is in use: stop"), "{text}");
        assert!(text.ends_with("write {port} in the command"), "{text}");
    }

    #[test]
    fn an_error_says_where_the_target_listens_instead() {
        let error = TargetError::NotReady {
            url: "http://127.0.0.1:1/health".to_owned(),
            within: Duration::from_millis(1500),
            last_probe: Probe::Refused,
            listens: vec![SocketAddr::from(([127, 0, 0, 1], 8000))],
            last_lines: LastLines::default(),
        };
        assert_eq!(
            error.to_string(),
            "the target was not ready within 1.5s: GET http://127.0.0.1:1/health was refused: \
             nothing listens there (the target listens on 127.0.0.1:8000; is {port} in its \
             command?); it wrote nothing"
        );
    }
}
