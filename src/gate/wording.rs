//! Sentences of the gate: every number with its interval and unit.

use super::change::Span;
use crate::baseline::shown;
use crate::check::Estimate;

/// `41.0 sessions/s [39.8, 42.1]`.
pub(super) fn number(estimate: &Estimate) -> String {
    let text = |value| shown(value, estimate.low, estimate.high);
    let (low, high) = (text(estimate.low), text(estimate.high));
    let unit = unit(&estimate.unit);
    format!("{}{unit} [{low}, {high}]", text(estimate.value))
}

fn unit(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" {unit}") }
}

/// `−24 % [−27, −21]`, or what is known of it.
pub(super) fn change(span: Span) -> String {
    match span.change() {
        Some(change) => {
            let (low, high) = (change.low * 100.0, change.high * 100.0);
            let text = |value: f64| signed(&shown(value, low, high), value);
            format!("{} % [{}, {}]", text(change.value * 100.0), text(low), text(high))
        }
        None => "from zero".to_owned(),
    }
}

/// `−10 %` or `+25 %`, for a limit.
pub(super) fn percent(share: f64) -> String {
    let value = share * 100.0;
    // Nine decimals hide what the multiplication added.
    let text = format!("{value:.9}");
    format!("{} %", signed(text.trim_end_matches('0').trim_end_matches('.'), value))
}

/// A sign in front of everything but zero, with a minus that is as wide as a plus.
fn signed(text: &str, value: f64) -> String {
    let digits = text.trim_start_matches('-');
    let is_zero = !digits.contains(|c: char| ('1'..='9').contains(&c));
    match (is_zero, value < 0.0) {
        (true, _) => digits.to_owned(),
        (false, true) => format!("\u{2212}{digits}"),
        (false, false) => format!("+{digits}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{change, number, percent};
    use crate::baseline::fixture::estimate;
    use crate::gate::change::Span;

    #[test]
    fn numbers_are_rounded_to_their_interval() {
        assert_eq!(number(&estimate(41.037, 39.81, 42.13)), "41.0 sessions/s [39.8, 42.1]");
        let span = |now| Span::between(&estimate(41.0, 39.8, 42.1), &now).unwrap();
        assert_eq!(change(span(estimate(31.2, 30.1, 32.0))), "−23.9 % [−27.2, −20.9]");
        assert_eq!(change(span(estimate(41.0, 31.0, 51.0))), "0 % [−24, +25]");
        let exact = estimate(41.0, 41.0, 41.0);
        assert_eq!(change(Span::between(&exact, &exact).unwrap()), "0 % [0, 0]");
        assert_eq!(percent(-0.1), "−10 %");
        assert_eq!(percent(0.25), "+25 %");
        assert_eq!(percent(0.0), "0 %");
    }
}
