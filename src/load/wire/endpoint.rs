//! Where the target is: its base URL, and the addresses behind its name.

use crate::config::plan::Api;
use crate::load::error::ClientError;
use hyper::Uri;
use hyper::header::HeaderValue;
use hyper::http::uri::{Authority, Scheme};
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::os::unix;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What becomes of a query in a base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Query {
    /// It is a mistake: requests have paths of their own.
    Refused,
    /// It is sent: the URL is the whole request.
    Sent,
}

impl Query {
    fn of(api: &Api) -> Self {
        match api {
            Api::Http(request) if request.path.is_empty() => Self::Sent,
            Api::Http(_) | Api::OpenAiChat { .. } => Self::Refused,
        }
    }
}

/// A base URL, taken apart.
#[derive(Debug, Clone)]
pub(in crate::load) struct Endpoint {
    /// Whether it is `https`.
    pub(super) is_tls: bool,
    /// Where connections go.
    pub(super) place: Place,
    /// The same for the eye.
    pub(super) name: String,
    /// What the `host` header says.
    pub(super) host_header: HeaderValue,
    /// Path before every request's path, without a slash at its end.
    prefix: String,
    /// The URL's own path and query.
    whole: String,
}

/// Where connections go.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Tcp(Host),
    /// A socket of this machine, by its path.
    Unix(PathBuf),
}

/// A host that is reached by TCP.
#[derive(Debug, Clone)]
pub(super) struct Host {
    /// Name or address, without brackets.
    pub(super) name: String,
    /// Port, the scheme's own if the URL names none.
    port: u16,
    /// Addresses of the host, resolved once.
    addresses: Vec<SocketAddr>,
    /// Where the next connection of all that know this host begins to try.
    next: Arc<AtomicUsize>,
}

/// Addresses of TCP over which connections are spread, each with a range of local ports of its own;
/// 0: no connection needs a port.
pub(in crate::load) fn addresses(endpoints: &[Endpoint]) -> usize {
    let hosts = endpoints.iter().filter_map(|endpoint| match &endpoint.place {
        Place::Tcp(host) => Some(host),
        Place::Unix(_) => None,
    });
    hosts.flat_map(Host::larger_family).collect::<BTreeSet<SocketAddr>>().len()
}

fn wrong(reason: &'static str) -> ClientError {
    ClientError::Url { reason }
}

impl Endpoint {
    /// Takes `base_url` apart; no address is known yet.
    fn parse(base_url: &str, in_url: Query) -> Result<Self, ClientError> {
        if let Some(path) = base_url.trim().strip_prefix("unix:") {
            return Self::unix(path);
        }
        let uri: Uri = base_url.trim().parse().map_err(|_| wrong("it cannot be parsed"))?;
        let is_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(wrong("it does not start with http://, https:// or unix:")),
        };
        if base_url.contains('#') {
            return Err(wrong("it holds a fragment"));
        }
        if uri.query().is_some() && in_url == Query::Refused {
            return Err(wrong("it holds a query"));
        }
        let authority = uri.authority().ok_or(wrong("it names no host"))?;
        let own_port = if is_tls { 443 } else { 80 };
        let host = Host::parse(authority, own_port)?;
        let name = if host.port == own_port {
            authority.host().to_owned()
        } else {
            format!("{}:{}", authority.host(), host.port)
        };
        let host_header =
            HeaderValue::from_str(&name).map_err(|_| wrong("its host cannot be sent"))?;
        let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
        let whole = format!("{}{query}", uri.path());
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { is_tls, place: Place::Tcp(host), name, host_header, prefix, whole })
    }

    /// A socket of this machine: `unix:/path` or `unix:///path`.
    fn unix(path: &str) -> Result<Self, ClientError> {
        let path = path.strip_prefix("//").unwrap_or(path);
        if !path.starts_with('/') {
            return Err(wrong("it does not name a socket by its whole path"));
        }
        if unix::net::SocketAddr::from_pathname(path).is_err() {
            return Err(wrong("the path of its socket is longer than the system allows"));
        }
        Ok(Self {
            is_tls: false,
            place: Place::Unix(PathBuf::from(path)),
            name: format!("unix:{path}"),
            host_header: HeaderValue::from_static("localhost"),
            prefix: String::new(),
            whole: "/".to_owned(),
        })
    }

    /// All of these, each name resolved once.
    pub(in crate::load) async fn all(
        base_urls: &[impl AsRef<str>],
        api: &Api,
    ) -> Result<Vec<Self>, ClientError> {
        let mut all = Vec::with_capacity(base_urls.len());
        for base_url in base_urls {
            all.push(Self::parse(base_url.as_ref(), Query::of(api))?.resolved().await?);
        }
        Ok(all)
    }

    /// Resolves the host's name.
    async fn resolved(self) -> Result<Self, ClientError> {
        let place = match self.place {
            Place::Tcp(host) => Place::Tcp(host.resolved().await?),
            Place::Unix(path) => Place::Unix(path),
        };
        Ok(Self { place, ..self })
    }

    /// Path and query of a request, below the base URL; of the URL itself if `path` is empty.
    pub(super) fn path(&self, path: &str) -> String {
        if path.is_empty() {
            return self.whole.clone();
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{}{slash}{path}", self.prefix)
    }
}

impl Host {
    fn parse(authority: &Authority, own_port: u16) -> Result<Self, ClientError> {
        if authority.as_str().contains('@') {
            return Err(wrong("it holds a user name: use a header instead"));
        }
        let name = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if name.is_empty() {
            return Err(wrong("it names no host"));
        }
        let port = match authority.as_str().strip_prefix(authority.host()).unwrap_or_default() {
            "" => own_port,
            port => port
                .strip_prefix(':')
                .and_then(|port| port.parse().ok())
                .filter(|port| *port > 0)
                .ok_or(wrong("its port is no number from 1 to 65535"))?,
        };
        Ok(Self { name, port, addresses: Vec::new(), next: Arc::default() })
    }

    async fn resolved(self) -> Result<Self, ClientError> {
        let failed = |source| ClientError::Dns { host: self.name.clone(), source };
        let found = tokio::net::lookup_host((self.name.as_str(), self.port)).await;
        let mut addresses: Vec<SocketAddr> = found.map_err(failed)?.collect();
        addresses.dedup();
        if addresses.is_empty() {
            return Err(failed(io::Error::other("the name has no address")));
        }
        Ok(Self { addresses, ..self })
    }

    /// Its addresses of IPv4, or those of IPv6 where they are more. Both may name the same servers, and
    /// where one of the two does not answer all connections go to the other.
    fn larger_family(&self) -> Vec<SocketAddr> {
        let (old, new): (Vec<SocketAddr>, Vec<SocketAddr>) =
            self.addresses.iter().partition(|address| address.is_ipv4());
        if new.len() > old.len() { new } else { old }
    }

    /// The addresses in the order in which the next connection tries them: each time another first.
    pub(super) fn rotation(&self) -> impl Iterator<Item = SocketAddr> {
        let first = self.next.fetch_add(1, Ordering::Relaxed) % self.addresses.len().max(1);
        let (before, from) = self.addresses.split_at(first.min(self.addresses.len()));
        from.iter().chain(before).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, Host, Place, Query, addresses};
    use std::path::Path;

    #[test]
    fn a_base_url_is_taken_apart() {
        for (url, host, port, authority, path) in [
            ("http://a.example", "a.example", 80, "a.example", "/v1"),
            ("http://a.example:80/", "a.example", 80, "a.example", "/v1"),
            ("https://a.example:8443/x/", "a.example", 8443, "a.example:8443", "/x/v1"),
            ("http://127.0.0.1:9", "127.0.0.1", 9, "127.0.0.1:9", "/v1"),
            ("http://[::1]:9/api", "::1", 9, "[::1]:9", "/api/v1"),
        ] {
            let endpoint = Endpoint::parse(url, Query::Refused).unwrap();
            let Place::Tcp(found) = &endpoint.place else { panic!("{url}") };
            assert_eq!((found.name.as_str(), found.port), (host, port), "{url}");
            assert_eq!(endpoint.name, authority);
            assert_eq!(endpoint.host_header, authority);
            assert_eq!(endpoint.is_tls, url.starts_with("https"));
            assert_eq!(endpoint.path("/v1"), path);
            assert_eq!(endpoint.path("v1"), path);
        }
    }

    #[test]
    fn a_socket_is_named_by_its_path() {
        for url in ["unix:/run/a.sock", "unix:///run/a.sock"] {
            let endpoint = Endpoint::parse(url, Query::Refused).unwrap();
            assert!(
                matches!(&endpoint.place, Place::Unix(path) if path == Path::new("/run/a.sock"))
            );
            assert_eq!((endpoint.path("/v1"), endpoint.path("")), ("/v1".into(), "/".into()));
            assert_eq!((endpoint.name.as_str(), endpoint.is_tls), ("unix:/run/a.sock", false));
            assert_eq!(endpoint.host_header, "localhost");
        }
        let long = format!("unix:/{}", "x".repeat(120));
        for url in ["unix:", "unix:a", "unix://a/b", long.as_str()] {
            assert!(Endpoint::parse(url, Query::Refused).is_err(), "{url}");
        }
    }

    #[test]
    fn a_url_that_is_the_whole_request_is_sent_as_it_is() {
        for (url, path) in [
            ("http://a", "/"),
            ("http://a/", "/"),
            ("http://a/x/", "/x/"),
            ("http://a/x?q=1&r=/", "/x?q=1&r=/"),
            ("http://a?q", "/?q"),
            ("http://a/x?", "/x?"),
        ] {
            let endpoint = Endpoint::parse(url, Query::Sent).unwrap();
            assert_eq!(endpoint.path(""), path, "{url}");
        }
        let endpoint = Endpoint::parse("http://a/x/", Query::Refused).unwrap();
        assert_eq!(endpoint.path(""), "/x/");
        assert!(Endpoint::parse("http://a/x?q#f", Query::Sent).is_err());
    }

    #[test]
    fn an_unusable_url_is_refused_without_repeating_its_secrets() {
        for url in [
            "",
            "a.example",
            "a.example:80",
            "ftp://a",
            "http://",
            "http://:80",
            "http://a:99999",
            "http://a:0",
            "http://a:",
            "http://a b",
            "http://me:secret@a",
            "http://a/?key=secret",
            "http://a/#b",
        ] {
            let error = Endpoint::parse(url, Query::Refused).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    /// A host with these addresses.
    fn named(addresses: &[&str]) -> Endpoint {
        let endpoint = Endpoint::parse("http://a", Query::Refused).unwrap();
        let Place::Tcp(host) = endpoint.place else { panic!("not tcp") };
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        Endpoint { place: Place::Tcp(Host { addresses, ..host }), ..endpoint }
    }

    #[test]
    fn addresses_count_once_and_of_one_family_and_sockets_do_not() {
        let unix = || Endpoint::parse("unix:/run/a.sock", Query::Refused).unwrap();
        let (one, two, six) = ("127.0.0.1:1", "127.0.0.2:1", "[::1]:1");
        for (endpoints, count) in [
            (vec![unix(), unix()], 0),
            (vec![named(&[one])], 1),
            (vec![named(&[one]), unix()], 1),
            (vec![named(&[one]), named(&[one])], 1),
            (vec![named(&[one]), named(&["127.0.0.1:2"])], 2),
            (vec![named(&[one, two])], 2),
            (vec![named(&[six, one])], 1),
            (vec![named(&[six, one, two]), named(&[one])], 2),
            (vec![named(&[six, "[::2]:1", one])], 2),
        ] {
            assert_eq!(addresses(&endpoints), count, "{endpoints:?}");
        }
    }

    #[test]
    fn connections_of_all_workers_take_turns_over_the_addresses() {
        let endpoint = named(&["127.0.0.1:1", "127.0.0.2:1", "127.0.0.3:1"]);
        let (Place::Tcp(host), Place::Tcp(other)) = (endpoint.clone().place, endpoint.place) else {
            panic!("not tcp")
        };
        let firsts: Vec<String> = [&host, &other, &host, &other]
            .map(|host| host.rotation().next().unwrap().ip().to_string())
            .to_vec();
        assert_eq!(firsts, ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.1"]);
        assert_eq!(host.rotation().count(), 3);
    }
}
