//! What a `ws://` URL says (RFC 6455 §3).

use crate::error::ConnectError;
use http::Uri;

/// Where to connect and what to ask for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// As it is looked up: an IPv6 address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query.
    pub(super) path: String,
}

pub(super) const DEFAULT_PORT: u16 = 80;

pub(super) fn parse(url: &str) -> Result<Target, ConnectError> {
    let bad = ConnectError::InvalidUrl;
    // §3: fragments "are meaningless in the context of WebSocket URIs and MUST NOT be used".
    if url.contains('#') {
        return Err(bad(
            "it has a fragment (#…), which a WebSocket URL must not have",
        ));
    }
    let uri: Uri = url
        .parse()
        .map_err(|_| bad("it is not a URL like ws://host:port/path"))?;
    match uri.scheme_str() {
        Some(scheme) if scheme.eq_ignore_ascii_case("ws") => {}
        Some(scheme) if scheme.eq_ignore_ascii_case("wss") => {
            return Err(bad("wss:// is not supported yet: use ws://"));
        }
        _ => return Err(bad("it does not begin with ws://")),
    }
    let authority = uri.authority().ok_or(bad("it has no host"))?;
    if authority.as_str().contains('@') {
        return Err(bad(
            "it holds a user name: send an Authorization header instead",
        ));
    }
    let host = authority.host();
    if host.is_empty() {
        return Err(bad("it has no host"));
    }
    let port = match authority.port() {
        Some(port) => port.as_u16(),
        // `http` takes `host:` and `host:99999` for a host without port.
        None if authority.as_str().len() > host.len() => {
            return Err(bad("its port is not a number from 1 to 65535"));
        }
        None => DEFAULT_PORT,
    };
    if port == 0 {
        return Err(bad("its port is not a number from 1 to 65535"));
    }
    let host = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let path = if path.starts_with('?') {
        format!("/{path}")
    } else {
        path.to_owned()
    };
    Ok(Target {
        host: host.to_owned(),
        port,
        path,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_urls() {
        let cases = [
            ("ws://example.com", "example.com", 80, "/"),
            (
                "ws://example.com:8080/chat?a=b&c",
                "example.com",
                8080,
                "/chat?a=b&c",
            ),
            ("WS://h/x", "h", 80, "/x"),
            ("ws://127.0.0.1:1/", "127.0.0.1", 1, "/"),
            ("ws://[::1]:4000/x", "::1", 4000, "/x"),
            ("ws://host?q", "host", 80, "/?q"),
        ];
        for (url, host, port, path) in cases {
            let expected = Target {
                host: host.into(),
                port,
                path: path.into(),
            };
            assert_eq!(parse(url).unwrap(), expected, "{url}");
        }
    }

    #[test]
    fn refuses_what_is_no_websocket_url() {
        let cases = [
            "",
            "example.com",
            "/path",
            "http://h/",
            "wss://h/",
            "ws://",
            "ws:///x",
            "ws://h/#f",
            "ws://user:pw@h/",
            "ws://h:0/",
            "ws://h:99999/",
            "ws://h:/",
            "ws://h:x/",
            "ws://a b/",
            "ws://h/\r\nX: y",
        ];
        for url in cases {
            assert!(
                matches!(parse(url), Err(ConnectError::InvalidUrl(_))),
                "{url}"
            );
        }
    }
}
