//! The world is as it is said to be.

use crate::crew::parallel;
use crate::services::{Subject, all, at};
use crate::truth::crossing;
use plimsoll::demo::model::{Event, Request};
use plimsoll::run::{Model, Neighbour, Rig, Wander, Weather};
use plimsoll::trial::{Ended, Evidence, Patient, TrialPlan, TrialReport};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::Instant;

/// Sequences that each service is looked at with.
const SEQUENCES: u64 = 3;

/// Plays of each service at their own crossings, `SEQUENCES` each.
pub(crate) fn plans_at_crossings() -> &'static [(Subject, Vec<TrialPlan>)] {
    static CROSSINGS: OnceLock<Vec<(Subject, Vec<TrialPlan>)>> = OnceLock::new();
    CROSSINGS.get_or_init(|| {
        let subjects = all();
        let each = parallel(0..SEQUENCES * subjects.len() as u64, |job| {
            let subject = &subjects[(job / SEQUENCES) as usize];
            let plan = subject.play(job % SEQUENCES, subject.near);
            // Within about 1 %: a tenth is to be told from it.
            at(&plan, crossing(subject, &plan, 1.0, 9))
        });
        let plans = each.chunks(SEQUENCES as usize).map(<[TrialPlan]>::to_vec);
        subjects.into_iter().zip(plans).collect()
    })
}

/// Trials at `factor` times the crossing, by turns of each sequence.
fn trials(subject: &Subject, plans: &[TrialPlan], factor: f64, replays: u64) -> Vec<TrialReport> {
    let weather = Weather { between_sd: 0.01, ..Weather::calm() };
    parallel(0..replays, |seed| {
        let plan = &plans[(seed % SEQUENCES) as usize];
        let plan = at(plan, plan.load.value() * factor);
        subject.trial(&mut subject.rig(weather, seed), &plan)
    })
}

fn violated(trials: &[TrialReport]) -> usize {
    trials.iter().filter(|trial| trial.evidence == Evidence::Violated).count()
}

fn mean_s(trials: &[TrialReport]) -> f64 {
    trials.iter().map(|trial| trial.elapsed.as_secs_f64()).sum::<f64>() / trials.len() as f64
}

/// Of 120 trials at most 3 (2.5 %) may be met above, and 2 (1.7 %) violated below. Were 8 % met above,
/// so few would have a probability of 0.01; were 7 % violated below, of 0.01. At 0.5 % each the bounds
/// hold with 0.997 and 0.98.
#[test]
fn a_tenth_beside_its_own_crossing_a_trial_says_on_which_side_it_is() {
    // A trial of `llm-small` has no more requests than its p99 needs; nothing is promised for it.
    for (subject, plans) in
        plans_at_crossings().iter().filter(|(subject, _)| subject.name() != "llm-small")
    {
        let [below, above] = [0.9, 1.1].map(|factor| trials(subject, plans, factor, 120));
        let (low, high) = (violated(&below), violated(&above));
        println!("{}: {low} of 120 violated below, {high} above", subject.name());
        assert!(low <= 2, "{}: {low} of 120 violated at 0.9", subject.name());
        assert!(high >= 117, "{}: only {high} of 120 violated at 1.1", subject.name());
    }
}

#[test]
fn the_condition_that_is_meant_breaks_first_and_alone() {
    for (subject, plans) in plans_at_crossings() {
        assert!(
            (0.85..1.2).contains(&(plans[0].load.value() / subject.near)),
            "{}",
            subject.name()
        );
        for trial in trials(subject, plans, 1.1, 6) {
            let broken = trial.slos.iter().filter(|slo| slo.evidence == Evidence::Violated);
            let broken: Vec<String> = broken.map(|slo| slo.slo.to_string()).collect();
            assert_eq!(broken, [subject.binding], "{}", subject.name());
            assert!(trial.is_valid(), "{:?}", trial.health.invalid);
        }
    }
}

#[test]
fn an_early_end_changes_no_verdict_and_saves_time() {
    for (subject, plans) in plans_at_crossings() {
        for factor in [1.0, 1.05, 1.5] {
            let early = trials(subject, plans, factor, 6);
            let whole: Vec<TrialReport> = parallel(0..6, |seed| {
                let weather = Weather { between_sd: 0.01, ..Weather::calm() };
                let plan = &early[seed as usize].plan;
                subject.rig(weather, seed).trial(plan, &mut Patient, &mut |_| {})
            });
            for (early, whole) in early.iter().zip(&whole) {
                assert_eq!(whole.ended, Ended::Complete);
                assert_eq!(early.evidence, whole.evidence, "{} at {factor}", subject.name());
            }
            let (early, whole) = (mean_s(&early), mean_s(&whole));
            if factor > 1.2 {
                println!("{}: {early:.1} s of {whole:.1} s", subject.name());
                assert!(early < 0.6 * whole, "{}: {early} s of {whole} s", subject.name());
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_trials_in_any_weather() {
    let wild = Weather {
        between_sd: 0.03,
        wander: Some(Wander::SLIGHT),
        drift_per_trial: -0.01,
        drift_per_s: -0.1 / 600.0,
        neighbour: Some(Neighbour::ONCE_A_MINUTE),
        ..Weather::calm()
    };
    for subject in all() {
        let course = |seed| {
            let mut rig = subject.rig(wild, seed);
            let plan = subject.play(1, subject.near * 0.9);
            let trials = [(); 3].map(|()| subject.trial(&mut rig, &plan));
            let played: Duration = trials.iter().map(|trial| trial.elapsed).sum();
            assert_eq!(rig.elapsed(), played + wild.pause * 3);
            trials.map(|trial| format!("{:?}", (trial.elapsed, trial.slos, trial.health.readings)))
        };
        assert_eq!(course(1), course(1), "{}", subject.name());
        assert_ne!(course(1), course(2), "{}", subject.name());
    }
}

#[test]
fn a_neighbour_breaks_trials_and_every_one_that_it_broke_tells_of_it() {
    let weather = Weather { neighbour: Some(Neighbour::ONCE_A_MINUTE), ..Weather::calm() };
    for (subject, plans) in plans_at_crossings() {
        let mut rig = subject.rig(weather, 1);
        let plan = at(&plans[0], plans[0].load.value() * 0.85);
        let trials: Vec<TrialReport> = (0..20).map(|_| subject.trial(&mut rig, &plan)).collect();
        let foreign = |trial: &TrialReport| trial.health.readings.foreign_cores.unwrap();
        let (broken, calm): (Vec<_>, Vec<_>) =
            trials.iter().partition(|trial| trial.evidence == Evidence::Violated);
        println!("{}: {} of 20 broken", subject.name(), broken.len());
        assert!(broken.len() >= 4, "{}: {} of 20 broken", subject.name(), broken.len());
        assert!(broken.iter().all(|trial| foreign(trial) > 0.02));
        assert!(calm.iter().all(|trial| foreign(trial) < 0.2));
    }
}

#[test]
fn a_slower_machine_carries_less() {
    for (subject, plans) in &plans_at_crossings()[..2] {
        let slow = crossing(subject, &plans[0], 0.9, 9);
        let share = slow / plans[0].load.value();
        println!("{}: {share:.3} of the load at 0.9 of the speed", subject.name());
        assert!((0.85..0.91).contains(&share), "{}: {share}", subject.name());
    }
}

/// What becomes of a request every 9 ms, looking at the service at these intervals besides.
fn looked_at(model: &mut dyn Model, every: Duration) -> Vec<Event> {
    let (mut events, mut look) = (Vec::new(), Duration::ZERO);
    for id in 0..300_u32 {
        let now = Duration::from_millis(9) * id;
        while look < now {
            events.extend(model.advance(look));
            look += every;
        }
        let tokens = id * 7_919 % 200 + 1;
        let request = Request {
            id: id.into(),
            prompt_tokens: tokens * 5_000 % 4_999,
            output_tokens: tokens,
            output_min: tokens,
        };
        let _ = model.submit(now, request);
    }
    while let Some(at) = model.next_event() {
        events.extend(model.advance(at));
    }
    events
}

#[test]
fn how_often_a_service_is_looked_at_changes_nothing() {
    for subject in all() {
        let [seldom, often] = [10_000, 1]
            .map(|ms| looked_at(subject.service.start(5).as_mut(), Duration::from_millis(ms)));
        assert!(seldom.len() >= 300 && seldom.is_sorted_by_key(|event| event.at));
        assert_eq!(seldom, often, "{}", subject.name());
    }
}

/// What to reckon with when trials are counted in thousands.
#[test]
fn what_a_trial_costs_is_printed() {
    for subject in all() {
        let (mut rig, plan) =
            (subject.rig(Weather::calm(), 1), subject.play(1, subject.near * 0.9));
        let once = || {
            let began = Instant::now();
            subject.trial(&mut rig, &plan);
            began.elapsed()
        };
        let least = std::iter::repeat_with(once).take(5).min().unwrap_or(Duration::ZERO);
        println!("{}: {least:.1?} for {} requests", subject.name(), plan.cut + plan.count);
    }
}
