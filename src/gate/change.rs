//! The relative change between two estimates, with its interval.

use crate::check::{Estimate, Finding, Tested};

/// A relative change: -0.24 is a loss of 24 %. What is given is finite.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Change {
    /// now / then - 1; `None` where only a bound is known.
    pub value: Option<f64>,
    /// Lower end of its interval; `None`: not known.
    pub low: Option<f64>,
    /// Upper end of its interval; `None`: not known.
    pub high: Option<f64>,
}

impl Change {
    /// What is known of a tested capacity: an interval where it was estimated, else the side on which
    /// there is evidence.
    pub(super) fn of_tested(then: &Estimate, finding: &Finding, tested: &Tested) -> Option<Self> {
        if let Some(now) = finding.metrics.get("capacity") {
            return Span::between(then, now)?.change();
        }
        let belief = finding.belief.as_ref()?;
        let low = tested.ruled_out.map(|loss| -loss).filter(|_| belief.at_least.is_some());
        let high = belief.at_most.map(|most| most / then.value - 1.0);
        (low.is_some() || high.is_some()).then_some(Self { value: None, low, high })
    }
}

/// The interval of the change, whose ends may be infinite when the baseline reaches down to zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Span {
    /// The change from `then` to `now`; `None` when a number is negative, not finite or outside its
    /// interval.
    ///
    /// On the logarithmic scale each end lies the root of the summed squares of the two half-widths
    /// away, each half-width taken on the side that moves the ratio there. Where an interval reaches
    /// zero there is no logarithm: the ends are then those of the two extremes, which is wider.
    pub(super) fn between(then: &Estimate, now: &Estimate) -> Option<Self> {
        if !(is_sound(then) && is_sound(now)) {
            return None;
        }
        if then.low <= 0.0 || now.low <= 0.0 {
            return Some(Self {
                value: ratio(now.value, then.value) - 1.0,
                low: ratio(now.low, then.high) - 1.0,
                high: ratio(now.high, then.low) - 1.0,
            });
        }
        let half_width = |outer: f64, inner: f64| (outer.ln() - inner.ln()).abs();
        let centre = now.value.ln() - then.value.ln();
        let down = half_width(now.low, now.value).hypot(half_width(then.high, then.value));
        let up = half_width(now.high, now.value).hypot(half_width(then.low, then.value));
        Some(Self {
            value: centre.exp_m1(),
            low: (centre - down).exp_m1(),
            high: (centre + up).exp_m1(),
        })
    }

    /// For reports; `None` when an end is infinite.
    pub(super) fn change(self) -> Option<Change> {
        let Self { value, low, high } = self;
        let is_known = [value, low, high].iter().all(|n| n.is_finite());
        is_known.then_some(Change { value: Some(value), low: Some(low), high: Some(high) })
    }
}

fn is_sound(estimate: &Estimate) -> bool {
    let Estimate { value, low, high, .. } = *estimate;
    high.is_finite() && 0.0 <= low && low <= value && value <= high
}

/// `0 / 0` is no change.
fn ratio(now: f64, then: f64) -> f64 {
    match (now > 0.0, then > 0.0) {
        (_, true) => now / then,
        (true, false) => f64::INFINITY,
        (false, false) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::Span;
    use crate::baseline::fixture::estimate;

    #[test]
    fn half_widths_add_in_quadrature_on_the_side_that_they_move() {
        let then = estimate(100.0, 100.0 / 1.03, 100.0);
        let now = estimate(80.0, 80.0, 80.0 * 1.04);
        let span = Span::between(&then, &now).unwrap();
        assert!((span.value + 0.2).abs() < 1e-12);
        assert!((span.low + 0.2).abs() < 1e-12, "nothing moves it down: {span:?}");
        let up = 1.03_f64.ln().hypot(1.04_f64.ln()).exp();
        assert!((span.high - (0.8 * up - 1.0)).abs() < 1e-12, "{span:?}");
    }

    #[test]
    fn equal_counted_numbers_have_a_change_of_exactly_zero() {
        let exact = estimate(16_384.0, 16_384.0, 16_384.0);
        let span = Span::between(&exact, &exact).unwrap();
        assert!(span.low.to_bits() == 0 && span.high.to_bits() == 0, "{span:?}");
    }

    #[test]
    fn a_baseline_of_zero_has_no_finite_change() {
        let zero = estimate(0.0, 0.0, 0.0);
        let some = estimate(5.0, 4.0, 6.0);
        let span = Span::between(&zero, &some).unwrap();
        assert!(span.low.is_infinite() && span.change().is_none());
        let none = Span::between(&zero, &zero).unwrap();
        assert!(none.low.abs() + none.high.abs() < 1e-12);
    }

    #[test]
    fn what_is_no_number_has_no_change() {
        let good = estimate(5.0, 4.0, 6.0);
        for bad in [
            estimate(f64::NAN, 4.0, 6.0),
            estimate(5.0, 4.0, f64::INFINITY),
            estimate(5.0, 5.5, 6.0),
            estimate(-5.0, -6.0, -4.0),
        ] {
            assert_eq!(Span::between(&good, &bad), None);
            assert_eq!(Span::between(&bad, &good), None);
        }
    }
}
