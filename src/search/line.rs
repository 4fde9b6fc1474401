//! Whether the capacity lies below a line: full trials at the line, until it is decided.

use super::{Point, Range, Scale};
use crate::stats::{Posterior, Response};

/// How far from what was accepted the capacity may lie now (differences of logarithms): deliberately
/// not centred on "no change".
const REACH: (f64, f64) = (0.6, 0.4);
/// Trials after the first are played where they tell most, but not farther from the line than this.
const ASIDE_MAX: f64 = 0.04;
/// After so many trials one that is still as open as this stays so: the capacity lies at the line.
const TOSS_UP: (usize, std::ops::RangeInclusive<f64>) = (5, 0.2..=0.8);

/// When a line counts as decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// Broken when the capacity lies beyond the line with at least this probability …
    pub red: f64,
    /// … by at least so many trials.
    pub red_trials: usize,
    /// Kept when it lies beyond the line with at most this probability.
    pub green: f64,
    /// Undecided after so many trials, or earlier where it is a toss-up.
    pub trials_max: usize,
}

impl Rule {
    /// Of one of so many lines that share the error budget: a false alarm in one of them is as rare as in
    /// the only one. `red_trials`: two where a disturbed trial would be seen, else three.
    #[must_use]
    pub fn shared(lines: usize, red_trials: usize) -> Self {
        let lines = u32::try_from(lines.max(1)).map_or(1.0, f64::from);
        Self { red: 1.0 - 0.025 / lines, red_trials, green: 0.10, trials_max: 10 }
    }
}

/// Which side of a line is the bad one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The capacity must not lie below it.
    Floor,
    /// The capacity must not lie above it.
    Ceiling,
}

/// A value that the capacity must not cross.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// The value.
    pub at: f64,
    /// Standard deviation of its logarithm: it was measured itself.
    pub sd: f64,
    /// Which side is bad.
    pub side: Side,
    /// The value around which the capacity is looked for.
    pub around: f64,
    /// What was known of the service's response, softened.
    pub response: Response,
    /// The values that may be tried.
    pub range: Range,
    /// When it is decided.
    pub rule: Rule,
}

/// What the trials say of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing {
    /// Nothing yet: the next trial is played at this value.
    Open(f64),
    /// The capacity lies on the good side.
    Kept,
    /// It lies on the bad side.
    Broken,
    /// So many trials did not tell.
    Tired,
}

impl Line {
    /// Where the first trial is played: at the line. Of a whole knob: at the smallest value that keeps a
    /// floor, or breaks a ceiling.
    #[must_use]
    pub fn start(&self) -> f64 {
        match (self.range.scale, self.side) {
            (Scale::Real, _) => self.range.value(self.at),
            (Scale::Whole, Side::Floor) => self.range.value((self.at - 1e-9).ceil()),
            (Scale::Whole, Side::Ceiling) => self.range.value((self.at + 1e-9).floor() + 1.0),
        }
    }

    /// What the full trials say of the capacity.
    #[must_use]
    pub fn belief(&self, points: &[Point]) -> Posterior {
        let around = self.around.ln();
        let mut belief = Posterior::flat(&self.response, around - REACH.0, around + REACH.1);
        let plays = points.iter().filter(|point| point.full);
        for play in plays {
            belief.update(play.value.ln(), &play.reading);
        }
        belief
    }

    /// Probability that the capacity lies on the bad side.
    #[must_use]
    pub fn risk(&self, belief: &Posterior) -> f64 {
        // The largest whole number that holds lies below the line exactly if the first that keeps it breaks.
        let at = match self.range.scale {
            Scale::Real => self.at.ln(),
            Scale::Whole => self.start().ln(),
        };
        let below = belief.crossing().below_uncertain(at, self.sd);
        match self.side {
            Side::Floor => below,
            Side::Ceiling => 1.0 - below,
        }
    }

    /// What these points say. Once decided, later points change nothing: whoever adds them must ask
    /// with those that were there then.
    #[must_use]
    pub fn standing(&self, points: &[Point]) -> Standing {
        let trials = points.iter().filter(|point| point.full).count();
        if trials == 0 {
            return Standing::Open(self.start());
        }
        let belief = self.belief(points);
        let risk = self.risk(&belief);
        if trials >= self.rule.red_trials && risk >= self.rule.red {
            Standing::Broken
        } else if risk <= self.rule.green {
            Standing::Kept
        } else if trials >= self.rule.trials_max
            || (trials >= TOSS_UP.0 && TOSS_UP.1.contains(&risk))
        {
            Standing::Tired
        } else {
            Standing::Open(self.beside(belief.crossing().median()))
        }
    }

    /// The value to play next, where this is the middle of what is believed.
    fn beside(&self, median: f64) -> f64 {
        let line = self.start().ln();
        self.range.value(median.clamp(line - ASIDE_MAX, line + ASIDE_MAX).exp())
    }

    /// The relative loss against `around` that is ruled out with this probability: the capacity lies below
    /// what is left with probability `1 - sure`. Negative: even a smaller gain is ruled out.
    #[must_use]
    pub fn ruled_out(&self, belief: &Posterior, sure: f64) -> f64 {
        let crossing = belief.crossing();
        let (mut low, mut high) = (self.around.ln() - REACH.0, self.around.ln() + REACH.1);
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            if crossing.below_uncertain(middle, self.sd) > 1.0 - sure {
                high = middle
            } else {
                low = middle
            }
        }
        1.0 - low.exp() / self.around
    }
}

#[cfg(test)]
mod tests;
