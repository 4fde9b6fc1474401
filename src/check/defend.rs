//! Defending an accepted capacity: full trials at its limits, until each of them is decided.

use super::course::{Course, State};
use super::{Better, Capacity, Conclusion, Gap, History, Line, Place, Prior, Ruled, Step, Tested};
use crate::config::plan::Limit;
use crate::search::{self, Point, Rule, Side, Standing};
use crate::trial::{Purpose, TrialPlan};

/// Fewest trials behind a regression …
const RED_TRIALS: usize = 2;
/// … and where nobody sees what else the target's machine does: early ends make two such trials nearly
/// simultaneous, and one burst would hit both.
const RED_TRIALS_UNSEEN: usize = 3;
/// An improvement by more than this factor is suspicious: more often the measurement broke than the
/// service became so much better.
pub const SUSPICIOUS: f64 = 1.5;
/// Probability with which a loss is said to be ruled out.
const SURE: f64 = 0.9;

/// How far the lines have been decided.
struct Court {
    ruled: Vec<Ruled>,
    /// The value that the first open line wants played.
    wanted: Option<f64>,
    /// Points behind the decisions.
    used: usize,
}

impl Capacity {
    /// The next trial at a limit, or what was decided.
    pub(super) fn defend(&self, history: &History, course: &Course, prior: &Prior) -> Step {
        let last = history.trials().last();
        let is_over = last.is_some_and(|last| last.plan.purpose == Purpose::Above);
        let gap = course.gap(self.allowance()).filter(|_| !is_over);
        let mut court = self.court(&course.points, prior);
        if let Some(value) = court.wanted.filter(|_| gap.is_none()) {
            let Some(plan) = self.plan(history, value, Purpose::Play) else {
                return self.conclude(
                    history,
                    course,
                    Conclusion::Invalid(super::Limited::default()),
                );
            };
            match self.gap(history, course, &plan, 0) {
                None => return Step::run(plan),
                Some(gap) => court.leave(gap),
            }
        } else if let Some(gap) = gap {
            court.leave(gap);
        }
        let goes_on = !is_over || course.state == State::Onwards;
        if goes_on && let Some(step) = self.above(history, course, &court, prior) {
            return step;
        }
        let tested = self.tested(course, court, prior);
        self.conclude(history, course, Conclusion::Tested(Box::new(tested)))
    }

    /// The first trial at a limit, whatever it costs.
    pub(super) fn first_test(&self, none: &History, prior: &Prior) -> Option<TrialPlan> {
        self.plan(none, self.court(&[], prior).wanted?, Purpose::Play)
    }

    /// What the limits of the suite ask, as lines.
    pub(super) fn lines(&self, prior: &Prior) -> Vec<(Limit, search::Line)> {
        let limits = self.limits.all();
        let red_trials = match self.place {
            Place::Here { .. } => RED_TRIALS,
            Place::Elsewhere => RED_TRIALS_UNSEEN,
        };
        let rule = Rule::shared(self.checks.max(1) * limits.len().max(1), red_trials);
        let around = prior.value.get();
        let moved = prior.sd_log.hypot(prior.machine_sd);
        let line = |limit: Limit| {
            let (at, sd, side) = match limit {
                Limit::MaxDrop(share) => (around * (1.0 - share), moved, Side::Floor),
                Limit::MaxRise(share) => (around * (1.0 + share), moved, Side::Ceiling),
                Limit::Min(bound) => (bound, 0.0, Side::Floor),
                Limit::Max(bound) => (bound, 0.0, Side::Ceiling),
            };
            let (response, range) = (prior.response.softened(), self.range());
            (limit, search::Line { at, sd, side, around, response, range, rule })
        };
        limits.into_iter().map(line).collect()
    }

    /// Line by line, each with the trials that the one before needed and those after them: what was
    /// decided stays decided.
    fn court(&self, points: &[Point], prior: &Prior) -> Court {
        let mut court = Court { ruled: Vec::new(), wanted: None, used: 0 };
        for (limit, line) in self.lines(prior) {
            let standing = loop {
                let seen = points.get(..court.used).unwrap_or(points);
                match line.standing(seen) {
                    Standing::Open(_) if court.used < points.len() => court.used += 1,
                    standing @ (Standing::Open(_)
                    | Standing::Kept
                    | Standing::Broken
                    | Standing::Tired) => break standing,
                }
            };
            let seen = points.get(..court.used).unwrap_or(points);
            let (verdict, wanted) = match standing {
                Standing::Kept => (Line::Kept, None),
                Standing::Broken => (Line::Broken, None),
                Standing::Tired => (Line::Open(Gap::Trials { limit: trials(seen) }), None),
                Standing::Open(value) => {
                    (Line::Open(Gap::Trials { limit: trials(seen) }), Some(value))
                }
            };
            let risk = line.risk(&line.belief(seen));
            court.ruled.push(Ruled {
                limit,
                at: line.at,
                line: verdict,
                risk,
                trials: trials(seen),
                rule: line.rule,
            });
            court.wanted = court.wanted.or(wanted);
        }
        // One is enough for the verdict.
        if court.ruled.iter().any(|ruled| ruled.line == Line::Broken) {
            court.wanted = None;
        }
        court
    }

    /// The line above which a capacity is better by this factor, where the range reaches so far.
    fn line_above(&self, prior: &Prior, factor: f64) -> Option<search::Line> {
        let (_, floor) = self.max_drop(prior)?;
        let line = search::Line { at: floor.around * factor, ..floor };
        let is_above = line.start() > floor.start();
        let within = line.range.to.is_none_or(|to| line.at <= to);
        (is_above && within).then_some(line)
    }

    fn max_drop(&self, prior: &Prior) -> Option<(f64, search::Line)> {
        self.lines(prior).into_iter().find_map(|(limit, line)| match limit {
            Limit::MaxDrop(share) => Some((share, line)),
            Limit::MaxRise(_) | Limit::Min(_) | Limit::Max(_) => None,
        })
    }

    /// After a pass: one trial more, so that an improvement is seen and the result has an upper end; and
    /// another where the capacity is better indeed: by how much can still be believed?
    fn above(
        &self,
        history: &History,
        course: &Course,
        court: &Court,
        prior: &Prior,
    ) -> Option<Step> {
        let is_kept = court.ruled.iter().all(|ruled| ruled.line == Line::Kept);
        let (share, _) = self.max_drop(prior).filter(|_| is_kept)?;
        let played = history.trials().iter().filter(|it| it.plan.purpose == Purpose::Above);
        let line = match (played.count(), self.better(course, court, prior)) {
            (0, _) => self.line_above(prior, 1.0 / (1.0 - share)),
            (1, Better::Yes) => self.line_above(prior, SUSPICIOUS),
            _ => None,
        }?;
        let plan = self.plan(history, line.start(), Purpose::Above)?;
        self.gap(history, course, &plan, 0).is_none().then(|| Step::run(plan))
    }

    /// What the trials above say.
    fn better(&self, course: &Course, court: &Court, prior: &Prior) -> Better {
        let above = course.points.get(court.used..).unwrap_or_default();
        let share = self.max_drop(prior).map_or(0.0, |(share, _)| share);
        let Some(line) = self.line_above(prior, 1.0 / (1.0 - share)) else {
            return Better::Unknown;
        };
        // What the first one said stands, whatever a second one adds.
        let seen = course.points.get(..=court.used).unwrap_or(&course.points);
        match above {
            [] => Better::Unknown,
            [_, second, ..] if second.held => Better::TooGood,
            _ if line.risk(&line.belief(seen)) <= line.rule.green => Better::Yes,
            _ => Better::No,
        }
    }

    fn tested(&self, course: &Course, court: Court, prior: &Prior) -> Tested {
        let kept = court.ruled.iter().any(|ruled| ruled.line == Line::Kept);
        let loss =
            |(_, line): (f64, search::Line)| line.ruled_out(&line.belief(&course.points), SURE);
        Tested {
            accepted: prior.value,
            better: self.better(course, &court, prior),
            ruled_out: self.max_drop(prior).filter(|_| kept).map(loss),
            lines: court.ruled,
        }
    }
}

impl Court {
    /// The lines that are open stay so, for this reason.
    fn leave(&mut self, gap: Gap) {
        self.wanted = None;
        for ruled in &mut self.ruled {
            if matches!(ruled.line, Line::Open(_)) {
                ruled.line = Line::Open(gap.clone());
            }
        }
    }
}

fn trials(points: &[Point]) -> u32 {
    let plays = points.iter().filter(|point| point.full).count();
    u32::try_from(plays).unwrap_or(u32::MAX)
}
