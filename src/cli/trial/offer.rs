//! From the options to the trial that is asked for.

use super::options::Offer;
use crate::cli::ExitStatus;
use crate::cli::arguments::{duration, usage};
use crate::config::Plan;
use crate::config::plan::{CheckPlan, FixedLoad, Knob};
use crate::trial::{Load, Outcome, Purpose, TrialPlan, TrialReport};
use crate::units::{CONCURRENCY_MAX, KnobValue, Rate, SESSIONS_MAX, as_f64, at_least_one, share};
use crate::workload::{Arrivals, Dial, Sequence};
use std::num::NonZeroU32;
use std::time::Duration;

/// Sessions per slot of a closed loop that are played to learn how many fit into the asked time.
const LEARNING_SESSIONS: u64 = 8;
/// Sessions per slot that are played before the measured ones of a closed loop.
const WARMUP_SESSIONS: u64 = 2;
/// Longest time that any trial is waited for.
const TIME_MAX: Duration = Duration::from_secs(86_400 * 365);

/// What is to be played.
#[derive(Debug)]
pub(super) struct Offered {
    /// The measured play, or the one that is played to learn from.
    pub(super) plan: TrialPlan,
    /// Closed loop for a time: the time, and the warm-up that was asked for.
    learn: Option<(Duration, Option<u64>)>,
}

impl Offer {
    /// The trial on this suite. On an error the message has been printed, and the exit status is
    /// returned.
    pub(super) fn plan(&self, suite: &Plan, check: &CheckPlan) -> Result<Offered, ExitStatus> {
        let length = match self.sessions {
            None => Some(duration("--for", &self.length)?),
            Some(0) => {
                return Err(usage("`--sessions 0` measures nothing", "write a number from 1 on"));
            }
            Some(_) => None,
        };
        if let Knob::Dial(Dial::Parameter(name), _) = &check.capacity.knob {
            let what = format!("a single trial gives `{{{name}}}` in the request no value");
            return Err(usage(&what, "write the value itself into a copy of the suite"));
        }
        let load = self.load(check)?;
        let (count, cut, learn) = match (load, length, self.sessions) {
            (Load::Closed { concurrency }, Some(length), _) => {
                let count = LEARNING_SESSIONS * u64::from(concurrency.get());
                (as_f64(count), 0, Some((length, self.warmup)))
            }
            (Load::Open { rate, .. }, Some(length), _) => {
                let count = rate.as_per_second() * length.as_secs_f64();
                (count, self.warmup.unwrap_or(0), None)
            }
            (_, None, sessions) => (as_f64(sessions.unwrap_or(1)), self.warmup.unwrap_or(0), None),
        };
        check_size(count, self.warmup.unwrap_or(0))?;
        let plan = TrialPlan {
            index: 0,
            check: check.name.clone(),
            purpose: Purpose::Play,
            side: crate::trial::Side::Only,
            knob: knob(load).to_owned(),
            value: KnobValue::new(load.value()).ok_or(ExitStatus::Usage)?,
            load,
            setting: None,
            seed: suite.seed,
            cut,
            count: at_least_one(count),
            slos: check.slos.iter().map(|slo| slo.slo.clone()).collect(),
            time_limit: TIME_MAX,
            request_limit: suite.budget.requests,
        };
        let time_limit = match learn {
            Some((length, _)) => length,
            None => longest(suite, &plan),
        };
        Ok(Offered { plan: TrialPlan { time_limit, ..plan }, learn })
    }

    fn load(&self, check: &CheckPlan) -> Result<Load, ExitStatus> {
        if let Some(rate) = self.rate {
            let of_check = match check.capacity.knob {
                Knob::Rate(arrivals) | Knob::Dial(_, FixedLoad::Rate(_, arrivals)) => arrivals,
                Knob::Concurrency | Knob::Dial(_, FixedLoad::Concurrency(_)) => Arrivals::Poisson,
            };
            let arrivals = self.arrivals.map_or(of_check, Arrivals::from);
            return match Rate::per_second(rate) {
                Some(rate) => Ok(Load::Open { rate, arrivals }),
                None => {
                    Err(usage(&format!("`--rate {rate}` is no rate"), "write a number above 0"))
                }
            };
        }
        match self.concurrency {
            Some(concurrency) if concurrency.get() <= CONCURRENCY_MAX => {
                Ok(Load::Closed { concurrency })
            }
            Some(concurrency) => {
                let what =
                    format!("`--concurrency {concurrency}` is more than a machine keeps open");
                Err(usage(&what, &format!("write a number up to {CONCURRENCY_MAX}")))
            }
            None => Err(usage("there is no load", "give `--rate` or `--concurrency`")),
        }
    }
}

impl Offered {
    /// Whether a play is needed before the measured one.
    pub(super) fn is_to_learn(&self) -> bool {
        self.learn.is_some()
    }

    /// The measured play, after what the first one showed. On an error the message has been printed.
    pub(super) fn learned(
        &self,
        suite: &Plan,
        first: &TrialReport,
    ) -> Result<TrialPlan, ExitStatus> {
        let mut plan = self.plan.clone();
        let Some((length, warmup)) = self.learn else { return Ok(plan) };
        let slots = slots(plan.load);
        let fitting = sessions_per_s(suite, first) * length.as_secs_f64();
        let cut = warmup.unwrap_or_else(|| at_least_one(fitting).min(WARMUP_SESSIONS * slots));
        check_size(fitting, cut)?;
        plan.index += 1;
        plan.cut = cut;
        plan.count = at_least_one(fitting).max(slots);
        plan.time_limit =
            longest(suite, &plan).min(length.saturating_mul(2) + session_max(suite, &plan));
        Ok(plan)
    }
}

fn knob(load: Load) -> &'static str {
    match load {
        Load::Open { .. } => "rate",
        Load::Closed { .. } => "concurrency",
    }
}

/// Sessions that run at the same time in closed loop.
fn slots(load: Load) -> u64 {
    match load {
        Load::Open { .. } => 1,
        Load::Closed { concurrency } => u64::from(concurrency.get()),
    }
}

/// Refuses more sessions than one trial plays; never fewer in silence.
fn check_size(measured: f64, before: u64) -> Result<(), ExitStatus> {
    let all = measured.ceil() + as_f64(before);
    if all <= as_f64(SESSIONS_MAX) {
        return Ok(());
    }
    let what =
        format!("this is a trial of {all:.0} sessions, and {SESSIONS_MAX} are the most of one");
    Err(usage(&what, "measure for a shorter time or fewer sessions, or at a lower rate"))
}

/// Sessions per second that ended, whatever else was cut short.
fn sessions_per_s(suite: &Plan, first: &TrialReport) -> f64 {
    let plan = &first.plan;
    let arrivals = plan.load.arrivals();
    let extent = Sequence::extent(&suite.sessions, arrivals, plan.seed, plan.cut, plan.count);
    let cut_short = first.counts.of(Outcome::Unfinished) + first.counts.of(Outcome::Unsent);
    let ended = first.counts.ended().saturating_sub(cut_short);
    let sessions = as_f64(plan.count) * share(ended, extent.requests);
    sessions / first.elapsed.as_secs_f64().clamp(1e-3, f64::MAX)
}

/// The longest that a session can take by its time-outs and pauses, and a second.
fn session_max(suite: &Plan, plan: &TrialPlan) -> Duration {
    let arrivals = plan.load.arrivals();
    let extent = Sequence::extent(&suite.sessions, arrivals, plan.seed, plan.cut, plan.count);
    let answers = suite.target.timeouts.total.saturating_mul(extent.turns_max.max(1));
    answers.saturating_add(extent.think_max).saturating_add(Duration::from_secs(1)).min(TIME_MAX)
}

/// When the last measured session has ended even if each takes as long as it may.
fn longest(suite: &Plan, plan: &TrialPlan) -> Duration {
    let session = session_max(suite, plan);
    let played = plan.cut + plan.count;
    let begun = match plan.load {
        Load::Open { rate, arrivals } => {
            let mut sequence = Sequence::new(&suite.sessions, arrivals, plan.seed);
            let last = usize::try_from(played - 1).ok().and_then(|last| sequence.nth(last));
            let offset = last.map_or(0.0, |session| session.offset / rate.as_per_second());
            Duration::try_from_secs_f64(offset).unwrap_or(TIME_MAX)
        }
        Load::Closed { concurrency } => {
            let rounds = played.div_ceil(NonZeroU32::get(concurrency).into());
            session.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
        }
    };
    begun.saturating_add(session).min(TIME_MAX)
}
