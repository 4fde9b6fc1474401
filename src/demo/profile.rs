//! What the simulated server is like.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A simulated server. One step of the batch lasts
/// `slowdown * (step + per_sequence * running + per_token * tokens_held + per_prefill_token * prefilled)`,
/// times `1 + jitter * N(0, 1)`.
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
    /// Seed of the jitter and the faults.
    pub seed: u64,
    /// What it does worse on purpose.
    pub faults: Faults,
}

/// What the demo does worse on purpose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Faults {
    /// Factor on the length of every step, `> 0`; 1 is none.
    pub slowdown: f64,
    /// Time before the port answers.
    pub startup_delay: Duration,
    /// Added to the first request's prefill.
    pub cold_start: Duration,
    /// Share of requests that are answered 500.
    pub error_rate: f64,
    /// Share of streams that end without a finish reason.
    pub truncate_rate: f64,
    /// Share of requests that are shed with 503 whatever the load.
    pub shed_rate: f64,
    /// Bytes kept for ever per request.
    pub leak: u64,
    /// The server stops for `freeze_for` each time this has passed.
    pub freeze_every: Option<Duration>,
    /// Length of a freeze.
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
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        (name == "llm").then(|| Self {
            name: name.to_owned(),
            step: Duration::from_micros(4_000),
            per_sequence: Duration::from_micros(250),
            per_token: Duration::from_nanos(500),
            per_prefill_token: Duration::from_micros(20),
            prefill_chunk: 512,
            max_num_seqs: 32,
            max_queue: 64,
            context: 8_192,
            jitter: 0.05,
            seed: 1,
            faults: Faults::default(),
        })
    }
}
