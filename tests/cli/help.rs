//! `--help` of the program and of each verb, as it is read.

use super::bench::Bench;

/// Every verb that a person may use.
const VERBS: [&[&str]; 16] = [
    &[],
    &["check"],
    &["measure"],
    &["compare"],
    &["trial"],
    &["baseline"],
    &["baseline", "accept"],
    &["baseline", "show"],
    &["baseline", "diff"],
    &["history"],
    &["report"],
    &["publish"],
    &["selftest"],
    &["init"],
    &["schema"],
    &["demo"],
];

#[test]
fn the_help_of_each_verb_reads_well() {
    let bench = Bench::new();
    for verb in VERBS {
        let ran = bench.run(&[verb, &["--help"]].concat()).exits(0);
        let name = if verb.is_empty() { "plimsoll".to_owned() } else { verb.join("-") };
        insta::assert_snapshot!(format!("help-{name}"), ran.stdout);
        let widest = ran.stdout.lines().map(str::len).max();
        assert!(widest <= Some(100), "{name}: {widest:?}");
        assert_eq!(ran.stderr, "");
    }
}

#[test]
fn the_help_shows_no_value_of_the_environment() {
    let bench = Bench::new();
    let variables = [("PLIMSOLL_CONFIG", "private.yml"), ("PLIMSOLL_OUT", "private")];
    for verb in VERBS {
        let arguments = [verb, &["--help"]].concat();
        let ran = bench.run_with(&arguments, &variables).exits(0);
        assert!(!ran.stdout.contains("private"), "{ran}");
    }
}

#[test]
fn every_verb_of_the_overview_has_its_help_here() {
    let bench = Bench::new();
    for (verb, listed) in [(&[][..], 12), (&["baseline"], 3)] {
        let overview = bench.run(&[verb, &["--help"]].concat()).exits(0).stdout;
        let commands = overview.split_once("Commands:\n").unwrap().1.split("\n\n").next().unwrap();
        // A name stands two columns in; what goes on from the line before stands further in.
        let lines = commands.lines().filter(|line| !line.starts_with("   "));
        let names: Vec<&str> = lines.filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(names.len(), listed + 1, "{names:?}");
        for name in names.into_iter().filter(|name| *name != "help") {
            assert!(VERBS.contains(&&*[verb, &[name]].concat()), "{name}");
        }
    }
}

#[test]
fn without_a_verb_the_overview_is_an_error() {
    let ran = Bench::new().run(&[]).exits(2).says(&["Commands:", "Exit codes:"]);
    assert_eq!(ran.stdout, "");
}
