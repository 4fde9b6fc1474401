//! How far the client's times are from what the server saw.

use super::mock::Served;
use super::number::{ms, percentile};
use super::trace::{self, Row};
use anyhow::Context as _;
use std::collections::HashMap;

/// A write of the mock that took longer than this was interrupted: when the chunk left is not known
/// well enough to accuse anybody.
const UNSURE_NS: u64 = 100_000;
/// Share of the observations that may be left out for that.
const UNSURE_SHARE_MAX: usize = 20;

/// Distances between what the client and the server say, in ns.
#[derive(Debug, Default)]
pub(super) struct Errors {
    /// Of (first chunk − request): the client counts from the last byte written, the server from
    /// when it had read the request.
    ttfc: Vec<u64>,
    /// The same when the client counts from the intended time.
    ttfc_intended: Vec<u64>,
    /// Of the time between two chunks.
    gap: Vec<u64>,
    /// Observations left out because the mock's own time is not sure.
    unsure: usize,
}

/// A distribution of errors, in ms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

impl Errors {
    /// Compares each row with what the server saw of it.
    ///
    /// # Errors
    /// A request that the server did not see, another number of chunks, a time that is missing, or
    /// too many times of the mock that are not sure.
    pub(super) fn of(rows: &[Row], served: &[Served]) -> anyhow::Result<Self> {
        let by_id: HashMap<&str, &Served> =
            served.iter().map(|served| (served.id.as_str(), served)).collect();
        let mut errors = Self::default();
        for row in rows {
            let id = row.id();
            let truth = by_id.get(id.as_str()).with_context(|| format!("{id} was not served"))?;
            errors.add(row, truth).with_context(|| format!("request {id}"))?;
        }
        let all = errors.ttfc.len() + errors.gap.len() + errors.unsure;
        let unsure = errors.unsure;
        let enough = unsure * 100 <= all * UNSURE_SHARE_MAX;
        anyhow::ensure!(enough, "the mock was interrupted in {unsure} of {all} observations");
        Ok(errors)
    }

    fn add(&mut self, row: &Row, truth: &Served) -> anyhow::Result<()> {
        let (ours, theirs) = (row.chunks_ns.len(), truth.sent_ns.len());
        anyhow::ensure!(ours == theirs, "{ours} chunks, but {theirs} were sent");
        let written = row.written_ns.context("no time of writing")?;
        let intended = row.intended_ns.context("no intended time")?;
        let sure: Vec<bool> = truth.took_ns.iter().map(|took| *took <= UNSURE_NS).collect();
        let arrived = row.chunks_ns.first().context("no chunk")?;
        let sent = truth.sent_ns.first().context("no chunk was sent")?;
        let true_ns = sent.saturating_sub(truth.received_ns);
        if sure.first() == Some(&true) {
            self.ttfc.push(arrived.saturating_sub(written).abs_diff(true_ns));
            self.ttfc_intended.push(arrived.saturating_sub(intended).abs_diff(true_ns));
        } else {
            self.unsure += 1;
        }
        let pairs = row.chunks_ns.windows(2).zip(truth.sent_ns.windows(2)).zip(sure.windows(2));
        for ((ours, theirs), sure) in pairs {
            if *sure == [true, true] {
                self.gap.push(gap(ours).abs_diff(gap(theirs)));
            } else {
                self.unsure += 1;
            }
        }
        Ok(())
    }

    /// Errors of the time to the first chunk, from written.
    pub(super) fn ttfc(&mut self) -> anyhow::Result<Spread> {
        spread(&mut self.ttfc)
    }

    /// Errors of the time to the first chunk, from intended.
    pub(super) fn ttfc_intended(&mut self) -> anyhow::Result<Spread> {
        spread(&mut self.ttfc_intended)
    }

    /// Errors of the time between two chunks.
    pub(super) fn gap(&mut self) -> anyhow::Result<Spread> {
        spread(&mut self.gap)
    }
}

fn gap(pair: &[u64]) -> u64 {
    match pair {
        [first, second] => second.saturating_sub(*first),
        _ => 0,
    }
}

fn spread(errors: &mut [u64]) -> anyhow::Result<Spread> {
    let mut at = |percent| percentile(errors, percent).context("nothing to compare");
    Ok(Spread { p50_ms: ms(at(50)?), p99_ms: ms(at(99)?) })
}

/// p99 of the true time to the first chunk, in ms.
pub(super) fn true_ttfc_p99_ms(served: &[Served]) -> anyhow::Result<f64> {
    let first = |row: &Served| Some(row.sent_ns.first()?.saturating_sub(row.received_ns));
    let mut times: Vec<u64> = served.iter().filter_map(first).collect();
    Ok(ms(percentile(&mut times, 99).context("no stream was served")?))
}

/// A made-up trace and truth whose errors are known: a bench that cannot see an error must not run.
pub(super) fn check() -> anyhow::Result<()> {
    let text = r#"{"trace":1,"start_monotonic_ns":5000,"start":"2026-01-01T00:00:00Z"}
{"session":0,"turn":0,"measured":false,"outcome":"ok","intended_ns":0,"written_ns":1,"chunks_ns":[2]}
{"session":7,"turn":1,"measured":true,"outcome":"ok","intended_ns":1000,"written_ns":3000,"first_byte_ns":4000,"ended_ns":90000,"connect_ns":null,"chunks_ns":[13000,63500,100000],"tokens":3,"reconnects":0}
{"session":8,"turn":0,"measured":true,"outcome":"reset","intended_ns":0,"written_ns":null,"first_byte_ns":null,"ended_ns":1,"connect_ns":null,"chunks_ns":[],"tokens":0,"reconnects":0}
"#;
    let (rows, others) = trace::parse(text.as_bytes())?;
    let mut served = Served {
        id: "7.1".to_owned(),
        received_ns: 1_000_000,
        sent_ns: vec![1_009_000, 1_059_000, 1_096_000],
        took_ns: vec![1, 1, 1],
    };
    let mut errors = Errors::of(&rows, std::slice::from_ref(&served))?;
    errors.gap.sort_unstable();
    let seen = (rows.len(), others, &*errors.ttfc, &*errors.ttfc_intended, &*errors.gap);
    anyhow::ensure!(seen == (1, 1, &[1_000], &[3_000], &[500, 500]), "wrong errors: {seen:?}");
    served.sent_ns.pop();
    served.took_ns.pop();
    anyhow::ensure!(Errors::of(&rows, &[served]).is_err(), "a lost chunk is not seen");
    anyhow::ensure!(Errors::of(&rows, &[]).is_err(), "a request nobody served is not seen");
    Ok(())
}
