//! Sentences of the gate: every number with its interval and unit.

use super::change::{Change, Span};
use crate::check::Estimate;
use crate::units::number;

/// `41.0 sessions/s [39.8, 42.1]`.
pub(super) fn measured(estimate: &Estimate) -> String {
    number::with_unit(estimate.value, estimate.low, estimate.high, &estimate.unit)
}

/// `−24 % [−27, −21]`, or what is known of it.
pub(super) fn change(span: Span) -> String {
    let Change { value, low, high } = span.change().unwrap_or_default();
    match (value, low, high) {
        (Some(value), Some(low), Some(high)) => number::change(value, low, high),
        _ => "from zero".to_owned(),
    }
}
