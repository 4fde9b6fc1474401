//! The mean over a normal law by five points.

/// Points and weights of the five-point Gauss-Hermite rule for the standard normal law: exact for
/// polynomials up to degree nine (Abramowitz and Stegun, table 25.10, rescaled).
pub(super) const NODES: [(f64, f64); 5] = [
    (-2.856_970_013_872_805_6, 0.011_257_411_327_720_69),
    (-1.355_626_179_974_266, 0.222_075_922_005_612_64),
    (0.0, 0.533_333_333_333_333_3),
    (1.355_626_179_974_266, 0.222_075_922_005_612_64),
    (2.856_970_013_872_805_6, 0.011_257_411_327_720_69),
];

/// The mean of `f(u)` over a standard normal `u`.
pub(super) fn normal_mean(f: impl Fn(f64) -> f64) -> f64 {
    NODES.iter().map(|(u, weight)| weight * f(*u)).sum()
}

#[cfg(test)]
mod tests {
    use super::normal_mean;

    #[test]
    fn the_moments_of_the_normal_law_are_exact_up_to_the_ninth() {
        for (power, moment) in
            [(0, 1.0), (1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0), (6, 15.0), (8, 105.0)]
        {
            let mean = normal_mean(|u| u.powi(power));
            assert!((mean - moment).abs() < 1e-10, "{power}: {mean}");
        }
    }
}
