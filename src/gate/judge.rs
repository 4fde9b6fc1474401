//! The verdict on one check.

use super::change::Change;
use super::limit::{Current, absolute, relative};
use super::tested::tested;
use super::verdict::{CheckVerdict, GateResult, Ruling, Verdict};
use crate::baseline::{BaselineCheck, Difference, text_diff};
use crate::check::{Conclusion, Estimate, Finding, OVER_SEQUENCES};
use crate::config::plan::{CheckPlan, Limit};

/// What there is to compare a finding with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BaselineView<'a> {
    /// There is no file.
    Missing,
    /// There is a file, but it is empty, corrupt or of another schema.
    Unusable(&'a str),
    /// The file does not have this check.
    Absent,
    /// The file has it, measured where the number does not bind here.
    Elsewhere {
        /// The accepted finding.
        entry: &'a BaselineCheck,
        /// What differs.
        differences: &'a [Difference],
    },
    /// The file has it.
    Entry(&'a BaselineCheck),
}

impl<'a> BaselineView<'a> {
    fn entry(self) -> Option<&'a BaselineCheck> {
        match self {
            Self::Missing | Self::Unusable(_) | Self::Absent => None,
            Self::Elsewhere { entry, .. } | Self::Entry(entry) => Some(entry),
        }
    }
}

/// Judges every gate of a check. Each limit is a gate of its own: a relative one needs a baseline,
/// an absolute one does not.
#[must_use]
pub fn judge_check(
    plan: &CheckPlan,
    finding: &Finding,
    baseline: BaselineView<'_>,
) -> CheckVerdict {
    let mut gates = Vec::new();
    for (metric, limits) in &plan.gates {
        for limit in limits.all() {
            gates.push(judge_limit(plan, finding, baseline, metric, limit));
        }
    }
    if !gates.iter().any(|gate| gate.hollow || gate.verdict == Verdict::Regression) {
        gates.extend(nothing_holds(plan, finding));
    }
    gates.extend(lost_metrics(plan, finding, baseline));
    if let BaselineView::Unusable(why) = baseline
        && !gates.iter().any(|gate| gate.hollow)
    {
        let rulings = vec![Ruling::hollow(why)];
        gates.push(GateResult::of("baseline", rulings));
    }
    CheckVerdict::of(&plan.name, gates)
}

fn judge_limit(
    plan: &CheckPlan,
    finding: &Finding,
    baseline: BaselineView<'_>,
    metric: &str,
    limit: Limit,
) -> GateResult {
    let mut rulings = Vec::new();
    let (mut change, mut probability) = (None, None);
    let then = baseline.entry().and_then(|entry| entry.metrics.get(metric));
    let now = current(finding, metric);
    let obstacle = limit
        .is_relative()
        .then(|| {
            let missing = || not_in_baseline(plan, metric, then);
            obstacle(plan, finding, baseline).or_else(missing)
        })
        .flatten();
    match (now, then) {
        (Err(ruling), _) => rulings.push(ruling),
        (Ok(Current::Tested(by)), _) if obstacle.is_none() || !limit.is_relative() => {
            let (ruling, risk) = tested(limit, by, finding, plan.capacity.knob.unit(), then);
            rulings.push(ruling);
            probability = risk;
            change = then.and_then(|then| Change::of_tested(then, finding, by));
        }
        (Ok(now), _) if !limit.is_relative() => rulings.push(absolute(limit, now)),
        (Ok(now), Some(then)) if obstacle.is_none() => match unlike(then, now) {
            Some(ruling) => rulings.push(ruling),
            None => {
                let (ruling, span) = relative(limit, then, now);
                change = span.and_then(super::change::Span::change);
                rulings.push(ruling);
            }
        },
        (Ok(_), _) => {}
    }
    rulings.extend(obstacle);
    GateResult {
        limit: Some(limit),
        baseline: then.cloned(),
        change,
        probability,
        ..GateResult::of(metric, rulings)
    }
}

/// What the finding says of a metric, or why it says nothing.
fn current<'a>(finding: &'a Finding, metric: &str) -> Result<Current<'a>, Ruling> {
    match &finding.conclusion {
        Conclusion::AtLeast(bound) if metric == "capacity" => Ok(Current::AtLeast(*bound)),
        Conclusion::NoneHolds(bound) if metric == "capacity" => Ok(Current::Below(*bound)),
        Conclusion::Found | Conclusion::AtLeast(_) => match finding.metrics.get(metric) {
            Some(estimate) => Ok(Current::Is(estimate)),
            None => Err(Ruling::hollow(format!("`{metric}` was not measured"))),
        },
        Conclusion::NoneHolds(_) => {
            let reason = format!(
                "`{metric}` is read at capacity, which was not found \
                 (nothing holds at the bottom of the range)"
            );
            Err(Ruling::new(Verdict::Inconclusive, reason))
        }
        Conclusion::Tested(tested) if metric == "capacity" => Ok(Current::Tested(tested)),
        Conclusion::Tested(_) => finding.metrics.get(metric).map(Current::Is).ok_or_else(|| {
            let reason = format!("`{metric}` is read where the conditions hold, and no trial held");
            Ruling::new(Verdict::Inconclusive, reason)
        }),
        Conclusion::Compared(_) => Err(Ruling::hollow("it was compared with another target")),
        Conclusion::Inconclusive(gap) => Err(Ruling::new(Verdict::Inconclusive, gap.to_string())),
        Conclusion::Invalid(_) | Conclusion::Busy { .. } | Conclusion::Drifted(_) => {
            let why = finding.conclusion.unsound().unwrap_or_default();
            Err(Ruling::new(Verdict::Invalid, why))
        }
    }
}

/// Why nothing of the check can be compared with the baseline.
fn obstacle(plan: &CheckPlan, finding: &Finding, baseline: BaselineView<'_>) -> Option<Ruling> {
    match baseline {
        BaselineView::Missing => {
            let reason = "there is no baseline yet; accept a run and commit it";
            Some(Ruling::new(Verdict::New, reason))
        }
        BaselineView::Absent => {
            let reason = format!("the baseline does not have `{}` yet; accept a run", plan.name);
            Some(Ruling::new(Verdict::New, reason))
        }
        BaselineView::Unusable(why) => Some(Ruling::hollow(why)),
        BaselineView::Elsewhere { differences, .. } => {
            let texts: Vec<String> = differences.iter().map(ToString::to_string).collect();
            let reason = format!("the baseline was measured elsewhere ({})", texts.join("; "));
            Some(Ruling::new(Verdict::Incomparable, reason))
        }
        BaselineView::Entry(entry) => drift(plan, finding, entry),
    }
}

/// The baseline is of something else: of another configuration, or of another sequence.
fn drift(plan: &CheckPlan, finding: &Finding, entry: &BaselineCheck) -> Option<Ruling> {
    if entry.digest != plan.digest {
        let diff = text_diff("baseline", &entry.config, "now", &plan.identity);
        let reason = "what is measured is not what the baseline measured; \
                      accept a run of the new configuration";
        return Some(Ruling { detail: Some(diff), ..Ruling::new(Verdict::Incomparable, reason) });
    }
    if entry.knob != finding.knob {
        let reason = format!("the baseline varied `{}`, this run `{}`", entry.knob, finding.knob);
        return Some(Ruling::new(Verdict::Incomparable, reason));
    }
    let reason = match (&finding.sequence, &finding.conclusion) {
        (Some((sequence, _)), _) if *sequence == entry.sequence => return None,
        (Some((sequence, _)), _) => format!(
            "the baseline played another sequence of sessions (seed {}, {} + {}, {}) than this run \
             (seed {}, {} + {}, {})",
            entry.sequence.seed,
            entry.sequence.cut,
            entry.sequence.count,
            entry.sequence.digest,
            sequence.seed,
            sequence.cut,
            sequence.count,
            sequence.digest
        ),
        (None, Conclusion::Found) => "this run does not say which sequence it played".to_owned(),
        // Its own verdict says that nothing was found.
        (
            None,
            Conclusion::AtLeast(_)
            | Conclusion::NoneHolds(_)
            | Conclusion::Tested(_)
            | Conclusion::Compared(_)
            | Conclusion::Inconclusive(_)
            | Conclusion::Invalid(_)
            | Conclusion::Busy { .. }
            | Conclusion::Drifted(_),
        ) => return None,
    };
    Some(Ruling::new(Verdict::Incomparable, reason))
}

fn not_in_baseline(plan: &CheckPlan, metric: &str, then: Option<&Estimate>) -> Option<Ruling> {
    let reason = format!("the baseline of `{}` does not have `{metric}` yet", plan.name);
    then.is_none().then(|| Ruling::new(Verdict::New, reason))
}

/// The lowest value that the suite asks about is a limit of its own: a target for which even that is too
/// much is red, also where there is nothing to compare it with or the comparison does not say.
fn nothing_holds(plan: &CheckPlan, finding: &Finding) -> Option<GateResult> {
    let Conclusion::NoneHolds(bound) = finding.conclusion else { return None };
    let (value, unit) = (bound.get(), plan.capacity.knob.unit());
    let reason = format!(
        "the conditions do not hold even at {value} {unit}, the lowest that is asked about; \
         lower `from` if less is expected"
    );
    let rulings = vec![Ruling::new(Verdict::Regression, reason)];
    Some(GateResult::of("capacity", rulings))
}

/// Two numbers of different units or directions are not two values of one metric.
fn unlike(then: &Estimate, now: Current<'_>) -> Option<Ruling> {
    let Current::Is(now) = now else { return None };
    (then.unit != now.unit || then.better != now.better).then(|| {
        let reason = format!(
            "the baseline is in `{}`, this run in `{}`, or they disagree on which way is better",
            then.unit, now.unit
        );
        Ruling::hollow(reason)
    })
}

/// Metrics that the baseline has and a finished finding lacks. Those with a limit have a gate that
/// says so already.
fn lost_metrics<'a>(
    plan: &'a CheckPlan,
    finding: &'a Finding,
    baseline: BaselineView<'a>,
) -> impl Iterator<Item = GateResult> + 'a {
    // Of a capacity above the range there is a bound instead.
    let (has_metrics, has_bound) = match finding.conclusion {
        Conclusion::Found => (true, false),
        Conclusion::AtLeast(_) | Conclusion::Tested(_) => (true, true),
        Conclusion::NoneHolds(_)
        | Conclusion::Compared(_)
        | Conclusion::Inconclusive(_)
        | Conclusion::Invalid(_)
        | Conclusion::Busy { .. }
        | Conclusion::Drifted(_) => (false, false),
    };
    // Failures are read where the conditions hold.
    let is_tested = matches!(finding.conclusion, Conclusion::Tested(_));
    let no_trial_held =
        is_tested && finding.belief.as_ref().is_none_or(|belief| belief.at_least.is_none());
    let accepted = baseline.entry().filter(|_| has_metrics).map(|entry| &entry.metrics);
    accepted
        .into_iter()
        .flatten()
        .filter(move |(metric, _)| !(has_bound && metric.as_str() == "capacity"))
        .filter(move |(metric, _)| !(is_tested && metric.as_str() == OVER_SEQUENCES))
        .filter(move |(metric, _)| !(no_trial_held && metric.as_str() == "error_rate"))
        .filter(|(metric, _)| !finding.metrics.contains_key(*metric))
        .filter(|(metric, _)| plan.gates.get(*metric).is_none_or(|limits| limits.all().is_empty()))
        .map(|(metric, then)| {
            let reason = format!("the baseline has `{metric}`, this run did not measure it");
            let rulings = vec![Ruling::hollow(reason)];
            GateResult { baseline: Some(then.clone()), ..GateResult::of(metric, rulings) }
        })
}

#[cfg(test)]
mod tests {
    use super::{BaselineView, judge_check};
    use crate::baseline::{BaselineCheck, fixture};
    use crate::check::{Conclusion, Finding, Gap, Limited};
    use crate::config::plan::Limit;
    use crate::config::plan::{FailOn, GateLimits};
    use crate::gate::{CheckVerdict, Verdict};
    use crate::trial::InvalidReason;
    use std::collections::BTreeSet;

    fn judge(finding: &Finding, entry: &BaselineCheck) -> CheckVerdict {
        judge_check(&fixture::check_plan(), finding, BaselineView::Entry(entry))
    }

    #[test]
    fn each_finding_has_its_verdict() {
        let ended = |conclusion| fixture::finding_with(conclusion, &[]);
        let at_least = |bound| {
            let metrics = [("error_rate", fixture::share(0.002))];
            fixture::finding_with(Conclusion::AtLeast(fixture::knob(bound)), &metrics)
        };
        let starved = InvalidReason::Offered { intended: 400, written: 206 };
        for (finding, verdict, reason) in [
            (
                fixture::finding(41.3, 40.2, 42.4),
                Verdict::Pass,
                "41.3 sessions/s [40.2, 42.4] against 41.0 sessions/s [39.8, 42.1]: \
                 +0.7 % [−3.0, +4.8], allowed −10 %",
            ),
            (
                fixture::finding(31.2, 30.1, 32.0),
                Verdict::Regression,
                "31.2 sessions/s [30.1, 32.0] against 41.0 sessions/s [39.8, 42.1]: \
                 −23.9 % [−27.2, −20.9], allowed −10 %",
            ),
            (fixture::finding(38.5, 34.9, 42.2), Verdict::Inconclusive, "reaches to both sides"),
            (fixture::finding(52.0, 50.0, 54.0), Verdict::Improvement, "accept it as the new"),
            (at_least(100.0), Verdict::Improvement, "raise `to`"),
            (at_least(41.0), Verdict::Pass, "raise `to`"),
            (at_least(20.0), Verdict::Inconclusive, "raise `to`"),
            (ended(Conclusion::NoneHolds(fixture::knob(5.0))), Verdict::Regression, "less than 5"),
            (ended(Conclusion::NoneHolds(fixture::knob(40.0))), Verdict::Regression, "even at 40"),
            (
                ended(Conclusion::Inconclusive(Gap::Requests { budget: 10 })),
                Verdict::Inconclusive,
                "budget of 10 requests",
            ),
            (
                ended(Conclusion::Invalid(Limited {
                    reasons: vec![starved],
                    can_offer_per_s: None,
                })),
                Verdict::Invalid,
                "206 of 400",
            ),
        ] {
            let judged = judge(&finding, &fixture::entry());
            assert_eq!(judged.verdict, verdict, "{}", judged.reason);
            assert!(judged.reason.contains(reason), "{}", judged.reason);
            assert!(judged.gates.iter().all(|gate| !gate.hollow));
        }
    }

    #[test]
    fn a_target_that_carries_nothing_is_red_without_a_baseline_too() {
        let plan = fixture::check_plan();
        let nothing = fixture::finding_with(Conclusion::NoneHolds(fixture::knob(5.0)), &[]);
        let allowed = BTreeSet::from([FailOn::Regression]);
        let (entry, differences) = (fixture::entry(), []);
        let elsewhere = BaselineView::Elsewhere { entry: &entry, differences: &differences };
        for view in [BaselineView::Missing, BaselineView::Absent, elsewhere] {
            let judged = judge_check(&plan, &nothing, view);
            assert_eq!(judged.verdict, Verdict::Regression, "{view:?}");
            assert!(judged.reason.contains("even at 5 sessions/s"), "{}", judged.reason);
            assert!(judged.gates.iter().any(|gate| gate.fails(&allowed)));
        }
        // What is red anyway keeps its own exit code.
        let judged = judge_check(&plan, &nothing, BaselineView::Unusable("it is empty"));
        assert_eq!(judged.verdict, Verdict::Incomparable);
    }

    #[test]
    fn a_bound_without_the_other_metrics_of_the_baseline_is_hollow() {
        let bound = Conclusion::AtLeast(fixture::knob(100.0));
        let judged = judge(&fixture::finding_with(bound, &[]), &fixture::entry());
        assert_eq!(judged.verdict, Verdict::Incomparable, "{}", judged.reason);
        assert!(judged.gates.iter().any(|gate| gate.hollow && gate.metric == "error_rate"));
    }

    #[test]
    fn a_change_carries_its_interval_and_both_numbers() {
        let judged = judge(&fixture::finding(31.2, 30.1, 32.0), &fixture::entry());
        let gate = &judged.gates[0];
        let change = gate.change.unwrap();
        assert!(change.low < change.value && change.value < change.high);
        assert!(change.low.is_some() && change.high < Some(-0.2));
        assert_eq!(gate.limit, Some(Limit::MaxDrop(0.1)));
        assert_eq!(gate.baseline, fixture::entry().metrics.get("capacity").cloned());
    }

    #[test]
    fn no_baseline_is_new_and_an_unusable_one_is_hollow() {
        let plan = fixture::check_plan();
        let finding = fixture::finding(41.0, 39.8, 42.1);
        let machine = [crate::baseline::Difference {
            what: "CPU model".into(),
            then: "A".into(),
            now: "B".into(),
            weight: crate::baseline::Weight::Binding,
        }];
        let entry = fixture::entry();
        for (view, verdict, hollow, reason) in [
            (BaselineView::Missing, Verdict::New, false, "no baseline yet"),
            (BaselineView::Absent, Verdict::New, false, "does not have `chat-rate` yet"),
            (BaselineView::Unusable("it is empty"), Verdict::Incomparable, true, "it is empty"),
            (
                BaselineView::Elsewhere { entry: &entry, differences: &machine },
                Verdict::Incomparable,
                false,
                "measured elsewhere (CPU model: A then, B now)",
            ),
        ] {
            let judged = judge_check(&plan, &finding, view);
            assert_eq!(judged.verdict, verdict, "{reason}");
            assert_eq!(judged.gates[0].hollow, hollow, "{reason}");
            assert!(judged.reason.contains(reason), "{}", judged.reason);
        }
    }

    #[test]
    fn a_missing_baseline_does_not_hide_an_invalid_run() {
        let invalid = fixture::finding_with(Conclusion::Invalid(Limited::default()), &[]);
        let judged = judge_check(&fixture::check_plan(), &invalid, BaselineView::Missing);
        let mut fail_on = fixture::fail_on_all();
        fail_on.remove(&crate::config::plan::FailOn::New);
        assert_eq!(judged.verdict, Verdict::New);
        assert!(judged.gates[0].fails(&fail_on));
    }

    #[test]
    fn another_configuration_is_incomparable_and_shown_as_a_diff() {
        let mut plan = fixture::check_plan();
        plan.digest = "another".into();
        plan.identity = plan.identity.replace("500ms", "400ms");
        let finding = fixture::finding(41.0, 39.8, 42.1);
        let entry = fixture::entry();
        let judged = judge_check(&plan, &finding, BaselineView::Entry(&entry));
        assert_eq!(judged.verdict, Verdict::Incomparable);
        let detail = judged.gates[0].detail.clone().unwrap();
        assert!(detail.contains("-- p99 ttfc < 500ms\n+- p99 ttfc < 400ms"), "{detail}");
        assert_eq!(judged.gates[0].change, None);
    }

    #[test]
    fn another_sequence_or_knob_is_incomparable() {
        type Alter = fn(&mut Finding);
        let changes: [Alter; 6] = [
            |f| f.sequence.as_mut().unwrap().0.seed = 43,
            |f| f.sequence.as_mut().unwrap().0.cut = 1,
            |f| f.sequence.as_mut().unwrap().0.count = 1,
            |f| f.sequence.as_mut().unwrap().0.digest = "ff".into(),
            |f| f.sequence = None,
            |f| f.knob = "concurrency".into(),
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut finding = fixture::finding(41.0, 39.8, 42.1);
            change(&mut finding);
            let judged = judge(&finding, &fixture::entry());
            assert_eq!(judged.verdict, Verdict::Incomparable, "change {index}");
            assert!(!judged.gates[0].hollow);
        }
    }

    #[test]
    fn a_unit_that_changed_is_not_compared() {
        let mut finding = fixture::finding(41.0, 39.8, 42.1);
        finding.metrics.get_mut("capacity").unwrap().unit = "sessions".into();
        let judged = judge(&finding, &fixture::entry());
        assert!(judged.verdict == Verdict::Incomparable && judged.gates[0].hollow);
    }

    #[test]
    fn absolute_limits_work_without_a_baseline_but_not_with_a_broken_one() {
        let mut plan = fixture::check_plan();
        let limits = GateLimits { min: Some(200.0), ..GateLimits::default() };
        plan.gates = [("capacity".to_owned(), limits)].into();
        let judge = |value: f64, view| {
            judge_check(&plan, &fixture::finding(value, value - 5.0, value + 5.0), view)
        };
        assert_eq!(judge(220.0, BaselineView::Missing).verdict, Verdict::Pass);
        let broken = judge(180.0, BaselineView::Missing);
        assert_eq!(broken.verdict, Verdict::Regression);
        assert_eq!(broken.gates[0].limit, Some(Limit::Min(200.0)));
        let unusable = judge(220.0, BaselineView::Unusable("the baseline is empty"));
        assert_eq!(unusable.verdict, Verdict::Incomparable);
        assert!(unusable.gates.iter().any(|gate| gate.hollow && gate.metric == "baseline"));
    }

    #[test]
    fn each_limit_of_a_metric_is_a_gate_of_its_own() {
        let mut plan = fixture::check_plan();
        let mut limits = fixture::limits(0.1);
        limits.min = Some(40.0);
        plan.gates = [("capacity".to_owned(), limits)].into();
        let finding = fixture::finding(38.5, 38.3, 38.7);
        let judged = judge_check(&plan, &finding, BaselineView::Entry(&fixture::entry()));
        let gates: Vec<_> =
            judged.gates.iter().map(|gate| (gate.limit.unwrap(), gate.verdict)).collect();
        assert_eq!(
            gates,
            [(Limit::MaxDrop(0.1), Verdict::Pass), (Limit::Min(40.0), Verdict::Regression)]
        );
        assert_eq!(judged.verdict, Verdict::Regression);
    }
}
