use super::{Crossing, Posterior, Response, SLOPES, SPREADS, STEP};
use crate::stats::{Known, Likelihood, Reading, logistic, logit};
use crate::workload::Random;

fn p95(share: f64, n: f64) -> Reading {
    Reading { allowed: 0.05, share, n, known: Known::Share }
}

/// A posterior after trials at these logarithms of loads.
fn after(trials: &[(f64, Reading)]) -> Posterior {
    let mut posterior = Posterior::flat(&Response::VAGUE, -0.5, 0.5);
    for (at, reading) in trials {
        posterior.update(*at, reading);
    }
    posterior
}

#[test]
fn nothing_known_is_flat() {
    let posterior = Posterior::flat(&Response::VAGUE, 1.0, 3.0);
    let crossing = posterior.crossing();
    assert!((crossing.median() - 2.0).abs() < 1e-6);
    assert!((crossing.below(1.5) - 0.25).abs() < 2e-3);
    assert!((crossing.quantile(0.05) - 1.1).abs() < 3e-3);
    assert!((crossing.sd() - 2.0 / 12_f64.sqrt()).abs() < 2e-3);
    assert!(crossing.below(0.9) < 1e-12 && crossing.below(3.1) > 1.0 - 1e-9);
    assert!((posterior.response().slope() - 88.0).abs() < 20.0);
}

#[test]
fn the_weights_of_a_response_are_shares() {
    let sum = |list: &[f64]| list.iter().sum::<f64>();
    let sharp = Response {
        slopes: [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        spreads: [0.0, 1.0, 0.0, 0.0, 0.0],
    };
    assert!((sharp.slope() - 40.0).abs() < 1e-12 && (sharp.spread() - 0.01).abs() < 1e-12);
    let soft = sharp.softened();
    for response in [Response::VAGUE, sharp, soft] {
        assert!((sum(&response.slopes) - 1.0).abs() < 1e-12);
        assert!((sum(&response.spreads) - 1.0).abs() < 1e-12);
    }
    assert!((soft.slopes[4] - 0.82).abs() < 1e-12 && (soft.slopes[0] - 0.02).abs() < 1e-12);
    assert!((soft.spreads[1] - (0.7 + 0.3 * 0.1875)).abs() < 1e-12);
    let kept = Posterior::flat(&sharp, 0.0, 1.0).response();
    assert!((kept.slope() - 40.0).abs() < 1e-9 && (kept.spread() - 0.01).abs() < 1e-9);
}

/// The formula of the module, term by term.
fn by_hand(trials: &[(f64, Reading)], low: f64, points: u32) -> Vec<f64> {
    // The middles of the upper ninths of the normal law, by its table.
    let middles = [0.282_216_1, 0.589_455_8, 0.967_421_6, 1.593_218_8_f64];
    let sd = (2.0 / 9.0 * middles.iter().map(|u| u * u).sum::<f64>()).sqrt();
    let mut mass = vec![0.0; points as usize];
    for (point, mass) in (0..points).zip(&mut mass) {
        let theta = low + STEP * f64::from(point);
        for (b, slope) in SLOPES.iter().enumerate() {
            for (s, spread) in SPREADS.iter().enumerate() {
                let mut weight = Response::VAGUE.slopes[b] * Response::VAGUE.spreads[s];
                for (at, reading) in trials {
                    let likelihood = Likelihood::of(reading);
                    let like = |u: f64| likelihood.at(slope * (at - theta + spread * u));
                    let both = |u: &f64| like(u / sd) + like(-u / sd);
                    weight *= (like(0.0) + middles.iter().map(both).sum::<f64>()) / 9.0;
                }
                *mass += weight;
            }
        }
    }
    let total: f64 = mass.iter().sum();
    mass.iter().map(|mass| mass / total).collect()
}

#[test]
fn the_posterior_is_that_of_the_formula() {
    let trials = [
        (0.1, p95(0.30, 200.0)),
        (-0.1, p95(0.004, 200.0)),
        (0.02, p95(0.05, 200.0)),
        (0.05, Reading { known: Known::Settled, ..p95(0.4, 200.0) }),
    ];
    let crossing = after(&trials).crossing();
    let slow = by_hand(&trials, -0.5, 201);
    assert_eq!(crossing.mass.len(), slow.len());
    for (fast, slow) in crossing.mass.iter().zip(&slow) {
        assert!((fast - slow).abs() < 1e-6, "{fast} {slow}");
    }
}

#[test]
fn one_trial_speaks_for_its_side() {
    let held = after(&[(0.0, p95(0.0, 200.0))]).crossing();
    let broke = after(&[(0.0, p95(0.4, 200.0))]).crossing();
    assert!(held.below(0.0) < 0.05, "{}", held.below(0.0));
    assert!(broke.below(0.0) > 0.95, "{}", broke.below(0.0));
    // Exactly at its limit it says where, not on which side.
    let at = after(&[(0.0, p95(0.05, 200.0))]).crossing();
    assert!((at.below(0.0) - 0.5).abs() < 0.15, "{}", at.below(0.0));
}

#[test]
fn one_outlier_does_not_decide_against_several_trials() {
    let low = [(-0.05, p95(0.0, 200.0)), (-0.04, p95(0.01, 200.0)), (-0.03, p95(0.02, 200.0))];
    let odd = (-0.3, p95(0.9, 200.0));
    let with = after(&[low[0], odd, low[1], low[2]]).crossing();
    assert!(with.below(-0.1) < 0.05, "{}", with.below(-0.1));
}

#[test]
fn the_order_of_trials_says_nothing() {
    let trials = [(0.1, p95(0.2, 200.0)), (-0.1, p95(0.01, 150.0)), (0.0, p95(0.06, 99.0))];
    let mut turned = trials;
    turned.reverse();
    let (one, other) = (after(&trials).crossing(), after(&turned).crossing());
    assert!((one.median() - other.median()).abs() < 1e-9);
}

#[test]
fn probabilities_and_quantiles_agree_and_intervals_are_stretched() {
    let crossing = after(&[(0.1, p95(0.2, 200.0)), (-0.1, p95(0.01, 200.0))]).crossing();
    for q in [0.001, 0.05, 0.3, 0.5, 0.9, 0.999] {
        assert!((crossing.below(crossing.quantile(q)) - q).abs() < 1e-9, "{q}");
    }
    let (low, high) = crossing.interval(0.9);
    let median = crossing.median();
    assert!((median - low - 1.3 * (median - crossing.quantile(0.05))).abs() < 1e-12);
    assert!((high - median - 1.3 * (crossing.quantile(0.95) - median)).abs() < 1e-12);
    // A line that is itself uncertain is crossed with less certainty.
    let line = crossing.quantile(0.02);
    assert!(crossing.below_uncertain(line, 0.1) > crossing.below(line) + 0.01);
    assert!((crossing.below_uncertain(line, 0.0) - crossing.below(line)).abs() < 1e-12);
}

#[test]
fn two_capacities_are_compared_cell_by_cell() {
    let cell = |at: f64| Crossing { first: at, mass: vec![1.0] };
    assert!((cell(0.0).below_other(&cell(0.0), 0.0) - 0.5).abs() < 1e-12);
    assert!(cell(0.0).below_other(&cell(0.1), 0.0) > 0.999);
    assert!(cell(0.0).below_other(&cell(0.1), -0.2) < 0.001);
    let around = |at: f64| {
        let trial = |by: f64, share| (at + by, p95(share, 200.0));
        let near = [trial(0.04, 0.15), trial(-0.04, 0.015), trial(0.02, 0.08), trial(-0.02, 0.03)];
        after(&near).crossing()
    };
    let (one, other) = (around(0.0), around(0.1));
    let below = one.below_other(&other, 0.0);
    assert!(below > 0.95 && below < 1.0, "{below}");
    assert!((other.below_other(&one, 0.0) - (1.0 - below)).abs() < 0.01);
    assert!((one.below_other(&other, -0.1) - 0.5).abs() < 0.03);
}

#[test]
fn a_difference_is_convolved() {
    let one = Crossing { first: 1.0, mass: vec![0.25, 0.5, 0.25] };
    let other = Crossing { first: 0.9, mass: vec![0.5, 0.5] };
    let less = one.less(&other);
    assert!((less.first - (1.0 - 0.9 - STEP)).abs() < 1e-12);
    assert_eq!(less.mass, [0.125, 0.375, 0.375, 0.125]);
    assert!((less.median() - (0.1 + STEP / 2.0)).abs() < 1e-9);
}

#[test]
fn the_share_at_a_load_grows_from_nothing_to_all() {
    let posterior = after(&[(0.05, p95(0.2, 200.0)), (-0.05, p95(0.01, 200.0))]);
    let bands = [-0.4, -0.1, 0.0, 0.1, 0.4].map(|at| posterior.share_at(at, 0.05));
    assert!(bands.iter().all(|band| band.low <= band.middle && band.middle <= band.high));
    assert!(bands.is_sorted_by(|a, b| a.middle <= b.middle), "{bands:?}");
    assert!(bands[0].high < 0.01 && bands[4].middle > 0.5, "{bands:?}");
    assert!(bands[2].low < 0.05 && 0.05 < bands[2].high, "{bands:?}");
    // Nearly certain of all three: then it is the formula of the model.
    let sharp = Response {
        slopes: [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        spreads: [1.0, 0.0, 0.0, 0.0, 0.0],
    };
    let mut posterior = Posterior::flat(&sharp, -0.2, 0.2);
    for _ in 0..30 {
        posterior.update(0.0, &p95(0.05, 400.0));
    }
    for (at, share) in [(0.0, 0.05), (0.05, logistic(logit(0.05) + 27.0 * 0.05))] {
        let seen = posterior.share_at(at, 0.05);
        assert!((seen.middle / share - 1.0).abs() < 0.1, "{at}: {seen:?} {share}");
    }
}

/// Trials of the model itself, at loads around a guess.
fn searched(seed: u64, spread: f64) -> (Crossing, f64) {
    let mut random = Random::new(seed, "posterior");
    let truth = 0.1 * random.normal();
    let mut posterior = Posterior::flat(&Response::VAGUE, truth - 0.6, truth + 0.5);
    for trial in 0..10 {
        let around = if trial % 2 == 0 { 0.02 } else { -0.02 };
        let at = posterior.crossing().median() + around;
        let p = logistic(logit(0.05) + 30.0 * (at - truth + spread * random.normal()));
        let late = (0..200).filter(|_| random.unit() < p).count() as u64;
        posterior.update(at, &p95(crate::units::as_f64(late) / 200.0, 200.0));
    }
    (posterior.crossing(), truth)
}

#[test]
fn nine_of_ten_intervals_hold_the_truth_of_the_model() {
    // 200 searches a row, nominally 90 % and stretched on top. A share of 0.9 has an sd of 2.1 % here, so
    // 168 of 200 are three of them below it. Seen: see the printed line.
    for spread in [0.0, 0.02, 0.05] {
        let found: Vec<(Crossing, f64)> = (0..200).map(|seed| searched(seed, spread)).collect();
        let held = found.iter().filter(|(crossing, truth)| {
            let (low, high) = crossing.interval(0.9);
            (low..=high).contains(truth)
        });
        let (held, error) = (
            held.count(),
            found.iter().map(|(c, truth)| (c.median() - truth).powi(2)).sum::<f64>() / 200.0,
        );
        println!("spread {spread}: {held} of 200 hold, rmse {:.4}", error.sqrt());
        assert!(held >= 168, "spread {spread}: {held}");
        assert!(error.sqrt() < 0.01 + spread, "spread {spread}: {}", error.sqrt());
    }
}

#[test]
fn many_trials_about_a_sharp_turn_are_not_explained_by_a_turn_elsewhere() {
    // Of a service that queues without bound a trial holds or breaks, with nothing between (seen with a
    // real one: 43 trials within 2 % of one another, and an interval of ±4 %).
    let half_width = |seed| {
        let mut random = Random::new(seed, "sharp");
        let trials: Vec<(f64, Reading)> = (0..40)
            .map(|trial| {
                let at = if trial % 2 == 0 { 0.005 } else { -0.005 };
                let broke = Reading { known: Known::Settled, ..p95(0.4, 600.0) };
                let is_held = at + 0.01 * random.normal() <= 0.0;
                (at, if is_held { p95(0.0, 600.0) } else { broke })
            })
            .collect();
        let (low, high) = after(&trials).crossing().interval(0.9);
        assert!(low < 0.0 && high > 0.0, "{low} to {high}");
        (high - low) / 2.0
    };
    let mean = (0..10).map(half_width).sum::<f64>() / 10.0;
    assert!(mean < 0.055, "±{mean}");
}
