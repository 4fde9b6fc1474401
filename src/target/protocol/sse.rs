//! Splits a stream of server-sent events, as the HTML standard defines them, whatever the pieces
//! in which it comes. Each byte is looked at once, and an event that came whole is read where it lies.

use memchr::memchr2;

/// Largest event; a longer one, or a longer line, is refused.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// One complete event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// Value of its `event:` line; empty without one.
    pub name: &'a [u8],
    /// Its `data:` lines, joined by line feeds.
    pub data: &'a [u8],
}

/// An event is larger than 1 MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is larger than 1 MiB")]
pub struct TooLarge;

/// Takes the bytes of a stream in any pieces and hands out complete events. What follows the last
/// blank line when the stream ends is no event.
#[derive(Debug, Default)]
pub struct Splitter {
    /// The start of a line whose end has not come.
    partial: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was a CR: a LF that follows belongs to it.
    after_cr: bool,
    /// A line was seen: a byte order mark can only be before the first.
    started: bool,
}

impl Splitter {
    /// Takes the next bytes and calls `on_event` for each event that they complete.
    ///
    /// # Errors
    /// [`TooLarge`] when an event or a line exceeds 1 MiB; the stream cannot be read on.
    pub fn push(
        &mut self,
        mut bytes: &[u8],
        mut on_event: impl FnMut(Event<'_>),
    ) -> Result<(), TooLarge> {
        let mut lying = None;
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr)
                && let Some(rest) = bytes.strip_prefix(b"\n")
            {
                bytes = rest;
                continue;
            }
            let Some(end) = memchr2(b'\n', b'\r', bytes) else {
                self.keep(lying);
                self.partial.extend_from_slice(bytes);
                return self.within_limit(0);
            };
            let (line, rest) = bytes.split_at(end);
            self.after_cr = rest.first() == Some(&b'\r');
            bytes = rest.get(1..).unwrap_or_default();
            if self.partial.is_empty() {
                self.line(line, &mut lying, &mut on_event)?;
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line);
                let mut lying = None;
                let taken = self.line(&whole, &mut lying, &mut on_event);
                self.keep(lying);
                whole.clear();
                self.partial = whole;
                taken?;
            }
        }
        self.keep(lying);
        Ok(())
    }

    /// Copies data that will not lie here any more.
    fn keep(&mut self, lying: Option<&[u8]>) {
        self.data.extend_from_slice(lying.unwrap_or_default());
    }

    fn within_limit(&self, more: usize) -> Result<(), TooLarge> {
        let held = self.data.len() + self.partial.len() + more;
        if held > EVENT_BYTES_MAX { Err(TooLarge) } else { Ok(()) }
    }

    /// Takes a line. The first data of an event is left `lying`, and not copied.
    fn line<'a>(
        &mut self,
        line: &'a [u8],
        lying: &mut Option<&'a [u8]>,
        on_event: &mut impl FnMut(Event<'_>),
    ) -> Result<(), TooLarge> {
        let first = !std::mem::replace(&mut self.started, true);
        let line = if first { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        self.within_limit(line.len() + lying.map_or(0, <[u8]>::len))?;
        if line.is_empty() {
            if std::mem::take(&mut self.has_data) {
                let data = lying.take().unwrap_or(&self.data);
                on_event(Event { name: &self.name, data });
            }
            self.name.clear();
            self.data.clear();
            return Ok(());
        }
        let colon = line.iter().position(|b| *b == b':').unwrap_or(line.len());
        let (field, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.keep(lying.take());
                    self.data.push(b'\n');
                    self.data.extend_from_slice(value);
                } else {
                    *lying = Some(value);
                }
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            _ => {} // a comment (empty field name), id, retry or an unknown field
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{EVENT_BYTES_MAX, Splitter, TooLarge};
    use proptest::prelude::*;

    type Events = Vec<(String, String)>;

    fn events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Events, TooLarge> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut splitter = Splitter::default();
        let mut all = Events::new();
        for piece in pieces {
            splitter.push(piece, |event| all.push((text(event.name), text(event.data))))?;
        }
        Ok(all)
    }

    #[test]
    fn events_are_split_as_the_standard_says() {
        let table: [(&str, &[(&str, &str)]); 16] = [
            ("data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")]),
            ("data: a\r\n\r\ndata: b\r\n\r\n", &[("", "a"), ("", "b")]),
            ("data: a\r\rdata: b\r\r", &[("", "a"), ("", "b")]),
            ("data: a\n\r\ndata: b\r\n\n", &[("", "a"), ("", "b")]),
            ("\u{feff}data: a\n\n", &[("", "a")]),
            ("\u{feff}\u{feff}data: a\n\n", &[]),
            ("data: a\n\n\u{feff}data: b\n\n", &[("", "a")]),
            (": ping\n\n:\n\ndata: a\n: in between\ndata: b\n\n", &[("", "a\nb")]),
            ("data:a\n\ndata:  b\n\n", &[("", "a"), ("", " b")]),
            ("event: error\ndata: x\n\ndata: y\n\n", &[("error", "x"), ("", "y")]),
            ("event: only\n\ndata: y\n\n", &[("", "y")]),
            ("data\n\ndata:\ndata:\n\n", &[("", ""), ("", "\n")]),
            ("id: 1\nretry: 5\nunknown: z\ndata: a\n\n", &[("", "a")]),
            ("data: {\"a\":\"b:c\"}\n\n", &[("", "{\"a\":\"b:c\"}")]),
            ("data: unfinished\n", &[]),
            ("data: a\n\ndata: unfinished", &[("", "a")]),
        ];
        for (text, expected) in table {
            let expected: Events =
                expected.iter().map(|(n, d)| ((*n).to_owned(), (*d).to_owned())).collect();
            assert_eq!(events([text.as_bytes()]).unwrap(), expected, "{text:?}");
            let bytes = text.as_bytes().chunks(1);
            assert_eq!(events(bytes).unwrap(), expected, "byte by byte: {text:?}");
        }
    }

    #[test]
    fn an_event_of_a_mebibyte_is_read_and_a_larger_one_refused() {
        for (prefix, fits) in [("data: ", EVENT_BYTES_MAX - 6), (": ", EVENT_BYTES_MAX - 2)] {
            for (extra, ok) in [(0, true), (1, false)] {
                let text = format!("{prefix}{}\n\n", "x".repeat(fits + extra));
                for size in [text.len(), 4096] {
                    let read = events(text.as_bytes().chunks(size));
                    assert_eq!(read.is_ok(), ok, "{prefix:?} {extra} {size}");
                }
            }
        }
        let lines = "data: 0123456789abcdef\n".repeat(EVENT_BYTES_MAX / 16);
        assert_eq!(events([lines.as_bytes()]), Err(TooLarge));
    }

    /// An event as a server may write it, and what must come of it.
    #[derive(Debug, Clone)]
    struct Written {
        /// Its lines, and those that are none of its own.
        lines: Vec<String>,
        line_end: &'static str,
        event: Option<(String, String)>,
    }

    fn any_written() -> impl Strategy<Value = Written> {
        let around =
            prop::sample::select(vec![": ping", ":", "id: 7", "retry: 9", "other", "x: data: y"]);
        let lines = prop::collection::vec(("[a-z{} :é]{0,9}", any::<bool>(), around), 0..4);
        let line_end = prop::sample::select(vec!["\n", "\r\n", "\r"]);
        (lines, prop::option::of("[a-z]{1,5}"), line_end).prop_map(|(parts, name, line_end)| {
            let mut lines: Vec<String> = name.iter().map(|name| format!("event: {name}")).collect();
            let mut data = Vec::new();
            for (text, is_spaced, around) in parts {
                let space = if is_spaced || text.starts_with(' ') { " " } else { "" };
                lines.push(format!("data:{space}{text}"));
                lines.push(around.to_owned());
                data.push(text);
            }
            let event = (!data.is_empty()).then(|| (name.unwrap_or_default(), data.join("\n")));
            Written { lines, line_end, event }
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_wherever_the_bytes_are_split(
            written in prop::collection::vec(any_written(), 0..8),
            has_mark in any::<bool>(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let mut text = String::from(if has_mark { "\u{feff}" } else { "" });
            for Written { lines, line_end, .. } in &written {
                for line in lines.iter().map(String::as_str).chain([""]) {
                    text.push_str(line);
                    text.push_str(line_end);
                }
            }
            // A blank line that is only a LF would belong to a CR before it.
            prop_assume!(written.windows(2).all(|pair| {
                !(pair[0].line_end == "\r" && pair[1].lines.is_empty())
            }));
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
            let expected: Events = written.iter().filter_map(|one| one.event.clone()).collect();
            prop_assert_eq!(events(pieces).unwrap(), expected);
        }

        #[test]
        fn any_split_of_the_bytes_gives_the_same_events(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    &b"data: a"[..], b"data:", b"data", b"event: e", b":", b": c", b"\n", b"\r",
                    b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n", b"\xef\xbb\xbf", b"\xef", b"\xff", b" ", b"x",
                ]),
                0..40,
            ),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let bytes = parts.concat();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.push(0);
            cuts.push(bytes.len());
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
            prop_assert_eq!(events(pieces), events([bytes.as_slice()]));
        }
    }
}
