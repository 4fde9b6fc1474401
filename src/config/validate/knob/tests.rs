//! Which knobs a suite can have, and which it cannot.

use super::super::{Invalid, read};
use crate::config::Plan;
use crate::config::plan::{FixedLoad, Knob, Method};
use crate::config::problem::Code;
use crate::units::Rate;
use crate::workload::{Arrivals, Dial};
use std::num::NonZeroU32;
use std::path::Path;

const CHAT: &str = "{ url: \"http://a\", model: m, extra: { deep: [{ k: \"{top_k}\" }] } }";
const BATCH: &str = "{ url: \"http://a\", api: http, request: { method: POST, path: \"/{top_k}\", \
                     body: \"[{items}]\", item: \"{item}\" } }";

/// A suite of one check: `capacity`, and what follows the conditions.
fn suite(target: &str, capacity: &str, slo: &str, rest: &str) -> Result<Plan, Box<Invalid>> {
    let text = format!(
        "version: 1\nsuite: s\ntarget: {target}\nchecks:\n  c:\n    capacity: {{ {capacity} }}\n    \
         slos: [\"{slo}\"]\n{rest}"
    );
    read(Path::new("f"), &text, &[], &|_| None)
}

fn knob(target: &str, capacity: &str) -> Result<Knob, Vec<(Code, String)>> {
    let plan = suite(target, &format!("{capacity}, from: 1"), "p99 e2e < 1s", "");
    plan.map(|plan| plan.checks["c"].capacity.knob.clone()).map_err(|invalid| {
        invalid.problems.iter().map(|problem| (problem.code, problem.what.clone())).collect()
    })
}

#[test]
fn each_knob_is_read_with_the_load_under_it() {
    let closed = |n| FixedLoad::Concurrency(NonZeroU32::new(n).unwrap());
    let rate = Rate::per_second(2.5).unwrap();
    for (target, capacity, dial, load) in [
        (CHAT, "knob: { parameter: top_k }", Dial::Parameter("top_k".into()), closed(1)),
        (
            BATCH,
            "knob: { parameter: top_k }, concurrency: 8",
            Dial::Parameter("top_k".into()),
            closed(8),
        ),
        (
            BATCH,
            "knob: items, rate: 2.5, arrivals: constant",
            Dial::Items,
            FixedLoad::Rate(rate, Arrivals::Constant),
        ),
    ] {
        assert_eq!(knob(target, capacity), Ok(Knob::Dial(dial, load)), "{capacity}");
    }
    let plain = CHAT.replace("{top_k}", "no");
    for (name, dial) in [
        ("prompt_tokens", Dial::PromptTokens),
        ("output_tokens", Dial::OutputTokens),
        ("turns", Dial::Turns),
    ] {
        let capacity = format!("knob: {name}, rate: 2.5");
        let load = FixedLoad::Rate(rate, Arrivals::Poisson);
        assert_eq!(knob(&plain, &capacity), Ok(Knob::Dial(dial, load)));
    }
}

/// A target, a search on it, and the one problem that it is.
const REFUSED: &[(&str, &str, Code, &str)] = &[
    (
        "plain",
        "knob: { parameter: top_k }",
        Code::Conflict,
        "no request has `top_k`: the knob would turn nothing",
    ),
    ("plain", "knob: items", Code::Conflict, "no request has `items`: the knob would turn nothing"),
    ("idle", "knob: items", Code::Conflict, "no request has `items`: the knob would turn nothing"),
    (
        "idle",
        "knob: prompt_tokens",
        Code::Conflict,
        "no request has `prompt_tokens`: the knob would turn nothing",
    ),
    (
        "idle",
        "knob: output_tokens",
        Code::Conflict,
        "no request has `output_tokens`: the knob would turn nothing",
    ),
    (
        "plain",
        "knob: { parameter: top-k }",
        Code::Name,
        "`top-k` cannot be the name of a parameter",
    ),
    ("plain", "knob: { parameter: prompt }", Code::Name, "`prompt` has a meaning of its own"),
    ("plain", "knob: { parameter: rate }", Code::Name, "`rate` has a meaning of its own"),
    (
        "plain",
        "knob: rate, concurrency: 3",
        Code::Conflict,
        "`concurrency` fixes the load, and `knob: rate` varies it",
    ),
    (
        "plain",
        "knob: concurrency, rate: 3",
        Code::Conflict,
        "`rate` fixes the load, and `knob: concurrency` varies it",
    ),
    (
        "plain",
        "knob: turns, rate: 3, concurrency: 3",
        Code::Conflict,
        "`rate` and `concurrency` are two loads",
    ),
    (
        "plain",
        "knob: turns, arrivals: poisson",
        Code::Conflict,
        "`arrivals` means nothing in closed loop",
    ),
    ("plain", "knob: turns, concurrency: 0", Code::OutOfRange, "`concurrency` is out of range"),
    ("plain", "knob: turns, rate: 0", Code::OutOfRange, "`rate` is out of range"),
    ("plain", "knob: turns, to: 1.5", Code::OutOfRange, "`to` must be a whole number of turns"),
    ("plain", "knob: turns, to: 10_001", Code::OutOfRange, "`to` is out of range"),
    ("plain", "knob: turns, sequences: 10", Code::OutOfRange, "`sequences` is out of range"),
];

#[test]
fn what_would_turn_nothing_or_contradict_is_refused() {
    let plain = CHAT.replace("{top_k}", "no");
    let idle = BATCH.replace("{items}", "7").replace(", item: \"{item}\"", "");
    for (target, capacity, code, what) in REFUSED {
        let target = if *target == "plain" { &plain } else { &idle };
        let found = knob(target, capacity).expect_err(capacity);
        assert_eq!(found, [(*code, (*what).to_owned())], "{capacity}");
    }
}

#[test]
fn a_parameter_has_a_value_in_every_check_or_none() {
    let other = "  d:\n    capacity: { knob: rate, from: 1 }\n    slos: [\"p99 e2e < 1s\"]\n";
    let invalid = suite(CHAT, "knob: { parameter: top_k }, from: 1", "p99 e2e < 1s", other);
    insta::assert_snapshot!(invalid.unwrap_err().problems.iter().next().unwrap().what,
        @"this check gives `{top_k}` in the request no value");
}

#[test]
fn items_belong_to_a_plain_request() {
    let with = |target: &str, count: u32| {
        let rest = format!("workload: {{ items_per_request: {count} }}\n");
        suite(target, "knob: turns, from: 1", "p99 e2e < 1s", &rest)
    };
    let chat = CHAT.replace("{top_k}", "no");
    let unused = BATCH.replace("[{items}]", "none");
    for (target, count, is_right) in [
        (BATCH, 100, true),
        (BATCH, 0, false),
        (BATCH, 100_001, false),
        (&chat, 2, false),
        (&unused, 2, false),
    ] {
        assert_eq!(with(target, count).is_ok(), is_right, "{target} {count}");
    }
}

#[test]
fn what_must_be_exact_is_halved_and_only_another_choice_changes_the_identity() {
    let gate = |drop: &str| format!("    gate: {{ capacity: {{ max_drop: {drop} }} }}\n");
    let of = |capacity: &str, slo: &str, drop: &str| {
        let plan = suite(BATCH, capacity, slo, &gate(drop)).unwrap();
        let check = &plan.checks["c"];
        (check.capacity.method, check.capacity.sequences, check.digest.clone())
    };
    let turns = "knob: turns, from: 1";
    for (slo, drop, method) in [
        ("success >= 100%", "10%", Method::Bisect),
        ("error_rate <= 0%", "10%", Method::Bisect),
        ("p99 e2e < 1s", "0%", Method::Bisect),
        ("p99 e2e < 1s", "10%", Method::Posterior),
    ] {
        let (found, sequences, digest) = of(turns, slo, drop);
        assert_eq!((found, sequences), (method, 1), "{slo} {drop}");
        let (same, other) = match method {
            Method::Bisect => ("bisect", "posterior"),
            Method::Posterior => ("posterior", "bisect"),
        };
        let named = |name: &str| of(&format!("{turns}, method: {name}"), slo, drop).2;
        assert_eq!(named(same), digest);
        assert_ne!(named(other), digest);
        assert_eq!(of(&format!("{turns}, sequences: 1"), slo, drop).2, digest);
        assert_ne!(of(&format!("{turns}, sequences: 2"), slo, drop).2, digest);
        assert_ne!(of(&format!("{turns}, concurrency: 2"), slo, drop).2, digest);
        assert_ne!(of(&format!("{turns}, rate: 1"), slo, drop).2, digest);
    }
}
