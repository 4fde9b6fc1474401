//! What one trial says about the share of its observations that are not good.

use super::logistic::{logistic, logit};
use crate::trial::settled_share;

/// A trial may be an outlier: no share is less likely than this, relative to the likeliest.
const OUTLIER: f64 = 0.02;
/// Up to so large a share it grows evenly with the load on the scale of the logit, however little is
/// allowed; above, it saturates.
const TOP: f64 = 0.3;
/// Far below the allowed share it flattens: less than this part of it says no more than this part.
const BOTTOM: f64 = 0.1;
/// Entries of the table of a likelihood.
const ENTRIES: u32 = 256;

/// The worst condition of a trial, as evidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Share of observations that may be not good, in `(0, 1)`.
    pub allowed: f64,
    /// Share that was not good, in `[0, 1]`.
    pub share: f64,
    /// Independent observations behind it, above 0.
    pub n: f64,
    /// How much of the share is known.
    pub known: Known,
}

/// How much is known of the share of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The share itself: the whole sequence was played.
    Share,
    /// That it is at least [`settled_share`]: the trial ended early, or might have.
    Settled,
}

impl Reading {
    /// Of a condition on a number, which a trial keeps or breaks; also of an overload, in which nearly
    /// everything is late: one-sided either way, as if of 20 observations.
    #[must_use]
    pub fn one_sided(allowed: f64, held: bool) -> Self {
        let share = if held { 0.0 } else { 1.0 };
        Self { allowed, share, n: 20.0, known: Known::Share }
    }

    /// How far the share lies above the allowed one, as a difference of logits; positive is worse.
    #[must_use]
    pub fn margin(&self) -> f64 {
        logit((self.share * self.n + 0.25) / (self.n + 0.5)) - logit(self.allowed)
    }

    /// The largest share that the likelihood tells apart from a larger one.
    fn top(&self) -> f64 {
        let settled = settled_share(self.allowed);
        match self.known {
            Known::Settled => settled,
            Known::Share => {
                if settled > TOP {
                    settled
                } else {
                    TOP
                }
            }
        }
    }
}

/// The likelihood of a trial's true margin `logit(p) - logit(allowed)`, as a table: a margin beyond an
/// end counts as that end, so a load far away only says "held" or "broke", an early end is one-sided,
/// and no observation at all is no special case.
#[derive(Debug, Clone)]
pub struct Likelihood {
    bottom: f64,
    per_entry: f64,
    table: Vec<f64>,
}

impl Likelihood {
    /// The binomial likelihood of the reading.
    #[must_use]
    pub fn of(reading: &Reading) -> Self {
        let allowed = logit(reading.allowed);
        let (bottom, top) = (logit(BOTTOM * reading.allowed), logit(reading.top()));
        let per_entry = (top - bottom) / f64::from(ENTRIES - 1);
        let not_good = reading.share.clamp(0.0, reading.top()) * reading.n;
        let log = |entry: u32| {
            let p = logistic(bottom + per_entry * f64::from(entry));
            not_good * libm::log(p) + (reading.n - not_good) * libm::log1p(-p)
        };
        let logs: Vec<f64> = (0..ENTRIES).map(log).collect();
        let most = logs.iter().copied().max_by(f64::total_cmp).unwrap_or(0.0);
        let table =
            logs.iter().map(|log| OUTLIER + (1.0 - OUTLIER) * libm::exp(log - most)).collect();
        Self { bottom: bottom - allowed, per_entry, table }
    }

    /// Relative to that of the likeliest margin: from 0.02 to 1.
    #[must_use]
    pub fn at(&self, margin: f64) -> f64 {
        let mut sum = [0.0];
        self.add_to(&mut sum, 1.0, margin, 0.0);
        sum[0]
    }

    /// Adds `weight` times the likelihoods of evenly spaced margins to `sums`.
    pub(super) fn add_to(&self, sums: &mut [f64], weight: f64, margin: f64, step: f64) {
        let mut entry = (margin - self.bottom) / self.per_entry + 0.5;
        let step = step / self.per_entry;
        let last = f64::from(ENTRIES - 1);
        for sum in sums {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped to the table"
            )]
            let index = entry.clamp(0.0, last) as usize;
            *sum += weight * self.table.get(index).copied().unwrap_or(OUTLIER);
            entry += step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, Likelihood, Reading};
    use crate::stats::logit;
    use crate::trial::settled_share;

    fn p99(not_good: f64, n: f64, known: Known) -> Reading {
        Reading { allowed: 0.01, share: not_good / n, n, known }
    }

    #[test]
    fn the_likeliest_share_is_the_observed_one() {
        let reading = p99(3.0, 300.0, Known::Share);
        let likelihood = Likelihood::of(&reading);
        assert!(likelihood.at(0.0) > 0.999);
        // Binomial by hand: 3 of 300 at p = 0.03 against p = 0.01.
        let log = |p: f64| 3.0 * p.ln() + 297.0 * (1.0 - p).ln();
        let by_hand = 0.02 + 0.98 * (log(0.03) - log(0.01)).exp();
        let margin = logit(0.03) - logit(0.01);
        assert!((likelihood.at(margin) - by_hand).abs() < 0.01, "{}", likelihood.at(margin));
    }

    #[test]
    fn an_outlier_is_never_impossible() {
        let likelihood = Likelihood::of(&p99(0.0, 1_000.0, Known::Share));
        assert!((likelihood.at(9.0) - 0.02).abs() < 1e-6);
        let likelihood = Likelihood::of(&p99(900.0, 1_000.0, Known::Share));
        assert!((likelihood.at(-9.0) - 0.02).abs() < 1e-6);
    }

    #[test]
    fn beyond_its_ends_it_says_no_more() {
        // Above 30 % late the share saturates; below a tenth of the allowed one it flattens.
        let whole = Likelihood::of(&p99(500.0, 1_000.0, Known::Share));
        assert!(whole.at(logit(0.3) - logit(0.01)) > 0.999 && whole.at(8.0) > 0.999);
        assert!(whole.at(logit(0.2) - logit(0.01)) < 0.1);
        let none = Likelihood::of(&p99(0.0, 1_000.0, Known::Share));
        assert!(none.at(logit(0.001) - logit(0.01)) > 0.999 && none.at(-8.0) > 0.999);
        assert!(none.at(logit(0.01) - logit(0.01)) < 0.1);
    }

    #[test]
    fn a_settled_trial_says_only_at_least() {
        let settled = Likelihood::of(&p99(50.0, 1_000.0, Known::Settled));
        for share in [0.04, 0.1, 0.5] {
            assert!(settled.at(logit(share) - logit(0.01)) > 0.999, "{share}");
        }
        assert!(settled.at(logit(0.02) - logit(0.01)) < 0.1);
        // However much later it was noticed.
        let later = Likelihood::of(&p99(80.0, 1_000.0, Known::Settled));
        assert_eq!(settled.table, later.table);
    }

    #[test]
    fn a_generous_condition_is_settled_halfway_to_all() {
        for (allowed, settled) in [(0.01, 0.04), (0.1, 0.4), (0.125, 0.5), (0.2, 0.6), (0.5, 0.75)]
        {
            assert!((settled_share(allowed) - settled).abs() < 1e-12, "{allowed}");
            let reading = Reading { allowed, share: 1.0, n: 100.0, known: Known::Share };
            assert!(reading.top() >= settled.clamp(0.0, 0.6) && reading.top() < 1.0, "{allowed}");
            assert!(reading.top() >= 0.3);
        }
    }

    #[test]
    fn a_yes_or_no_pulls_to_its_side_only() {
        let (held, broke) = (Reading::one_sided(0.1, true), Reading::one_sided(0.1, false));
        assert!(held.margin() < -2.0 && broke.margin() > 2.0);
        let (held, broke) = (Likelihood::of(&held), Likelihood::of(&broke));
        assert!(held.at(-5.0) > 0.999 && held.at(2.0) < 0.05, "{}", held.at(2.0));
        assert!(broke.at(5.0) > 0.999 && broke.at(0.0) < 0.05, "{}", broke.at(0.0));
    }

    #[test]
    fn a_margin_grows_with_the_share_and_is_finite_at_the_ends() {
        let margins: Vec<f64> = [0.0, 1.0, 3.0, 30.0, 300.0]
            .map(|not_good| p99(not_good, 300.0, Known::Share).margin())
            .to_vec();
        assert!(margins.is_sorted() && margins.iter().all(|margin| margin.is_finite()));
        assert!(margins[2].abs() < 0.1, "{margins:?}");
    }
}
