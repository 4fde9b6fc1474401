//! Two targets by turns.

use super::bench::Bench;

/// Two demos, and so few trials that they are one pair.
const SUITE: &str = "\
version: 1
suite: pair
target: { demo: { profile: llm } }
base: { demo: { profile: llm } }
workload:
  sessions: { prompt_tokens: 20, output_tokens: 4 }
checks:
  rate:
    capacity: { knob: rate, from: 40, to: 60, trial: 1s, max_trials: 3 }
    slos: [ p95 ttfc < 500ms ]
budget: { time: 1m }
";

#[test]
fn base_and_head_are_started_and_played_by_turns() {
    let bench = Bench::with(SUITE);
    let ran = bench.run(&["compare"]).exits(3);
    ran.says(&["base ready at", "target ready at", "base trial", "head trial"]);
    let sides: Vec<String> =
        bench.journal()[1..].iter().map(|entry| format!("{}", entry["trial"]["side"])).collect();
    assert_eq!(sides, ["\"base\"", "\"base\"", "\"head\""], "a probe and a pair");
    let results = bench.results();
    assert_eq!(results["verb"], "compare");
    assert_eq!(results["target"]["base"], "demo `llm`");
    assert_eq!(results["checks"][0]["conclusion"]["kind"], "compared");
    assert!(results["checks"][0]["gates"][0]["probability"].is_number());
    for log in ["target.log", "target-base.log"] {
        bench.in_run(log);
    }
}

#[test]
fn what_cannot_be_compared_is_refused_before_anything_starts() {
    let bench = Bench::with(SUITE);
    let alone = SUITE.replace("base: { demo: { profile: llm } }\n", "");
    bench.write("alone.yml", &alone);
    bench.write(
        "exact.yml",
        SUITE.replace("    slos:", "    gate: { capacity: { max_drop: 0% } }\n    slos:"),
    );
    bench.write("spoken.yml", SUITE.replace("base: { demo", "base: { api: http, demo"));
    for (arguments, says) in [
        (&["compare", "--config", "alone.yml"][..], "nothing to compare the target with"),
        (&["compare", "http://127.0.0.1:1"], "HEAD_URL"),
        (&["compare", "nowhere", "http://127.0.0.1:1"], "`nowhere` is no base URL"),
        (&["compare", "--config", "exact.yml"], "`rate` cannot be compared"),
        (&["compare", "--config", "spoken.yml"], "`base` is spoken to as `target` is"),
    ] {
        bench.run(arguments).exits(2).says(&[says]);
    }
    assert!(!bench.path(".plimsoll").exists());
}

#[test]
fn a_base_that_does_not_answer_is_named_and_nothing_is_left_running() {
    let bench = Bench::with(SUITE);
    bench
        .run(&["compare", "http://127.0.0.1:1", "http://127.0.0.1:1"])
        .exits(4)
        .says(&["http://127.0.0.1:1 does not answer"]);
}
