//! One limit against one number.

use super::change::Span;
use super::verdict::{Ruling, Verdict};
use super::wording::{change, improved, measured};
use crate::check::{Estimate, Tested};
use crate::config::plan::Limit;
use crate::slo::Better;
use crate::units::number::{change_in_full, in_full};
use crate::units::{KnobValue, Quantity};

/// What a finding says of one metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Current<'a> {
    /// The number.
    Is(&'a Estimate),
    /// No less than this.
    AtLeast(KnobValue),
    /// Less than this.
    Below(KnobValue),
    /// On this side of each limit.
    Tested(&'a Tested),
}

/// Judges a relative limit; also gives the change where there is one.
pub(super) fn relative(limit: Limit, then: &Estimate, now: Current<'_>) -> (Ruling, Option<Span>) {
    let now = match now {
        Current::Is(now) => now,
        Current::AtLeast(bound) => return (at_least(limit, then, bound), None),
        Current::Below(bound) => return (below(limit, then, bound), None),
        Current::Tested(_) => return (Ruling::hollow("a tested limit is not compared"), None),
    };
    let Some(span) = Span::between(then, now) else {
        let reason = format!(
            "{} and {} cannot be compared: a number is negative, not finite or outside its interval",
            measured(then),
            measured(now)
        );
        return (Ruling::hollow(reason), None);
    };
    (moved(limit, then, now, span), Some(span))
}

/// Both numbers have an interval.
fn moved(limit: Limit, then: &Estimate, now: &Estimate, span: Span) -> Ruling {
    // `allowed` is the change at which the limit is crossed; `loss` says on which side.
    let (allowed, crossed, inside) = match limit {
        Limit::MaxDrop(share) => (-share, span.high < -share, span.low >= -share),
        Limit::MaxRise(share) => (share, span.low > share, span.high <= share),
        Limit::Min(_) | Limit::Max(_) => return absolute(limit, Current::Is(now)),
    };
    let facts = format!("{} against {}: {}", measured(now), measured(then), change(span));
    let allowed = change_in_full(allowed);
    if crossed {
        return Ruling::new(Verdict::Regression, format!("{facts}, allowed {allowed}"));
    }
    if !inside {
        let reason = format!(
            "{facts} reaches to both sides of the allowed {allowed}; a quieter machine or a longer budget would tell"
        );
        return Ruling::new(Verdict::Inconclusive, reason);
    }
    let (better, factor) = match (limit, then.better) {
        (Limit::MaxDrop(share), Better::Higher) => (span.low > share, now.value / then.value),
        (Limit::MaxRise(share), Better::Lower) => (span.high < -share, then.value / now.value),
        (Limit::MaxDrop(_) | Limit::MaxRise(_) | Limit::Min(_) | Limit::Max(_), _) => (false, 1.0),
    };
    if better {
        return Ruling::new(Verdict::Improvement, improved(&facts, factor));
    }
    Ruling::new(Verdict::Pass, format!("{facts}, allowed {allowed}"))
}

/// The top of the range held: only a lower bound is known.
fn at_least(limit: Limit, then: &Estimate, bound: KnobValue) -> Ruling {
    let facts = format!(
        "at least {} {} (the top of the range held) against {}",
        bound.get(),
        then.unit,
        measured(then)
    );
    let Limit::MaxDrop(share) = limit else {
        let reason = format!("{facts}: raise `to`, or the rise stays unknown");
        return Ruling::new(Verdict::Inconclusive, reason);
    };
    let factor = bound.get() / then.value;
    if bound.get() > then.high * (1.0 + share) {
        return Ruling::new(
            Verdict::Improvement,
            improved(&format!("{facts}; raise `to`"), factor),
        );
    }
    if bound.get() >= then.high * (1.0 - share) {
        let reason =
            format!("{facts}, allowed {}; raise `to` to measure it", change_in_full(-share));
        return Ruling::new(Verdict::Pass, reason);
    }
    let reason = format!("{facts}: raise `to`, it lies below what must hold");
    Ruling::new(Verdict::Inconclusive, reason)
}

/// The bottom of the range did not hold: only an upper bound is known.
fn below(limit: Limit, then: &Estimate, bound: KnobValue) -> Ruling {
    let facts = format!(
        "less than {} {} (the bottom of the range did not hold) against {}",
        bound.get(),
        then.unit,
        measured(then)
    );
    match limit {
        Limit::MaxDrop(share) if bound.get() <= then.low * (1.0 - share) => {
            Ruling::new(Verdict::Regression, format!("{facts}, allowed {}", change_in_full(-share)))
        }
        Limit::MaxDrop(_) | Limit::MaxRise(_) | Limit::Min(_) | Limit::Max(_) => {
            Ruling::new(Verdict::Inconclusive, format!("{facts}: lower `from`"))
        }
    }
}

/// Judges an absolute limit: broken only when the whole interval is beyond it.
pub(super) fn absolute(limit: Limit, now: Current<'_>) -> Ruling {
    let (bound, is_min) = match limit {
        Limit::Min(bound) => (bound, true),
        Limit::Max(bound) => (bound, false),
        Limit::MaxDrop(_) | Limit::MaxRise(_) => {
            return Ruling::hollow("a relative limit has no baseline here");
        }
    };
    let wanted = if is_min { "at least" } else { "at most" };
    let (low, high, facts, allowed) = match now {
        Current::Is(now) => {
            if ![now.low, now.value, now.high].iter().all(|number| number.is_finite()) {
                return Ruling::hollow("the number is not finite");
            }
            let space = if now.unit.is_empty() { "" } else { " " };
            let factor = Quantity::factor(&now.unit);
            let allowed = format!("{wanted} {}{space}{}", in_full(bound / factor), now.unit);
            (now.low * factor, now.high * factor, measured(now), allowed)
        }
        Current::AtLeast(value) => {
            let facts = format!("at least {} (the top of the range held; raise `to`)", value.get());
            (value.get(), f64::INFINITY, facts, format!("{wanted} {bound}"))
        }
        Current::Below(value) => {
            let facts = format!("less than {} (the bottom of the range did not hold)", value.get());
            // No capacity at all satisfies no limit.
            let low = if is_min { 0.0 } else { f64::NEG_INFINITY };
            let high = if is_min { value.get().next_down() } else { f64::INFINITY };
            (low, high, facts, format!("{wanted} {bound}"))
        }
        Current::Tested(_) => return Ruling::hollow("a tested limit is not compared"),
    };
    let (broken, inside) =
        if is_min { (high < bound, low >= bound) } else { (low > bound, high <= bound) };
    let allowed = format!("{allowed} is required");
    match (broken, inside) {
        (true, _) => Ruling::new(Verdict::Regression, format!("{facts}: {allowed}")),
        (false, true) => Ruling::new(Verdict::Pass, format!("{facts}: {allowed}")),
        (false, false) => Ruling::new(
            Verdict::Inconclusive,
            format!("{facts} reaches to both sides of the limit: {allowed}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{Current, Limit, Verdict, absolute, relative};
    use crate::baseline::fixture::{estimate, knob, share};
    use crate::check::Estimate;
    use crate::slo::Better;

    fn verdict(limit: Limit, now: Estimate) -> Verdict {
        relative(limit, &estimate(100.0, 98.0, 102.0), Current::Is(&now)).0.verdict
    }

    #[test]
    fn a_drop_is_judged_by_the_whole_interval_of_the_change() {
        for (value, low, high, expected) in [
            (100.0, 98.0, 102.0, Verdict::Pass),
            (96.0, 95.0, 97.0, Verdict::Pass),
            (90.0, 88.0, 92.0, Verdict::Inconclusive),
            (86.0, 80.0, 92.0, Verdict::Inconclusive),
            (80.0, 78.0, 82.0, Verdict::Regression),
            (105.0, 103.0, 107.0, Verdict::Pass),
            (130.0, 127.0, 133.0, Verdict::Improvement),
            (130.0, 80.0, 180.0, Verdict::Inconclusive),
        ] {
            let got = verdict(Limit::MaxDrop(0.1), estimate(value, low, high));
            assert_eq!(got, expected, "{value} [{low}, {high}]");
        }
    }

    #[test]
    fn a_rise_is_judged_by_the_whole_interval_of_the_change() {
        let lower = |value: f64| Estimate {
            better: Better::Lower,
            unit: "ms".into(),
            ..estimate(value, value * 0.98, value * 1.02)
        };
        for (value, expected) in [
            (100.0, Verdict::Pass),
            (110.0, Verdict::Inconclusive),
            (120.0, Verdict::Regression),
            (80.0, Verdict::Improvement),
        ] {
            let then = lower(100.0);
            let (ruling, _) = relative(Limit::MaxRise(0.1), &then, Current::Is(&lower(value)));
            assert_eq!(ruling.verdict, expected, "{value}: {}", ruling.reason);
        }
    }

    #[test]
    fn a_rise_from_zero_is_a_regression_and_no_rise_is_not() {
        let judge = |now: Estimate| relative(Limit::MaxRise(0.1), &share(0.0), Current::Is(&now)).0;
        assert_eq!(judge(share(0.05)).verdict, Verdict::Regression);
        assert_eq!(judge(share(0.0)).verdict, Verdict::Pass);
    }

    #[test]
    fn no_drop_allowed_means_none() {
        let exact = |value: f64| estimate(value, value, value);
        let then = exact(16_384.0);
        let judge = |now| relative(Limit::MaxDrop(0.0), &then, Current::Is(&exact(now))).0.verdict;
        assert_eq!(judge(16_384.0), Verdict::Pass);
        assert_eq!(judge(16_383.0), Verdict::Regression);
        assert_eq!(judge(16_385.0), Verdict::Improvement);
    }

    #[test]
    fn a_large_improvement_is_reported_as_suspicious() {
        let then = estimate(100.0, 98.0, 102.0);
        let judge = |value: f64| {
            relative(Limit::MaxDrop(0.1), &then, Current::Is(&estimate(value, value, value))).0
        };
        assert!(judge(127.0).reason.ends_with("accept it as the new baseline to keep it"));
        assert!(judge(160.0).reason.contains("suspicious"), "{}", judge(160.0).reason);
        let top = |bound| relative(Limit::MaxDrop(0.1), &then, Current::AtLeast(knob(bound))).0;
        assert_eq!(top(200.0).verdict, Verdict::Improvement);
        assert!(
            top(200.0).reason.contains("suspicious") && top(200.0).reason.contains("raise `to`")
        );
        assert!(top(120.0).reason.ends_with("accept it as the new baseline to keep it"));
    }

    #[test]
    fn a_bound_decides_only_what_it_bounds() {
        let then = estimate(100.0, 98.0, 102.0);
        let drop = Limit::MaxDrop(0.1);
        for (now, expected) in [
            (Current::AtLeast(knob(95.0)), Verdict::Pass),
            (Current::AtLeast(knob(91.0)), Verdict::Inconclusive),
            (Current::AtLeast(knob(50.0)), Verdict::Inconclusive),
            (Current::Below(knob(80.0)), Verdict::Regression),
            (Current::Below(knob(89.0)), Verdict::Inconclusive),
            (Current::Below(knob(120.0)), Verdict::Inconclusive),
        ] {
            assert_eq!(relative(drop, &then, now).0.verdict, expected, "{now:?}");
        }
        for (limit, now, expected) in [
            (Limit::Min(90.0), Current::AtLeast(knob(100.0)), Verdict::Pass),
            (Limit::Min(200.0), Current::AtLeast(knob(100.0)), Verdict::Inconclusive),
            (Limit::Min(90.0), Current::Below(knob(90.0)), Verdict::Regression),
            (Limit::Min(80.0), Current::Below(knob(90.0)), Verdict::Inconclusive),
            (Limit::Max(90.0), Current::AtLeast(knob(100.0)), Verdict::Regression),
            (Limit::Max(90.0), Current::Below(knob(80.0)), Verdict::Inconclusive),
        ] {
            assert_eq!(absolute(limit, now).verdict, expected, "{limit:?} {now:?}");
        }
    }

    #[test]
    fn hollow_gate_15_180_does_not_meet_200() {
        let judge = |low, high| {
            let now = estimate(180.0, low, high);
            absolute(Limit::Min(200.0), Current::Is(&now))
        };
        assert_eq!(judge(170.0, 190.0).verdict, Verdict::Regression);
        assert_eq!(
            judge(170.0, 190.0).reason,
            "180 sessions/s [170, 190]: at least 200 sessions/s is required"
        );
        assert_eq!(judge(150.0, 210.0).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn an_absolute_limit_is_compared_in_base_units() {
        let ms = Estimate { unit: "ms".into(), ..estimate(480.0, 470.0, 490.0) };
        let judge = |limit| absolute(limit, Current::Is(&ms));
        assert_eq!(judge(Limit::Max(0.5)).verdict, Verdict::Pass);
        assert_eq!(judge(Limit::Max(0.4)).verdict, Verdict::Regression);
        assert_eq!(judge(Limit::Max(0.4)).reason, "480 ms [470, 490]: at most 400 ms is required");
        assert_eq!(judge(Limit::Max(0.48)).verdict, Verdict::Inconclusive);
        let broken = estimate(f64::NAN, 1.0, 2.0);
        assert!(absolute(Limit::Max(9.0), Current::Is(&broken)).hollow);
    }

    proptest::proptest! {
        #[test]
        fn the_gate_is_monotonic(
            value in 1.0..200.0_f64, wide in 0.0..0.3_f64, less in 0.3..1.0_f64,
            limit in 0.0..0.5_f64, relative_limit in proptest::bool::ANY,
        ) {
            // From worst to best.
            let rank = |verdict| match verdict {
                Verdict::Regression => 0,
                Verdict::Inconclusive => 1,
                Verdict::Pass => 2,
                Verdict::Improvement => 3,
                Verdict::Invalid | Verdict::New | Verdict::Incomparable => 9,
            };
            let judge = |value: f64| {
                let now = estimate(value, value * (1.0 - wide), value * (1.0 + wide));
                if relative_limit {
                    rank(verdict(Limit::MaxDrop(limit), now))
                } else {
                    rank(absolute(Limit::Min(limit * 200.0), Current::Is(&now)).verdict)
                }
            };
            proptest::prop_assert!(judge(value * less) <= judge(value));
            proptest::prop_assert!(judge(value) <= 3);
        }
    }
}
