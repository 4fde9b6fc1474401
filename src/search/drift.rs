//! Whether the target is the same at the end of a search as at its beginning: one that keeps state, or
//! warms up, would otherwise be measured as if it were none of both.

use super::Point;
use crate::stats::{Posterior, Response};

/// Changes of the capacity from one full trial to the next (differences of logarithms) that are compared.
const STEPS: [f64; 9] = [-0.04, -0.02, -0.01, -0.005, 0.0, 0.005, 0.01, 0.02, 0.04];
/// Before any trial a steady target is as likely as all others together.
const STEADY: f64 = 0.5;
/// How far beyond the values that were played the capacity may lie (difference of logarithms).
const REACH: f64 = 0.4;

/// How the capacity changed from one full trial to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// The likeliest change for each trial, relative; negative: it fell.
    pub per_trial: f64,
    /// Probability that it changed at all.
    pub probability: f64,
}

/// A drift is named from this probability on: by simulation a steady target whose trials differ by up to
/// 3 % is named in at most one search in twenty.
const NAMED: f64 = 0.9;

impl Drift {
    /// Whether the target is not the same any more.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.probability >= NAMED
    }
}

/// Weighs a capacity that changes evenly against a steady one; `None` for fewer than four full trials.
#[must_use]
pub fn drift(response: &Response, points: &[Point]) -> Option<Drift> {
    let plays: Vec<&Point> = points.iter().filter(|point| point.full).collect();
    if plays.len() < 4 {
        return None;
    }
    let evidence: Vec<f64> = STEPS.iter().map(|step| evidence(response, &plays, *step)).collect();
    let most = evidence.iter().copied().max_by(f64::total_cmp)?;
    let others = f64::from(u32::try_from(STEPS.len() - 1).ok()?);
    let weigh = |(step, evidence): (&f64, &f64)| {
        let prior = if step.abs() > 0.0 { (1.0 - STEADY) / others } else { STEADY };
        prior * (evidence - most).exp()
    };
    let weights: Vec<f64> = STEPS.iter().zip(&evidence).map(weigh).collect();
    let total: f64 = weights.iter().sum();
    let steady: f64 =
        STEPS.iter().zip(&weights).filter(|(step, _)| step.abs() <= 0.0).map(|(_, w)| w).sum();
    let (per_trial, _) = STEPS.iter().zip(&weights).max_by(|a, b| a.1.total_cmp(b.1))?;
    Some(Drift { per_trial: *per_trial, probability: 1.0 - steady / total })
}

/// Logarithm of the probability of these trials where the capacity changes by `step` from each to the next.
fn evidence(response: &Response, plays: &[&Point], step: f64) -> f64 {
    let mut now = 0.0;
    let at: Vec<f64> = plays
        .iter()
        .map(|play| {
            let at = play.value.ln() - now;
            now += step;
            at
        })
        .collect();
    let low = at.iter().copied().min_by(f64::total_cmp).unwrap_or(0.0) - REACH;
    let high = at.iter().copied().max_by(f64::total_cmp).unwrap_or(0.0) + REACH;
    let mut belief = Posterior::flat(response, low, high);
    let logs = plays.iter().zip(at).map(|(play, at)| libm::log(belief.update(at, &play.reading)));
    // A wider grid spreads the same belief thinner.
    logs.sum::<f64>() + libm::log(high - low)
}

#[cfg(test)]
mod tests {
    use super::drift;
    use crate::search::Point;
    use crate::stats::{Known, Reading, Response, logistic, logit};
    use crate::units::as_f64;
    use crate::workload::Random;

    /// Full trials around a capacity that changes by `step` from each to the next, played where a search
    /// that follows it at half its speed would play them.
    fn plays(seed: u64, step: f64, spread: f64) -> Vec<Point> {
        let mut random = Random::new(seed, "drift");
        (0..12_u32)
            .map(|trial| {
                let drifted = step * f64::from(trial);
                let side: f64 = if trial % 2 == 0 { -0.02 } else { 0.02 };
                let (value, truth) = ((side + drifted / 2.0).exp(), drifted);
                let p =
                    logistic(logit(0.05) + 30.0 * (value.ln() - truth + spread * random.normal()));
                let late = (0..200).filter(|_| random.unit() < p).count() as u64;
                let share = as_f64(late) / 200.0;
                let reading = Reading { allowed: 0.05, share, n: 200.0, known: Known::Share };
                Point { value, held: share <= 0.05, full: true, reading }
            })
            .collect()
    }

    #[test]
    fn a_falling_capacity_is_told_from_a_steady_one() {
        // 100 series a row; the bounds leave three standard deviations of the counts.
        for (step, spread, least, most) in [
            (0.0, 0.0, 0, 5),
            (0.0, 0.03, 0, 12),
            (-0.01, 0.0, 99, 100),
            (-0.01, 0.02, 70, 100),
            (-0.03, 0.03, 55, 100),
        ] {
            let named = (0..100)
                .filter(|seed| {
                    drift(&Response::VAGUE, &plays(*seed, step, spread))
                        .is_some_and(|drift| drift.is_named())
                })
                .count();
            println!("step {step}, spread {spread}: {named} of 100 named");
            assert!((least..=most).contains(&named), "step {step}, spread {spread}: {named}");
        }
    }

    #[test]
    fn its_direction_is_told() {
        let fell = drift(&Response::VAGUE, &plays(1, -0.02, 0.0)).unwrap();
        assert!(fell.is_named() && fell.per_trial < -0.01, "{fell:?}");
        let rose = drift(&Response::VAGUE, &plays(1, 0.02, 0.0)).unwrap();
        assert!(rose.is_named() && rose.per_trial > 0.01, "{rose:?}");
        assert_eq!(drift(&Response::VAGUE, &plays(1, -0.02, 0.0)[..3]), None);
    }
}
