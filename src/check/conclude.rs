//! From the trials of a check to its finding.

use super::course::Course;
use super::reading::margins;
use super::sequences::OVER_SEQUENCES;
use super::{
    Aim, Belief, Binding, Capacity, Conclusion, CurvePoint, Estimate, Finding, History, Seen, Step,
};
use crate::config::plan::Method;
use crate::search::{Answer, NEAR, Point, Scale};
use crate::slo::Better;
use crate::stats::{Posterior, Z_90, wilson};
use crate::trial::{Evidence, Purpose, SloResult, TrialReport};
use crate::units::{Ratio, share};
use std::collections::BTreeMap;

/// Nominal confidence of the interval.
const CONFIDENCE: f64 = 0.90;
/// Points of the response curve, and how far from the capacity its ends lie (difference of logarithms).
const CURVE: i32 = 12;
const CURVE_REACH: f64 = 0.24;

impl Capacity {
    /// The finding with this conclusion.
    pub(super) fn conclude(
        &self,
        history: &History,
        course: &Course,
        conclusion: Conclusion,
    ) -> Step {
        self.conclude_by(history, course, self.belief(course).as_ref(), conclusion)
    }

    /// The same with what is believed of the capacity.
    pub(super) fn conclude_by(
        &self,
        history: &History,
        course: &Course,
        belief: Option<&Posterior>,
        conclusion: Conclusion,
    ) -> Step {
        let plays: Vec<&TrialReport> = course.plays(history).collect();
        let mut metrics = BTreeMap::new();
        let (mut sd_log, mut known) = (None, None);
        if conclusion.is_measurement()
            && let Some(belief) = belief
        {
            let (held, broke) = sides(course);
            let is_estimate = match conclusion {
                Conclusion::Found | Conclusion::Tested(_) | Conclusion::Compared(_) => true,
                Conclusion::AtLeast(_)
                | Conclusion::NoneHolds(_)
                | Conclusion::Inconclusive(_)
                | Conclusion::Invalid(_)
                | Conclusion::Busy { .. }
                | Conclusion::Drifted(_) => false,
            };
            if held && broke && is_estimate {
                let found = self.estimate(course, belief, &plays);
                sd_log = found.as_ref().map(|(_, sd)| *sd);
                if let Some((estimate, _)) = found {
                    let all = self.course(history);
                    let over = self.over_sequences(history, &all, &estimate);
                    metrics.extend(over.map(|it| (OVER_SEQUENCES.to_owned(), it)));
                    metrics.insert("capacity".to_owned(), estimate);
                }
            }
            known = Some(self.told(history, course, belief, (held, broke)));
        }
        if conclusion.is_measurement() && !matches!(conclusion, Conclusion::NoneHolds(_)) {
            metrics.extend(error_rate(&plays).map(|it| ("error_rate".to_owned(), it)));
        }
        Step::Done(Box::new(Finding {
            check: self.name.clone(),
            knob: self.search.knob.name().to_owned(),
            conclusion,
            metrics,
            binding: binding(history, course),
            sequence: plays.first().map(|trial| self.sizing.identity(trial)),
            sd_log,
            belief: known,
            voids: course.voids.clone(),
            elapsed: history.trials().iter().map(|trial| trial.elapsed).sum(),
        }))
    }

    /// What the full trials say together.
    fn belief(&self, course: &Course) -> Option<Posterior> {
        if !course.points.iter().any(|point| point.full) {
            return None;
        }
        match &self.aim {
            Aim::Defend(prior) => {
                let (_, line) = self.lines(prior).into_iter().next()?;
                Some(line.belief(&course.points))
            }
            Aim::Measure(_) => self.refine().belief(&course.points),
            // Of two targets there are two.
            Aim::Compare(_) => None,
        }
    }

    /// The capacity, and the standard deviation of its logarithm.
    pub(super) fn estimate(
        &self,
        course: &Course,
        belief: &Posterior,
        plays: &[&TrialReport],
    ) -> Option<(Estimate, f64)> {
        let answer = match &self.aim {
            Aim::Defend(_) | Aim::Compare(_) => self.refine().crossing(belief),
            Aim::Measure(_) => self.settle(&course.points)?,
        };
        let Answer::Crossing { value, low, high, noise } = answer else { return None };
        // A whole number is known, or lies between two of them.
        let sd = match (self.range().scale, self.search.method) {
            (Scale::Real, Method::Posterior) => belief.crossing().sd(),
            (Scale::Whole, _) | (_, Method::Bisect) => {
                let floor = if low < 1.0 { 1.0 } else { low };
                (high / floor).ln() / (2.0 * Z_90)
            }
        };
        let estimate = Estimate {
            value,
            low,
            high,
            confidence: Ratio::new(CONFIDENCE).unwrap_or(Ratio::ZERO),
            unit: self.search.knob.unit().to_owned(),
            better: Better::Higher,
            samples: plays.iter().map(|trial| trial.counts.ended()).sum(),
            trials: u32::try_from(plays.len()).unwrap_or(u32::MAX),
            spread: Ratio::new(noise.clamp(0.0, 1.0)).unwrap_or(Ratio::ZERO),
        };
        Some((estimate, sd))
    }

    /// What is kept of a belief: enough to compute it again, to go on from it, and to draw it.
    fn told(
        &self,
        history: &History,
        course: &Course,
        belief: &Posterior,
        (held, broke): (bool, bool),
    ) -> Belief {
        let crossing = belief.crossing();
        let middle = crossing.median();
        let plays = course.plays(history);
        let near: Vec<&TrialReport> =
            plays.filter(|it| (it.plan.value.get().ln() - middle).abs() <= NEAR).collect();
        let requests = |trial: &TrialReport| self.sizing.requests(&trial.plan);
        let far = |trial: &&&TrialReport| (trial.plan.value.get().ln() - middle).abs();
        let closest = near.iter().min_by(|a, b| far(a).total_cmp(&far(b)));
        let allowed = allowed(&course.points);
        let curve = (-CURVE..=CURVE)
            .map(|i| {
                let at = middle + CURVE_REACH * f64::from(i) / f64::from(CURVE);
                CurvePoint { value: at.exp(), share: belief.share_at(at, allowed) }
            })
            .collect();
        Belief {
            at_least: held.then(|| crossing.quantile(0.1).exp()),
            at_most: broke.then(|| crossing.quantile(0.9).exp()),
            response: belief.response(),
            margins: closest.map(|it| margins(it, requests(it))).unwrap_or_default(),
            seen: near.iter().map(|trial| seen(trial, requests(trial))).collect(),
            allowed,
            curve,
        }
    }
}

/// Share that the limiting condition allows: the one that a full trial broke, if any did.
fn allowed(points: &[Point]) -> f64 {
    let full = || points.iter().rev().filter(|point| point.full);
    let limiting = full().find(|point| !point.held).or_else(|| full().next());
    limiting.map_or(0.1, |point| point.reading.allowed)
}

/// Whether any full trial held, and whether any broke.
pub(super) fn sides(course: &Course) -> (bool, bool) {
    let mut plays = course.points.iter().filter(|point| point.full);
    let held = plays.clone().any(|point| point.held);
    (held, plays.any(|point| !point.held))
}

fn seen(trial: &TrialReport, requests: u64) -> Seen {
    let graded = |result: &&SloResult| result.allowed().is_some_and(|allowed| allowed > 0.0);
    let worst = trial.slos.iter().filter(graded).max_by(|a, b| excess(a).total_cmp(&excess(b)));
    let worst = worst.or(trial.slos.first());
    Seen {
        value: trial.plan.value.get(),
        ended: trial.ended,
        requests,
        slo: worst.map(|result| result.slo.to_string()).unwrap_or_default(),
        not_good: worst.map_or(0, |result| result.tally.not_good),
        n: worst.map_or(0, |result| result.tally.n),
    }
}

/// Requests that were not ok, over all full trials that held: what a baseline must not hide.
fn error_rate(plays: &[&TrialReport]) -> Option<Estimate> {
    let held = || plays.iter().filter(|trial| trial.evidence == Evidence::Met);
    let samples: u64 = held().map(|trial| trial.counts.ended()).sum();
    let failed: u64 = held().map(|trial| trial.counts.not_ok()).sum();
    let (low, high) = wilson(failed, samples, Z_90);
    (samples > 0).then(|| Estimate {
        value: share(failed, samples),
        low: low.get(),
        high: high.get(),
        confidence: Ratio::new(CONFIDENCE).unwrap_or(Ratio::ZERO),
        unit: String::new(),
        better: Better::Lower,
        samples,
        trials: u32::try_from(held().count()).unwrap_or(u32::MAX),
        spread: Ratio::ZERO,
    })
}

/// The condition that broke at the lowest load, by the largest excess over what it allows.
fn binding(history: &History, course: &Course) -> Option<Binding> {
    let counted = || course.places.iter().filter_map(|at| history.trials().get(*at));
    let by_value =
        |a: &&TrialReport, b: &&TrialReport| a.plan.value.get().total_cmp(&b.plan.value.get());
    // An overload that was seen before any measured request had ended names no condition.
    let is_broken = |result: &&SloResult| result.evidence == Evidence::Violated;
    let names = |trial: &&TrialReport| {
        trial.evidence == Evidence::Violated && trial.slos.iter().any(|slo| is_broken(&slo))
    };
    let full = |trial: &&TrialReport| trial.plan.purpose != Purpose::Probe;
    let lowest = counted().filter(names).filter(full).min_by(by_value);
    let lowest = lowest.or_else(|| counted().filter(names).min_by(by_value))?;
    let broken = lowest.slos.iter().filter(is_broken);
    let worst = broken.max_by(|a, b| excess(a).total_cmp(&excess(b)))?;
    let met = |trial: &&TrialReport| trial.evidence == Evidence::Met;
    let held = counted().filter(met).max_by(by_value).and_then(|trial| {
        let same = trial.slos.iter().find(|result| result.slo == worst.slo)?;
        Some((trial.plan.value, same.observed?))
    });
    Some(Binding {
        slo: worst.slo.to_string(),
        at: lowest.plan.value,
        observed: worst.observed,
        not_good: worst.tally.not_good,
        n: worst.tally.n,
        held,
    })
}

fn excess(result: &SloResult) -> f64 {
    let n = result.tally.n.max(1);
    let share = Ratio::new(share(result.tally.not_good, n)).map_or(1.0, Ratio::get);
    match result.allowed() {
        Some(allowed) if allowed > 0.0 => share / allowed,
        Some(_) | None => f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::{Point, allowed};
    use crate::stats::{Known, Reading};

    #[test]
    fn the_curve_is_of_the_condition_that_breaks() {
        let point = |held, full, allowed| Point {
            value: 10.0,
            held,
            full,
            reading: Reading { allowed, share: 0.02, n: 100.0, known: Known::Share },
            pace: None,
        };
        let (broke, held) = (point(false, true, 0.05), point(true, true, 0.01));
        let probe = point(false, false, 0.2);
        assert!((allowed(&[broke, held, probe]) - 0.05).abs() < 1e-12);
        assert!((allowed(&[held, probe]) - 0.01).abs() < 1e-12);
    }
}
