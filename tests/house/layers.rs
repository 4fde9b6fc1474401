//! The order of the layers: a file names only what stands below it.

use super::Violation;
use super::paths::{Path, paths};

/// From top to bottom; `lib.rs`, which declares them, is no layer. A plan holds what its workload is
/// made of, so `config` stands on `workload`.
const LAYERS: [&str; 18] = [
    "main", "cli", "publish", "report", "gate", "baseline", "run", "check", "search", "stats",
    "load", "target", "trial", "config", "workload", "demo", "slo", "units",
];

/// The module that the file at `path` (below `src/`) is, from the root: `a/b/mod.rs` is `a::b`.
pub(crate) fn module(path: &str) -> Vec<&str> {
    let path = path.strip_prefix("src/").unwrap_or(path);
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    path.split('/').filter(|part| *part != "lib").collect()
}

/// Names of layers above the file's own, and layers that nobody has put in order.
pub(crate) fn violations(path: &str, code: &str) -> Vec<Violation> {
    let module = module(path);
    let Some(own) = module.first() else { return unknown_layers(code) };
    let Some(rank) = rank(own) else {
        return vec![Violation::new(1, format!("`{own}` is no layer: give it a place in LAYERS"))];
    };
    let upward = |path: &Path| {
        let layer = layer(path, module.len())?;
        let above = self::rank(layer).is_some_and(|other| other < rank);
        above.then(|| Violation::new(path.line, format!("`{own}` stands below `{layer}`")))
    };
    paths(code).iter().filter_map(upward).collect()
}

fn rank(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|name| *name == layer)
}

/// The layer that a path names in a module at this depth, if it leads to the root.
fn layer(path: &Path, depth: usize) -> Option<&str> {
    let up = path.parts.iter().take_while(|part| *part == "super").count();
    let skip = match path.parts.first()?.as_str() {
        "crate" | "plimsoll" => 1,
        "super" if up >= depth => up,
        _ => return None,
    };
    path.parts.get(skip).map(String::as_str)
}

/// `lib.rs` may name every layer, but no other module.
fn unknown_layers(code: &str) -> Vec<Violation> {
    let declared = |(at, line): (usize, &str)| {
        let (_, name) = line.split_once("mod ")?;
        let name = name.trim_end().trim_end_matches(';');
        let unknown = rank(name).is_none();
        unknown.then(|| Violation::new(at + 1, format!("`{name}` is no layer")))
    };
    code.lines().enumerate().filter_map(declared).collect()
}

#[test]
fn a_module_is_where_its_file_is() {
    assert_eq!(module("src/a/b/mod.rs"), ["a", "b"]);
    assert_eq!(module("src/a/b.rs"), ["a", "b"]);
    assert_eq!(module("src/a/mod.rs"), ["a"]);
    assert!(module("src/lib.rs").is_empty());
}

#[test]
fn a_name_of_a_higher_layer_is_found_however_it_is_written() {
    let bad = [
        ("src/units/mod.rs", "use crate::slo::Slo;"),
        ("src/check/mod.rs", "fn f() { crate::gate::judge() }"),
        ("src/stats/t.rs", "use crate::{units::Rate, run::drive};"),
        ("src/check/mod.rs", "use super::run::drive;"),
        ("src/check/capacity.rs", "use super::super::run::drive;"),
        ("src/cli/mod.rs", "use crate::main;"),
        ("src/demo/model/a.rs", "use crate::\n    config::Plan;"),
        ("src/surprise/mod.rs", ""),
        ("src/lib.rs", "pub mod cli;\npub mod surprise;"),
    ];
    for (path, code) in bad {
        assert_eq!(violations(path, code).len(), 1, "{path}: {code}");
    }
}

#[test]
fn names_of_the_same_and_of_lower_layers_are_fine() {
    let good = [
        ("src/main.rs", "fn main() { plimsoll::cli::run() }"),
        (
            "src/check/capacity.rs",
            "use super::Finding; use crate::check::Step; use crate::units::X;",
        ),
        ("src/demo/model/a.rs", "use super::super::http;"),
        ("src/units/mod.rs", "use std::run::x; use self::gate;"),
        ("src/lib.rs", "pub mod cli;\npub mod units;"),
    ];
    for (path, code) in good {
        assert_eq!(violations(path, code), [], "{path}: {code}");
    }
}
