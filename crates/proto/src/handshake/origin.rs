//! Host and Origin: their grammar, and whether a page from that origin may connect.

use std::net::Ipv6Addr;

use http::HeaderValue;

/// Which pages may connect (RFC 6455 §10.2). Only browsers send an Origin they cannot forge, so a
/// missing one is no page and passes; whoever must know its clients authenticates them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginPolicy {
    /// Origin's host and port are those of Host (default). A Host without port has the default
    /// port of Origin's scheme, so that a server behind a TLS proxy needs no setting. Guards
    /// cookies and intranet servers against foreign pages; against DNS rebinding, Host itself must
    /// be checked too.
    #[default]
    SameHost,
    /// Every page, `null` too. Costs a server that trusts cookies or its network everything.
    Any,
    /// Only these origins, as browsers write them (`https://example.com`, `null`); an empty list
    /// refuses every page.
    List(Vec<String>),
}

impl OriginPolicy {
    /// Whether a page of `origin` may connect to the server that was reached as `host`.
    #[must_use]
    pub fn allows(&self, origin: &HeaderValue, host: &Authority) -> bool {
        match self {
            Self::Any => true,
            Self::SameHost => Origin::parse(origin.as_bytes()).is_some_and(|origin| {
                origin.host == host.host && origin.port == host.port.unwrap_or(origin.default_port)
            }),
            Self::List(list) => {
                let parsed = Origin::parse(origin.as_bytes());
                list.iter().any(|entry| {
                    let entry = entry.trim_end_matches('/').as_bytes();
                    match &parsed {
                        Some(parsed) => Origin::parse(entry).as_ref() == Some(parsed),
                        None => entry.eq_ignore_ascii_case(origin.as_bytes()),
                    }
                })
            }
        }
    }
}

/// A host and perhaps a port, normalised for comparison: lower case, IPv6 in its shortest form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    host: String,
    port: Option<u16>,
}

impl Authority {
    /// Parses a Host header's value: `uri-host [ ":" port ]` (RFC 9112 §3.2, RFC 3986 §3.2). None
    /// for anything else: empty, user info, a comma (two Host lines folded by a proxy), a port
    /// over 65535, an IPv6 zone.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']')?;
                let port = match rest {
                    "" => "",
                    _ => rest.strip_prefix(':')?,
                };
                (format!("[{}]", address.parse::<Ipv6Addr>().ok()?), port)
            }
            None => {
                let (name, port) = text.split_once(':').unwrap_or((text, ""));
                if name.is_empty() || !name.bytes().all(is_reg_name) {
                    return None;
                }
                (name.to_ascii_lowercase(), port)
            }
        };
        let port = match port {
            "" => None, // also "host:", which the grammar has
            _ if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
            _ => return None,
        };
        Some(Self { host, port })
    }

    /// The host, lower case; IPv6 in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, if the value names one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether both name the same place when a missing port means `default_port`.
    #[must_use]
    pub fn same_place(&self, other: &Self, default_port: u16) -> bool {
        self.host == other.host
            && self.port.unwrap_or(default_port) == other.port.unwrap_or(default_port)
    }
}

/// reg-name, RFC 3986 §3.2.2, without the comma.
const fn is_reg_name(byte: u8) -> bool {
    matches!(byte,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'%' | b'!' | b'$'
        | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b';' | b'=')
}

/// One serialised origin of a page that can open a WebSocket (RFC 6454 §6.2).
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    host: String,
    port: u16,
    default_port: u16,
}

impl Origin {
    fn parse(value: &[u8]) -> Option<Self> {
        let at = value.windows(3).position(|window| window == b"://")?;
        let (scheme, rest) = (value.get(..at)?, value.get(at + 3..)?);
        let default_port = if scheme.eq_ignore_ascii_case(b"https") {
            443
        } else if scheme.eq_ignore_ascii_case(b"http") {
            80
        } else {
            return None;
        };
        let Authority { host, port } = Authority::parse(rest)?;
        Some(Self {
            host,
            port: port.unwrap_or(default_port),
            default_port,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn same_host_compares_host_and_port_with_defaults() {
        for (origin, host, expected) in [
            ("http://example.com", "example.com", true),
            ("https://example.com", "example.com", true), // behind a TLS proxy
            ("https://example.com", "example.com:443", true),
            ("http://example.com:80", "example.com", true),
            ("http://EXAMPLE.com", "example.COM", true),
            ("http://localhost:4000", "localhost:4000", true),
            ("http://[::1]:4000", "[0:0:0:0:0:0:0:1]:4000", true),
            ("http://example.com", "example.com:", true),
            ("https://example.com", "example.com:80", false),
            ("http://example.com", "example.com:443", false),
            ("http://localhost:3000", "localhost:4000", false),
            ("http://localhost", "localhost:4000", false),
            ("http://127.0.0.1:4000", "localhost:4000", false),
            ("http://evil.example", "example.com", false),
            ("http://example.com.evil.example", "example.com", false),
            ("http://evilexample.com", "example.com", false),
            ("http://example.com@evil.example", "example.com", false),
            ("http://example.com/", "example.com", false),
            (
                "http://example.com http://evil.example",
                "example.com",
                false,
            ),
            ("null", "null", false),
            ("file://", "localhost", false),
            ("chrome-extension://example.com", "example.com", false),
            ("example.com", "example.com", false),
            ("", "example.com", false),
        ] {
            let host = Authority::parse(host.as_bytes()).unwrap();
            let value = HeaderValue::from_str(origin).unwrap();
            assert_eq!(
                OriginPolicy::SameHost.allows(&value, &host),
                expected,
                "{origin} {host:?}"
            );
        }
    }

    #[test]
    fn a_list_holds_origins_and_any_takes_all() {
        let list = OriginPolicy::List(vec![
            "https://example.com".into(),
            "http://localhost:3000/".into(),
            "null".into(),
            "chrome-extension://abc".into(),
        ]);
        let host = Authority::parse(b"api.example.com").unwrap();
        for (origin, expected) in [
            (&b"https://example.com"[..], true),
            (b"https://EXAMPLE.com:443", true),
            (b"http://localhost:3000", true),
            (b"null", true),
            (b"chrome-extension://abc", true),
            (b"http://example.com", false),
            (b"https://example.com:8443", false),
            (b"https://api.example.com", false),
            (b"\xff\xfe", false),
        ] {
            let value = HeaderValue::from_bytes(origin).unwrap();
            assert_eq!(list.allows(&value, &host), expected, "{value:?}");
            assert!(OriginPolicy::Any.allows(&value, &host), "{value:?}");
            assert!(
                !OriginPolicy::List(Vec::new()).allows(&value, &host),
                "{value:?}"
            );
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for (value, expected) in [
            (&b"example.com"[..], Some(("example.com", None))),
            (b"Example.COM:8080", Some(("example.com", Some(8080)))),
            (b"127.0.0.1:0", Some(("127.0.0.1", Some(0)))),
            (b"my_service:80", Some(("my_service", Some(80)))),
            (b"[::1]", Some(("[::1]", None))),
            (b"[2001:DB8::0:1]:443", Some(("[2001:db8::1]", Some(443)))),
            (b"", None),
            (b":80", None),
            (b"a:65536", None),
            (b"a:+80", None),
            (b"a:80:80", None),
            (b"a b", None),
            (b"a,b", None),
            (b"a/b", None),
            (b"user@a", None),
            (b"::1", None),
            (b"[::1", None),
            (b"[::1]80", None),
            (b"[fe80::1%25eth0]", None),
            (b"\xc3\xa9.example", None),
        ] {
            let parsed = Authority::parse(value);
            let parsed = parsed
                .as_ref()
                .map(|authority| (authority.host(), authority.port()));
            assert_eq!(parsed, expected, "{}", String::from_utf8_lossy(value));
        }
    }
}
