//! The verdict on a check that compared two targets on one machine: no baseline has a say in it.

use super::change::Change;
use super::limit::{Current, absolute};
use super::verdict::{CheckVerdict, GateResult, Ruling, Verdict};
use super::wording::{improved, surely};
use crate::check::{Better, Compared, Conclusion, Finding, Line, Relation, Ruled};
use crate::config::plan::{CheckPlan, Limit};
use crate::units::number::{change_in_full, plain};

/// Judges every limit of a check: relative ones by the ratio of the two, absolute ones by the head.
#[must_use]
pub fn judge_compared(plan: &CheckPlan, finding: &Finding) -> CheckVerdict {
    let unit = plan.capacity.knob.unit();
    let alone = |verdict: Verdict, reason: String| {
        vec![GateResult::of("capacity", vec![Ruling::new(verdict, reason)])]
    };
    let gates = match &finding.conclusion {
        Conclusion::Compared(compared) => {
            let lines = compared.lines.iter().map(|line| relative(compared, line));
            lines.chain(absolutes(plan, finding)).collect()
        }
        Conclusion::AtLeast(bound) => {
            let reason = format!(
                "both carry at least {} {unit}, the top of the range; raise `to`, or a difference \
                 stays unknown",
                bound.get()
            );
            alone(Verdict::Inconclusive, reason)
        }
        Conclusion::NoneHolds(bound) => {
            let reason = format!(
                "the conditions do not hold on the base even at {} {unit}, the lowest load that is \
                 asked about; lower `from`",
                bound.get()
            );
            alone(Verdict::Inconclusive, reason)
        }
        Conclusion::Inconclusive(gap) => alone(Verdict::Inconclusive, gap.to_string()),
        Conclusion::Invalid(_) | Conclusion::Busy { .. } | Conclusion::Drifted(_) => {
            alone(Verdict::Invalid, finding.conclusion.unsound().unwrap_or_default())
        }
        Conclusion::Found | Conclusion::Tested(_) => {
            let rulings = vec![Ruling::hollow("only one target was measured")];
            vec![GateResult::of("capacity", rulings)]
        }
    };
    CheckVerdict::of(&plan.name, gates)
}

fn relative(compared: &Compared, ruled: &Ruled) -> GateResult {
    let facts = carries(&compared.relation);
    let allowed = format!("allowed {}", change_in_full(ruled.at - 1.0));
    let pairs = match ruled.trials {
        1 => "1 pair of trials".to_owned(),
        n => format!("{n} pairs of trials"),
    };
    let risk = ruled.risk.clamp(0.0, 1.0);
    let ruling = match (&ruled.line, ruled.limit, compared.better) {
        (Line::Broken, ..) => {
            let sure = surely(risk);
            Ruling::new(
                Verdict::Regression,
                format!("{facts}, {allowed} ({sure} sure after {pairs})"),
            )
        }
        (Line::Open(gap), ..) => {
            let percent = risk * 100.0;
            let reason = format!(
                "{facts}, {allowed} ({percent:.0} % probable that it is beyond, after {pairs}): {gap}"
            );
            Ruling::new(Verdict::Inconclusive, reason)
        }
        (Line::Kept, Limit::MaxDrop(_), Better::Yes) => {
            let factor = compared.relation.value.or(compared.relation.low);
            Ruling::new(Verdict::Improvement, improved(&facts, factor.unwrap_or(1.0)))
        }
        (Line::Kept, ..) => {
            let sure = surely(1.0 - risk);
            Ruling::new(Verdict::Pass, format!("{facts}, {allowed} ({sure} sure after {pairs})"))
        }
    };
    let less_one = |ratio: f64| ratio - 1.0;
    let Relation { value, low, high } = compared.relation;
    let is_known = value.or(low).or(high).is_some();
    GateResult {
        limit: Some(ruled.limit),
        baseline: compared.base.clone(),
        change: is_known.then(|| Change {
            value: value.map(less_one),
            low: low.map(less_one),
            high: high.map(less_one),
        }),
        probability: Some(ruled.risk),
        ..GateResult::of("capacity", vec![ruling])
    }
}

/// `head carries 0.81 of base [0.76, 0.86]`, as far as it is known.
fn carries(relation: &Relation) -> String {
    match (relation.value, relation.low, relation.high) {
        (Some(value), Some(low), Some(high)) => {
            format!("head carries {value:.2} of base [{low:.2}, {high:.2}]")
        }
        (_, Some(low), _) => format!("head carries at least {low:.2} of base"),
        (_, None, Some(high)) => format!("head carries at most {high:.2} of base"),
        (_, None, None) => "how much of base head carries is not known yet".to_owned(),
    }
}

/// The limits that need no base. Where trials lie on one side of the head's capacity only, they may still
/// say on which side of a limit it lies.
fn absolutes(plan: &CheckPlan, finding: &Finding) -> Vec<GateResult> {
    let unit = plan.capacity.knob.unit();
    let mut gates = Vec::new();
    for (metric, limits) in &plan.gates {
        for limit in limits.all().into_iter().filter(|limit| !limit.is_relative()) {
            let ruling = match finding.metrics.get(metric) {
                Some(now) => absolute(limit, Current::Is(now)),
                None if metric == "capacity" => one_sided(limit, finding, unit),
                None => {
                    let reason = format!(
                        "`{metric}` is read where the conditions hold, and no trial of the head held"
                    );
                    Ruling::new(Verdict::Inconclusive, reason)
                }
            };
            gates.push(GateResult { limit: Some(limit), ..GateResult::of(metric, vec![ruling]) });
        }
    }
    gates
}

fn one_sided(limit: Limit, finding: &Finding, unit: &str) -> Ruling {
    let belief = finding.belief.as_ref();
    let low = belief.and_then(|belief| belief.at_least);
    let high = belief.and_then(|belief| belief.at_most);
    let known = match (low, high) {
        (Some(low), _) => format!("head carries at least {} {unit}", plain(low)),
        (None, Some(high)) => format!("head carries at most {} {unit}", plain(high)),
        (None, None) => "nothing is known yet".to_owned(),
    };
    let (asked, kept, broken) = match limit {
        Limit::Min(bound) => {
            let asked = format!("at least {} {unit} is required", plain(bound));
            (asked, low.is_some_and(|it| it >= bound), high.is_some_and(|it| it < bound))
        }
        Limit::Max(bound) => {
            let asked = format!("at most {} {unit} is required", plain(bound));
            (asked, high.is_some_and(|it| it <= bound), low.is_some_and(|it| it > bound))
        }
        Limit::MaxDrop(_) | Limit::MaxRise(_) => return Ruling::hollow("no base"),
    };
    let verdict = match (broken, kept) {
        (true, _) => Verdict::Regression,
        (false, true) => Verdict::Pass,
        (false, false) => Verdict::Inconclusive,
    };
    Ruling::new(verdict, format!("{known}, {asked}"))
}

#[cfg(test)]
mod tests {
    use super::judge_compared;
    use crate::baseline::fixture;
    use crate::check::{Better, Compared, Conclusion, Finding, Gap, Line, Relation, Ruled};
    use crate::config::plan::{GateLimits, Limit};
    use crate::gate::Verdict;

    fn finding(relation: Relation, line: Line, better: Better, risk: f64) -> Finding {
        let rule = crate::search::Rule::shared(1, 3);
        let ruled = Ruled { limit: Limit::MaxDrop(0.1), at: 0.9, line, risk, trials: 3, rule };
        let compared = Compared { base: None, relation, lines: vec![ruled], better };
        fixture::finding_with(Conclusion::Compared(Box::new(compared)), &[])
    }

    const KNOWN: Relation = Relation { value: Some(0.81), low: Some(0.76), high: Some(0.86) };

    #[test]
    fn each_comparison_has_its_verdict_and_says_what_the_head_carries() {
        let above = Relation { value: None, low: Some(1.12), high: None };
        let below = Relation { value: None, low: None, high: Some(0.88) };
        let open = Line::Open(Gap::Trials { limit: 20 });
        for (relation, line, better, risk, verdict, reason) in [
            (
                KNOWN,
                Line::Broken,
                Better::Unknown,
                0.97,
                Verdict::Regression,
                "head carries 0.81 of base [0.76, 0.86], allowed −10 % (97.0 % sure after 3 pairs of \
                 trials)",
            ),
            (
                below,
                Line::Broken,
                Better::Unknown,
                0.99,
                Verdict::Regression,
                "at most 0.88 of base",
            ),
            (above, Line::Kept, Better::Yes, 0.01, Verdict::Improvement, "at least 1.12 of base"),
            (KNOWN, Line::Kept, Better::No, 0.06, Verdict::Pass, "94.0 % sure after 3 pairs"),
            (KNOWN, open, Better::Unknown, 0.5, Verdict::Inconclusive, "50 % probable"),
        ] {
            let judged =
                judge_compared(&fixture::check_plan(), &finding(relation, line, better, risk));
            assert_eq!(judged.verdict, verdict, "{}", judged.reason);
            assert!(judged.reason.contains(reason), "{}", judged.reason);
            assert_eq!(judged.gates[0].probability, Some(risk));
        }
    }

    #[test]
    fn the_change_is_the_ratio_less_one() {
        let finding = finding(KNOWN, Line::Broken, Better::Unknown, 0.97);
        let judged = judge_compared(&fixture::check_plan(), &finding);
        let change = judged.gates[0].change.unwrap();
        assert!((change.value.unwrap() + 0.19).abs() < 1e-12);
        assert!((change.low.unwrap() + 0.24).abs() < 1e-12);
        assert!((change.high.unwrap() + 0.14).abs() < 1e-12);
    }

    #[test]
    fn an_absolute_limit_is_the_heads_own() {
        let mut plan = fixture::check_plan();
        let limits = GateLimits { min: Some(40.0), ..GateLimits::default() };
        plan.gates.insert("capacity".to_owned(), limits);
        for (value, verdict) in [(41.0, Verdict::Pass), (30.0, Verdict::Regression)] {
            let mut finding = finding(KNOWN, Line::Kept, Better::No, 0.05);
            let head = fixture::estimate(value, value - 0.5, value + 0.5);
            finding.metrics.insert("capacity".to_owned(), head);
            assert_eq!(judge_compared(&plan, &finding).verdict, verdict, "{value}");
        }
        // Known from neither side.
        let mut unknown = finding(KNOWN, Line::Kept, Better::No, 0.05);
        unknown.belief = None;
        assert_eq!(judge_compared(&plan, &unknown).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn an_absolute_limit_goes_by_what_is_known_of_one_side() {
        use Verdict::{Inconclusive, Pass, Regression};
        let min = GateLimits { min: Some(40.0), ..GateLimits::default() };
        let max = GateLimits { max: Some(40.0), ..GateLimits::default() };
        for (limits, at_least, at_most, verdict) in [
            (min, Some(40.0), None, Pass),
            (min, Some(39.0), None, Inconclusive),
            (min, None, Some(40.0), Inconclusive),
            (min, None, Some(39.0), Regression),
            (max, Some(40.0), None, Inconclusive),
            (max, Some(41.0), None, Regression),
            (max, None, Some(40.0), Pass),
            (max, None, Some(41.0), Inconclusive),
        ] {
            let mut plan = fixture::check_plan();
            plan.gates.insert("capacity".to_owned(), limits);
            let mut finding = finding(KNOWN, Line::Kept, Better::No, 0.05);
            let belief = finding.belief.as_mut().unwrap();
            (belief.at_least, belief.at_most) = (at_least, at_most);
            let judged = judge_compared(&plan, &finding);
            assert_eq!(judged.verdict, verdict, "{limits:?} of {at_least:?} to {at_most:?}");
        }
    }

    #[test]
    fn what_was_not_compared_is_no_pass() {
        for (conclusion, verdict) in [
            (Conclusion::Found, Verdict::Incomparable),
            (Conclusion::AtLeast(fixture::knob(100.0)), Verdict::Inconclusive),
            (Conclusion::NoneHolds(fixture::knob(5.0)), Verdict::Inconclusive),
            (Conclusion::Inconclusive(Gap::Requests { budget: 10 }), Verdict::Inconclusive),
            (Conclusion::Busy { voids: 12 }, Verdict::Invalid),
        ] {
            let finding = fixture::finding_with(conclusion, &[]);
            let judged = judge_compared(&fixture::check_plan(), &finding);
            assert_eq!(judged.verdict, verdict, "{}", judged.reason);
        }
    }
}
