//! The verdict on a whole run.

use super::beside::judge_compared;
use super::judge::{BaselineView, judge_check};
use super::verdict::{CheckVerdict, GateResult, Ruling, Verdict, fails};
use crate::baseline::{Difference, Fingerprint, Loaded, Standing};
use crate::check::Finding;
use crate::config::Plan;
use crate::config::plan::{CheckPlan, FailOn};
use std::collections::BTreeSet;

/// Everything that a verdict on a run depends on.
#[derive(Debug, Clone, Copy)]
pub struct Hearing<'a> {
    /// The suite.
    pub plan: &'a Plan,
    /// The checks that were to run; `None`: all of the suite.
    pub selected: Option<&'a BTreeSet<String>>,
    /// What they found.
    pub findings: &'a [Finding],
    /// What was found where the baseline should be.
    pub baseline: &'a Loaded,
    /// This machine.
    pub fingerprint: &'a Fingerprint,
    /// Speed of the reference work on it, where it was measured.
    pub speed: Option<f64>,
}

/// The verdict on a run.
#[derive(Debug, Clone, PartialEq)]
pub struct SuiteVerdict {
    /// One for every check that was to run, in the order of the suite; never empty.
    pub checks: Vec<CheckVerdict>,
    /// The worst of them.
    pub verdict: Verdict,
    /// Why, as one sentence.
    pub reason: String,
    /// Checks that the baseline has and the suite does not: nobody gates them any more.
    pub left: Vec<String>,
    /// Differences to the baseline's machine that do not bind.
    pub warnings: Vec<Difference>,
}

impl SuiteVerdict {
    /// Every gate of every check.
    pub fn gates(&self) -> impl Iterator<Item = &GateResult> {
        self.checks.iter().flat_map(|check| &check.gates)
    }

    /// What makes the exit code non-zero.
    #[must_use]
    pub fn failing(&self, fail_on: &BTreeSet<FailOn>) -> BTreeSet<Verdict> {
        self.holding(|verdict, hollow| fails(verdict, hollow, fail_on))
    }

    /// What would, did `fail_on` name it: to be said aloud.
    #[must_use]
    pub fn hidden(&self, fail_on: &BTreeSet<FailOn>) -> BTreeSet<Verdict> {
        self.holding(|verdict, hollow| {
            verdict > Verdict::Improvement && !fails(verdict, hollow, fail_on)
        })
    }

    fn holding(&self, keep: impl Fn(Verdict, bool) -> bool) -> BTreeSet<Verdict> {
        self.gates()
            .flat_map(GateResult::holding)
            .filter(|(verdict, hollow)| keep(*verdict, *hollow))
            .map(|(verdict, _)| verdict)
            .collect()
    }
}

/// Judges every check that was to run. A check without a finding, and a run without a check, are
/// hollow: they are no pass, whatever the suite allows.
#[must_use]
pub fn judge_suite(hearing: &Hearing<'_>) -> SuiteVerdict {
    let Hearing { plan, selected, baseline, fingerprint, speed, .. } = *hearing;
    let standing = baseline
        .baseline()
        .map(|baseline| baseline.standing(&plan.target, fingerprint, speed))
        .unwrap_or(Standing { binding: Vec::new(), warnings: Vec::new() });
    let problem = baseline.problem();
    let one = |check: &CheckPlan| judge_one(hearing, check, &standing, problem.as_deref());
    let left = baseline
        .baseline()
        .into_iter()
        .flat_map(|baseline| baseline.checks.keys())
        .filter(|check| !plan.checks.contains_key(*check))
        .cloned()
        .collect();
    SuiteVerdict { left, warnings: standing.warnings.clone(), ..judge_each(plan, selected, one) }
}

/// Judges every check that was to compare two targets. What was not compared is hollow here, too.
#[must_use]
pub fn judge_pair(
    plan: &Plan,
    selected: Option<&BTreeSet<String>>,
    findings: &[Finding],
) -> SuiteVerdict {
    judge_each(plan, selected, |check| only_one(findings, check, &|it| judge_compared(check, it)))
}

fn judge_each(
    plan: &Plan,
    selected: Option<&BTreeSet<String>>,
    one: impl Fn(&CheckPlan) -> CheckVerdict,
) -> SuiteVerdict {
    let is_chosen =
        |check: &&CheckPlan| selected.is_none_or(|selected| selected.contains(&check.name));
    let mut checks: Vec<CheckVerdict> = plan.checks.values().filter(is_chosen).map(one).collect();
    for stranger in selected.into_iter().flatten().filter(|name| !plan.checks.contains_key(*name)) {
        checks.push(hollow(stranger, "the suite has no such check"));
    }
    if checks.is_empty() {
        checks.push(hollow(&plan.suite, "no check ran, so nothing was compared"));
    }
    let mut verdict = Verdict::Pass;
    let mut reason = String::new();
    for check in &checks {
        if check.verdict > verdict || reason.is_empty() {
            verdict = check.verdict;
            reason = format!("`{}`: {}", check.check, check.reason);
        }
    }
    SuiteVerdict { checks, verdict, reason, left: Vec::new(), warnings: Vec::new() }
}

fn judge_one(
    hearing: &Hearing<'_>,
    check: &CheckPlan,
    standing: &Standing,
    problem: Option<&str>,
) -> CheckVerdict {
    let entry = hearing.baseline.baseline().map(|baseline| baseline.checks.get(&check.name));
    let view = match (problem, entry) {
        (Some(problem), _) => BaselineView::Unusable(problem),
        (None, None) => BaselineView::Missing,
        (None, Some(None)) => BaselineView::Absent,
        (None, Some(Some(entry))) if standing.binding.is_empty() => BaselineView::Entry(entry),
        (None, Some(Some(entry))) => {
            BaselineView::Elsewhere { entry, differences: &standing.binding }
        }
    };
    only_one(hearing.findings, check, &|finding| judge_check(check, finding, view))
}

fn only_one(
    findings: &[Finding],
    check: &CheckPlan,
    judge: &dyn Fn(&Finding) -> CheckVerdict,
) -> CheckVerdict {
    let mut findings = findings.iter().filter(|finding| finding.check == check.name);
    match (findings.next(), findings.next()) {
        (Some(finding), None) => judge(finding),
        (Some(_), Some(_)) => hollow(&check.name, "there are two findings of this check"),
        (None, _) => hollow(&check.name, "nothing was measured, so nothing was compared"),
    }
}

fn hollow(check: &str, reason: &str) -> CheckVerdict {
    let rulings = vec![Ruling::hollow(reason)];
    CheckVerdict::of(check, vec![GateResult::of("gate", rulings)])
}

#[cfg(test)]
mod tests {
    use super::{Hearing, SuiteVerdict, judge_suite};
    use crate::baseline::{Loaded, fixture};
    use crate::check::Finding;
    use crate::config::Plan;
    use crate::config::plan::FailOn;
    use crate::gate::Verdict;
    use std::collections::BTreeSet;

    fn judge(plan: &Plan, findings: &[Finding], baseline: &Loaded) -> SuiteVerdict {
        let fingerprint = &fixture::fingerprint();
        let selected = None;
        judge_suite(&Hearing { plan, selected, findings, baseline, fingerprint, speed: None })
    }

    fn good() -> Loaded {
        Loaded::Baseline(Box::new(fixture::baseline()))
    }

    fn same() -> Finding {
        fixture::finding(41.0, 39.8, 42.1)
    }

    #[test]
    fn no_change_passes_and_hides_nothing() {
        let judged = judge(&fixture::plan(), &[same()], &good());
        assert_eq!(judged.verdict, Verdict::Pass, "{}", judged.reason);
        assert!(judged.failing(&fixture::fail_on_all()).is_empty());
        assert!(judged.hidden(&BTreeSet::new()).is_empty());
        assert_eq!((judged.left.len(), judged.warnings.len()), (0, 0));
    }

    #[test]
    fn a_missing_baseline_may_be_allowed_and_is_then_said() {
        let judged = judge(&fixture::plan(), &[same()], &Loaded::Missing);
        let new = BTreeSet::from([Verdict::New]);
        assert_eq!(judged.failing(&fixture::fail_on_all()), new);
        let fail_on = BTreeSet::from([FailOn::Regression]);
        assert!(judged.failing(&fail_on).is_empty());
        assert_eq!(judged.hidden(&fail_on), new);
    }

    #[test]
    fn the_worst_check_decides_and_every_verdict_is_kept() {
        let mut plan = fixture::plan();
        for name in ["second", "third"] {
            let mut check = fixture::check_plan();
            check.name = name.into();
            plan.checks.insert(name.into(), check);
        }
        let named = |name: &str, finding: Finding| Finding { check: name.into(), ..finding };
        let mut baseline = fixture::baseline();
        baseline.checks.insert("second".into(), fixture::entry());
        let findings =
            [same(), named("second", fixture::finding(31.2, 30.1, 32.0)), named("third", same())];
        let judged = judge(&plan, &findings, &Loaded::Baseline(Box::new(baseline)));
        let verdicts: Vec<_> = judged.checks.iter().map(|check| check.verdict).collect();
        assert_eq!(verdicts, [Verdict::Pass, Verdict::Regression, Verdict::New]);
        assert_eq!(judged.verdict, Verdict::Regression);
        assert!(judged.reason.starts_with("`second`: 31.2 sessions/s"), "{}", judged.reason);
        let failing = judged.failing(&fixture::fail_on_all());
        assert_eq!(failing, BTreeSet::from([Verdict::New, Verdict::Regression]));
    }

    #[test]
    fn only_selected_checks_are_judged_and_an_unknown_one_is_red() {
        let mut plan = fixture::plan();
        plan.checks.insert("second".into(), fixture::check_plan());
        let (baseline, fingerprint) = (&good(), &fixture::fingerprint());
        let judge = |name: &str| {
            let selected = &BTreeSet::from([name.to_owned()]);
            let findings = &[same()];
            judge_suite(&Hearing {
                plan: &plan,
                selected: Some(selected),
                findings,
                baseline,
                fingerprint,
                speed: None,
            })
        };
        assert_eq!(judge("chat-rate").verdict, Verdict::Pass);
        let unknown = judge("chatrate");
        assert_eq!(unknown.failing(&BTreeSet::new()), BTreeSet::from([Verdict::Incomparable]));
    }

    #[test]
    fn another_machine_is_incomparable_and_a_lost_check_is_reported() {
        let mut baseline = fixture::baseline();
        baseline.environment.fingerprint.cpu = Some("AMD EPYC 9V74".into());
        baseline.environment.fingerprint.kernel = None;
        baseline.checks.insert("lost".into(), fixture::entry());
        let judged = judge(&fixture::plan(), &[same()], &Loaded::Baseline(Box::new(baseline)));
        assert_eq!(judged.verdict, Verdict::Incomparable);
        assert!(judged.reason.contains("AMD EPYC 9V74 then, AMD EPYC 7763 now"));
        assert!(judged.failing(&BTreeSet::from([FailOn::Regression])).is_empty());
        assert_eq!(judged.left, ["lost"]);
        assert_eq!(judged.warnings.len(), 1);
    }
}
