//! Numbers with their units: a bare `f64` never crosses a module border.

mod count;
mod line;
pub mod number;
mod quantity;

pub use count::{CONCURRENCY_MAX, SESSIONS_MAX, as_f64, at_least_one, share};
pub use line::{inert, is_unprintable, one_line};
pub use quantity::{ParseQuantityError, Quantity, Unit};

use serde::{Deserialize, Serialize};

/// Events per second: finite and greater than zero.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Rate(f64);

impl Rate {
    /// `None` unless `per_s` is finite and greater than zero.
    #[must_use]
    pub fn per_second(per_s: f64) -> Option<Self> {
        (per_s.is_finite() && per_s > 0.0).then_some(Self(per_s))
    }

    /// The rate as a number per second.
    #[must_use]
    pub fn as_per_second(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Rate {
    type Error = &'static str;

    fn try_from(per_s: f64) -> Result<Self, Self::Error> {
        Self::per_second(per_s).ok_or("a rate must be finite and greater than zero")
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> Self {
        rate.0
    }
}

/// A share, `0..=1`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Ratio(f64);

impl Ratio {
    /// Nothing of it.
    pub const ZERO: Self = Self(0.0);

    /// `None` unless `share` lies in `0..=1`.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        (0.0..=1.0).contains(&share).then_some(Self(share))
    }

    /// The share as a number in `0..=1`.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Ratio {
    type Error = &'static str;

    fn try_from(share: f64) -> Result<Self, Self::Error> {
        Self::new(share).ok_or("a share must lie between 0 and 1")
    }
}

impl From<Ratio> for f64 {
    fn from(ratio: Ratio) -> Self {
        ratio.0
    }
}

/// The value of the one number that a search varies, in the unit of its knob: finite and `> 0`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct KnobValue(f64);

impl KnobValue {
    /// `None` unless `value` is finite and greater than zero.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        (value.is_finite() && value > 0.0).then_some(Self(value))
    }

    /// The plain number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for KnobValue {
    type Error = &'static str;

    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value).ok_or("a knob's value must be finite and greater than zero")
    }
}

impl From<KnobValue> for f64 {
    fn from(value: KnobValue) -> Self {
        value.0
    }
}
