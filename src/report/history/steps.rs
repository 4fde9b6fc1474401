//! The rows of a history as cells, the same for every table.

use super::{day, remark, short};
use crate::baseline::Point;
use crate::units::number;

/// Heads of the columns.
pub(super) const HEADER: [&str; 6] = ["date", "commit", "value", "change", "in all", "why"];

/// One row.
pub(super) struct Step {
    pub(super) date: String,
    pub(super) commit: String,
    pub(super) value: String,
    pub(super) change: String,
    pub(super) in_all: String,
    pub(super) why: String,
}

impl Step {
    pub(super) fn of(point: &Point) -> Self {
        let accepted = point.value.as_ref().ok();
        let change = |share: Option<f64>| {
            share.map_or_else(|| number::NONE.to_owned(), number::change_short)
        };
        let estimate = accepted.map(|it| &it.estimate);
        Self {
            date: day(&point.time).to_owned(),
            commit: short(&point.commit),
            value: estimate.map_or_else(
                || number::NONE.to_owned(),
                |it| number::estimate(it.value, it.low, it.high),
            ),
            change: change(accepted.and_then(|it| it.change)),
            in_all: change(accepted.and_then(|it| it.in_all)),
            why: remark(point),
        }
    }
}
