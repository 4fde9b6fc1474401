//! A change must not switch its own gate off: where the suite of the branch that it goes into is
//! stricter, that one holds until the change is merged.

use crate::config::Plan;
use crate::config::plan::{CheckPlan, GateLimits, SloPlan};
use crate::slo::Slo;
use crate::units::number::{change_in_full, plain};

/// Lays the stricter limits of `base` over `head`. Conditions only where both sides are measured anew
/// (`with_slos`): a baseline was measured under its own. Returns what `head` loosens, one sentence each.
#[must_use]
pub fn hold_to(base: &Plan, head: &mut Plan, with_slos: WithSlos) -> Vec<String> {
    let mut loosened = Vec::new();
    for fail_on in base.fail_on.difference(&head.fail_on.clone()) {
        loosened.push(format!("`{}` would not fail the run any more", fail_on.name()));
        head.fail_on.insert(*fail_on);
    }
    for (name, before) in &base.checks {
        let Some(now) = head.checks.get_mut(name) else {
            loosened.push(format!("check `{name}` is not measured any more"));
            continue;
        };
        hold_gates(name, before, now, &mut loosened);
        if with_slos == WithSlos::Yes {
            hold_slos(name, before, now, &mut loosened);
        }
    }
    loosened
}

/// Whether conditions are held to as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithSlos {
    /// Both sides are measured in this run.
    Yes,
    /// One side was measured before.
    No,
}

fn hold_gates(name: &str, before: &CheckPlan, now: &mut CheckPlan, loosened: &mut Vec<String>) {
    for (metric, before) in &before.gates {
        let now = now.gates.entry(metric.clone()).or_default();
        let share = |share: f64, sign: f64| change_in_full(sign * share);
        let mut say = |limit: &str, before: String, now: Option<String>| {
            let now = now.unwrap_or_else(|| "no limit".to_owned());
            loosened.push(format!("`{name}`, `{metric}`: `{limit}` {before} → {now}"));
        };
        let GateLimits { max_drop, max_rise, min, max } = *before;
        if let Some(drop) = max_drop.filter(|drop| now.max_drop.is_none_or(|it| it > *drop)) {
            say("max_drop", share(drop.get(), -1.0), now.max_drop.map(|it| share(it.get(), -1.0)));
            now.max_drop = Some(drop);
        }
        if let Some(rise) = max_rise.filter(|rise| now.max_rise.is_none_or(|it| it > *rise)) {
            say("max_rise", share(rise, 1.0), now.max_rise.map(|it| share(it, 1.0)));
            now.max_rise = Some(rise);
        }
        if let Some(low) = min.filter(|low| now.min.is_none_or(|it| it < *low)) {
            say("min", plain(low), now.min.map(plain));
            now.min = Some(low);
        }
        if let Some(high) = max.filter(|high| now.max.is_none_or(|it| it > *high)) {
            say("max", plain(high), now.max.map(plain));
            now.max = Some(high);
        }
    }
}

fn hold_slos(name: &str, before: &CheckPlan, now: &mut CheckPlan, loosened: &mut Vec<String>) {
    for before in &before.slos {
        let same = now.slos.iter_mut().find(|now| is_about_the_same(&now.slo, &before.slo));
        match same {
            Some(now) if is_stricter(&before.slo, &now.slo) => {
                loosened.push(format!("`{name}`: `{}` → `{}`", before.slo, now.slo));
                now.slo = before.slo.clone();
            }
            Some(_) => {}
            None => {
                loosened.push(format!("`{name}`: `{}` → no condition", before.slo));
                now.slos.push(SloPlan { line: None, ..before.clone() });
            }
        }
    }
}

fn is_about_the_same(a: &Slo, b: &Slo) -> bool {
    a.statistic == b.statistic
        && a.metric == b.metric
        && a.comparison.bounds_above() == b.comparison.bounds_above()
}

fn is_stricter(before: &Slo, now: &Slo) -> bool {
    let (before, limit) = (before.limit.value(), now.limit.value());
    if now.comparison.bounds_above() { before < limit } else { before > limit }
}

#[cfg(test)]
mod tests {
    use super::{WithSlos, hold_to};
    use crate::config::plan::FailOn;
    use crate::config::{Plan, read};
    use std::path::Path;

    fn plan(check: &str, more: &str) -> Plan {
        let text = format!(
            "version: 1\nsuite: s\ntarget: {{ demo: {{ profile: llm }} }}\n{more}checks:\n  \
             rate:\n    capacity: {{ knob: rate, from: 1, to: 9 }}\n{check}"
        );
        read(Path::new("plimsoll.yml"), &text, &[], &|_| None)
            .unwrap_or_else(|error| panic!("{}", error.problems.render(&error.source_text, false)))
    }

    fn of(drop: &str, slos: &str) -> String {
        format!("    slos: [{slos}]\n    gate: {{ capacity: {{ {drop} }} }}\n")
    }

    #[test]
    fn a_change_cannot_loosen_its_own_gate() {
        let base = plan(&of("max_drop: 10%, min: 5", "p99 ttfc < 500ms"), "");
        let mut head =
            plan(&of("max_drop: 50%", "p99 ttfc < 900ms, error_rate < 5%"), "fail_on: [invalid]\n");
        let said = hold_to(&base, &mut head, WithSlos::Yes);
        let check = &head.checks["rate"];
        let limits = check.gates["capacity"];
        assert!((limits.max_drop.unwrap().get() - 0.1).abs() < 1e-9);
        assert_eq!(limits.min, Some(5.0));
        assert!(head.fail_on.contains(&FailOn::Regression));
        let slos: Vec<String> = check.slos.iter().map(|slo| slo.slo.to_string()).collect();
        assert_eq!(slos, ["p99 ttfc < 500ms", "error_rate < 1%"]);
        assert!(
            said.contains(&"`rate`, `capacity`: `max_drop` −10 % → −50 %".to_owned()),
            "{said:?}"
        );
        assert!(said.contains(&"`rate`, `capacity`: `min` 5 → no limit".to_owned()), "{said:?}");
        assert!(said.contains(&"`rate`: `p99 ttfc < 500ms` → `p99 ttfc < 900ms`".to_owned()));
        assert!(said.contains(&"`regression` would not fail the run any more".to_owned()));
    }

    #[test]
    fn a_stricter_head_stays_as_it_is_and_nothing_is_said() {
        let base = plan(&of("max_drop: 10%", "p99 ttfc < 500ms"), "");
        let mut head = plan(&of("max_drop: 5%, min: 2", "p99 ttfc < 400ms, p90 tbc < 50ms"), "");
        let before = head.checks["rate"].clone();
        assert_eq!(hold_to(&base, &mut head, WithSlos::Yes), [""; 0]);
        assert_eq!(head.checks["rate"].gates, before.gates);
        assert_eq!(head.checks["rate"].slos, before.slos);
    }

    #[test]
    fn under_a_baseline_conditions_are_those_that_it_was_measured_under() {
        let base = plan(&of("max_drop: 10%", "p99 ttfc < 500ms"), "");
        let mut head = plan(&of("max_drop: 10%", "p99 ttfc < 900ms"), "");
        assert_eq!(hold_to(&base, &mut head, WithSlos::No), [""; 0]);
        assert_eq!(head.checks["rate"].slos[0].slo.to_string(), "p99 ttfc < 900ms");
    }

    #[test]
    fn a_check_that_is_gone_is_said_so() {
        let base = plan(&of("max_drop: 10%", "p99 ttfc < 500ms"), "");
        let mut head = base.clone();
        head.checks.clear();
        let said = hold_to(&base, &mut head, WithSlos::Yes);
        assert_eq!(said, ["check `rate` is not measured any more"]);
    }
}
