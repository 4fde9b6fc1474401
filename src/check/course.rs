//! What the trials of a check come to, one after the other: which count, which are played again, and
//! when there is no going on.

use super::reading::{Disturbance, disturbance, point};
use super::sizing::Sizing;
use super::{Allowance, Gap, History, Place};
use crate::search::Point;
use crate::trial::{Ended, Evidence, Purpose, Side, SloResult, TrialReport};
use std::time::Duration;

/// Most trials of a check that are void.
pub(super) const VOIDS_MAX: usize = 12;
/// A burst of a neighbour passes: so long is waited before a trial is played again.
const AFTER_VOID: Duration = Duration::from_secs(2);

/// A trial that says nothing, because something else than load and target may have decided it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Void {
    /// Number of the trial within its check, from 0.
    pub trial: u32,
    /// What happened.
    pub disturbance: Disturbance,
}

/// What becomes of a disturbed trial that broke a condition once [`VOIDS_MAX`] were void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// It would be evidence against the target: the check ends instead.
    Ends,
    /// It counts: a capacity that comes out too low accuses nobody.
    Counts,
}

/// How a check goes on.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    /// By what the points say.
    Onwards,
    /// The last trial says nothing: once more, after this time.
    Again(Duration),
    /// Two invalid trials in a row.
    Invalid,
    /// Too many trials were disturbed.
    Busy,
    /// The last trial did not decide, and a further one would not either.
    Undecided(Gap),
}

/// What it takes to read the trials of a check.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) sizing: &'a Sizing,
    pub(super) place: Place,
    pub(super) patience: Patience,
    pub(super) allowance: Allowance,
}

/// The trials so far, read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Course {
    /// Those that count, in order.
    pub(super) points: Vec<Point>,
    /// For each point the place of its trial in the history.
    pub(super) places: Vec<usize>,
    /// Those that are void.
    pub(super) voids: Vec<Void>,
    pub(super) state: State,
}

impl Course {
    /// Reads all trials of a check.
    pub(super) fn of(history: &History, reader: &Reader<'_>) -> Self {
        let mut course = Self {
            points: Vec::new(),
            places: Vec::new(),
            voids: Vec::new(),
            state: State::Onwards,
        };
        for (at, trial) in history.trials().iter().enumerate() {
            course.state = course.take(at, trial, reader);
        }
        course
    }

    /// Time that was, or will be, waited after void trials.
    pub(super) fn waited(&self) -> Duration {
        AFTER_VOID.saturating_mul(u32::try_from(self.voids.len()).unwrap_or(u32::MAX))
    }

    /// What keeps the trials from going on by what the points say, if anything does.
    pub(super) fn gap(&self, budget: Duration) -> Option<Gap> {
        match &self.state {
            State::Undecided(gap) => Some(gap.clone()),
            // The last one cannot be afforded once more.
            State::Again(_) => Some(Gap::Time { budget }),
            State::Onwards | State::Invalid | State::Busy => None,
        }
    }

    fn take(&mut self, at: usize, trial: &TrialReport, reader: &Reader<'_>) -> State {
        // A probe only says where to look, and full trials overrule it.
        let speaks_against = trial.plan.purpose != Purpose::Probe
            && (!trial.is_valid() || trial.evidence == Evidence::Violated);
        let is_spared = self.voids.len() < VOIDS_MAX;
        if let Some(disturbance) = disturbance(trial, reader.place)
            && speaks_against
            && (is_spared || reader.patience == Patience::Ends)
        {
            self.voids.push(Void { trial: trial.plan.index, disturbance });
            return if is_spared { State::Again(AFTER_VOID) } else { State::Busy };
        }
        match (trial.is_valid(), &self.state) {
            (false, State::Again(Duration::ZERO)) => State::Invalid,
            (false, _) => State::Again(Duration::ZERO),
            (true, _) => self.valid(at, trial, reader),
        }
    }

    fn valid(&mut self, at: usize, trial: &TrialReport, reader: &Reader<'_>) -> State {
        if trial.evidence != Evidence::Undecided {
            self.points.push(point(trial, reader.sizing.requests(&trial.plan)));
            self.places.push(at);
            return State::Onwards;
        }
        if trial.ended == Ended::Stopped {
            let is_spent = trial.requests >= trial.plan.request_limit;
            return State::Undecided(if is_spent {
                Gap::Requests { budget: reader.allowance.requests }
            } else {
                Gap::Time { budget: reader.allowance.time }
            });
        }
        let undecided = trial.slos.iter().find(|slo| slo.evidence == Evidence::Undecided);
        undecided.map_or(State::Onwards, |slo| {
            State::Undecided(Gap::Samples {
                slo: slo.slo.to_string(),
                had: slo.tally.n,
                needed: SloResult::needed(&slo.slo),
            })
        })
    }

    /// The same of the trials of one sequence.
    pub(super) fn of_seed(&self, history: &History, seed: u64) -> Self {
        let is_of = |at: &usize| history.trials().get(*at).is_some_and(|it| it.plan.seed == seed);
        let both = self.points.iter().zip(&self.places).filter(|(_, at)| is_of(at));
        let (points, places) = both.map(|(point, at)| (*point, *at)).unzip();
        Self { points, places, ..self.clone() }
    }

    /// The trials against one of two targets; what is void belongs to both.
    pub(super) fn of_side(&self, history: &History, side: Side) -> Self {
        let is_its = |at: &usize| history.trials().get(*at).is_some_and(|it| it.plan.side == side);
        let both = self.points.iter().copied().zip(self.places.iter().copied());
        let (points, places) = both.filter(|(_, at)| is_its(at)).unzip();
        Self { points, places, ..self.clone() }
    }

    /// The trials that count and played the whole sequence.
    pub(super) fn plays<'a>(
        &'a self,
        history: &'a History,
    ) -> impl Iterator<Item = &'a TrialReport> {
        let counted = self.places.iter().filter_map(|at| history.trials().get(*at));
        counted.filter(|trial| trial.plan.purpose != Purpose::Probe)
    }
}
