//! Reads just enough of HTTP/1.1 to know where a request ends and who sent it.

/// What matters of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    /// Bytes of head and body together.
    pub(super) length: usize,
    pub(super) is_post: bool,
    pub(super) closes: bool,
    /// The header `x-request-id`, or nothing.
    pub(super) id: &'a str,
}

/// The first request of `input`, or `None` while it is not complete.
pub(super) fn parse(input: &[u8]) -> Option<Request<'_>> {
    let end = input.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(input.get(..end)?).ok()?;
    let mut request =
        Request { length: end + 4, is_post: head.starts_with("POST"), closes: false, id: "" };
    for line in head.split("\r\n").skip(1) {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim_ascii();
        if name.eq_ignore_ascii_case("content-length") {
            request.length += value.parse::<usize>().ok()?;
        } else if name.eq_ignore_ascii_case("x-request-id") {
            request.id = value;
        } else if name.eq_ignore_ascii_case("connection") {
            request.closes = value.eq_ignore_ascii_case("close");
        }
    }
    (input.len() >= request.length).then_some(request)
}
