//! Where the body of an answer ends (RFC 9112, sections 6 and 7). Pure.

/// Most bytes of what stands beside the chunks: their extensions, and the trailers.
const ASIDE_BYTES_MAX: usize = 16 << 10;

/// Bytes that are not HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Malformed(pub(super) &'static str);

/// How much of a body is still to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes.
    Length(u64),
    /// Chunks, each behind its own length.
    Chunked(Chunked),
    /// All until the connection is closed.
    UntilClose,
}

impl Framing {
    /// No body.
    pub(super) const NONE: Self = Self::Length(0);

    /// Chunks of which none has come.
    pub(super) fn chunked() -> Self {
        Self::Chunked(Chunked { at: At::Start, left: 0, aside: 0 })
    }

    /// Whether all of the body has come.
    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunked) => chunked.at == At::End,
            Self::UntilClose => false,
        }
    }

    /// Takes the next bytes, hands what is body to `sink`, and says how many belong to this answer.
    ///
    /// # Errors
    /// Chunks that are none.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        mut sink: impl FnMut(&[u8]),
    ) -> Result<usize, Malformed> {
        match self {
            Self::Length(left) => Ok(take_of(left, bytes, sink)),
            Self::Chunked(chunked) => chunked.take(bytes, sink),
            Self::UntilClose => {
                sink(bytes);
                Ok(bytes.len())
            }
        }
    }
}

/// Hands on as many of `bytes` as are left, and says how many.
fn take_of(left: &mut u64, bytes: &[u8], mut sink: impl FnMut(&[u8])) -> usize {
    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
    *left -= count as u64;
    if count > 0 {
        sink(bytes.split_at(count).0);
    }
    count
}

/// A body in chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunked {
    at: At,
    /// Bytes of the chunk that are still to come.
    left: u64,
    /// Bytes of extensions and trailers so far.
    aside: usize,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// The first digit of a length.
    Start,
    /// Another digit, or what follows them.
    Digits,
    /// Blanks between length and what follows.
    Blanks,
    Extension,
    /// The end of the line of a length.
    LengthLf,
    Data,
    DataCr,
    DataLf,
    /// A trailer, or the last line.
    LastLine,
    Trailer,
    TrailerLf,
    EndLf,
    End,
}

impl Chunked {
    fn take(&mut self, bytes: &[u8], mut sink: impl FnMut(&[u8])) -> Result<usize, Malformed> {
        let mut rest = bytes;
        while self.at != At::End
            && let [byte, after @ ..] = rest
        {
            if self.at == At::Data {
                rest = rest.split_at(take_of(&mut self.left, rest, &mut sink)).1;
                if self.left == 0 {
                    self.at = At::DataCr;
                }
            } else {
                self.at = self.step(*byte)?;
                rest = after;
            }
        }
        Ok(bytes.len() - rest.len())
    }

    fn step(&mut self, byte: u8) -> Result<At, Malformed> {
        let next = match (self.at, byte) {
            (At::Start | At::Digits, digit) if digit.is_ascii_hexdigit() => {
                self.digit(digit)?;
                At::Digits
            }
            (At::Start, _) => return Err(Malformed("a chunk does not begin with its length")),
            (At::Digits | At::Blanks, b' ' | b'\t') => At::Blanks,
            (At::Digits | At::Blanks, b';') => At::Extension,
            (At::Digits | At::Blanks | At::Extension, b'\r') => At::LengthLf,
            (At::Digits | At::Blanks, _) => {
                return Err(Malformed("a chunk's length is no number"));
            }
            (At::Extension, b'\n') => return Err(Malformed("a chunk's extension has two lines")),
            (At::Extension, _) => self.aside(At::Extension)?,
            (At::LengthLf, b'\n') if self.left == 0 => At::LastLine,
            (At::LengthLf, b'\n') => At::Data,
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::Start,
            (At::LastLine, b'\r') => At::EndLf,
            (At::LastLine | At::Trailer, b'\n') => return Err(Malformed("a trailer is broken")),
            (At::Trailer, b'\r') => At::TrailerLf,
            (At::LastLine | At::Trailer, _) => self.aside(At::Trailer)?,
            (At::TrailerLf, b'\n') => At::LastLine,
            (At::EndLf, b'\n') => At::End,
            (At::LengthLf | At::TrailerLf | At::EndLf, _) => {
                return Err(Malformed("a line ends without a line feed"));
            }
            (At::DataCr | At::DataLf, _) => {
                return Err(Malformed("a chunk is longer than its length"));
            }
            (At::Data | At::End, _) => self.at,
        };
        Ok(next)
    }

    fn digit(&mut self, digit: u8) -> Result<(), Malformed> {
        let value = char::from(digit).to_digit(16).unwrap_or_default();
        let left = self.left.checked_mul(16).ok_or(Malformed("a chunk's length is too large"))?;
        self.left = left + u64::from(value);
        Ok(())
    }

    fn aside(&mut self, next: At) -> Result<At, Malformed> {
        self.aside += 1;
        if self.aside > ASIDE_BYTES_MAX {
            return Err(Malformed("extensions and trailers are too long"));
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::{ASIDE_BYTES_MAX, Framing, Malformed};
    use proptest::prelude::*;

    /// The body in `parts`, how many bytes belong to it, and whether it is done.
    fn taken<'a>(
        mut framing: Framing,
        parts: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(Vec<u8>, usize, bool), Malformed> {
        let (mut body, mut count) = (Vec::new(), 0);
        for part in parts {
            count += framing.take(part, |piece| body.extend_from_slice(piece))?;
        }
        Ok((body, count, framing.is_done()))
    }

    #[test]
    fn a_body_has_its_length() {
        for (length, body, left) in [(0, "", 6), (3, "abc", 3), (6, "abcdef", 0)] {
            let (found, count, is_done) = taken(Framing::Length(length), [&b"abcdef"[..]]).unwrap();
            assert_eq!((found, count, is_done), (body.into(), 6 - left, true));
        }
        assert!(!taken(Framing::Length(7), [&b"abcdef"[..]]).unwrap().2);
        assert!(!taken(Framing::UntilClose, [&b"abcdef"[..]]).unwrap().2);
    }

    #[test]
    fn chunks_are_read_as_http_says() {
        for (text, body) in [
            ("0\r\n\r\n", ""),
            ("3\r\nabc\r\n0\r\n\r\n", "abc"),
            ("1;a=b;c=\"d\"\r\na\r\n1 \t\r\nb\r\n000A\r\n0123456789\r\n0\r\n\r\n", "ab0123456789"),
            ("1\r\na\r\n0\r\nx: y\r\nz: \r\n\r\n", "a"),
        ] {
            let whole = format!("{text}HTTP/1.1");
            let (found, count, is_done) = taken(Framing::chunked(), [whole.as_bytes()]).unwrap();
            assert_eq!((found, count, is_done), (body.into(), text.len(), true), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let long = "x".repeat(ASIDE_BYTES_MAX + 1);
        for text in [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "1x\r\na\r\n",
            "1\na\r\n",
            "1\r\nab\r\n",
            "1\r\na\n",
            "1;a\nb\r\n",
            "10000000000000000\r\n",
            "0\r\n\n",
            "0\r\nx: y\n\r\n",
            "0\r\n\rx",
            &format!("1;{long}\r\n"),
            &format!("0\r\n{long}"),
        ] {
            assert!(taken(Framing::chunked(), [text.as_bytes()]).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_split_of_the_bytes_gives_the_same_body(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
            trailer in any::<bool>(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let mut text = Vec::new();
            for chunk in &chunks {
                text.extend(format!("{:x};n\r\n", chunk.len()).bytes());
                text.extend(chunk);
                text.extend(b"\r\n");
            }
            text.extend(if trailer { &b"0\r\nt: 1\r\n\r\n"[..] } else { b"0\r\n\r\n" });
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let parts = cuts.windows(2).map(|ends| &text[ends[0]..ends[1]]);
            let found = taken(Framing::chunked(), parts).unwrap();
            prop_assert_eq!(found, (chunks.concat(), text.len(), true));
        }

        #[test]
        fn no_bytes_are_taken_twice_or_invented(text in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok((body, count, is_done)) = taken(Framing::chunked(), [&text[..]]) {
                prop_assert!(body.len() <= count && count <= text.len());
                prop_assert!(is_done || count == text.len());
            }
        }
    }
}
