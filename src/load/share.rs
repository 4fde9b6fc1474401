//! How a trial is divided over workers: by session, so that nothing is shared between them.

use crate::trial::{Load, TrialPlan};
use crate::units::share;
use crate::workload::{Sequence, Session, SessionLaw};

/// Most workers.
pub(super) const WORKERS_MAX: u32 = 16;
/// Requests and chunks per second that one worker is asked to carry at most: about a third of a core.
const EVENTS_PER_WORKER: f64 = 40_000.0;
/// Cores from which on a second worker is worth its core.
const CORES_FOR_TWO: u32 = 4;
/// Cores from which on the plan alone decides.
const CORES_FOR_MANY: u32 = 16;

/// A worker's part of a trial: the sessions whose number is `index` modulo `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    index: u32,
    of: u32,
}

impl Share {
    /// All of it.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// One part for each of `of` workers; at least one.
    pub(super) fn each(of: u32) -> impl Iterator<Item = Self> {
        (0..of.max(1)).map(move |index| Self { index, of: of.max(1) })
    }

    /// Number of the worker, from 0.
    pub(super) fn index(self) -> u32 {
        self.index
    }

    /// Number of workers.
    pub(super) fn workers(self) -> u32 {
        self.of
    }

    /// Whether there is no other worker.
    pub(super) fn is_whole(self) -> bool {
        self.of == 1
    }

    /// Whether this session is one of its own.
    pub(super) fn has(self, session: u64) -> bool {
        session % u64::from(self.of) == u64::from(self.index)
    }

    /// Its part of a number: the parts of all workers add up to it, and differ by one at most.
    pub(super) fn part(self, number: u64) -> u64 {
        let (index, of) = (u64::from(self.index), u64::from(self.of));
        number / of + u64::from(index < number % of)
    }

    /// Its own sessions among those of a play.
    pub(super) fn sessions(
        self,
        law: &SessionLaw,
        plan: &TrialPlan,
    ) -> impl Iterator<Item = Session> + use<> {
        Sequence::new(law, plan.load.arrivals(), plan.seed)
            .filter(move |session| self.has(session.index))
    }
}

/// What a trial is expected to make happen, so far as its plan tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Demand {
    /// Requests and output chunks per second.
    pub(super) events_per_s: f64,
}

impl Demand {
    /// Of a trial with so many requests and output chunks in its measured sessions. A closed loop does
    /// not tell: each of its sessions is taken for a stream of 50 chunks per second.
    pub(super) fn of(plan: &TrialPlan, events: u64) -> Self {
        const CLOSED_LOOP_EVENTS: f64 = 50.0;
        let events_per_s = match plan.load {
            Load::Open { rate, .. } => rate.as_per_second() * share(events, plan.count),
            Load::Closed { concurrency } => f64::from(concurrency.get()) * CLOSED_LOOP_EVENTS,
        };
        Self { events_per_s }
    }

    /// Workers for it on a machine of `cores`, which the target may need as well: few, for a worker
    /// that has enough to do wakes less often, and a core that is taken is no core of the target's.
    pub(super) fn workers(self, cores: u32, target_is_here: bool) -> u32 {
        let needed = (1..WORKERS_MAX)
            .find(|workers| f64::from(*workers) * EVENTS_PER_WORKER >= self.events_per_s)
            .unwrap_or(WORKERS_MAX);
        let allowed = match cores {
            0..CORES_FOR_TWO => 1,
            CORES_FOR_TWO..CORES_FOR_MANY => 2,
            _ if target_is_here => cores / 4,
            _ => cores / 2,
        };
        needed.min(allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::{Demand, Share};
    use crate::trial::{Load, Purpose, TrialPlan};
    use crate::units::{KnobValue, Rate};
    use crate::workload::Arrivals;
    use proptest::prelude::*;
    use std::num::NonZeroU32;
    use std::time::Duration;

    fn plan(load: Load) -> TrialPlan {
        TrialPlan {
            index: 0,
            check: "c".into(),
            purpose: Purpose::Play,
            side: crate::trial::Side::Only,
            knob: "k".into(),
            value: KnobValue::new(1.0).unwrap(),
            load,
            setting: None,
            seed: 1,
            cut: 0,
            count: 100,
            slos: Vec::new(),
            time_limit: Duration::from_secs(1),
            request_limit: u64::MAX,
        }
    }

    proptest! {
        #[test]
        fn every_session_has_one_worker_and_the_parts_add_up(
            of in 1_u32..16, session in 0_u64..1_000, number in 0_u64..1_000,
        ) {
            prop_assert_eq!(Share::each(of).filter(|share| share.has(session)).count(), 1);
            let parts: Vec<u64> = Share::each(of).map(|share| share.part(number)).collect();
            prop_assert_eq!(parts.iter().sum::<u64>(), number);
            prop_assert!(parts.iter().all(|part| part.abs_diff(parts[0]) <= 1));
        }
    }

    #[test]
    fn workers_follow_the_plan_and_leave_cores_to_the_target() {
        let open = |rate| Load::Open {
            rate: Rate::per_second(rate).unwrap(),
            arrivals: Arrivals::Poisson,
        };
        let closed = |n| Load::Closed { concurrency: NonZeroU32::new(n).unwrap() };
        for (load, events, cores, here, workers) in [
            (open(100.0), 2_100, 64, false, 1),
            (open(20_000.0), 500, 2, false, 1),
            (open(20_000.0), 500, 8, false, 2),
            (open(20_000.0), 500, 16, true, 3),
            (open(20_000.0), 2_100, 16, true, 4),
            (open(20_000.0), 2_100, 16, false, 8),
            (open(20_000.0), 10_000, 64, false, 16),
            (closed(64), 0, 16, true, 1),
            (closed(5_000), 0, 16, false, 7),
        ] {
            let demand = Demand::of(&plan(load), events);
            assert_eq!(demand.workers(cores, here), workers, "{load:?} {events} {cores} {here}");
        }
    }
}
