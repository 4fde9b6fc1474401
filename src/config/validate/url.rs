//! `target.url`: where a server is that runs already.

use super::Context;
use crate::config::decode::Spanned;
use crate::config::problem::Code;
use hyper::Uri;

/// Longest path of a socket; the systems know no longer one.
const UNIX_PATH_BYTES_MAX: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

impl Context<'_> {
    pub(super) fn url(&mut self, url: &Spanned<String>) -> Option<String> {
        if let Some(path) = url.value.strip_prefix("unix:") {
            return self.unix_socket(path, url);
        }
        let mut refuse = |what: &str, hint: &str| {
            self.refuse(Code::Http, url.span, what, hint);
            None
        };
        const HINT: &str = "write for example `http://127.0.0.1:8000`";
        let Ok(parsed) = url.value.parse::<Uri>() else {
            return refuse("`url` cannot be read", HINT);
        };
        let Some(authority) = parsed.authority() else {
            return refuse("`url` has no scheme or no host", HINT);
        };
        if !matches!(parsed.scheme_str(), Some("http" | "https")) {
            return refuse("`url` must start with `http://`, `https://` or `unix:`", HINT);
        }
        if authority.as_str().contains('@') {
            let hint = "put the key into `headers`: `authorization: \"Basic ${KEY}\"`";
            return refuse("`url` holds a user or password, and is printed in reports", hint);
        }
        if authority.host().is_empty() {
            return refuse("`url` has no host", HINT);
        }
        if authority.as_str().len() > authority.host().len() && parsed.port_u16().is_none() {
            return refuse("`url` has no possible port", HINT);
        }
        if parsed.query().is_some() || url.value.contains('#') {
            return refuse("`url` has a query or fragment", "a base URL ends with its path");
        }
        Some(url.value.trim_end_matches('/').to_owned())
    }

    fn unix_socket(&mut self, path: &str, url: &Spanned<String>) -> Option<String> {
        let path = path.strip_prefix("//").unwrap_or(path);
        let hint = "write the whole path of the socket: `unix:/run/server.sock`";
        if !path.starts_with('/') || path.ends_with('/') || path.contains('\0') {
            self.refuse(Code::Http, url.span, "`url` does not name a socket by its path", hint);
            return None;
        }
        if path.len() > UNIX_PATH_BYTES_MAX {
            let what = format!(
                "the path of the socket has {} bytes, and {UNIX_PATH_BYTES_MAX} are the most",
                path.len()
            );
            self.refuse(Code::Http, url.span, what, "put the socket, or a link to it, elsewhere");
            return None;
        }
        Some(format!("unix:{path}"))
    }
}
