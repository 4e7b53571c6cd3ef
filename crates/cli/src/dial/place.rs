//! What a URL says of the server, as far as flags depend on it. The library judges the URL; what this
//! cannot read, that refuses.

use std::net::IpAddr;

use http::Uri;

/// Where a URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) tls: bool,
    /// In small letters, an IPv6 address without brackets.
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) path: String,
}

impl Place {
    /// Reads a URL with its scheme. A unix socket is this machine.
    pub(super) fn of(url: &str) -> Option<Place> {
        if url.to_ascii_lowercase().starts_with("ws+unix:") {
            return Some(Place {
                tls: false,
                host: "localhost".to_owned(),
                port: None,
                path: url.rsplit_once(':')?.1.to_owned(),
            });
        }
        let uri: Uri = url.parse().ok()?;
        Some(Place {
            tls: uri.scheme_str() == Some("wss"),
            host: uri.host()?.trim_matches(['[', ']']).to_ascii_lowercase(),
            port: uri.port_u16(),
            path: uri.path().to_owned(),
        })
    }

    /// The host, if it is an address.
    pub(super) fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// The Origin of a page of the same server; `host` is the Host header, if it is not the URL's.
    pub(super) fn origin(&self, host: Option<&str>) -> String {
        let (scheme, own) = if self.tls {
            ("https", 443)
        } else {
            ("http", 80)
        };
        if let Some(host) = host {
            let bare = host.strip_suffix(&format!(":{own}")).unwrap_or(host);
            return format!("{scheme}://{bare}");
        }
        let host = match self.ip() {
            Some(IpAddr::V6(ip)) => format!("[{ip}]"),
            _ => self.host.clone(),
        };
        match self.port {
            Some(port) if port != own => format!("{scheme}://{host}:{port}"),
            _ => format!("{scheme}://{host}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_origin_of_the_server_itself() {
        for (url, host, origin) in [
            ("ws://h:80/x", None, "http://h"),
            ("wss://H:443", None, "https://h"),
            ("wss://h:80/", None, "https://h:80"),
            ("ws://u:p@[::1]:9/", None, "http://[::1]:9"),
            (
                "wss://10.0.0.1/",
                Some("chat.example:443"),
                "https://chat.example",
            ),
            ("ws+unix:/a.sock:/x", None, "http://localhost"),
        ] {
            assert_eq!(Place::of(url).unwrap().origin(host), origin, "{url}");
        }
        for url in ["", "ws://", "ws:// /"] {
            assert_eq!(Place::of(url), None, "{url}");
        }
    }
}
