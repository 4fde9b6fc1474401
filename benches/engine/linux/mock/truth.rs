//! What the mock saw: the truth that clients are compared with.

use crate::linux::clock::now_ns;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// One request as the mock saw it; times are ns of `CLOCK_MONOTONIC`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Served {
    /// The request's `x-request-id`.
    pub(crate) id: String,
    /// When it had read the request.
    pub(crate) received_ns: u64,
    /// When it began to hand each content chunk to the kernel.
    pub(crate) sent_ns: Vec<u64>,
    /// How long each of these calls took.
    pub(crate) took_ns: Vec<u64>,
}

/// What the mock says at its end.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) requests: u64,
    pub(crate) connections: u64,
    /// Content chunks.
    pub(crate) chunks: u64,
    /// Answers that the client was too slow to take, so that the mock hung up.
    pub(crate) blocked: u64,
    /// p99 of (written − due) of its chunks: whether the mock itself kept up.
    pub(crate) late_us_p99: u64,
    /// Content chunks in each second of `CLOCK_MONOTONIC` since `first_second`.
    pub(crate) chunks_by_second: Vec<u64>,
    pub(crate) first_second: u64,
    /// CPU of the mock itself.
    pub(crate) cpu_ns: u64,
    /// When it read the first and the last request.
    pub(crate) first_request_ns: u64,
    pub(crate) last_request_ns: u64,
}

/// Collects [`Served`] and [`Summary`].
#[derive(Debug)]
pub(super) struct Truth {
    rows: Vec<Served>,
    keeps_rows: bool,
    late: Histogram<u64>,
    pub(super) summary: Summary,
}

impl Truth {
    pub(super) fn new(keeps_rows: bool) -> anyhow::Result<Self> {
        let late = Histogram::new(2)?;
        Ok(Self { rows: Vec::new(), keeps_rows, late, summary: Summary::default() })
    }

    /// Notes a request; returns when, and its number.
    pub(super) fn received(&mut self, id: &str, chunks: usize) -> (u64, u64) {
        let now = now_ns();
        let number = self.summary.requests;
        self.summary.requests += 1;
        if number == 0 {
            self.summary.first_request_ns = now;
        }
        self.summary.last_request_ns = now;
        if self.keeps_rows {
            let (sent_ns, took_ns) = (Vec::with_capacity(chunks), Vec::with_capacity(chunks));
            self.rows.push(Served { id: id.to_owned(), received_ns: now, sent_ns, took_ns });
        }
        (now, number)
    }

    /// Notes a chunk of request `number` that was due at `due`.
    pub(super) fn sent(&mut self, number: u64, due: u64, began: u64) {
        self.summary.chunks += 1;
        // Beyond the bounds of the histogram only after hours.
        let _ = self.late.record(began.saturating_sub(due) / 1_000);
        let second = began / crate::linux::clock::SECOND_NS;
        if self.summary.chunks_by_second.is_empty() {
            self.summary.first_second = second;
        }
        let index = usize::try_from(second - self.summary.first_second).unwrap_or(usize::MAX);
        if index >= self.summary.chunks_by_second.len() && index < 100_000 {
            self.summary.chunks_by_second.resize(index + 1, 0);
        }
        if let Some(count) = self.summary.chunks_by_second.get_mut(index) {
            *count += 1;
        }
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        if let Some(row) = self.rows.get_mut(index) {
            row.sent_ns.push(began);
            row.took_ns.push(now_ns() - began);
        }
    }

    /// Writes the rows to `path` as lines of JSON, and hands over the summary.
    pub(super) fn finish(mut self, path: Option<&Path>) -> anyhow::Result<Summary> {
        self.summary.late_us_p99 = self.late.value_at_quantile(0.99);
        self.summary.cpu_ns = crate::linux::clock::own_cpu_ns();
        if let Some(path) = path {
            let mut file = BufWriter::new(File::create(path)?);
            for row in &self.rows {
                serde_json::to_writer(&mut file, row)?;
                file.write_all(b"\n")?;
            }
            file.flush()?;
        }
        Ok(self.summary)
    }
}
