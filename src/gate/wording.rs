//! Sentences of the gate: every number with its interval and unit.

use super::change::{Change, Span};
use crate::check::{Estimate, SUSPICIOUS};
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

/// That it is better by this factor, and what to do about it.
pub(super) fn improved(facts: &str, factor: f64) -> String {
    if factor > SUSPICIOUS {
        return format!(
            "{facts}: suspicious, look at error rate and output length before accepting it"
        );
    }
    format!("{facts}: accept it as the new baseline to keep it")
}

/// Never "100 %": no evidence is.
pub(super) fn surely(probability: f64) -> String {
    if probability > 0.999 {
        "over 99.9 %".to_owned()
    } else {
        format!("{:.1} %", probability * 100.0)
    }
}
