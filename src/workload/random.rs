//! Seeded draws that are the same on every machine: `Pcg64` and `libm`, never the platform's maths.

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;
use sha2::{Digest, Sha256};

/// A named stream of random numbers.
#[derive(Debug, Clone)]
pub struct Random(Pcg64);

impl Random {
    /// The stream called `name` of `seed`; different names are independent.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_le_bytes());
        hash.update(name.as_bytes());
        Self(Pcg64::from_seed(hash.finalize().into()))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `(0, 1)`: never 0, so that its logarithm is finite.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn unit(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
    }

    /// A whole number in `low..=high`, each equally often (`low` if the range is empty).
    pub fn whole(&mut self, low: u32, high: u32) -> u32 {
        let width = u64::from(high.saturating_sub(low)) + 1;
        // Multiply-shift: the bias is below 2^-32 for ranges of 32 bits.
        let drawn = (u128::from(self.0.next_u64()) * u128::from(width)) >> 64;
        low.saturating_add(u32::try_from(drawn).unwrap_or(0))
    }

    /// Exponential with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -libm::log(self.unit())
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(self.unit()));
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// Gamma with this `shape > 0` and mean 1 (Marsaglia and Tsang 2000).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = libm::pow(self.unit(), 1.0 / shape);
            return self.gamma(shape + 1.0) * boost * (shape + 1.0) / shape;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / libm::sqrt(9.0 * d);
        loop {
            let x = self.normal();
            let v = 1.0 + c * x;
            if v <= 0.0 {
                continue;
            }
            let v = v * v * v;
            if libm::log(self.unit()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v / shape;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    fn mean_and_variance(n: u32, mut draw: impl FnMut() -> f64) -> (f64, f64) {
        let values: Vec<f64> = (0..n).map(|_| draw()).collect();
        let mean = values.iter().sum::<f64>() / f64::from(n);
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(n);
        (mean, variance)
    }

    #[test]
    fn the_streams_are_pinned() {
        let mut random = Random::new(42, "golden");
        let bits: Vec<u64> = (0..4).map(|_| random.bits()).collect();
        assert_eq!(
            bits,
            [
                14_598_094_784_348_267_871,
                10_174_707_524_409_136_353,
                11_767_247_948_796_699_229,
                2_402_327_220_041_598_746
            ]
        );
        let reals = [random.exponential(), random.normal(), random.gamma(0.5)].map(f64::to_bits);
        assert_eq!(
            reals,
            [4_604_142_715_574_112_941, 4_604_035_519_476_083_110, 4_611_609_203_730_997_418]
        );
    }

    #[test]
    fn moments_are_those_of_the_laws() {
        let mut random = Random::new(7, "moments");
        for (name, mean, variance, got) in [
            ("unit", 0.5, 1.0 / 12.0, mean_and_variance(40_000, || random.unit())),
            ("exponential", 1.0, 1.0, mean_and_variance(40_000, || random.exponential())),
        ] {
            assert!((got.0 - mean).abs() < 0.02, "{name}: {got:?}");
            assert!((got.1 - variance).abs() < 0.06, "{name}: {got:?}");
        }
        let mut random = Random::new(8, "moments");
        for shape in [0.25, 1.0, 4.0] {
            let got = mean_and_variance(40_000, || random.gamma(shape));
            assert!((got.0 - 1.0).abs() < 0.05, "gamma {shape}: {got:?}");
            assert!((got.1 * shape - 1.0).abs() < 0.1, "gamma {shape}: {got:?}");
        }
        let got = mean_and_variance(40_000, || random.normal());
        assert!(got.0.abs() < 0.02 && (got.1 - 1.0).abs() < 0.04, "normal: {got:?}");
    }

    #[test]
    fn whole_numbers_cover_their_range_and_nothing_else() {
        let mut random = Random::new(1, "whole");
        let mut seen = [0_u32; 4];
        for _ in 0..4_000 {
            seen[random.whole(3, 6) as usize - 3] += 1;
        }
        assert!(seen.iter().all(|&n| (850..1150).contains(&n)), "{seen:?}");
        assert_eq!(random.whole(5, 5), 5);
        random.whole(0, u32::MAX); // the widest range does not overflow
    }
}
