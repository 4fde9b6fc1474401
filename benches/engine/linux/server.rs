//! The mock as a child of the bench.

use super::child::{Priority, on};
use super::mock::{Mock, Served, Summary};
use anyhow::Context as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

/// The core of the server; the client has the next one.
pub(super) const SERVER_CORE: u32 = 0;

/// A mock that listens.
pub(super) struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    pub(super) port: u16,
}

impl Server {
    pub(super) fn start(mock: &Mock, priority: Priority) -> anyhow::Result<Self> {
        let mut command = on(Some(SERVER_CORE), priority, std::env::current_exe()?);
        command.arg("mock").arg(format!("--chunks={}", mock.chunks));
        command.arg(format!("--gap-us={}", mock.gap_us));
        command.arg(format!("--delay-us={}", mock.delay_us));
        if mock.spread {
            command.arg("--spread");
        }
        if let Some(truth) = &mock.truth {
            command.arg("--truth").arg(truth);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("no pipe")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let port = line.trim().parse().with_context(|| format!("the mock said {line:?}"))?;
        Ok(Self { child, output, port })
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Stops it and hears what it saw.
    pub(super) fn stop(mut self) -> anyhow::Result<Summary> {
        self.child.stdin.take();
        let mut text = String::new();
        self.output.read_to_string(&mut text)?;
        self.child.wait()?;
        let summary: Summary = serde_json::from_str(&text).context("the mock died")?;
        anyhow::ensure!(summary.blocked == 0, "the mock's writes were blocked: {summary:?}");
        Ok(summary)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` there is nothing left to end.
        self.child.stdin.take();
        let _ = self.child.wait();
    }
}

/// The rows that a mock wrote.
pub(super) fn served(path: &Path) -> anyhow::Result<Vec<Served>> {
    let lines = BufReader::new(File::open(path)?).lines();
    lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}
