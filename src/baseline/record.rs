//! What a baseline holds.

use super::fingerprint::{Difference, Fingerprint, Weight, differences};
use crate::check::{Belief, Conclusion, Estimate, Finding, Prior, Seen};
use crate::config::Plan;
use crate::config::plan::{TargetPlan, TargetSource};
use crate::stats::Response;
use crate::units::KnobValue;
use crate::workload::SequenceId;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Accepted values kept per check, so that slow drift shows.
pub const HISTORY_LIMIT: usize = 20;

/// Accepted findings of a suite.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// Name of the suite.
    pub suite: String,
    /// When and from what it was recorded last.
    pub recorded: Recorded,
    /// Where it was measured.
    pub environment: Environment,
    /// What identified the target (`target.labels`).
    pub labels: BTreeMap<String, String>,
    /// Accepted capacities per check, oldest first, at most [`HISTORY_LIMIT`].
    pub history: BTreeMap<String, Vec<HistoryEntry>>,
    /// The accepted checks; never empty.
    pub checks: BTreeMap<String, BaselineCheck>,
}

/// When and from what a baseline was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// RFC 3339, UTC.
    pub time: String,
    /// Commit of the working tree, where there is one.
    pub commit: Option<String>,
    /// Version of Plimsoll.
    pub version: String,
}

/// Where a baseline was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    /// Where the target's speed came from.
    pub source: SourceKind,
    /// The machine.
    pub fingerprint: Fingerprint,
    /// Speed of a core of that machine, slices of the reference work per second of its time; of a
    /// managed target.
    pub calibration: Option<f64>,
    /// Standard deviation of ln(capacity) from one accepted run to another; `None`: there was one.
    pub machine_sd: Option<f64>,
    /// Accepted runs behind that.
    pub runs: u32,
}

/// Two speeds of a core that differ by more than this (difference of logarithms) are of two machines:
/// one virtual machine read 291 to 316 within an hour, and differences of 3 % cost no false alarm.
const SAME_SPEED: f64 = 0.05;
/// From here on it is worth a word.
const LIKE_SPEED: f64 = 0.03;
/// So many runs tell how far two of them lie apart.
const RUNS_TOLD: u32 = 5;
/// Until then it is taken as this: from one job to another on a runner that CI lends, and elsewhere
/// from one hour to another (seen live).
const RUNNER_SD: f64 = 0.03;
const MACHINE_SD: f64 = 0.02;

impl Environment {
    /// How far two runs of the same target lie apart, as the standard deviation of ln(capacity). The
    /// demo's speed comes from its own clock.
    #[must_use]
    pub fn run_sd(&self) -> f64 {
        let assumed = match self.source {
            SourceKind::Demo => 0.0,
            SourceKind::Managed | SourceKind::Url if self.fingerprint.runner.is_some() => RUNNER_SD,
            SourceKind::Managed | SourceKind::Url => MACHINE_SD,
        };
        match self.machine_sd {
            Some(sd) if self.runs >= RUNS_TOLD || sd > assumed => sd,
            Some(_) | None => assumed,
        }
    }

    /// A core that is faster or slower than it was is another machine, whatever it calls itself.
    fn another_speed(&self, now: Option<f64>) -> Option<Difference> {
        let (then, now) = (self.calibration?, now?);
        let apart = (now / then).ln().abs();
        (apart > LIKE_SPEED).then(|| Difference {
            what: "speed of a core".to_owned(),
            then: format!("{then:.0} slices of reference work per second"),
            now: format!("{now:.0} ({:+.0} %)", (now / then - 1.0) * 100.0),
            weight: if apart > SAME_SPEED { Weight::Binding } else { Weight::Warning },
        })
    }
}

/// Where a target's speed comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// From the demo's own clock: the same everywhere.
    Demo,
    /// From this machine.
    Managed,
    /// From elsewhere; the labels say from where.
    Url,
}

impl SourceKind {
    /// The kind of this target.
    #[must_use]
    pub fn of(source: &TargetSource) -> Self {
        match source {
            TargetSource::Demo(_) => Self::Demo,
            TargetSource::Managed(_) => Self::Managed,
            TargetSource::Url(_) => Self::Url,
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Demo => "demo",
            Self::Managed => "managed",
            Self::Url => "url",
        })
    }
}

/// One accepted capacity.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    /// RFC 3339, UTC.
    pub time: String,
    /// Commit of the working tree, where there is one.
    pub commit: Option<String>,
    /// The capacity.
    pub value: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
    /// Unit of the three.
    pub unit: String,
    /// Why it was accepted, where a reason was given.
    pub reason: Option<String>,
}

/// The accepted finding of one check.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineCheck {
    /// Kind of the experiment: `capacity`.
    pub kind: String,
    /// Name of the knob.
    pub knob: String,
    /// SHA-256 of `config`, hexadecimal.
    pub digest: String,
    /// Everything that changes what is measured, as canonical YAML.
    pub config: String,
    /// Named metrics; `capacity` is always one of them.
    pub metrics: BTreeMap<String, Estimate>,
    /// Standard deviation of ln(capacity).
    pub sd_log: f64,
    /// How the service responds to load.
    pub response: Response,
    /// How far each condition lay from its limit at the capacity, as a difference of logits.
    pub margins: BTreeMap<String, f64>,
    /// The full trials near the capacity.
    pub seen: Vec<Seen>,
    /// The sequence that was played.
    pub sequence: SequenceId,
    /// Nominal length of a trial.
    pub trial: Duration,
    /// Trials that entered the estimate of the capacity.
    pub trials: u32,
    /// Time that all trials of the check took.
    pub elapsed: Duration,
}

/// Where a number of this target binds, and what stands against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Differences that make the two incomparable; empty when they can be compared.
    pub binding: Vec<Difference>,
    /// Differences that are only worth a word.
    pub warnings: Vec<Difference>,
}

impl Baseline {
    /// Path of a suite's baseline in the folder of baselines.
    #[must_use]
    pub fn path(folder: &Path, suite: &str) -> PathBuf {
        folder.join(format!("{suite}.json"))
    }

    /// What a check may know of its accepted measurement: the estimate to start at, and the
    /// sequence to play again. `None` for a check that is not in here, or that measures something
    /// else by now.
    #[must_use]
    pub fn prior(&self, plan: &Plan, check: &str) -> Option<Prior> {
        let entry = self.checks.get(check)?;
        if plan.checks.get(check)?.digest != entry.digest {
            return None;
        }
        Some(Prior {
            value: KnobValue::new(entry.metrics.get("capacity")?.value)?,
            sd_log: entry.sd_log,
            machine_sd: self.environment.run_sd(),
            response: entry.response,
            sequence: entry.sequence.clone(),
        })
    }

    /// The findings that were accepted, as a run would give them.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let finding = |(name, check): (&String, &BaselineCheck)| Finding {
            check: name.clone(),
            knob: check.knob.clone(),
            conclusion: Conclusion::Found,
            metrics: check.metrics.clone(),
            binding: None,
            sequence: Some((check.sequence.clone(), check.trial)),
            sd_log: Some(check.sd_log),
            belief: Some(Belief {
                at_least: None,
                at_most: None,
                response: check.response,
                margins: check.margins.clone().into_iter().collect(),
                seen: check.seen.clone(),
                allowed: 0.0,
                curve: Vec::new(),
            }),
            voids: Vec::new(),
            elapsed: check.elapsed,
        };
        self.checks.iter().map(finding).collect()
    }

    /// Whether a number measured now, on this target from this machine, may be compared with this
    /// baseline. A managed command's speed comes from the machine, a URL's from what its labels
    /// name, the demo's from its own clock. `speed` is that of the reference work on this machine.
    #[must_use]
    pub fn standing(&self, target: &TargetPlan, now: &Fingerprint, speed: Option<f64>) -> Standing {
        let kind = SourceKind::of(&target.source);
        let all = self.differences(kind, &target.labels, now, speed);
        let (binding, warnings) = all.into_iter().partition(|d| d.weight == Weight::Binding);
        Standing { binding, warnings }
    }

    /// What keeps the numbers of a later baseline of the suite from being compared with these.
    #[must_use]
    pub fn apart_from(&self, later: &Self) -> Vec<Difference> {
        let Environment { source, fingerprint, calibration, .. } = &later.environment;
        let all = self.differences(*source, &later.labels, fingerprint, *calibration);
        all.into_iter().filter(|difference| difference.weight == Weight::Binding).collect()
    }

    fn differences(
        &self,
        kind: SourceKind,
        labels: &BTreeMap<String, String>,
        now: &Fingerprint,
        speed: Option<f64>,
    ) -> Vec<Difference> {
        let mut all = Vec::new();
        if self.environment.source != kind {
            all.push(Difference {
                what: "kind of target".to_owned(),
                then: self.environment.source.to_string(),
                now: kind.to_string(),
                weight: Weight::Binding,
            });
        }
        let machine = differences(&self.environment.fingerprint, now);
        match kind {
            SourceKind::Managed => {
                all.extend(machine);
                all.extend(self.environment.another_speed(speed));
            }
            SourceKind::Demo | SourceKind::Url => {
                all.extend(
                    machine.into_iter().map(|d| Difference { weight: Weight::Warning, ..d }),
                );
            }
        }
        all.extend(label_differences(&self.labels, labels));
        all
    }
}

fn label_differences(
    then: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let names: std::collections::BTreeSet<_> = then.keys().chain(now.keys()).collect();
    let text = |value: Option<&String>| value.cloned().unwrap_or_else(|| "not set".to_owned());
    names
        .into_iter()
        .filter(|name| then.get(*name) != now.get(*name))
        .map(|name| Difference {
            what: format!("label `{name}`"),
            then: text(then.get(name)),
            now: text(now.get(name)),
            weight: Weight::Binding,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::SourceKind;
    use crate::baseline::fixture;
    use crate::config::plan::TargetSource;

    #[test]
    fn a_prior_is_given_only_for_the_same_measurement() {
        let plan = fixture::plan();
        let baseline = fixture::baseline();
        let prior = baseline.prior(&plan, "chat-rate").unwrap();
        assert!((prior.value.get() - 41.0).abs() < 1e-9);
        assert_eq!(prior.sequence, fixture::sequence());
        assert_eq!(baseline.prior(&plan, "other"), None);
        let mut changed = plan;
        changed.checks["chat-rate"].digest = "else".into();
        assert_eq!(baseline.prior(&changed, "chat-rate"), None);
    }

    #[test]
    fn what_binds_depends_on_where_the_speed_comes_from() {
        let mut plan = fixture::plan();
        let mut baseline = fixture::baseline();
        let mut now = fixture::fingerprint();
        now.cpu = Some("AMD EPYC 9V74".into());
        for (source, binding) in [
            (TargetSource::Demo(fixture::profile()), 0),
            (TargetSource::Managed(fixture::managed()), 1),
            (TargetSource::Url("http://host".into()), 0),
        ] {
            baseline.environment.source = SourceKind::of(&source);
            plan.target.source = source;
            let standing = baseline.standing(&plan.target, &now, None);
            assert_eq!(standing.binding.len(), binding, "{standing:?}");
            assert_eq!(standing.binding.len() + standing.warnings.len(), 1, "{standing:?}");
        }
    }

    #[test]
    fn another_speed_of_a_core_is_another_machine_for_a_command_only() {
        let mut plan = fixture::plan();
        let mut baseline = fixture::baseline();
        let now = fixture::fingerprint();
        for (then, speed, binding, warnings) in [
            (Some(200.0), Some(205.0), 0, 0),
            (Some(200.0), Some(207.0), 0, 1),
            (Some(200.0), Some(191.0), 0, 1),
            (Some(200.0), Some(190.0), 1, 0),
            (Some(200.0), Some(211.0), 1, 0),
            (Some(200.0), None, 0, 0),
            (None, Some(190.0), 0, 0),
        ] {
            baseline.environment.calibration = then;
            let standing = baseline.standing(&plan.target, &now, speed);
            assert_eq!(standing.binding.len(), binding, "{then:?} {speed:?}: {standing:?}");
            assert_eq!(standing.warnings.len(), warnings, "{then:?} {speed:?}: {standing:?}");
        }
        plan.target.source = TargetSource::Demo(fixture::profile());
        baseline.environment.source = SourceKind::Demo;
        assert_eq!(baseline.standing(&plan.target, &now, Some(20.0)).binding, []);
    }

    #[test]
    fn runs_lie_apart_as_far_as_was_seen_or_else_as_is_usual() {
        let mut environment = fixture::baseline().environment;
        let sd = |environment: &super::Environment| environment.run_sd();
        assert!((sd(&environment) - 0.02).abs() < 1e-12);
        environment.fingerprint.runner = Some("hosted".into());
        assert!((sd(&environment) - 0.03).abs() < 1e-12);
        for (seen, runs, expected) in [(0.01, 4, 0.03), (0.01, 5, 0.01), (0.06, 2, 0.06)] {
            (environment.machine_sd, environment.runs) = (Some(seen), runs);
            assert!((sd(&environment) - expected).abs() < 1e-12, "{seen} {runs}");
        }
        environment.source = SourceKind::Demo;
        environment.machine_sd = None;
        assert!(sd(&environment) < 1e-12);
    }

    #[test]
    fn another_kind_of_target_or_another_label_is_not_comparable() {
        let mut plan = fixture::plan();
        let baseline = fixture::baseline();
        let now = fixture::fingerprint();
        assert_eq!(baseline.standing(&plan.target, &now, None).binding, []);
        plan.target.labels.insert("gpu".into(), "H100".into());
        let binding = baseline.standing(&plan.target, &now, None).binding;
        assert_eq!(binding[0].to_string(), "label `gpu`: not set then, H100 now");
        plan.target.source = TargetSource::Url("http://host".into());
        assert_eq!(baseline.standing(&plan.target, &now, None).binding.len(), 2);
    }
}
