//! One `plimsoll trial`, as a user would run it.

use super::child::{Priority, Ran, on, run};
use super::server::SERVER_CORE;
use anyhow::Context as _;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The core of every client.
pub(super) const CLIENT_CORE: u32 = SERVER_CORE + 1;
/// What a trial may take beyond its own length.
const GRACE: Duration = Duration::from_secs(60);

/// How much load.
#[derive(Debug, Clone, Copy)]
pub(super) enum Load {
    /// Sessions per second.
    Rate(f64),
    /// Sessions in flight.
    Concurrency(u32),
}

/// What to run, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trial<'a> {
    pub(super) program: &'a Path,
    pub(super) suite: &'a Path,
    pub(super) load: Load,
    pub(super) seconds: u32,
    pub(super) trace: Option<&'a Path>,
    pub(super) priority: Priority,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) ran: Ran,
    result: Value,
}

impl Trial<'_> {
    /// Plays it and reads its result, whatever the verdict.
    ///
    /// # Errors
    /// It has no result, as after a refusal to start.
    pub(super) fn play(&self) -> anyhow::Result<Played> {
        let played = self.attempt()?;
        anyhow::ensure!(!played.result.is_null(), "refused: {}", played.reasons());
        Ok(played)
    }

    /// The same, where a refusal is an answer too.
    pub(super) fn attempt(&self) -> anyhow::Result<Played> {
        let mut command = on(Some(CLIENT_CORE), self.priority, self.program);
        command.args(["trial", "--format", "json", "--quiet", "--config"]).arg(self.suite);
        match self.load {
            Load::Rate(rate) => command.arg("--rate").arg(format!("{rate:.3}")),
            Load::Concurrency(count) => command.arg("--concurrency").arg(count.to_string()),
        };
        command.arg("--for").arg(format!("{}s", self.seconds));
        if let Some(trace) = self.trace {
            command.arg("--trace").arg(trace);
        }
        let ran = run(command, Duration::from_secs(self.seconds.into()) + GRACE)?;
        let result = serde_json::from_str(&ran.out)
            .with_context(|| format!("no result, {}: {}", ran.status, ran.err.trim()));
        let is_invalid = ran.status.code() == Some(EXIT_INVALID);
        let result = if is_invalid { result.unwrap_or_default() } else { result? };
        let played = Played { ran, result };
        if is_invalid {
            super::say(&format!("  invalid: {}", played.reasons()));
        }
        Ok(played)
    }
}

/// The exit code of a trial that the generator itself spoilt.
const EXIT_INVALID: i32 = 6;

impl Played {
    pub(super) fn is_invalid(&self) -> bool {
        self.ran.status.code() == Some(EXIT_INVALID)
    }

    /// All that it said on why it is invalid, or refused, and what to do about it.
    pub(super) fn reasons(&self) -> String {
        let reasons = self.result.get("reasons").and_then(Value::as_array);
        let text = |reason: &Value| {
            let part = |name: &str| reason.get(name).and_then(Value::as_str).unwrap_or_default();
            match part("text") {
                "" => reason.to_string(),
                text => format!("{}: {text}; {}", part("signal"), part("advice")),
            }
        };
        let mut all: Vec<String> = reasons.into_iter().flatten().map(text).collect();
        all.extend(self.ran.err.lines().map(str::to_owned));
        all.join("; ")
    }

    pub(super) fn count(&self, name: &str) -> anyhow::Result<u64> {
        let count = self.result.pointer(&format!("/counts/{name}")).and_then(Value::as_u64);
        count.with_context(|| format!("no count of {name}"))
    }

    /// A quantile (`p99`) of a series (`send_lag`), in ms.
    pub(super) fn latency_ms(&self, series: &str, quantile: &str) -> anyhow::Result<f64> {
        let value = self.result.pointer(&format!("/latency/{series}/{quantile}"));
        value.and_then(Value::as_f64).with_context(|| format!("no {quantile} of {series}"))
    }
}

/// Whether this build can write a trace.
pub(super) fn writes_traces(program: &Path) -> anyhow::Result<bool> {
    let help = Command::new(program).args(["trial", "--help"]).output();
    let help = help.with_context(|| format!("cannot start {}", program.display()))?;
    Ok(String::from_utf8_lossy(&help.stdout).contains("--trace"))
}
