//! Bracket, then bisection with confirmation: for knobs at which a service turns from one answer to the
//! other, such as the longest context that it takes.
//!
//! Single answers only bracket. Near the crossing a value counts as *holding* when two more trials
//! say so than say otherwise (trials at higher values that held speak for it, trials at lower values
//! that broke against it), and as *breaking* likewise. The answer is the span between the highest
//! value that holds and the lowest that breaks, widened by the noise seen between trials: never a
//! plain bracket, in which one wrong answer is believed for ever.

use super::crossing::{contradicted, crossing, support};
use super::{Answer, Ask, Point, Scale};

/// The search, without its state: that is the list of points.
#[derive(Debug, Clone, PartialEq)]
pub struct Bisect {
    /// Lowest value tried.
    pub from: f64,
    /// Highest value tried, if there is one.
    pub to: Option<f64>,
    /// Factor of the steps upwards without `to`.
    pub expand: f64,
    /// Wanted half-width of the answer, relative.
    pub precision: f64,
    /// Which values exist.
    pub scale: Scale,
    /// Where to start; it then skips the bracket.
    pub start: Option<f64>,
}

/// Trials that must agree, net of those that contradict.
const AGREE: i64 = 2;

impl Bisect {
    /// The next value, or the answer. A pure function of the points.
    #[must_use]
    pub fn next(&self, points: &[Point]) -> Ask {
        let near: Vec<Point> = points.iter().copied().filter(|point| point.full).collect();
        let trusted: Vec<Point> = points
            .iter()
            .copied()
            .filter(|probe| probe.full || !contradicted(*probe, &near))
            .collect();
        let turn = crossing(&trusted);
        if let Some(end) = self.end_of_range(&near) {
            return Ask::Done(end);
        }
        match (turn.below, turn.above) {
            (None, None) => self.first(),
            (Some(held), None) => self.upwards(held, &near),
            (None, Some(broke)) => self.downwards(broke, &near),
            (Some(below), Some(above)) => self.between(below, above, &near),
        }
    }

    /// The best answer that the points allow, when no further trial can be afforded.
    #[must_use]
    pub fn settle(&self, points: &[Point]) -> Option<Answer> {
        let near: Vec<Point> = points.iter().copied().filter(|point| point.full).collect();
        if let Some(end) = self.end_of_range(&near) {
            return Some(end);
        }
        let turn = crossing(&near);
        let (holds, breaks) = judged(&near);
        self.answer(turn.below?, turn.above?, holds?, breaks?, &near)
    }

    fn first(&self) -> Ask {
        match (self.start, self.to) {
            (Some(start), _) => Ask::Play(self.value(start)),
            (None, Some(to)) => Ask::Probe(self.value((self.from * to).sqrt())),
            (None, None) => Ask::Probe(self.value(self.from)),
        }
    }

    fn end_of_range(&self, near: &[Point]) -> Option<Answer> {
        let top = self.to.filter(|&to| support(near, to) >= AGREE);
        let bottom = Some(self.from).filter(|&from| support(near, from) <= -AGREE);
        top.map(Answer::AtLeast).or(bottom.map(Answer::NoneHolds))
    }

    /// Everything held so far. From a start, in steps that double; else towards the top.
    fn upwards(&self, held: f64, near: &[Point]) -> Ask {
        let next = match (self.start, self.to) {
            (Some(start), _) => held * self.step(start, held),
            (None, Some(to)) if (to / held).ln() > super::BRACKET => (held * to).sqrt(),
            (None, Some(to)) => to,
            (None, None) => held * self.expand,
        };
        let top = self.to.unwrap_or(f64::INFINITY);
        // The top of the range is judged by full trials only: it ends the search.
        if next >= top || !self.is_between(next, held, top) {
            Ask::Play(top)
        } else {
            self.ask(next, near)
        }
    }

    fn downwards(&self, broke: f64, near: &[Point]) -> Ask {
        let next = match self.start {
            Some(start) => broke / self.step(start, broke),
            None if (broke / self.from).ln() > super::BRACKET => (broke * self.from).sqrt(),
            None => self.from,
        };
        if next <= self.from || !self.is_between(next, self.from, broke) {
            Ask::Play(self.from)
        } else {
            self.ask(next, near)
        }
    }

    /// 10 % at the start, then about twice as much each time, so that a large change is found in a few
    /// trials. By the way that was walked, not by the trials that were run: answers that contradict each
    /// other near the start are no reason to jump.
    fn step(&self, start: f64, reached: f64) -> f64 {
        (4.0 * self.precision + (reached / start).ln().abs()).exp()
    }

    fn ask(&self, value: f64, near: &[Point]) -> Ask {
        let value = self.value(value);
        if self.start.is_some() || !near.is_empty() { Ask::Play(value) } else { Ask::Probe(value) }
    }

    fn between(&self, below: f64, above: f64, near: &[Point]) -> Ask {
        let gap = (above / below).ln();
        let middle = self.value((below * above).sqrt());
        if gap > super::BRACKET
            && self.start.is_none()
            && near.is_empty()
            && self.is_between(middle, below, above)
        {
            return Ask::Probe(middle);
        }
        let resolution = match self.scale {
            Scale::Real => 4.0,
            Scale::Whole => 2.0,
        };
        if gap > resolution * self.precision && self.is_between(middle, below, above) {
            return Ask::Play(middle);
        }
        self.confirm(below, above, near)
    }

    /// Plays on both sides of the crossing until trials agree there. Each answer that contradicts
    /// the crossing moves that side further out: a noisy target gets a wider answer, not a wrong one.
    fn confirm(&self, below: f64, above: f64, near: &[Point]) -> Ask {
        let middle = (below * above).sqrt();
        let (holds, breaks) = judged(near);
        let surprises = |held: bool| {
            let wrong =
                near.iter().filter(|point| point.held == held && (point.value > middle) == held);
            u32::try_from(wrong.count()).unwrap_or(u32::MAX)
        };
        let reach_below = self.precision * f64::from(1 + surprises(false));
        let reach_above = self.precision * f64::from(1 + surprises(true));
        let (low, high) = self.sides(middle, below, above, reach_below, reach_above);
        let open_below = holds.is_none_or(|holds| !self.is_close(holds, low, middle, reach_below));
        let open_above =
            breaks.is_none_or(|breaks| !self.is_close(breaks, high, middle, reach_above));
        let plays =
            |is_below: bool| near.iter().filter(|point| (point.value < middle) == is_below).count();
        match (open_below, open_above) {
            (true, true) if plays(true) > plays(false) => Ask::Play(high),
            (true, _) => Ask::Play(low),
            (false, true) => Ask::Play(high),
            (false, false) => match holds
                .zip(breaks)
                .and_then(|(holds, breaks)| self.answer(below, above, holds, breaks, near))
            {
                Some(answer) => Ask::Done(answer),
                None => Ask::Play(low),
            },
        }
    }

    fn sides(
        &self,
        middle: f64,
        below: f64,
        above: f64,
        reach_below: f64,
        reach_above: f64,
    ) -> (f64, f64) {
        let clamp = |value: f64| value.clamp(self.from, self.to.unwrap_or(f64::INFINITY));
        let (low, high) = (clamp(middle * (-reach_below).exp()), clamp(middle * reach_above.exp()));
        match self.scale {
            Scale::Real => (low, high),
            // At least the neighbours of the crossing.
            Scale::Whole => (
                low.floor().clamp(self.from, below),
                clamp(high.ceil().clamp(above, f64::INFINITY)),
            ),
        }
    }

    fn is_close(&self, judged: f64, wanted: f64, middle: f64, reach: f64) -> bool {
        match self.scale {
            Scale::Real => (judged / middle).ln().abs() <= 2.0 * reach,
            Scale::Whole => (judged - middle).abs() <= (wanted - middle).abs(),
        }
    }

    fn answer(
        &self,
        below: f64,
        above: f64,
        holds: f64,
        breaks: f64,
        near: &[Point],
    ) -> Option<Answer> {
        let value = (below * above).sqrt();
        let highest = near
            .iter()
            .filter(|point| point.held)
            .map(|point| point.value)
            .max_by(f64::total_cmp)?;
        let lowest = near
            .iter()
            .filter(|point| !point.held)
            .map(|point| point.value)
            .min_by(f64::total_cmp)?;
        // Where answers overlap, the width of the overlap is noise that was seen; where they do not,
        // noise below the resolution cannot be seen, and half of it is granted.
        let overlap = (highest / lowest).ln();
        let floor = self.precision / 2.0;
        let noise = if overlap / 2.0 > floor { overlap / 2.0 } else { floor };
        Some(match self.scale {
            Scale::Real => Answer::Crossing {
                value: value.clamp(holds, breaks),
                low: holds * (-noise).exp(),
                high: breaks * noise.exp(),
                noise,
            },
            // The largest whole number that holds lies below the lowest that breaks.
            Scale::Whole => Answer::Crossing {
                value: value.floor().clamp(holds, breaks - 1.0),
                low: (holds * (-noise).exp()).round(),
                high: (breaks * noise.exp()).round() - 1.0,
                noise,
            },
        })
    }

    fn value(&self, value: f64) -> f64 {
        let clamped = value.clamp(self.from, self.to.unwrap_or(f64::INFINITY));
        match self.scale {
            Scale::Real => clamped,
            Scale::Whole => clamped.round(),
        }
    }

    fn is_between(&self, value: f64, low: f64, high: f64) -> bool {
        value > low && value < high
    }
}

/// The highest value judged to hold and the lowest judged to break.
fn judged(near: &[Point]) -> (Option<f64>, Option<f64>) {
    let values = || near.iter().map(|point| point.value);
    (
        values().filter(|&value| support(near, value) >= AGREE).max_by(f64::total_cmp),
        values().filter(|&value| support(near, value) <= -AGREE).min_by(f64::total_cmp),
    )
}

#[cfg(test)]
mod tests;
