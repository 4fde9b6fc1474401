//! Shares on the scale on which they grow evenly with the load.

/// `ln(p / (1 - p))` of a share in `(0, 1)`.
#[must_use]
pub fn logit(p: f64) -> f64 {
    libm::log(p / (1.0 - p))
}

/// The share whose [`logit`] this is.
#[must_use]
pub fn logistic(eta: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-eta))
}

#[cfg(test)]
mod tests {
    use super::{logistic, logit};

    #[test]
    fn each_undoes_the_other() {
        for (p, eta) in [(0.5, 0.0), (0.1, -2.197_224_577_336_219_6), (0.01, -4.595_119_850_134_59)]
        {
            assert!((logit(p) - eta).abs() < 1e-12, "{p}");
            assert!((logistic(eta) - p).abs() < 1e-12, "{eta}");
            assert!((logit(1.0 - p) + eta).abs() < 1e-9, "{p}");
        }
    }
}
