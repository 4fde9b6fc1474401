//! Where the answers turn from "held" to "broke", when they need not be consistent.

use super::Point;

/// Trials at or above a value that held, less trials at or below it that broke: how many more agree
/// that it holds than that it breaks. Non-increasing in `value`.
pub(super) fn support(points: &[Point], value: f64) -> i64 {
    points
        .iter()
        .map(|point| match point.held {
            true if point.value >= value => 1,
            false if point.value <= value => -1,
            _ => 0,
        })
        .sum()
}

/// Whether full trials say otherwise than a short probe: short trials flatter.
pub(super) fn contradicted(probe: Point, near: &[Point]) -> bool {
    near.iter().any(|full| match probe.held {
        true => !full.held && full.value <= probe.value,
        false => full.held && full.value >= probe.value,
    })
}

/// The neighbours of the turning point: the cut that contradicts the fewest answers, as the interval
/// of values (`below`, `above`) in which it may lie. Where several cuts are equally good they are
/// taken together. `None` at an end where no answer bounds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Crossing {
    pub(super) below: Option<f64>,
    pub(super) above: Option<f64>,
}

pub(super) fn crossing(points: &[Point]) -> Crossing {
    let mut values: Vec<f64> = points.iter().map(|point| point.value).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    // Cut number i lies below values[i] and above values[i - 1].
    let cost = |cut: usize| {
        points
            .iter()
            .filter(|point| {
                let below = values.iter().take(cut).any(|&value| value >= point.value);
                point.held != below
            })
            .count()
    };
    let costs: Vec<usize> = (0..=values.len()).map(cost).collect();
    let least = costs.iter().copied().min().unwrap_or(0);
    let first = costs.iter().position(|&cost| cost == least).unwrap_or(0);
    let last = costs.iter().rposition(|&cost| cost == least).unwrap_or(0);
    Crossing {
        below: first.checked_sub(1).and_then(|i| values.get(i)).copied(),
        above: values.get(last).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Crossing, crossing, support};
    use crate::search::Point;
    use proptest::prelude::*;

    fn points(list: &[(f64, bool)]) -> Vec<Point> {
        list.iter().map(|&(value, held)| Point::plain(value, held, true)).collect()
    }

    #[test]
    fn the_crossing_lies_between_what_held_and_what_broke() {
        for (list, below, above) in [
            (&[(10.0, true), (20.0, false)][..], Some(10.0), Some(20.0)),
            (&[(10.0, true)], Some(10.0), None),
            (&[(10.0, false)], None, Some(10.0)),
            (&[], None, None),
            // One answer that contradicts the others is outvoted.
            (
                &[(10.0, true), (12.0, false), (14.0, true), (15.0, true), (20.0, false)],
                Some(15.0),
                Some(20.0),
            ),
            // Two answers at one value that disagree: it may lie on either side of it.
            (&[(10.0, true), (15.0, true), (15.0, false), (20.0, false)], Some(10.0), Some(20.0)),
        ] {
            assert_eq!(crossing(&points(list)), Crossing { below, above }, "{list:?}");
        }
    }

    proptest! {
        #[test]
        fn support_never_rises_with_the_value(list in proptest::collection::vec((1.0f64..100.0, any::<bool>()), 0..20), a in 1.0f64..100.0, b in 1.0f64..100.0) {
            let points = points(&list);
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            prop_assert!(support(&points, low) >= support(&points, high));
        }
    }
}
