//! How long a trial is: how many sessions it plays and what it will cost.

use super::dial::{fixed_load, is_open, trial_at};
use super::{Aim, Cost, History, Prior};
use crate::config::plan::{CapacityPlan, Knob};
use crate::slo::Slo;
use crate::trial::{Evidence, Load, Purpose, SloResult, TrialPlan, TrialReport};
use crate::units::{KnobValue, SESSIONS_MAX, as_f64, at_least_one, share};
use crate::workload::{Arrivals, Extent, Sequence, SequenceId, SessionLaw};
use std::time::Duration;

/// Sessions before the measured ones: one for each so many measured.
const CUT: u64 = 5;
/// Most sessions that are measured; there is room for as many before them.
const MEASURED_MAX: u64 = SESSIONS_MAX / 2;
/// Default length of a trial is `600 / rate`, within these bounds.
const TRIAL_SESSIONS: f64 = 600.0;
const TRIAL_MIN: Duration = Duration::from_secs(6);
const TRIAL_MAX: Duration = Duration::from_secs(25);
/// A probe is never longer than this.
const PROBE_MAX: Duration = Duration::from_secs(10);
/// Fewest measured sessions of a closed loop in which a single failure decides.
const STRICT_MIN: u64 = 5;
/// Full trials that an answer of a search takes at least, and typically (seen in simulation).
const PLAYS_LEAST: u32 = 4;
const PLAYS_TYPICAL: u32 = 10;
/// The same for a comparison of two targets.
const DUELS_LEAST: u32 = 4;
const DUELS_TYPICAL: u32 = 7;
/// The same for a decision about an accepted capacity.
const TESTS_LEAST: u32 = 2;
const TESTS_TYPICAL: u32 = 2;

/// Size of one trial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Size {
    pub(super) cut: u64,
    pub(super) count: u64,
    pub(super) time_limit: Duration,
}

/// Sizes the trials of a check.
#[derive(Debug, Clone)]
pub(super) struct Sizing {
    knob: Knob,
    from: f64,
    to: Option<f64>,
    trial: Option<Duration>,
    law: SessionLaw,
    seed: u64,
    /// Fewest requests that decide every condition.
    needed: u64,
    /// Whether a few sessions say it all: under a closed loop that stays the same a single failure
    /// decides, and nobody asked for a longer look.
    is_strict: bool,
    longest_request: Duration,
}

impl Sizing {
    pub(super) fn new(
        plan: &CapacityPlan,
        law: &SessionLaw,
        seed: u64,
        slos: &[Slo],
        longest_request: Duration,
    ) -> Self {
        let fixed = fixed_load(&plan.knob);
        let is_strict = matches!(fixed, Some(Load::Closed { .. }))
            && plan.trial.is_none()
            && slos.iter().all(Slo::allows_no_failure);
        Self {
            knob: plan.knob.clone(),
            from: plan.from.get(),
            to: plan.to.map(KnobValue::get),
            is_strict,
            trial: plan.trial,
            law: law.clone(),
            seed,
            needed: slos.iter().map(SloResult::needed).max().unwrap_or(1),
            longest_request,
        }
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// Nominal length of a trial at this rate of sessions.
    fn length(&self, per_s: f64) -> Duration {
        self.trial.unwrap_or_else(|| {
            Duration::try_from_secs_f64(TRIAL_SESSIONS / per_s)
                .unwrap_or(TRIAL_MAX)
                .clamp(TRIAL_MIN, TRIAL_MAX)
        })
    }

    /// The load at this value, in sessions or sessions per second.
    fn load(&self, value: f64) -> f64 {
        fixed_load(&self.knob).map_or(value, Load::value)
    }

    /// Bounds of the load over the whole range.
    fn loads(&self) -> (f64, Option<f64>) {
        (self.load(self.from), fixed_load(&self.knob).map(Load::value).or(self.to))
    }

    /// A short look at this value.
    pub(super) fn probe(&self, value: f64) -> Size {
        let load = self.load(value);
        let slots = at_least_one(load);
        if is_open(&self.knob) {
            let length = self.length(load).min(PROBE_MAX);
            let count = self.measured(at_least_one(load * length.as_secs_f64()));
            self.size(value, count / CUT, count)
        } else if self.is_strict {
            self.size(value, 0, self.measured((2 * slots).max(STRICT_MIN)))
        } else {
            // Nothing is known of the rate yet: each slot serves a few sessions.
            self.size(value, 2 * slots, self.measured(8 * slots))
        }
    }

    /// A whole play. All plays of a check are of one size: that of the prior, else that of the first
    /// play, else by the rate at which the bracket was found.
    pub(super) fn play(&self, value: f64, history: &History, prior: Option<&Prior>) -> Size {
        if let Some(prior) = prior {
            return self.size(value, prior.sequence.cut, prior.sequence.count);
        }
        let first = history.trials().iter().find(|trial| trial.plan.purpose != Purpose::Probe);
        if let Some(first) = first {
            return self.size(value, first.plan.cut, first.plan.count);
        }
        if self.is_strict {
            return self.probe(value);
        }
        let load = self.load(value);
        if is_open(&self.knob) {
            let count = self.measured(at_least_one(load * self.length(load).as_secs_f64()));
            return self.size(value, count / CUT, count);
        }
        let per_s = self.sessions_per_s(history);
        let slots = at_least_one(self.loads().1.unwrap_or(load));
        let wanted =
            per_s.map_or(8 * slots, |per_s| at_least_one(per_s * self.length(per_s).as_secs_f64()));
        let count = self.measured(wanted);
        self.size(value, (count / CUT).max(2 * at_least_one(load)), count)
    }

    /// So many sessions, or as many as are needed and possible.
    fn measured(&self, wanted: u64) -> u64 {
        self.needed.max(wanted).min(MEASURED_MAX)
    }

    /// Sessions per second at the highest value that held.
    fn sessions_per_s(&self, history: &History) -> Option<f64> {
        let held = history
            .trials()
            .iter()
            .filter(|trial| trial.is_valid() && trial.evidence == Evidence::Met);
        let best = held.max_by(|a, b| a.plan.value.get().total_cmp(&b.plan.value.get()))?;
        let turns = share(self.requests(&best.plan), best.plan.count.max(1));
        let per_s = best.rates.achieved / turns;
        (per_s.is_finite() && per_s > 0.0).then_some(per_s)
    }

    /// With a time limit that no play reaches whose requests keep theirs: the arrivals, or the rounds
    /// of a closed loop, and the longest session after them.
    fn size(&self, value: f64, cut: u64, count: u64) -> Size {
        let count = count.clamp(1, SESSIONS_MAX);
        let cut = cut.min(SESSIONS_MAX - count);
        let setting = trial_at(&self.knob, value).and_then(|(_, setting)| setting);
        let law = self.law.with(setting.as_ref());
        let extent = Sequence::extent(&law, Arrivals::Poisson, self.seed, cut, count);
        let requests = self.longest_request.saturating_mul(extent.turns_max);
        let session = requests.saturating_add(extent.think_max);
        let sessions_before = if is_open(&self.knob) {
            stretched(cut + count, self.loads().0).saturating_mul(2)
        } else {
            let rounds = (cut + count) / at_least_one(self.load(value));
            session.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
        };
        let time_limit = session.saturating_add(sessions_before).saturating_add(TRIAL_MAX);
        Size { cut, count, time_limit }
    }

    fn extent(&self, law: &SessionLaw, plan: &TrialPlan) -> Extent {
        Sequence::extent(law, plan.load.arrivals(), plan.seed, plan.cut, plan.count)
    }

    /// Requests in the measured sessions.
    pub(super) fn requests(&self, plan: &TrialPlan) -> u64 {
        self.extent(&self.law.with(plan.setting.as_ref()), plan).requests
    }

    /// Identity of the sequence of a trial, and its nominal length: of a closed loop, unless the
    /// suite sets one, the length that it had. It is the sequence of the suite's own law: what the knob
    /// sets differs between trials that play the same otherwise.
    pub(super) fn identity(&self, trial: &TrialReport) -> (SequenceId, Duration) {
        let length = match trial.plan.load {
            Load::Open { rate, .. } => self.length(rate.as_per_second()),
            Load::Closed { .. } => self.trial.unwrap_or(trial.elapsed),
        };
        (self.extent(&self.law, &trial.plan).id, length)
    }

    /// With a tenth more for the last requests. Of a closed loop's first trial nothing is known.
    pub(super) fn expected_time(&self, plan: &TrialPlan, history: &History) -> Duration {
        let tail = plan.slos.iter().filter_map(Slo::latency_limit).max().unwrap_or_default();
        let per_s = match plan.load {
            Load::Open { rate, .. } => Some(rate.as_per_second()),
            Load::Closed { .. } => self.sessions_per_s(history),
        };
        let arrivals = per_s.map_or_else(
            || self.trial.unwrap_or(TRIAL_MIN),
            |per_s| stretched(plan.cut + plan.count, per_s),
        );
        arrivals.mul_f64(1.1).saturating_add(tail)
    }

    /// With a tenth more, for the load that goes on until the measured requests have ended.
    pub(super) fn expected_requests(&self, plan: &TrialPlan) -> u64 {
        let per_session = self.requests(plan).div_ceil(plan.count.max(1)).max(1);
        (plan.cut + plan.count) * per_session * 11 / 10
    }

    /// What the check costs at least and typically.
    pub(super) fn cost(&self, aim: &Aim, pause: Duration) -> Cost {
        let (bottom, top) = self.loads();
        let top = top.unwrap_or(bottom);
        let (prior, plays_least, plays) = match aim {
            Aim::Defend(prior) => (Some(prior), TESTS_LEAST, TESTS_TYPICAL),
            Aim::Measure(prior) => (prior.as_ref(), PLAYS_LEAST, PLAYS_TYPICAL),
            Aim::Compare(_) => (None, DUELS_LEAST, DUELS_TYPICAL),
        };
        let known = match aim {
            Aim::Compare(hint) => *hint,
            Aim::Defend(_) | Aim::Measure(_) => prior.map(|prior| prior.value),
        };
        let (per_s, probes) = match known {
            Some(value) => (self.load(value.get()), 0),
            None => ((bottom * top).sqrt(), self.probes()),
        };
        let count = match prior {
            Some(prior) => prior.sequence.count,
            None if self.is_strict => self.probe(self.from).count,
            None => self.measured(at_least_one(per_s * self.length(per_s).as_secs_f64())),
        };
        let is_open = is_open(&self.knob);
        let trial = if is_open {
            stretched(count + count / CUT, per_s)
        } else {
            self.trial.unwrap_or(TRIAL_MIN)
        };
        let trial = trial.saturating_add(pause);
        let probe = if is_open {
            self.length(per_s).min(PROBE_MAX).mul_f64(1.2).saturating_add(pause)
        } else {
            trial
        };
        let fastest = match (is_open, aim) {
            (true, Aim::Defend(_)) => trial,
            (true, Aim::Measure(_) | Aim::Compare(_)) => stretched(self.needed, top),
            (false, _) => Duration::ZERO,
        };
        Cost {
            trial,
            least: fastest.saturating_mul(plays_least),
            requests_least: self.needed,
            typical: trial.saturating_mul(plays).saturating_add(probe.saturating_mul(probes)),
            trials: plays + probes,
            sessions_per_trial: count,
        }
    }

    /// Probes that halve the range down to a quarter.
    fn probes(&self) -> u32 {
        let Some(to) = self.to else { return 4 };
        let mut width = (to / self.from).ln();
        let mut probes = 0;
        while width > 0.25 && probes < 12 {
            width /= 2.0;
            probes += 1;
        }
        probes
    }
}

/// How long so many sessions take to arrive.
fn stretched(sessions: u64, per_s: f64) -> Duration {
    Duration::try_from_secs_f64(as_f64(sessions) / per_s).unwrap_or(Duration::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::{MEASURED_MAX, Sizing};
    use crate::check::History;
    use crate::config::plan::{CapacityPlan, Knob, Method};
    use crate::units::{KnobValue, Ratio, SESSIONS_MAX};
    use crate::workload::{Arrivals, HistoryMode, Length, SessionLaw, ThinkTime};
    use std::time::Duration;

    #[test]
    fn no_trial_has_more_sessions_than_can_be_drawn_in_a_second() {
        let law = SessionLaw {
            turns: Length::Fixed(1),
            prompt_tokens: Length::Fixed(1),
            output_tokens: Length::Fixed(1),
            think_time: ThinkTime::Fixed(Duration::ZERO),
            history: HistoryMode::None,
        };
        for knob in [Knob::Rate(Arrivals::Poisson), Knob::Concurrency] {
            let plan = CapacityPlan {
                knob: knob.clone(),
                from: KnobValue::new(1.0).unwrap(),
                to: KnobValue::new(1e6),
                expand: 2.0,
                precision: Ratio::new(0.025).unwrap(),
                max_trials: 60,
                trial: Some(Duration::from_secs(3_600)),
                between_trials: crate::config::plan::BetweenTrials::Keep,
                method: Method::Bisect,
                sequences: 1,
            };
            let sizing = Sizing::new(&plan, &law, 42, &[], Duration::from_secs(1));
            for size in [sizing.probe(1e6), sizing.play(1e6, &History::default(), None)] {
                assert_eq!(size.count, MEASURED_MAX, "{knob:?}: {size:?}");
                assert!(
                    size.cut > 0 && size.cut + size.count <= SESSIONS_MAX,
                    "{knob:?}: {size:?}"
                );
            }
            assert!(
                sizing.cost(&crate::check::Aim::Measure(None), Duration::ZERO).sessions_per_trial
                    <= MEASURED_MAX
            );
        }
    }
}
