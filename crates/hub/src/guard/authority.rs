//! The grammar of Host and Origin, narrower than the RFCs': what browsers send, and nothing odd.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest text that is looked at, in bytes: a name has 253, a port 6, a scheme a few.
const MAX: usize = 300;

/// A host: what two spellings of it have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Ip(IpAddr),
    /// Lower case, without a dot at its end.
    Dns(String),
}

impl Name {
    fn parse(text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[') {
            let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Ip(address.into()));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Self::Ip(address.into()));
        }
        // "localhost." is the same name, spelled fully.
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        // Some resolvers take 127.1 and 0x7f.1 for addresses: no name ends in a number.
        let last = name.rsplit('.').next()?;
        let number = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
        (!number && name.len() <= 253 && name.split('.').all(label)).then_some(Self::Dns(name))
    }

    pub(super) fn is_ip(&self) -> bool {
        matches!(self, Self::Ip(_))
    }

    /// 127.0.0.0/8, ::1, localhost and what is below it (RFC 6761 §6.3).
    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Self::Ip(ip) => ip.to_canonical().is_loopback(),
            Self::Dns(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Self::Ip(ip) => write!(f, "{ip}"),
            Self::Dns(name) => f.write_str(name),
        }
    }
}

/// A host and perhaps a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) name: Name,
    pub(super) port: Option<u16>,
}

impl Authority {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX {
            return None;
        }
        let at = match text.rfind(']') {
            Some(bracket) => bracket + 1,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (name, port) = (text.get(..at)?, text.get(at..)?);
        let port = match port {
            // "host:" is in the grammar.
            "" | ":" => None,
            _ => {
                let digits = port.strip_prefix(':')?;
                if !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                Some(digits.parse().ok()?)
            }
        };
        let name = Name::parse(name)?;
        Some(Self { name, port })
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// The origin of a page: scheme, host, port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Web {
    /// Lower case.
    pub(super) scheme: String,
    /// A port that is the scheme's default is left out.
    pub(super) authority: Authority,
}

impl Web {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        let letter = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(letter) {
            return None;
        }
        let mut origin = Self {
            scheme: scheme.to_ascii_lowercase(),
            authority: Authority::parse(rest)?,
        };
        if origin.authority.port == origin.default_port() {
            origin.authority.port = None;
        }
        Some(origin)
    }

    /// Of http and https; the pages of other schemes have none.
    pub(super) fn default_port(&self) -> Option<u16> {
        match self.scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        }
    }

    /// Whether the page comes from this very server. A plain server may stand behind a proxy that
    /// speaks TLS: its Host without a port has the default port of the page's scheme. Over TLS of its
    /// own, a page that came without is not the same: anybody on the way could have written it.
    pub(super) fn is_same_place(&self, host: &Authority, tls: bool) -> bool {
        let Some(default_port) = self.default_port() else {
            return false;
        };
        (!tls || self.scheme == "https")
            && self.authority.name == host.name
            && self.authority.port.unwrap_or(default_port) == host.port.unwrap_or(default_port)
    }
}

impl fmt::Display for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}
