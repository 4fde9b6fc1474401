//! The search: probes bracket, then full trials are played where they tell most, until what is believed
//! of the capacity is narrow enough.

use super::bracket::Look;
use super::{Answer, Ask, NEAR, NEAR_MIN, Point, Range, Scale, plays, probes};
use crate::stats::{Crossing, Posterior, Response};

/// Nominal probability that the interval holds the capacity.
const CONFIDENCE: f64 = 0.9;
/// Interval of a whole knob, without stretching: its cells are wide, and a stretched one would always
/// reach into the next.
const CONFIDENCE_WHOLE: f64 = 0.95;
/// How far beyond the values that were played the capacity may lie (difference of logarithms).
const REACH: f64 = 0.6;
/// One trial may be wrong: the next is no farther than this from those before.
const STRIDE: f64 = 0.15;
/// Up to this half-width trials are played at the middle; below, to its sides, where slope and noise
/// are learnt.
const SIDES: f64 = 0.08;
/// The sides are as far away as the share of late requests needs to double, and as trials of one load
/// lie apart: nearer, half of the trials hold however small or large that spread is …
const ASIDE: f64 = 0.7;
/// … within these bounds.
const ASIDE_RANGE: (f64, f64) = (0.005, 0.03);
/// The top of the range is called held, and its bottom broken, when the capacity lies on the other side
/// of it with at most this probability, by two full trials there; or by three that agree, where no load
/// makes a difference.
const HELD: f64 = 0.10;
const BROKEN: f64 = 0.025;
const ENDS_MIN: usize = 2;
const ENDS_AGREE: usize = 3;
/// Fewest full trials before a search ends because it is precise enough: fewer do not show a drift.
const PLAYS_MIN: usize = 10;
/// Fewest full trials behind an answer that the budget forces.
const FORCED_MIN: usize = 3;

/// A search by posterior. Its state is the list of points.
#[derive(Debug, Clone, PartialEq)]
pub struct Refine {
    /// The values that may be tried.
    pub range: Range,
    /// Wanted half-width of the interval, relative.
    pub precision: f64,
    /// Where to start; it then skips the bracket.
    pub start: Option<f64>,
    /// What is known of the service's response.
    pub response: Response,
}

impl Refine {
    /// The next value, or the answer. A pure function of the points.
    #[must_use]
    pub fn next(&self, points: &[Point]) -> Ask {
        let plays = plays(points);
        let Some(belief) = self.belief(points).filter(|_| !plays.is_empty()) else {
            return match (self.start, self.range.look(points)) {
                (Some(start), _) => Ask::Play(self.range.value(start)),
                (None, Look::Probe(value)) => Ask::Probe(value),
                (None, Look::Here(value)) => Ask::Play(self.range.value(value)),
            };
        };
        let crossing = belief.crossing();
        if let Some(end) = self.end_of_range(&plays, &crossing) {
            return Ask::Done(end);
        }
        let answer = self.crossing(&belief);
        let is_narrow = self.half_width(&answer) <= self.precision;
        let is_enough = near(&plays, &crossing) >= NEAR_MIN && plays.len() >= PLAYS_MIN;
        if is_narrow && is_enough {
            return Ask::Done(answer);
        }
        Ask::Play(self.play(&plays, &belief))
    }

    /// The best answer that the points allow, when no further trial can be afforded.
    #[must_use]
    pub fn settle(&self, points: &[Point]) -> Option<Answer> {
        let plays = plays(points);
        let belief = self.belief(points)?;
        let end = self.end_of_range(&plays, &belief.crossing());
        let both = plays.iter().any(|play| play.held) && plays.iter().any(|play| !play.held);
        end.or_else(|| (both && plays.len() >= FORCED_MIN).then(|| self.crossing(&belief)))
    }

    /// What the full trials say; `None` before there is anything to go by.
    #[must_use]
    pub fn belief(&self, points: &[Point]) -> Option<Posterior> {
        let left = self.range.left(points);
        let plays = plays(points);
        let known = || {
            let ends = [left.below, left.above, self.start].into_iter().flatten();
            ends.chain(plays.iter().map(|play| play.value)).map(f64::ln)
        };
        let low = known().min_by(f64::total_cmp)? - REACH;
        let high = known().max_by(f64::total_cmp)? + REACH;
        let probed = self.range.left(&probes(points));
        let likely = |theta| probed.weight(theta);
        let mut belief = Posterior::weighted(&self.response, low, high, likely);
        for play in &plays {
            belief.update(play.value.ln(), &play.reading);
        }
        Some(belief)
    }

    fn end_of_range(&self, plays: &[Point], crossing: &Crossing) -> Option<Answer> {
        let at =
            |end: f64| plays.iter().filter(|play| (play.value / end).ln().abs() < 1e-9).count();
        let agree = |held: bool| plays.iter().all(|play| play.held == held);
        let is_held = |to: f64| {
            let is_likely = at(to) >= ENDS_MIN && crossing.below(to.ln()) <= HELD;
            is_likely || (at(to) >= ENDS_AGREE && agree(true))
        };
        let is_broken = |from: f64| {
            let is_likely = at(from) >= ENDS_MIN && crossing.below(from.ln()) >= 1.0 - BROKEN;
            is_likely || (at(from) >= ENDS_AGREE && agree(false))
        };
        let top = self.range.to.filter(|to| is_held(*to)).map(Answer::AtLeast);
        top.or(Some(self.range.from).filter(|from| is_broken(*from)).map(Answer::NoneHolds))
    }

    /// The capacity with its interval.
    #[must_use]
    pub fn crossing(&self, belief: &Posterior) -> Answer {
        let crossing = belief.crossing();
        let noise = belief.response().spread();
        let (value, (low, high)) = (crossing.median(), crossing.interval(CONFIDENCE));
        match self.range.scale {
            Scale::Real => {
                Answer::Crossing { value: value.exp(), low: low.exp(), high: high.exp(), noise }
            }
            // The largest whole number below the crossing holds.
            Scale::Whole => {
                let outside = (1.0 - CONFIDENCE_WHOLE) / 2.0;
                let whole = |at: f64| at.exp().floor();
                Answer::Crossing {
                    value: whole(value),
                    low: whole(crossing.quantile(outside)),
                    high: whole(crossing.quantile(1.0 - outside)),
                    noise,
                }
            }
        }
    }

    /// Half of the interval, relative to the value.
    fn half_width(&self, answer: &Answer) -> f64 {
        let Answer::Crossing { value, low, high, .. } = answer else { return 0.0 };
        match self.range.scale {
            Scale::Real => (high / low).ln() / 2.0,
            Scale::Whole => (high - low) / 2.0 / value.clamp(1.0, f64::MAX),
        }
    }

    /// Where the next full trial tells most.
    fn play(&self, plays: &[Point], belief: &Posterior) -> f64 {
        let crossing = belief.crossing();
        let median = crossing.median();
        let (low, high) = crossing.interval(CONFIDENCE);
        if (high - low) / 2.0 > SIDES {
            let at = plays.iter().map(|play| play.value.ln());
            let least = at.clone().min_by(f64::total_cmp).unwrap_or(median) - STRIDE;
            let most = at.max_by(f64::total_cmp).unwrap_or(median) + STRIDE;
            let value = match self.range.scale {
                Scale::Real => median.clamp(least, most),
                Scale::Whole => median,
            };
            return self.range.value(value.exp());
        }
        let (least, most) = ASIDE_RANGE;
        let response = belief.response();
        let aside = (ASIDE / response.slope()).hypot(response.spread()).clamp(least, most);
        let below = plays.iter().filter(|play| play.value.ln() < median).count();
        let (low, high) = ((median - aside).exp(), (median + aside).exp());
        // Of a whole knob the question is at least whether one value holds and the next does not.
        let whole = median.exp().floor();
        let value = match (below * 2 > plays.len(), self.range.scale) {
            (true, Scale::Real) => high,
            (false, Scale::Real) => low,
            (true, Scale::Whole) => high.clamp(whole + 1.0, f64::MAX),
            (false, Scale::Whole) => low.clamp(0.0, whole),
        };
        self.range.value(value)
    }
}

/// How many of these lie near the capacity.
fn near(plays: &[Point], crossing: &Crossing) -> usize {
    let median = crossing.median();
    plays.iter().filter(|play| (play.value.ln() - median).abs() <= NEAR).count()
}

#[cfg(test)]
mod tests;
