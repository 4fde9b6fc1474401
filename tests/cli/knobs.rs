//! Searches over something else than the load, from end to end.

use super::bench::Bench;
use super::faulty::{Fault, Server};
use serde_json::Value;

/// A suite of one check, in which no request may fail.
fn suite(target: &str, capacity: &str) -> Bench {
    Bench::with(&format!(
        "version: 1
suite: knobs
target: {target}
workload:
  sessions: {{ output_tokens: 24 }}
checks:
  limit:
    capacity: {{ {capacity}, precision: 1% }}
    slos: [ success >= 100% ]
budget: {{ time: 60s }}
"
    ))
}

/// Measures, and holds what was found against the truth.
fn finds(bench: &Bench, truth: f64, unit: &str) -> Value {
    let ran = bench.run(&["measure"]).exits(0).prints(&["MEASURED: `limit` carries ", unit]);
    let check = bench.results()["checks"][0].clone();
    let capacity = &check["metrics"]["capacity"];
    let end = |key: &str| capacity[key].as_f64().unwrap();
    assert!((end("low")..=end("high")).contains(&truth), "{capacity}\n{ran}");
    assert!((end("value") / truth - 1.0).abs() < 0.05, "{capacity}\n{ran}");
    assert_eq!(capacity["unit"], unit);
    check
}

#[test]
fn the_longest_prompt_is_the_context_of_the_demo_less_the_output() {
    let demo = "{ demo: { profile: llm, context: 1_000 } }";
    let bench = suite(demo, "knob: prompt_tokens, from: 16, to: 4_000, concurrency: 2");
    let check = finds(&bench, 1_000.0 - 24.0, "tokens");
    assert_eq!(check["trials"][0]["load"]["value"], 2.0);
    assert_eq!(check["binding"]["slo"], "success >= 100%");
}

#[test]
fn an_answer_that_ends_before_the_length_that_is_varied_is_not_ok() {
    let demo = "{ demo: { profile: llm, context: 256, step: 1ms }, extra: { ignore_eos: IGNORE } }";
    let knob = "knob: output_tokens, from: 64, to: 1_000";
    let whole = suite(&demo.replace("IGNORE", "true"), knob);
    finds(&whole, 256.0 - 128.0, "tokens");
    let short = suite(&demo.replace("IGNORE", "false"), knob);
    let ran = short.run(&["measure"]).exits(1);
    ran.prints(&["short", "of the 64 tokens that were asked for", "ignore_eos: true"]);
    let results = short.results();
    let trials = results["checks"][0]["trials"].as_array().unwrap();
    assert!(trials.iter().any(|trial| trial["counts"]["short"].as_u64() > Some(0)), "{results}");
}

#[test]
fn a_parameter_and_the_items_of_a_request_are_found_where_the_server_refuses_more() {
    let server = Server::start(Fault::RefusesAbove(40));
    let target = |request: &str| {
        format!(
            "{{ url: \"{}\", api: http, request: {{ method: POST, {request} }} }}",
            server.url()
        )
    };
    let parameter = target("path: \"/?k={top_k}\"");
    let bench = suite(&parameter, "knob: { parameter: top_k }, from: 1, to: 1_000");
    finds(&bench, 40.0, "top_k");
    let ran = bench.run(&["trial", "--rate", "5"]).exits(2);
    ran.says(&["a single trial gives `{top_k}` in the request no value"]);
    let items = target("path: \"/?k={item_count}\", body: \"[{items}]\", item: \"{item}\"");
    let bench = suite(&items, "knob: items, from: 1, to: 1_000, rate: 20, trial: 1s");
    let check = finds(&bench, 40.0, "items");
    let items = |key: &str| check["items"][key].as_f64();
    assert_eq!(items("per_request"), items("at"));
    assert!(items("per_s") > Some(100.0), "{check}");
}
