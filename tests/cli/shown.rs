//! What differs from run to run, masked, so that the rest of a text can be compared.

/// A text in which what differs is masked. Masking what is not there is a failure: a snapshot must
/// not go on passing when the thing that it masks has gone.
#[derive(Debug)]
pub(crate) struct Shown(String);

impl Shown {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Replaces every match of `pattern`, in which `#` is a run of decimal digits and `%` one of
    /// hexadecimal digits.
    pub(crate) fn masked(self, pattern: &str, mask: &str) -> Self {
        let (mut text, mut found) = (String::new(), 0);
        let mut rest = self.0.as_str();
        while let Some(first) = rest.chars().next() {
            if let Some(length) = length_of_match(rest, pattern) {
                text.push_str(mask);
                rest = &rest[length..];
                found += 1;
            } else {
                text.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        assert!(found > 0, "nothing matches `{pattern}` in:\n{}", self.0);
        Self(text)
    }

    /// The names of runs: `20260101T000000Z-0123abcd`.
    pub(crate) fn runs_masked(self) -> Self {
        self.masked("#T#Z-%", "RUN")
    }

    /// Ports of this machine.
    pub(crate) fn ports_masked(self) -> Self {
        self.masked("127.0.0.1:#", "127.0.0.1:PORT")
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// How many bytes of `text`, from its start, match the whole pattern.
fn length_of_match(text: &str, pattern: &str) -> Option<usize> {
    let mut at = 0;
    for wanted in pattern.chars() {
        let rest = &text[at..];
        at += match wanted {
            '#' => digits(rest, 10)?,
            '%' => digits(rest, 16)?,
            other => rest.starts_with(other).then(|| other.len_utf8())?,
        };
    }
    Some(at)
}

fn digits(text: &str, radix: u32) -> Option<usize> {
    let count = text.chars().take_while(|c| c.is_digit(radix)).count();
    (count > 0).then_some(count)
}

#[test]
fn a_mask_replaces_every_match_and_nothing_else() {
    let text = "é http://127.0.0.1:8080/x and 127.0.0.1:9, run 20260101T000000Z-0a1f/y";
    let shown = Shown::new(text).ports_masked().runs_masked();
    assert_eq!(shown.text(), "é http://127.0.0.1:PORT/x and 127.0.0.1:PORT, run RUN/y");
}

#[test]
#[should_panic(expected = "nothing matches")]
fn a_mask_that_matches_nothing_is_a_failure() {
    let _ = Shown::new("no port here").ports_masked();
}
