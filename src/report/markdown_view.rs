//! What the Markdown templates see: every text is [`Escaped`], so a raw string does not compile here.

use super::command::{cure, repeat};
use super::curve::Curve;
use super::escape::{Escaped, Markdown};
use super::headline::Headline;
use super::note::notes;
use super::place::Place;
use super::response::Response;
use super::row::{Row, State, quoted, rows};
use super::terminal::baseline_title;
use super::{Results, number};
use serde::Serialize;

type Md = Escaped<Markdown>;

/// Most rows of the table of gates.
const ROWS_MAX: usize = 20;

/// How much of a report is shown, in the order in which it shrinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Extent {
    /// All of it.
    Full,
    /// Without charts.
    NoCharts,
    /// Also without the trials of checks that passed.
    FailingCurves,
    /// Also without those of the others.
    NoCurves,
    /// Also without the rows that passed.
    FailingRows,
    /// The heading, what to do, and the first rows.
    Least,
}

impl Extent {
    pub(super) const ALL: [Self; 6] = [
        Self::Full,
        Self::NoCharts,
        Self::FailingCurves,
        Self::NoCurves,
        Self::FailingRows,
        Self::Least,
    ];
}

/// The whole page.
#[derive(Serialize)]
pub(super) struct View {
    suite: Md,
    symbol: Md,
    heading: Md,
    /// Suite and heading as HTML.
    title: Md,
    verdict: Md,
    /// Whether the table and the notes need no click: they do where nothing is to be done.
    folded: bool,
    /// Whether what is folded stands open at first.
    open: bool,
    summary: Md,
    log: Option<Md>,
    log_title: Md,
    has_baseline: bool,
    baseline_title: Md,
    pub(super) gates: Vec<GateView>,
    /// Rows that are not shown.
    left_out: Option<Md>,
    notes: Vec<NoteView>,
    details: Vec<Md>,
    curves: Vec<CurveView>,
    repeat: Md,
    accept_lead: Option<Md>,
    accept: Option<Md>,
    /// Said of numbers that somebody else's run claims.
    claim: bool,
    footer: Vec<Md>,
    shortened: bool,
}

#[derive(Serialize)]
pub(super) struct GateView {
    name: Md,
    unit: Md,
    baseline: Md,
    current: Md,
    change: Md,
    limit: Md,
    symbol: Md,
    verdict: Md,
}

#[derive(Serialize)]
struct NoteView {
    label: Md,
    text: Md,
}

#[derive(Serialize)]
struct CurveView {
    name: Md,
    header: Vec<Md>,
    rows: Vec<Vec<Md>>,
    left_out: Option<Md>,
    response: Option<ResponseView>,
    chart: Option<Md>,
}

#[derive(Serialize)]
struct ResponseView {
    lead: Md,
    header: Vec<Md>,
    rows: Vec<Vec<Md>>,
}

impl From<Response> for ResponseView {
    fn from(response: Response) -> Self {
        let cells = |cells: &Vec<String>| cells.iter().map(|cell| Md::prose(cell)).collect();
        Self {
            lead: Md::prose(&response.lead),
            header: cells(&response.header),
            rows: response.rows.iter().map(cells).collect(),
        }
    }
}

impl View {
    pub(super) fn of(results: &Results, place: &Place, extent: Extent) -> Self {
        let state = State::of(results);
        let headline = Headline::of(results);
        let all = rows(results);
        let shown: Vec<Row<'_>> = shown(&all, extent);
        let left_out = all.len() - shown.len();
        let cure = cure(results, state, place);
        Self {
            suite: Md::code(&results.suite),
            symbol: Md::ours(headline.symbol),
            heading: Md::prose(&headline.sentence),
            title: Md::html_prose(&format!("{}: {}", quoted(&results.suite), headline.sentence)),
            verdict: Md::ours(results.verdict.word()),
            folded: matches!(state, State::Passed),
            open: false,
            summary: summary(results, &all),
            log: log(state),
            log_title: match state {
                State::Problem(problem) => Md::ours(problem.log_title()),
                State::Failing(_)
                | State::Skipped(_)
                | State::Empty
                | State::Hidden(_)
                | State::Improved(_)
                | State::Passed
                | State::Measured => Md::ours(""),
            },
            has_baseline: all.iter().any(|row| row.baseline().is_some()),
            baseline_title: Md::prose(&baseline_title(results)),
            gates: shown.iter().map(|row| GateView::of(*row)).collect(),
            left_out: (left_out > 0)
                .then(|| Md::prose(&format!("and {} more", number::count(left_out as u64)))),
            notes: if extent == Extent::Least { Vec::new() } else { note_views(results) },
            details: results
                .checks
                .iter()
                .filter(|_| extent < Extent::Least)
                .filter_map(|check| check.detail.as_ref())
                .map(|detail| Md::fence("diff", detail.lines()))
                .collect(),
            curves: curves(results, extent),
            repeat: Md::fence("sh", std::iter::once(repeat(results).as_str())),
            accept_lead: cure.as_ref().map(|(lead, _)| Md::ours(lead)),
            accept: cure
                .as_ref()
                .map(|(_, commands)| Md::fence("sh", commands.iter().map(String::as_str))),
            claim: place.is_claim,
            footer: footer(results, place),
            shortened: extent > Extent::Full || left_out > 0,
        }
    }
}

/// What a larger page holds of one suite.
#[derive(Serialize)]
pub(super) struct PageView {
    symbol: Md,
    heading: Md,
    /// Suite and heading, for a place where Markdown means nothing.
    folded: Md,
    /// What stands below the heading.
    body: Md,
    footer: Vec<Md>,
}

/// Renders what stands below a heading.
pub(super) type Body<'a> = &'a dyn Fn(&View) -> Md;

impl PageView {
    pub(super) fn of(view: View, body: Body<'_>) -> Self {
        let body = body(&view);
        let View { symbol, heading, title, footer, .. } = view;
        Self { symbol, heading, folded: title, body, footer }
    }

    /// The same with nothing folded.
    pub(super) fn opened(mut view: View, body: Body<'_>) -> Self {
        (view.folded, view.open) = (false, true);
        Self::of(view, body)
    }
}

fn log(state: State<'_>) -> Option<Md> {
    let State::Problem(problem) = state else { return None };
    (!problem.last_lines.is_empty()).then(|| Md::fence("text", problem.tail()))
}

fn shown<'a>(all: &[Row<'a>], extent: Extent) -> Vec<Row<'a>> {
    let failing = all.iter().filter(|row| row.fails).count();
    let keep = match extent {
        Extent::Full | Extent::NoCharts | Extent::FailingCurves | Extent::NoCurves => {
            if failing > ROWS_MAX { failing } else { ROWS_MAX }
        }
        Extent::FailingRows => failing,
        Extent::Least => ROWS_MAX,
    };
    all.iter().take(keep).copied().collect()
}

impl GateView {
    fn of(row: Row<'_>) -> Self {
        Self {
            name: Md::prose(&row.name()),
            unit: Md::prose(row.unit()),
            baseline: Md::prose(&row.baseline_cell()),
            current: strong(&row.current_cell(), row.fails),
            change: strong(&row.change_cell(), row.fails),
            limit: Md::prose(&row.limit_cell()),
            symbol: Md::ours(row.symbol()),
            verdict: Md::prose(&row.verdict_cell()),
        }
    }
}

fn strong(text: &str, is_strong: bool) -> Md {
    let text = Md::prose(text);
    if is_strong { text.strong() } else { text }
}

fn note_views(results: &Results) -> Vec<NoteView> {
    notes(results)
        .iter()
        .map(|note| NoteView { label: Md::ours(note.label), text: Md::prose(&note.text) })
        .collect()
}

fn summary(results: &Results, rows: &[Row<'_>]) -> Md {
    let trials: usize = results.checks.iter().map(|check| check.trials.len()).sum();
    Md::prose(&format!(
        "{} passed · {} · {}",
        number::counted(rows.len() as u64, "gate"),
        number::counted(trials as u64, "trial"),
        number::duration(results.seconds)
    ))
}

fn curves(results: &Results, extent: Extent) -> Vec<CurveView> {
    let failing: Vec<&str> =
        rows(results).iter().filter(|row| row.fails).map(|row| row.check.name.as_str()).collect();
    results
        .checks
        .iter()
        .filter(|check| match extent {
            Extent::Full | Extent::NoCharts => true,
            Extent::FailingCurves => failing.contains(&check.name.as_str()),
            Extent::NoCurves | Extent::FailingRows | Extent::Least => false,
        })
        .filter_map(|check| {
            let curve = Curve::of(check)?;
            let cell = |(text, is_violated): &(String, bool)| strong(text, *is_violated);
            Some(CurveView {
                name: Md::code(&check.name),
                header: curve.header.iter().map(|text| Md::prose(text)).collect(),
                rows: curve.lines.iter().map(|line| line.iter().map(cell).collect()).collect(),
                left_out: (curve.left_out > 0).then(|| {
                    Md::prose(&format!(
                        "and {} further away",
                        number::counted(curve.left_out as u64, "trial")
                    ))
                }),
                response: curve.response.map(Into::into),
                chart: curve
                    .chart
                    .filter(|_| extent == Extent::Full)
                    .map(|chart| Md::fence("mermaid", chart.lines())),
            })
        })
        .collect()
}

/// Commit, machine, version, run, time: no host name, no user name, no path.
fn footer(results: &Results, place: &Place) -> Vec<Md> {
    let short = |commit: &str| Md::code(&commit.chars().take(7).collect::<String>());
    let baseline = results.baseline.as_ref().and_then(|baseline| baseline.commit.as_deref());
    let commit = results.head.as_deref().or(results.commit.as_deref());
    let against = results.against.as_ref().map(|base| {
        Md::concat([
            &Md::ours(" against "),
            &short(&base.commit),
            &Md::prose(&format!(", {}", base.how)),
        ])
    });
    let commits = match (commit, baseline) {
        (Some(commit), _) if against.is_some() => {
            against.map(|against| Md::concat([&short(commit), &against]))
        }
        (Some(commit), Some(baseline)) => Some(Md::concat([
            &short(commit),
            &Md::ours(" against the baseline of "),
            &short(baseline),
        ])),
        (Some(commit), None) => Some(short(commit)),
        (None, _) => None,
    };
    let time = results.started.replace('T', " ");
    let time = time.get(..16).map(|minute| format!("{minute} UTC"));
    commits
        .into_iter()
        .chain(Some(&results.environment.machine).filter(|m| !m.is_empty()).map(|m| Md::prose(m)))
        .chain(std::iter::once(Md::prose(&format!("plimsoll {}", results.plimsoll))))
        .chain(place.run_url.as_deref().map(|url| Md::link("run and files", url)))
        .chain(time.map(|time| Md::prose(&time)))
        .collect()
}
