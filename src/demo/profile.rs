//! What the simulated server is like.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A simulated server. One step of the batch lasts
/// `slowdown * (step + per_sequence * running + per_token * tokens_held + per_prefill_token * prefilled)`,
/// times `1 + jitter * N(0, 1)` (that factor at least 0.1). `tokens_held` includes what the step
/// prefills.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Name of the profile it started from.
    pub name: String,
    /// Fixed part of a step.
    pub step: Duration,
    /// Added per running sequence.
    pub per_sequence: Duration,
    /// Added per token held in the cache.
    pub per_token: Duration,
    /// Added per prompt token prefilled in the step.
    pub per_prefill_token: Duration,
    /// Most prompt tokens prefilled in one step (chunked prefill).
    pub prefill_chunk: u32,
    /// Most sequences in the batch.
    pub max_num_seqs: u32,
    /// Most requests that wait; further ones are shed with 503.
    pub max_queue: u32,
    /// Most tokens of prompt and output together; more is answered 400.
    pub context: u32,
    /// Relative standard deviation of a step's length.
    pub jitter: f64,
    /// Seed of the jitter, the faults and the lengths of answers.
    pub seed: u64,
    /// What it does worse on purpose.
    pub faults: Faults,
}

/// What the demo does worse on purpose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Faults {
    /// Factor on the length of every step, finite and `> 0`; 1 is none.
    pub slowdown: f64,
    /// Time from the start during which everything but liveness and metrics is answered 503.
    pub startup_delay: Duration,
    /// Added to the very first step, so to the first request's prefill.
    pub cold_start: Duration,
    /// Share of requests that are answered 500, `0..=1`.
    pub error_rate: f64,
    /// Share of answers that stop after half of their tokens, without a finish reason, `0..=1`.
    pub truncate_rate: f64,
    /// Share of requests that are shed with 503 whatever the load, `0..=1`.
    pub shed_rate: f64,
    /// Bytes kept for ever per accepted request.
    pub leak: u64,
    /// The batch stands still for `freeze_for` each time it could work for this long; zero is
    /// never.
    pub freeze_every: Option<Duration>,
    /// Length of a freeze. Its end starts the next `freeze_every`.
    pub freeze_for: Duration,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            slowdown: 1.0,
            startup_delay: Duration::ZERO,
            cold_start: Duration::ZERO,
            error_rate: 0.0,
            truncate_rate: 0.0,
            shed_rate: 0.0,
            leak: 0,
            freeze_every: None,
            freeze_for: Duration::from_millis(500),
        }
    }
}

impl Profile {
    /// Names of the built-in profiles.
    pub const NAMES: [&str; 1] = ["llm"];

    /// The built-in profile of that name.
    ///
    /// `llm` is chosen so that short sessions (prompts of 60 to 200 tokens, 8 to 24 tokens out)
    /// show all that a capacity search must cope with within seconds: a few hundred requests in
    /// four seconds, about 0.2 s of residence when idle and 0.45 s at the knee. With Poisson
    /// arrivals p95 ttfc crosses 200 ms near 81 requests/s, and near 63 when slowed by 1.25; up to
    /// there nothing is shed. The batch is the limit: 44 sequences fill it just beyond the knee,
    /// so that ttfc rises steeply (a clear answer), then the queue of 64 fills and the rest is
    /// shed. p90 tbc ends at 36 ms whatever the load, but slowed by 1.25 it crosses 40 ms near 60
    /// requests/s: a slowdown of a quarter costs more than a quarter where both limits are asked.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        (name == "llm").then(|| Self {
            name: name.to_owned(),
            step: Duration::from_millis(10),
            per_sequence: Duration::from_micros(200),
            per_token: Duration::from_nanos(500),
            per_prefill_token: Duration::from_micros(25),
            prefill_chunk: 512,
            max_num_seqs: 44,
            max_queue: 64,
            context: 8_192,
            jitter: 0.05,
            seed: 1,
            faults: Faults::default(),
        })
    }
}
