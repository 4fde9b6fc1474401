//! A baseline as text for people.

use super::record::{Baseline, BaselineCheck, HistoryEntry, SourceKind};
use crate::units::number::with_unit;
use crate::units::one_line;
use std::fmt::Write as _;

/// The whole baseline, one block per check.
#[must_use]
pub fn show(baseline: &Baseline) -> String {
    let mut text = String::new();
    let recorded = &baseline.recorded;
    let commit =
        recorded.commit.as_deref().map(|c| format!(" at {}", one_line(c))).unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "suite {}, recorded {}{commit} by plimsoll {}",
        one_line(&baseline.suite),
        one_line(&recorded.time),
        one_line(&recorded.version)
    );
    let binds = match baseline.environment.source {
        SourceKind::Demo => "the demo: comparable on any machine",
        SourceKind::Managed => "a managed command: comparable on the same kind of machine",
        SourceKind::Url => "a URL: comparable where the labels are the same",
    };
    let _ = writeln!(text, "target   {binds}");
    let _ = writeln!(text, "machine  {}", one_line(&baseline.environment.fingerprint.to_string()));
    for (name, value) in &baseline.labels {
        let _ = writeln!(text, "label    {}: {}", one_line(name), one_line(value));
    }
    for (name, check) in &baseline.checks {
        let history = baseline.history.get(name).map(Vec::as_slice).unwrap_or_default();
        show_check(&mut text, name, check, history);
    }
    text
}

fn show_check(text: &mut String, name: &str, check: &BaselineCheck, history: &[HistoryEntry]) {
    let _ = writeln!(
        text,
        "\n{}: {} over {}",
        one_line(name),
        one_line(&check.kind),
        one_line(&check.knob)
    );
    for (metric, estimate) in &check.metrics {
        let (metric, estimate) = (one_line(metric), one_line(&estimate.to_string()));
        let _ = writeln!(text, "  {metric:<12} {estimate}");
    }
    let sequence = &check.sequence;
    let _ = writeln!(
        text,
        "  {:<12} {} + {} sessions of seed {}, nominally {} s; {} trials, {:.0} s in all",
        "trial",
        sequence.cut,
        sequence.count,
        sequence.seed,
        check.trial.as_secs_f64(),
        check.trials,
        check.elapsed.as_secs_f64()
    );
    for entry in history.iter().rev() {
        let capacity = with_unit(entry.value, entry.low, entry.high, &one_line(&entry.unit));
        let reason = entry.reason.as_deref().map(|r| format!(": {}", one_line(r)));
        let reason = reason.unwrap_or_default();
        let time = one_line(&entry.time);
        let _ = writeln!(text, "  {:<12} {time} {capacity}{reason}", "accepted");
    }
}

#[cfg(test)]
mod tests {
    use super::show;
    use crate::baseline::fixture;

    #[test]
    fn a_baseline_cannot_move_the_cursor() {
        const EVIL: &str = "a\u{1b}]0;title\u{7}\n accepted";
        let mut baseline = fixture::baseline();
        baseline.recorded.commit = Some(EVIL.to_owned());
        baseline.recorded.time = EVIL.to_owned();
        baseline.labels.insert(EVIL.to_owned(), EVIL.to_owned());
        baseline.environment.fingerprint.cpu = Some(EVIL.to_owned());
        let history = baseline.history.values_mut().next().unwrap();
        history[0].reason = Some(EVIL.to_owned());
        let text = show(&baseline);
        assert!(text.contains("title") && !text.contains(['\u{1b}', '\u{7}']), "{text:?}");
        assert!(!text.contains("\n accepted"), "{text}");
    }

    #[test]
    fn a_baseline_is_shown_with_every_interval() {
        insta::assert_snapshot!(show(&fixture::baseline()), @r"
        suite chat, recorded 2026-11-21T09:12:00Z at 3f2a1bc by plimsoll 0.1.0
        target   a managed command: comparable on the same kind of machine
        machine  4 × AMD EPYC 7763, Ubuntu 24.04, debug build

        chat-rate: capacity over rate
          capacity     41.0 sessions/s [39.8, 42.1] (90 %, 12840 requests in 14 trials)
          error_rate   0.2 % [0.2, 0.2] (90 %, 12840 requests in 14 trials)
          trial        120 + 600 sessions of seed 42, nominally 25 s; 14 trials, 240 s in all
          accepted     2026-11-21T09:12:00Z 41.0 sessions/s [39.8, 42.1]: first measurement
        ");
    }
}
