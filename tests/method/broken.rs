//! The method broken on purpose: what a wrong tool would do, built around the right one.

use crate::figures::noise;
use crate::gate::{MAX_DROP, Verdict};
use crate::services::{Subject, at};
use plimsoll::check::{Curtail, Prior};
use plimsoll::run::{Rig, RunError, Simulated};
use plimsoll::search::{Line, Point, Range, Rule, Scale, Side};
use plimsoll::slo::Slo;
use plimsoll::stats::{Known, Posterior, Reading, Response};
use plimsoll::trial::{
    Ended, Evidence, Flow, Outcome, Patient, StopReason, Tally, TrialPlan, TrialReport, Watch,
    Window, judge,
};
use std::time::Duration;

/// A rig whose reports, or plans, are tampered with.
#[derive(Debug)]
pub(crate) struct Tampered {
    pub(crate) rig: Simulated,
    pub(crate) how: Tamper,
}

/// What is wrong with a rig.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tamper {
    /// Nobody sees what else the machine does.
    Blind,
    /// Each run draws its own sequence.
    Fresh(u64),
    /// Requests that the service turned away are left out.
    NoSheds,
}

impl Rig for Tampered {
    async fn run_trial(
        &mut self,
        plan: &TrialPlan,
        watch: &mut dyn Watch,
        seen: &mut dyn FnMut(&Window),
    ) -> Result<TrialReport, RunError> {
        Ok(match self.how {
            Tamper::Blind => {
                let mut trial = self.rig.trial(plan, watch, seen);
                trial.health.readings.foreign_cores = None;
                trial
            }
            Tamper::Fresh(seed) => {
                let played = TrialPlan { seed, ..plan.clone() };
                TrialReport { plan: plan.clone(), ..self.rig.trial(&played, watch, seen) }
            }
            // What the watch sees has them: it may not end the trial.
            Tamper::NoSheds => without_sheds(self.rig.trial(plan, &mut Patient, seen)),
        })
    }

    async fn wait(&mut self, time: Duration) -> Result<(), RunError> {
        self.rig.wait(time).await
    }

    fn elapsed(&self) -> Duration {
        self.rig.elapsed()
    }
}

fn without_sheds(mut trial: TrialReport) -> TrialReport {
    let sheds = trial.counts.of(Outcome::Shed);
    for result in &mut trial.slos {
        result.tally.n -= sheds;
        result.tally.not_good = result.tally.not_good.saturating_sub(sheds);
        result.evidence = judge(&result.slo, result.tally, result.observed);
    }
    let is_met = trial.slos.iter().all(|result| result.evidence == Evidence::Met);
    trial.evidence = if is_met { Evidence::Met } else { Evidence::Violated };
    trial
}

/// The binding condition of a trial.
fn point(subject: &Subject, trial: &TrialReport) -> Point {
    let result = trial.slos.iter().find(|it| it.slo.to_string() == subject.binding).unwrap();
    let (allowed, tally) = (result.allowed().unwrap(), result.tally);
    let (share, known) = if trial.ended == Ended::Complete {
        (tally.not_good as f64 / tally.n as f64, Known::Share)
    } else {
        (1.0, Known::Settled)
    };
    Point {
        value: trial.plan.value.get(),
        held: trial.evidence == Evidence::Met,
        full: true,
        reading: Reading { allowed, share, n: trial.plan.count as f64 / 2.0, known },
        pace: None,
    }
}

/// Ends a trial as soon as each of its limits on a latency looks kept: by three standard deviations of as many
/// independent requests as have ended.
#[derive(Debug)]
pub(crate) struct Eager {
    slos: Vec<Slo>,
    right: Curtail,
    /// Whether it called the trial met.
    pub(crate) is_met: bool,
}

impl Eager {
    pub(crate) fn new(plan: &TrialPlan) -> Self {
        // A session has one request.
        let right = Curtail::new(plan, plan.count);
        Self { slos: plan.slos.clone(), right, is_met: false }
    }
}

impl Watch for Eager {
    fn observe(&mut self, window: &Window) -> Flow {
        let looks_kept = |(slo, tally): (&Slo, &Tally)| {
            let plimsoll::slo::Rule::Share { allowed, .. } = slo.rule() else { return true };
            if !slo.metric.is_latency() {
                return true;
            }
            let (n, allowed) = (window.measured_ended as f64, allowed.get());
            let share = tally.not_good as f64 / (tally.n as f64).max(1.0);
            let ln = |x: f64, y: f64| if x > 0.0 { x * (x / y).ln() } else { 0.0 };
            let root = 2.0 * n * (ln(share, allowed) + ln(1.0 - share, 1.0 - allowed));
            share < allowed && root >= 9.0
        };
        match self.right.observe(window) {
            Flow::Continue if self.slos.iter().zip(&window.tallies).all(looks_kept) => {
                self.is_met = true;
                Flow::Stop(StopReason::Settled)
            }
            flow => flow,
        }
    }
}

/// Whether the interval of 90 % holds the crossing, by trials at it and beside it. `Flaw::Chunks`: each
/// chunk is an observation of its own, so that nothing else needs to differ between trials.
pub(crate) fn holds(subject: &Subject, plan: &TrialPlan, rig: &mut Simulated, flaw: Flaw) -> bool {
    let crossing = plan.load.value();
    let response = match flaw {
        Flaw::Chunks => Response { spreads: [1.0, 0.0, 0.0, 0.0, 0.0], ..Response::VAGUE },
        Flaw::None | Flaw::Trusting => Response::VAGUE,
    };
    let mut belief = Posterior::flat(&response, crossing.ln() - 0.3, crossing.ln() + 0.3);
    for aside in [-0.01_f64, 0.01, -0.01, 0.01, -0.01, 0.01] {
        let at = crossing * aside.exp();
        let trial = rig.trial(&crate::services::at(plan, at), &mut Patient, &mut |_| {});
        let mut reading = point(subject, &trial).reading;
        if flaw == Flaw::Chunks {
            let result = trial.slos.iter().find(|it| it.slo.to_string() == subject.binding);
            reading.n = result.unwrap().tally.n as f64;
        }
        belief.update(at.ln(), &reading);
    }
    let (low, high) = belief.crossing().interval(0.9);
    (low..=high).contains(&crossing.ln())
}

/// Which step of a gate is not the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// Before any trial it believes that nothing changed, give or take 3 %.
    Trusting,
    /// Each chunk counts as an observation of its own.
    Chunks,
}

/// A gate made of the pieces of the real one, all of its trials at the line.
pub(crate) fn by_hand(
    subject: &Subject,
    prior: &Prior,
    rig: &mut Simulated,
    flaw: Flaw,
) -> Verdict {
    let around = prior.value.get();
    let line = Line {
        at: around * (1.0 - MAX_DROP),
        sd: prior.sd_log,
        side: Side::Floor,
        around,
        response: prior.response.softened(),
        range: Range { from: 0.01, to: None, expand: 2.0, scale: Scale::Real },
        rule: Rule::shared(1, 2),
    };
    let plan = at(&subject.play_again(&prior.sequence), line.at);
    let mut points = Vec::new();
    for _ in 0..line.rule.trials_max {
        let trial = subject.trial(rig, &plan);
        points.push(point(subject, &trial));
        let belief = line.belief(&points);
        let risk =
            if flaw == Flaw::Trusting { trusting(&line, &belief) } else { line.risk(&belief) };
        if points.len() >= line.rule.red_trials && risk >= line.rule.red {
            return Verdict::Red;
        }
        if risk <= line.rule.green {
            return Verdict::Green;
        }
    }
    Verdict::Inconclusive
}

/// The risk for one who weighs all that is believed by how little it differs from what was accepted.
fn trusting(line: &Line, belief: &Posterior) -> f64 {
    let crossing = belief.crossing();
    let cell = |i: i32| {
        let at = line.around.ln() + 0.005 * f64::from(i);
        let from_home = 0.005 * f64::from(i) / 0.03;
        let mass = crossing.below(at + 0.0025) - crossing.below(at - 0.0025);
        (at, mass * (-0.5 * from_home * from_home).exp())
    };
    let cells: Vec<(f64, f64)> = (-100..=60).map(cell).collect();
    let all: f64 = cells.iter().map(|(_, mass)| mass).sum();
    let below = cells.iter().filter(|(at, _)| *at < line.at.ln());
    below.map(|(_, mass)| mass).sum::<f64>() / all
}

/// A seed for a control.
pub(crate) fn seed(what: u64, job: u64) -> u64 {
    noise(0.0, 3_000 + what, job)
}
