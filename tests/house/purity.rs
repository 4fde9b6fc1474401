//! The pure modules: no clock, socket, file, environment, process, thread or randomness of their
//! own, and nothing asynchronous. What they need is handed in, so the same history gives the same
//! answer and a simulation needs no clock.

use super::Violation;
use super::layers::module;
use super::paths::{Path, paths};

const PURE: [&[&str]; 10] = [
    &["check"],
    &["search"],
    &["stats"],
    &["gate"],
    &["trial"],
    &["workload"],
    &["slo"],
    &["units"],
    &["config"],
    &["demo", "model"],
];

/// Where the suite is read: the only files of `config` that meet the world.
const EXCEPTIONS: [&[&str]; 2] = [&["config", "load"], &["config", "environment"]];

/// Paths that begin so meet the world.
const WORLD: [&[&str]; 18] = [
    &["std", "fs"],
    &["std", "net"],
    &["std", "os"],
    &["std", "env"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "io", "stdin"],
    &["tokio"],
    &["tokio_util"],
    &["hyper", "client"],
    &["hyper", "server"],
    &["hyper_util"],
    &["axum"],
    &["nix"],
    &["rustix"],
    &["procfs"],
    &["tempfile"],
    &["rand", "rng"],
];

/// Names that meet the world wherever they stand in a path.
const NAMES: [&[&str]; 10] = [
    &["Instant", "now"],
    &["SystemTime"],
    &["async"],
    &["await"],
    &["thread_rng"],
    &["ThreadRng"],
    &["OsRng"],
    &["SysRng"],
    &["getrandom"],
    &["RandomState"],
];

/// What a pure module names of the world; nothing for any other module.
pub(crate) fn violations(path: &str, code: &str) -> Vec<Violation> {
    let module = module(path);
    let within = |roots: &[&[&str]]| roots.iter().any(|root| module.starts_with(root));
    if !within(&PURE) || within(&EXCEPTIONS) {
        return Vec::new();
    }
    let impure = |path: &Path| {
        let world = WORLD.iter().any(|world| path.starts_with(world));
        world || NAMES.iter().any(|name| path.contains(name))
    };
    let describe = |path: &Path| {
        Violation::new(path.line, format!("`{}` in a pure module", path.parts.join("::")))
    };
    paths(code).iter().filter(|path| impure(path)).map(describe).collect()
}

#[test]
fn whatever_meets_the_world_is_found_in_a_pure_module() {
    let bad = [
        "use tokio::time::Instant;",
        "use std::{fmt, fs};",
        "let x = std::net::TcpStream::connect(a);",
        "std::env::var(name)",
        "use std::process::Command;",
        "let t = Instant::now();",
        "let t = std::time::Instant::now();",
        "use std::time::{Duration, SystemTime};",
        "pub async fn f() {}",
        "f.await",
        "rand::rng()",
        "rand::thread_rng()",
        "std::thread::sleep(d)",
        "use std::collections::hash_map::RandomState;",
    ];
    for code in bad {
        assert_eq!(violations("src/gate/mod.rs", code).len(), 1, "{code}");
    }
    for path in ["src/demo/model/server.rs", "src/demo/model.rs", "src/config/plan.rs"] {
        assert_eq!(violations(path, "std::fs::read(x)").len(), 1, "{path}");
    }
}

#[test]
fn time_that_is_handed_in_and_the_exceptions_are_fine() {
    let fine = "use hyper::Uri; use std::time::{Duration, Instant}; fn f(at: Instant, filesystem: fs, tokio_: u8) {}";
    assert_eq!(violations("src/stats/mod.rs", fine), []);
    for path in ["src/config/load.rs", "src/config/environment.rs", "src/demo/http/server.rs"] {
        assert_eq!(violations(path, "std::fs::read(x)"), [], "{path}");
    }
}
