//! What a value of the knob means for a trial: its load, and what else it sets.

use crate::config::plan::{FixedLoad, Knob};
use crate::trial::Load;
use crate::units::Rate;
use crate::workload::Setting;
use std::num::NonZeroU32;

/// Load and setting of a trial at `value`; `None` for a value that the knob cannot have.
pub(super) fn trial_at(knob: &Knob, value: f64) -> Option<(Load, Option<Setting>)> {
    Some(match knob {
        Knob::Rate(arrivals) => {
            (Load::Open { rate: Rate::per_second(value)?, arrivals: *arrivals }, None)
        }
        Knob::Concurrency => (Load::Closed { concurrency: whole(value)? }, None),
        Knob::Dial(dial, load) => {
            let setting = Setting { dial: dial.clone(), value: whole(value)?.get() };
            (fixed(*load), Some(setting))
        }
    })
}

/// The load under a knob that does not vary it.
pub(super) fn fixed_load(knob: &Knob) -> Option<Load> {
    match knob {
        Knob::Rate(_) | Knob::Concurrency => None,
        Knob::Dial(_, load) => Some(fixed(*load)),
    }
}

/// Whether sessions arrive by a schedule.
pub(super) fn is_open(knob: &Knob) -> bool {
    match knob {
        Knob::Rate(_) | Knob::Dial(_, FixedLoad::Rate(..)) => true,
        Knob::Concurrency | Knob::Dial(_, FixedLoad::Concurrency(_)) => false,
    }
}

fn fixed(load: FixedLoad) -> Load {
    match load {
        FixedLoad::Rate(rate, arrivals) => Load::Open { rate, arrivals },
        FixedLoad::Concurrency(concurrency) => Load::Closed { concurrency },
    }
}

fn whole(value: f64) -> Option<NonZeroU32> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the range of u32"
    )]
    let whole = value.round().clamp(0.0, f64::from(u32::MAX)) as u32;
    NonZeroU32::new(whole)
}
