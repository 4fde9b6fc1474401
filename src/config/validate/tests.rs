//! What users get wrong, and what they are told.

use super::{Invalid, read};
use crate::config::Plan;
use crate::config::plan::{Api, Budget, Knob, TargetSource};
use crate::config::problem::Code;
use crate::config::source::Origin;
use crate::units::Ratio;
use crate::workload::{Arrivals, HistoryMode, Length, ThinkTime};
use proptest::prelude::*;
use secrecy::ExposeSecret;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

pub(super) const GOOD: &str = r#"version: 1
suite: chat
target:
  command: [./server, --port, "{port}"]
  model: m
  headers: { authorization: "Bearer ${KEY}" }
workload:
  sessions: { prompt_tokens: { uniform: [1, 9] } }
checks:
  rate:
    capacity: { knob: rate, from: 1, to: 9 }
    slos: ["p99 ttfc < 1s"]
    gate: { capacity: { max_drop: 5% } }
budget: { time: 8m, requests: 100_000 }
"#;

fn lookup(name: &str) -> Option<String> {
    (name == "KEY").then(|| "s3cret-value".to_owned())
}

fn check(text: &str, sets: &[&str]) -> Result<Plan, Box<Invalid>> {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    read(Path::new("plimsoll.yml"), text, &sets, &lookup)
}

pub(super) fn edited(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replacen(from, to, 1)
}

pub(super) fn shown(text: &str, sets: &[&str]) -> String {
    let invalid = check(text, sets).unwrap_err();
    invalid.problems.render(&invalid.source_text, false)
}

#[test]
fn several_mistakes_are_reported_at_once() {
    let text = edited("version: 1", "version: 2")
        .replace("time: 8m", "time: 0s")
        .replace("max_drop", "max_dorp")
        .replace("uniform: [1, 9]", "uniform: [9, 1]")
        .replace("knob: rate", "knob: turn");
    let invalid = check(&text, &[]).unwrap_err();
    let codes: Vec<Code> = invalid.problems.iter().map(|problem| problem.code).collect();
    let expected = [
        Code::NotSupported,
        Code::Conflict,
        Code::UnknownValue,
        Code::UnknownKey,
        Code::OutOfRange,
    ];
    assert_eq!(codes, expected, "{}", shown(&text, &[]));
    assert_eq!(invalid.to_string(), "`plimsoll.yml` has 5 problems");
}

/// What is written instead of what, the code, and the text that is pointed at.
const MISTAKES: &[(&str, &str, Code, &str)] = &[
    ("version: 1", "version: 1.5", Code::OutOfRange, "1.5"),
    ("version: 1", "version: yes", Code::WrongType, "yes"),
    ("version: 1\n", "", Code::MissingKey, ""),
    ("suite: chat", "suite: ../chat", Code::Name, "../chat"),
    ("suite: chat", "suite: .chat", Code::Name, ".chat"),
    ("suite: chat", "suite:", Code::WrongType, "suite"),
    ("suite: chat", "suite: chat\nsuite: chat", Code::RepeatedKey, "suite"),
    ("suite: chat", "suite: ${KEY}", Code::Environment, "${KEY}"),
    ("suite: chat", "suite: *chat", Code::Syntax, "*"),
    ("  rate:", "  rate/x:", Code::Name, "rate/x"),
    ("  model: m\n", "", Code::MissingKey, "target"),
    ("model: m", "api: websocket", Code::NotSupported, "websocket"),
    ("model: m", "api: grpc", Code::UnknownValue, "grpc"),
    ("model: m", "model: m\n  request: {}", Code::Conflict, "request"),
    ("model: m", "model: m\n  path: chat", Code::Http, "chat"),
    ("model: m", "model: m\n  extra: { stream: false }", Code::Conflict, "stream"),
    ("model: m", "model: m\n  extra: { user: \"${KEY}\" }", Code::Environment, "user"),
    ("model: m", "model: m\n  cpus: 4", Code::NotSupported, "cpus"),
    ("model: m", "model: m\n  port: 70000", Code::OutOfRange, "70000"),
    ("model: m", "model: m\n  port: 0", Code::OutOfRange, "0"),
    ("model: m", "model: m\n  ready: { get: health }", Code::Http, "health"),
    ("model: m", "model: m\n  ready: { within: 0s }", Code::OutOfRange, "0s"),
    ("model: m", "model: m\n  demo: { profile: llm }", Code::Conflict, "demo"),
    ("model: m", "model: m\n  env: { 1X: a }", Code::Environment, "1X"),
    ("model: m", "model: m\n  env: { X: a }\n  pass_env: [X]", Code::Conflict, "X"),
    ("model: m", "model: m\n  status: { ok: [200], shed: [200] }", Code::Conflict, "200"),
    ("model: m", "model: m\n  status: { ok: [] }", Code::Empty, "ok"),
    ("model: m", "model: m\n  status: { ok: [20] }", Code::OutOfRange, "20"),
    ("model: m", "model: m\n  timeouts: { total: 1s, first_chunk: 2s }", Code::Conflict, "2s"),
    ("model: m", "model: m\n  timeouts: { total: 1s, connect: 2s }", Code::Conflict, "2s"),
    ("model: m", "model: m\n  timeouts: { total: -1s }", Code::OutOfRange, "-1s"),
    ("model: m", "model: m\n  timeouts: { total: 5 parsecs }", Code::Quantity, "5 parsecs"),
    ("model: m", "api: http\n  request: { method: get }", Code::Http, "get"),
    ("model: m", "api: http\n  stream: true", Code::Conflict, "true"),
    ("model: m", "model: m\n  stream: \"no\"", Code::WrongType, "\"no\""),
    (", \"{port}\"]", "]", Code::NoPort, "./server"),
    ("[./server, --port, \"{port}\"]", "[]", Code::Empty, "command"),
    ("authorization:", "bad header:", Code::Http, "bad header"),
    ("authorization:", "content-length:", Code::Http, "content-length"),
    ("${KEY}", "${KEY", Code::Environment, "\"Bearer ${KEY\""),
    ("uniform: [1, 9]", "uniform: [0, 9]", Code::OutOfRange, "0"),
    ("uniform: [1, 9]", "uniform: [1, 2, 3]", Code::OutOfRange, "uniform"),
    ("uniform: [1, 9]", "uniform: [1, 9], fixed: 3", Code::Conflict, "prompt_tokens"),
    ("{ uniform: [1, 9] }", "{}", Code::Conflict, "prompt_tokens"),
    ("{ uniform: [1, 9] }", "[1, 9]", Code::WrongType, "prompt_tokens"),
    ("uniform: [1, 9]", "normal: { mean: 5, sd: 0, max: 9 }", Code::OutOfRange, "0"),
    ("uniform: [1, 9]", "normal: { mean: 50, sd: 1, max: 9 }", Code::OutOfRange, "50"),
    ("uniform: [1, 9]", "normal: { sd: 1, max: 9 }", Code::MissingKey, "normal"),
    ("uniform: [1, 9]", "zipf: { exponent: 0, max: 9 }", Code::OutOfRange, "0"),
    ("uniform: [1, 9]", "zipf: { exponent: 1, min: 9, max: 8 }", Code::Conflict, "9"),
    ("from: 1", "from: 0", Code::OutOfRange, "0"),
    ("to: 9", "to: 1_000_001", Code::OutOfRange, "1_000_001"),
    ("from: 1", "from: 1/s", Code::WrongType, "1/s"),
    ("from: 1", "from: 9", Code::Conflict, "9"),
    ("from: 1", "from: 1, expand: 1", Code::OutOfRange, "1"),
    ("from: 1", "from: 1, precision: 0%", Code::OutOfRange, "0%"),
    ("from: 1", "from: 1, precision: 3s", Code::Quantity, "3s"),
    ("from: 1", "from: 1, max_trials: 0", Code::OutOfRange, "0"),
    ("from: 1", "from: 1, trial: 9m", Code::Conflict, "9m"),
    ("from: 1", "from: 1, arrivals: posson", Code::UnknownValue, "posson"),
    ("from: 1", "from: 1, arrivals: { gamma: {} }", Code::MissingKey, "gamma"),
    ("from: 1", "from: 1, arrivals: {}", Code::Conflict, "arrivals"),
    ("knob: rate", "knob: turn", Code::UnknownValue, "turn"),
    ("knob: rate", "knob: concurrency, arrivals: poisson", Code::Conflict, "poisson"),
    ("knob: rate, from: 1", "knob: concurrency, from: 1.5", Code::OutOfRange, "1.5"),
    ("rate, from: 1, to: 9", "concurrency, from: 1, to: 70000", Code::OutOfRange, "70000"),
    ("\"p99 ttfc < 1s\"", "", Code::Empty, "slos"),
    ("p99 ttfc < 1s", "p0 ttfc < 1s", Code::Slo, "p0"),
    ("p99 ttfc < 1s", "p99 ttfc < 1", Code::Slo, "1"),
    ("p99 ttfc < 1s", "p99.9999 ttfc < 1s", Code::Slo, "\"p99.9999 ttfc < 1s\""),
    ("\"p99 ttfc < 1s\"", "p99 ttfc < 1s, p99  ttft<1000ms", Code::Conflict, "p99  ttft<1000ms"),
    ("{ capacity: { max_drop: 5% } }", "{}", Code::Empty, "gate"),
    ("max_drop: 5%", "", Code::Empty, "capacity"),
    ("max_drop: 5%", "max_drop: 100%", Code::OutOfRange, "100%"),
    ("max_drop: 5%", "min: 5ms", Code::Quantity, "5ms"),
    ("max_drop: 5%", "min: 5, max: 4", Code::Conflict, "5"),
    ("max_drop: 5%", "max: 500", Code::Empty, "gate"),
    ("max_drop: 5%", "max_rise: 50%", Code::Empty, "gate"),
    ("max_drop: 5%", "min: 0", Code::Empty, "gate"),
    ("{ capacity: { max_drop: 5% }", "{ error_rate: { max: 0.5% }", Code::Empty, "gate"),
    ("5% }", "5% }, error_rate: { max: 1% }", Code::OutOfRange, "1%"),
    ("5% }", "5% }, error_rate: { max: 5 }", Code::Quantity, "5"),
    ("5% }", "5% }, error_rate: { max_rise: 50% }", Code::NotSupported, "50%"),
    ("5% }", "5% }, error_rate: { max_drop: 50%, max: 0.5% }", Code::NotSupported, "50%"),
    ("{ capacity: { max_drop", "{ capasity: { max_drop", Code::UnknownValue, "capasity"),
    ("{ capacity: { max_drop: 5% }", "{ ttft: { max: 1s }", Code::NotSupported, "ttft"),
    ("requests: 100_000", "requests: 0", Code::OutOfRange, "0"),
    ("requests: 100_000", "request: 5", Code::UnknownKey, "request"),
    ("budget:", "fail_on: []\nbudget:", Code::Empty, "fail_on"),
    ("budget:", "fail_on: [regresion]\nbudget:", Code::UnknownValue, "regresion"),
];

#[test]
fn each_mistake_has_its_code_and_its_place() {
    let mut wrong = Vec::new();
    for (from, to, code, place) in MISTAKES {
        let text = edited(from, to);
        let invalid = check(&text, &[]).expect_err(to);
        let found: Vec<(Code, &str, u32, bool)> = invalid
            .problems
            .iter()
            .map(|problem| {
                let span = problem.span;
                let part = &text[span.start..span.end];
                (problem.code, part, span.line, problem.hint.is_some())
            })
            .collect();
        let start = invalid.problems.iter().next().map_or(0, |problem| problem.span.start);
        let line = u32::try_from(text[..start].matches('\n').count()).unwrap() + 1;
        if found != [(*code, *place, line, true)] {
            let shown = invalid.problems.render(&invalid.source_text, false);
            wrong.push(format!("{to}: {found:?}\n{shown}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_is_left_out_has_its_default() {
    let text = "version: 1\nsuite: s\ntarget: { demo: { profile: llm } }\nchecks:\n  c:\n    \
                capacity: { knob: rate, from: 1 }\n    slos: [\"p99 ttfc < 1s\"]\n";
    let whole = check(GOOD, &["target.stream=false"]).unwrap();
    assert_eq!(whole.target.timeouts.first_chunk, Duration::from_secs(120));
    let plan = check(text, &[]).unwrap();
    let check = &plan.checks["c"];
    assert_eq!(plan.budget, Budget { time: Duration::from_secs(480), requests: 1_000_000 });
    assert_eq!((plan.seed, plan.fail_on.len()), (42, 5));
    assert_eq!(plan.sessions.turns, Length::Fixed(1));
    assert_eq!(plan.sessions.prompt_tokens, Length::Fixed(128));
    assert_eq!(plan.sessions.output_tokens, Length::Fixed(64));
    assert_eq!(plan.sessions.think_time, ThinkTime::Fixed(Duration::ZERO));
    assert_eq!(plan.sessions.history, HistoryMode::Inherit);
    assert_eq!(plan.target.timeouts.first_chunk, Duration::from_secs(30));
    assert_eq!(plan.target.timeouts.total, Duration::from_secs(120));
    assert!((200..300).all(|code| plan.target.status.ok.contains(&code)));
    assert_eq!(plan.target.status.shed, BTreeSet::from([429, 503]));
    assert_eq!(check.line, 5);
    assert_eq!(check.capacity.knob, Knob::Rate(Arrivals::Poisson));
    assert_eq!((check.capacity.to, check.capacity.trial), (None, None));
    assert_eq!(
        (check.capacity.max_trials, check.capacity.precision),
        (60, Ratio::new(0.025).unwrap())
    );
    assert_eq!(check.gates["capacity"].max_drop, Ratio::new(0.1));
    let slos: Vec<_> = check.slos.iter().map(|slo| (slo.slo.to_string(), slo.line)).collect();
    assert_eq!(slos, [("p99 ttfc < 1s".into(), Some(7)), ("error_rate < 1%".into(), None)]);
}

#[test]
fn a_bound_on_failures_is_added_only_where_there_is_none() {
    for (slo, count) in [
        ("p99 ttfc < 1s", 2),
        ("success >= 99%", 1),
        ("shed_rate < 5%", 1),
        ("error_rate < 100%", 1),
        ("success > 0%", 1),
        // None of these can fail, or bounds failures from above.
        ("success >= 0%", 2),
        ("success <= 99%", 2),
        ("error_rate <= 100%", 2),
        ("error_rate >= 0%", 2),
        ("shed_rate > 1%", 2),
    ] {
        let plan = check(&edited("p99 ttfc < 1s", slo), &[]).unwrap();
        assert_eq!(plan.checks["rate"].slos.len(), count, "{slo}");
    }
}

#[test]
fn a_limit_on_errors_must_lie_below_every_condition_on_them() {
    for (slos, max, is_fit) in [
        ("error_rate < 5%", "4.9%", true),
        ("error_rate < 5%", "5%", false),
        ("error_rate < 5%, error_rate <= 3%", "4%", false),
        ("success >= 99.9%", "0.2%", false),
        ("success >= 99.9%", "0.05%", true),
        ("shed_rate < 1%", "2%", true),
        ("error_rate < 5%, error_rate >= 0%", "2%", true),
    ] {
        let text = edited("\"p99 ttfc < 1s\"", slos)
            .replace("5% } }", &format!("5% }}, error_rate: {{ max: {max} }} }}"));
        assert_eq!(check(&text, &[]).is_ok(), is_fit, "{slos}: {max}");
    }
}

#[test]
fn what_was_written_arrives_in_the_plan() {
    let plan = check(
        GOOD,
        &[
            "target.status.ok=[200, 503]",
            "target.timeouts.total=20s",
            "target.env={A_B: \"$${X} ${KEY}\"}",
            "workload.sessions.think_time={exponential: 2s}",
            "checks.rate.capacity.arrivals={gamma: {cv: 2}}",
            "checks.rate.gate={capacity: {min: 3, max_rise: 150%}, error_rate: {max: 0.8%}}",
        ],
    )
    .unwrap();
    assert_eq!(plan.target.status.shed, BTreeSet::from([429]));
    assert_eq!(plan.target.timeouts.first_chunk, Duration::from_secs(20));
    let TargetSource::Managed(managed) = &plan.target.source else { panic!("{plan:?}") };
    assert_eq!(managed.env["A_B"].expose_secret(), "${X} s3cret-value");
    assert_eq!(plan.target.headers[0].1.expose_secret(), "Bearer s3cret-value");
    assert_eq!(plan.sessions.think_time, ThinkTime::Exponential(Duration::from_secs(2)));
    let rate = &plan.checks["rate"];
    assert_eq!(rate.capacity.knob, Knob::Rate(Arrivals::Gamma { cv: 2.0 }));
    let capacity = &rate.gates["capacity"];
    assert_eq!((capacity.min, capacity.max_rise), (Some(3.0), Some(1.5)));
    assert_eq!(rate.gates["error_rate"].max, Some(0.008));
}

#[test]
fn the_port_may_be_told_by_the_environment() {
    let text = GOOD.replacen(", \"{port}\"]", "]", 1);
    assert!(check(&text, &[]).is_err());
    let plan = check(&text, &["target.env={PORT: \"{port}\"}"]).unwrap();
    assert!(matches!(plan.target.source, TargetSource::Managed(_)));
}

#[test]
fn what_may_be_a_key_in_a_targets_environment_is_kept_out_of_its_log() {
    let env = "model: m\n  env: { LEVEL: warning, HUB: \"x ${KEY}\", HF_TOKEN: by-hand, \
               DB: \"pg://u:p@h\", TENANT: a }";
    // A short one by `--set` is rather a setting than a key.
    let sets = ["target.env.TENANT=by-setting", "target.env.LEVEL=info"];
    let plan = check(&edited("model: m", env), &sets).unwrap();
    let TargetSource::Managed(managed) = &plan.target.source else { panic!("{plan:?}") };
    let secrets: Vec<&str> = managed.secrets.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(secrets, ["x s3cret-value", "by-hand", "pg://u:p@h", "by-setting"]);
}

#[test]
fn the_demo_takes_its_overrides() {
    let set = "target={demo: {profile: llm, slowdown: 1.25, error_rate: 2%, leak: 64KiB, \
               freeze_every: 5s, max_num_seqs: 8, seed: 7, per_token: 0.5us}}";
    let plan = check(GOOD, &[set]).unwrap();
    let TargetSource::Demo(profile) = plan.target.source else { panic!("no demo") };
    assert_eq!((profile.max_num_seqs, profile.seed), (8, 7));
    assert_eq!(profile.per_token, Duration::from_nanos(500));
    assert_eq!(profile.faults.leak, 65_536);
    assert_eq!(profile.faults.freeze_every, Some(Duration::from_secs(5)));
    assert!((profile.faults.slowdown - 1.25).abs() < 1e-12);
    for (key, value) in [
        ("slowdown", "0"),
        ("slowdown", ".nan"),
        ("error_rate", "101%"),
        ("jitter", "-1%"),
        ("max_num_seqs", "0"),
        ("freeze_every", "0s"),
        ("leak", "-1B"),
        ("step", "0s"),
    ] {
        let set = format!("target={{demo: {{profile: llm, {key}: {value}}}}}");
        assert!(check(GOOD, &[&set]).is_err(), "{set}");
    }
}

#[test]
fn the_demo_is_asked_for_whole_answers_unless_the_suite_says_otherwise() {
    let ignores_eos = |target: &str| {
        let plan = check(GOOD, &[&format!("target={{{target}}}")]).unwrap();
        let Api::OpenAiChat { extra, .. } = plan.target.api else { panic!("no chat") };
        extra.get("ignore_eos").and_then(serde_json::Value::as_bool)
    };
    const DEMO: &str = "demo: {profile: llm}";
    assert_eq!(ignores_eos(DEMO), Some(true));
    assert_eq!(ignores_eos(&format!("{DEMO}, extra: {{ignore_eos: false}}")), Some(false));
    assert_eq!(ignores_eos("url: \"http://a\", model: m"), None);
}

#[test]
fn urls_are_checked() {
    for url in [
        "127.0.0.1:8000",
        "ftp://a",
        "http://",
        "http://a:99999",
        "http://user:pass@a",
        "http://a/?x=1",
        "http://a b",
    ] {
        let text = edited("command: [./server, --port, \"{port}\"]", &format!("url: {url:?}"));
        let invalid = check(&text, &[]).expect_err(url);
        let codes: Vec<Code> = invalid.problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, [Code::Http], "{url}");
    }
    for url in ["http://127.0.0.1:8000/", "https://a.b/v1", "http://[::1]:80"] {
        let text = edited("command: [./server, --port, \"{port}\"]", &format!("url: {url:?}"));
        let plan = check(&text, &[]).unwrap();
        let TargetSource::Url(given) = plan.target.source else { panic!("{url}") };
        assert_eq!(given, url.trim_end_matches('/'));
    }
    let long = format!("unix:/{}", "x".repeat(120));
    for url in ["unix:", "unix:a.sock", "unix://a.sock", "unix:/a/", long.as_str()] {
        let text = edited("command: [./server, --port, \"{port}\"]", &format!("url: {url:?}"));
        let invalid = check(&text, &[]).expect_err(url);
        let codes: Vec<Code> = invalid.problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, [Code::Http], "{url}");
    }
    for url in ["unix:/run/a.sock", "unix:///run/a.sock"] {
        let text = edited("command: [./server, --port, \"{port}\"]", &format!("url: {url:?}"));
        let plan = check(&text, &[]).unwrap();
        let TargetSource::Url(given) = plan.target.source else { panic!("{url}") };
        assert_eq!(given, "unix:/run/a.sock");
    }
}

#[test]
fn streamed_metrics_need_a_stream() {
    let text = edited("p99 ttfc < 1s", "p99 tbc < 1s");
    assert!(check(&text, &[]).is_ok());
    for set in ["target.stream=false", "target={url: http://a, api: http}"] {
        let invalid = check(&text, &[set]).unwrap_err();
        assert!(invalid.problems.iter().all(|problem| problem.code == Code::Slo), "{set}");
    }
}

#[test]
fn every_code_has_a_case() {
    let mut seen: BTreeSet<Code> = MISTAKES.iter().map(|(_, _, code, _)| *code).collect();
    // Shown in the snapshots above, and in the tests of `yaml` and `ca`.
    seen.extend([Code::Set, Code::OtherTool, Code::TooLarge, Code::File]);
    let unseen: Vec<_> = Code::ALL.iter().filter(|code| !seen.contains(code)).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}

#[test]
fn an_override_is_checked_like_the_file_and_named_as_what_it_is() {
    let plan = check(GOOD, &["checks.rate.capacity.to=50", "budget.requests=7"]).unwrap();
    assert_eq!(plan.budget.requests, 7);
    assert!(plan.resolved.contains("to: 50"), "{}", plan.resolved);
    for set in ["budget.time=0s", "budget.tim=1s", "checks.rate.slos.0=p99 x < 1s", "nothing"] {
        let invalid = check(GOOD, &[set]).expect_err(set);
        assert!(
            invalid.problems.iter().all(|problem| problem.span.origin == Origin::Set(0)),
            "{set}: {:?}",
            invalid.problems
        );
    }
}

#[test]
fn a_suite_of_nonsense_is_answered_briefly() {
    let keys: Vec<String> = (0..5_000).map(|n| format!("key{n}: 1")).collect();
    let long = format!("\"p99 {} < 1s\"", "x".repeat(100_000));
    for text in [
        keys.join("\n"),
        format!("{{ {} }}", keys.join(", ")),
        edited("\"p99 ttfc < 1s\"", &long),
        edited("suite: chat", &format!("suite: {}", "x".repeat(100_000))),
    ] {
        let shown = shown(&text, &[]);
        assert!(shown.len() < 200_000, "{} bytes", shown.len());
    }
}

#[test]
fn a_secret_is_printed_nowhere() {
    let plan =
        check(GOOD, &["target.headers.x-api-key=abc-by-hand", "target.env={TOKEN: abc-by-hand}"])
            .unwrap();
    let printed = format!("{plan:?}{}{}", plan.resolved, plan.checks["rate"].identity);
    assert!(printed.contains("${KEY}"), "{printed}");
    assert!(!printed.contains("s3cret") && !printed.contains("abc-by-hand"), "{printed}");
    let text = edited("\"Bearer ${KEY}\"", "\"${KEY}\\n${MISSING}\"");
    let invalid = check(&text, &["target.headers.x-api-key=[abc-by-hand]"]).unwrap_err();
    let printed =
        format!("{invalid:?}{invalid}{}", shown(&text, &["target.headers.x=[abc-by-hand]"]));
    assert!(!printed.contains("s3cret") && !printed.contains("abc-by-hand"), "{printed}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_suite_with_any_part_replaced_is_read_or_refused(
        at in 0usize..GOOD.len(),
        length in 0usize..30,
        with in "[-a-z0-9:\\[\\]{}\"$%<, \n]{0,12}",
    ) {
        let end = (at + length).min(GOOD.len());
        let text = format!("{}{with}{}", &GOOD[..at], &GOOD[end..]);
        if let Err(invalid) = check(&text, &[&with]) {
            prop_assert!(!invalid.problems.is_empty(), "{}", text);
            let _ = invalid.problems.render(&invalid.source_text, true);
        }
    }
}
