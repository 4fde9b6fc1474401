//! How typical mistakes read: the whole text that a user sees.

use super::tests::{GOOD, edited, shown};

fn after(from: &str, to: &str) -> String {
    shown(&edited(from, to), &[])
}

#[test]
fn mistakes_in_values_read_well() {
    insta::assert_snapshot!(after("from: 1, to: 9", "from: 90, to: 9"), @r##"
    error[config/conflict]: `from` (90) must be below `to` (9)
      --> plimsoll.yml:11:35
       |
    11 |     capacity: { knob: rate, from: 90, to: 9 }
       |                                   ^^      - `to` is here
       |
       = help: swap or widen them
    "##);
    insta::assert_snapshot!(after("p99 ttfc < 1s", "p99 tffc < 1s"), @r##"
    error[config/slo]: unknown metric `tffc`
      --> plimsoll.yml:12:17
       |
    12 |     slos: ["p99 tffc < 1s"]
       |                 ^^^^
       |
       = help: did you mean `ttfc`?
    "##);
    insta::assert_snapshot!(after("time: 8m", "time: 8"), @r##"
    error[config/quantity]: `8` has no unit
      --> plimsoll.yml:14:17
       |
    14 | budget: { time: 8, requests: 100_000 }
       |                 ^ `budget.time` must be a time
       |
       = help: write `8s` or `8ms`
    "##);
    insta::assert_snapshot!(after("knob: rate", "knob: rps"), @r##"
    error[config/unknown-value]: `rps` is not a knob
      --> plimsoll.yml:11:23
       |
    11 |     capacity: { knob: rps, from: 1, to: 9 }
       |                       ^^^ `checks.rate.capacity.knob` must be a knob
       |
       = help: write rate or concurrency or prompt_tokens or output_tokens or turns or items or { parameter: top_k }
    "##);
}

#[test]
fn mistakes_in_the_structure_read_well() {
    insta::assert_snapshot!(after("target:", "targte:"), @r##"
    error[config/unknown-key]: unknown key `targte` in the suite
     --> plimsoll.yml:3:1
      |
    3 | targte:
      | ^^^^^^ not a key of this section
      |
      = help: did you mean `target`?
    "##);
    insta::assert_snapshot!(after("[./server, --port, \"{port}\"]", "./server --port 80"), @r##"
    error[config/wrong-type]: `target.command` must be a list, not text
     --> plimsoll.yml:4:12
      |
    4 |   command: ./server --port 80
      |            ^^^^^^^^^^^^^^^^^^ here
      |
      = help: write `[first, second]`: a list has brackets, and commas between its items
    "##);
    insta::assert_snapshot!(after("  model: m", "  model: m\n  url: http://a\n  model: n"), @r##"
    error[config/conflict]: `target` has both `command` and `url`
     --> plimsoll.yml:6:8
      |
    4 |   command: [./server, --port, "{port}"]
      |   ------- `command` is here
    5 |   model: m
    6 |   url: http://a
      |        ^^^^^^^^
      |
      = help: keep the one that is to be tested

    error[config/repeated-key]: `model` is written twice
     --> plimsoll.yml:7:3
      |
    5 |   model: m
      |   ----- first here
    6 |   url: http://a
    7 |   model: n
      |   ^^^^^ again here
      |
      = help: keep one of them; only one could count
    "##);
    insta::assert_snapshot!(after("    slos: [\"p99 ttfc < 1s\"]\n", ""), @r##"
    error[config/missing-key]: `slos` is missing
      --> plimsoll.yml:10:3
       |
    10 |   rate:
       |   ^^^^
       |
       = help: write what must hold: `slos: ["p99 ttfc < 500ms"]`
    "##);
    insta::assert_snapshot!(after("checks:", "\tchecks:"), @r##"
    error[config/syntax]: this cannot be read as YAML: tabs disallowed within this context (block indentation)
     --> plimsoll.yml:9:2
      |
    9 |     checks:
      |     ^
      |
      = help: indent with spaces
    "##);
}

#[test]
fn mistakes_outside_the_file_read_well() {
    insta::assert_snapshot!(shown(GOOD, &["checks.rate.capacity.from=20"]), @r##"
    error[config/conflict]: `from` (20) must be below `to` (9)
      --> --set:1:27
       |
     1 | checks.rate.capacity.from=20
       |                           ^^
       |
      ::: plimsoll.yml:11:42
       |
    11 |     capacity: { knob: rate, from: 1, to: 9 }
       |                                          - `to` is here
       |
       = help: swap or widen them
    "##);
    insta::assert_snapshot!(after("${KEY}", "${MISSING}"), @r##"
    error[config/environment]: the environment variable `MISSING` is not set, or empty
     --> plimsoll.yml:6:29
      |
    6 |   headers: { authorization: "Bearer ${MISSING}" }
      |                             ^^^^^^^^^^^^^^^^^^^
      |
      = help: set it before the run: `export MISSING=…`
    "##);
    insta::assert_snapshot!(shown(GOOD, &["target.model.name=x", "checks.rate.capacity.to=fast"]), @r##"
    error[config/set]: `target.model` is a single value and has no parts
     --> --set:1:14
      |
    1 | target.model.name=x
      |              ^^^^
      |
      = help: the path names keys of the suite, joined by dots

    error[config/wrong-type]: `checks.rate.capacity.to` must be a number, not text
     --> --set:1:25
      |
    1 | checks.rate.capacity.to=fast
      |                         ^^^^ here
      |
      = help: write a plain number, without unit and quotes
    "##);
    insta::assert_snapshot!(shown("benchmark_config: {}\n", &[]), @r##"
    error[config/other-tool]: this is a Veeksha configuration, not a suite
     --> plimsoll.yml:1:1
      |
    1 | benchmark_config: {}
      | ^^^^^^^^^^^^^^^^
      |
      = help: `plimsoll init` writes a suite to start from
    "##);
}
