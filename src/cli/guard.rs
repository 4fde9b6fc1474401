//! The hidden verb through which a managed target is started, so that it cannot outlive us.

use super::arguments::{chain, complain};
use crate::target::{COULD_NOT_START, run_guard};
use clap::Args;
use std::ffi::OsString;
use std::process::ExitCode;

/// Start a command, and end it with all that it started when standard input ends.
#[derive(Debug, Args)]
pub(super) struct Guard {
    /// The command
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

impl Guard {
    pub(super) fn run(self) -> ExitCode {
        run_guard(self.command).unwrap_or_else(|error| {
            complain(&format!("cannot start the target: {}", chain(&error)), None);
            ExitCode::from(COULD_NOT_START)
        })
    }
}
