//! One trial as readable text, for `plimsoll trial`.

use super::number;
use super::row::observed;
use super::terminal::table;
use crate::trial::{
    EndedResult, EvidenceResult, LatencyResult, Reason, TokensResult, TrialResult, Validity,
    WindowResult,
};
use crate::units::one_line;
use std::fmt::Write as _;

mod timeline;

pub use timeline::LINES_MAX;

/// What is printed of a trial.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// Its result.
    pub trial: &'a TrialResult,
    /// Its course, at most [`LINES_MAX`] windows.
    pub windows: &'a [WindowResult],
    /// Those of its conditions that nobody wrote.
    pub built_in: &'a [String],
}

/// What a trial comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Every condition held.
    Pass,
    /// A condition was broken.
    Fail,
    /// The trial was too small to tell.
    Inconclusive,
    /// The load generator was the limit.
    Invalid,
}

impl<'a> From<&'a TrialResult> for Page<'a> {
    /// A result of which no more was kept.
    fn from(trial: &'a TrialResult) -> Self {
        Self { trial, windows: &[], built_in: &[] }
    }
}

impl Page<'_> {
    /// What it comes to. Where nobody wrote a condition, a trial that ended by itself and saw no failure
    /// passes, though it may be too small to bound their rate.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let trial = self.trial;
        match (trial.validity, trial.evidence) {
            (Validity::Invalid, _) => Standing::Invalid,
            (Validity::Valid, EvidenceResult::Met) => Standing::Pass,
            (Validity::Valid, EvidenceResult::Violated) => Standing::Fail,
            (Validity::Valid, EvidenceResult::Undecided) if self.is_clean() => Standing::Pass,
            (Validity::Valid, EvidenceResult::Undecided) => Standing::Inconclusive,
        }
    }

    fn is_clean(&self) -> bool {
        let trial = self.trial;
        trial.slos.iter().all(|slo| self.built_in.contains(&slo.text))
            && trial.ended == EndedResult::Complete
            && trial.counts.not_ok() == 0
    }
}

/// The trial.
#[must_use]
pub fn render(page: &Page<'_>) -> String {
    let (mut out, trial) = (String::new(), page.trial);
    let _ = writeln!(out, "{}\n", verdict(page));
    if trial.validity == Validity::Invalid {
        trial.reasons.iter().for_each(|reason| signal(&mut out, reason));
        out.push('\n');
    }
    conditions(&mut out, page);
    requests(&mut out, trial);
    latencies(&mut out, trial);
    closing(&mut out, trial);
    if let Some(table) = timeline::timeline(page.windows) {
        let _ = writeln!(out, "\nIts course, with the times in ms of what ended well:\n{table}");
    }
    out.replace('\u{a0}', " ").replace(['\u{2212}', '–'], "-")
}

/// The first line: what the exit code says too.
fn verdict(page: &Page<'_>) -> String {
    let trial = page.trial;
    let of = |evidence| {
        let slos = trial.slos.iter().filter(move |slo| slo.evidence == evidence);
        slos.map(|slo| format!("`{}`", one_line(&slo.text))).collect::<Vec<_>>().join(", ")
    };
    let said = match page.standing() {
        Standing::Pass if trial.evidence == EvidenceResult::Undecided => {
            "MET: no request failed, though too few were sent to bound how many would".to_owned()
        }
        Standing::Pass => "MET: every condition held".to_owned(),
        Standing::Fail => match of(EvidenceResult::Violated) {
            none if none.is_empty() => "VIOLATED: a condition was broken".to_owned(),
            some => format!("VIOLATED: {some} did not hold"),
        },
        Standing::Inconclusive => match of(EvidenceResult::Undecided) {
            none if none.is_empty() => "UNDECIDED: it did not come to its end".to_owned(),
            some => format!("UNDECIDED: too little to tell about {some}"),
        },
        Standing::Invalid => "INVALID: this trial says nothing about the target".to_owned(),
    };
    let ended = match trial.ended {
        EndedResult::Complete => "every measured request ended by itself",
        EndedResult::Settled => "ended early: its outcome could no longer change",
        EndedResult::Overload => "ended early: the target was overloaded",
        EndedResult::Stopped if trial.validity == Validity::Invalid => "stopped before its end",
        EndedResult::Stopped => "ended by its time limit or the budget",
    };
    let (value, seconds) = (number::plain(trial.value), number::duration(trial.seconds));
    let load = match trial.knob.as_str() {
        "concurrency" => format!("{value} {} in flight", one_line(&trial.unit)),
        _ => format!("{value} {}", one_line(&trial.unit)),
    };
    format!("{said} at {load} for {seconds}; {ended}")
}

fn signal(out: &mut String, reason: &Reason) {
    let Reason { signal, text, advice } = reason;
    let _ = writeln!(out, "  {}: {}; {}", one_line(signal), one_line(text), one_line(advice));
}

fn conditions(out: &mut String, page: &Page<'_>) {
    let trial = page.trial;
    if trial.slos.is_empty() {
        return;
    }
    let header = ["condition", "observed", "not good", "of", "evidence"].map(str::to_owned);
    let lines = trial.slos.iter().map(|slo| {
        let value =
            if slo.n == 0 { number::NONE.to_owned() } else { observed(slo.observed, &slo.unit) };
        vec![
            slo.text.clone(),
            value,
            number::count(slo.not_good),
            number::count(slo.n),
            slo.evidence.word().to_owned(),
        ]
    });
    let _ = writeln!(out, "{}", table(&header, lines, |column| (1..4).contains(&column)));
    for text in page.built_in {
        let _ =
            writeln!(out, "`{}` is built in: nothing else here bounds failures", one_line(text));
    }
    out.push('\n');
}

fn requests(out: &mut String, trial: &TrialResult) {
    let classes: Vec<String> = trial
        .counts
        .by_outcome
        .iter()
        .filter(|(_, n)| **n > 0)
        .map(|(class, n)| format!("{} {}", number::count(*n), one_line(class)))
        .collect();
    let _ = writeln!(
        out,
        "Requests: {} due, {} written: {}",
        number::count(trial.counts.intended),
        number::count(trial.counts.written),
        if classes.is_empty() { "none ended".to_owned() } else { classes.join(", ") }
    );
    if trial.counts.reconnects > 0 {
        let _ = writeln!(
            out,
            "Sent once more because a reused connection had died: {}",
            number::count(trial.counts.reconnects)
        );
    }
    for (class, example) in &trial.failures {
        let _ = writeln!(out, "  {}: {}", one_line(class), one_line(example));
    }
    let rates = &trial.rates;
    let tokens = |whose: &str| format!(", {} tokens/s ({whose})", number::plain(rates.tokens));
    let _ = writeln!(
        out,
        "Rates: {}/s offered, {}/s ok, {}/s good{}\n",
        number::plain(rates.offered),
        number::plain(rates.achieved),
        number::plain(rates.good),
        match trial.tokens {
            TokensResult::Usage => tokens("as the server counts them"),
            TokensResult::Chunks => tokens("an estimate: output chunks"),
            TokensResult::Mixed => tokens("partly an estimate: some answers had no usage"),
            TokensResult::None => String::new(),
        }
    );
}

fn latencies(out: &mut String, trial: &TrialResult) {
    let header = ["ms", "n", "mean", "p50", "p75", "p90", "p95", "p99", "max"].map(str::to_owned);
    let same = |name: &str| same(trial, name);
    let shown = trial.latency.iter().filter(|(name, _)| same(name).is_none());
    let lines = shown.map(|(name, latency)| {
        let mut cells = vec![
            name.clone(),
            number::count(latency.n),
            latency.mean.map_or_else(|| number::NONE.to_owned(), number::plain),
        ];
        cells.extend(
            [
                ("p50", latency.p50),
                ("p75", latency.p75),
                ("p90", latency.p90),
                ("p95", latency.p95),
                ("p99", latency.p99),
                ("max", latency.max),
            ]
            .map(|(name, value)| quantile(latency, name, value)),
        );
        cells
    });
    let _ = writeln!(out, "{}", table(&header, lines, |column| column > 0));
    for (name, other) in trial.latency.keys().filter_map(|name| Some((name, same(name)?))) {
        let _ = writeln!(out, "{}: as {other}", one_line(name));
    }
    if trial.latency.values().any(|latency| latency.censored > 0) {
        let _ = writeln!(
            out,
            "never: among the {} requests that were not ok, which count as longer than all others",
            number::count(trial.counts.not_ok())
        );
    }
    if trial.latency.values().any(LatencyResult::is_too_small) {
        let _ = writeln!(out, "few: fewer observations than this order statistic needs");
    }
    if trial.tpot_undefined > 0 {
        let _ = writeln!(
            out,
            "tpot: undefined for {} answers of fewer than two tokens or chunks, left out",
            number::count(trial.tpot_undefined)
        );
    }
}

/// The length of time that is the same here, for those that are only told apart where an answer comes
/// in parts.
fn same(trial: &TrialResult, name: &str) -> Option<&'static str> {
    let others: &[&str] = match name {
        "ttfc" => &["e2e"],
        "ttfb" | "ttft_answer" => &["e2e", "ttfc"],
        "ttfc_sent" => &["e2e_sent"],
        _ => &[],
    };
    let own = trial.latency.get(name)?;
    others.iter().copied().find(|other| trial.latency.get(*other) == Some(own))
}

fn quantile(latency: &LatencyResult, name: &str, value: Option<f64>) -> String {
    match value {
        Some(value) => number::plain(value),
        None if latency.beyond.iter().any(|beyond| beyond == name) => "never".to_owned(),
        None => "few".to_owned(),
    }
}

fn closing(out: &mut String, trial: &TrialResult) {
    let health = &trial.health;
    let mut facts: Vec<String> = Vec::new();
    if let Some(lag) = health.send_lag_p99_ms {
        facts.push(format!("send lag p99 {} ms", number::plain(lag)));
    }
    if let Some(cores) = health.cpu_cores {
        facts.push(format!("{} of {} cores", number::plain(cores), health.workers));
    }
    if let (Some(open), Some(limit)) = (health.descriptors, health.descriptors_limit) {
        facts.push(format!("{} of {} descriptors", number::count(open), number::count(limit)));
    }
    if let Some(lag) = health.receive_lag_p99_ms {
        facts.push(format!("receive lag p99 {} ms", number::plain(lag)));
    }
    if let Some(lag) = health.loop_lag_p99_ms {
        facts.push(format!("loop lag p99 {} ms", number::plain(lag)));
    }
    if let Some(share) = health.run_wait {
        facts.push(format!("waited for a CPU {} % of the time", number::plain(100.0 * share)));
    }
    if let Some(mean) = health.in_flight_mean {
        facts.push(format!("{} sessions in flight", number::plain(mean)));
    }
    if !facts.is_empty() {
        let _ = writeln!(out, "\nLoad generator: {}", facts.join(", "));
    }
    if !trial.notes.is_empty() {
        let _ = writeln!(out, "\nWorth knowing, and no reason to distrust the result:");
        trial.notes.iter().for_each(|note| signal(out, note));
    }
}

#[cfg(test)]
mod tests {
    use super::{LINES_MAX, Page, Standing, render};
    use crate::report::{EndedResult, EvidenceResult, Reason, TrialResult, Validity, fixture};
    use crate::trial::{WindowLatency, WindowResult};
    use indexmap::IndexMap;

    fn shown(trial: &TrialResult) -> String {
        render(&trial.into())
    }

    fn window(end: u32, not_ok: u64) -> WindowResult {
        let latency =
            WindowLatency { n: 40, p50_ms: Some(81.0), p99_ms: None, max_ms: Some(120.0) };
        WindowResult {
            end_s: f64::from(end),
            seconds: 2.0,
            intended: 80,
            ok: 81,
            not_ok,
            in_flight: 4,
            latency: IndexMap::from([("e2e".to_owned(), latency)]),
        }
    }

    #[test]
    fn the_course_and_a_built_in_condition_are_told() {
        let trial = fixture::recorded_trial(300, 4);
        let mut windows = vec![window(2, 0), window(4, 3)];
        windows[1].latency.clear();
        let built_in = ["error_rate < 1%".to_owned()];
        let text = render(&Page { trial: &trial, windows: &windows, built_in: &built_in });
        insta::assert_snapshot!("trial-course", text);
        assert!(windows.len() <= LINES_MAX);
    }

    #[test]
    fn a_small_trial_without_a_failure_passes_only_where_nobody_wrote_a_condition() {
        let built_in = ["error_rate < 1%".to_owned()];
        let none: [String; 0] = [];
        let standing = |trial: &TrialResult, built_in: &[String]| {
            Page { trial, windows: &[], built_in }.standing()
        };
        let mut trial = fixture::recorded_trial(12, 0);
        assert_eq!(trial.evidence, EvidenceResult::Undecided);
        assert_eq!(standing(&trial, &built_in), Standing::Inconclusive);
        trial.slos.remove(0);
        assert_eq!(standing(&trial, &built_in), Standing::Pass);
        assert_eq!(standing(&trial, &none), Standing::Inconclusive);
        trial.ended = EndedResult::Stopped;
        assert_eq!(standing(&trial, &built_in), Standing::Inconclusive);
        let mut trial = fixture::recorded_trial(12, 3);
        trial.slos.remove(0);
        assert_eq!(standing(&trial, &built_in), Standing::Inconclusive);
        trial.evidence = EvidenceResult::Violated;
        assert_eq!(standing(&trial, &built_in), Standing::Fail);
        trial.validity = Validity::Invalid;
        assert_eq!(standing(&trial, &built_in), Standing::Invalid);
    }

    #[test]
    fn a_saved_trial_cannot_move_the_cursor() {
        const EVIL: &str = "a\u{1b}]0;title\u{7}\nPASS";
        let mut trial = fixture::recorded_trial(12, 3);
        trial.unit = EVIL.to_owned();
        trial.validity = Validity::Invalid;
        let [signal, text, advice] = [EVIL; 3].map(str::to_owned);
        trial.reasons = vec![Reason { signal, text, advice }];
        trial.slos[0].text = EVIL.to_owned();
        trial.slos[1].unit = EVIL.to_owned();
        trial.counts.by_outcome.insert(EVIL.to_owned(), 1);
        trial.failures.insert(EVIL.to_owned(), EVIL.to_owned());
        let latency = trial.latency.values().next().unwrap().clone();
        trial.latency.insert(EVIL.to_owned(), latency);
        let text = shown(&trial);
        assert!(text.contains("title") && !text.contains(['\u{1b}', '\u{7}']), "{text:?}");
        assert!(!text.contains("\nPASS"), "{text}");
    }

    #[test]
    fn a_trial_reads_well() {
        insta::assert_snapshot!("trial", shown(&fixture::recorded_trial(300, 4)));
    }

    #[test]
    fn a_number_that_no_sample_supports_is_not_printed() {
        insta::assert_snapshot!("trial-small", shown(&fixture::recorded_trial(12, 3)));
    }
}
