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

    /// The mean of what is drawn, with every rule of the draw: rounding, the range, at least 1.
    #[must_use]
    pub fn mean(self) -> f64 {
        match self {
            Self::Fixed(n) => f64::from(n.max(1)),
            Self::Uniform(low, high) => {
                let high = high.max(low);
                let zeros = if low == 0 { 1.0 / (f64::from(high) + 1.0) } else { 0.0 };
                f64::midpoint(f64::from(low), f64::from(high)) + zeros
            }
            Self::Normal { mean, sd, min, max } => normal_mean(mean, sd, min, max),
            Self::Zipf { exponent, min, max } => {
                let ranks = zipf_ranks(min, max);
                weighted(ranks.map(|k| {
                    let length = min.saturating_add(k - 1).max(1);
                    (f64::from(length), zipf_weight(k, exponent))
                }))
                .map_or(f64::from(min.max(1)), |(mean, _)| mean)
            }
        }
    }
}

/// How often a normal length is drawn before the nearer bound is taken.
pub(super) const NORMAL_DRAWS_MAX: i32 = 1_000;
/// Most whole numbers over which a mean is summed one by one; of a wider range some are taken together.
const CELLS_MAX: u32 = 100_000;

/// The sum over the whole numbers of the range, each as often as it is drawn.
fn normal_mean(mean: f64, sd: f64, min: u32, max: u32) -> f64 {
    let bound = f64::from(if mean < f64::from(min) { min } else { max }.max(1));
    let width = (max.saturating_sub(min) / CELLS_MAX).max(1);
    let below = |x: f64| {
        if sd > 0.0 {
            0.5 * libm::erfc((mean - x) / (sd * std::f64::consts::SQRT_2))
        } else {
            f64::from(u8::from(x > mean))
        }
    };
    let cells = (0..=max.saturating_sub(min) / width).map(|cell| {
        let first = min.saturating_add(cell.saturating_mul(width));
        let last = first.saturating_add(width - 1).min(max);
        let (low, high) = (f64::from(first), f64::from(last));
        let middle = f64::midpoint(low, high);
        (if middle < 1.0 { 1.0 } else { middle }, below(high + 0.5) - below(low - 0.5))
    });
    // Outside the range it is drawn again, but not for ever.
    weighted(cells).map_or(bound, |(inside, mass)| {
        let given_up = libm::pow((1.0 - mass).clamp(0.0, 1.0), f64::from(NORMAL_DRAWS_MAX));
        inside + given_up * (bound - inside)
    })
}

/// The ranks of a Zipf law; bounded, because its table is as long as the range.
pub(super) fn zipf_ranks(min: u32, max: u32) -> std::ops::RangeInclusive<u32> {
    const RANGE_MAX: u32 = 1_000_000;
    1..=(max.saturating_sub(min).saturating_add(1)).min(RANGE_MAX)
}

/// How often the k-th length is drawn, up to a factor.
pub(super) fn zipf_weight(rank: u32, exponent: f64) -> f64 {
    libm::pow(f64::from(rank), -exponent)
}

/// The mean of values with their weights, and the sum of these; `None` without any weight.
fn weighted(values: impl Iterator<Item = (f64, f64)>) -> Option<(f64, f64)> {
    let (sum, mass) = values
        .fold((0.0, 0.0), |(sum, mass), (value, weight)| (sum + value * weight, mass + weight));
    (mass > 0.0).then(|| (sum / mass, mass))
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

#[cfg(test)]
mod tests {
    use super::Length;
    use crate::workload::{Arrivals, HistoryMode, Sequence, SessionLaw, ThinkTime};
    use std::time::Duration;

    #[test]
    fn the_mean_is_that_of_what_is_drawn() {
        let normal = |mean, sd, min, max| Length::Normal { mean, sd, min, max };
        for (length, wide) in [
            (Length::Fixed(0), 0.0),
            (Length::Fixed(7), 0.0),
            (Length::Uniform(0, 2), 0.02),
            (Length::Uniform(100, 500), 3.0),
            (normal(100.0, 40.0, 20, 300), 1.0),
            // Most of its mass lies outside, on either side.
            (normal(10.0, 40.0, 20, 300), 1.0),
            (normal(400.0, 60.0, 20, 300), 1.0),
            // All of it does: the nearer bound.
            (normal(5.0, 0.1, 20, 30), 0.0),
            (normal(9.4, 0.0, 1, 30), 0.0),
            (normal(0.2, 1.0, 0, 5), 0.02),
            (normal(50_000.0, 40_000.0, 1, 1_000_000), 900.0),
            (Length::Zipf { exponent: 1.1, min: 4, max: 64 }, 0.5),
            (Length::Zipf { exponent: 2.0, min: 0, max: 9 }, 0.04),
        ] {
            let law = SessionLaw {
                turns: Length::Fixed(1),
                prompt_tokens: length,
                output_tokens: Length::Fixed(1),
                think_time: ThinkTime::Fixed(Duration::ZERO),
                history: HistoryMode::None,
            };
            let drawn = Sequence::new(&law, Arrivals::Poisson, 9).take(20_000);
            let drawn = drawn.map(|session| f64::from(session.turns[0].prompt_tokens));
            let drawn = drawn.sum::<f64>() / 20_000.0;
            let mean = length.mean();
            assert!((mean - drawn).abs() <= wide, "{length:?}: {mean} and {drawn}");
        }
    }
}
