//! All figures that are promised, over many seeds, printed as the tables of the documentation.
//!
//! `METHOD_SEARCHES` is how many searches a cell has, `METHOD_SERVICE` picks services by a part of their
//! name.

use crate::broken::{Tamper, Tampered};
use crate::figures::{
    Accuracy, Bench, DRIFT, NOISY, QUIET, drifting, mean, named, noise, p95, share,
};
use crate::gate::{Gate, Verdict, defend, uneven};
use crate::services::{Subject, all, http, http_slow, http_tail, llm_ttfc};
use plimsoll::run::{Neighbour, Weather};
use std::time::Duration;

/// Searches of each cell; each is the baseline of one gate of each kind.
const SEARCHES: u64 = 300;
/// Searches for each sequence.
const REPEATS: u64 = 4;

fn searches() -> u64 {
    let set = std::env::var("METHOD_SEARCHES").ok().and_then(|n| n.parse().ok());
    set.unwrap_or(SEARCHES)
}

fn subjects() -> Vec<Subject> {
    let only = std::env::var("METHOD_SERVICE").unwrap_or_default();
    all().into_iter().chain([http_tail()]).filter(|it| it.name().contains(&only)).collect()
}

fn bench(subject: &Subject, between_sd: f64) -> Bench {
    let searches = searches();
    Bench::new(subject, between_sd, searches, 0..(searches / REPEATS).max(1))
}

fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

fn row(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// A heading row, and the line below it.
fn head(cells: &[&str]) -> String {
    format!("| {} |\n|{}", cells.join(" | "), " --- |".repeat(cells.len()))
}

fn seconds(gates: &[Gate]) -> String {
    let verdict = mean(gates.iter().map(|gate| gate.verdict_s));
    let whole = mean(gates.iter().map(|gate| gate.whole_s));
    format!("{verdict:.0} ({whole:.0})")
}

fn p95_seconds(gates: &[Gate]) -> String {
    let verdict = p95(gates.iter().map(|gate| gate.verdict_s));
    format!("{verdict:.0} ({:.0})", p95(gates.iter().map(|gate| gate.whole_s)))
}

fn gate_head() -> String {
    head(&[
        "service",
        "sd %",
        "gates",
        "red at 0 %",
        "inconclusive at 0 %",
        "s at 0 %",
        "p95 s at 0 %",
        "red at −20 %",
        "green at −20 %",
        "s at −20 %",
        "red at −30 %",
        "s at −30 %",
        "red / green / inconclusive at −10 %",
        "s at −10 %",
    ])
}

fn gate_row(bench: &Bench) -> String {
    let at = |share: f64| bench.gates(share, 1, 0.0);
    let (same, tenth, fifth, third) = (at(1.0), at(0.9), at(0.8), at(0.7));
    let split = [Verdict::Red, Verdict::Green, Verdict::Inconclusive]
        .map(|verdict| format!("{:.0}", 100.0 * share(&tenth, verdict)));
    row(&[
        bench.subject.name().to_owned(),
        percent(bench.between_sd),
        same.len().to_string(),
        percent(share(&same, Verdict::Red)),
        percent(share(&same, Verdict::Inconclusive)),
        seconds(&same),
        p95_seconds(&same),
        percent(share(&fifth, Verdict::Red)),
        percent(share(&fifth, Verdict::Green)),
        seconds(&fifth),
        percent(share(&third, Verdict::Red)),
        seconds(&third),
        split.join(" / "),
        seconds(&tenth),
    ])
}

fn search_head() -> String {
    head(&[
        "service",
        "sd %",
        "searches",
        "fit as baseline",
        "bias %",
        "rmse %",
        "worst %",
        "coverage %",
        "half-width %",
        "mean s",
        "longest s",
        "trials",
        "said to drift %",
    ])
}

fn search_row(bench: &Bench) -> String {
    let it = Accuracy::of(&bench.errors());
    let searches = &bench.searches;
    let drifted = searches.iter().filter(|searched| searched.is_drifted()).count();
    let seconds = || searches.iter().map(|it| it.elapsed.as_secs_f64());
    row(&[
        bench.subject.name().to_owned(),
        percent(bench.between_sd),
        searches.len().to_string(),
        bench.accepted().to_string(),
        percent(it.bias),
        percent(it.rmse),
        percent(it.worst),
        format!("{:.0}", 100.0 * it.coverage),
        percent(it.half_width),
        format!("{:.0}", mean(seconds())),
        format!("{:.0}", seconds().max_by(f64::total_cmp).unwrap_or(0.0)),
        format!("{:.1}", mean(searches.iter().map(|it| it.trials as f64))),
        percent(drifted as f64 / searches.len() as f64),
    ])
}

#[test]
#[ignore = "prints the tables of the documentation; half an hour"]
fn deep_gates_and_searches() {
    let (mut gates, mut found) = (vec![gate_head()], vec![search_head()]);
    for subject in subjects() {
        for between_sd in QUIET.into_iter().chain([NOISY]) {
            let bench = bench(&subject, between_sd);
            found.push(search_row(&bench));
            gates.push(gate_row(&bench));
        }
        println!("{} is done", subject.name());
    }
    println!("\n{}\n\n{}", gates.join("\n"), found.join("\n"));
}

#[test]
#[ignore = "prints a table of the documentation; minutes"]
fn deep_drifting_targets() {
    println!("{}", head(&["service", "sd %", "in 7 min", "in 10 min", "of"]));
    for subject in subjects() {
        for between_sd in [0.0, 0.01, 0.03] {
            let bench = bench(&subject, between_sd);
            let [(short, _), (long, of)] =
                [Duration::ZERO, DRIFT].map(|time| named(&drifting(&bench, time)));
            let cells = [short, long, of].map(|count| count.to_string());
            println!(
                "{}",
                row(&[&[subject.name().to_owned(), percent(between_sd)], &cells[..]].concat())
            );
        }
    }
}

#[test]
#[ignore = "prints a table of the documentation; minutes"]
fn deep_other_machines_and_neighbours() {
    println!(
        "{}",
        head(&["service", "machine", "gates", "red %", "green %", "inconclusive %", "s"])
    );
    for subject in [llm_ttfc(), http(), http_slow()] {
        let bench = bench(&subject, 0.01);
        let line = |what: &str, gates: &[Gate]| {
            row(&[
                subject.name().to_owned(),
                what.to_owned(),
                gates.len().to_string(),
                percent(share(gates, Verdict::Red)),
                percent(share(gates, Verdict::Green)),
                percent(share(gates, Verdict::Inconclusive)),
                seconds(gates),
            ])
        };
        println!("{}", line("others by 3 %, no change", &bench.gates(1.0, 1, 0.03)));
        println!("{}", line("others by 3 %, −20 %", &bench.gates(0.8, 1, 0.03)));
        let weather = Weather { neighbour: Some(Neighbour::ONCE_A_MINUTE), ..uneven(0.01) };
        for (what, is_seen) in [("a neighbour", true), ("a neighbour, no rule", false)] {
            let gates = bench.each_prior(1, |job, prior| {
                let mut rig = subject.rig(weather, noise(0.01, 4_000, job));
                if is_seen {
                    return defend(&subject, prior, &mut rig);
                }
                defend(&subject, prior, &mut Tampered { rig, how: Tamper::Blind })
            });
            println!("{}", line(what, &gates));
        }
    }
}
