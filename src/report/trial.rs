//! One trial as readable text, for `plimsoll trial`.

use super::number;
use super::row::observed;
use super::terminal::table;
use crate::trial::{EndedResult, LatencyResult, Reason, TokensResult, TrialResult, Validity};
use crate::units::one_line;
use std::fmt::Write as _;

/// The trial.
#[must_use]
pub fn render(trial: &TrialResult) -> String {
    let mut out = String::new();
    let ended = match trial.ended {
        EndedResult::Complete => "every measured request ended by itself",
        EndedResult::Settled => "ended early: its outcome could no longer change",
        EndedResult::Overload => "ended early: the target was overloaded",
        EndedResult::Stopped if trial.validity == Validity::Invalid => "stopped before its end",
        EndedResult::Stopped => "ended by its time limit or the budget",
    };
    let _ = writeln!(
        out,
        "{} {} for {}: {ended}\n",
        number::plain(trial.value),
        one_line(&trial.unit),
        number::duration(trial.seconds)
    );
    if trial.validity == Validity::Invalid {
        let _ = writeln!(out, "INVALID: this trial says nothing about the target.");
        trial.reasons.iter().for_each(|reason| signal(&mut out, reason));
        out.push('\n');
    }
    conditions(&mut out, trial);
    requests(&mut out, trial);
    latencies(&mut out, trial);
    closing(&mut out, trial);
    out.replace('\u{a0}', " ").replace(['\u{2212}', '–'], "-")
}

fn signal(out: &mut String, reason: &Reason) {
    let Reason { signal, text, advice } = reason;
    let _ = writeln!(out, "  {}: {}; {}", one_line(signal), one_line(text), one_line(advice));
}

fn conditions(out: &mut String, trial: &TrialResult) {
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
    let _ = writeln!(out, "{}\n", table(&header, lines, |column| (1..4).contains(&column)));
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
    let _ = writeln!(
        out,
        "Rates: {}/s offered, {}/s ok, {}/s good, {} tokens/s ({})\n",
        number::plain(rates.offered),
        number::plain(rates.achieved),
        number::plain(rates.good),
        number::plain(rates.tokens),
        match trial.tokens {
            TokensResult::Usage => "as the server counts them",
            TokensResult::Chunks => "an estimate: output chunks",
            TokensResult::Mixed => "partly an estimate: some answers had no usage",
            TokensResult::None => "the protocol has no tokens",
        }
    );
}

fn latencies(out: &mut String, trial: &TrialResult) {
    let header = ["ms", "n", "mean", "p50", "p75", "p90", "p95", "p99", "max"].map(str::to_owned);
    let lines = trial.latency.iter().map(|(name, latency)| {
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
    use super::render;
    use crate::report::{Reason, Validity, fixture};

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
        let text = render(&trial);
        assert!(text.contains("title") && !text.contains(['\u{1b}', '\u{7}']), "{text:?}");
        assert!(!text.contains("\nPASS"), "{text}");
    }

    #[test]
    fn a_trial_reads_well() {
        insta::assert_snapshot!("trial", render(&fixture::recorded_trial(300, 4)));
    }

    #[test]
    fn a_number_that_no_sample_supports_is_not_printed() {
        insta::assert_snapshot!("trial-small", render(&fixture::recorded_trial(12, 3)));
    }
}
