//! Words that do not belong into the repository: marks of unfinished work, places that exist only
//! where somebody worked on it, and hosts of package registries (a reader's registry is set up by
//! their own tools).

use super::Violation;

/// Each is written in two halves, so that this file does not contain what it looks for.
const WORDS: [(&str, &str, Match); 17] = [
    ("TO", "DO", Match::Word),
    ("FIX", "ME", Match::Word),
    ("XX", "X", Match::Word),
    ("/wo", "rk/", Match::Start),
    ("/ho", "me/", Match::Start),
    ("/ro", "ot/", Match::Start),
    ("../sha", "red/", Match::Anywhere),
    ("DESI", "GN.md", Match::Anywhere),
    ("STATIS", "TICS.md", Match::Anywhere),
    ("GITH", "UB.md", Match::Anywhere),
    ("STY", "LE.md", Match::Anywhere),
    ("crates", ".io", Match::Anywhere),
    ("pypi", ".org", Match::Anywhere),
    ("python", "hosted.org", Match::Anywhere),
    ("registry.npm", "js.org", Match::Anywhere),
    ("deb.", "debian.org", Match::Anywhere),
    ("proxy.", "golang.org", Match::Anywhere),
];

#[derive(Clone, Copy)]
enum Match {
    /// A word of its own.
    Word,
    /// The start of a path, not a part of a longer one.
    Start,
    Anywhere,
}

/// The words above, wherever they stand. `Cargo.lock` is written by cargo and names its registry.
pub(crate) fn violations(path: &str, text: &str) -> Vec<Violation> {
    if path.ends_with("Cargo.lock") {
        return Vec::new();
    }
    let in_line = |(at, line): (usize, &str)| {
        let found = WORDS.iter().map(|(a, b, how)| (format!("{a}{b}"), *how));
        let found = found.filter(|(word, how)| has(line, word, *how));
        found.map(|(word, _)| Violation::new(at + 1, format!("contains `{word}`"))).collect()
    };
    text.lines().enumerate().flat_map(|line| -> Vec<_> { in_line(line) }).collect()
}

fn has(line: &str, word: &str, how: Match) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let longer_path = |c: char| part(c) || matches!(c, '.' | '-' | '~' | '}' | '*');
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        match how {
            Match::Anywhere => true,
            Match::Start => !before.is_some_and(longer_path),
            Match::Word => !before.is_some_and(part) && !after.is_some_and(part),
        }
    })
}

#[test]
fn every_word_of_the_list_is_found() {
    for (a, b, _) in WORDS {
        let text = format!("first line\n// see {a}{b} there");
        let found = violations("src/a.rs", &text);
        assert_eq!(found, [Violation::new(2, format!("contains `{a}{b}`"))]);
        assert_eq!(violations("Cargo.lock", &text), []);
    }
}

#[test]
fn longer_words_and_longer_paths_are_fine() {
    for (a, b, how) in WORDS {
        let text = match how {
            Match::Word => format!("in{a}{b} {a}{b}S"),
            Match::Start => format!("tmp{a}{b}x ${{DIR}}{a}{b}"),
            Match::Anywhere => continue,
        };
        assert_eq!(violations("README.md", &text), [], "{text}");
    }
}
