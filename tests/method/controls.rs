//! The method broken on purpose must break what is promised: else the tests that prove it prove nothing.

use crate::broken::{Flaw, Tamper, Tampered, by_hand, seed};
use crate::figures::{Bench, count};
use crate::gate::{Gate, Verdict, defend, uneven};
use crate::promises::benches;
use crate::services::http_short;
use crate::truth::Truth;
use plimsoll::run::Weather;

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
