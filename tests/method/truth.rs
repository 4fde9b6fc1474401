//! What a service carries in truth: the load at which a trial without noise of the machine meets its
//! conditions in half of its replays.

use crate::services::{Subject, at};
use plimsoll::run::{Simulated, Weather};
use plimsoll::trial::{Evidence, TrialPlan};
use plimsoll::workload::SequenceId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

/// How closely the load is found, in ln(load).
const PRECISION: f64 = 0.003;
/// Factor between the loads that are tried until it lies between two.
const STEP: f64 = 1.15;
/// So large a majority of the replays at a load says that it is not near the crossing.
const MAJORITY: u32 = 6;

/// Replays of one load, to know a sequence.
const REPLAYS: u32 = 9;

/// What a sequence carries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Truth {
    /// Its own crossing, sessions per second.
    pub(crate) crossing: f64,
    /// How much its logarithm falls with that of the speed: above 1, because limits on latencies do not
    /// scale along.
    elasticity: f64,
}

impl Truth {
    /// Of the sequence that a search played; known ones are remembered.
    pub(crate) fn of(subject: &Subject, sequence: &SequenceId) -> Self {
        type Known = Mutex<BTreeMap<(String, u64, u64), Arc<OnceLock<Truth>>>>;
        static KNOWN: Known = Mutex::new(BTreeMap::new());
        let key = (subject.name().to_owned(), sequence.seed, sequence.count);
        let cell = Arc::clone(KNOWN.lock().unwrap().entry(key).or_default());
        *cell.get_or_init(|| {
            let like = subject.play_again(sequence);
            let crossing = crossing(subject, &like, 1.0, REPLAYS);
            let slow = speed(subject, &at(&like, 0.8 * crossing));
            Self { crossing, elasticity: 0.8_f64.ln() / slow.ln() }
        })
    }

    /// The speed at which a sequence carries this share of what it does.
    pub(crate) fn speed(&self, share: f64) -> f64 {
        (share.ln() / self.elasticity).exp()
    }
}

/// The speed of the machine at which half of the trials of this load meet their conditions.
fn speed(subject: &Subject, plan: &TrialPlan) -> f64 {
    let (mut slow, mut fast) = (0.6_f64, 1.0);
    while (fast / slow).ln() > PRECISION {
        let middle = (slow * fast).sqrt();
        let weather = Weather { machine: middle, ..Weather::calm() };
        let is_enough = holds(subject, subject.rig(weather, plan.seed), plan, REPLAYS);
        if is_enough { fast = middle } else { slow = middle }
    }
    (slow * fast).sqrt()
}

/// The crossing of trials like this one, on a machine of this speed. Near it the service's own jitter
/// moves the verdicts, by 1 to 3 % of the load in the services here: then up to `replays` are asked.
pub(crate) fn crossing(subject: &Subject, like: &TrialPlan, machine: f64, replays: u32) -> f64 {
    let weather = Weather { machine, ..Weather::calm() };
    // Each load is played in the same replays.
    let rig = || subject.rig(weather, like.seed);
    let holds = |load: f64| holds(subject, rig(), &at(like, load), replays);
    let near = subject.near * machine;
    let (mut low, mut high) = if holds(near) { (near, near * STEP) } else { (near / STEP, near) };
    while low < near && !holds(low) {
        (low, high) = (low / STEP, low);
    }
    while high > near && holds(high) {
        (low, high) = (high, high * STEP);
    }
    while (high / low).ln() > PRECISION {
        let middle = (low * high).sqrt();
        if holds(middle) { low = middle } else { high = middle }
    }
    (low * high).sqrt()
}

/// Whether most replays meet the conditions.
fn holds(subject: &Subject, mut rig: Simulated, plan: &TrialPlan, replays: u32) -> bool {
    let (mut met, mut not) = (0_u32, 0);
    while met + not < replays && met.abs_diff(not) < MAJORITY {
        let is_met = subject.trial(&mut rig, plan).evidence == Evidence::Met;
        *if is_met { &mut met } else { &mut not } += 1;
    }
    met > not
}
