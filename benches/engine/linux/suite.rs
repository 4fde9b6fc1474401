//! The suites that the trials are played by.

use std::fs;
use std::path::{Path, PathBuf};

/// What is asked of the mock.
#[derive(Debug, Clone, Copy)]
pub(super) enum Api {
    /// `GET /`.
    Plain,
    /// A chat completion of this many chunks; the request carries `{session}.{turn}`.
    Chat { chunks: usize },
}

/// Writes a suite for a server at `url` into `folder`.
pub(super) fn write(folder: &Path, url: &str, api: Api) -> anyhow::Result<PathBuf> {
    let (target, sessions, metric) = match api {
        Api::Plain => ("api: http\n  request: { method: GET, path: / }", String::new(), "e2e"),
        Api::Chat { chunks } => (
            "api: openai-chat\n  model: mock\n  headers: { x-request-id: \"{session}.{turn}\" }",
            format!("\n  sessions: {{ prompt_tokens: 16, output_tokens: {chunks} }}"),
            "ttfc",
        ),
    };
    let text = format!(
        "version: 1
suite: bench
target:
  url: \"{url}\"
  {target}
workload:
  seed: 42{sessions}
checks:
  bench:
    capacity: {{ knob: rate, arrivals: constant, from: 1, to: 1_000_000 }}
    slos: [\"p99 {metric} < 1s\", \"error_rate < 1%\"]
budget: {{ time: 10m, requests: 1_000_000_000 }}
"
    );
    let path = folder.join("plimsoll.yml");
    fs::write(&path, text)?;
    Ok(path)
}
