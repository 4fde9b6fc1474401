//! What a gate can say, and when that fails the build.

use super::change::Change;
use crate::check::Estimate;
use crate::config::plan::{FailOn, Limit};
use std::collections::BTreeSet;
use std::fmt;

/// What a gate says, from best to worst. `skipped` (nothing relevant changed) will join it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Inside its limit, given both intervals.
    Pass,
    /// Better by more than the limit allows it to be worse.
    Improvement,
    /// The evidence does not say.
    Inconclusive,
    /// The measurement is not one.
    Invalid,
    /// There is nothing to compare with yet.
    New,
    /// The baseline was measured elsewhere, of something else, or says nothing.
    Incomparable,
    /// Beyond the limit, given both intervals.
    Regression,
}

impl Verdict {
    /// The word in reports and results.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Improvement => "improvement",
            Self::Inconclusive => "inconclusive",
            Self::Invalid => "invalid",
            Self::New => "new",
            Self::Incomparable => "incomparable",
            Self::Regression => "regression",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Whether a verdict makes the exit code non-zero. A hollow one always does: no suite may declare
/// that an empty baseline is fine.
pub(super) fn fails(verdict: Verdict, hollow: bool, fail_on: &BTreeSet<FailOn>) -> bool {
    let named = match verdict {
        Verdict::Pass | Verdict::Improvement => None,
        Verdict::Inconclusive => Some(FailOn::Inconclusive),
        Verdict::Invalid => Some(FailOn::Invalid),
        Verdict::New => Some(FailOn::New),
        Verdict::Incomparable => Some(FailOn::Incomparable),
        Verdict::Regression => Some(FailOn::Regression),
    };
    hollow || named.is_some_and(|named| fail_on.contains(&named))
}

/// One thing that holds of a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// What it is.
    pub verdict: Verdict,
    /// Why, as one sentence for the person on call.
    pub reason: String,
    /// Whether no `fail_on` can make it green: nothing was really compared.
    pub hollow: bool,
    /// More than a sentence: a unified diff.
    pub detail: Option<String>,
}

impl Ruling {
    pub(super) fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { verdict, reason: reason.into(), hollow: false, detail: None }
    }

    pub(super) fn hollow(reason: impl Into<String>) -> Self {
        Self { hollow: true, ..Self::new(Verdict::Incomparable, reason) }
    }
}

/// The verdict on one limit of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct GateResult {
    /// Name of the metric; `baseline` or `gate` where the matter is not a metric.
    pub metric: String,
    /// The limit; `None` where something must merely be there.
    pub limit: Option<Limit>,
    /// The accepted number, where there is one.
    pub baseline: Option<Estimate>,
    /// Relative change, as far as it is known.
    pub change: Option<Change>,
    /// Probability that the limit is crossed, where the check says.
    pub probability: Option<f64>,
    /// The worst that holds.
    pub verdict: Verdict,
    /// Why, as one sentence for the person on call.
    pub reason: String,
    /// Whether no `fail_on` can make it green.
    pub hollow: bool,
    /// More than a sentence: a unified diff of the configuration.
    pub detail: Option<String>,
    /// What holds besides: an invalid measurement without a baseline is both.
    pub also: Vec<Ruling>,
}

impl GateResult {
    /// A result without numbers. Of the rulings the worst becomes the verdict.
    pub(super) fn of(metric: &str, rulings: Vec<Ruling>) -> Self {
        let mut also = rulings;
        also.sort_by_key(|ruling| std::cmp::Reverse((ruling.verdict, ruling.hollow)));
        let worst =
            if also.is_empty() { Ruling::hollow("nothing was compared") } else { also.remove(0) };
        Self {
            metric: metric.to_owned(),
            limit: None,
            baseline: None,
            change: None,
            probability: None,
            verdict: worst.verdict,
            reason: worst.reason,
            hollow: worst.hollow,
            detail: worst.detail,
            also,
        }
    }

    /// Everything that holds of this gate, as verdict and whether it is hollow; worst first.
    pub fn holding(&self) -> impl Iterator<Item = (Verdict, bool)> {
        std::iter::once((self.verdict, self.hollow))
            .chain(self.also.iter().map(|ruling| (ruling.verdict, ruling.hollow)))
    }

    /// Whether it makes the exit code non-zero.
    #[must_use]
    pub fn fails(&self, fail_on: &BTreeSet<FailOn>) -> bool {
        self.holding().any(|(verdict, hollow)| fails(verdict, hollow, fail_on))
    }
}

/// The verdict on a check: the worst of its gates.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckVerdict {
    /// Name of the check.
    pub check: String,
    /// The worst that holds.
    pub verdict: Verdict,
    /// Why, as one sentence.
    pub reason: String,
    /// Its gates, in the order of their metrics; never empty.
    pub gates: Vec<GateResult>,
}

impl CheckVerdict {
    /// Without a gate the verdict is hollow.
    pub(super) fn of(check: &str, mut gates: Vec<GateResult>) -> Self {
        if gates.is_empty() {
            let nothing = "no limit is set for this check, so nothing was compared; \
                           add `gate: { capacity: { max_drop: 10% } }`";
            let rulings = vec![Ruling::hollow(nothing)];
            gates.push(GateResult::of("gate", rulings));
        }
        let mut worst: Option<&GateResult> = None;
        for gate in &gates {
            let rank = |gate: &GateResult| (gate.verdict, gate.hollow);
            if worst.is_none_or(|worst| rank(gate) > rank(worst)) {
                worst = Some(gate);
            }
        }
        let (verdict, reason) = worst.map_or((Verdict::Incomparable, String::new()), |gate| {
            (gate.verdict, gate.reason.clone())
        });
        Self { check: check.to_owned(), verdict, reason, gates }
    }
}

#[cfg(test)]
mod tests {
    use super::{CheckVerdict, GateResult, Ruling, Verdict, fails};
    use crate::baseline::fixture::fail_on_all;
    use crate::config::plan::FailOn;
    use std::collections::BTreeSet;

    const ALL: [Verdict; 7] = [
        Verdict::Pass,
        Verdict::Improvement,
        Verdict::Inconclusive,
        Verdict::Invalid,
        Verdict::New,
        Verdict::Incomparable,
        Verdict::Regression,
    ];

    #[test]
    fn verdicts_rank_from_best_to_worst() {
        assert!(ALL.is_sorted());
        assert_eq!(ALL.map(Verdict::word).into_iter().collect::<BTreeSet<_>>().len(), ALL.len());
    }

    #[test]
    fn fail_on_forgives_what_it_leaves_out_but_never_a_hollow_gate() {
        for verdict in ALL {
            let bad = !matches!(verdict, Verdict::Pass | Verdict::Improvement);
            assert_eq!(fails(verdict, false, &fail_on_all()), bad, "{verdict}");
            assert!(!fails(verdict, false, &BTreeSet::new()), "{verdict}");
            assert!(fails(verdict, true, &BTreeSet::new()), "{verdict}");
        }
        assert!(!fails(Verdict::New, false, &BTreeSet::from([FailOn::Regression])));
    }

    #[test]
    fn what_holds_besides_the_worst_is_not_lost() {
        let rulings = vec![
            Ruling::new(Verdict::Invalid, "the generator was the limit"),
            Ruling::new(Verdict::New, "no baseline"),
        ];
        let gate = GateResult::of("capacity", rulings);
        assert_eq!(gate.verdict, Verdict::New);
        assert!(
            gate.fails(&BTreeSet::from([FailOn::Invalid])),
            "a new baseline hid an invalid run"
        );
        assert!(!gate.fails(&BTreeSet::from([FailOn::Regression])));
    }

    #[test]
    fn hollow_gate_1_nothing_compared_is_never_a_pass() {
        let check = CheckVerdict::of("a", Vec::new());
        assert_eq!(check.verdict, Verdict::Incomparable);
        assert!(check.gates[0].fails(&BTreeSet::new()));
        let gate = GateResult::of("capacity", Vec::new());
        assert!(gate.hollow && gate.verdict != Verdict::Pass);
    }
}
