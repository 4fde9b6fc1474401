//! How late a task wakes that sleeps with tokio's own timer: what pacing by it would cost.

use super::clock::{SECOND_NS, now_ns};
use anyhow::Context as _;
use clap::Args;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// `engine timer`: wakes `rate` times a second and prints [`Lag`] as JSON.
#[derive(Debug, Args)]
pub(super) struct Timer {
    #[arg(long)]
    rate: u64,
    #[arg(long)]
    seconds: u64,
}

/// Time from due to awake.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Lag {
    pub(super) p99_ms: f64,
}

impl Timer {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let lag = runtime.block_on(self.measure())?;
        serde_json::to_writer(std::io::stdout(), &lag)?;
        Ok(())
    }

    async fn measure(&self) -> anyhow::Result<Lag> {
        let mut lags = Histogram::<u64>::new(3)?;
        let (start, start_ns) = (Instant::now(), now_ns());
        let period_ns = SECOND_NS.checked_div(self.rate).context("a rate of 0")?;
        for index in 0..self.rate * self.seconds {
            let due_ns = index * period_ns;
            sleep_until(start + Duration::from_nanos(due_ns)).await;
            lags.record(now_ns().saturating_sub(start_ns + due_ns))?;
        }
        Ok(Lag { p99_ms: super::number::ms(lags.value_at_quantile(0.99)) })
    }
}
