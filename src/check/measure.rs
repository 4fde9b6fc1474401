//! Searching for the capacity: probes, full trials, and at the end the first of those near it once more.

use super::course::Course;
use super::{Aim, Capacity, Conclusion, Drifted, Gap, History, Step};
use crate::config::plan::Method;
use crate::search::{Answer, Ask, Bisect, NEAR, Point, Range, Refine, drift};
use crate::stats::Response;
use crate::trial::{Ended, Purpose, TrialPlan};

impl Capacity {
    /// The next trial of a search, or what it found.
    pub(super) fn measure(&self, history: &History, course: &Course) -> Step {
        let all = course;
        let course = &all.of_seed(history, self.sizing.seed());
        let gap = course.gap(self.allowance());
        let is_anchored = course.plays(history).any(|it| it.plan.purpose == Purpose::Anchor);
        if is_anchored || all.points.len() > course.points.len() {
            let answer = self.settle(&course.points);
            if let Some(Answer::Crossing { value, .. }) = answer.filter(|_| gap.is_none())
                && let Some(step) = self.other_sequence(history, all, value)
            {
                return step;
            }
            return self.settled(history, course, answer, None);
        }
        if let Some(gap) = gap {
            if matches!(gap, Gap::Samples { .. }) {
                return self.conclude(history, course, Conclusion::Inconclusive(gap));
            }
            return self.settled(history, course, self.settle(&course.points), Some(gap));
        }
        let (plan, more) = match self.ask(&course.points) {
            Ask::Done(answer) => return self.anchored(history, course, Some(answer), None),
            Ask::Probe(value) => (self.plan(history, value, Purpose::Probe), 0),
            // There must be room for the anchor, too.
            Ask::Play(value) => (self.plan(history, value, Purpose::Play), 1),
        };
        let Some(plan) = plan else { return self.settled(history, course, None, None) };
        let answer = self.settle(&course.points);
        let more = if answer.is_some() { more } else { 0 };
        match self.gap(history, course, &plan, more) {
            None => Step::run(plan),
            Some(gap) => self.anchored(history, course, answer, Some(gap)),
        }
    }

    /// The first trial of a search, whatever it costs.
    pub(super) fn first_look(&self, none: &History) -> Option<TrialPlan> {
        match self.ask(&[]) {
            Ask::Probe(value) => self.plan(none, value, Purpose::Probe),
            Ask::Play(value) => self.plan(none, value, Purpose::Play),
            Ask::Done(_) => None,
        }
    }

    /// Whether the trials so far allow an answer.
    pub(super) fn has_answer(&self, course: &Course) -> bool {
        !matches!(self.aim, Aim::Compare(_)) && self.settle(&course.points).is_some()
    }

    /// What the search wants next.
    fn ask(&self, points: &[Point]) -> Ask {
        match self.search.method {
            Method::Posterior => self.refine().next(points),
            Method::Bisect => self.bisect().next(points),
        }
    }

    /// What the points allow to say, when no further trial can be afforded.
    pub(super) fn settle(&self, points: &[Point]) -> Option<Answer> {
        match self.search.method {
            Method::Posterior => self.refine().settle(points),
            Method::Bisect => self.bisect().settle(points),
        }
    }

    fn bisect(&self) -> Bisect {
        let Range { from, to, expand, scale } = self.range();
        let start = self.prior().map(|prior| prior.value.get());
        Bisect { from, to, expand, precision: self.search.precision.get(), scale, start }
    }

    pub(super) fn refine(&self) -> Refine {
        let prior = self.prior();
        Refine {
            range: self.range(),
            precision: self.search.precision.get(),
            start: prior.map(|prior| prior.value.get()),
            response: prior.map_or(Response::VAGUE, |prior| prior.response.softened()),
        }
    }

    /// Plays the first full trial near the capacity once more, if that can be afforded.
    fn anchored(
        &self,
        history: &History,
        course: &Course,
        answer: Option<Answer>,
        gap: Option<Gap>,
    ) -> Step {
        // Where a service turns from one answer to the other, trials agree or do not.
        let is_noisy = self.search.method == Method::Posterior;
        if let Some(Answer::Crossing { value, .. }) = answer.filter(|_| is_noisy) {
            let near = course.plays(history).filter(|it| it.ended == Ended::Complete);
            let mut near = near.map(|it| it.plan.value.get());
            let first = near.find(|at| (at / value).ln().abs() <= NEAR);
            let plan = first.and_then(|at| self.plan(history, at, Purpose::Anchor));
            if let Some(plan) = plan.filter(|plan| self.gap(history, course, plan, 0).is_none()) {
                return Step::run(plan);
            }
        }
        self.settled(history, course, answer, gap)
    }

    /// The end of the search.
    fn settled(
        &self,
        history: &History,
        course: &Course,
        answer: Option<Answer>,
        gap: Option<Gap>,
    ) -> Step {
        let conclusion = match answer {
            Some(Answer::Crossing { .. }) => self.steady(history, course),
            Some(Answer::AtLeast(value)) => Conclusion::bound(value, Conclusion::AtLeast),
            Some(Answer::NoneHolds(value)) => Conclusion::bound(value, Conclusion::NoneHolds),
            None => Conclusion::Inconclusive(
                gap.unwrap_or(Gap::Trials { limit: self.search.max_trials }),
            ),
        };
        self.conclude(history, course, conclusion)
    }

    /// Found, unless the target changed while it was measured.
    fn steady(&self, history: &History, course: &Course) -> Conclusion {
        let drift = match self.search.method {
            Method::Posterior => drift(&course.points),
            Method::Bisect => None,
        };
        match drift.filter(|drift| drift.is_named()) {
            Some(drift) => Conclusion::Drifted(Drifted {
                per_trial: drift.per_trial,
                probability: drift.probability,
                trials: u32::try_from(course.plays(history).count()).unwrap_or(u32::MAX),
                disturbed: course.voids.len(),
            }),
            None => Conclusion::Found,
        }
    }
}
