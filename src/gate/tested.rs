//! A limit that the check tested itself: the trials say on which side of it the capacity lies.

use super::verdict::{Ruling, Verdict};
use super::wording::{improved, measured, surely};
use crate::check::{Better as Improved, Estimate, Finding, Line, Ruled, Tested};
use crate::config::plan::Limit;
use crate::units::number::{change_in_full, in_full, plain};

/// Judges it; also gives the probability that the capacity lies beyond it.
pub(super) fn tested(
    limit: Limit,
    tested: &Tested,
    finding: &Finding,
    unit: &str,
    then: Option<&Estimate>,
) -> (Ruling, Option<f64>) {
    let Some(ruled) = tested.lines.iter().find(|ruled| ruled.limit == limit) else {
        return (Ruling::hollow("the `capacity` was not tested at this limit"), None);
    };
    let facts = match (then, known(finding, unit)) {
        (Some(then), Some(now)) if limit.is_relative() => {
            format!("{now} against {}", measured(then))
        }
        (_, Some(now)) => now,
        (_, None) => "nothing is known yet".to_owned(),
    };
    let allowed = match limit {
        Limit::MaxDrop(share) => format!("allowed {}", change_in_full(-share)),
        Limit::MaxRise(share) => format!("allowed {}", change_in_full(share)),
        Limit::Min(bound) => format!("at least {} {unit} is required", in_full(bound)),
        Limit::Max(bound) => format!("at most {} {unit} is required", in_full(bound)),
    };
    let sure = surety(ruled);
    let ruling = match (&ruled.line, limit, tested.better) {
        (Line::Broken, ..) => {
            Ruling::new(Verdict::Regression, format!("{facts}, {allowed} ({sure})"))
        }
        (Line::Open(gap), ..) => {
            Ruling::new(Verdict::Inconclusive, format!("{facts}, {allowed} ({sure}): {gap}"))
        }
        (Line::Kept, Limit::MaxDrop(_), Improved::TooGood) => {
            Ruling::new(Verdict::Improvement, improved(&facts, f64::INFINITY))
        }
        (Line::Kept, Limit::MaxDrop(_), Improved::Yes) => {
            Ruling::new(Verdict::Improvement, improved(&facts, 1.0))
        }
        (Line::Kept, ..) => Ruling::new(Verdict::Pass, format!("{facts}, {allowed} ({sure})")),
    };
    (ruling, Some(ruled.risk))
}

/// `98 % sure after 2 trials`.
fn surety(ruled: &Ruled) -> String {
    let trials = match ruled.trials {
        1 => "1 trial".to_owned(),
        n => format!("{n} trials"),
    };
    let risk = ruled.risk.clamp(0.0, 1.0);
    match ruled.line {
        Line::Broken => format!("{} sure after {trials}", surely(risk)),
        Line::Kept => format!("{} sure after {trials}", surely(1.0 - risk)),
        Line::Open(_) => {
            format!("{:.0} % likely to lie beyond it after {trials}", risk * 100.0)
        }
    }
}

/// What is known of the capacity now: an estimate where trials lie on both sides, else the side that
/// they lie on.
fn known(finding: &Finding, unit: &str) -> Option<String> {
    if let Some(capacity) = finding.metrics.get("capacity") {
        return Some(measured(capacity));
    }
    let belief = finding.belief.as_ref()?;
    let at_least = belief.at_least.map(|value| format!("at least {} {unit}", plain(value)));
    at_least.or_else(|| Some(format!("at most {} {unit}", plain(belief.at_most?))))
}

#[cfg(test)]
mod tests {
    use super::super::judge::{BaselineView, judge_check};
    use crate::baseline::fixture;
    use crate::check::{Better, Conclusion, Finding, Gap, Line, Ruled, Tested};
    use crate::config::plan::Limit;
    use crate::gate::{CheckVerdict, Verdict};

    fn finding(line: Line, better: Better, risk: f64, trials: u32) -> Finding {
        let rule = crate::search::Rule::shared(1, 2);
        let ruled = Ruled { limit: Limit::MaxDrop(0.1), at: 36.9, line, risk, trials, rule };
        let accepted = fixture::knob(41.0);
        let tested = Tested { accepted, lines: vec![ruled], better, ruled_out: None };
        fixture::finding_with(Conclusion::Tested(Box::new(tested)), &[])
    }

    fn judge(finding: &Finding) -> CheckVerdict {
        judge_check(&fixture::check_plan(), finding, BaselineView::Entry(&fixture::entry()))
    }

    #[test]
    fn each_side_of_the_limit_has_its_verdict_and_says_how_sure_it_is() {
        let open = Line::Open(Gap::Trials { limit: 20 });
        let (broken, kept) = (Line::Broken, Line::Kept);
        use Better::{No, TooGood, Unknown, Yes};
        for (line, better, risk, trials, verdict, reason) in [
            (
                broken.clone(),
                Unknown,
                0.985,
                2,
                Verdict::Regression,
                "allowed −10 % (98.5 % sure after 2 trials)",
            ),
            (broken, Unknown, 0.9999, 3, Verdict::Regression, "(over 99.9 % sure after 3 trials)"),
            (kept.clone(), No, 0.04, 1, Verdict::Pass, "(96.0 % sure after 1 trial)"),
            (kept.clone(), Yes, 0.04, 1, Verdict::Improvement, "accept it as the new baseline"),
            (kept, TooGood, 0.04, 1, Verdict::Improvement, "suspicious"),
            (
                open,
                Unknown,
                0.5,
                10,
                Verdict::Inconclusive,
                "(50 % likely to lie beyond it after 10 trials): 20 trials did not tell",
            ),
        ] {
            let mut finding = finding(line, better, risk, trials);
            finding.metrics.insert("error_rate".to_owned(), fixture::share(0.002));
            let judged = judge(&finding);
            assert_eq!(judged.verdict, verdict, "{}", judged.reason);
            assert!(judged.reason.contains(reason), "{}", judged.reason);
            assert_eq!(judged.gates[0].probability, Some(risk));
        }
    }

    #[test]
    fn what_is_known_of_the_capacity_stands_beside_the_accepted_one() {
        let mut finding = finding(Line::Kept, Better::No, 0.04, 1);
        let said = |finding: &Finding| judge(finding).gates[0].reason.clone();
        let estimate = fixture::estimate(41.3, 40.2, 42.4);
        for (at_least, at_most, facts) in [
            (Some(40.1), None, "at least 40.1 sessions/s against 41.0 sessions/s"),
            (None, Some(30.0), "at most 30 sessions/s against 41.0 sessions/s"),
            (None, None, "nothing is known yet"),
        ] {
            let belief = finding.belief.as_mut().unwrap();
            (belief.at_least, belief.at_most) = (at_least, at_most);
            assert!(said(&finding).starts_with(facts), "{}", said(&finding));
        }
        finding.metrics.insert("capacity".to_owned(), estimate);
        assert!(said(&finding).starts_with("41.3 sessions/s [40.2, 42.4] against"));
    }

    #[test]
    fn a_limit_that_was_not_tested_is_hollow() {
        let mut finding = finding(Line::Kept, Better::No, 0.04, 1);
        if let Conclusion::Tested(tested) = &mut finding.conclusion {
            tested.lines[0].limit = Limit::MaxDrop(0.2);
        }
        let judged = judge(&finding);
        assert!(judged.verdict != Verdict::Pass && judged.gates[0].hollow, "{}", judged.reason);
    }
}
