//! The headers that a suite adds to every request: they may hold secrets, which are exposed only
//! while a request is written.

use crate::load::error::ClientError;
use hyper::header::{
    ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    InvalidHeaderValue, TRANSFER_ENCODING, USER_AGENT,
};
use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;

/// Headers that never hold a secret; their values would blank ordinary words of a detail.
const OPEN: [HeaderName; 5] = [ACCEPT, CONNECTION, CONTENT_TYPE, HOST, USER_AGENT];

/// Those of the values of these headers that may be secrets.
pub fn secrets_of_headers(
    headers: &[(String, SecretString)],
) -> impl Iterator<Item = &SecretString> {
    let is_open = |name: &str| OPEN.iter().any(|open| name.eq_ignore_ascii_case(open.as_str()));
    headers.iter().filter(move |(name, _)| !is_open(name)).map(|(_, value)| value)
}

/// The headers of a suite.
#[derive(Debug)]
pub(super) struct Headers(Vec<(HeaderName, SecretString)>);

impl Headers {
    /// These headers, if they can be sent. A template in a value can only add plain characters.
    pub(super) fn new(headers: &[(String, SecretString)]) -> Result<Self, ClientError> {
        let wrong = |name: &str, reason| ClientError::Header { name: name.to_owned(), reason };
        let mut all = Vec::with_capacity(headers.len());
        for (name, value) in headers {
            let parsed = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| wrong(name, "this is no name of a header"))?;
            if [CONTENT_LENGTH, TRANSFER_ENCODING].contains(&parsed) {
                return Err(wrong(name, "it follows from the body"));
            }
            HeaderValue::from_str(value.expose_secret())
                .map_err(|_| wrong(name, "its value holds a control or non-ascii character"))?;
            all.push((parsed, value.clone()));
        }
        Ok(Self(all))
    }

    /// Writes them, each value as `expanded` makes it.
    pub(super) fn write<'a>(
        &'a self,
        headers: &mut HeaderMap,
        expanded: impl Fn(&'a str) -> Cow<'a, str>,
    ) -> Result<(), InvalidHeaderValue> {
        for (name, value) in &self.0 {
            let mut value = HeaderValue::from_str(&expanded(value.expose_secret()))?;
            value.set_sensitive(true);
            headers.append(name.clone(), value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Headers, secrets_of_headers};

    fn headers(name: &str, value: &str) -> Result<Headers, String> {
        Headers::new(&[(name.to_owned(), value.into())]).map_err(|error| error.to_string())
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_refused_without_its_value() {
        for (name, value) in [
            ("a b", "secret"),
            ("", "secret"),
            ("x-key", "secret\r\nx: y"),
            ("content-length", "5"),
            ("Transfer-Encoding", "chunked"),
        ] {
            let error = headers(name, value).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(headers("Authorization", "Bearer sk-123456").is_ok());
    }

    #[test]
    fn a_key_may_be_a_secret_and_an_ordinary_value_is_not() {
        let secrets = |name: &str, value: &str| {
            secrets_of_headers(&[(name.to_owned(), value.into())]).count()
        };
        assert_eq!(secrets("authorization", "Bearer sk-123456"), 1);
        assert_eq!(secrets("accept", "application/json"), 0);
        assert_eq!(secrets("Accept", "application/json"), 0);
    }
}
