//! A baseline as text for people.

use super::record::{Baseline, BaselineCheck, HistoryEntry, SourceKind};
use crate::units::number::with_unit;
use std::fmt::Write as _;

/// The whole baseline, one block per check.
#[must_use]
pub fn show(baseline: &Baseline) -> String {
    let mut text = String::new();
    let recorded = &baseline.recorded;
    let commit = recorded.commit.as_deref().map(|c| format!(" at {c}")).unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "suite {}, recorded {}{commit} by plimsoll {}",
        baseline.suite, recorded.time, recorded.version
    );
    let binds = match baseline.environment.source {
        SourceKind::Demo => "the demo: comparable on any machine",
        SourceKind::Managed => "a managed command: comparable on the same kind of machine",
        SourceKind::Url => "a URL: comparable where the labels are the same",
    };
    let _ = writeln!(text, "target   {binds}");
    let _ = writeln!(text, "machine  {}", baseline.environment.fingerprint);
    for (name, value) in &baseline.labels {
        let _ = writeln!(text, "label    {name}: {value}");
    }
    for (name, check) in &baseline.checks {
        let history = baseline.history.get(name).map(Vec::as_slice).unwrap_or_default();
        show_check(&mut text, name, check, history);
    }
    text
}

fn show_check(text: &mut String, name: &str, check: &BaselineCheck, history: &[HistoryEntry]) {
    let _ = writeln!(text, "\n{name}: {} over {}", check.kind, check.knob);
    for (metric, estimate) in &check.metrics {
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
        let capacity = with_unit(entry.value, entry.low, entry.high, &entry.unit);
        let reason = entry.reason.as_deref().map(|r| format!(": {r}")).unwrap_or_default();
        let _ = writeln!(text, "  {:<12} {} {capacity}{reason}", "accepted", entry.time);
    }
}

#[cfg(test)]
mod tests {
    use super::show;
    use crate::baseline::fixture;

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
