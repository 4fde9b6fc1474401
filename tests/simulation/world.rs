//! A check of the demo's standard profile on the simulated rig, and the truth about it.

use futures_util::FutureExt;
use plimsoll::check::{Aim, Allowance, Capacity, Curtail, Finding, History, Place, Setup};
use plimsoll::config::plan::{CapacityPlan, CheckPlan, Knob, Method, SloPlan};
use plimsoll::demo::Profile;
use plimsoll::load::Play;
use plimsoll::run::{Budget, NoJournal, Silent, Simulated, drive};
use plimsoll::slo::Slo;
use plimsoll::trial::{Evidence, Load, Purpose, TrialPlan};
use plimsoll::units::{KnobValue, Rate, Ratio};
use plimsoll::workload::{Arrivals, HistoryMode, Length, SessionLaw, ThinkTime};
use std::time::Duration;

pub(crate) fn law() -> SessionLaw {
    SessionLaw {
        turns: Length::Fixed(1),
        prompt_tokens: Length::Uniform(60, 200),
        output_tokens: Length::Uniform(8, 24),
        think_time: ThinkTime::Fixed(Duration::ZERO),
        history: HistoryMode::Inherit,
    }
}

pub(crate) fn check() -> CheckPlan {
    let slos = ["p95 ttfc < 200ms", "p90 tbc < 40ms", "error_rate < 1%"];
    CheckPlan {
        name: "chat-rate".into(),
        line: 1,
        capacity: CapacityPlan {
            knob: Knob::Rate(Arrivals::Poisson),
            from: KnobValue::new(10.0).unwrap(),
            to: KnobValue::new(400.0),
            expand: 2.0,
            precision: Ratio::new(0.025).unwrap(),
            max_trials: 60,
            trial: Some(Duration::from_secs(3)),
            between_trials: plimsoll::config::plan::BetweenTrials::Keep,
            method: Method::Posterior,
            sequences: 1,
        },
        slos: slos.map(|text| SloPlan { slo: Slo::parse(text).unwrap(), line: None }).to_vec(),
        gates: std::collections::BTreeMap::new(),
        identity: String::new(),
        digest: String::new(),
    }
}

pub(crate) const ALLOWANCE: Allowance =
    Allowance { time: Duration::from_secs(120), requests: 1_000_000 };

/// One search with this seed of the sequence, on a server whose speed varies by `speed_sd`.
pub(crate) fn search(seed: u64, speed_sd: f64) -> (Finding, History) {
    let setup = Setup {
        plan: &check(),
        law: &law(),
        seed,
        longest_request: Duration::from_secs(20),
        allowance: ALLOWANCE,
        place: Place::Here { reference_speed: None },
        checks: 1,
    };
    let check = Capacity::new(setup, Aim::Measure(None));
    let mut rig =
        Simulated::new(Profile::named("llm").unwrap(), law(), seed).with_speed_sd(speed_sd);
    let budget = Budget { time: Duration::from_secs(600), requests: ALLOWANCE.requests };
    let mut history = History::default();
    let finding = drive(&check, &mut history, budget, &mut rig, &mut NoJournal, &mut Silent)
        .now_or_never()
        .expect("the simulated rig never waits")
        .unwrap();
    (finding, history)
}

/// The load at which a trial of the same size and sequence meets the SLOs half the time: found by
/// bisection over virtual replays with other seeds of the server's jitter.
pub(crate) fn truth(like: &TrialPlan, near: f64, speed_sd: f64) -> f64 {
    const REPLAYS: u32 = 11;
    let mut rig = Simulated::new(Profile::named("llm").unwrap(), law(), like.seed ^ 0x5eed)
        .with_speed_sd(speed_sd);
    let requests = Play::extent(&law(), like).requests;
    let (mut low, mut high) = (near * 0.8, near * 1.25);
    for _ in 0..6 {
        let middle = (low * high).sqrt();
        let load =
            Load::Open { rate: Rate::per_second(middle).unwrap(), arrivals: Arrivals::Poisson };
        let plan = TrialPlan {
            load,
            value: KnobValue::new(middle).unwrap(),
            purpose: Purpose::Play,
            ..like.clone()
        };
        let met = (0..REPLAYS)
            .filter(|_| {
                let mut watch = Curtail::new(&plan, requests);
                rig.trial(&plan, &mut watch, &mut |_| {}).evidence == Evidence::Met
            })
            .count();
        if met * 2 > REPLAYS as usize { low = middle } else { high = middle }
    }
    (low * high).sqrt()
}

pub(crate) fn median(mut list: Vec<f64>) -> f64 {
    list.sort_by(f64::total_cmp);
    list[list.len() / 2]
}
