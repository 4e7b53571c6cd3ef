//! What a URL says of the way to its server.

use http::Uri;

/// A host, a port, and whether TLS is spoken there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) tls: bool,
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) path: String,
}

impl Place {
    /// `None`: there is no host, as with a unix socket.
    pub(super) fn of(url: &str) -> Option<Self> {
        let uri: Uri = url.split('#').next()?.parse().ok()?;
        let tls = uri.scheme_str()?.eq_ignore_ascii_case("wss");
        let host = uri.host()?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        Some(Self {
            tls,
            host: bare.unwrap_or(host).to_owned(),
            port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            path: uri
                .path_and_query()
                .map_or("/".to_owned(), ToString::to_string),
        })
    }

    /// The host as URLs have it.
    pub(super) fn bracketed(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        }
    }

    /// The origin of a page from there.
    pub(super) fn origin(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => format!("{scheme}://{}", self.bracketed()),
            (_, port) => format!("{scheme}://{}:{port}", self.bracketed()),
        }
    }

    /// Whether it is this machine.
    pub(super) fn is_here(&self) -> bool {
        let address = self.host.parse::<std::net::IpAddr>();
        let name = self.host.to_ascii_lowercase();
        address.is_ok_and(|address| address.is_loopback())
            || name == "localhost"
            || name.ends_with(".localhost")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let place = Place::of("wss://me:pw@[2001:db8::1]/a?b#c").unwrap();
        assert_eq!((place.host.as_str(), place.port), ("2001:db8::1", 443));
        assert_eq!((place.path.as_str(), place.tls), ("/a?b", true));
        assert_eq!(place.origin(), "https://[2001:db8::1]");
        let place = Place::of("ws://localhost:4000").unwrap();
        assert_eq!(
            (place.origin().as_str(), place.path.as_str()),
            ("http://localhost:4000", "/")
        );
        assert!(place.is_here() && !Place::of("ws://example.com").unwrap().is_here());
        for none in ["ws+unix:/run/x.sock:/a", "", "no url at all"] {
            assert_eq!(Place::of(none), None, "{none}");
        }
    }
}
