//! `target.http` and `target.connections`: the version of HTTP.

use super::Context;
use crate::config::decode::Section as _;
use crate::config::model::Target;
use crate::config::plan::HttpVersion;
use crate::config::problem::Code;
use std::num::NonZeroUsize;

/// Most connections of HTTP/2: more are no longer a few that are shared.
const CONNECTIONS_MAX: u16 = 1024;

impl Context<'_> {
    pub(super) fn http_version(&mut self, raw: &Target) -> HttpVersion {
        let version = raw.http.as_ref();
        if let Some(version) = version.filter(|version| !matches!(version.value, 1 | 2)) {
            let what = format!("there is no http {} here", version.value);
            self.out_of_range(version.span, what, "write `http: 1` or `http: 2`");
        }
        let is_two = version.is_some_and(|version| version.value == 2);
        if !is_two && let Some(connections) = &raw.connections {
            if raw.lacks("http") {
                let what = "`connections` is only for `http: 2`";
                let hint = "write `http: 2`, or take it out: http 1 opens what the load needs";
                self.refuse(Code::Conflict, connections.span, what, hint);
            }
            return HttpVersion::One;
        }
        if !is_two {
            return HttpVersion::One;
        }
        if let (Some(connection), Some(version)) = (&raw.connection, version) {
            let what =
                "`connection` is only for http 1: with http 2 all requests share `connections`";
            let hint = "take it out, or write `connections: 4`";
            self.conflict((connection.span, what), (version.span, "http 2 is here"), hint);
        }
        let given = raw.connections.as_ref();
        if let Some(given) = given.filter(|given| !(1..=CONNECTIONS_MAX).contains(&given.value)) {
            let what = format!("{} is no possible number of connections", given.value);
            let hint = format!("write a number from 1 to {CONNECTIONS_MAX}");
            self.out_of_range(given.span, what, hint);
        }
        let connections = given.map_or(1, |given| usize::from(given.value));
        HttpVersion::Two {
            connections: NonZeroUsize::new(connections).unwrap_or(NonZeroUsize::MIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use crate::config::plan::HttpVersion;
    use crate::config::problem::Code;
    use std::path::Path;

    fn http(keys: &str) -> Result<HttpVersion, Vec<Code>> {
        let text = format!(
            "version: 1\nsuite: chat\ntarget: {{ url: \"http://a\", model: m{keys} }}\nchecks: \
             {{ r: {{ capacity: {{ knob: rate, from: 1, to: 9 }}, slos: [\"p99 ttfc < 1s\"] }} }}\n"
        );
        read(Path::new("chat.yml"), &text, &[], &|_| None)
            .map(|plan| plan.target.http)
            .map_err(|invalid| invalid.problems.iter().map(|problem| problem.code).collect())
    }

    #[test]
    fn http_2_is_asked_for_with_its_connections() {
        let two =
            |connections: usize| HttpVersion::Two { connections: connections.try_into().unwrap() };
        for (keys, version) in [
            ("", HttpVersion::One),
            (", http: 1", HttpVersion::One),
            (", http: 1, connection: new", HttpVersion::One),
            (", http: 2", two(1)),
            (", http: 2, connections: 1024", two(1024)),
        ] {
            assert_eq!(http(keys), Ok(version), "{keys}");
        }
        for (keys, code) in [
            (", http: 3", Code::OutOfRange),
            (", connections: 4", Code::Conflict),
            (", http: 1, connections: 4", Code::Conflict),
            (", http: 2, connections: 0", Code::OutOfRange),
            (", http: 2, connections: 1025", Code::OutOfRange),
            (", http: 2, connection: pooled", Code::Conflict),
            (", http: two, connections: 4", Code::WrongType),
        ] {
            assert_eq!(http(keys), Err(vec![code]), "{keys}");
        }
    }
}
