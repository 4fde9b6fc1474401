//! Blanks secrets in output that comes in pieces cut anywhere.

use crate::target::protocol::words_of;
use secrecy::{ExposeSecret as _, SecretString};
use std::borrow::Cow;

/// What stands in a secret's place.
const BLANK: &[u8] = b"[redacted]";

/// Lets everything pass but secrets.
#[derive(Default)]
pub struct Mask {
    /// The longest first, so that none is left in part.
    secrets: Vec<Vec<u8>>,
    /// The end of the last piece, as far as a secret may begin in it.
    held: Vec<u8>,
}

impl Mask {
    /// Blanks each of these, and each longer word of them.
    #[must_use]
    pub fn new<'a>(secrets: impl Iterator<Item = &'a SecretString>) -> Self {
        let mut all: Vec<Vec<u8>> = secrets
            .flat_map(|secret| words_of(secret.expose_secret()))
            .map(|word| word.as_bytes().to_vec())
            .collect();
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        all.dedup();
        Self { secrets: all, held: Vec::new() }
    }

    /// What may be shown of a whole text.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let (shown, _) = self.blanked(text.as_bytes(), End::Reached);
        String::from_utf8_lossy(&shown).into_owned()
    }

    /// What may be shown of all that came until now and was not shown yet.
    pub(super) fn pass<'a>(&mut self, piece: &'a [u8]) -> Cow<'a, [u8]> {
        if self.secrets.is_empty() {
            return Cow::Borrowed(piece);
        }
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(piece);
        let (shown, held) = self.blanked(&bytes, End::Open);
        self.held = held.to_vec();
        Cow::Owned(shown)
    }

    /// What was held back, when nothing comes any more.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        let bytes = std::mem::take(&mut self.held);
        self.blanked(&bytes, End::Reached).0
    }

    fn blanked<'b>(&self, bytes: &'b [u8], end: End) -> (Vec<u8>, &'b [u8]) {
        let mut shown = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some((first, next)) = rest.split_first() {
            let begins = |secret: &&Vec<u8>| secret.len() > rest.len() && secret.starts_with(rest);
            if end == End::Open && self.secrets.iter().any(|secret| begins(&secret)) {
                break;
            }
            match self.secrets.iter().find_map(|secret| rest.strip_prefix(secret.as_slice())) {
                Some(after) => {
                    shown.extend_from_slice(BLANK);
                    rest = after;
                }
                None => {
                    shown.push(*first);
                    rest = next;
                }
            }
        }
        (shown, rest)
    }
}

/// Whether more can follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Reached,
}

#[cfg(test)]
mod tests {
    use super::Mask;
    use proptest::prelude::*;

    fn mask() -> Mask {
        let secrets = ["Bearer sk-abcabd".into(), "sk-abcabdef".into(), "short".into()];
        Mask::new(secrets.iter())
    }

    fn masked<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut mask = mask();
        let mut shown = Vec::new();
        for piece in pieces {
            shown.extend_from_slice(&mask.pass(piece));
        }
        shown.extend_from_slice(&mask.rest());
        String::from_utf8_lossy(&shown).into_owned()
    }

    #[test]
    fn a_secret_and_each_longer_word_of_it_are_blanked() {
        for (text, shown) in [
            ("key Bearer sk-abcabd.", "key [redacted]."),
            ("key sk-abcabd.", "key [redacted]."),
            ("sk-abcabdef", "[redacted]"),
            ("sk-abcabde", "[redacted]e"),
            ("sk-abcsk-abcabd", "sk-abc[redacted]"),
            ("Bearer and a short word, sk-abc", "Bearer and a short word, sk-abc"),
        ] {
            assert_eq!(masked([text.as_bytes()]), shown, "{text}");
        }
    }

    #[test]
    fn a_whole_text_is_blanked_to_its_end() {
        for (text, shown) in [
            ("bad key sk-abcabd in 'Bearer sk-abcabd'", "bad key [redacted] in '[redacted]'"),
            ("é sk-abcabdef", "é [redacted]"),
            ("sk-abc", "sk-abc"),
        ] {
            assert_eq!(mask().text(text), shown, "{text}");
        }
    }

    #[test]
    fn without_secrets_a_piece_passes_as_it_is() {
        let mut mask = Mask::default();
        assert_eq!(&*mask.pass(b"Bearer"), b"Bearer");
        assert!(mask.rest().is_empty());
    }

    proptest! {
        #[test]
        fn pieces_cut_anywhere_show_the_same(text in "([ab-f]|sk-abc|sk-abcabd|Bearer ){0,12}", size in 1..9_usize) {
            prop_assert_eq!(masked(text.as_bytes().chunks(size)), masked([text.as_bytes()]));
        }
    }
}
