//! What one trial says, as evidence for the capacity: that of its worst condition.

use super::Place;
use crate::search::Point;
use crate::slo::{Metric, Rule, Slo};
use crate::stats::{Known, Reading};
use crate::trial::{
    Ended, Evidence, Observed, Purpose, Readings, Series, SloResult, TrialReport, settled_share,
};
use crate::units::as_f64;
use std::fmt;

/// CPU that neither we nor the target used, in cores over the trial, above which a trial counts as
/// disturbed: bursts that spoilt one showed from 0.05 on.
const FOREIGN_CORES: f64 = 0.05;
/// How much slower than at the baseline the machine may be just before a trial.
const SLOWER: f64 = 0.05;
/// Requests of one trial come in bursts: two are worth one that is independent. What remains of them is
/// the spread between trials, which is measured.
const DEPENDENCE: f64 = 0.5;
/// Allowed share of a yes or no; only its distance from 0 and 1 matters.
const YES_OR_NO: f64 = 0.1;

/// What happened on the machine while a trial ran.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Disturbance {
    /// Other processes, or other machines of its host, used so much CPU.
    ForeignCpu {
        /// Mean over the trial, in cores.
        cores: f64,
    },
    /// The machine was slower just before the trial than it is known to be.
    Slow {
        /// Share of its speed that was missing.
        share: f64,
    },
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignCpu { cores } => {
                write!(f, "others used {cores:.2} cores of this machine while it ran")
            }
            Self::Slow { share } => write!(
                f,
                "the machine was {:.0} % slower just before it than it is known to be",
                share * 100.0
            ),
        }
    }
}

/// Whether something else than load and target may have decided a trial; only where the target runs
/// on this machine can that be seen.
pub(super) fn disturbance(trial: &TrialReport, place: Place) -> Option<Disturbance> {
    let Place::Here { reference_speed } = place else { return None };
    disturbed(&trial.health.readings, reference_speed)
}

fn disturbed(readings: &Readings, reference_speed: Option<f64>) -> Option<Disturbance> {
    // What the host of a virtual machine takes away is as lost as what its processes take.
    let taken = readings.foreign_cores.map(|cores| cores + readings.steal_cores.unwrap_or(0.0));
    let foreign = taken.filter(|cores| *cores > FOREIGN_CORES);
    let slow = || {
        let share = 1.0 - readings.reference_speed? / reference_speed?;
        (share > SLOWER).then_some(Disturbance::Slow { share })
    };
    foreign.map(|cores| Disturbance::ForeignCpu { cores }).or_else(slow)
}

/// A decided trial as a point of the search; `requests` are those of its measured sessions.
pub(super) fn point(trial: &TrialReport, requests: u64) -> Point {
    Point {
        value: trial.plan.value.get(),
        held: trial.evidence == Evidence::Met,
        full: trial.plan.purpose != Purpose::Probe,
        reading: worst(trial, requests),
        pace: pace(trial),
    }
}

/// Time within which a quarter of the requests of a whole trial were answered.
fn pace(trial: &TrialReport) -> Option<f64> {
    let took = trial.latency.get(&Series::E2e).filter(|_| trial.ended == Ended::Complete)?;
    match took.quantile(0.25, 0)? {
        Observed::At(time) => Some(time.as_secs_f64()).filter(|time| *time > 0.0),
        Observed::Beyond => None,
    }
}

/// The condition with the largest margin. A condition on a number is kept or broken: broken it is the
/// worst, kept it says something only where there is no other.
fn worst(trial: &TrialReport, requests: u64) -> Reading {
    let n = as_f64(requests.max(1)) * DEPENDENCE;
    if trial.ended == Ended::Overload {
        return Reading::one_sided(strictest(&trial.slos), false);
    }
    if trial.slos.iter().any(|slo| is_number(slo) && slo.evidence == Evidence::Violated) {
        return Reading::one_sided(YES_OR_NO, false);
    }
    trial
        .slos
        .iter()
        .filter_map(|result| shares(result, trial, requests, n))
        .max_by(|a, b| a.margin().total_cmp(&b.margin()))
        .unwrap_or(Reading::one_sided(YES_OR_NO, trial.evidence == Evidence::Met))
}

/// The reading of a condition on a share. Of a trial that ended early only what is settled counts: what
/// else was counted until then is of no whole sequence.
fn shares(result: &SloResult, trial: &TrialReport, requests: u64, n: f64) -> Option<Reading> {
    let allowed = result.allowed().filter(|allowed| is_graded(*allowed))?;
    let total = match (trial.ended, result.slo.metric) {
        (Ended::Complete, _) => as_f64(result.tally.n),
        (_, Metric::Tbc) => {
            as_f64(result.tally.n) * as_f64(requests) / as_f64(trial.counts.ended().max(1))
        }
        _ => as_f64(requests),
    };
    let share = (as_f64(result.tally.not_good) / total).clamp(0.0, 1.0);
    let is_settled = share > settled_share(allowed) && trial.plan.purpose != Purpose::Anchor;
    let known = if is_settled { Known::Settled } else { Known::Share };
    let is_whole = trial.ended == Ended::Complete || known == Known::Settled;
    (is_whole && total > 0.0).then_some(Reading { allowed, share, n, known })
}

/// A share of nothing, or of all, has no logit: such a condition is kept or broken.
fn is_graded(allowed: f64) -> bool {
    allowed > 0.0 && allowed < 1.0
}

fn is_number(result: &SloResult) -> bool {
    result.allowed().is_none_or(|allowed| !is_graded(allowed))
}

/// The smallest share that a condition on a latency allows.
fn strictest(slos: &[SloResult]) -> f64 {
    let allowed = |slo: &Slo| match slo.rule() {
        Rule::Share { allowed, .. } if slo.metric.is_latency() => Some(allowed.get()),
        Rule::Share { .. } | Rule::Number => None,
    };
    let graded = slos.iter().filter_map(|result| allowed(&result.slo)).filter(|p| is_graded(*p));
    graded.min_by(f64::total_cmp).unwrap_or(YES_OR_NO)
}

/// How far each condition of a whole trial lay from its limit, as a difference of logits: positive is
/// beyond it.
pub(super) fn margins(trial: &TrialReport, requests: u64) -> Vec<(String, f64)> {
    let n = as_f64(requests.max(1)) * DEPENDENCE;
    let margin = |result: &SloResult| {
        let reading = shares(result, trial, requests, n)?;
        Some((result.slo.to_string(), reading.margin()))
    };
    trial.slos.iter().filter_map(margin).collect()
}

#[cfg(test)]
mod tests {
    use super::{Disturbance, disturbed};
    use crate::trial::Readings;

    fn readings(foreign: Option<f64>, steal: Option<f64>, speed: Option<f64>) -> Readings {
        Readings {
            foreign_cores: foreign,
            steal_cores: steal,
            reference_speed: speed,
            ..Readings::default()
        }
    }

    #[test]
    fn cpu_that_others_used_disturbs_whoever_they_were() {
        for (foreign, steal, cores) in
            [(0.06, None, Some(0.06)), (0.03, Some(0.03), Some(0.06)), (0.05, Some(0.0), None)]
        {
            let seen = disturbed(&readings(Some(foreign), steal, None), None);
            let expected = cores.map(|cores| Disturbance::ForeignCpu { cores });
            assert_eq!(seen, expected, "{foreign} and {steal:?}");
        }
        assert_eq!(disturbed(&readings(None, Some(0.9), None), None), None, "it cannot be told");
    }

    #[test]
    fn a_machine_that_is_slower_than_it_was_disturbs() {
        let at = |speed, known| disturbed(&readings(Some(0.0), None, speed), known);
        assert_eq!(at(Some(96.0), Some(100.0)), None);
        let slow = at(Some(90.0), Some(100.0)).unwrap();
        assert_eq!(
            slow.to_string(),
            "the machine was 10 % slower just before it than it is known to be"
        );
        assert_eq!(at(Some(120.0), Some(100.0)), None);
        assert_eq!(at(None, Some(100.0)).or(at(Some(90.0), None)), None, "it is not known");
    }
}
