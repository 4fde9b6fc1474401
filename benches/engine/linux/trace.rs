//! Reads what `plimsoll trial --trace` wrote.

use anyhow::Context as _;
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// The version of the format that is read here.
const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Deserialize)]
struct Header {
    trace: u32,
}

/// One request; times are ns since the trial's start.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) session: u64,
    pub(super) turn: u64,
    pub(super) measured: bool,
    pub(super) outcome: String,
    pub(super) intended_ns: Option<u64>,
    pub(super) written_ns: Option<u64>,
    /// When each content chunk arrived.
    #[serde(default)]
    pub(super) chunks_ns: Vec<u64>,
}

impl Row {
    /// What the request said in its `x-request-id`.
    pub(super) fn id(&self) -> String {
        format!("{}.{}", self.session, self.turn)
    }
}

/// The measured requests of the trace at `path` that ended well, and how many did not.
pub(super) fn read(path: &Path) -> anyhow::Result<(Vec<Row>, u64)> {
    let file = File::open(path).with_context(|| format!("no trace at {}", path.display()))?;
    parse(BufReader::new(file))
}

pub(super) fn parse(text: impl BufRead) -> anyhow::Result<(Vec<Row>, u64)> {
    let mut lines = text.lines();
    let first = lines.next().context("an empty trace")??;
    let header: Header = serde_json::from_str(&first).context("the first line of the trace")?;
    anyhow::ensure!(header.trace == VERSION, "trace version {}, not {VERSION}", header.trace);
    let (mut rows, mut others) = (Vec::new(), 0);
    for line in lines {
        let row: Row = serde_json::from_str(&line?).context("a line of the trace")?;
        if row.measured && row.outcome == "ok" {
            rows.push(row);
        } else if row.measured {
            others += 1;
        }
    }
    Ok((rows, others))
}
