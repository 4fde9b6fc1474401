//! The mean over a standard normal law.

/// Points of equal weight, each the middle of a ninth of the law, stretched to its variance. What is
/// averaged over them is nearly a step, since most trials clearly hold or break: there points of equal
/// weight are better than those of Gauss and Hermite, whose middle one has half of the weight.
pub(super) const NINTHS: [f64; 9] = [
    -1.711_094_366_055_333_3,
    -1.038_997_011_980_497,
    -0.633_067_148_924_935_1,
    -0.303_096_130_792_446_2,
    0.0,
    0.303_096_130_792_446_2,
    0.633_067_148_924_935_1,
    1.038_997_011_980_497,
    1.711_094_366_055_333_3,
];
/// Weight of each.
pub(super) const NINTH: f64 = 1.0 / 9.0;
/// Steps of the trapezoid rule to each side, and their size: what lies beyond has 1 part in 10⁷.
const STEPS: i32 = 53;
const STEP: f64 = 0.1;

/// The mean of `f(u)` over a standard normal `u`, far tails included.
pub(super) fn normal_mean(f: impl Fn(f64) -> f64) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for step in -STEPS..=STEPS {
        let u = STEP * f64::from(step);
        let weight = libm::exp(-u * u / 2.0);
        sum += weight * f(u);
        total += weight;
    }
    sum / total
}

#[cfg(test)]
mod tests {
    use super::{NINTH, NINTHS, STEP, STEPS, normal_mean};

    #[test]
    fn the_moments_are_those_of_the_normal_law() {
        for (power, moment) in [(0, 1.0), (1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0), (6, 15.0)] {
            let mean = normal_mean(|u| u.powi(power));
            // No more than what lies beyond the last step.
            let end = STEP * f64::from(STEPS);
            let beyond = libm::exp(-end * end / 2.0) * end.powi(power);
            assert!((mean - moment).abs() < beyond, "{power}: {mean}");
        }
        for (power, moment) in [(1, 0.0), (2, 1.0)] {
            let mean = NINTHS.iter().map(|u| NINTH * u.powi(power)).sum::<f64>();
            assert!((mean - moment).abs() < 1e-12, "{power}: {mean}");
        }
    }

    #[test]
    fn a_share_of_the_law_is_right_wherever_it_ends() {
        // Abramowitz and Stegun, table 26.1.
        for (end, share) in [
            (0.0, 0.5),
            (0.5, 0.691_462_5),
            (1.0, 0.841_344_7),
            (2.326_35, 0.99),
            (3.0, 0.998_650_1),
        ] {
            let ramp = |u: f64| ((end - u) / 0.1 + 0.5).clamp(0.0, 1.0);
            assert!((normal_mean(ramp) - share).abs() < 1e-3, "{end}: {}", normal_mean(ramp));
            let ninths = NINTHS.iter().map(|u| NINTH * ramp(*u)).sum::<f64>();
            assert!((ninths - share).abs() < 1.0 / 12.0, "{end}: {ninths}");
        }
    }
}
