//! A plan, a finding and a baseline for tests.

use super::fingerprint::Fingerprint;
use super::record::{Baseline, BaselineCheck, Environment, HistoryEntry, Recorded, SourceKind};
use crate::check::{Belief, Conclusion, CurvePoint, Estimate, Finding, Seen};
use crate::config::Plan;
use crate::config::plan::{
    Api, Budget, CapacityPlan, CheckPlan, ConnectionMode, FailOn, GateLimits, HttpRequest,
    HttpVersion, Knob, ManagedTarget, Method, Ready, Residency, SloPlan, StatusClasses, TargetPlan,
    TargetSource, Timeouts,
};
use crate::demo::Profile;
use crate::slo::{Better, Slo};
use crate::stats::{Band, Response};
use crate::trial::Ended;
use crate::units::{KnobValue, Ratio};
use crate::workload::{Arrivals, HistoryMode, Length, SequenceId, SessionLaw, ThinkTime};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const CHECK: &str = "chat-rate";
const IDENTITY: &str = "knob: rate\nseed: 42\nslos:\n- p99 ttfc < 500ms\n";

pub(crate) fn knob(value: f64) -> KnobValue {
    KnobValue::new(value).unwrap()
}

pub(crate) fn ratio(share: f64) -> Ratio {
    Ratio::new(share).unwrap()
}

pub(crate) fn sequence() -> SequenceId {
    SequenceId { seed: 42, cut: 120, count: 600, digest: "00112233aabbccdd".into() }
}

/// An estimate in sessions per second.
pub(crate) fn estimate(value: f64, low: f64, high: f64) -> Estimate {
    Estimate {
        value,
        low,
        high,
        confidence: ratio(0.9),
        unit: "sessions/s".into(),
        better: Better::Higher,
        samples: 12_840,
        trials: 14,
        spread: ratio(0.012),
    }
}

/// A share of requests, as of `error_rate`.
pub(crate) fn share(value: f64) -> Estimate {
    Estimate {
        unit: "%".into(),
        better: Better::Lower,
        ..estimate(value * 100.0, value * 100.0, value * 100.0)
    }
}

pub(crate) fn finding_with(conclusion: Conclusion, metrics: &[(&str, Estimate)]) -> Finding {
    Finding {
        check: CHECK.into(),
        knob: "rate".into(),
        conclusion,
        metrics: metrics
            .iter()
            .map(|(name, metric)| ((*name).to_owned(), metric.clone()))
            .collect(),
        binding: None,
        sequence: Some((sequence(), Duration::from_secs(25))),
        sd_log: Some(0.017),
        belief: Some(belief()),
        voids: Vec::new(),
        elapsed: Duration::from_secs(240),
    }
}

/// A response that sums to one also when it was rounded.
pub(crate) fn response() -> Response {
    Response {
        slopes: [0.0, 0.05, 0.25, 0.5, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0],
        spreads: [0.1, 0.4, 0.3, 0.15, 0.05],
    }
}

fn belief() -> Belief {
    let seen = |value: f64, not_good: u64| Seen {
        value,
        ended: Ended::Complete,
        requests: 600,
        slo: "p99 ttfc < 500ms".into(),
        not_good,
        n: 600,
    };
    let band = |middle: f64| Band { low: middle * 0.7, middle, high: middle * 1.4 };
    Belief {
        at_least: Some(40.1),
        at_most: Some(41.8),
        response: response(),
        margins: vec![("error_rate < 1%".into(), -2.6), ("p99 ttfc < 500ms".into(), 0.12)],
        seen: vec![
            seen(40.3, 4),
            seen(41.6, 9),
            seen(40.5, 5),
            seen(41.4, 8),
            seen(40.6, 4),
            seen(41.2, 7),
        ],
        allowed: 0.01,
        curve: [(36.0, 0.0004), (41.0, 0.01), (46.0, 0.12)]
            .map(|(value, share)| CurvePoint { value, share: band(share) })
            .to_vec(),
    }
}

/// A finding with this capacity and an error rate of 0.2 %.
pub(crate) fn finding(value: f64, low: f64, high: f64) -> Finding {
    finding_with(
        Conclusion::Found,
        &[("capacity", estimate(value, low, high)), ("error_rate", share(0.002))],
    )
}

pub(crate) fn limits(max_drop: f64) -> GateLimits {
    GateLimits { max_drop: Some(ratio(max_drop)), ..GateLimits::default() }
}

pub(crate) fn check_plan() -> CheckPlan {
    CheckPlan {
        name: CHECK.into(),
        line: 9,
        capacity: CapacityPlan {
            knob: Knob::Rate(Arrivals::Poisson),
            from: knob(5.0),
            to: Some(knob(100.0)),
            expand: 2.0,
            precision: ratio(0.025),
            max_trials: 40,
            trial: None,
            between_trials: crate::config::plan::BetweenTrials::Keep,
            method: Method::Posterior,
            sequences: 1,
        },
        slos: ["p99 ttfc < 500ms", "error_rate < 1%"]
            .map(|text| SloPlan { slo: Slo::parse(text).unwrap(), line: Some(10) })
            .to_vec(),
        gates: BTreeMap::from([("capacity".to_owned(), limits(0.1))]),
        identity: IDENTITY.into(),
        digest: crate::config::digest(IDENTITY),
    }
}

pub(crate) fn profile() -> Profile {
    serde_json::from_value(serde_json::json!({
        "name": "llm", "step": {"secs": 0, "nanos": 1_000_000},
        "per_sequence": {"secs": 0, "nanos": 0}, "per_token": {"secs": 0, "nanos": 0},
        "per_prefill_token": {"secs": 0, "nanos": 0}, "prefill_chunk": 512, "max_num_seqs": 8,
        "max_queue": 64, "context": 8192, "jitter": 0.05, "seed": 1,
        "faults": crate::demo::Faults::default(),
    }))
    .unwrap()
}

pub(crate) fn managed() -> ManagedTarget {
    ManagedTarget {
        secrets: Vec::new(),
        command: vec!["./server".into()],
        directory: ".".into(),
        env: BTreeMap::new(),
        pass_env: BTreeSet::new(),
        port: None,
        ready: Ready { path: "/health".into(), within: Duration::from_secs(60) },
        grace: Duration::from_secs(10),
        build: None,
        artifacts: Vec::new(),
        residency: Residency::Both,
    }
}

pub(crate) fn plan() -> Plan {
    let second = Duration::from_secs(1);
    Plan {
        suite: "chat".into(),
        base: None,
        target: TargetPlan {
            source: TargetSource::Managed(managed()),
            api: Api::Http(HttpRequest {
                method: "GET".into(),
                path: "/".into(),
                body: None,
                item: None,
                items_per_request: 1,
            }),
            headers: Vec::new(),
            timeouts: Timeouts {
                connect: second,
                first_chunk: second,
                between_chunks: second,
                total: second,
            },
            status: StatusClasses { ok: [200].into(), shed: [503].into() },
            ca: Vec::new(),
            http: HttpVersion::One,
            connection: ConnectionMode::Pooled,
            labels: BTreeMap::new(),
        },
        seed: 42,
        sessions: SessionLaw {
            turns: Length::Fixed(1),
            prompt_tokens: Length::Fixed(64),
            output_tokens: Length::Fixed(16),
            think_time: ThinkTime::Fixed(Duration::ZERO),
            history: HistoryMode::None,
        },
        checks: [(CHECK.to_owned(), check_plan())].into_iter().collect(),
        budget: Budget { time: second * 480, requests: 100_000 },
        fail_on: fail_on_all(),
        resolved: String::new(),
        file: "plimsoll.yml".into(),
    }
}

pub(crate) fn fail_on_all() -> BTreeSet<FailOn> {
    [FailOn::Regression, FailOn::Inconclusive, FailOn::Invalid, FailOn::Incomparable, FailOn::New]
        .into()
}

pub(crate) fn fingerprint() -> Fingerprint {
    Fingerprint {
        cpu: Some("AMD EPYC 7763".into()),
        cores: Some(4),
        quota: None,
        gpus: Vec::new(),
        gpu_driver: None,
        build: "debug".into(),
        kernel: Some("6.1.0".into()),
        os: Some("Ubuntu 24.04".into()),
        memory_mib: Some(16_000),
        runner: None,
    }
}

pub(crate) fn recorded() -> Recorded {
    Recorded {
        time: "2026-11-21T09:12:00Z".into(),
        commit: Some("3f2a1bc".into()),
        version: "0.1.0".into(),
    }
}

/// The check's entry with a capacity of 41.0 [39.8, 42.1].
pub(crate) fn entry() -> BaselineCheck {
    let finding = finding(41.0, 39.8, 42.1);
    BaselineCheck {
        kind: "capacity".into(),
        knob: "rate".into(),
        digest: crate::config::digest(IDENTITY),
        config: IDENTITY.into(),
        metrics: finding.metrics,
        sd_log: 0.017,
        response: response(),
        margins: belief().margins.into_iter().collect(),
        seen: belief().seen,
        sequence: sequence(),
        trial: Duration::from_secs(25),
        trials: 14,
        elapsed: finding.elapsed,
    }
}

pub(crate) fn baseline() -> Baseline {
    Baseline {
        suite: "chat".into(),
        recorded: recorded(),
        environment: Environment {
            source: SourceKind::Managed,
            fingerprint: fingerprint(),
            calibration: None,
            machine_sd: None,
            runs: 1,
        },
        labels: BTreeMap::new(),
        history: BTreeMap::from([(
            CHECK.to_owned(),
            vec![HistoryEntry {
                time: "2026-11-21T09:12:00Z".into(),
                commit: Some("3f2a1bc".into()),
                value: 41.0,
                low: 39.8,
                high: 42.1,
                unit: "sessions/s".into(),
                reason: Some("first measurement".into()),
            }],
        )]),
        checks: BTreeMap::from([(CHECK.to_owned(), entry())]),
    }
}
