//! Each line of the table: where it fires, where it just does not, and what it says.

mod invalid;
mod notes;
mod watch;

use super::{Chunks, Health, Readings, Seen, Turnover, examine};
use crate::slo::Slo;
use crate::trial::{
    Counts, Distribution, Load, Outcome, Purpose, Sending, Strain, Timeline, TrialPlan, Window,
};
use crate::units::{KnobValue, Rate};
use crate::workload::Arrivals;
use std::num::NonZeroU32;
use std::time::Duration;

/// What a trial saw, owned, so that a case can change one thing.
struct Case {
    plan: TrialPlan,
    counts: Counts,
    send_lag: Distribution,
    receive_lag: Distribution,
    loop_lag: Distribution,
    chunks: Chunks,
    dropped: u64,
    windows: Vec<Window>,
    readings: Readings,
    turnover: Option<Turnover>,
}

impl Case {
    fn slos(&mut self, slos: &[&str]) {
        self.plan.slos = slos.iter().map(|text| Slo::parse(text).unwrap()).collect();
    }

    fn closed(&mut self, in_flight_mean: f64) {
        let concurrency = NonZeroU32::new(1_000).unwrap();
        self.plan.load = Load::Closed { concurrency };
        self.readings.in_flight_mean = Some(in_flight_mean);
    }

    fn examined(&self) -> Health {
        let mut timeline = Timeline::default();
        self.windows.iter().for_each(|window| timeline.push(window.clone()));
        examine(&Seen {
            plan: &self.plan,
            counts: &self.counts,
            send_lag: &self.send_lag,
            receive_lag: &self.receive_lag,
            loop_lag: &self.loop_lag,
            chunks: self.chunks,
            dropped: self.dropped,
            timeline: &timeline,
            readings: self.readings,
            turnover: self.turnover,
        })
    }
}

fn ms(ms: f64) -> Duration {
    Duration::from_secs_f64(ms / 1e3)
}

/// 98 at once and two of this length (in ms, less what a cell rounds): the p99 is theirs.
fn lag(late: f64) -> Distribution {
    let mut lag = Distribution::default();
    (0..98).for_each(|_| lag.record(Duration::ZERO));
    (0..2).for_each(|_| lag.record(ms(late * 0.999)));
    lag
}

fn counts(held_back: u64, outcomes: &[(Outcome, u64)]) -> Counts {
    let by_outcome = outcomes.iter().copied().collect();
    Counts { intended: 1_000, held_back, by_outcome, ..Counts::default() }
}

/// A change within the line, one beyond it, and the signal, text and advice of the latter.
type Line = (Change, Change, &'static str, &'static str, &'static str);

fn line(
    within: impl Fn(&mut Case) + 'static,
    beyond: impl Fn(&mut Case) + 'static,
    signal: &'static str,
    text: &'static str,
    advice: &'static str,
) -> Line {
    (Box::new(within), Box::new(beyond), signal, text, advice)
}

/// Whole seconds with this strain and sending.
fn windows(of: impl IntoIterator<Item = (Sending, Strain)>) -> Vec<Window> {
    let window = |(index, (sending, strain))| Window {
        index,
        end: Duration::from_secs(u64::from(index) + 1),
        sending,
        strain,
        ..Window::default()
    };
    (0..).zip(of).map(window).collect()
}

fn busy(cpu: &[f64]) -> Vec<Window> {
    let strain = |cpu: &f64| Strain { cpu: Some(*cpu), ..Strain::default() };
    windows(cpu.iter().map(|cpu| (Sending::default(), strain(cpu))))
}

fn waited(shares: &[f64]) -> Vec<Window> {
    let strain = |wait: &f64| Strain { run_wait: Some(*wait), ..Strain::default() };
    windows(shares.iter().map(|wait| (Sending::default(), strain(wait))))
}

fn sent(of: &[(u64, u64)]) -> Vec<Window> {
    let sending = |&(written, late): &(u64, u64)| Sending { written, late, ..Sending::default() };
    windows(of.iter().map(|of| (sending(of), Strain::default())))
}

/// A generator at ease.
fn quiet() -> Case {
    Case {
        plan: TrialPlan {
            index: 0,
            check: "c".into(),
            purpose: Purpose::Play,
            side: crate::trial::Side::Only,
            knob: "rate".into(),
            value: KnobValue::new(10.0).unwrap(),
            load: Load::Open { rate: Rate::per_second(10.0).unwrap(), arrivals: Arrivals::Poisson },
            setting: None,
            seed: 1,
            cut: 0,
            count: 1_000,
            slos: Vec::new(),
            time_limit: Duration::from_secs(60),
            request_limit: u64::MAX,
        },
        counts: counts(0, &[(Outcome::Ok, 1_000)]),
        send_lag: Distribution::default(),
        receive_lag: Distribution::default(),
        loop_lag: Distribution::default(),
        chunks: Chunks { gaps: 1_000, stamped: 1_000, ..Chunks::default() },
        dropped: 0,
        windows: Vec::new(),
        readings: Readings { workers: 1, ..Readings::default() },
        turnover: None,
    }
}

fn turnover(mean_response: f64, per_s: f64, span: f64) -> Option<Turnover> {
    let (mean_response, span) = (ms(mean_response), ms(span));
    Some(Turnover { mean_response, per_s, span })
}

type Change = Box<dyn Fn(&mut Case)>;

fn case(change: impl FnOnce(&mut Case)) -> Case {
    let mut case = quiet();
    change(&mut case);
    case
}

#[test]
fn a_generator_at_ease_gives_neither_reason_nor_note() {
    let health = quiet().examined();
    assert_eq!((health.invalid, health.notes), (Vec::new(), Vec::new()));
}
