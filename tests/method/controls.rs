//! The method broken on purpose must break what is promised: else the tests that prove it prove nothing.

use crate::broken::{Eager, Flaw, Tamper, Tampered, by_hand, holds, seed};
use crate::crew::parallel;
use crate::figures::{Bench, count};
use crate::gate::{Gate, Verdict, defend, uneven};
use crate::physics::plans_at_crossings;
use crate::promises::benches;
use crate::services::{at, http_short};
use crate::truth::Truth;
use plimsoll::run::Weather;
use plimsoll::trial::Evidence;

/// At most so many of these may be wrong, where 2 % are promised: five.
fn is_kept(wrong: usize, of: usize) -> bool {
    wrong * 20 <= of
}

#[test]
fn a_sequence_of_its_own_for_each_run_breaks_the_false_alarms() {
    let bench = benches().iter().find(|it| it.subject.name() == "http").unwrap();
    let [same, fresh] = [false, true].map(|is_fresh| {
        let gates: Vec<Gate> = bench.each_prior(5, |job, prior| {
            let rig = bench.subject.rig(uneven(0.0), seed(0, job));
            let own = if is_fresh { 100 + job } else { prior.sequence.seed };
            defend(&bench.subject, prior, &mut Tampered { rig, how: Tamper::Fresh(own) })
        });
        let wrong = gates.len() - count(&gates, Verdict::Green);
        println!("not green at no change: {wrong} of {}", gates.len());
        is_kept(wrong, gates.len())
    });
    assert!(same && !fresh);
}

#[test]
fn leaving_out_what_was_turned_away_breaks_the_detection() {
    let bench = Bench::new(&http_short(), 0.0, 4, 0..2);
    let lost = |drops: bool| {
        let gates: Vec<Gate> = bench.each_prior(5, |job, prior| {
            let machine = Truth::of(&bench.subject, &prior.sequence).speed(0.8);
            let weather = Weather { machine, ..uneven(0.0) };
            let rig = bench.subject.rig(weather, seed(2, job));
            if drops {
                defend(&bench.subject, prior, &mut Tampered { rig, how: Tamper::NoSheds })
            } else {
                defend(&bench.subject, prior, &mut { rig })
            }
        });
        let green = count(&gates, Verdict::Green);
        println!("green with a fifth lost: {green} of {}", gates.len());
        is_kept(green, gates.len())
    };
    assert!(lost(false) && !lost(true));
}

#[test]
fn a_prior_that_expects_no_change_breaks_the_detection() {
    let bench = &benches()[2];
    let lost = |flaw: Flaw| {
        let verdicts = bench.each_prior(3, |job, prior| {
            let machine = Truth::of(&bench.subject, &prior.sequence).speed(0.8);
            let weather = Weather { machine, ..uneven(0.0) };
            by_hand(&bench.subject, prior, &mut bench.subject.rig(weather, seed(3, job)), flaw)
        });
        let green = verdicts.iter().filter(|it| **it == Verdict::Green).count();
        println!("{flaw:?}: green with a fifth lost: {green} of {}", verdicts.len());
        is_kept(green, verdicts.len())
    };
    assert!(lost(Flaw::None) && !lost(Flaw::Trusting));
}

/// Of 120 trials a tenth above the crossing at most 3 may be met. A service that freezes now and then looks
/// fine in between.
#[test]
fn calling_a_trial_met_before_its_end_breaks_the_single_trial() {
    let (subject, plans) =
        plans_at_crossings().iter().find(|(it, _)| it.name() == "gc-batch").unwrap();
    let met = parallel(0..120, |job| {
        let plan = &plans[job as usize % plans.len()];
        let plan = at(plan, plan.load.value() * 1.1);
        let mut watch = Eager::new(&plan);
        let trial = subject.rig(uneven(0.01), seed(4, job)).trial(&plan, &mut watch, &mut |_| {});
        watch.is_met || trial.evidence == Evidence::Met
    });
    let met = met.iter().filter(|is_met| **is_met).count();
    println!("{met} of 120 met a tenth above");
    assert!(met > 3);
}

/// Of 60 intervals of 90 % at least 48 must hold the truth.
#[test]
fn chunks_as_independent_observations_break_the_coverage() {
    let (subject, plans) = &plans_at_crossings()[0];
    let covered = |flaw: Flaw| {
        let held = parallel(0..60, |job| {
            let plan = &plans[job as usize % plans.len()];
            holds(subject, plan, &mut subject.rig(uneven(0.05), seed(5, job)), flaw)
        });
        let held = held.iter().filter(|held| **held).count();
        println!("{flaw:?}: {held} of 60 intervals hold the truth");
        held >= 48
    };
    assert!(covered(Flaw::None) && !covered(Flaw::Chunks));
}
