//! Text of others, made fit for one line.

/// `text` on one line: control characters, those that turn the direction of text and those that XML
/// cannot hold become U+FFFD, breaks a space. Nothing in it can move a terminal's cursor.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' | '\u{85}' => ' ',
            c if is_unprintable(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// A line that no CI system takes for a command: GitHub Actions obeys `::` at the beginning of a line,
/// on both outputs, and `##[` anywhere in it.
#[must_use]
pub fn inert(line: &str) -> String {
    let line = line.replace("##[", "# #[");
    if line.trim_start().starts_with("::") { format!("│ {line}") } else { line }
}

/// Whether a character is a control character, has no width, turns the direction of text, or cannot
/// stand in XML.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::{inert, one_line};

    #[test]
    fn no_line_of_somebody_else_is_a_command() {
        assert_eq!(inert(" \t::error::x"), "│  \t::error::x");
        assert_eq!(inert("a ##[error]b ##[c]"), "a # #[error]b # #[c]");
        assert_eq!(inert("a::b # [c]"), "a::b # [c]");
    }

    #[test]
    fn nothing_that_cannot_be_seen_is_kept() {
        for c in ['\u{7}', '\u{9b}', '\u{61c}', '\u{202e}', '\u{feff}', '\u{fffe}', '\u{ffff}'] {
            assert_eq!(one_line(&format!("a{c}b")), "a\u{fffd}b", "{c:?}");
        }
        assert_eq!(one_line("a\r\nb\u{2028}c"), "a  b c");
    }
}
