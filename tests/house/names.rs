//! Names that say nothing, and files that wait for someone.

use super::Violation;

const EMPTY_NAMES: [&str; 10] =
    ["util", "utils", "helper", "helpers", "common", "types", "imp", "misc", "shared", "stuff"];

/// A file, folder or module with a name that says nothing about what it holds.
pub(crate) fn violations(path: &str, code: &str) -> Vec<Violation> {
    let file = path.split(['/', '.']).filter(|part| EMPTY_NAMES.contains(part));
    let file = file.map(|part| Violation::new(1, format!("`{part}` says nothing: name the thing")));
    let inline = code.lines().enumerate().filter_map(|(at, line)| {
        let (before, name) = line.split_once("mod ")?;
        let declares = before.is_empty() || before.ends_with([' ', ')']);
        let name = name.trim_end_matches([';', '{', '}', ' ']);
        let empty = declares && EMPTY_NAMES.contains(&name);
        empty.then(|| Violation::new(at + 1, format!("`mod {name}` says nothing: name the thing")))
    });
    file.chain(inline).collect()
}

/// A snapshot that was written by a failed test and neither accepted nor removed.
pub(crate) fn pending(path: &str) -> Vec<Violation> {
    let waits = path.ends_with(".snap.new") || path.ends_with(".pending-snap");
    let report = || Violation::new(1, "a pending snapshot: accept it or remove it");
    waits.then(report).into_iter().collect()
}

#[test]
fn a_name_without_content_is_found_as_file_folder_and_module() {
    for path in ["src/utils.rs", "src/load/helpers/mod.rs", "tests/common/mod.rs", "src/a/types.rs"]
    {
        assert_eq!(violations(path, "").len(), 1, "{path}");
    }
    for code in ["mod utils {", "pub mod helpers;", "    pub(crate) mod imp;", "mod common {}"] {
        assert_eq!(violations("src/a.rs", code).len(), 1, "{code}");
    }
    assert_eq!(violations("src/load/play.rs", "mod play;\nmod typesetting;"), []);
}

#[test]
fn a_pending_snapshot_is_found() {
    assert_eq!(pending("tests/cli/snapshots/a.snap.new").len(), 1);
    assert_eq!(pending("src/workload/.random.rs.pending-snap").len(), 1);
    assert_eq!(pending("tests/cli/snapshots/a.snap"), []);
}
