//! The generator watches itself: if it, and not the target, was the limit, the trial is invalid.
//!
//! Two tiers. A [`HealthNote`] is a warning that stands beside the result and changes nothing; an
//! [`InvalidReason`] takes the trial's result away. Both are pure functions of numbers that the trial
//! recorded, and [`GeneratorWatch`] ends a trial as soon as an invalid reason is certain.

mod examine;
mod limits;
mod note;
mod readings;
mod reason;
mod rows;
#[cfg(test)]
mod tests;
mod watch;

pub use examine::{Seen, examine};
pub use limits::send_lag_limit;
pub use note::HealthNote;
pub use readings::{Chunks, Readings, Scarce, Turnover};
pub use reason::InvalidReason;
pub(super) use rows::Rows;
pub use watch::GeneratorWatch;

use std::time::Duration;

/// What the generator's own figures were, and what follows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// What was read.
    pub readings: Readings,
    /// 99th percentile of written − intended.
    pub send_lag_p99: Option<Duration>,
    /// 99th percentile of the time for which we, not the target, held what had arrived; `None`
    /// without receive stamps.
    pub receive_lag_p99: Option<Duration>,
    /// 99th percentile of how late the worker's loop came to its regular probe.
    pub loop_lag_p99: Option<Duration>,
    /// Share of the time for which the busiest worker was ready and had no CPU.
    pub run_wait: Option<f64>,
    /// What is worth knowing and changes nothing.
    pub notes: Vec<HealthNote>,
    /// Reasons why the trial is invalid; empty when it is valid.
    pub invalid: Vec<InvalidReason>,
}
