//! The last lines that a target wrote, kept in memory for error messages.

use std::collections::VecDeque;
use std::fmt;

/// Lines kept: enough for a stack trace's end, little enough for a report.
const LINES_MAX: usize = 20;
/// Bytes kept of one line; a server may print a whole request in one.
const LINE_BYTES_MAX: usize = 400;

/// The last lines of a target's output, oldest first. Untrusted text: bounded, valid UTF-8,
/// without control characters; whoever renders it still has to escape it.
///
/// `Display` follows a sentence and only says where there are none: the lines are shown by
/// themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LastLines(Vec<String>);

impl LastLines {
    /// The lines, oldest first, at most 20.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for LastLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("; it wrote nothing") } else { Ok(()) }
    }
}

/// Collects [`LastLines`] from pieces cut anywhere.
#[derive(Debug, Default)]
pub(super) struct Tail {
    lines: VecDeque<String>,
    /// The line that has no end yet, cut one byte past the limit.
    open: Vec<u8>,
}

impl Tail {
    /// Takes the next piece of output. `\r` ends a line too, so that a progress bar does not
    /// become one endless line.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, ends) = match piece {
                [text @ .., b'\n' | b'\r'] => (text, true),
                text => (text, false),
            };
            let room = (LINE_BYTES_MAX + 1).saturating_sub(self.open.len());
            self.open.extend(text.iter().take(room));
            if ends {
                let line = std::mem::take(&mut self.open);
                self.keep(readable_line(&line));
            }
        }
    }

    /// What is kept now, the unfinished line included.
    pub(super) fn last_lines(&self) -> LastLines {
        let open = readable_line(&self.open);
        let all = self.lines.iter().cloned().chain((!open.is_empty()).then_some(open));
        let mut lines: Vec<_> = all.collect();
        let surplus = lines.len().saturating_sub(LINES_MAX);
        lines.drain(..surplus);
        LastLines(lines)
    }

    fn keep(&mut self, line: String) {
        if line.is_empty() {
            return;
        }
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

fn readable_line(line: &[u8]) -> String {
    let kept = line.get(..LINE_BYTES_MAX);
    let mut text = readable(kept.unwrap_or(line));
    if kept.is_some_and(|kept| kept.len() < line.len()) {
        text.push('…');
    }
    text
}

/// Foreign bytes as text: lossily decoded, colours and control characters removed, trimmed.
pub(super) fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = anstream::adapter::strip_str(&text).to_string();
    let text = text.replace('\t', " ");
    text.chars().filter(|c| !c.is_control()).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(bytes: &[u8]) -> Vec<String> {
        let mut tail = Tail::default();
        tail.push(bytes);
        tail.last_lines().0
    }

    #[test]
    fn lines_are_split_cleaned_and_kept_without_their_end() {
        let table: &[(&[u8], &[&str])] = &[
            (b"", &[]),
            (b"one\ntwo", &["one", "two"]),
            (b"one\r\n\r\ntwo\n", &["one", "two"]),
            (b"10%\r20%\rdone\n", &["10%", "20%", "done"]),
            (b"\x1b[31mred\x1b[0m\x07 alert\n", &["red alert"]),
            (b"bad \xff byte\n", &["bad \u{fffd} byte"]),
            (b"tab\there", &["tab here"]),
        ];
        for (bytes, expected) in table {
            assert_eq!(lines(bytes), *expected, "{bytes:?}");
        }
    }

    #[test]
    fn only_the_last_twenty_lines_are_kept_the_open_one_included() {
        let text = (1..=30).map(|n| format!("line {n}\n")).collect::<String>() + "open";
        let kept = lines(text.as_bytes());
        assert_eq!(kept.len(), LINES_MAX);
        assert_eq!(kept[0], "line 12");
        assert_eq!(kept[LINES_MAX - 1], "open");
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        let kept = lines(&[b'a'; 100_000]);
        assert_eq!(kept, [format!("{}…", "a".repeat(LINE_BYTES_MAX))]);
        assert_eq!(lines(&[b'a'; LINE_BYTES_MAX]), ["a".repeat(LINE_BYTES_MAX)]);
    }

    proptest! {
        #[test]
        fn pieces_cut_anywhere_give_the_same_lines(
            bytes in proptest::collection::vec(any::<u8>(), 0..2000),
            cut in 0..2000_usize,
        ) {
            let (head, rest) = bytes.split_at(cut.min(bytes.len()));
            let mut tail = Tail::default();
            tail.push(head);
            tail.push(rest);
            prop_assert_eq!(tail.last_lines().0, lines(&bytes));
        }

        #[test]
        fn no_control_character_survives(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            for line in lines(&bytes) {
                prop_assert!(!line.chars().any(char::is_control));
            }
        }
    }
}
