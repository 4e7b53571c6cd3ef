//! What a proxy's URL says.

use super::url::{Authority, Host, User};
use http::HeaderValue;
use std::fmt;

/// A proxy. What it prints holds no password.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::client) struct Server {
    pub(super) kind: Kind,
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) login: Option<Login>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Http,
    Https,
    /// Names are looked up here.
    Socks5,
    /// Names are looked up by the proxy.
    Socks5h,
}

/// Who we are to the proxy.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Login {
    /// The value of `Proxy-Authorization`.
    Basic(HeaderValue),
    /// User name and password for SOCKS5 (RFC 1929).
    Password(String, String),
}

impl Kind {
    /// The kind that a scheme names, in any case.
    pub(super) fn of_scheme(scheme: &str) -> Result<Self, &'static str> {
        Ok(match scheme.to_ascii_lowercase().as_str() {
            "http" => Self::Http,
            "https" => Self::Https,
            "socks5" => Self::Socks5,
            "socks5h" => Self::Socks5h,
            "socks4" | "socks4a" | "socks" => {
                return Err("of the SOCKS protocols only socks5:// and socks5h:// are known");
            }
            _ => return Err("it does not begin with http://, https://, socks5:// or socks5h://"),
        })
    }

    fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    pub(super) fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }
}

impl Server {
    pub(super) fn parse(url: &str) -> Result<Self, &'static str> {
        if url.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err("it holds a space or a control character");
        }
        let (scheme, rest) = url
            .split_once("://")
            .ok_or("it is not a URL like http://host:port")?;
        let kind = Kind::of_scheme(scheme)?;
        let authority = match rest.split_once(['/', '?', '#']) {
            Some((authority, "")) if rest.ends_with('/') => authority,
            Some(_) => return Err("it has a path, query or fragment, which a proxy has not"),
            None => rest,
        };
        let authority = Authority::parse(authority)?;
        Ok(Self {
            kind,
            host: authority.host,
            port: authority.port.unwrap_or(kind.default_port()),
            login: authority.user.map(|user| kind.login(user)).transpose()?,
        })
    }
}

impl Kind {
    fn login(self, user: User) -> Result<Login, &'static str> {
        match self {
            Self::Http | Self::Https => user
                .basic()
                .map(Login::Basic)
                .ok_or("its user name or password cannot be sent"),
            Self::Socks5 | Self::Socks5h => {
                let text = |bytes| {
                    String::from_utf8(bytes).map_err(|_| "its user name or password is not UTF-8")
                };
                self.password(text(user.name)?, text(user.password)?)
            }
        }
    }

    /// RFC 1929 §2: both are 1 to 255 bytes long.
    pub(super) fn password(self, name: String, password: String) -> Result<Login, &'static str> {
        let fits = |text: &str| (1..=255).contains(&text.len());
        if fits(&name) && fits(&password) {
            Ok(Login::Password(name, password))
        } else {
            Err("SOCKS5 takes a user name and a password of 1 to 255 bytes, and both or none")
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.kind.scheme(), self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(url: &str) -> Result<String, &'static str> {
        let server = Server::parse(url)?;
        let login = match &server.login {
            None => String::new(),
            Some(Login::Basic(value)) => format!(" {}", value.to_str().unwrap()),
            Some(Login::Password(name, password)) => format!(" {name}|{password}"),
        };
        Ok(format!("{server}{login}"))
    }

    #[test]
    fn reads_proxies() {
        for (url, expected) in [
            ("http://h", "http://h:80"),
            ("HTTP://H:3128/", "http://h:3128"),
            ("https://h", "https://h:443"),
            ("socks5://h", "socks5://h:1080"),
            ("socks5h://[::1]:9", "socks5h://[::1]:9"),
            ("http://me:p%40w@h", "http://h:80 Basic bWU6cEB3"),
            ("http://me@h", "http://h:80 Basic bWU6"),
            ("socks5://me:p%40w@h", "socks5://h:1080 me|p@w"),
        ] {
            assert_eq!(read(url).as_deref(), Ok(expected), "{url}");
        }
    }

    #[test]
    fn refuses_what_is_no_proxy() {
        for (url, hint) in [
            ("", "not a URL"),
            ("h:3128", "not a URL"),
            ("http:h", "not a URL"),
            ("ws://h", "http://"),
            ("socks4://h", "socks5"),
            ("http://", "no host"),
            ("http://h/path", "path"),
            ("http://h?x", "path"),
            ("http://h/?", "path"),
            ("http://h#x", "path"),
            ("http://h:0", "port"),
            ("http://u:p@q@h", "%40"),
            ("http://u:%0a@h", "control"),
            ("http://h\r\nX: y", "control"),
            ("socks5://me@h", "SOCKS5"),
            ("socks5://:x@h", "SOCKS5"),
            ("socks5://%ff:x@h", "UTF-8"),
        ] {
            let why = read(url).unwrap_err();
            assert!(why.contains(hint), "{url}: {why}");
        }
        let long = format!("socks5h://{}:x@h", "u".repeat(256));
        assert!(read(&long).unwrap_err().contains("255"));
    }
}
