//! What may be written in a suite, section by section. The doc comments here are the descriptions
//! of the JSON Schema. Everything is optional: what must be there is said by `validate`.

mod check;
mod target;
mod workload;

pub(crate) use check::{Arrivals, BetweenTrials, Capacity, Check, Gate, Knob, KnobName};
pub(crate) use target::{ApiName, Demo, ProfileName, Status, Target, Timeouts};
pub(crate) use workload::{History, Length, Normal, Sessions, ThinkTime, Workload, Zipf};

use super::decode::{Keyed, List, Spanned, section};
use super::leaf::Time;
use super::plan::FailOn;

section! {
    /// A Plimsoll suite: a service, the load it gets, and how much of it it must carry.
    Suite {
        /// Version of this format: 1.
        #[schemars(required)]
        version: Spanned<u64>,
        /// Name of the suite; names its baseline file. Letters, digits, `-`, `_` and `.`.
        #[schemars(required)]
        suite: Spanned<String>,
        /// The service under test: one of `command`, `url` and `demo`, and how it is spoken to.
        #[schemars(required)]
        target: Target,
        /// What `plimsoll compare` holds the target against: one of `command`, `url` and `demo`; it is
        /// spoken to as the target is.
        base: Target,
        /// The sessions that are played; the same ones in every trial.
        workload: Workload,
        /// The checks by name.
        #[schemars(required)]
        checks: Keyed<Check>,
        /// Hard bounds on the whole run.
        budget: Budget,
        /// Verdicts that make the exit code non-zero; all of them by default.
        fail_on: List<Spanned<FailOn>>,
    }
}

section! {
    /// Hard bounds on the whole run.
    Budget {
        /// Longest time, start of the target included; default 8m.
        time: Spanned<Time>,
        /// Most requests; default 1_000_000.
        requests: Spanned<u64>,
    }
}
