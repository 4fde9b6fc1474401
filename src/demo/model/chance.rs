//! The model's randomness: seeded streams, so that a fault shifts neither the jitter
//! nor the lengths of answers.

use rand_core::Rng;
use rand_pcg::Pcg64;

const JITTER_STREAM: u128 = 1;
const FAULT_STREAM: u128 = 2;
const LENGTH_STREAM: u128 = 3;

/// The shortest step, as a share of the nominal one, whatever the jitter.
const FACTOR_MIN: f64 = 0.1;

/// A seeded source of jitter, faults and lengths.
#[derive(Debug, Clone)]
pub(super) struct Chance {
    jitter: Pcg64,
    faults: Pcg64,
    lengths: Pcg64,
}

/// The faults and the length drawn for one request. They are drawn together for every request, so that one share
/// does not change whom another hits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lot {
    pub(super) error: f64,
    pub(super) shed: f64,
    pub(super) truncate: f64,
    /// Uniform over all of its values.
    pub(super) length: u32,
}

impl Lot {
    /// The length of an answer: uniform from `min` to `max`; `max` where `min` is not below it.
    pub(super) fn length(&self, min: u32, max: u32) -> u32 {
        let choices = u64::from(max.saturating_sub(min)) + 1;
        // Below `choices`, so it fits.
        let drawn = (u64::from(self.length) * choices) >> 32;
        max - u32::try_from(drawn).unwrap_or(0)
    }
}

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            jitter: Pcg64::new(seed.into(), JITTER_STREAM),
            faults: Pcg64::new(seed.into(), FAULT_STREAM),
            lengths: Pcg64::new(seed.into(), LENGTH_STREAM),
        }
    }

    /// Factor on a step's length: `1 + deviation * N(0, 1)`, at least 0.1.
    pub(super) fn factor(&mut self, deviation: f64) -> f64 {
        let factor = 1.0 + deviation * normal(&mut self.jitter);
        if factor > FACTOR_MIN { factor } else { FACTOR_MIN }
    }

    /// The next request's lot; a fault of share `s` hits where its number is below `s`.
    pub(super) fn lot(&mut self) -> Lot {
        Lot {
            error: uniform(&mut self.faults),
            shed: uniform(&mut self.faults),
            truncate: uniform(&mut self.faults),
            length: self.lengths.next_u32(),
        }
    }
}

/// Uniform in `[0, 1)`, from the upper 53 bits.
fn uniform(rng: &mut Pcg64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    let numerator = (rng.next_u64() >> 11) as f64;
    numerator / 9_007_199_254_740_992.0
}

/// Standard normal by Box and Muller (1958); the sine twin is thrown away.
fn normal(rng: &mut Pcg64) -> f64 {
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - uniform(rng)));
    radius * libm::cos(core::f64::consts::TAU * uniform(rng))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_of_a_seed_are_pinned() {
        let mut chance = Chance::new(1);
        let factors: Vec<String> = (0..4).map(|_| format!("{:.6}", chance.factor(0.05))).collect();
        assert_eq!(factors, ["0.988618", "0.896514", "0.983638", "1.057835"]);
        let lot = chance.lot();
        let lot = [lot.error, lot.shed, lot.truncate].map(|share| format!("{share:.6}"));
        assert_eq!(lot, ["0.839218", "0.369078", "0.760023"]);
    }

    #[test]
    fn lengths_are_uniform_from_the_least_to_the_most() {
        let mut chance = Chance::new(1);
        let mut seen = [0_u32; 5];
        for _ in 0..5_000 {
            let length = chance.lot().length(4, 8);
            seen[length as usize - 4] += 1;
        }
        assert!(seen.iter().all(|n| (900..1_100).contains(n)), "{seen:?}");
        let mut lot = chance.lot();
        for length in [0, u32::MAX] {
            lot.length = length;
            assert_eq!([lot.length(7, 7), lot.length(9, 7)], [7, 7]);
            assert!((1..=u32::MAX).contains(&lot.length(1, u32::MAX)));
        }
    }

    #[test]
    fn jitter_has_the_asked_mean_and_deviation_and_never_stops_time() {
        let mut chance = Chance::new(7);
        let factors: Vec<f64> = (0..20_000).map(|_| chance.factor(0.2)).collect();
        let mean = factors.iter().sum::<f64>() / 20_000.0;
        let variance = factors.iter().map(|f| (f - mean) * (f - mean)).sum::<f64>() / 20_000.0;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
        assert!((variance - 0.04).abs() < 0.002, "{variance}");
        assert!((0..1_000).all(|_| chance.factor(50.0) >= FACTOR_MIN));
    }

    #[test]
    fn faults_do_not_shift_the_jitter() {
        let (mut plain, mut faulty) = (Chance::new(3), Chance::new(3));
        let _ = faulty.lot();
        assert_eq!(plain.factor(0.05).to_bits(), faulty.factor(0.05).to_bits());
    }
}
