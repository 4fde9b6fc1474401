//! Whole checks on a service: a search whose finding is accepted, and gates that defend it.

use crate::services::Subject;
use futures_util::FutureExt;
use plimsoll::baseline::{Acceptance, Fingerprint, Recorded, accept};
use plimsoll::check::{
    Aim, Allowance, Capacity, Conclusion, Finding, History, Line, Place, Prior, Setup,
};
use plimsoll::config::{Plan, read};
use plimsoll::run::{Budget, NoJournal, Rig, Silent, Wander, Weather, drive};
use plimsoll::trial::{Ended, Purpose};
use plimsoll::workload::SequenceId;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

/// Largest loss that the gates here allow.
pub(crate) const MAX_DROP: f64 = 0.1;
/// Time for a gate.
const GATE: Duration = Duration::from_secs(480);

/// The machine of most tests: trials differ by this standard deviation of ln(speed), and within each
/// the speed wanders by 1 %.
pub(crate) fn uneven(between_sd: f64) -> Weather {
    Weather { between_sd, wander: Some(Wander::SLIGHT), ..Weather::calm() }
}

/// What a search came to.
#[derive(Debug, Clone)]
pub(crate) struct Searched {
    pub(crate) finding: Finding,
    pub(crate) elapsed: Duration,
    pub(crate) trials: usize,
    /// Trials that a limit of the run cut short.
    pub(crate) stopped: usize,
}

impl Searched {
    /// The capacity that was found, with the ends of its interval.
    pub(crate) fn interval(&self) -> Option<(f64, [f64; 2])> {
        let found = self.finding.metrics.get("capacity")?;
        Some((found.value, [found.low, found.high]))
    }

    pub(crate) fn is_drifted(&self) -> bool {
        matches!(self.finding.conclusion, Conclusion::Drifted(_))
    }

    pub(crate) fn sequence(&self) -> Option<&SequenceId> {
        self.finding.sequence.as_ref().map(|(id, _)| id)
    }

    /// What a gate learns of it once it is accepted; `None`: it is not fit to be a baseline.
    pub(crate) fn accepted(&self, subject: &Subject) -> Option<Prior> {
        let name = subject.name().to_owned();
        let plan = Plan { checks: [(name, subject.check.clone())].into(), ..suite().clone() };
        let recorded = Recorded { time: String::new(), commit: None, version: String::new() };
        let acceptance = Acceptance {
            plan: &plan,
            findings: std::slice::from_ref(&self.finding),
            fingerprint: &Fingerprint::read(None),
            recorded: &recorded,
            calibration: None,
            between_runs: None,
            reason: None,
        };
        accept(&acceptance, None).ok()?.prior(&plan, subject.name())
    }
}

/// A suite around the checks: its target is no machine, so that nothing is added for one.
fn suite() -> &'static Plan {
    static SUITE: OnceLock<Plan> = OnceLock::new();
    SUITE.get_or_init(|| {
        let text = "\
version: 1
suite: method
target: { demo: { profile: llm } }
checks: { any: { capacity: { knob: rate, from: 1, to: 2 }, slos: [ p95 ttfc < 1s ] } }
";
        let plan = read(Path::new("plimsoll.yml"), text, &[], &|_| None);
        plan.map_err(|invalid| invalid.problems.render(&invalid.source_text, false)).unwrap()
    })
}

/// Searches the capacity of a sequence.
pub(crate) fn search(subject: &Subject, sequence: u64, rig: &mut impl Rig) -> Searched {
    let (finding, history) = run(subject, sequence, Aim::Measure(None), subject.search_time, rig);
    let trials = history.trials();
    let stopped = trials.iter().filter(|it| it.ended == Ended::Stopped).count();
    Searched { finding, elapsed: rig.elapsed(), trials: trials.len(), stopped }
}

/// What a gate came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Red,
    Green,
    Inconclusive,
    /// Nothing can be said: a busy machine.
    Invalid,
}

/// A gate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gate {
    pub(crate) verdict: Verdict,
    /// Seconds until the verdict, with the pauses between trials.
    pub(crate) verdict_s: f64,
    /// Seconds in all: after a pass there is one trial more.
    pub(crate) whole_s: f64,
}

/// Defends what was accepted.
pub(crate) fn defend(subject: &Subject, prior: &Prior, rig: &mut impl Rig) -> Gate {
    let aim = Aim::Defend(prior.clone());
    let (finding, history) = run(subject, prior.sequence.seed, aim, GATE, rig);
    let more = history.trials().iter().filter(|trial| trial.plan.purpose == Purpose::Above);
    let more: Duration = more.map(|trial| trial.elapsed + Weather::calm().pause).sum();
    let whole = rig.elapsed();
    let verdict = match &finding.conclusion {
        Conclusion::Tested(tested) => match &tested.lines[..] {
            [ruled] if ruled.line == Line::Kept => Verdict::Green,
            [ruled] if ruled.line == Line::Broken => Verdict::Red,
            _ => Verdict::Inconclusive,
        },
        Conclusion::Busy { .. } | Conclusion::Invalid(_) => Verdict::Invalid,
        conclusion => panic!("a gate ends with {conclusion:?}"),
    };
    Gate { verdict, verdict_s: (whole - more).as_secs_f64(), whole_s: whole.as_secs_f64() }
}

fn run(
    subject: &Subject,
    sequence: u64,
    aim: Aim,
    time: Duration,
    rig: &mut impl Rig,
) -> (Finding, History) {
    let allowance = Allowance { time, requests: u64::MAX / 4 };
    let check = Capacity::new(
        Setup {
            plan: &subject.check,
            law: &subject.law,
            seed: sequence,
            longest_request: Duration::from_secs(120),
            allowance,
            place: Place::Here { reference_speed: None },
            checks: 1,
        },
        aim,
    );
    let budget = Budget { time, requests: allowance.requests };
    let mut history = History::default();
    let finding = drive(&check, &mut history, budget, rig, &mut NoJournal, &mut Silent)
        .now_or_never()
        .unwrap()
        .unwrap();
    (finding, history)
}
