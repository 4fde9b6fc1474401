//! Trials whose every request is written by hand, counted by the recorder of both rigs.

use plimsoll::slo::Slo;
use plimsoll::trial::{
    Ended, Ending, Expected, Load, Outcome, Purpose, Readings, Recorder, RequestId, Timeline,
    TrialPlan, TrialReport,
};
use plimsoll::units::{KnobValue, Rate};
use plimsoll::workload::Arrivals;
use std::num::NonZeroU32;
use std::time::Duration;

/// One request; times are milliseconds after it was due.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    /// When it was written; `None`: never.
    pub(crate) written: Option<u64>,
    /// When its only output chunk came; `None`: never.
    pub(crate) output: Option<u64>,
    /// How it ended, and when; `None`: it did not.
    pub(crate) end: Option<(Outcome, u64)>,
}

impl Request {
    /// Written at once, answered after `ms`.
    pub(crate) fn ok(ms: u64) -> Self {
        Self { written: Some(0), output: Some(ms), end: Some((Outcome::Ok, ms)) }
    }

    /// Written at once, ended like this after `ms`, without output.
    pub(crate) fn failed(outcome: Outcome, ms: u64) -> Self {
        Self { written: Some(0), output: None, end: Some((outcome, ms)) }
    }

    /// Written at once and never answered.
    pub(crate) fn silent() -> Self {
        Self { written: Some(0), output: None, end: None }
    }

    /// Kept back by the generator for `ms`: all that follows comes so much later.
    pub(crate) fn kept_back(self, ms: u64) -> Self {
        Self {
            written: self.written.map(|at| at + ms),
            output: self.output.map(|at| at + ms),
            end: self.end.map(|(outcome, at)| (outcome, at + ms)),
        }
    }
}

/// `n` times the same request.
pub(crate) fn times(n: usize, request: Request) -> Vec<Request> {
    vec![request; n]
}

/// An open loop.
pub(crate) fn open() -> Load {
    Load::Open { rate: Rate::per_second(100.0).unwrap(), arrivals: Arrivals::Constant }
}

/// A closed loop of so many sessions.
pub(crate) fn closed(concurrency: u32) -> Load {
    Load::Closed { concurrency: NonZeroU32::new(concurrency).unwrap() }
}

/// The plan of a trial of `count` sessions.
pub(crate) fn plan(slos: &[&str], load: Load, count: u64) -> TrialPlan {
    TrialPlan {
        index: 0,
        check: "rate".into(),
        purpose: Purpose::Play,
        side: plimsoll::trial::Side::Only,
        knob: "rate".into(),
        value: KnobValue::new(load.value()).unwrap(),
        load,
        setting: None,
        seed: 42,
        cut: 0,
        count,
        slos: slos.iter().map(|text| Slo::parse(text).unwrap()).collect(),
        time_limit: Duration::from_secs(3_600),
        request_limit: u64::MAX,
    }
}

/// A recorder for that plan.
pub(crate) fn recorder(plan: TrialPlan) -> Recorder {
    let expected = Expected {
        requests: plan.count,
        request_limit: u64::MAX,
        has_tokens: false,
        has_pauses: false,
    };
    Recorder::new(plan, expected)
}

/// The trial of these requests, one due every 10 ms, ended by its time limit ten seconds after the
/// last was due where one is left open, else complete.
pub(crate) fn trial(slos: &[&str], requests: &[Request]) -> TrialReport {
    trial_read(slos, requests, Readings::default())
}

/// The same, with these readings of the generator's own process.
pub(crate) fn trial_read(slos: &[&str], requests: &[Request], readings: Readings) -> TrialReport {
    let count = requests.len() as u64;
    let mut recorder = recorder(plan(slos, open(), count));
    for (session, request) in (0..).zip(requests) {
        let id = RequestId { session, turn: 0 };
        let at = |ms: u64| Duration::from_millis(10 * session + ms);
        recorder.intended(id, at(0));
        if let Some(ms) = request.written {
            recorder.written(id, at(ms));
        }
        if let Some(ms) = request.output {
            recorder.chunk(id, at(ms), true);
        }
        if let Some((outcome, ms)) = request.end {
            recorder.end(id, at(ms), Ending::of(outcome));
        }
    }
    let ended = if recorder.is_decided() { Ended::Complete } else { Ended::Stopped };
    let end = Duration::from_millis(10 * count + 10_000);
    recorder.into_report(end, ended, readings, Timeline::default())
}

/// A closed loop of `asked` sessions in which only `busy` slots ever work, each on requests of 100 ms.
pub(crate) fn closed_loop(asked: u32, busy: u64) -> TrialReport {
    let rounds = 50;
    let mut recorder = recorder(plan(&["p50 ttfc < 1s"], closed(asked), busy * rounds));
    for round in 0..rounds {
        let (start, end) =
            (Duration::from_millis(100 * round), Duration::from_millis(100 * (round + 1)));
        let ids = || (0..busy).map(|slot| RequestId { session: busy * round + slot, turn: 0 });
        for id in ids() {
            recorder.intended(id, start);
            recorder.written(id, start);
        }
        for id in ids() {
            recorder.chunk(id, end, true);
            recorder.end(id, end, Ending::of(Outcome::Ok));
        }
    }
    let end = Duration::from_millis(100 * rounds);
    recorder.into_report(end, Ended::Complete, Readings::default(), Timeline::default())
}
