//! How long a file may be, its tests included.

use super::Violation;

const LINES_MAX: usize = 500;

/// `main.rs` parses, runs and exits.
const MAIN_LINES_MAX: usize = 15;

/// A file over its limit.
pub(crate) fn violations(path: &str, text: &str) -> Vec<Violation> {
    let limit = if path == "src/main.rs" { MAIN_LINES_MAX } else { LINES_MAX };
    let lines = text.lines().count();
    let over = lines > limit;
    let report = || Violation::new(1, format!("{lines} lines, at most {limit}: split its subject"));
    over.then(report).into_iter().collect()
}

#[test]
fn one_line_too_many_is_found() {
    let lines = |n: usize| "\n".repeat(n);
    assert_eq!(violations("src/a.rs", &lines(501)).len(), 1);
    assert_eq!(violations("src/a.rs", &lines(500)), []);
    assert_eq!(violations("src/main.rs", &lines(16)).len(), 1);
    assert_eq!(violations("src/main.rs", &lines(15)), []);
}
