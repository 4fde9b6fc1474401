//! What may become a baseline, and how it joins the old one.

use super::fingerprint::{Difference, Fingerprint};
use super::record::{
    Baseline, BaselineCheck, Environment, HISTORY_LIMIT, HistoryEntry, Recorded, SourceKind,
};
use super::refusal::Refusal;
use crate::check::{Conclusion, Estimate, Finding, Seen};
use crate::config::Plan;
use crate::config::plan::{CheckPlan, Method};
use crate::search::NEAR_MIN;
use crate::slo::{Comparison, Metric, Slo};
use crate::stats::Response;
use crate::units::number::{significant, stored};
use crate::units::{Quantity, Ratio};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A run that is to become the baseline.
#[derive(Debug, Clone, Copy)]
pub struct Acceptance<'a> {
    /// The suite that the run measured.
    pub plan: &'a Plan,
    /// What it found; checks that it did not run are kept from the old baseline.
    pub findings: &'a [Finding],
    /// The machine that it ran on.
    pub fingerprint: &'a Fingerprint,
    /// Its speed, slices of the reference work per second; where the target's speed comes from it.
    pub calibration: Option<f64>,
    /// Standard deviation of ln(capacity) between runs, and the runs behind it, where there were several.
    pub between_runs: Option<(f64, u32)>,
    /// When and from what.
    pub recorded: &'a Recorded,
    /// Why.
    pub reason: Option<&'a str>,
}

/// Adopts the findings of a run: those replace the old ones, other checks of the suite keep theirs,
/// checks that left the suite are dropped.
///
/// # Errors
/// The first thing that makes the run unfit; nothing of it is adopted then.
pub fn accept(new: &Acceptance<'_>, previous: Option<&Baseline>) -> Result<Baseline, Refusal> {
    if new.findings.is_empty() {
        return Err(Refusal::Nothing);
    }
    let mut measured = BTreeMap::new();
    for finding in new.findings {
        let check = finding.check.clone();
        let Some(plan) = new.plan.checks.get(&check) else {
            return Err(Refusal::UnknownCheck { check });
        };
        let entry = entry(plan, finding)?;
        if measured.insert(check.clone(), entry).is_some() {
            return Err(Refusal::Repeated { check });
        }
    }
    let kept = kept(new, previous, &measured.keys().cloned().collect())?;
    let history = history(new, previous, &measured);
    // One run says nothing of it: what was learnt on such a machine stays.
    let learnt = |it: &Baseline| Some((it.environment.machine_sd?, it.environment.runs));
    let on_such = |it: &&Baseline| {
        it.standing(&new.plan.target, new.fingerprint, new.calibration).binding.is_empty()
    };
    let between = new.between_runs.or_else(|| previous.filter(on_such).and_then(learnt));
    measured.extend(kept);
    Ok(Baseline {
        suite: new.plan.suite.clone(),
        recorded: new.recorded.clone(),
        environment: Environment {
            source: SourceKind::of(&new.plan.target.source),
            fingerprint: new.fingerprint.clone(),
            calibration: new.calibration.map(|speed| significant(speed, 4)),
            machine_sd: between.map(|(sd, _)| significant(sd, 3)),
            runs: between.map_or(1, |(_, runs)| runs),
        },
        labels: new.plan.target.labels.clone(),
        history,
        checks: measured,
    })
}

/// Entries of the suite's other checks.
fn kept(
    new: &Acceptance<'_>,
    previous: Option<&Baseline>,
    measured: &BTreeSet<String>,
) -> Result<BTreeMap<String, BaselineCheck>, Refusal> {
    let mut kept = BTreeMap::new();
    for check in new.plan.checks.keys().filter(|check| !measured.contains(*check)) {
        let Some((previous, entry)) = previous.and_then(|p| Some((p, p.checks.get(check)?))) else {
            return Err(Refusal::NotMeasured { check: check.clone() });
        };
        let standing = previous.standing(&new.plan.target, new.fingerprint, new.calibration);
        if let Some(difference) = standing.binding.first().map(Difference::to_string) {
            return Err(Refusal::Elsewhere { check: check.clone(), difference });
        }
        kept.insert(check.clone(), entry.clone());
    }
    Ok(kept)
}

/// The histories of the suite's checks, with the new values added.
fn history(
    new: &Acceptance<'_>,
    previous: Option<&Baseline>,
    measured: &BTreeMap<String, BaselineCheck>,
) -> BTreeMap<String, Vec<HistoryEntry>> {
    let mut history = BTreeMap::new();
    for check in new.plan.checks.keys() {
        let mut entries: Vec<HistoryEntry> =
            previous.and_then(|p| p.history.get(check)).cloned().unwrap_or_default();
        if let Some(capacity) = measured.get(check).and_then(|m| m.metrics.get("capacity")) {
            entries.push(HistoryEntry {
                time: new.recorded.time.clone(),
                commit: new.recorded.commit.clone(),
                value: capacity.value,
                low: capacity.low,
                high: capacity.high,
                unit: capacity.unit.clone(),
                reason: new.reason.map(str::trim).filter(|r| !r.is_empty()).map(str::to_owned),
            });
        }
        let surplus = entries.len().saturating_sub(HISTORY_LIMIT);
        history.insert(check.clone(), entries.split_off(surplus));
    }
    history
}

/// The entry that a finding makes, rounded to what its intervals support.
fn entry(plan: &CheckPlan, finding: &Finding) -> Result<BaselineCheck, Refusal> {
    let check = finding.check.clone();
    concluded(finding)?;
    for (name, metric) in &finding.metrics {
        sound(&check, name, metric)?;
    }
    let metrics: BTreeMap<String, Estimate> =
        finding.metrics.iter().map(|(name, metric)| (name.clone(), brief(metric))).collect();
    let trials = match metrics.get("capacity") {
        Some(capacity) if capacity.low > 0.0 => capacity.trials,
        Some(_) | None => return Err(Refusal::NoCapacity { check }),
    };
    within_error_limit(plan, finding)?;
    let sd_log = finding.sd_log.unwrap_or(f64::NAN);
    if !sd_log.is_finite() {
        return Err(Refusal::NotANumber { check, metric: "sd_log".to_owned() });
    }
    // Where a service turns from one answer to the other, two trials that agree are as good as six.
    let needed = match plan.capacity.method {
        Method::Posterior => NEAR_MIN,
        Method::Bisect => 0,
    };
    let Some(belief) = finding.belief.as_ref().filter(|belief| belief.seen.len() >= needed) else {
        let near = finding.belief.as_ref().map_or(0, |belief| belief.seen.len());
        return Err(Refusal::TooFewTrials { check, near, needed });
    };
    let Some((sequence, trial)) = finding.sequence.clone() else {
        return Err(Refusal::NoSequence { check });
    };
    Ok(BaselineCheck {
        kind: "capacity".to_owned(),
        knob: finding.knob.clone(),
        digest: plan.digest.clone(),
        config: plan.identity.clone(),
        metrics,
        sd_log: significant(sd_log, 3),
        response: brief_response(&belief.response),
        margins: belief.margins.iter().map(|(slo, by)| (slo.clone(), rounded(*by))).collect(),
        seen: belief.seen.iter().map(brief_seen).collect(),
        sequence,
        trial: to_milliseconds(trial),
        trials,
        elapsed: to_milliseconds(finding.elapsed),
    })
}

fn concluded(finding: &Finding) -> Result<(), Refusal> {
    let check = finding.check.clone();
    match &finding.conclusion {
        Conclusion::Found => Ok(()),
        Conclusion::AtLeast(value) => Err(Refusal::Censored { check, value: value.get() }),
        Conclusion::NoneHolds(value) => Err(Refusal::NoneHolds { check, value: value.get() }),
        Conclusion::Inconclusive(gap) => Err(Refusal::Inconclusive { check, gap: gap.to_string() }),
        Conclusion::Tested(_) => Err(Refusal::Tested { check }),
        Conclusion::Compared(_) => Err(Refusal::Compared { check }),
        Conclusion::Invalid(_) | Conclusion::Busy { .. } | Conclusion::Drifted(_) => {
            let reason = finding.conclusion.unsound().unwrap_or_default();
            Err(Refusal::Invalid { check, reason })
        }
    }
}

fn sound(check: &str, name: &str, metric: &Estimate) -> Result<(), Refusal> {
    let Estimate { value, low, high, samples, trials, .. } = *metric;
    if ![value, low, high].iter().all(|number| number.is_finite()) || low > value || value > high {
        return Err(Refusal::NotANumber { check: check.to_owned(), metric: name.to_owned() });
    }
    if samples == 0 || trials == 0 {
        return Err(Refusal::NoSamples { check: check.to_owned(), metric: name.to_owned() });
    }
    Ok(())
}

/// The failures at capacity against every condition that bounds them. A finding of which no request
/// succeeded is refused whatever its conditions say.
fn within_error_limit(plan: &CheckPlan, finding: &Finding) -> Result<(), Refusal> {
    let bounding = plan.slos.iter().map(|plan| plan.slo.clone()).filter(Slo::bounds_failures);
    let always =
        [(Metric::ErrorRate, Comparison::Less, 1.0), (Metric::Success, Comparison::Greater, 0.0)]
            .map(|(metric, comparison, limit)| {
                let limit = Quantity::new(limit, crate::units::Unit::Ratio)?;
                Some(Slo { statistic: crate::slo::Statistic::Whole, metric, comparison, limit })
            });
    for slo in bounding.chain(always.into_iter().flatten()) {
        let Some(metric) = finding.metrics.get(slo.metric.name()) else { continue };
        let value = metric.value * Quantity::factor(&metric.unit);
        if !slo.comparison.holds(value, slo.limit.value()) {
            return Err(Refusal::OverErrorLimit {
                check: finding.check.clone(),
                metric: slo.metric.name().to_owned(),
                value: Quantity::new(value, slo.metric.unit())
                    .map_or_else(|| value.to_string(), |q| q.to_string()),
                limit: slo.to_string(),
            });
        }
    }
    Ok(())
}

/// To what anybody may need of a logit.
fn rounded(by: f64) -> f64 {
    (by * 1e3).round() / 1e3
}

fn brief_seen(seen: &Seen) -> Seen {
    Seen { value: significant(seen.value, 5), ..seen.clone() }
}

/// Weights to a thousandth; the largest takes what that leaves.
fn brief_response(response: &Response) -> Response {
    fn brief<const N: usize>(weights: [f64; N]) -> [f64; N] {
        let mut weights = weights.map(rounded);
        let left = 1.0 - weights.iter().sum::<f64>();
        if let Some(largest) = weights.iter_mut().max_by(|a, b| a.total_cmp(b)) {
            *largest = rounded(*largest + left);
        }
        weights
    }
    Response { slopes: brief(response.slopes), spreads: brief(response.spreads) }
}

fn brief(metric: &Estimate) -> Estimate {
    let round = |value| stored(value, metric.low, metric.high);
    Estimate {
        value: round(metric.value),
        low: round(metric.low),
        high: round(metric.high),
        spread: Ratio::new(significant(metric.spread.get(), 3)).unwrap_or(metric.spread),
        ..metric.clone()
    }
}

/// Whole milliseconds, so that the file is short and reads back as it was.
fn to_milliseconds(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{Acceptance, HISTORY_LIMIT, Refusal, accept, brief_response};
    use crate::baseline::{Baseline, Loaded, fixture, parse, render};
    use crate::check::{Conclusion, Estimate, Finding, Gap, Limited};
    use crate::config::Plan;
    use crate::stats::Response;
    use crate::trial::InvalidReason;

    fn try_accept(
        plan: &Plan,
        findings: &[Finding],
        previous: Option<&Baseline>,
    ) -> Result<Baseline, Refusal> {
        let (fingerprint, recorded) = (fixture::fingerprint(), fixture::recorded());
        let (fingerprint, recorded) = (&fingerprint, &recorded);
        accept(
            &Acceptance {
                plan,
                findings,
                fingerprint,
                between_runs: None,
                recorded,
                calibration: Some(199.96),
                reason: Some("why"),
            },
            previous,
        )
    }

    fn refusal(finding: Finding) -> Refusal {
        try_accept(&fixture::plan(), &[finding], None).unwrap_err()
    }

    /// A plan with a second check.
    fn plan_of_two() -> Plan {
        let mut plan = fixture::plan();
        plan.checks.insert("other".into(), fixture::check_plan());
        plan
    }

    #[test]
    fn a_finding_becomes_a_baseline_that_reads_as_it_was_written() {
        let mut finding = fixture::finding(41.037_218, 39.812_3, 42.137_9);
        finding.sd_log = Some(0.017_123_4);
        let baseline = try_accept(&fixture::plan(), &[finding], None).unwrap();
        let capacity = &baseline.checks["chat-rate"].metrics["capacity"];
        let numbers = [capacity.value, capacity.low, capacity.high].map(|n| n.to_string());
        assert_eq!(numbers, ["41.04", "39.81", "42.14"]);
        assert!((baseline.checks["chat-rate"].sd_log - 0.0171).abs() < 1e-12);
        let Loaded::Baseline(again) = parse(&render(&baseline)) else { panic!("unreadable") };
        assert_eq!(*again, baseline);
        assert_eq!(again.environment.calibration, Some(200.0));
        assert_eq!(again.history["chat-rate"][0].reason.as_deref(), Some("why"));
    }

    proptest::proptest! {
        #[test]
        fn rounded_weights_are_still_shares_of_one(
            slopes in proptest::array::uniform10(1e-9..1.0),
            spreads in proptest::array::uniform5(1e-9..1.0),
            power in 0..40,
        ) {
            // The higher the power, the fewer of them have all the weight.
            fn shares<const N: usize>(raw: [f64; N], power: i32) -> [f64; N] {
                let weights = raw.map(|it: f64| it.powi(power));
                let total: f64 = weights.iter().sum();
                weights.map(|weight| weight / total)
            }
            let brief = brief_response(&Response {
                slopes: shares(slopes, power),
                spreads: shares(spreads, power),
            });
            for weights in [brief.slopes.as_slice(), &brief.spreads] {
                proptest::prop_assert!(weights.iter().all(|it| (0.0..=1.0).contains(it)), "{:?}", weights);
                proptest::prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn what_is_no_measurement_is_no_baseline() {
        let with = |change: fn(&mut Estimate)| {
            let mut finding = fixture::finding(41.0, 39.8, 42.1);
            change(finding.metrics.get_mut("capacity").unwrap());
            refusal(finding)
        };
        let ended = |conclusion| refusal(fixture::finding_with(conclusion, &[]));
        let lag = InvalidReason::Offered { intended: 100_000, written: 780 };
        for (refusal, text) in [
            (
                ended(Conclusion::Invalid(Limited { reasons: vec![lag], can_offer_per_s: None })),
                "780 of 100000 requests were sent",
            ),
            (
                ended(Conclusion::Inconclusive(Gap::Trials { limit: 8 })),
                "is inconclusive: 8 trials",
            ),
            (ended(Conclusion::AtLeast(fixture::knob(100.0))), "that is no capacity; raise `to`"),
            (ended(Conclusion::NoneHolds(fixture::knob(5.0))), "lower `from`"),
            (ended(Conclusion::Found), "no capacity"),
            (with(|c| c.samples = 0), "has no samples"),
            (with(|c| c.trials = 0), "has no samples"),
            (with(|c| c.value = f64::NAN), "no finite number"),
            (with(|c| c.high = f64::INFINITY), "no finite number"),
            (with(|c| c.low = 41.5), "no finite number"),
            (with(|c| c.low = 0.0), "above zero"),
        ] {
            assert!(refusal.to_string().contains(text), "{text}: {refusal}");
        }
        let mut nameless = fixture::finding(41.0, 39.8, 42.1);
        nameless.sequence = None;
        assert!(matches!(refusal(nameless), Refusal::NoSequence { .. }));
    }

    #[test]
    fn hollow_gate_4_a_baseline_at_100_percent_errors_is_refused() {
        for (metric, value, text) in [
            ("error_rate", 1.0, "error_rate = 100%, against its limit `error_rate < 1%`"),
            ("error_rate", 0.01, "error_rate = 1%, against its limit `error_rate < 1%`"),
            ("success", 0.0, "success = 0%, against its limit `success > 0%`"),
        ] {
            let mut finding = fixture::finding(41.0, 39.8, 42.1);
            finding.metrics.insert(metric.into(), fixture::share(value));
            assert!(refusal(finding).to_string().contains(text), "{text}");
        }
        // Also where the suite's own conditions would allow it.
        let mut plan = fixture::plan();
        plan.checks["chat-rate"].slos.clear();
        let mut finding = fixture::finding(41.0, 39.8, 42.1);
        finding.metrics.insert("error_rate".into(), fixture::share(1.0));
        let refusal = try_accept(&plan, &[finding], None).unwrap_err();
        assert!(matches!(refusal, Refusal::OverErrorLimit { .. }), "{refusal}");
    }

    #[test]
    fn a_run_must_fit_the_suite() {
        let plan = fixture::plan();
        let finding = fixture::finding(41.0, 39.8, 42.1);
        assert_eq!(try_accept(&plan, &[], None), Err(Refusal::Nothing));
        let twice = try_accept(&plan, &[finding.clone(), finding.clone()], None);
        assert!(matches!(twice, Err(Refusal::Repeated { .. })));
        let mut stranger = finding.clone();
        stranger.check = "stranger".into();
        let unknown = try_accept(&plan, &[stranger], None);
        assert!(matches!(unknown, Err(Refusal::UnknownCheck { .. })));
        let partial = try_accept(&plan_of_two(), &[finding], None);
        assert_eq!(partial, Err(Refusal::NotMeasured { check: "other".into() }));
    }

    #[test]
    fn checks_that_were_not_run_keep_their_entry_and_lost_ones_go() {
        let plan = plan_of_two();
        let mut previous = fixture::baseline();
        previous.checks.insert("other".into(), fixture::entry());
        previous.checks.insert("lost".into(), fixture::entry());
        previous.history.insert("lost".into(), Vec::new());
        let finding = fixture::finding(31.0, 30.0, 32.0);
        let baseline = try_accept(&plan, std::slice::from_ref(&finding), Some(&previous)).unwrap();
        assert_eq!(baseline.checks.keys().collect::<Vec<_>>(), ["chat-rate", "other"]);
        assert_eq!(baseline.checks["other"], fixture::entry());
        assert_eq!(baseline.history.keys().collect::<Vec<_>>(), ["chat-rate", "other"]);
        assert_eq!(baseline.history["chat-rate"].len(), 2);

        previous.environment.fingerprint.cpu = Some("another".into());
        let moved = try_accept(&plan, &[finding], Some(&previous)).unwrap_err();
        assert!(matches!(moved, Refusal::Elsewhere { .. }), "{moved}");
    }

    #[test]
    fn the_history_keeps_the_newest_values() {
        let plan = fixture::plan();
        let mut baseline = fixture::baseline();
        for step in 0..30 {
            let value = 41.0 + f64::from(step);
            let finding = fixture::finding(value, value - 1.0, value + 1.0);
            baseline = try_accept(&plan, &[finding], Some(&baseline)).unwrap();
        }
        let history = &baseline.history["chat-rate"];
        assert_eq!(history.len(), HISTORY_LIMIT);
        assert_eq!(history.last().map(|entry| entry.value), Some(70.0));
        assert_eq!(history.first().map(|entry| entry.value), Some(51.0));
    }
}
