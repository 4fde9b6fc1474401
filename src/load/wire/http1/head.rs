//! The head of an answer (RFC 9112, sections 4 and 6.3). Pure.

use super::framing::{Framing, Malformed};
use crate::load::wire::lane::AnswerHead;
use httparse::{Header, ParserConfig, Response, Status};
use std::mem::MaybeUninit;

/// Most header fields of an answer.
const FIELDS_MAX: usize = 128;
/// Most bytes of a head.
const HEAD_BYTES_MAX: usize = 256 << 10;

/// A head and what it says about the rest.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) head: AnswerHead,
    pub(super) framing: Framing,
    /// Whether the connection can be used again.
    pub(super) keeps: bool,
    /// Bytes of the head, and of the interim heads before it.
    pub(super) bytes: usize,
}

/// Reads a head, past interim answers (`100 Continue`); `None`: it is not whole yet.
///
/// # Errors
/// It is none.
pub(super) fn parse(bytes: &[u8], is_head_request: bool) -> Result<Option<Parsed>, Malformed> {
    let mut before = 0;
    while let Some(parsed) = parse_one(bytes.split_at(before).1, is_head_request)? {
        before += parsed.bytes;
        let is_interim = (100..200).contains(&parsed.head.status) && parsed.head.status != 101;
        if !is_interim {
            return Ok(Some(Parsed { bytes: before, ..parsed }));
        }
    }
    if bytes.len() > HEAD_BYTES_MAX {
        return Err(Malformed("its head is too long"));
    }
    Ok(None)
}

fn parse_one(bytes: &[u8], is_head_request: bool) -> Result<Option<Parsed>, Malformed> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut response = Response::new(&mut []);
    let parser = ParserConfig::default();
    let status = parser.parse_response_with_uninit_headers(&mut response, bytes, &mut fields);
    let length = match status.map_err(|error| Malformed(said(error)))? {
        Status::Partial => return Ok(None),
        Status::Complete(length) => length,
    };
    let is_1_1 = response.version == Some(1);
    let mut seen = Fields::default();
    response.headers.iter().try_for_each(|field| seen.take(field))?;
    let status = response.code.unwrap_or_default();
    let framing = if is_head_request || matches!(status, 100..200 | 204 | 304) {
        Framing::NONE
    } else {
        seen.framing(is_1_1)?
    };
    let keeps = if is_1_1 { !seen.closes } else { seen.keeps } && framing != Framing::UntilClose;
    let head = AnswerHead { status, ..seen.head };
    Ok(Some(Parsed { head, framing, keeps, bytes: length }))
}

fn said(error: httparse::Error) -> &'static str {
    match error {
        httparse::Error::HeaderName => "the name of a header is invalid",
        httparse::Error::HeaderValue => "the value of a header is invalid",
        httparse::Error::NewLine => "a line does not end as it must",
        httparse::Error::Status => "its status is invalid",
        httparse::Error::Version => "its version is invalid",
        httparse::Error::TooManyHeaders => "it has too many headers",
        httparse::Error::Token => "its first line is invalid",
    }
}

/// What the fields of a head say that matters here.
#[derive(Debug, Default)]
struct Fields {
    head: AnswerHead,
    length: Option<u64>,
    has_coding: bool,
    is_chunked: bool,
    closes: bool,
    keeps: bool,
}

impl Fields {
    fn take(&mut self, field: &Header<'_>) -> Result<(), Malformed> {
        let name = field.name;
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        let value = || text(field.value);
        if is("content-length") {
            let length = value().and_then(|text| number(&text));
            let length = length.ok_or(Malformed("its content-length is no number"))?;
            if self.length.is_some_and(|other| other != length) {
                return Err(Malformed("it has two lengths"));
            }
            self.length = Some(length);
        } else if is("transfer-encoding") {
            let last = value().unwrap_or_default();
            let last = last.rsplit(',').next().unwrap_or_default().trim();
            self.has_coding = true;
            self.is_chunked = last.eq_ignore_ascii_case("chunked");
        } else if is("connection") {
            for option in value().unwrap_or_default().split(',') {
                self.closes |= option.trim().eq_ignore_ascii_case("close");
                self.keeps |= option.trim().eq_ignore_ascii_case("keep-alive");
            }
        } else if is("content-type") {
            self.head.content_type = value();
        } else if is("content-encoding") {
            self.head.content_encoding = value();
        } else if is("location") {
            self.head.location = value();
        } else if is("retry-after") {
            self.head.retry_after = value();
        }
        Ok(())
    }

    fn framing(&self, is_1_1: bool) -> Result<Framing, Malformed> {
        match (self.has_coding, self.is_chunked, self.length) {
            (true, ..) if !is_1_1 => Err(Malformed("http/1.0 has no transfer-encoding")),
            (true, true, _) => Ok(Framing::chunked()),
            (true, false, _) | (false, _, None) => Ok(Framing::UntilClose),
            (false, _, Some(length)) => Ok(Framing::Length(length)),
        }
    }
}

/// A value, if it is readable.
fn text(value: &[u8]) -> Option<String> {
    let is_readable = value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    is_readable.then(|| value.iter().copied().map(char::from).collect())
}

/// A length; a list of the same length is that length (RFC 9110, section 8.6).
fn number(text: &str) -> Option<u64> {
    let mut all = text.split(',').map(|part| {
        let part = part.trim();
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse().ok()).flatten()
    });
    let first = all.next()??;
    all.all(|other| other == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::super::framing::Framing;
    use super::{HEAD_BYTES_MAX, parse};

    fn framing(head: &str) -> Result<(Framing, bool), &'static str> {
        let parsed = parse(format!("{head}\r\n\r\n").as_bytes(), false).map_err(|error| error.0)?;
        let parsed = parsed.expect("a whole head");
        Ok((parsed.framing, parsed.keeps))
    }

    #[test]
    fn the_head_says_where_the_body_ends_and_whether_the_connection_stays() {
        let chunked = Framing::chunked;
        for (head, expected, keeps) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 5", Framing::Length(5), true),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\ncontent-length: 5",
                Framing::Length(5),
                true,
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", chunked(), true),
            (
                "HTTP/1.1 200\r\ntransfer-encoding: gzip, Chunked\r\ncontent-length: 5",
                chunked(),
                true,
            ),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip", Framing::UntilClose, false),
            ("HTTP/1.1 200 OK", Framing::UntilClose, false),
            ("HTTP/1.1 204 No Content\r\ncontent-length: 5", Framing::NONE, true),
            ("HTTP/1.1 304 Not Modified", Framing::NONE, true),
            ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: x, Close", Framing::NONE, false),
            ("HTTP/1.0 200 OK\r\ncontent-length: 1", Framing::Length(1), false),
            (
                "HTTP/1.0 200 OK\r\ncontent-length: 1\r\nConnection: keep-alive",
                Framing::Length(1),
                true,
            ),
        ] {
            assert_eq!(framing(head), Ok((expected, keeps)), "{head}");
        }
    }

    #[test]
    fn a_head_that_can_be_read_two_ways_is_refused() {
        for head in [
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6",
            "HTTP/1.1 200 OK\r\ncontent-length: +5",
            "HTTP/1.1 200 OK\r\ncontent-length: 5,",
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999",
            "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked",
            "HTTP/1.1 2000 OK",
            "HTTP/2 200 OK",
            "ICY 200 OK",
            "HTTP/1.1 200 OK\r\nno colon",
        ] {
            assert!(framing(head).is_err(), "{head}");
        }
        let many = "\r\nx: y".repeat(129);
        assert!(framing(&format!("HTTP/1.1 200 OK{many}")).is_err());
    }

    #[test]
    fn a_head_is_awaited_whole_past_interim_ones_and_not_for_ever() {
        let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\n\
                    HTTP/1.1 429 Too\r\nretry-after: 2\r\ncontent-type: a/b\r\n\
                    location: \u{e9}\r\n\r\nrest";
        let whole = text.len() - 4;
        for end in 0..whole {
            assert!(parse(&text.as_bytes()[..end], false).unwrap().is_none(), "{end}");
        }
        let parsed = parse(text.as_bytes(), false).unwrap().unwrap();
        assert_eq!((parsed.bytes, parsed.head.status), (whole, 429));
        assert_eq!(parsed.head.retry_after.as_deref(), Some("2"));
        assert_eq!(parsed.head.content_type.as_deref(), Some("a/b"));
        assert_eq!(parsed.head.location, None, "it is not readable");
        let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(HEAD_BYTES_MAX));
        assert!(parse(endless.as_bytes(), false).is_err());
    }

    #[test]
    fn the_answer_to_a_head_request_has_no_body() {
        let parsed = parse(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", true).unwrap().unwrap();
        assert!(parsed.framing.is_done() && parsed.keeps);
    }
}
