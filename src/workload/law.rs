//! The distributions that sessions are drawn from.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Distribution of a length, in tokens or turns; every draw is at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// Always the same.
    Fixed(u32),
    /// Every whole number from the first to the second, both included, equally often.
    Uniform(u32, u32),
    /// Normal, rounded, and drawn again outside `min..=max`.
    Normal {
        /// Mean of the untruncated law.
        mean: f64,
        /// Standard deviation of the untruncated law.
        sd: f64,
        /// Smallest length.
        min: u32,
        /// Largest length.
        max: u32,
    },
    /// Zipf over `min..=max`: the k-th length has weight `k^-exponent`.
    Zipf {
        /// Exponent, `> 0`.
        exponent: f64,
        /// Smallest length, the most frequent.
        min: u32,
        /// Largest length.
        max: u32,
    },
}

impl Length {
    /// The largest value that can be drawn.
    #[must_use]
    pub fn max(self) -> u32 {
        match self {
            Self::Fixed(max)
            | Self::Uniform(_, max)
            | Self::Normal { max, .. }
            | Self::Zipf { max, .. } => max,
        }
    }
}

/// How long a user thinks before the next turn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThinkTime {
    /// Always the same.
    Fixed(Duration),
    /// Exponential with this mean.
    Exponential(Duration),
}

/// What a later turn sends of the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryMode {
    /// The whole conversation so far, as a chat client does.
    Inherit,
    /// Only the turn's own prompt.
    None,
}

/// The distribution of sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionLaw {
    /// Turns of a session.
    pub turns: Length,
    /// Tokens of a turn's own prompt, without inherited history.
    pub prompt_tokens: Length,
    /// Tokens that a turn asks for.
    pub output_tokens: Length,
    /// Pause before each turn after the first.
    pub think_time: ThinkTime,
    /// What later turns inherit.
    pub history: HistoryMode,
}

impl SessionLaw {
    /// Whether sessions pause between turns: then fewer requests than sessions are in flight.
    #[must_use]
    pub fn has_pauses(&self) -> bool {
        self.turns.max() > 1 && self.think_time != ThinkTime::Fixed(Duration::ZERO)
    }
}

/// Arrival process of an open loop: the law of the gaps, whose mean is 1 / rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// Exponential gaps, never clipped.
    Poisson,
    /// Gamma gaps with this coefficient of variation (1 is Poisson, above is burstier), `> 0`.
    Gamma {
        /// Standard deviation of the gaps / their mean.
        cv: f64,
    },
    /// Equal gaps; the first arrival after half a gap.
    Constant,
}
