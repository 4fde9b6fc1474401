//! The summary of a job: the report with nothing folded, and every trial.

use super::escape::{Escaped, Markdown};
use super::markdown_view::{Body, Extent, PageView, View};
use super::place::Place;
use super::row::observed;
use super::{CheckResult, Results, number};
use crate::trial::{EvidenceResult, TrialResult, Validity};
use serde::Serialize;

type Md = Escaped<Markdown>;

/// Most bytes: the platform drops a summary above 1 MiB whole.
pub(super) const SUMMARY_MAX: usize = 900 * 1024;
/// Most trials of a check that are listed.
const TRIALS_MAX: usize = 200;

/// What the template of the summary sees.
#[derive(Serialize)]
pub(super) struct Summary {
    page: PageView,
    trials: Vec<TrialsView>,
    facts: Vec<(Md, Md)>,
    shortened: bool,
}

#[derive(Serialize)]
struct TrialsView {
    name: Md,
    rows: Vec<Vec<Md>>,
    left_out: Option<Md>,
}

/// How much of the trials is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trials {
    Listed,
    LeftOut,
}

impl Summary {
    pub(super) fn of(
        results: &Results,
        place: &Place,
        (extent, trials): (Extent, Trials),
        body: Body<'_>,
    ) -> Self {
        let listed = trials == Trials::Listed;
        Self {
            page: PageView::opened(View::of(results, place, extent), body),
            trials: results.checks.iter().filter(|_| listed).filter_map(TrialsView::of).collect(),
            facts: facts(results),
            shortened: !listed || extent > Extent::Full,
        }
    }
}

impl TrialsView {
    fn of(check: &CheckResult) -> Option<Self> {
        let left_out = check.trials.len().saturating_sub(TRIALS_MAX);
        (!check.trials.is_empty()).then(|| Self {
            name: Md::code(&check.name),
            rows: check.trials.iter().take(TRIALS_MAX).map(cells).collect(),
            left_out: (left_out > 0).then(|| {
                Md::prose(&format!("and {}", number::counted(left_out as u64, "more trial")))
            }),
        })
    }
}

/// One trial: what was asked, what came, and how healthy the generator was.
fn cells(trial: &TrialResult) -> Vec<Md> {
    let said = match trial.validity {
        Validity::Valid => trial.evidence.word(),
        Validity::Invalid => "invalid",
    };
    let worst = trial.slos.iter().find(|slo| slo.evidence == EvidenceResult::Violated);
    let worst = worst.map_or_else(String::new, |slo| {
        format!("`{}`: {}", slo.text.replace('`', "'"), observed(slo.observed, &slo.unit))
    });
    let lag = trial.latency.get("send_lag").and_then(|lag| lag.p99);
    [
        Md::prose(&(u64::from(trial.index) + 1).to_string()),
        Md::prose(&format!("{} {}", number::plain(trial.value), trial.unit)),
        Md::prose(&number::count(trial.counts.intended)),
        Md::prose(&number::duration(trial.seconds)),
        Md::prose(
            &lag.map_or_else(
                || number::NONE.to_owned(),
                |lag| format!("{} ms", number::plain(lag)),
            ),
        ),
        Md::ours(said),
        Md::prose(&worst),
    ]
    .into()
}

/// What is needed to see it again: environment, seed, budget.
fn facts(results: &Results) -> Vec<(Md, Md)> {
    let budget = &results.budget;
    let used = format!(
        "{} and {} requests; used: {} and {}",
        number::duration(budget.seconds),
        number::count(budget.requests),
        number::duration(results.seconds),
        number::count(budget.requests_sent)
    );
    let commit = results.commit.as_deref().map(|commit| (Md::ours("commit"), Md::code(commit)));
    let calibration = results.environment.calibration.map(|speed| {
        (Md::ours("speed of a core"), Md::prose(&format!("{} slices/s", number::plain(speed))))
    });
    let facts = results.environment.facts.iter();
    commit
        .into_iter()
        .chain([
            (Md::ours("target"), Md::code(&results.target.source)),
            (Md::ours("seed"), Md::prose(&results.seed.to_string())),
            (Md::ours("budget"), Md::prose(&used)),
        ])
        .chain(calibration)
        .chain(facts.map(|(name, value)| (Md::prose(name), Md::prose(value))))
        .collect()
}
