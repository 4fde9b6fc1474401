//! What is measured: each experiment gives the figures of one or more rows.

mod honesty;
mod memory;
mod overload;
mod pacing;
mod plain;
mod streaming;
mod streams;
mod truthful;

use super::rounds::Bench;
use super::table::{Demand, Figure, Reading};

/// A measurement, and the lines of the table that it fills.
pub(super) struct Experiment {
    pub(super) rows: &'static [&'static str],
    pub(super) figures: &'static [Figure],
    /// One reading for each figure, in their order.
    pub(super) run: fn(&Bench<'_>) -> anyhow::Result<Vec<Reading>>,
}

impl Experiment {
    /// Whether it measures `row`, in either case of letters.
    pub(super) fn has(&self, row: &str) -> bool {
        self.rows.iter().any(|own| own.eq_ignore_ascii_case(row))
    }
}

/// All, in the order of the table.
pub(super) const EXPERIMENTS: &[Experiment] = &[
    plain::EXPERIMENT,
    streaming::EXPERIMENT,
    truthful::QUIET,
    truthful::BUSY,
    pacing::EXPERIMENT,
    memory::EXPERIMENT,
    overload::REFUSAL,
    overload::OFFER,
    honesty::EXPERIMENT,
];

const fn figure(
    row: &'static str,
    what: &'static str,
    demand: Demand,
    unit: &'static str,
) -> Figure {
    Figure { row, what, unit, demand, may_be_invalid: false }
}
