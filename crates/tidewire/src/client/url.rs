//! What a WebSocket URL says (RFC 6455 §3): how to reach whom, as whom, and what to ask for.

use super::error::ConnectError;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;

/// Longer than any name in the DNS.
const LONGEST_HOST: usize = 255;

/// Where to connect and what to ask for. What it prints holds no password and no query.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) place: Place,
    /// Path and query: `/…`.
    pub(crate) path: String,
    /// User name and password, decoded.
    pub(crate) user: Option<User>,
}

/// What a URL's userinfo says.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: Vec<u8>,
    pub(crate) password: Vec<u8>,
}

/// Who is to be reached.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp {
        /// `wss://`.
        tls: bool,
        host: Host,
        port: u16,
    },
    Unix(PathBuf),
}

/// A host as a URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Ip(IpAddr),
    /// In lower case.
    Name(String),
}

impl Place {
    /// The value of the Host header, the port left out if it is the scheme's own (RFC 6455 §4.1
    /// item 4).
    pub(crate) fn host_header(&self) -> String {
        match self {
            Self::Tcp { tls, host, port } if *port == default_port(*tls) => host.to_string(),
            Self::Tcp { host, port, .. } => format!("{host}:{port}"),
            Self::Unix(_) => "localhost".to_owned(),
        }
    }
}

pub(crate) const fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

impl Host {
    /// As names are looked up and certificates compared: an IPv6 address without brackets.
    #[cfg(any(feature = "tls", test))]
    pub(crate) fn bare(&self) -> String {
        match self {
            Self::Ip(ip) => ip.to_string(),
            Self::Name(name) => name.clone(),
        }
    }

    /// A host from a URL's authority.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(rest) = text.strip_prefix('[') {
            let inner = rest
                .strip_suffix(']')
                .ok_or("its IPv6 address lacks the closing bracket: write [::1]")?;
            // RFC 6455 has no zones, and RFC 6874 says that none may leave the host.
            if inner.contains('%') {
                return Err(
                    "its IPv6 address has a zone (%…), which a URL cannot carry: connect by \
                     yourself and call `Client::handshake`",
                );
            }
            let ip: Ipv6Addr = inner
                .parse()
                .map_err(|_| "what stands in brackets is not an IPv6 address")?;
            return Ok(Self::Ip(IpAddr::V6(ip)));
        }
        if text.is_empty() {
            return Err("it has no host");
        }
        if !text.is_ascii() {
            return Err("its host is not ASCII: write the xn-- form of the name (IDNA)");
        }
        if text.contains('%') {
            return Err("its host holds a % escape, which a name cannot hold");
        }
        if text.contains(':') {
            return Err("its host holds a colon: write an IPv6 address in brackets, [::1]");
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if text.len() > LONGEST_HOST || !text.bytes().all(allowed) {
            return Err("its host is not a name or an address");
        }
        match text.parse() {
            Ok(ip) => Ok(Self::Ip(IpAddr::V4(ip))),
            Err(_) => Ok(Self::Name(text.to_ascii_lowercase())),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Self::Ip(IpAddr::V4(ip)) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// The URL without user and query: those may be secret.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, query) = match self.path.split_once('?') {
            Some((path, _)) => (path, "?…"),
            None => (self.path.as_str(), ""),
        };
        match &self.place {
            Place::Tcp { tls, .. } => {
                let scheme = if *tls { "wss" } else { "ws" };
                write!(f, "{scheme}://{}{path}{query}", self.place.host_header())
            }
            Place::Unix(socket) => write!(f, "ws+unix:{}:{path}{query}", socket.display()),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(crate) fn parse(url: &str) -> Result<Target, ConnectError> {
    target(url).map_err(ConnectError::InvalidUrl)
}

pub(super) fn target(url: &str) -> Result<Target, &'static str> {
    // §3: fragments "are meaningless in the context of WebSocket URIs and MUST NOT be used".
    if url.contains('#') {
        return Err("it has a fragment (#…), which a WebSocket URL must not have");
    }
    if url.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return Err("it holds a space or a control character: escape it with %");
    }
    let (scheme, rest) = url
        .split_once(':')
        .ok_or("it is not a URL like ws://host:port/path")?;
    match scheme.to_ascii_lowercase().as_str() {
        "ws" => network(rest, false),
        "wss" => network(rest, true),
        "ws+unix" => unix(rest),
        "wss+unix" => Err("TLS over a unix socket is not supported: use ws+unix:"),
        "http" => Err("it begins with http://: write ws:// for a WebSocket"),
        "https" => Err("it begins with https://: write wss:// for a WebSocket"),
        _ => Err("it does not begin with ws:// or wss://"),
    }
}

fn network(rest: &str, tls: bool) -> Result<Target, &'static str> {
    let rest = rest
        .strip_prefix("//")
        .ok_or("its scheme is not followed by //: write ws://host/")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = Authority::parse(authority)?;
    Ok(Target {
        place: Place::Tcp {
            tls,
            host: authority.host,
            port: authority.port.unwrap_or(default_port(tls)),
        },
        path: path_of(path)?,
        user: authority.user,
    })
}

/// `[userinfo@]host[:port]`, of WebSocket URLs and of those of proxies.
pub(crate) struct Authority {
    pub(crate) user: Option<User>,
    pub(crate) host: Host,
    pub(crate) port: Option<u16>,
}

impl Authority {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (user, place) = match text.split_once('@') {
            // Which @ ends the user is read differently by different parsers: none is guessed.
            Some((_, place)) if place.contains('@') => {
                return Err("it holds more than one @: write an @ in a password as %40");
            }
            Some((user, place)) => (User::parse(user)?, place),
            None => (None, text),
        };
        // The colons of an IPv6 address are no port's.
        let end = place.rfind(']').map_or(0, |bracket| bracket + 1);
        let colon = place.get(end..).and_then(|rest| rest.rfind(':'));
        let (host, port) = match colon.map(|at| place.split_at(end + at)) {
            Some((host, port)) => (host, Some(port_of(port.trim_start_matches(':'))?)),
            None => (place, None),
        };
        let host = Host::parse(host)?;
        Ok(Self { user, host, port })
    }
}

impl User {
    /// `user:password`, percent-encoded (RFC 3986 §3.2.1); None if there is nothing.
    fn parse(text: &str) -> Result<Option<Self>, &'static str> {
        if text.is_empty() {
            return Ok(None);
        }
        let (name, password) = text.split_once(':').unwrap_or((text, ""));
        let user = Self {
            name: decode(name)?,
            password: decode(password)?,
        };
        // RFC 7617 §2: "a user-id containing a colon character is invalid", and "the user-id and
        // password MUST NOT contain any control characters".
        if user.name.contains(&b':') {
            return Err("its user name holds a colon, which Basic authentication cannot send");
        }
        let mut bytes = user.name.iter().chain(&user.password);
        if bytes.any(|byte| byte.is_ascii_control()) {
            return Err("its user name or password holds a control character");
        }
        Ok(Some(user))
    }
}

/// Undoes percent-encoding. A `%` without two hexadecimal digits is an error, not a `%`.
fn decode(text: &str) -> Result<Vec<u8>, &'static str> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let value = digit().and_then(|high| Some(high * 16 + digit()?));
        match value.and_then(|value| u8::try_from(value).ok()) {
            Some(byte) => decoded.push(byte),
            None => return Err("it holds a % without two hexadecimal digits: write % as %25"),
        }
    }
    Ok(decoded)
}

fn port_of(text: &str) -> Result<u16, &'static str> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port @ 1..) if digits => Ok(port),
        _ => Err("its port is not a number from 1 to 65535"),
    }
}

fn path_of(text: &str) -> Result<String, &'static str> {
    if !text.is_ascii() {
        return Err("its path is not ASCII: escape other characters with %");
    }
    Ok(match text.as_bytes() {
        [b'/', ..] => text.to_owned(),
        _ => format!("/{text}"),
    })
}

/// `ws+unix:/path/of/the.sock:/path?query`, perhaps with `//` behind the scheme, as Node's `ws` has
/// it. In the socket's path, percent-escapes stand for `:`, `?`, `%` and others.
fn unix(rest: &str) -> Result<Target, &'static str> {
    if cfg!(not(unix)) {
        return Err("this system has no unix sockets that tidewire knows: use ws://");
    }
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (socket, path) = rest.split_once(':').unwrap_or((rest, ""));
    if !socket.starts_with('/') {
        return Err("its socket's path is not absolute: write ws+unix:/path/of/the.sock:/");
    }
    if socket.contains('?') {
        return Err("a query stands behind a second path: ws+unix:/path/of/the.sock:/path?query");
    }
    if !matches!(path.as_bytes(), [] | [b'/' | b'?', ..]) {
        return Err("behind the socket and its colon stands a path: ws+unix:/a.sock:/path");
    }
    Ok(Target {
        place: Place::Unix(socket_path(decode(socket)?)?),
        path: path_of(path)?,
        user: None,
    })
}

#[cfg(unix)]
fn socket_path(bytes: Vec<u8>) -> Result<PathBuf, &'static str> {
    use std::os::unix::ffi::OsStringExt;
    if bytes.contains(&0) {
        return Err("its socket's path holds a zero byte");
    }
    Ok(std::ffi::OsString::from_vec(bytes).into())
}

#[cfg(not(unix))]
fn socket_path(_: Vec<u8>) -> Result<PathBuf, &'static str> {
    Err("this system has no unix sockets that tidewire knows: use ws://")
}

#[cfg(test)]
#[path = "url_tests.rs"]
mod tests;
