//! The comment on several suites: one heading by the worst of them, one table, and a block each.

use super::escape::{Escaped, Markdown};
use super::headline::Headline;
use super::markdown_view::{Body, Extent, GateView, PageView, View};
use super::place::Place;
use super::row::quoted;
use super::{Results, number};
use serde::Serialize;

type Md = Escaped<Markdown>;

/// Most rows of the table, and most suites that a heading lists.
const ROWS_MAX: usize = 30;
const NAMES_MAX: usize = 4;

#[derive(Serialize)]
pub(super) struct Comment {
    symbol: Md,
    heading: Md,
    rows: Vec<RowView>,
    left_out: Option<Md>,
    pages: Vec<PageView>,
    claim: bool,
    footer: Vec<Md>,
    shortened: bool,
}

#[derive(Serialize)]
struct RowView {
    suite: Md,
    gate: GateView,
}

impl Comment {
    pub(super) fn of(all: &[Results], place: &Place, extent: Extent, body: Body<'_>) -> Self {
        let mut sorted: Vec<&Results> = all.iter().collect();
        sorted.sort_by_key(|results| results.severity());
        let of_suite = |results: &&Results| {
            let gates = View::of(results, place, extent).gates;
            let suite = Md::code(&results.suite);
            gates.into_iter().map(move |gate| RowView { suite: suite.clone(), gate })
        };
        let mut rows: Vec<RowView> = sorted.iter().flat_map(of_suite).collect();
        let left_out = rows.len().saturating_sub(ROWS_MAX);
        rows.truncate(ROWS_MAX);
        let (symbol, heading) = heading(&sorted);
        Self {
            symbol: Md::ours(symbol),
            heading: Md::prose(&heading),
            rows,
            left_out: (left_out > 0)
                .then(|| Md::prose(&format!("and {} more", number::count(left_out as u64)))),
            pages: sorted
                .iter()
                .map(|results| PageView::of(View::of(results, place, extent), body))
                .collect(),
            claim: place.is_claim,
            footer: place.run_url.iter().map(|url| Md::link("run and files", url)).collect(),
            shortened: extent > Extent::Full || left_out > 0,
        }
    }
}

/// By the worst of them; where none fails, that all hold.
fn heading(sorted: &[&Results]) -> (&'static str, String) {
    let Some(worst) = sorted.first() else {
        return (super::Verdict::Invalid.symbol(), "No run was found".to_owned());
    };
    let Headline { symbol, sentence } = Headline::of(worst);
    let failing = sorted.iter().filter(|results| results.gate_exit_code != 0).count();
    if failing == 0 && sorted.iter().all(|it| it.verdict == super::Verdict::Pass) {
        let mut names: Vec<String> =
            sorted.iter().take(NAMES_MAX).map(|results| quoted(&results.suite)).collect();
        if sorted.len() > NAMES_MAX {
            names.push(format!("and {} more", sorted.len() - NAMES_MAX));
        }
        let count = number::counted(sorted.len() as u64, "suite");
        return (symbol, format!("Capacity holds in {count}: {}", names.join(", ")));
    }
    let more = match failing {
        0 | 1 => String::new(),
        2 => "; one more suite fails".to_owned(),
        n => format!("; {} more suites fail", n - 1),
    };
    (symbol, format!("{}: {sentence}{more}", quoted(&worst.suite)))
}
