//! Base against head on one machine: their trials alternate, so that whatever moves the machine moves
//! both, and the ratio of the two capacities is what is searched.

use super::bracket::{Left, Look};
use super::{Point, Range, Rule, plays, probes};
use crate::stats::{Crossing, Posterior, Response};

/// How far beyond the values that were looked at a capacity may lie (differences of logarithms).
const REACH: (f64, f64) = (0.6, 0.25);
/// How far a hint may be wrong: it may be of another machine.
const HINT_REACH: f64 = 0.5;
/// The base is played by turns so far below and above the middle of what is believed of it.
const ASIDE: f64 = 0.01;
/// The head is played at most so far above the base, and at most as far below as [`Pair::drop`] doubled.
const ABOVE_MAX: f64 = 0.05;
/// Fewest pairs of a pass …
const GREEN_PAIRS: usize = 2;
/// … and of a regression: two by chance are too easily alike where nothing is known of the service.
const RED_PAIRS: usize = 3;
/// Undecided after so many pairs.
const PAIRS_MAX: usize = 10;
/// Largest probability of a loss that passes.
const GREEN: f64 = 0.10;
/// Probability of a false answer that all comparisons of a run share.
const RED_SHARED: f64 = 0.05;
/// Pairs that agree on the end of the range.
const ENDS_MIN: usize = 2;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// What there was before.
    Base,
    /// What is to replace it.
    Head,
}

/// The points of both.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Both {
    /// Of the base, its probes among them.
    pub base: Vec<Point>,
    /// Of the head.
    pub head: Vec<Point>,
}

/// The comparison of two capacities. Its state are the points.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The values that may be tried.
    pub range: Range,
    /// About where the base's capacity lies; the bracket is then skipped.
    pub hint: Option<f64>,
    /// Loss from which on the head is worse, in `(0, 1)`.
    pub drop: f64,
    /// Limits of the run that share the probability of a false alarm, at least 1.
    pub lines: usize,
}

/// What a comparison wants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wish {
    /// A short trial of the base, to bracket.
    Probe(f64),
    /// A full trial of this one; it is the second of its pair, or the first.
    Play(Who, f64, Place),
    /// The head is good enough: one full trial of it where it would be better by as much as it may be
    /// worse.
    Above(f64),
    /// No more trials.
    Done(Ending),
}

/// Where a trial stands in its pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The other one follows.
    First,
    /// It completes the pair.
    Second,
}

/// What a comparison came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The head does not carry less than is allowed.
    Kept,
    /// It does.
    Broken,
    /// So many pairs did not tell.
    Tired,
    /// Both hold at the top of the range.
    BothHold,
    /// The base breaks at the bottom of the range.
    NoneHolds,
}

/// What is believed of both.
#[derive(Debug, Clone)]
pub struct Beliefs {
    /// Of the base.
    pub base: Posterior,
    /// Of the head.
    pub head: Posterior,
}

impl Pair {
    /// The next trial, or the answer. A pure function of the points.
    #[must_use]
    pub fn next(&self, points: &Both) -> Wish {
        let [base, head] = [plays(&points.base), plays(&points.head)];
        let pairs = base.len().min(head.len());
        let start = match (self.hint, self.range.look(&probes(&points.base))) {
            (Some(hint), _) => self.range.value(hint),
            (None, Look::Here(value)) => value,
            (None, Look::Probe(value)) if base.is_empty() && head.is_empty() => {
                return Wish::Probe(value);
            }
            (None, Look::Probe(value)) => value,
        };
        // Decided by these pairs, whatever has been played besides.
        if let Some(ending) = self.ending(points, pairs) {
            let is_new = base.len() == head.len();
            let above = self.above(points).filter(|_| is_new && ending == Ending::Kept);
            return above.map_or(Wish::Done(ending), Wish::Above);
        }
        let (at_base, at_head) = self.values(points, pairs, start);
        // base, head, head, base: a machine that drifts evenly drifts as much for one as for the other.
        let first = if pairs.is_multiple_of(2) { Who::Base } else { Who::Head };
        let (who, place) = match base.len().cmp(&head.len()) {
            std::cmp::Ordering::Equal => (first, Place::First),
            std::cmp::Ordering::Less => (Who::Base, Place::Second),
            std::cmp::Ordering::Greater => (Who::Head, Place::Second),
        };
        let value = match who {
            Who::Base => at_base,
            Who::Head => at_head,
        };
        Wish::Play(who, value, place)
    }

    /// What the first so many pairs say.
    fn ending(&self, points: &Both, pairs: usize) -> Option<Ending> {
        if pairs < GREEN_PAIRS {
            return None;
        }
        let [base, head] = [plays(&points.base), plays(&points.head)];
        let all = |plays: &[Point], held: bool| plays.iter().all(|play| play.held == held);
        let at = |plays: &[Point], end: f64| {
            plays.iter().filter(|play| (play.value / end).ln().abs() < 1e-9).count() >= ENDS_MIN
        };
        let is_top = self.range.to.is_some_and(|to| at(&base, to));
        if is_top && all(&base, true) && all(&head, true) {
            return Some(Ending::BothHold);
        }
        if at(&base, self.range.from) && all(&base, false) {
            return Some(Ending::NoneHolds);
        }
        let risk = self.beliefs(points, pairs).risk(self.drop);
        let is_last = pairs >= PAIRS_MAX;
        self.line(pairs, risk).or_else(|| is_last.then_some(Ending::Tired))
    }

    /// What so many pairs come to of which this is the probability that a limit is crossed; `None`: they do
    /// not tell.
    #[must_use]
    pub fn line(&self, pairs: usize, risk: f64) -> Option<Ending> {
        if pairs >= RED_PAIRS && risk >= self.red() {
            Some(Ending::Broken)
        } else {
            (pairs >= GREEN_PAIRS && risk <= GREEN).then_some(Ending::Kept)
        }
    }

    /// When the ratio counts as decided, by pairs.
    #[must_use]
    pub fn rule(&self) -> Rule {
        Rule { red: self.red(), red_trials: RED_PAIRS, green: GREEN, trials_max: PAIRS_MAX }
    }

    /// Where a better head is looked for, unless it is ruled out already.
    fn above(&self, points: &Both) -> Option<f64> {
        let beliefs = self.beliefs(points, points.base.len());
        let base = beliefs.base.crossing().median().exp();
        let value = self.range.value(base / (1.0 - self.drop));
        let is_open = beliefs.risk(self.better()) < 1.0 - GREEN;
        (is_open && value > base).then_some(value)
    }

    /// The loss, negative, from which on the head is better: by as much as it may be worse.
    #[must_use]
    pub fn better(&self) -> f64 {
        1.0 - 1.0 / (1.0 - self.drop)
    }

    /// Probability of a loss from which on it is called one.
    #[must_use]
    pub fn red(&self) -> f64 {
        let lines = u32::try_from(self.lines.max(1)).map_or(1.0, f64::from);
        1.0 - RED_SHARED / lines
    }

    /// What the first so many pairs say of both capacities.
    #[must_use]
    pub fn beliefs(&self, points: &Both, pairs: usize) -> Beliefs {
        let [base, head] = [&points.base, &points.head].map(|points| {
            let mut plays = plays(points);
            plays.truncate(pairs);
            plays
        });
        let ends = self.ends(&points.base);
        // Nothing was probed of the head: it may carry much less.
        let probed = match self.hint {
            None => self.range.left(&probes(&points.base)),
            Some(_) => Left::NOTHING,
        };
        Beliefs { base: belief(&ends, &probed, &base), head: belief(&ends, &Left::NOTHING, &head) }
    }

    /// Between which values the base's capacity may lie, by what was known before the first pair.
    fn ends(&self, base: &[Point]) -> Vec<f64> {
        if let Some(hint) = self.hint {
            return vec![hint * (-HINT_REACH).exp(), hint * HINT_REACH.exp()];
        }
        let left = self.range.left(&probes(base));
        let (from, to) = (left.below.unwrap_or(self.range.from), left.above.or(self.range.to));
        vec![from, to.unwrap_or(from)]
    }

    /// Where the pair of this number is played.
    fn values(&self, points: &Both, pairs: usize, start: f64) -> (f64, f64) {
        let drop = libm::log1p(-self.drop);
        let (base, head) = if pairs == 0 {
            (start.ln(), start.ln() + drop)
        } else {
            let beliefs = self.beliefs(points, pairs);
            let aside = if pairs.is_multiple_of(2) { -ASIDE } else { ASIDE };
            let base = beliefs.base.crossing().median() + aside;
            let head = beliefs.head.crossing().median();
            (base, head.clamp(base + 2.0 * drop, base + ABOVE_MAX))
        };
        (self.range.value(base.exp()), self.range.value(head.exp()))
    }
}

impl Beliefs {
    /// Probability that the head carries less than `1 - drop` of what the base carries; a negative drop is
    /// a rise.
    #[must_use]
    pub fn risk(&self, drop: f64) -> f64 {
        self.head.crossing().below_other(&self.base.crossing(), libm::log1p(-drop))
    }

    /// What is believed of the logarithm of head / base.
    #[must_use]
    pub fn ratio(&self) -> Crossing {
        self.head.crossing().less(&self.base.crossing())
    }
}

fn belief(ends: &[f64], probed: &Left, plays: &[Point]) -> Posterior {
    let known = || ends.iter().copied().chain(plays.iter().map(|play| play.value)).map(f64::ln);
    let low = known().min_by(f64::total_cmp).unwrap_or(0.0) - REACH.0;
    let high = known().max_by(f64::total_cmp).unwrap_or(0.0) + REACH.1;
    let likely = |theta| probed.weight(theta);
    let mut belief = Posterior::weighted(&Response::VAGUE, low, high, likely);
    for play in plays {
        belief.update(play.value.ln(), &play.reading);
    }
    belief
}

#[cfg(test)]
mod tests {
    use super::{Both, Ending, Pair, Who, Wish};
    use crate::search::{Point, Range, Scale};
    use crate::stats::{Known, Reading, logistic, logit};

    const RANGE: Range = Range { from: 10.0, to: Some(400.0), expand: 2.0, scale: Scale::Real };
    const PAIR: Pair = Pair { range: RANGE, hint: None, drop: 0.1, lines: 1 };

    /// A trial without noise of a service with this capacity.
    fn trial(value: f64, capacity: f64, full: bool) -> Point {
        let share = logistic(logit(0.05) + 30.0 * (value / capacity).ln());
        let reading = Reading { allowed: 0.05, share, n: 300.0, known: Known::Share };
        Point { value, held: value <= capacity, full, reading, pace: None }
    }

    /// Everything that was played, and how it ended.
    fn played(pair: &Pair, base: f64, head: f64) -> (Vec<(Who, f64)>, Both, Ending) {
        let (mut points, mut plays) = (Both::default(), Vec::new());
        for _ in 0..60 {
            match pair.next(&points) {
                Wish::Probe(value) => points.base.push(trial(value, base, false)),
                Wish::Play(Who::Base, value, _) => {
                    plays.push((Who::Base, value));
                    points.base.push(trial(value, base, true));
                }
                Wish::Play(Who::Head, value, _) | Wish::Above(value) => {
                    plays.push((Who::Head, value));
                    points.head.push(trial(value, head, true));
                }
                Wish::Done(ending) => return (plays, points, ending),
            }
        }
        panic!("no end: {plays:?}");
    }

    #[test]
    fn pairs_are_played_base_head_head_base() {
        let (plays, ..) = played(&PAIR, 100.0, 80.0);
        let who: Vec<Who> = plays.iter().take(6).map(|(who, _)| *who).collect();
        use Who::{Base, Head};
        assert_eq!(who, [Base, Head, Head, Base, Base, Head]);
    }

    #[test]
    fn the_head_is_played_near_the_base_and_first_at_the_line() {
        let (plays, ..) = played(&Pair { hint: Some(100.0), ..PAIR }, 100.0, 50.0);
        assert!((plays[0].1 - 100.0).abs() < 1e-9 && (plays[1].1 - 90.0).abs() < 1e-9, "{plays:?}");
        // Far worse, but never looked for farther away than twice the loss.
        let least = plays.iter().filter(|(who, _)| *who == Who::Head).map(|(_, value)| *value);
        let base = plays.iter().filter(|(who, _)| *who == Who::Base).map(|(_, value)| *value);
        let (least, base) =
            (least.min_by(f64::total_cmp).unwrap(), base.min_by(f64::total_cmp).unwrap());
        assert!(least >= base * 0.81 * 0.999, "{plays:?}");
    }

    #[test]
    fn without_noise_the_answer_is_the_truth() {
        for (head, ending) in
            [(100.0, Ending::Kept), (80.0, Ending::Broken), (50.0, Ending::Broken)]
        {
            let (_, points, ended) = played(&PAIR, 100.0, head);
            assert_eq!(ended, ending, "{head}");
            let pairs = points.head.len();
            assert!(pairs >= if ending == Ending::Broken { 3 } else { 2 });
        }
        // Far better is told by the first two.
        let (plays, ..) = played(&PAIR, 100.0, 200.0);
        assert_eq!(plays.iter().filter(|(who, _)| *who == Who::Base).count(), 2, "{plays:?}");
        let (_, points, _) = played(&PAIR, 100.0, 80.0);
        let ratio = PAIR.beliefs(&points, usize::MAX).ratio().median().exp();
        assert!((ratio - 0.8).abs() < 0.03, "{ratio}");
    }

    #[test]
    fn a_better_head_is_looked_for_once() {
        let (plays, points, ended) = played(&PAIR, 100.0, 130.0);
        assert_eq!(ended, Ending::Kept);
        assert_eq!(points.head.len(), points.base.iter().filter(|it| it.full).count() + 1);
        assert!(plays.last().is_some_and(|(who, value)| *who == Who::Head && *value > 105.0));
        let sure = 1.0 - PAIR.beliefs(&points, usize::MAX).risk(PAIR.better());
        assert!(sure > 0.9, "{sure}");
        assert!((PAIR.better() + 1.0 / 9.0).abs() < 1e-12);
        // Once it is ruled out that it is better, nobody looks.
        let (_, points, ended) = played(&PAIR, 100.0, 95.0);
        assert_eq!(ended, Ending::Kept);
        assert_eq!(points.head.len(), points.base.iter().filter(|it| it.full).count());
    }

    #[test]
    fn an_end_of_the_range_is_said_and_nothing_is_made_of_it() {
        assert_eq!(played(&PAIR, 900.0, 800.0).2, Ending::BothHold);
        assert_eq!(played(&PAIR, 4.0, 4.0).2, Ending::NoneHolds);
        // A head that breaks where the base holds is worse all the same.
        assert_eq!(played(&PAIR, 900.0, 200.0).2, Ending::Broken);
    }

    #[test]
    fn a_hint_that_is_far_off_is_walked_away_from() {
        for hint in [60.0, 160.0, 350.0] {
            let pair = Pair { hint: Some(hint), ..PAIR };
            assert_eq!(played(&pair, 100.0, 100.0).2, Ending::Kept, "{hint}");
            assert_eq!(played(&pair, 100.0, 75.0).2, Ending::Broken, "{hint}");
        }
    }

    #[test]
    fn limits_that_share_a_run_are_broken_less_easily() {
        let two = Pair { lines: 2, ..PAIR };
        assert!((PAIR.red() - 0.95).abs() < 1e-12 && (two.red() - 0.975).abs() < 1e-12);
        assert_eq!(PAIR.line(3, 0.96), Some(Ending::Broken));
        assert_eq!(two.line(3, 0.96), None);
        assert_eq!(PAIR.line(2, 0.99), None, "two pairs are no regression");
        assert_eq!(PAIR.line(1, 0.01), None, "one pair is no pass");
    }
}
