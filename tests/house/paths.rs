//! The paths that a piece of code names, with the groups of `use` written out.

/// A path and the line on which its last part stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) line: usize,
    pub(crate) parts: Vec<String>,
}

impl Path {
    pub(crate) fn starts_with(&self, parts: &[&str]) -> bool {
        self.parts.len() >= parts.len() && self.parts.iter().zip(parts).all(|(a, b)| a == b)
    }

    pub(crate) fn contains(&self, parts: &[&str]) -> bool {
        self.parts.windows(parts.len()).any(|window| window.iter().zip(parts).all(|(a, b)| a == b))
    }
}

/// Every path in code that `lexer::code` has cleaned; a lone name is a path of one part.
pub(crate) fn paths(code: &str) -> Vec<Path> {
    let mut reader = Reader { chars: code.chars().collect(), at: 0, line: 1, found: Vec::new() };
    while reader.at < reader.chars.len() {
        let before = reader.at;
        reader.path(&[]);
        if reader.at == before {
            reader.step();
        }
    }
    reader.found
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
    found: Vec<Path>,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn step(&mut self) {
        if self.peek() == Some('\n') {
            self.line += 1;
        }
        self.at += 1;
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.step();
        }
    }

    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_alphanumeric() || *c == '_') {
            name.push(c);
            self.step();
        }
        (!name.is_empty()).then_some(name)
    }

    /// Reads a path that starts here, if one does, behind what a group has in front of it.
    fn path(&mut self, prefix: &[String]) {
        let mut parts = prefix.to_vec();
        while let Some(name) = self.name() {
            parts.push(name);
            if !self.colons() {
                break;
            }
            if self.peek() == Some('{') {
                return self.group(&parts);
            }
        }
        if parts.len() > prefix.len() {
            self.found.push(Path { line: self.line, parts });
        }
    }

    fn colons(&mut self) -> bool {
        let (at, line) = (self.at, self.line);
        self.blanks();
        if self.chars[self.at.min(self.chars.len())..].starts_with(&[':', ':']) {
            self.at += 2;
            self.blanks();
            return true;
        }
        (self.at, self.line) = (at, line);
        false
    }

    /// Reads `{a, b::C as D, e::{…}}`; each member continues the prefix.
    fn group(&mut self, prefix: &[String]) {
        self.step();
        loop {
            self.blanks();
            match self.peek() {
                None => return,
                Some('}') => return self.step(),
                Some(c) if c.is_alphanumeric() || c == '_' => {
                    self.path(prefix);
                    self.alias();
                }
                Some(_) => self.step(),
            }
        }
    }

    fn alias(&mut self) {
        self.blanks();
        if self.chars.get(self.at..self.at + 3) == Some(&['a', 's', ' ']) {
            self.name();
            self.blanks();
            self.name();
        }
    }
}

#[test]
fn groups_aliases_and_line_breaks_are_followed() {
    let samples = [
        ("use a::b;", vec!["use", "a::b"]),
        ("use a::{b, c::{d, e as f}, *}; g", vec!["use", "a::b", "a::c::d", "a::c::e", "g"]),
        ("{a::b::<C>()}", vec!["a::b", "C"]),
        ("a ::\n  b", vec!["a::b"]),
        ("x: y", vec!["x", "y"]),
        ("use a::{self, b}", vec!["use", "a::self", "a::b"]),
        ("a::{", vec![]),
    ];
    for (code, expected) in samples {
        let found: Vec<String> =
            paths(code).into_iter().map(|path| path.parts.join("::")).collect();
        assert_eq!(found, expected, "{code}");
    }
}

#[test]
fn a_path_knows_its_line() {
    assert_eq!(paths("a\n\nb::{c,\nd}").iter().map(|p| p.line).collect::<Vec<_>>(), [1, 3, 4]);
}
