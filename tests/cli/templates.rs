//! A user's own templates of report.md: used where there are any, and never silently not.

use super::bench::Bench;
use super::faulty::{Fault, Server, suite};
use super::usage::DEMO;

#[test]
fn a_folder_that_cannot_be_used_is_refused_before_the_start() {
    let bench = Bench::with(DEMO);
    bench.write("empty/readme.txt", "");
    bench.write("broken/report.md.j2", "line one\n{% if %}\n");
    let mut said = String::new();
    for folder in ["missing", "empty", "broken"] {
        let ran = bench.run(&["check", "--templates", folder]).exits(2);
        assert!(bench.runs().is_empty(), "{ran}");
        said += &ran.stderr;
    }
    insta::assert_snapshot!(said);
}

#[test]
fn the_report_is_rendered_by_the_templates_of_the_user() {
    let server = Server::start(Fault::NotFound);
    let bench = Bench::with(&suite(&format!("url: {}", server.url())));
    bench.write("own/report.md.j2", "Our own page, {{ 6 * 7 }}\n");
    bench.write("own/summary.md.j2", "Our own page, {{ 6 * 7 }}");
    bench.write("wrong/report.md.j2", "{{ no_such_name }}\n");
    let summary = bench.path("summary").display().to_string();
    let variables = [("PLIMSOLL_TEMPLATES", "own"), ("GITHUB_STEP_SUMMARY", &summary)];
    let quick = ["measure", "--ci", "github", "--format", "markdown"];
    let ran = bench.run_with(&quick, &variables);
    for page in [&ran.stdout, &bench.in_run("report.md"), &bench.read("summary")] {
        assert_eq!(page, "Our own page, 42\n", "{ran}");
    }
    let report = ["report", "--format", "markdown"];
    let built_in = bench.run_with(&report, &[("PLIMSOLL_TEMPLATES", "")]).exits(0);
    assert!(built_in.stdout.starts_with("### "), "{built_in}");
    let wrong = bench.run(&[&report[..], &["--templates", "wrong"]].concat()).exits(2);
    wrong.says(&["template `report.md.j2` cannot be used", "undefined value"]);
}
