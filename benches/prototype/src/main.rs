//! The peer of the streaming bench: the client one would write on reqwest, with typed JSON and
//! histograms. `prototype URL RATE COUNT` begins `RATE` streams a second until it has had `COUNT`, and
//! prints four 99th percentiles in milliseconds.

use anyhow::Context as _;
use hdrhistogram::Histogram;
use serde::Deserialize;
use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep_until};

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

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let mut word = |name: &str| words.next().with_context(|| format!("no {name}"));
    let (url, rate, count) = (word("url")?, word("rate")?.parse()?, word("count")?.parse()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, play(&url, rate, count))
}

async fn play(url: &str, rate: u64, count: u64) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?;
    let new = || Histogram::new(3);
    let recorded = Recorded { lag: new()?, ttfc: new()?, tbc: new()?, e2e: new()? };
    let recorded = Rc::new(RefCell::new(recorded));
    let start = Instant::now();
    let mut streams = JoinSet::new();
    for index in 0..count {
        let due = start + Duration::from_nanos(index * 1_000_000_000 / rate);
        sleep_until(due).await;
        let url = format!("{}/v1/chat/completions", url);
        let recorded = Rc::clone(&recorded);
        streams.spawn_local(stream(client.clone(), url, index, due, recorded));
        while let Some(done) = streams.try_join_next() {
            done??;
        }
    }
    while let Some(done) = streams.join_next().await {
        done??;
    }
    let recorded = recorded.borrow();
    let p99 = |series: &Histogram<u64>| series.value_at_quantile(0.99) as f64 / 1e6;
    let all = [&recorded.lag, &recorded.ttfc, &recorded.tbc, &recorded.e2e].map(p99);
    serde_json::to_writer(std::io::stdout(), &all)?;
    Ok(())
}

async fn stream(
    client: reqwest::Client,
    url: String,
    index: u64,
    due: Instant,
    recorded: Rc<RefCell<Recorded>>,
) -> anyhow::Result<()> {
    let body = format!(
        r#"{{"model":"mock","stream":true,"stream_options":{{"include_usage":true}},"max_tokens":100,"messages":[{{"role":"user","content":"{index} tell me of a ship and the line that shows how much it may carry"}}]}}"#
    );
    recorded.borrow_mut().lag.record(ns(due))?;
    let request = client.post(url).header("content-type", "application/json");
    let mut response = request.body(body).send().await?.error_for_status()?;
    let (mut held, mut last) = (Vec::new(), None);
    while let Some(bytes) = response.chunk().await? {
        let now = Instant::now();
        held.extend_from_slice(&bytes);
        let mut start = 0;
        while let Some((event, rest)) = held.get(start..).and_then(event) {
            if has_content(event) {
                let mut recorded = recorded.borrow_mut();
                match last {
                    None => recorded.ttfc.record(ns_between(due, now))?,
                    Some(last) => recorded.tbc.record(ns_between(last, now))?,
                }
                last = Some(now);
            }
            start = held.len() - rest.len();
        }
        held.drain(..start);
    }
    recorded.borrow_mut().e2e.record(ns(due))?;
    Ok(())
}

fn ns(since: Instant) -> u64 {
    ns_between(since, Instant::now())
}

fn ns_between(since: Instant, until: Instant) -> u64 {
    u64::try_from(until.saturating_duration_since(since).as_nanos()).unwrap_or(u64::MAX)
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
