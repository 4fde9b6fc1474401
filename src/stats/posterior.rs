//! Where a service gives in: a posterior on a grid.
//!
//! The model of a trial at the load `x` (its logarithm): `logit p = logit p0 + b (x - theta + u)` with
//! `u ~ N(0, sigma²)`, where `p` is the share of its worst condition that is not good and `p0` the
//! share that it allows. `theta` is the logarithm of the capacity, `b` the slope with which the share
//! grows, `sigma` what differs between trials of one load. All three are unknown.

use super::likelihood::{Likelihood, Reading};
use super::normal::{NINTH, NINTHS, normal_mean};
use crate::units::as_f64;

/// Grid of `b`: how steeply the share of late requests grows with the logarithm of the load.
pub const SLOPES: [f64; 10] = [8.0, 12.0, 18.0, 27.0, 40.0, 60.0, 90.0, 135.0, 200.0, 300.0];
/// Grid of `sigma`: how far trials of one load lie apart, as a difference of logarithms of the load.
pub const SPREADS: [f64; 5] = [0.005, 0.01, 0.02, 0.04, 0.08];
/// Grid of `theta`.
const STEP: f64 = 0.005;
/// Widest grid, in steps: loads a factor of `e^60` apart.
const STEPS_MAX: f64 = 12_000.0;
/// Intervals are stretched by this about the median: a search that stops when the interval looks narrow
/// selects lucky runs (found by simulation).
const STRETCH: f64 = 1.3;

/// How a service responds to load: weights of the slopes and of the spreads, each of sum 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Response {
    /// Weights of [`SLOPES`].
    pub slopes: [f64; 10],
    /// Weights of [`SPREADS`].
    pub spreads: [f64; 5],
}

impl Response {
    /// Of a service of which nothing is known.
    pub const VAGUE: Self =
        Self { slopes: [0.1; 10], spreads: [0.125, 0.1875, 0.25, 0.25, 0.1875] };

    /// As a prior for later trials: the service may have changed in this, too.
    #[must_use]
    pub fn softened(&self) -> Self {
        let mix = |known: f64, vague: f64, trust: f64| trust * known + (1.0 - trust) * vague;
        let mut soft = Self::VAGUE;
        soft.slopes
            .iter_mut()
            .zip(self.slopes)
            .for_each(|(soft, known)| *soft = mix(known, *soft, 0.8));
        soft.spreads
            .iter_mut()
            .zip(self.spreads)
            .for_each(|(soft, known)| *soft = mix(known, *soft, 0.7));
        soft
    }

    /// Mean slope.
    #[must_use]
    pub fn slope(&self) -> f64 {
        self.slopes.iter().zip(SLOPES).map(|(weight, slope)| weight * slope).sum()
    }

    /// Mean spread between trials of one load, as a difference of logarithms of the load.
    #[must_use]
    pub fn spread(&self) -> f64 {
        self.spreads.iter().zip(SPREADS).map(|(weight, spread)| weight * spread).sum()
    }
}

/// What is believed after some trials.
#[derive(Debug, Clone)]
pub struct Posterior {
    first: f64,
    /// Points of the grid of `theta`.
    points: usize,
    /// For each slope, for each spread: the weights over `theta`.
    cells: Vec<f64>,
}

impl Posterior {
    /// Before any trial: `theta` may lie anywhere between these two logarithms of a load, `low` below
    /// `high`.
    #[must_use]
    pub fn flat(response: &Response, low: f64, high: f64) -> Self {
        Self::weighted(response, low, high, |_| 1.0)
    }

    /// The same, where some of them are likelier: in proportion to `weight`, above 0.
    #[must_use]
    pub fn weighted(response: &Response, low: f64, high: f64, weight: impl Fn(f64) -> f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to a small range"
        )]
        let points = ((high - low) / STEP).round().clamp(1.0, STEPS_MAX) as usize + 1;
        let prior: Vec<f64> = (0..points).map(|i| weight(low + STEP * as_f64(i as u64))).collect();
        let total: f64 = prior.iter().sum();
        let mut cells = Vec::with_capacity(points * SLOPES.len() * SPREADS.len());
        for (_, _, weight) in each(response) {
            cells.extend(prior.iter().map(|prior| prior * weight / total));
        }
        Self { first: low, points, cells }
    }

    /// Takes in a trial at the load of this logarithm. Returns how probable it was, relative to the
    /// likeliest that it can be: evidence for the model as a whole.
    pub fn update(&mut self, at: f64, reading: &Reading) -> f64 {
        let likelihood = Likelihood::of(reading);
        let mut means = vec![0.0; self.points];
        let rows = self.cells.chunks_exact_mut(self.points);
        for (row, (slope, spread, _)) in rows.zip(each(&Response::VAGUE)) {
            means.fill(0.0);
            for u in NINTHS {
                let margin = slope * (at - self.first + spread * u);
                likelihood.add_to(&mut means, NINTH, margin, -slope * STEP);
            }
            row.iter_mut().zip(&means).for_each(|(weight, mean)| *weight *= mean);
        }
        let total: f64 = self.cells.iter().sum();
        self.cells.iter_mut().for_each(|weight| *weight /= total);
        total
    }

    /// What is believed of `theta` alone.
    #[must_use]
    pub fn crossing(&self) -> Crossing {
        let mut mass = vec![0.0; self.points];
        for row in self.cells.chunks_exact(self.points) {
            mass.iter_mut().zip(row).for_each(|(sum, weight)| *sum += weight);
        }
        Crossing { first: self.first, mass }
    }

    /// What is believed of slope and spread alone.
    #[must_use]
    pub fn response(&self) -> Response {
        let mut response = Response { slopes: [0.0; 10], spreads: [0.0; 5] };
        let rows: Vec<f64> =
            self.cells.chunks_exact(self.points).map(|row| row.iter().sum()).collect();
        for (slope, rows) in response.slopes.iter_mut().zip(rows.chunks_exact(SPREADS.len())) {
            *slope = rows.iter().sum();
            response.spreads.iter_mut().zip(rows).for_each(|(sum, row)| *sum += row);
        }
        response
    }

    /// The share that is not good at the load of this logarithm, where the condition allows the share
    /// `allowed`: middle and ends of the interval of 90 %.
    #[must_use]
    pub fn share_at(&self, at: f64, allowed: f64) -> Band {
        let mut margins: Vec<(f64, f64)> = Vec::with_capacity(self.cells.len() / SPREADS.len());
        let slopes = self.cells.chunks_exact(self.points * SPREADS.len()).zip(SLOPES);
        for (rows, slope) in slopes {
            for i in 0..self.points {
                let weight: f64 = rows.iter().skip(i).step_by(self.points).sum();
                let theta = self.first + STEP * as_f64(i as u64);
                margins.push((slope * (at - theta), weight));
            }
        }
        margins.sort_by(|a, b| a.0.total_cmp(&b.0));
        let allowed = super::logit(allowed);
        let at = |q: f64| {
            let mut sum = 0.0;
            let margin = margins.iter().find(|(_, weight)| {
                sum += weight;
                sum >= q
            });
            margin.map_or(1.0, |(margin, _)| super::logistic(allowed + margin))
        };
        Band { low: at(0.05), middle: at(0.5), high: at(0.95) }
    }
}

/// A number that is not known exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Below it with a probability of 5 %.
    pub low: f64,
    /// As likely below as above.
    pub middle: f64,
    /// Above it with a probability of 5 %.
    pub high: f64,
}

/// Every slope with every spread, in the order of the cells, with its weight.
fn each(response: &Response) -> impl Iterator<Item = (f64, f64, f64)> {
    let spreads = response.spreads;
    response.slopes.into_iter().zip(SLOPES).flat_map(move |(b_weight, slope)| {
        spreads
            .into_iter()
            .zip(SPREADS)
            .map(move |(s_weight, spread)| (slope, spread, b_weight * s_weight))
    })
}

/// What is believed of the logarithm of the capacity.
#[derive(Debug, Clone, PartialEq)]
pub struct Crossing {
    first: f64,
    /// Probability that it lies in the cell of half a step to each side of a point; sum 1.
    mass: Vec<f64>,
}

impl Crossing {
    /// Probability that the capacity lies below the load of this logarithm.
    #[must_use]
    pub fn below(&self, at: f64) -> f64 {
        let mut edge = self.first - STEP / 2.0;
        let mut sum = 0.0;
        for mass in &self.mass {
            let part = ((at - edge) / STEP).clamp(0.0, 1.0);
            sum += mass * part;
            if part < 1.0 {
                break;
            }
            edge += STEP;
        }
        sum.clamp(0.0, 1.0)
    }

    /// The same for a load that is itself only known with this standard deviation.
    #[must_use]
    pub fn below_uncertain(&self, at: f64, sd: f64) -> f64 {
        normal_mean(|u| self.below(at + sd * u))
    }

    /// The logarithm of the load below which the capacity lies with probability `q`.
    #[must_use]
    pub fn quantile(&self, q: f64) -> f64 {
        let mut edge = self.first - STEP / 2.0;
        let mut sum = 0.0;
        for mass in &self.mass {
            if sum + mass >= q && *mass > 0.0 {
                return edge + STEP * ((q - sum) / mass).clamp(0.0, 1.0);
            }
            sum += mass;
            edge += STEP;
        }
        edge
    }

    /// The middle: as likely below as above.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The interval that holds it with this probability, stretched about the median by 1.3.
    #[must_use]
    pub fn interval(&self, confidence: f64) -> (f64, f64) {
        let outside = (1.0 - confidence) / 2.0;
        let median = self.median();
        let stretched = |q: f64| median + STRETCH * (self.quantile(q) - median);
        (stretched(outside), stretched(1.0 - outside))
    }

    /// Standard deviation.
    #[must_use]
    pub fn sd(&self) -> f64 {
        let at = |i: usize| self.first + STEP * as_f64(i as u64);
        let mean: f64 = self.mass.iter().enumerate().map(|(i, mass)| mass * at(i)).sum();
        let square = |i| (at(i) - mean) * (at(i) - mean);
        self.mass.iter().enumerate().map(|(i, mass)| mass * square(i)).sum::<f64>().sqrt()
    }

    /// Probability that this capacity lies below `other` and `shift` together, where the two are
    /// independent: `P(self < other + shift)`.
    #[must_use]
    pub fn below_other(&self, other: &Self, shift: f64) -> f64 {
        let mut at = other.first + shift;
        let mut sum = 0.0;
        for mass in &other.mass {
            sum += mass * self.below(at);
            at += STEP;
        }
        sum
    }

    /// What is believed of this logarithm less `other`, where the two are independent: of the ratio of
    /// two capacities.
    #[must_use]
    pub fn less(&self, other: &Self) -> Self {
        let points = other.mass.len();
        let mut mass = vec![0.0; (self.mass.len() + points).saturating_sub(1)];
        for (i, one) in self.mass.iter().enumerate() {
            // The last of the other first: it is the farthest below.
            let sums = mass.iter_mut().skip(i);
            sums.zip(other.mass.iter().rev()).for_each(|(sum, another)| *sum += one * another);
        }
        let last = other.first + STEP * as_f64(points.saturating_sub(1) as u64);
        Self { first: self.first - last, mass }
    }
}

#[cfg(test)]
mod tests;
