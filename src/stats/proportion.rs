//! A share of independent trials, with its interval.

use crate::units::{Ratio, as_f64};

/// Half-width of a 90 % interval in standard deviations of a normal law.
pub const Z_90: f64 = 1.645;

/// Wilson's score interval (1927) of `hits` in `n > 0` independent trials, `z` standard deviations
/// wide to each side. Never empty, also at 0 and at `n` hits. Requests of one trial come in bursts, so
/// it is a lower bound on what is not known.
#[must_use]
pub fn wilson(hits: u64, n: u64, z: f64) -> (Ratio, Ratio) {
    let (k, n) = (as_f64(hits.min(n)), as_f64(n.max(1)));
    let p = k / n;
    let z2 = z * z;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let ratio = |share: f64| Ratio::new(share.clamp(0.0, 1.0)).unwrap_or(Ratio::ZERO);
    // At the ends the bound is exact, whatever the rounding says.
    let low = if hits == 0 { Ratio::ZERO } else { ratio(centre - half) };
    (low, ratio(centre + half))
}

#[cfg(test)]
mod tests {
    use super::{Z_90, wilson};
    use crate::workload::Random;

    #[test]
    fn published_values_are_met() {
        // Newcombe 1998, table I: 81 of 263 and 0 of 20 at 95 %.
        for (hits, n, low, high) in
            [(81, 263, 0.2553, 0.3662), (0, 20, 0.0, 0.1611), (29, 29, 0.8830, 1.0)]
        {
            let (l, h) = wilson(hits, n, 1.959_964);
            assert!(
                (l.get() - low).abs() < 1e-4 && (h.get() - high).abs() < 1e-4,
                "{hits}/{n}: {l:?} {h:?}"
            );
        }
    }

    #[test]
    fn nine_of_ten_intervals_hold_the_truth() {
        // 2,000 draws a row: sd of the share 0.7 %, so 0.87 is four of them below 0.9.
        for p in [0.02, 0.2, 0.5] {
            let mut random = Random::new(1, "wilson");
            let held = (0..2_000)
                .filter(|_| {
                    let hits = (0..200).filter(|_| random.unit() < p).count() as u64;
                    let (low, high) = wilson(hits, 200, Z_90);
                    (low.get()..=high.get()).contains(&p)
                })
                .count();
            assert!(held > 1_740, "{p}: {held}");
        }
    }
}
