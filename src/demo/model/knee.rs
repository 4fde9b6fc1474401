//! What the built-in profile carries, found by simulation: the numbers its documentation states.

use super::{Admission, Progress, Request, Server};
use crate::demo::Profile;
use rand_core::Rng;
use rand_pcg::Pcg64;
use std::collections::HashMap;
use std::time::Duration;

const REQUESTS: u32 = 3_000;

/// Latencies in milliseconds of one run of Poisson arrivals, prompts uniform in 60..=200 tokens,
/// outputs in 8..=24. A shed request counts as infinitely late.
struct Run {
    ttfc: Vec<f64>,
    tbc: Vec<f64>,
    e2e: Vec<f64>,
    shed: usize,
}

fn uniform(rng: &mut Pcg64) -> f64 {
    f64::from(rng.next_u32()) / 4_294_967_296.0
}

fn between(rng: &mut Pcg64, from: u32, to: u32) -> u32 {
    from + rng.next_u32() % (to - from + 1)
}

/// One sequence of requests, stretched by the rate.
fn play(profile: &Profile, rate: f64) -> Run {
    let mut rng = Pcg64::new(42, 9);
    let mut server = Server::new(profile);
    let mut run = Run { ttfc: vec![], tbc: vec![], e2e: vec![], shed: 0 };
    let mut open: HashMap<u64, (Duration, Option<Duration>)> = HashMap::new();
    let mut at = Duration::ZERO;
    for id in 0..REQUESTS {
        at += Duration::from_secs_f64(-libm::log(1.0 - uniform(&mut rng)) / rate);
        let prompt_tokens = between(&mut rng, 60, 200);
        let output_tokens = between(&mut rng, 8, 24);
        record(&mut server, at, &mut open, &mut run);
        match server.submit(
            at,
            Request { id: id.into(), prompt_tokens, output_tokens, output_min: output_tokens },
        ) {
            Admission::Accepted => {
                open.insert(id.into(), (at, None));
            }
            Admission::Shed { .. } => {
                run.shed += 1;
                run.ttfc.push(f64::INFINITY);
            }
            refused @ (Admission::ContextExceeded { .. } | Admission::Failed) => {
                panic!("no fault was asked for: {refused:?}")
            }
        }
    }
    record(&mut server, at + Duration::from_secs(60), &mut open, &mut run);
    run
}

fn record(
    server: &mut Server,
    now: Duration,
    open: &mut HashMap<u64, (Duration, Option<Duration>)>,
    run: &mut Run,
) {
    for event in server.advance(now) {
        let (from, last) = open[&event.id];
        let ms = |from: Duration| (event.at - from).as_secs_f64() * 1e3;
        match last {
            None => run.ttfc.push(ms(from)),
            Some(last) => run.tbc.push(ms(last)),
        }
        if event.progress == Progress::Finished {
            run.e2e.push(ms(from));
        }
        open.insert(event.id, (from, Some(event.at)));
    }
}

/// The order statistic `ceil(q n)`.
fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a few thousand values"
    )]
    let rank = (q * values.len() as f64).ceil() as usize;
    values[rank.max(1) - 1]
}

/// The rate at which p95 ttfc crosses 200 ms, by bisection.
fn knee(profile: &Profile) -> f64 {
    let (mut low, mut high) = (20.0, 200.0);
    while high - low > 0.5 {
        let middle = f64::midpoint(low, high);
        let holds = quantile(&mut play(profile, middle).ttfc, 0.95) < 200.0;
        if holds { low = middle } else { high = middle }
    }
    low
}

fn slowed(slowdown: f64) -> Profile {
    let mut profile = Profile::named("llm").unwrap();
    profile.faults.slowdown = slowdown;
    profile
}

#[test]
fn the_documented_capacity_of_the_built_in_profile_holds() {
    let knee = knee(&slowed(1.0));
    assert!((78.0..83.0).contains(&knee), "{knee}");
    let mut run = play(&slowed(1.0), knee);
    assert_eq!(run.shed, 0);
    assert!(quantile(&mut run.tbc, 0.90) < 36.0);
    assert!(quantile(&mut run.e2e, 0.50) < 500.0);
}

#[test]
fn a_slowdown_of_a_quarter_costs_more_than_a_fifth() {
    let (plain, slow) = (knee(&slowed(1.0)), knee(&slowed(1.25)));
    assert!((61.0..65.0).contains(&slow), "{slow}");
    assert!(slow < 0.795 * plain, "{plain} {slow}");
    // Unslowed, the gap between tokens stays below 40 ms at any load; slowed, it crosses first.
    assert!(quantile(&mut play(&slowed(1.0), 150.0).tbc, 0.90) < 37.0);
    assert!(quantile(&mut play(&slowed(1.25), slow).tbc, 0.90) > 40.0);
}

#[test]
fn beyond_its_queue_it_sheds_and_serves_on() {
    let run = play(&slowed(1.0), 150.0);
    assert!(run.shed > 500, "{}", run.shed);
    assert_eq!(run.e2e.len() + run.shed, REQUESTS as usize);
}
