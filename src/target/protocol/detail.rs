//! Text of the target, made fit for one line of a report.

use crate::units::is_unprintable;

/// Shortest word of a header's value that is looked for as a secret; shorter ones would blank
/// ordinary words.
const SECRET_CHARS_MIN: usize = 6;

/// `text` on one line of at most `max` characters: runs of white space, control and direction
/// characters become one space.
#[must_use]
pub fn short_line(text: &str, max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max * 2));
    let mut gap = false;
    let mut count = 0;
    for c in text.chars() {
        if c.is_whitespace() || is_unprintable(c) {
            gap = count > 0;
            continue;
        }
        if count + usize::from(gap) >= max {
            line.push('…');
            break;
        }
        if std::mem::take(&mut gap) {
            line.push(' ');
            count += 1;
        }
        line.push(c);
        count += 1;
    }
    line
}

/// What of a secret is looked for: all of it, and each longer word (`Bearer KEY`).
pub(crate) fn words_of(secret: &str) -> impl Iterator<Item = &str> {
    let words = std::iter::once(secret.trim()).chain(secret.split_whitespace());
    let is_long = |word: &&str| word.chars().count() >= SECRET_CHARS_MIN;
    words.filter(is_long).filter(|word| !word.eq_ignore_ascii_case("bearer"))
}

/// The start of `bytes` as text, at most `max` bytes.
pub(super) fn excerpt(bytes: &[u8], max: usize) -> String {
    String::from_utf8_lossy(bytes.get(..max).unwrap_or(bytes)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::short_line;

    #[test]
    fn a_detail_is_one_bounded_line_without_control_characters() {
        for (text, line) in [
            ("plain", "plain"),
            ("  a\r\n\tb\u{1b}[31m c \n", "a b [31m c"),
            ("x\u{202e}y", "x y"),
            ("", ""),
            ("123456789012", "1234567890…"),
            ("1234567890", "1234567890"),
            ("12345678 9012", "12345678 9…"),
        ] {
            assert_eq!(short_line(text, 10), line, "{text:?}");
        }
    }
}
