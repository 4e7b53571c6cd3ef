//! The head of a client's request as the server behind gets it: the lines as they came, but for few.

use http::{HeaderName, HeaderValue};

/// What of a request is changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Where the server is: the URL's host and port.
    pub(super) host: String,
    /// Whether it is reached by TLS.
    pub(super) secure: bool,
    /// The path and query to ask for, unless the client's.
    pub(super) target: Option<String>,
    /// What the command line adds; takes the place of the client's.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether compression must not be agreed on.
    pub(super) plain: bool,
}

impl Changes {
    /// Of the URL to go to and the headers of the command line.
    pub(super) fn to(url: &str, headers: Vec<(HeaderName, HeaderValue)>, plain: bool) -> Changes {
        let (scheme, rest) = url.split_once("://").unwrap_or(("ws", url));
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        // Of a Unix socket the path is behind a second colon, and the host is this machine.
        let socket = url.strip_prefix("ws+unix:");
        let (host, target) = match socket.map(|socket| socket.rsplit_once(':')) {
            Some(Some((_, path))) if path.starts_with('/') => ("localhost", path),
            Some(_) => ("localhost", ""),
            None => (host, target),
        };
        Changes {
            host: host.to_owned(),
            secure: matches!(scheme.to_ascii_lowercase().as_str(), "wss" | "https"),
            target: match target {
                "" | "/" => None,
                query if query.starts_with('?') => Some(format!("/{query}")),
                target => Some(target.to_owned()),
            },
            headers,
            plain,
        }
    }

    /// The path and query that the server is asked for.
    pub(super) fn target<'a>(&'a self, asked: &'a str) -> &'a str {
        self.target.as_deref().unwrap_or(asked)
    }

    /// The URL that the server is asked for, for people.
    pub(super) fn url(&self, asked: &str) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        format!("{scheme}://{}{}", self.host, self.target(asked))
    }

    /// Rewrites a head that was found to be well formed.
    pub(super) fn apply(&self, head: &[u8], is_upgrade: bool) -> Vec<u8> {
        let mut lines = head
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let lines: Vec<(String, &[u8])> = lines.filter_map(split).collect();
        let host = value(&lines, "host");
        let mut out = Vec::with_capacity(head.len() + 200);
        let mut parts = first.splitn(3, ' ');
        let method = parts.next().unwrap_or_default();
        let target = self.target(parts.next().unwrap_or("/"));
        out.extend(format!("{method} {target} HTTP/1.1\r\n").into_bytes());
        for (name, value) in &lines {
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            let replaced = self.headers.iter().any(|(ours, _)| is(ours.as_str()));
            // A connection that is no WebSocket is for one request.
            let connection = !is_upgrade && (is("connection") || is("keep-alive"));
            if replaced || connection || self.plain && is("sec-websocket-extensions") {
                continue;
            }
            if is("host") {
                push(&mut out, name, self.host.as_bytes());
            } else if is("origin") && names(value, host) {
                let scheme = if self.secure { "https" } else { "http" };
                push(
                    &mut out,
                    name,
                    format!("{scheme}://{}", self.host).as_bytes(),
                );
            } else {
                push(&mut out, name, value);
            }
        }
        for (name, value) in &self.headers {
            push(&mut out, name.as_str(), value.as_bytes());
        }
        if !is_upgrade {
            push(&mut out, "Connection", b"close");
        }
        out.extend(b"\r\n");
        out
    }
}

fn split(line: &[u8]) -> Option<(String, &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = String::from_utf8_lossy(&line[..colon]).into_owned();
    Some((name, line[colon + 1..].trim_ascii()))
}

fn value<'a>(lines: &[(String, &'a [u8])], name: &str) -> &'a [u8] {
    lines
        .iter()
        .find(|(have, _)| have.eq_ignore_ascii_case(name))
        .map_or(&[][..], |(_, value)| value)
}

/// Whether an Origin is the host that the client talks to: us, whom the server does not know.
fn names(origin: &[u8], host: &[u8]) -> bool {
    let origin = origin
        .strip_prefix(b"http://")
        .or_else(|| origin.strip_prefix(b"https://"));
    !host.is_empty() && origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host))
}

fn push(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend(name.as_bytes());
    out.extend(b": ");
    out.extend(value);
    out.extend(b"\r\n");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HEAD: &[u8] = b"GET /room?x=1 HTTP/1.1\r\nhost: 127.0.0.1:9000\r\nX-A: 1\r\nORIGIN: http://127.0.0.1:9000\r\nx-a: 2\r\nSec-WebSocket-Extensions: permessage-deflate\r\nConnection: Upgrade\r\n\r\n";

    fn text(changes: &Changes, is_upgrade: bool) -> String {
        String::from_utf8(changes.apply(HEAD, is_upgrade)).unwrap()
    }

    #[test]
    fn only_host_and_our_own_origin_become_the_servers() {
        let changes = Changes::to("wss://me:pw@example.com:8443", Vec::new(), false);
        assert_eq!(
            text(&changes, true),
            "GET /room?x=1 HTTP/1.1\r\nhost: example.com:8443\r\nX-A: 1\r\nORIGIN: https://example.com:8443\r\nx-a: 2\r\nSec-WebSocket-Extensions: permessage-deflate\r\nConnection: Upgrade\r\n\r\n"
        );
        let foreign = b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\n\r\n";
        let kept = String::from_utf8(changes.apply(foreign, true)).unwrap();
        assert!(kept.contains("Origin: https://evil.example\r\n"), "{kept}");
    }

    #[test]
    fn a_path_of_the_url_is_asked_for() {
        for (url, target, shown) in [
            ("ws://h", "/room?x=1", "ws://h/room?x=1"),
            ("ws://h/", "/room?x=1", "ws://h/room?x=1"),
            ("ws://h/base?k=v#f", "/base?k=v", "ws://h/base?k=v"),
            ("ws://h?k=v", "/?k=v", "ws://h/?k=v"),
            ("ws+unix:/tmp/a.sock:/p", "/p", "ws://localhost/p"),
            (
                "ws+unix:/tmp/a.sock",
                "/room?x=1",
                "ws://localhost/room?x=1",
            ),
        ] {
            let changes = Changes::to(url, Vec::new(), false);
            assert_eq!(changes.target("/room?x=1"), target, "{url}");
            assert_eq!(changes.url("/room?x=1"), shown, "{url}");
        }
    }

    #[test]
    fn headers_of_the_command_line_take_the_place_of_the_clients() {
        let header = |name: &'static str, value| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        let added = vec![
            header("x-a", "3"),
            header("origin", "https://o.example"),
            header("x-b", "4"),
        ];
        let head = text(&Changes::to("ws://h", added, true), false);
        assert_eq!(
            head,
            "GET /room?x=1 HTTP/1.1\r\nhost: h\r\nx-a: 3\r\norigin: https://o.example\r\nx-b: 4\r\nConnection: close\r\n\r\n"
        );
    }
}
