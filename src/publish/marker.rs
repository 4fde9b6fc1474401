//! The first line of a comment of ours: whose it is, and which run wrote it.

use super::encoding::percent_encoded;
use super::event::Sha;

/// Longest key, encoded.
const KEY_MAX: usize = 64;
/// Digits of the commit that a marker holds.
const HEAD_DIGITS: usize = 12;
/// How every marker of this version begins, and of any version.
const BEGIN: &str = "<!-- plimsoll:1 ";
const ANY: &str = "<!-- plimsoll:";

/// Identity of a comment within a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The key of this name. All but letters, digits, `.`, `_` and `~` is encoded, so that nothing in
    /// it ends the marker; a name that is too long is cut, and ends in a hash of all of it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let encoded = encoded(name);
        if encoded.len() <= KEY_MAX {
            return Self(encoded);
        }
        let hash = short_hash(name);
        let mut cut = String::new();
        for c in name.chars() {
            let next = self::encoded(&c.to_string());
            if cut.len() + next.len() + 1 + hash.len() > KEY_MAX {
                break;
            }
            cut.push_str(&next);
        }
        Self(format!("{cut}~{hash}"))
    }
}

fn encoded(name: &str) -> String {
    percent_encoded(name, b"._~")
}

fn short_hash(name: &str) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(name.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// Which run wrote a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Identity of the comment.
    pub key: Key,
    /// Id of the workflow run, and the attempt at it: the later of two is the greater.
    pub run: (u64, u32),
    /// The first digits of the pull request's commit that it measured.
    head: String,
}

/// What the first line of a comment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstLine {
    /// A comment of ours.
    Ours(Marker),
    /// A comment of a later version of ours, with its key as far as it can be told.
    Later(Option<Key>),
    /// Somebody else's.
    None,
}

impl Marker {
    /// The marker of this run.
    #[must_use]
    pub fn new(key: Key, run: (u64, u32), head: &Sha) -> Self {
        Self { key, run, head: head.as_str().chars().take(HEAD_DIGITS).collect() }
    }

    /// Whether it is about this commit.
    #[must_use]
    pub fn is_of(&self, head: &Sha) -> bool {
        head.as_str().starts_with(&self.head)
    }

    /// The line, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        let (run, attempt) = self.run;
        format!("{BEGIN}key={} run={run} attempt={attempt} head={} -->", self.key.0, self.head)
    }

    /// What a comment says at its very first byte; a marker anywhere else is a quotation.
    #[must_use]
    pub fn read(body: &str) -> FirstLine {
        let line = body.lines().next().unwrap_or_default();
        if let Some(rest) = line.strip_prefix(BEGIN) {
            return Self::parse(rest).map_or(FirstLine::None, FirstLine::Ours);
        }
        let mut words = line.strip_prefix(ANY).unwrap_or_default().split(' ');
        match words.next().and_then(|version| version.parse::<u32>().ok()) {
            Some(version) if version > 1 => {
                let key = words.find_map(|word| word.strip_prefix("key="));
                FirstLine::Later(key.map(|key| Key(key.to_owned())))
            }
            Some(_) | None => FirstLine::None,
        }
    }

    fn parse(rest: &str) -> Option<Self> {
        let mut words = rest.strip_suffix(" -->")?.split(' ');
        let mut value = |name: &str| words.next()?.strip_prefix(name)?.strip_prefix('=');
        let key = value("key")?;
        let run = value("run")?.parse().ok()?;
        let attempt = value("attempt")?.parse().ok()?;
        let head = value("head")?;
        let is_hash =
            (HEAD_DIGITS..=64).contains(&head.len()) && head.bytes().all(|b| b.is_ascii_hexdigit());
        let is_whole = words.next().is_none() && is_hash && !key.is_empty();
        is_whole.then(|| Self {
            key: Key(key.to_owned()),
            run: (run, attempt),
            head: head.to_ascii_lowercase(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{FirstLine, KEY_MAX, Key, Marker, Sha};
    use proptest::prelude::*;

    fn marker(key: &str) -> Marker {
        Marker::new(
            Key::new(key),
            (9_876_543_210, 1),
            &Sha::parse(&"3f2a1bc94e0d".repeat(4)).unwrap(),
        )
    }

    #[test]
    fn the_line_is_a_comment_that_nobody_sees() {
        assert_eq!(
            marker("chat").line(),
            "<!-- plimsoll:1 key=chat run=9876543210 attempt=1 head=3f2a1bc94e0d -->"
        );
        assert!(marker("a --> <b>").line().contains("key=a%20%2D%2D%3E%20%3Cb%3E "));
    }

    #[test]
    fn only_a_whole_marker_at_the_first_byte_is_ours() {
        let line = marker("chat").line();
        assert_eq!(Marker::read(&format!("{line}\n### x")), FirstLine::Ours(marker("chat")));
        for body in [
            format!(" {line}"),
            format!("\n{line}"),
            format!("> {line}"),
            line.replace(" -->", ""),
            line.replace("attempt=1 ", ""),
            line.replace("run=", "run=-"),
            line.replace("3f2a1bc94e0d", "3f2a"),
            line.replace(" -->", " more=1 -->"),
            String::new(),
        ] {
            assert_eq!(Marker::read(&body), FirstLine::None, "{body}");
        }
        let later = FirstLine::Later(Some(Key::new("chat")));
        assert_eq!(Marker::read(&line.replace("plimsoll:1", "plimsoll:2")), later);
        assert_eq!(Marker::read("<!-- plimsoll:x -->"), FirstLine::None);
    }

    #[test]
    fn two_long_names_keep_two_keys() {
        let long = |end: &str| Key::new(&format!("{}{end}", "é".repeat(80)));
        assert_ne!(long("a"), long("b"));
        assert!(long("a").0.len() <= KEY_MAX);
    }

    proptest! {
        #[test]
        fn whatever_the_key_the_marker_reads_back_and_is_one_comment(name in any::<String>()) {
            prop_assume!(!name.is_empty());
            let marker = marker(&name);
            let line = marker.line();
            prop_assert_eq!(line.matches("-->").count(), 1);
            prop_assert!(!line.contains(['\n', '\r']));
            prop_assert_eq!(Marker::read(&line), FirstLine::Ours(marker));
        }
    }
}
