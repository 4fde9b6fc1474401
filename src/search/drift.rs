//! Whether the target is the same at the end of a search as at its beginning: one that keeps state, or
//! warms up, would otherwise be measured as if it were none of both.
//!
//! Two witnesses are heard: how far each full trial lay from its limits, and how long its requests took.
//! The second is sharper, but only whole trials have it.

use super::Point;
use crate::stats::{Posterior, Response};
use crate::units::as_f64;

/// Changes of the capacity from one trial to the next (differences of logarithms) that are compared.
const STEPS: [f64; 10] = [-0.04, -0.02, -0.015, -0.01, -0.005, 0.005, 0.01, 0.015, 0.02, 0.04];
/// How far beyond the values that were played the capacity may lie (difference of logarithms).
const REACH: f64 = 0.4;
/// Slopes and spreads that services have: the flat slopes that a search allows for would explain a
/// falling capacity as well.
const RESPONSE: Response = Response {
    slopes: [0.01, 0.02, 0.07, 0.2, 0.2, 0.2, 0.15, 0.1, 0.04, 0.01],
    spreads: [0.3, 0.25, 0.2, 0.15, 0.1],
};
/// How much longer requests take where the load is higher (differences of logarithms), from the first by
/// this factor: a service that does not queue, to one that hardly does anything else.
const GROWTH: (f64, f64, u32) = (0.5, 1.24, 20);
/// Spreads between trials, as a difference of logarithms of the load, from the first by this factor.
const SPREAD: (f64, f64, u32) = (0.004, std::f64::consts::SQRT_2, 9);
/// Fewest trials that show how they spread.
const TRIALS_MIN: usize = 4;
const PACES_MIN: usize = 3;

/// How the capacity changed from one trial to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// The likeliest change for each trial, relative; negative: it fell.
    pub per_trial: f64,
    /// Probability that it changed at all; before any trial one in two.
    pub probability: f64,
}

/// A drift is named from this probability on: by simulation a steady target whose trials differ by up to
/// 3 % is named in at most one search in twenty.
const NAMED: f64 = 0.92;

impl Drift {
    /// Whether the target is not the same any more.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.probability >= NAMED
    }
}

/// Weighs a capacity that changes evenly against a steady one; `None` for fewer than four full trials.
#[must_use]
pub fn drift(points: &[Point]) -> Option<Drift> {
    let numbered = points.iter().enumerate().map(|(i, point)| (as_f64(i as u64), point));
    let plays: Vec<(f64, &Point)> = numbered.filter(|(_, point)| point.full).collect();
    if plays.len() < TRIALS_MIN {
        return None;
    }
    let evidence = |step: f64| of_margins(&plays, step) + of_paces(&plays, step);
    let steady = evidence(0.0);
    let odds = STEPS.map(|step| (evidence(step) - steady).exp());
    let mean = odds.iter().sum::<f64>() / as_f64(STEPS.len() as u64);
    let (per_trial, _) = STEPS.iter().zip(odds).max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(Drift { per_trial: *per_trial, probability: mean / (1.0 + mean) })
}

/// Logarithm of the probability of the trials' conditions where the capacity changes by `step` from each
/// trial to the next.
fn of_margins(plays: &[(f64, &Point)], step: f64) -> f64 {
    let at = plays.iter().map(|(number, play)| play.value.ln() - step * number);
    let low = at.clone().min_by(f64::total_cmp).unwrap_or(0.0) - REACH;
    let high = at.clone().max_by(f64::total_cmp).unwrap_or(0.0) + REACH;
    let mut belief = Posterior::flat(&RESPONSE, low, high);
    let logs = plays.iter().zip(at).map(|((_, play), at)| belief.update(at, &play.reading).ln());
    // A wider grid spreads the same belief thinner.
    logs.sum::<f64>() + (high - low).ln()
}

/// The same of what their requests took, up to a constant: the logarithm of it grows evenly with that of
/// the load, and trials of one load lie normally about that.
fn of_paces(plays: &[(f64, &Point)], step: f64) -> f64 {
    let paced = plays
        .iter()
        .filter_map(|(number, play)| Some((play.value.ln() - step * number, play.pace?.ln())));
    let (loads, paces): (Vec<f64>, Vec<f64>) = paced.unzip();
    if paces.len() < PACES_MIN {
        return 0.0;
    }
    let centred = |values: Vec<f64>| {
        let mean = values.iter().sum::<f64>() / as_f64(values.len() as u64);
        values.into_iter().map(move |value| value - mean).collect::<Vec<f64>>()
    };
    let (loads, paces) = (centred(loads), centred(paces));
    // The height is not known: one trial is spent on it.
    let free = as_f64(paces.len() as u64 - 1);
    let mut logs = Vec::new();
    for growth in powers(GROWTH) {
        let rest = |(load, pace): (&f64, &f64)| (pace - growth * load).powi(2);
        let squares: f64 = loads.iter().zip(&paces).map(rest).sum();
        let log = |spread: f64| {
            let sd = growth * spread;
            -free * sd.ln() - squares / (2.0 * sd * sd)
        };
        logs.extend(powers(SPREAD).map(log));
    }
    let most = logs.iter().copied().max_by(f64::total_cmp).unwrap_or(0.0);
    let mean = logs.iter().map(|log| (log - most).exp()).sum::<f64>() / as_f64(logs.len() as u64);
    most + mean.ln()
}

/// So many numbers, each the one before by a factor.
fn powers((first, factor, count): (f64, f64, u32)) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(first), move |last| Some(last * factor)).take(count as usize)
}

#[cfg(test)]
mod tests {
    use super::drift;
    use crate::search::Point;
    use crate::stats::{Known, Reading, logistic, logit};
    use crate::units::as_f64;
    use crate::workload::Random;

    /// Full trials around a capacity that changes by `step` from each to the next, played where a search
    /// that follows it at half its speed would play them.
    fn plays(seed: u64, step: f64, spread: f64, has_pace: bool) -> Vec<Point> {
        let mut random = Random::new(seed, "drift");
        (0..12_u32)
            .map(|trial| {
                let drifted = step * f64::from(trial);
                let side: f64 = if trial % 2 == 0 { -0.02 } else { 0.02 };
                let (value, truth) = ((side + drifted / 2.0).exp(), drifted);
                let beyond = value.ln() - truth + spread * random.normal();
                let p = logistic(logit(0.05) + 30.0 * beyond);
                let late = (0..200).filter(|_| random.unit() < p).count() as u64;
                let share = as_f64(late) / 200.0;
                let reading = Reading { allowed: 0.05, share, n: 200.0, known: Known::Share };
                let pace = has_pace.then(|| (4.0 * beyond).exp());
                Point { value, held: share <= 0.05, full: true, reading, pace }
            })
            .collect()
    }

    #[test]
    fn a_falling_capacity_is_told_from_a_steady_one() {
        // 100 series a row; the bounds leave three standard deviations of the counts.
        for (step, spread, has_pace, least, most) in [
            (0.0, 0.0, true, 0, 5),
            (0.0, 0.03, true, 0, 12),
            (0.0, 0.03, false, 0, 12),
            (-0.01, 0.0, false, 99, 100),
            (-0.01, 0.02, false, 70, 100),
            (-0.01, 0.02, true, 70, 100),
            (-0.03, 0.03, true, 55, 100),
        ] {
            let is_named = |seed: &u64| {
                drift(&plays(*seed, step, spread, has_pace)).is_some_and(|it| it.is_named())
            };
            let named = (0..100).filter(is_named).count();
            println!("step {step}, spread {spread}, pace {has_pace}: {named} of 100 named");
            assert!((least..=most).contains(&named), "step {step}, spread {spread}: {named}");
        }
    }

    #[test]
    fn the_time_of_requests_alone_tells_it() {
        // Trials of one load, whose shares say nothing.
        let named = |step: f64| {
            let mut random = Random::new(7, "pace");
            let paced = (0..12_u32).map(|trial| {
                let reading = Reading { allowed: 0.05, share: 0.05, n: 1e-6, known: Known::Share };
                let beyond = 0.004 * random.normal() - step * f64::from(trial);
                let pace = Some((4.0 * beyond).exp());
                Point { value: 1.0, held: true, full: true, reading, pace }
            });
            drift(&paced.collect::<Vec<_>>()).unwrap()
        };
        let (fell, steady) = (named(-0.01), named(0.0));
        assert!(fell.is_named() && fell.per_trial < 0.0, "{fell:?}");
        assert!(!steady.is_named(), "{steady:?}");
    }

    #[test]
    fn its_direction_is_told() {
        let fell = drift(&plays(1, -0.02, 0.0, true)).unwrap();
        assert!(fell.is_named() && fell.per_trial < -0.01, "{fell:?}");
        let rose = drift(&plays(1, 0.02, 0.0, true)).unwrap();
        assert!(rose.is_named() && rose.per_trial > 0.01, "{rose:?}");
        assert_eq!(drift(&plays(1, -0.02, 0.0, true)[..3]), None);
    }
}
