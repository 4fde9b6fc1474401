//! Comparing two targets on one machine: their full trials alternate until the ratio of what they carry
//! is decided.

use super::conclude::sides;
use super::course::Course;
use super::{
    Better, Capacity, Compared, Conclusion, Gap, History, Limited, Line, Relation, Ruled, Step,
};
use crate::config::plan::Limit;
use crate::search::{Beliefs, Both, Ending, Pair, Place, Who, Wish};
use crate::trial::{Purpose, Side, TrialPlan, TrialReport};
use crate::units::KnobValue;

/// Allowed loss where the suite names none.
const MAX_DROP: f64 = 0.10;
/// An improvement is as sure as a loss: after one trial above less would be said too often.
const BETTER: f64 = 0.95;
/// Nominal confidence of the interval; of a bound the same on its one side.
const CONFIDENCE: f64 = 0.9;

/// The points of both sides, and what they were compared by.
struct Duel {
    pair: Pair,
    base: Course,
    head: Course,
    points: Both,
}

impl Duel {
    /// Pairs of which both trials count.
    fn pairs(&self) -> usize {
        let plays = |points: &[crate::search::Point]| points.iter().filter(|it| it.full).count();
        plays(&self.points.base).min(plays(&self.points.head))
    }
}

impl Capacity {
    /// The next trial of a comparison, or what it came to.
    pub(super) fn compare(
        &self,
        history: &History,
        course: &Course,
        hint: Option<KnobValue>,
    ) -> Step {
        let duel = self.duel(history, course, hint);
        let wish = duel.pair.next(&duel.points);
        let last = history.trials().last();
        let is_over = last.is_some_and(|last| last.plan.purpose == Purpose::Above);
        if let Wish::Done(ending) = wish {
            return self.compared(history, &duel, ending.into());
        }
        if is_over {
            return self.compared(history, &duel, Ending::Kept.into());
        }
        if let Some(gap) = course.gap(self.allowance()) {
            return self.compared(history, &duel, Outcome::Short(gap));
        }
        let Some((plan, more)) = self.wished(history, wish) else {
            let nothing = Conclusion::Invalid(Limited::default());
            return self.conclude_by(history, course, None, nothing);
        };
        match (self.gap(history, course, &plan, more), wish) {
            (None, _) => Step::run(plan),
            (Some(_), Wish::Above(_)) => self.compared(history, &duel, Ending::Kept.into()),
            (Some(gap), _) => self.compared(history, &duel, Outcome::Short(gap)),
        }
    }

    /// The first trial of a comparison, whatever it costs.
    pub(super) fn first_pair(&self, none: &History, hint: Option<KnobValue>) -> Option<TrialPlan> {
        let wish = self.pair(hint).next(&Both::default());
        self.wished(none, wish).map(|(plan, _)| plan)
    }

    /// A trial that is wished for, and how many more like it there must be room for.
    fn wished(&self, history: &History, wish: Wish) -> Option<(TrialPlan, u32)> {
        let (value, purpose, side, more) = match wish {
            Wish::Probe(value) => (value, Purpose::Probe, Side::Base, 0),
            Wish::Above(value) => (value, Purpose::Above, Side::Head, 0),
            Wish::Play(who, value, place) => {
                let side = match who {
                    Who::Base => Side::Base,
                    Who::Head => Side::Head,
                };
                let more = match place {
                    Place::First => 1,
                    Place::Second => 0,
                };
                (value, Purpose::Play, side, more)
            }
            Wish::Done(_) => return None,
        };
        let plan = self.plan(history, value, purpose)?;
        Some((TrialPlan { side, ..plan }, more))
    }

    fn pair(&self, hint: Option<KnobValue>) -> Pair {
        Pair {
            range: self.range(),
            hint: hint.map(KnobValue::get),
            drop: self.limits.max_drop.map_or(MAX_DROP, |drop| drop.get()),
            lines: self.checks.max(1) * self.relative().len(),
        }
    }

    fn duel(&self, history: &History, course: &Course, hint: Option<KnobValue>) -> Duel {
        let [base, head] = [Side::Base, Side::Head].map(|side| course.of_side(history, side));
        let points = Both { base: base.points.clone(), head: head.points.clone() };
        Duel { pair: self.pair(hint), base, head, points }
    }

    /// The limits on the change of the capacity; without any the default one.
    fn relative(&self) -> Vec<Limit> {
        let limits = self.limits.all().into_iter().filter(|limit| limit.is_relative());
        let mut limits: Vec<Limit> = limits.collect();
        if !limits.iter().any(|limit| matches!(limit, Limit::MaxDrop(_))) {
            limits.insert(0, Limit::MaxDrop(MAX_DROP));
        }
        limits
    }

    /// The end of a comparison. The metrics are those of the head.
    fn compared(&self, history: &History, duel: &Duel, outcome: Outcome) -> Step {
        let range = &duel.pair.range;
        let beliefs = duel.pair.beliefs(&duel.points, usize::MAX);
        let conclusion = match &outcome {
            Outcome::Ended(Ending::BothHold) => {
                Conclusion::bound(range.to.unwrap_or(range.from), Conclusion::AtLeast)
            }
            Outcome::Ended(Ending::NoneHolds) => {
                Conclusion::bound(range.from, Conclusion::NoneHolds)
            }
            Outcome::Short(gap) if duel.pairs() == 0 => Conclusion::Inconclusive(gap.clone()),
            Outcome::Ended(Ending::Kept | Ending::Broken | Ending::Tired) | Outcome::Short(_) => {
                let plays: Vec<&TrialReport> = duel.base.plays(history).collect();
                let is_known = sides(&duel.base) == (true, true);
                let base = self.estimate(&duel.base, &beliefs.base, &plays).filter(|_| is_known);
                Conclusion::Compared(Box::new(Compared {
                    base: base.map(|(estimate, _)| estimate),
                    relation: relation(duel, &beliefs),
                    better: better(duel, &beliefs, &outcome),
                    lines: self.ruled(duel, &outcome),
                }))
            }
        };
        self.conclude_by(history, &duel.head, Some(&beliefs.head), conclusion)
    }

    /// What each relative limit came to, by the pairs alone.
    fn ruled(&self, duel: &Duel, outcome: &Outcome) -> Vec<Ruled> {
        let pairs = duel.pairs();
        let trials = u32::try_from(pairs).unwrap_or(u32::MAX);
        let beliefs = duel.pair.beliefs(&duel.points, pairs);
        let open = || match outcome {
            Outcome::Short(gap) => Line::Open(gap.clone()),
            Outcome::Ended(_) => Line::Open(Gap::Trials { limit: trials.saturating_mul(2) }),
        };
        let ruled = |limit: Limit| {
            let (at, risk, line) = match limit {
                Limit::MaxRise(rise) => {
                    let risk = 1.0 - beliefs.risk(-rise);
                    (1.0 + rise, risk, duel.pair.line(pairs, risk))
                }
                Limit::MaxDrop(drop) => {
                    let risk = beliefs.risk(drop);
                    (1.0 - drop, risk, duel.pair.line(pairs, risk))
                }
                // Not relative.
                Limit::Min(_) | Limit::Max(_) => return None,
            };
            let line = match line {
                Some(Ending::Kept) => Line::Kept,
                Some(Ending::Broken) => Line::Broken,
                Some(Ending::Tired | Ending::BothHold | Ending::NoneHolds) | None => open(),
            };
            let rule = duel.pair.rule();
            Some(Ruled { limit, at, line, risk, trials, rule })
        };
        self.relative().into_iter().filter_map(ruled).collect()
    }
}

/// How a comparison ended.
enum Outcome {
    /// By what the points say.
    Ended(Ending),
    /// Something was missing.
    Short(Gap),
}

impl From<Ending> for Outcome {
    fn from(ending: Ending) -> Self {
        Self::Ended(ending)
    }
}

/// The ratio as far as there is evidence: where no trial lies on one side of a capacity, what is
/// believed there is only what was believed before.
fn relation(duel: &Duel, beliefs: &Beliefs) -> Relation {
    let ((base_held, base_broke), (head_held, head_broke)) = (sides(&duel.base), sides(&duel.head));
    let ratio = beliefs.ratio();
    let (has_low, has_high) = (head_held && base_broke, head_broke && base_held);
    if has_low && has_high {
        let outside = (1.0 - CONFIDENCE) / 2.0;
        let at = |q: f64| Some(ratio.quantile(q).exp());
        return Relation { value: at(0.5), low: at(outside), high: at(1.0 - outside) };
    }
    Relation {
        value: None,
        low: has_low.then(|| ratio.quantile(1.0 - CONFIDENCE).exp()),
        high: has_high.then(|| ratio.quantile(CONFIDENCE).exp()),
    }
}

fn better(duel: &Duel, beliefs: &Beliefs, outcome: &Outcome) -> Better {
    match outcome {
        Outcome::Ended(Ending::Kept) => {
            let is_likely = 1.0 - beliefs.risk(duel.pair.better()) >= BETTER;
            if is_likely { Better::Yes } else { Better::No }
        }
        Outcome::Ended(_) | Outcome::Short(_) => Better::Unknown,
    }
}
