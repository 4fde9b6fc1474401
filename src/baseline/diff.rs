//! Textual diffs for reviewers.

use super::record::Baseline;
use super::schema::render;
use crate::units::one_line;
use similar::TextDiff;

/// Unified diff of two baselines as they are written; empty when they are the same.
#[must_use]
pub fn diff(before: &Baseline, after: &Baseline) -> String {
    text_diff("before", &render(before), "after", &render(after))
}

/// Unified diff of two texts with three lines of context, fit for a terminal; empty when they are
/// the same.
#[must_use]
pub fn text_diff(before_name: &str, before: &str, after_name: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(3)
        .missing_newline_hint(false)
        .header(before_name, after_name)
        .to_string();
    diff.lines().map(|line| one_line(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::{diff, text_diff};
    use crate::baseline::fixture;

    #[test]
    fn a_diff_shows_the_changed_line_with_its_neighbours() {
        let text = text_diff("baseline", "a: 1\nb: 2\n", "now", "a: 1\nb: 3\n");
        assert_eq!(text, "--- baseline\n+++ now\n@@ -1,2 +1,2 @@\n a: 1\n-b: 2\n+b: 3\n");
        assert_eq!(text_diff("baseline", "a: 1", "now", "a: 1"), "");
        let text = text_diff("baseline", "a: 1\n", "now", "a: \u{1b}[2J\n");
        assert!(text.ends_with("+a: \u{fffd}[2J\n"), "{text:?}");
    }

    #[test]
    fn the_diff_of_two_baselines_is_small() {
        let before = fixture::baseline();
        assert_eq!(diff(&before, &before), "");
        let mut after = before.clone();
        if let Some(check) = after.checks.get_mut("chat-rate") {
            check.knob = "concurrency".into();
        }
        let text = diff(&before, &after);
        assert!(text.contains("-      \"knob\": \"rate\""), "{text}");
        assert!(text.contains("+      \"knob\": \"concurrency\""), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with(['+', '-'])).count(), 4);
    }
}
