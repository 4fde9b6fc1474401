//! From a range that may span orders of magnitude to the neighbourhood of the capacity, by short
//! probes: they flatter, so they only say where to look.

use super::crossing::{contradicted, crossing};
use super::{BRACKET, Point, Scale};

/// The values that may be tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Lowest.
    pub from: f64,
    /// Highest, if there is one.
    pub to: Option<f64>,
    /// Factor of the steps upwards without `to`, above 1.
    pub expand: f64,
    /// Which values exist.
    pub scale: Scale,
}

/// Where to look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Look {
    /// Another probe, at this value.
    Probe(f64),
    /// Full trials, the first one at this value.
    Here(f64),
}

/// The ends of what is left: what held below, what broke above.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Left {
    pub(super) below: Option<f64>,
    pub(super) above: Option<f64>,
}

/// Probes are short and flatter: beyond those that bracket it, the capacity is believed to lie the less
/// the farther away, by a factor of e for each such difference of logarithms.
const DOUBT: f64 = 0.1;

impl Left {
    /// Of no probes.
    pub(super) const NOTHING: Self = Self { below: None, above: None };

    /// How likely the capacity is of this logarithm before any full trial, against one between the ends.
    pub(super) fn weight(&self, theta: f64) -> f64 {
        let low = self.below.map_or(theta, f64::ln);
        let high = self.above.map_or(theta, f64::ln);
        let beyond = (low - theta).clamp(0.0, f64::MAX) + (theta - high).clamp(0.0, f64::MAX);
        (-beyond / DOUBT).exp()
    }
}

impl Range {
    /// What is left of the range after these points.
    pub(super) fn left(&self, points: &[Point]) -> Left {
        let near: Vec<Point> = points.iter().copied().filter(|point| point.full).collect();
        let is_trusted = |point: &Point| point.full || !contradicted(*point, &near);
        let trusted: Vec<Point> = points.iter().copied().filter(is_trusted).collect();
        let turn = crossing(&trusted);
        Left { below: turn.below, above: turn.above }
    }

    /// Where to look next, by probes alone.
    pub(super) fn look(&self, probes: &[Point]) -> Look {
        let left = self.left(probes);
        match (left.below, left.above) {
            (None, None) => Look::Probe(self.value(match self.to {
                Some(to) => (self.from * to).sqrt(),
                None => self.from,
            })),
            (Some(held), None) => self.upwards(held),
            (None, Some(broke)) => self.downwards(broke),
            (Some(below), Some(above)) => {
                let middle = (below * above).sqrt();
                let probe = self.value(middle);
                if (above / below).ln() > BRACKET && probe > below && probe < above {
                    Look::Probe(probe)
                } else {
                    Look::Here(self.clamp(middle))
                }
            }
        }
    }

    /// The top of the range is judged by full trials only: it ends the search.
    fn upwards(&self, held: f64) -> Look {
        let next = match self.to {
            Some(to) if (to / held).ln() > BRACKET => (held * to).sqrt(),
            Some(to) => return Look::Here(to),
            None => held * self.expand,
        };
        let next = self.value(next);
        if next > held { Look::Probe(next) } else { Look::Here(self.to.unwrap_or(held)) }
    }

    fn downwards(&self, broke: f64) -> Look {
        let next = self.value((broke * self.from).sqrt());
        if (broke / self.from).ln() > BRACKET && next > self.from && next < broke {
            Look::Probe(next)
        } else {
            Look::Here(self.from)
        }
    }

    fn clamp(&self, value: f64) -> f64 {
        value.clamp(self.from, self.to.unwrap_or(f64::INFINITY))
    }

    /// The nearest value of the range.
    pub(super) fn value(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Real => self.clamp(value),
            Scale::Whole => self.clamp(value.round()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Look, Range};
    use crate::search::{BRACKET, Point, Scale};
    use proptest::prelude::*;

    const RANGE: Range = Range { from: 10.0, to: Some(400.0), expand: 2.0, scale: Scale::Real };

    /// The probes until full trials begin, and where they do.
    fn probed(range: Range, holds: impl Fn(f64) -> bool) -> (Vec<f64>, f64) {
        let mut points: Vec<Point> = Vec::new();
        loop {
            match range.look(&points) {
                Look::Probe(value) => points.push(Point::plain(value, holds(value), false)),
                Look::Here(value) => return (points.iter().map(|p| p.value).collect(), value),
            }
            assert!(points.len() < 40, "{points:?}");
        }
    }

    #[test]
    fn a_capacity_in_the_range_is_bracketed_in_a_few_probes() {
        for truth in [11.0, 20.0, 63.0, 64.0, 200.0, 380.0] {
            let (probes, here) = probed(RANGE, |value| value < truth);
            assert!(probes.len() <= 5, "{truth}: {probes:?}");
            assert!((here / truth).ln().abs() <= BRACKET, "{truth}: {here}");
        }
    }

    #[test]
    fn without_a_top_it_steps_upwards_by_its_factor() {
        let range = Range { to: None, expand: 3.0, ..RANGE };
        let (probes, here) = probed(range, |value| value < 700.0);
        assert_eq!(probes[..4], [10.0, 30.0, 90.0, 270.0]);
        assert!((here / 700.0).ln().abs() <= BRACKET, "{here}");
    }

    #[test]
    fn the_ends_of_the_range_are_left_to_full_trials() {
        let (probes, here) = probed(RANGE, |_| true);
        assert!((here - 400.0).abs() < 1e-9 && probes.iter().all(|probe| *probe < 400.0));
        let (probes, here) = probed(RANGE, |_| false);
        assert!((here - 10.0).abs() < 1e-9 && probes.iter().all(|probe| *probe > 10.0));
    }

    #[test]
    fn a_whole_knob_is_only_asked_for_whole_numbers() {
        for truth in 1..=32 {
            let range = Range { from: 1.0, to: Some(32.0), expand: 2.0, scale: Scale::Whole };
            let (probes, here) = probed(range, |value| value <= f64::from(truth));
            assert!(probes.iter().all(|probe| probe.fract() == 0.0), "{probes:?}");
            assert!((here / f64::from(truth)).ln().abs() < 0.5, "{truth}: {here} {probes:?}");
        }
    }

    #[test]
    fn a_full_trial_overrules_the_probes_that_contradict_it() {
        let probes = [Point::plain(60.0, true, false), Point::plain(70.0, false, false)];
        let left = RANGE.left(&probes);
        assert_eq!((left.below, left.above), (Some(60.0), Some(70.0)));
        let with = [probes[0], probes[1], Point::plain(50.0, false, true)];
        let left = RANGE.left(&with);
        assert_eq!((left.below, left.above), (None, Some(50.0)));
    }

    proptest! {
        #[test]
        fn probes_stay_in_the_range_and_end(
            answers in proptest::collection::vec(any::<bool>(), 60),
            whole in any::<bool>(),
            open in any::<bool>(),
        ) {
            let scale = if whole { Scale::Whole } else { Scale::Real };
            let range = Range { scale, to: (!open).then_some(400.0), ..RANGE };
            let mut points: Vec<Point> = Vec::new();
            for held in answers {
                let Look::Probe(value) = range.look(&points) else { break };
                prop_assert!(value >= 10.0 && (open || value <= 400.0));
                // Without a top something must break at last.
                points.push(Point::plain(value, held && points.len() < 30, false));
            }
            prop_assert!(matches!(range.look(&points), Look::Here(_)), "{:?}", points);
        }
    }
}
