//! How a knob is searched, how one value of it is tested, and how two capacities are compared: which
//! value to try next, given what the trials so far said.
//!
//! Knows nothing of trials, SLOs or units; only numbers on a logarithmic scale.

mod bisect;
mod bracket;
mod crossing;
mod drift;
mod line;
mod pair;
mod refine;

pub use bisect::Bisect;
pub use bracket::Range;
pub use drift::{Drift, drift};
pub use line::{Line, Rule, Side, Standing};
pub use pair::{Beliefs, Both, Ending, Pair, Place, Who, Wish};
pub use refine::Refine;

use crate::stats::Reading;

/// What one trial said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The knob's value.
    pub value: f64,
    /// Whether all conditions held.
    pub held: bool,
    /// Whether it was a full trial of the common sequence; short probes only bracket.
    pub full: bool,
    /// Its worst condition.
    pub reading: Reading,
    /// Time within which a quarter of its requests were answered, in seconds; `None` unless all of its
    /// sequence was played. Most of it is work, little of it waiting.
    pub pace: Option<f64>,
}

impl Point {
    /// Of a trial of which no more is known than whether everything held.
    #[must_use]
    pub fn plain(value: f64, held: bool, full: bool) -> Self {
        Self { value, held, full, reading: Reading::one_sided(0.1, held), pace: None }
    }
}

/// The full trials.
fn plays(points: &[Point]) -> Vec<Point> {
    points.iter().copied().filter(|point| point.full).collect()
}

/// The short ones alone: where full trials tell otherwise, the beliefs say so.
fn probes(points: &[Point]) -> Vec<Point> {
    points.iter().copied().filter(|point| !point.full).collect()
}

/// Which values the knob can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Any.
    Real,
    /// Whole numbers.
    Whole,
}

/// What a search wants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ask {
    /// A short trial, to bracket.
    Probe(f64),
    /// A full trial of the common sequence.
    Play(f64),
    /// Nothing: this is the answer.
    Done(Answer),
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Answer {
    /// The crossing, with its interval.
    Crossing {
        /// Where the answers turn; of a whole knob the largest that holds.
        value: f64,
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
        /// Noise between trials, as a difference of logarithms.
        noise: f64,
    },
    /// The top of the range holds.
    AtLeast(f64),
    /// The bottom of the range breaks.
    NoneHolds(f64),
}

/// A bracket narrower than this (difference of logarithms) is searched with full trials.
const BRACKET: f64 = 0.25;
/// Full trials farther away from the capacity than this (difference of logarithms) say on which side it
/// lies, and hardly where.
pub const NEAR: f64 = 0.15;
/// Fewest full trials near the capacity behind a finished search.
pub const NEAR_MIN: usize = 6;
