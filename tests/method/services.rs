//! The services that the method is held against: which condition binds, and about where.

use crate::batcher::Batcher;
use crate::gate::MAX_DROP;
use crate::pool::{Pool, SIZES};
use plimsoll::check::Curtail;
use plimsoll::config::plan::{
    BetweenTrials, CapacityPlan, CheckPlan, GateLimits, Knob, Method, SloPlan,
};
use plimsoll::demo::{Faults, Profile};
use plimsoll::run::{Service, Simulated, Weather};
use plimsoll::slo::Slo;
use plimsoll::trial::{Load, Purpose, TrialPlan, TrialReport};
use plimsoll::units::{KnobValue, Rate, Ratio};
use plimsoll::workload::{Arrivals, HistoryMode, Length, SequenceId, SessionLaw, ThinkTime};
use std::sync::Arc;
use std::time::Duration;

/// Measured sessions of a trial are those of so long at a service's capacity …
const TRIAL: Duration = Duration::from_secs(25);
/// … and not fewer than decide a p99.
const COUNT_MIN: u64 = 100;
/// Time of a search whose finding is to be accepted.
const SEARCH: Duration = Duration::from_secs(420);

/// A service, and the check that asks for its capacity.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) check: CheckPlan,
    pub(crate) law: SessionLaw,
    pub(crate) service: Arc<dyn Service>,
    /// Its capacity, about; sessions per second.
    pub(crate) near: f64,
    /// The condition that breaks first, as it is written.
    pub(crate) binding: &'static str,
    /// Time of a search whose finding is to be accepted.
    pub(crate) search_time: Duration,
    arrivals: Arrivals,
}

impl Subject {
    pub(crate) fn name(&self) -> &str {
        &self.check.name
    }

    /// The same with searches that take so long, or as long as they do if that is more.
    pub(crate) fn searched_for(&self, time: Duration) -> Self {
        Self { search_time: self.search_time.max(time), ..self.clone() }
    }

    pub(crate) fn rig(&self, weather: Weather, seed: u64) -> Simulated {
        Simulated::serving(Arc::clone(&self.service), self.law.clone(), seed).with_weather(weather)
    }

    /// A play of the sequence of this seed, as long as one near the capacity is.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few thousand sessions"
    )]
    pub(crate) fn play(&self, seed: u64, per_s: f64) -> TrialPlan {
        let count = ((self.near * TRIAL.as_secs_f64()) as u64).max(COUNT_MIN);
        TrialPlan {
            index: 0,
            check: self.check.name.clone(),
            purpose: Purpose::Play,
            side: plimsoll::trial::Side::Only,
            knob: self.check.capacity.knob.name().into(),
            value: KnobValue::new(per_s).unwrap(),
            load: Load::Open { rate: Rate::per_second(per_s).unwrap(), arrivals: self.arrivals },
            seed,
            cut: count / 5,
            count,
            slos: self.check.slos.iter().map(|slo| slo.slo.clone()).collect(),
            time_limit: Duration::from_secs(3_600),
            request_limit: u64::MAX,
            setting: None,
        }
    }

    /// A play of the sequence that a search played.
    pub(crate) fn play_again(&self, sequence: &SequenceId) -> TrialPlan {
        let SequenceId { seed, cut, count, .. } = *sequence;
        TrialPlan { cut, count, ..self.play(seed, self.near) }
    }

    /// A trial that is ended as soon as its verdict is settled.
    pub(crate) fn trial(&self, rig: &mut Simulated, plan: &TrialPlan) -> TrialReport {
        // A session has one request.
        let mut watch = Curtail::new(plan, plan.count);
        rig.trial(plan, &mut watch, &mut |_| {})
    }
}

/// The same trial at another load.
pub(crate) fn at(plan: &TrialPlan, per_s: f64) -> TrialPlan {
    let rate = Rate::per_second(per_s).unwrap();
    let load = Load::Open { rate, arrivals: plan.load.arrivals() };
    TrialPlan { load, value: KnobValue::new(per_s).unwrap(), ..plan.clone() }
}

/// All of them; nothing of the method was chosen by how it does on the last.
pub(crate) fn all() -> [Subject; 6] {
    [llm_tbc(), llm_ttfc(), http(), http_slow(), llm_small(), gc_batch()]
}

/// A large batch, whose steps become too long.
pub(crate) fn llm_tbc() -> Subject {
    let profile = Profile {
        step: Duration::from_millis(3),
        per_sequence: Duration::from_micros(200),
        per_token: Duration::from_nanos(300),
        max_num_seqs: 512,
        max_queue: 256,
        ..server()
    };
    let slos = ["p99 ttfc < 2s", "p90 tbc < 50ms"];
    let tokens = [around(200), around(128)];
    subject("llm-tbc", &slos, 1, Arc::new(profile), chat(tokens), 21.6)
}

/// A batch of 64 seats, for which requests wait.
pub(crate) fn llm_ttfc() -> Subject {
    let profile = Profile {
        step: Duration::from_millis(12),
        per_sequence: Duration::from_micros(150),
        per_token: Duration::from_nanos(200),
        max_num_seqs: 64,
        max_queue: 256,
        ..server()
    };
    let slos = ["p99 ttfc < 500ms", "p90 tbc < 50ms"];
    let tokens = [around(200), around(128)];
    subject("llm-ttfc", &slos, 0, Arc::new(profile), chat(tokens), 15.3)
}

/// Few seats and long answers: a trial has no more requests than its condition needs.
pub(crate) fn llm_small() -> Subject {
    let profile = Profile {
        step: Duration::from_millis(15),
        per_sequence: Duration::from_micros(250),
        per_token: Duration::from_nanos(300),
        max_num_seqs: 24,
        max_queue: 64,
        ..server()
    };
    let slos = ["p99 ttfc < 1s", "p90 tbc < 50ms"];
    let tokens = [around(400), around(350)];
    let subject = subject("llm-small", &slos, 0, Arc::new(profile), chat(tokens), 2.0);
    // Its trials take a minute.
    Subject { search_time: Duration::from_secs(1_200), ..subject }
}

/// Eight workers, whose limit is a few times what a request takes.
pub(crate) fn http() -> Subject {
    let pool = Pool { workers: 8, queue: 400, mean: Duration::from_millis(85), jitter: 0.2 };
    subject("http", &["p99 e2e < 700ms"], 0, Arc::new(pool), plain(), 84.0)
}

/// The same with a limit so close to what a request takes that half of the late ones that it allows are
/// late on an idle service.
pub(crate) fn http_tail() -> Subject {
    let pool = Pool { workers: 8, queue: 400, mean: Duration::from_millis(85), jitter: 0.2 };
    subject("http-tail", &["p99 e2e < 500ms"], 0, Arc::new(pool), plain(), 80.0)
}

/// The same with so short a queue that requests are turned away before they are late.
pub(crate) fn http_short() -> Subject {
    let pool = Pool { workers: 8, queue: 12, mean: Duration::from_millis(85), jitter: 0.2 };
    subject("http-short", &["p99 e2e < 600ms"], 1, Arc::new(pool), plain(), 70.0)
}

/// Four workers that are nearly always busy at the limit.
pub(crate) fn http_slow() -> Subject {
    let pool = Pool { workers: 4, queue: 400, mean: Duration::from_millis(100), jitter: 0.2 };
    subject("http-slow", &["p99 e2e < 2s"], 0, Arc::new(pool), plain(), 38.6)
}

/// Batches by a clock, freezes, and bursty arrivals.
pub(crate) fn gc_batch() -> Subject {
    let batcher = Batcher {
        workers: 2,
        tick: Duration::from_millis(10),
        batch: 8,
        queue: 400,
        fixed: Duration::from_millis(15),
        each: Duration::from_millis(10),
        freeze_every: Duration::from_secs(3),
        freeze_shortest: Duration::from_millis(80),
        freeze_longest: Duration::from_millis(150),
    };
    let poisson = subject("gc-batch", &["p95 e2e < 500ms"], 0, Arc::new(batcher), plain(), 135.0);
    let arrivals = Arrivals::Gamma { cv: 2.0 };
    let mut subject = Subject { arrivals, ..poisson };
    subject.check.capacity.knob = Knob::Rate(arrivals);
    subject
}

fn subject(
    name: &str,
    slos: &[&'static str],
    binding: usize,
    service: Arc<dyn Service>,
    law: SessionLaw,
    near: f64,
) -> Subject {
    let arrivals = Arrivals::Poisson;
    // Else a service that turns requests away would seem fast.
    let slos: Vec<&'static str> = slos.iter().copied().chain(["error_rate < 1%"]).collect();
    let binding = slos[binding];
    let slos = slos.into_iter();
    let slos = slos.map(|text| SloPlan { slo: Slo::parse(text).unwrap(), line: None }).collect();
    let limits = GateLimits { max_drop: Ratio::new(MAX_DROP), ..GateLimits::default() };
    let check = CheckPlan {
        name: name.into(),
        line: 1,
        capacity: CapacityPlan {
            between_trials: BetweenTrials::Keep,
            method: Method::Posterior,
            sequences: 1,
            knob: Knob::Rate(arrivals),
            from: KnobValue::new(near * 0.1).unwrap(),
            to: KnobValue::new(near * 5.0),
            expand: 2.0,
            precision: Ratio::new(0.025).unwrap(),
            max_trials: 60,
            trial: Some(TRIAL),
        },
        slos,
        gates: [("capacity".to_owned(), limits)].into(),
        identity: String::new(),
        digest: String::new(),
    };
    Subject { check, law, service, near, binding, search_time: SEARCH, arrivals }
}

/// What the servers have in common.
fn server() -> Profile {
    let demo = Profile::named("llm").unwrap();
    Profile { per_prefill_token: Duration::from_micros(25), faults: Faults::default(), ..demo }
}

fn around(mean: u32) -> Length {
    let spread = f64::from(mean);
    Length::Normal { mean: spread, sd: spread / 2.0, min: mean / 8, max: mean * 2 }
}

fn chat([prompt_tokens, output_tokens]: [Length; 2]) -> SessionLaw {
    SessionLaw {
        turns: Length::Fixed(1),
        prompt_tokens,
        output_tokens,
        think_time: ThinkTime::Fixed(Duration::ZERO),
        history: HistoryMode::None,
    }
}

fn plain() -> SessionLaw {
    chat([SIZES, Length::Fixed(1)])
}
