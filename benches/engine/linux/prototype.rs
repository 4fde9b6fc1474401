//! The peer of streaming: the client one would write on reqwest, with typed JSON and histograms.

use super::clock::{SECOND_NS, now_ns};
use super::number::ms;
use clap::Args;
use hdrhistogram::Histogram;
use serde::Deserialize;
use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep_until};

/// `engine prototype`: `count` streams, `rate` of them begun each second.
#[derive(Debug, Args)]
pub(super) struct Prototype {
    #[arg(long)]
    url: String,
    #[arg(long)]
    rate: u64,
    #[arg(long)]
    count: u64,
}

/// What of a chunk is read.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Delta<'a>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
}

/// What is recorded.
struct Recorded {
    lag: Histogram<u64>,
    ttfc: Histogram<u64>,
    tbc: Histogram<u64>,
    e2e: Histogram<u64>,
}

impl Prototype {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        LocalSet::new().block_on(&runtime, self.play())
    }

    async fn play(&self) -> anyhow::Result<()> {
        let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?;
        let new = || Histogram::new(3);
        let recorded = Recorded { lag: new()?, ttfc: new()?, tbc: new()?, e2e: new()? };
        let recorded = Rc::new(RefCell::new(recorded));
        let (start, start_ns) = (Instant::now(), now_ns());
        let mut streams = JoinSet::new();
        for index in 0..self.count {
            let due_ns = index * SECOND_NS / self.rate;
            sleep_until(start + Duration::from_nanos(due_ns)).await;
            let url = format!("{}/v1/chat/completions", self.url);
            let recorded = Rc::clone(&recorded);
            streams.spawn_local(stream(client.clone(), url, index, start_ns + due_ns, recorded));
            while let Some(done) = streams.try_join_next() {
                done??;
            }
        }
        while let Some(done) = streams.join_next().await {
            done??;
        }
        let recorded = recorded.borrow();
        let p99 = |series: &Histogram<u64>| ms(series.value_at_quantile(0.99));
        let all = [&recorded.lag, &recorded.ttfc, &recorded.tbc, &recorded.e2e].map(p99);
        serde_json::to_writer(std::io::stdout(), &all)?;
        Ok(())
    }
}

async fn stream(
    client: reqwest::Client,
    url: String,
    index: u64,
    due_ns: u64,
    recorded: Rc<RefCell<Recorded>>,
) -> anyhow::Result<()> {
    let body = format!(
        r#"{{"model":"mock","stream":true,"stream_options":{{"include_usage":true}},"max_tokens":100,"messages":[{{"role":"user","content":"{index} tell me of a ship and the line that shows how much it may carry"}}]}}"#
    );
    recorded.borrow_mut().lag.record(now_ns().saturating_sub(due_ns))?;
    let request = client.post(url).header("content-type", "application/json");
    let mut response = request.body(body).send().await?.error_for_status()?;
    let (mut held, mut last_ns) = (Vec::new(), None);
    while let Some(bytes) = response.chunk().await? {
        let now = now_ns();
        held.extend_from_slice(&bytes);
        let mut start = 0;
        while let Some((event, rest)) = held.get(start..).and_then(event) {
            if has_content(event) {
                let mut recorded = recorded.borrow_mut();
                match last_ns {
                    None => recorded.ttfc.record(now.saturating_sub(due_ns))?,
                    Some(last) => recorded.tbc.record(now.saturating_sub(last))?,
                }
                last_ns = Some(now);
            }
            start = held.len() - rest.len();
        }
        held.drain(..start);
    }
    recorded.borrow_mut().e2e.record(now_ns().saturating_sub(due_ns))?;
    Ok(())
}

/// The first event of `bytes`, and what follows it.
fn event(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(2).position(|two| two == b"\n\n")?;
    Some((bytes.get(..end)?, bytes.get(end + 2..)?))
}

fn has_content(event: &[u8]) -> bool {
    let data = event.strip_prefix(b"data: ").unwrap_or_default();
    let chunk: Result<Chunk<'_>, _> = serde_json::from_slice(data);
    let content =
        |choice: &Choice<'_>| choice.delta.content.as_ref().is_some_and(|c| !c.is_empty());
    chunk.is_ok_and(|chunk| chunk.choices.iter().any(content))
}
