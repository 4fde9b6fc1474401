//! What changes what is measured, as text and as a digest. How the target is started is left out,
//! for that is what is under test; so are limits of the gate, which change only the verdict.

use super::canonical;
use super::node::Node;
use super::plan::{
    Api, BetweenTrials, CapacityPlan, ConnectionMode, FixedLoad, HttpVersion, Knob, Method,
    SloPlan, TargetPlan, TargetSource,
};
use crate::units::{Quantity, Unit};
use crate::workload::{Arrivals, Dial, HistoryMode, Length, SessionLaw, ThinkTime};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

/// Canonical YAML: the same text for the same measurement, whatever the order, units and comments
/// of the suite. `default` is the method where none is named.
pub(crate) fn text(
    target: &TargetPlan,
    seed: u64,
    sessions: &SessionLaw,
    (capacity, default): (&CapacityPlan, Method),
    slos: &[SloPlan],
) -> String {
    let mut identity = json!({
        "kind": "capacity",
        "knob": capacity.knob.name(),
        "trial": capacity.trial.map_or_else(|| "auto".to_owned(), time),
        "slos": slos.iter().map(|plan| plan.slo.to_string()).collect::<BTreeSet<_>>(),
        "workload": {
            "seed": seed,
            "turns": length(sessions.turns),
            "prompt_tokens": length(sessions.prompt_tokens),
            "output_tokens": length(sessions.output_tokens),
            "think_time": match sessions.think_time {
                ThinkTime::Fixed(fixed) => json!(time(fixed)),
                ThinkTime::Exponential(mean) => json!({ "exponential": time(mean) }),
            },
            "history": match sessions.history {
                HistoryMode::Inherit => "inherit",
                HistoryMode::None => "none",
            },
        },
        "api": api(&target.api),
        "timeouts": {
            "connect": time(target.timeouts.connect),
            "first_chunk": time(target.timeouts.first_chunk),
            "between_chunks": time(target.timeouts.between_chunks),
            "total": time(target.timeouts.total),
        },
        "status": { "ok": codes(&target.status.ok), "shed": codes(&target.status.shed) },
        "connection": match target.connection {
            ConnectionMode::Pooled => "pooled",
            ConnectionMode::PerSession => "per_session",
            ConnectionMode::New => "new",
        },
    });
    knob(&mut identity, &capacity.knob);
    if capacity.method != default {
        let named = Method::ALL.iter().find(|(method, _)| *method == capacity.method);
        add(&mut identity, "method", json!(named.map(|(_, name)| name)));
    }
    if capacity.sequences > 1 {
        add(&mut identity, "sequences", json!(capacity.sequences));
    }
    if let Api::Http(request) = &target.api
        && request.items_per_request > 1
        && let Some(workload) = identity.get_mut("workload")
    {
        add(workload, "items_per_request", json!(request.items_per_request));
    }
    if matches!(target.source, TargetSource::Url(_)) {
        add(&mut identity, "labels", json!(target.labels));
    }
    if let HttpVersion::Two { connections } = target.http {
        add(&mut identity, "http", json!({ "version": 2, "connections": connections }));
    }
    match &capacity.between_trials {
        BetweenTrials::Keep => {}
        BetweenTrials::Restart => add(&mut identity, "between_trials", json!("restart")),
        BetweenTrials::Reset { method, path } => {
            let reset = json!({ "reset": format!("{method} {path}") });
            add(&mut identity, "between_trials", reset);
        }
    }
    canonical::yaml(&Node::from_json(&identity))
}

/// What a knob does not say by its name: how sessions arrive, and the load under another knob.
fn knob(identity: &mut Value, knob: &Knob) {
    let dial = match knob {
        Knob::Rate(arrivals) => return add(identity, "arrivals", self::arrivals(*arrivals)),
        Knob::Concurrency => return,
        Knob::Dial(dial, FixedLoad::Concurrency(sessions)) => {
            add(identity, "load", json!({ "concurrency": sessions }));
            dial
        }
        Knob::Dial(dial, FixedLoad::Rate(rate, arrivals)) => {
            let arrivals = self::arrivals(*arrivals);
            let rate = rate.as_per_second();
            add(identity, "load", json!({ "rate": rate, "arrivals": arrivals }));
            dial
        }
    };
    if let Dial::Parameter(name) = dial {
        add(identity, "knob", json!({ "parameter": **name }));
    }
}

/// SHA-256 of an identity, in lower-case hexadecimal.
pub(crate) fn digest(identity: &str) -> String {
    Sha256::digest(identity.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn add(identity: &mut Value, key: &str, value: Value) {
    if let Value::Object(map) = identity {
        map.insert(key.to_owned(), value);
    }
}

fn time(time: Duration) -> String {
    Quantity::new(time.as_secs_f64(), Unit::Seconds).map_or_else(String::new, |q| q.to_string())
}

/// Status codes as text, runs of them as `200-299`, so that a diff stays short.
fn codes(codes: &BTreeSet<u16>) -> Vec<String> {
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for &code in codes {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == code => *last = code,
            _ => runs.push((code, code)),
        }
    }
    let text = |(first, last): (u16, u16)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    runs.into_iter().map(text).collect()
}

fn length(length: Length) -> Value {
    match length {
        Length::Fixed(length) => json!(length),
        Length::Uniform(low, high) => json!({ "uniform": [low, high] }),
        Length::Normal { mean, sd, min, max } => {
            json!({ "normal": { "mean": mean, "sd": sd, "min": min, "max": max } })
        }
        Length::Zipf { exponent, min, max } => {
            json!({ "zipf": { "exponent": exponent, "min": min, "max": max } })
        }
    }
}

fn arrivals(arrivals: Arrivals) -> Value {
    match arrivals {
        Arrivals::Poisson => json!("poisson"),
        Arrivals::Constant => json!("constant"),
        Arrivals::Gamma { cv } => json!({ "gamma": { "cv": cv } }),
    }
}

fn api(api: &Api) -> Value {
    match api {
        Api::OpenAiChat { path, model, stream, extra } => json!({
            "name": "openai-chat", "path": path, "model": model, "stream": stream, "extra": extra,
        }),
        Api::Http(request) => {
            let mut api = json!({
                "name": "http",
                "method": request.method,
                "path": request.path,
                "body": request.body,
            });
            if let Some(item) = &request.item {
                add(&mut api, "item", json!(item));
            }
            api
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::validate::read;
    use std::path::Path;

    const SUITE: &str = r#"version: 1
suite: chat
target: { url: "http://a", model: m, labels: { gpu: H100 }, headers: { x-a: "1" } }
checks:
  rate:
    capacity: { knob: rate, from: 1, to: 9, trial: 10s }
    slos: ["p99 ttfc < 1s", "error_rate < 1%"]
"#;

    fn identity(edits: &[(&str, &str)]) -> (String, String) {
        let text = edits.iter().fold(SUITE.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        let plan = read(Path::new("f"), &text, &[], &|_| None).unwrap();
        let check = plan.checks.values().next().unwrap();
        (check.identity.clone(), check.digest.clone())
    }

    #[test]
    fn the_text_and_the_digest_are_pinned() {
        // A change here makes every committed baseline incomparable.
        let (text, digest) = identity(&[]);
        insta::assert_snapshot!(text, @r##"
        api:
          extra: {}
          model: m
          name: openai-chat
          path: "/v1/chat/completions"
          stream: true
        arrivals: poisson
        connection: pooled
        kind: capacity
        knob: rate
        labels:
          gpu: H100
        slos:
          - "error_rate < 1%"
          - "p99 ttfc < 1s"
        status:
          ok:
            - "200-299"
          shed:
            - "429"
            - "503"
        timeouts:
          between_chunks: "10s"
          connect: "5s"
          first_chunk: "30s"
          total: "120s"
        trial: "10s"
        workload:
          history: inherit
          output_tokens: 64
          prompt_tokens: 128
          seed: 42
          think_time: "0s"
          turns: 1
        "##);
        insta::assert_snapshot!(digest, @r##"
        7949602813ee01edb2e1a71ffc19794da155c124dfa24e4639f6274bce3cc99e
        "##);
    }

    #[test]
    fn what_changes_the_measurement_changes_the_digest_and_nothing_else_does() {
        let (_, before) = identity(&[]);
        for edit in [
            ("model: m", "model: n"),
            ("model: m", "model: m, path: /x"),
            ("model: m", "model: m, stream: false"),
            ("model: m", "model: m, extra: { ignore_eos: true }"),
            ("model: m", "model: m, timeouts: { total: 60s }"),
            ("model: m", "model: m, status: { ok: [200] }"),
            ("model: m", "model: m, connection: new"),
            ("model: m", "model: m, http: 2"),
            ("model: m", "model: m, http: 2, connections: 2"),
            ("gpu: H100", "gpu: H200"),
            ("checks:", "workload: { seed: 1 }\nchecks:"),
            ("checks:", "workload: { sessions: { turns: 2 } }\nchecks:"),
            ("ttfc < 1s", "ttfc < 2s"),
            ("trial: 10s", "trial: 11s"),
            ("knob: rate", "knob: rate, arrivals: constant"),
            ("knob: rate", "knob: concurrency"),
            ("to: 9", "to: 9, between_trials: { reset: POST /reset }"),
        ] {
            assert_ne!(identity(&[edit]).1, before, "{edit:?}");
        }
        for edit in [
            ("suite: chat", "suite: other # a comment"),
            ("  rate:", "  another-name:"),
            ("http://a", "http://b"),
            ("model: m", "model: m, http: 1"),
            ("x-a: \"1\"", "x-a: \"2\""),
            ("to: 9", "to: 90, precision: 5%, max_trials: 9"),
            ("trial: 10s", "trial: 10000ms"),
            ("trial: 10s", "trial: 10s, between_trials: keep"),
            ("slos: [", "gate: { capacity: { max_drop: 1% } }\n    slos: ["),
            ("\"p99 ttfc < 1s\", \"error_rate < 1%\"", "\"error_rate<1%\", \"p99 ttft < 1000ms\""),
            (", \"error_rate < 1%\"", ""),
            ("checks:", "workload: { seed: 42, sessions: { turns: { fixed: 1 } } }\nchecks:"),
            ("checks:", "budget: { time: 1h }\nfail_on: [regression]\nchecks:"),
        ] {
            assert_eq!(identity(&[edit]).1, before, "{edit:?}");
        }
    }

    #[test]
    fn faults_of_the_demo_and_the_command_are_what_is_under_test() {
        let target =
            "{ url: \"http://a\", model: m, labels: { gpu: H100 }, headers: { x-a: \"1\" } }";
        let demo = |demo: &str| identity(&[(target, &format!("{{ demo: {demo} }}"))]).1;
        assert_eq!(
            demo("{ profile: llm }"),
            demo("{ profile: llm, slowdown: 2, max_num_seqs: 1 }")
        );
        let command =
            |command: &str| identity(&[(target, &format!("{{ command: {command}, model: m }}"))]).1;
        assert_eq!(command("[./a, \"{port}\"]"), command("[./b, -O3, \"{port}\"]"));
        let restarted = identity(&[
            (target, "{ demo: { profile: llm } }"),
            ("trial: 10s", "trial: 10s, between_trials: restart"),
        ]);
        assert_ne!(restarted.1, demo("{ profile: llm }"));
    }
}
