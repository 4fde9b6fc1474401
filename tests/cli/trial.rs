//! `plimsoll trial` with URLs: what is sent, what is told, what is kept.

use super::bench::{Bench, Ran};
use super::faulty::{Fault, Server};
use super::processes::eventually;
use super::seen::Seen;
use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

/// The lines of a trace: its head, and the requests.
fn trace(bench: &Bench, name: &str) -> (Value, Vec<Value>) {
    let text = bench.read(name);
    assert!(text.ends_with('\n'), "half a line: {text:?}");
    let mut lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (lines.next().unwrap(), lines.collect())
}

/// Runs a trial whose outcome is printed as JSON. It may be invalid on a machine that is busy.
#[track_caller]
fn measured(bench: &Bench, arguments: &[&str]) -> Value {
    let ran = bench.run(&[&["trial", "--format", "json"], arguments].concat());
    assert!(matches!(ran.code, Some(0 | 1 | 3 | 6)), "{ran}");
    json(&ran)
}

#[test]
fn sessions_take_turns_over_urls_that_are_whole_requests() {
    let (a, b, bench) = (Seen::start(), Seen::start(), Bench::new());
    let (first, second) = (a.url("/x?q=1"), b.url("/y"));
    let trial = measured(&bench, &[&first, &second, "--rate", "400", "--sessions", "120"]);
    assert_eq!(trial["counts"]["intended"], 120);
    for (server, line) in [(&a, "GET /x?q=1"), (&b, "GET /y")] {
        let requests = server.requests();
        assert!(requests.len() >= 60, "{}", requests.len());
        assert!(requests.iter().all(|request| request.line == line), "{:?}", requests[0]);
    }
}

#[test]
fn method_header_body_and_variables_arrive() {
    let (server, bench) = (Seen::start(), Bench::new());
    bench.write("body.json", "{\"n\": {session}, \"shell\": \"${NOT_OURS}\"}");
    let url = server.url("/items/{session}");
    let more = ["-H", "x-turn: {turn} of ${WHAT}", "--body", "@body.json", "-X", "put"];
    let load = ["trial", &url, "--concurrency", "2", "--sessions", "30"];
    bench.run_with(&[&load[..], &more].concat(), &[("WHAT", "one")]);
    let requests = server.requests();
    assert!(requests.len() >= 30);
    let found = requests.iter().find(|request| request.line == "PUT /items/7").unwrap();
    assert_eq!(found.header("x-turn"), Some("0 of one"));
    assert_eq!(found.header("content-type"), Some("application/json"));
    assert_eq!(found.body, "{\"n\": 7, \"shell\": \"${NOT_OURS}\"}");
    // With a body and no method it is a POST, and a path lies below the URL.
    let base = server.url("/api/");
    measured(&bench, &[&base, "--path", "/q", "--body", "x", "--rate", "100", "--sessions", "5"]);
    assert!(server.requests().iter().any(|request| request.line == "POST /api/q"));
}

#[test]
fn exactly_so_many_sessions_are_measured_as_asked_for() {
    let (server, bench) = (Seen::start(), Bench::new());
    let url = server.url("/a?key=hidden");
    let (at_rate, in_flight) = (["--rate", "300"], ["--concurrency", "3"]);
    for load in [at_rate, in_flight] {
        let more = ["--sessions", "111", "--warmup", "20", "--trace", "t", "--workers", "2"];
        let trial = measured(&bench, &[&[&*url][..], &load, &more].concat());
        assert_eq!(trial["counts"]["intended"], 111, "{load:?}");
        assert_eq!(trial["health"]["workers"], 2);
        let (head, rows) = trace(&bench, "t");
        assert_eq!(head["trace"], 1);
        assert!(head["start_monotonic_ns"].as_u64().unwrap() > 0, "{head}");
        assert_eq!(head["target"][0], server.url("/a?…"));
        let measured: BTreeSet<u64> = rows
            .iter()
            .filter(|row| row["measured"] == true)
            .map(|row| row["session"].as_u64().unwrap())
            .collect();
        assert_eq!(measured, (20..131).collect(), "{load:?}");
        assert!(rows.iter().all(|row| row["intended_ns"].as_u64() <= row["ended_ns"].as_u64()));
        let (requests, windows) = (&trial["requests"], trial["windows"].as_array().unwrap());
        let due: u64 = windows.iter().map(|window| window["intended"].as_u64().unwrap()).sum();
        assert_eq!(Some(due), requests.as_u64(), "{windows:?}");
        // What was in flight at the end, only to keep the load on, never ended.
        let left = windows.last().unwrap()["in_flight"].as_u64().unwrap();
        assert_eq!(rows.len() as u64 + left, due, "{windows:?}");
    }
}

#[test]
fn a_closed_loop_learns_how_much_fits_and_keeps_few_connections() {
    let (server, bench) = (Seen::start(), Bench::new());
    let load = ["--concurrency", "3", "--for", "500ms", "--trace", "t"];
    let trial = measured(&bench, &[&[&*server.url("/a")][..], &load].concat());
    assert_eq!(trial["index"], 1);
    // What was played to learn is not in the trace, and left no connection open.
    let (_, rows) = trace(&bench, "t");
    let left = trial["requests"].as_u64().unwrap() - rows.len() as u64;
    assert!((1..=1 + 3).contains(&left), "one to settle, and what was in flight: {left}");
    assert!(server.most_open() <= 3 + 3, "{}", server.most_open());
}

#[test]
fn a_header_is_never_printed() {
    const KEY: &str = "k3y-that-nobody-may-read";
    let (server, bench) = (Server::start(Fault::EchoesHeaders), Bench::new());
    let header = format!("authorization: Bearer {KEY}");
    for format in ["text", "json"] {
        let url = server.url();
        let load = ["--rate", "200", "--sessions", "120", "--trace", "t", "--body", "x"];
        let arguments = [&["trial", &url, "-H", &header, "--format", format][..], &load].concat();
        let ran = bench.run_with(&arguments, &[("PLIMSOLL_LOG", "trace")]);
        let ran = ran.prints(&["http_error", "status 401"]);
        assert!(!format!("{ran}{}", bench.read("t")).contains(KEY), "{ran}");
    }
    for wrong in [KEY.to_owned(), format!("x: a\n{KEY}"), format!("bad name: {KEY}")] {
        let ran = bench.run(&["trial", &server.url(), "--rate", "5", "-H", &wrong]).exits(2);
        assert!(ran.stderr.contains("--header") && !ran.stderr.contains(KEY), "{ran}");
    }
}

#[test]
fn the_exit_code_says_what_came_of_it() {
    let bench = Bench::new();
    let (fine, absent) = (Server::start(Fault::None), Server::start(Fault::NotFound));
    let (fine, absent) = (fine.url(), absent.url());
    let load = ["--rate", "100", "--sessions"];
    for (arguments, code, word) in [
        (vec![&*absent, "--body", "x", load[0], load[1], load[2], "120"], 1, "VIOLATED: "),
        (vec![&*fine, load[0], load[1], load[2], "5"], 0, "MET: no request failed"),
        (vec![&*fine, load[0], load[1], load[2], "120"], 0, "MET: every condition held"),
        (
            vec![&*fine, "--slo", "p99 e2e < 9s", load[0], load[1], load[2], "5"],
            3,
            "UNDECIDED: too little to tell about `p99 e2e < 9s`",
        ),
    ] {
        let ran = bench.run(&[&["trial"], &arguments[..]].concat());
        if ran.code != Some(6) {
            ran.exits(code).prints(&[word, "is built in"]);
        }
    }
    let chat = ["trial", &fine, "--api", "openai-chat", "--model", "m", "--slo", "p95 tbc < 9s"];
    let ran = bench.run(&[&chat[..], &load, &["120"]].concat());
    if ran.code != Some(6) {
        ran.exits(0).prints(&["120 ok", "| ttfc "]);
    }
    let dead = ["trial", &fine, "http://127.0.0.1:1", "--rate", "5"];
    bench.run(&dead).exits(4).says(&["http://127.0.0.1:1 does not answer"]);
}

#[test]
fn a_trace_that_cannot_be_written_is_refused_or_told_at_the_end() {
    let (server, bench) = (Seen::start(), Bench::new());
    let url = server.url("/a");
    let arguments = |file| ["trial", &url, "--rate", "100", "--sessions", "10", "--trace", file];
    for file in [".", "none/trace"] {
        bench.run(&arguments(file)).exits(2).says(&["cannot write the trace", file]);
    }
    let all = arguments("t").join(" ");
    super::disk::with_files_of(&bench, 0, &all).exits(2).says(&["cannot write the trace"]);
    assert_eq!(server.requests().len(), 0, "it was begun");
    let ran = bench.run(&arguments("/dev/full")).exits(2);
    ran.says(&["/dev/full ends after 0 requests: No space"]).prints(&["Requests: 10 due"]);
}

#[test]
fn a_suite_has_the_same_options() {
    let server = Server::start(Fault::None);
    let bench = Bench::with(&super::faulty::suite(&format!("url: {}", server.url())));
    let more = ["--sessions", "30", "--warmup", "5", "--workers", "2", "--trace", "t"];
    let trial = measured(&bench, &[&["--rate", "100"][..], &more].concat());
    assert_eq!(trial["counts"]["intended"], 30);
    assert_eq!(trial["health"]["workers"], 2);
    let (head, rows) = trace(&bench, "t");
    assert_eq!((&head["target"][0], &head["load"]["rate"]), (&server.url().into(), &100.0.into()));
    assert_eq!(rows.iter().filter(|row| row["measured"] == true).count(), 30);
    assert!(rows.iter().all(|row| row["chunks_ns"].as_array().unwrap().len() == 2), "{rows:?}");
}

#[test]
fn a_trace_that_is_interrupted_holds_whole_lines() {
    let (server, bench) = (Seen::start(), Bench::new());
    let url = server.url("/a");
    let mut arguments = vec!["trial", &*url, "--rate", "200", "--for", "60s"];
    arguments.extend(["--trace", "t"]);
    let run = bench.start(&arguments);
    eventually("rows", || {
        std::fs::read_to_string(bench.path("t")).is_ok_and(|text| text.lines().count() > 100)
    });
    run.send(Signal::INT);
    run.end().exits(130);
    assert!(trace(&bench, "t").1.len() >= 100);
}

#[test]
fn a_wrong_option_is_named() {
    let bench = Bench::new();
    let url = "http://127.0.0.1:1";
    let mut said = String::new();
    let chat = ["--api", "openai-chat", "--model", "m"];
    for arguments in [
        &["127.0.0.1:1"][..],
        &["ftp://127.0.0.1"],
        &["http://user:hunter2@host"],
        &["http://a/#b"],
        &["http://a/{session}", "http://b/x"],
        &[url, "-X", "FETCH"],
        &[url, "-H", "a: 1", "-H", "A: 2"],
        &[url, "-H", "content-length: 2"],
        &[url, "-H", "a: ${NOT_SET}"],
        &[url, "--body", "@none"],
        &[url, "--path", "x"],
        &[url, "--slo", "p99 tffc < 1s"],
        &[url, "--slo", "p99 tbc < 1s"],
        &[url, "--timeout", "5"],
        &[url, "--timeout", "1s", "--connect-timeout", "2s"],
        &[url, "--connection", "shared"],
        &[url, "--http", "3"],
        &[url, "--http", "1.1"],
        &[url, "--connections", "4"],
        &[url, "--http", "1", "--connections", "4"],
        &[url, "--http", "2", "--connections", "1025"],
        &[url, "--http", "2", "--connection", "new"],
        &[url, "--ca", "none.pem"],
        &["https://127.0.0.1:1", "--ca", "none.pem"],
        &["https://127.0.0.1:1", "--ca", "."],
        &[url, "--turns", "0"],
        &[url, "--model", "m"],
        &[url, "--api", "openai-chat"],
        &[&[url, "--body", "x"], &chat[..]].concat(),
        &[&[url, "--extra", "{\"stream\": 1}"], &chat[..]].concat(),
        &[&[url, "--extra", "x"], &chat[..]].concat(),
        &[url, "--config", "other.yml"],
        &[url, "--check", "rate"],
        &["--slo", "p99 ttfc < 1s"],
        &[url, "--workers", "17"],
        &[url, "--sessions", "0"],
        &[url, "--sessions", "1000001"],
        &[url, "--sessions", "1000000", "--warmup", "1"],
        &[url, "--for", "100h"],
        &[url, "--sessions", "5", "--for", "5s"],
    ] {
        let arguments = [&["trial", "--rate", "5"], arguments].concat();
        let ran = bench.run(&arguments).exits(2);
        assert_eq!(ran.stdout, "", "{ran}");
        assert!(!ran.stderr.contains("hunter2"), "{ran}");
        let shown = arguments[1..].join(" ").replace("hunter2", "…");
        let _ = writeln!(said, "$ plimsoll trial {shown}\n{}", ran.stderr);
    }
    insta::assert_snapshot!(said);
    // No variable of the environment gets into its way.
    let variables = [("PLIMSOLL_CONFIG", "other.yml"), ("PLIMSOLL_SET", "target.path=/x")];
    bench.run_with(&["trial", url, "--rate", "5"], &variables).exits(4);
}
