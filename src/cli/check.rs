//! `plimsoll check` and `plimsoll measure`.

use super::ExitStatus;
use super::arguments::{GateOptions, Suite, SuiteOptions, chain, complain, runtime};
use super::progress::{Progress, print, spoken};
use super::signal;
use crate::baseline::{Baseline, Fingerprint, Loaded};
use crate::check::{Finding, Prior};
use crate::config::environment;
use crate::report::{self, Results};
use crate::run::{self, Folder, JournalFile, Launched, Live, SuiteRun, clock};
use clap::Args;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Measure how much load the target carries, compare that with the committed baseline, and write the
/// reports. The exit code is the verdict.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    suite: SuiteOptions,
    #[command(flatten)]
    gate: GateOptions,
}

/// Measure how much load the target carries, without a baseline.
#[derive(Debug, Args)]
pub(super) struct Measure {
    #[command(flatten)]
    suite: SuiteOptions,
}
