//! How the values of the flags of a connection are written, and which byte of them is wrong.

use std::net::IpAddr;
use std::path::PathBuf;

/// What `-H` may be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeaderArg {
    /// `Name: value`.
    Line(String, String),
    /// `@FILE`, which holds such lines.
    File(PathBuf),
}

/// What `--cookie` may be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CookieArg {
    /// `name=value; other=value`.
    Pairs(Vec<(String, String)>),
    /// `@FILE`, a jar in Netscape's format.
    Jar(PathBuf),
}

/// What `--resolve` says: a name that is not looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolve {
    /// In small letters; `*` is any.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) addresses: Vec<IpAddr>,
}

/// The first byte of `text` that `fine` does not take, in words: `byte 3 (0x0d)`.
pub(crate) fn bad_byte(text: &str, fine: impl Fn(u8) -> bool) -> Option<String> {
    let at = text.bytes().position(|byte| !fine(byte))?;
    let byte = text.as_bytes().get(at).copied().unwrap_or_default();
    Some(match byte {
        b'!'..=b'~' => format!("byte {} ({:?})", at + 1, char::from(byte)),
        _ => format!("byte {} (0x{byte:02x})", at + 1),
    })
}

/// RFC 9110 §5.6.2.
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// RFC 9110 §5.5: no control character but the tab.
fn is_field(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// RFC 6265 §4.1.1, but with the quotes, commas, backslashes and spaces that browsers send too.
fn is_cookie(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b';'
}

/// `Name: value`, or `@FILE`.
pub(super) fn header(text: &str) -> Result<HeaderArg, String> {
    match text.strip_prefix('@') {
        Some("") => Err("a file's name must follow the @".to_owned()),
        Some(path) => Ok(HeaderArg::File(path.into())),
        None => header_line(text).map(|(name, value)| HeaderArg::Line(name, value)),
    }
}

/// One header as it is written on the command line or on a line of a file.
pub(crate) fn header_line(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| format!("{text:?} has no colon: write -H 'Name: value'"))?;
    if name.is_empty() {
        return Err("there is no name before the colon: write -H 'Name: value'".to_owned());
    }
    if let Some(byte) = bad_byte(name, is_token) {
        return Err(format!(
            "{byte} of {name:?} cannot stand in the name of a header"
        ));
    }
    Ok((name.to_owned(), header_value(value.trim())?))
}

/// What may stand in a header.
pub(crate) fn header_value(text: &str) -> Result<String, String> {
    match bad_byte(text, is_field) {
        None => Ok(text.to_owned()),
        Some(byte) => Err(format!("{byte} of the value cannot be sent in a header")),
    }
}

/// `name` or `name:port`, as in a Host header.
pub(super) fn host(text: &str) -> Result<String, String> {
    match text.parse::<http::uri::Authority>() {
        Ok(_) if !text.contains('@') => Ok(text.to_owned()),
        _ => Err(format!(
            "{text:?} is no host: write NAME or NAME:PORT, as a Host header has it"
        )),
    }
}

/// A subprotocol; spaces around the commas of a list do no harm.
pub(super) fn subprotocol(text: &str) -> Result<String, String> {
    super::values::token(text.trim())
}

/// `a=1; b=2`, or `@FILE`.
pub(super) fn cookie(text: &str) -> Result<CookieArg, String> {
    match text.strip_prefix('@') {
        Some("") => return Err("a file's name must follow the @".to_owned()),
        Some(path) => return Ok(CookieArg::Jar(path.into())),
        None => {}
    }
    let mut pairs = Vec::new();
    for pair in text.split(';').map(str::trim) {
        if pair.is_empty() {
            continue;
        }
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            format!("{pair:?} has no =: write NAME=VALUE, or @FILE for a cookie jar")
        })?;
        pairs.push(cookie_pair(name.trim_end(), value.trim_start())?);
    }
    match pairs.is_empty() {
        true => Err("there is no cookie in it: write NAME=VALUE".to_owned()),
        false => Ok(CookieArg::Pairs(pairs)),
    }
}

/// One cookie that can be sent.
pub(crate) fn cookie_pair(name: &str, value: &str) -> Result<(String, String), String> {
    if name.is_empty() {
        return Err("a cookie without a name: write NAME=VALUE".to_owned());
    }
    if let Some(byte) = bad_byte(name, is_token) {
        return Err(format!(
            "{byte} of {name:?} cannot stand in a cookie's name"
        ));
    }
    if let Some(byte) = bad_byte(value, is_cookie) {
        return Err(format!(
            "{byte} of the value of the cookie {name:?} cannot be sent"
        ));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// `HOST:PORT:ADDRESS[,ADDRESS]`, as curl has it.
pub(super) fn resolve(text: &str) -> Result<Resolve, String> {
    let wrong = |why: &str| format!("{text:?}: {why}: write HOST:PORT:ADDRESS");
    let mut parts = text.splitn(3, ':');
    let host = parts.next().unwrap_or_default().to_ascii_lowercase();
    let port = parts.next().ok_or_else(|| wrong("there is no port"))?;
    let list = parts.next().ok_or_else(|| wrong("there is no address"))?;
    if host.is_empty() || host.starts_with('[') || host.parse::<IpAddr>().is_ok() {
        return Err(wrong("only names are looked up, not addresses"));
    }
    let port = port
        .parse()
        .map_err(|_| wrong(&format!("{port:?} is no port")))?;
    let addresses = list
        .split(',')
        .map(|one| address(one.trim_matches(['[', ']'])))
        .collect::<Result<_, _>>()?;
    Ok(Resolve {
        host,
        port,
        addresses,
    })
}

/// An IP address.
pub(super) fn address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no IP address"))
}

/// A proxy's URL; without a scheme it is `http://`. Empty: none.
pub(super) fn proxy(text: &str) -> Result<String, String> {
    if let Some(byte) = bad_byte(text, |byte| byte > b' ' && byte != 0x7f) {
        return Err(format!("{byte} cannot stand in a URL"));
    }
    Ok(match text.split_once("://") {
        _ if text.is_empty() => String::new(),
        None => format!("http://{text}"),
        Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" | "socks5" | "socks5h" => text.to_owned(),
            "socks" => format!("socks5://{rest}"),
            _ => {
                return Err(format!(
                    "no proxies of the kind {scheme}:// are known: http, https, socks5 or socks5h"
                ));
            }
        },
    })
}

/// A name of ALPN (RFC 7301 §3.1).
pub(super) fn alpn(text: &str) -> Result<String, String> {
    match text.len() {
        1..=255 => Ok(text.to_owned()),
        0 => Err("a protocol's name is missing: write for example http/1.1".to_owned()),
        _ => Err("a protocol's name has at most 255 bytes".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_cannot_be_sent_is_named_by_its_byte() {
        for (text, part) in [
            ("no colon", "no colon"),
            (": x", "no name"),
            ("A b: x", "byte 2 (0x20)"),
            ("Ä: x", "byte 1 (0xc3)"),
            ("A: b\r\nC: d", "byte 2 (0x0d)"),
            ("A: \u{0}", "byte 1 (0x00)"),
            ("@", "file's name"),
        ] {
            let why = header(text).unwrap_err();
            assert!(why.contains(part), "{text:?}: {why}");
        }
        let line = HeaderArg::Line("X-A".into(), "b:c".into());
        assert_eq!(header("X-A:  b:c "), Ok(line));
        assert_eq!(header("@h.txt"), Ok(HeaderArg::File("h.txt".into())));
    }

    #[test]
    fn cookies() {
        let pairs = vec![("a".into(), "1".into()), ("b".into(), "x=y".into())];
        assert_eq!(cookie("a=1; b=x=y;"), Ok(CookieArg::Pairs(pairs)));
        assert_eq!(cookie("@jar"), Ok(CookieArg::Jar("jar".into())));
        for (text, part) in [
            ("", "no cookie"),
            (";;", "no cookie"),
            ("a", "no ="),
            ("=1", "without a name"),
            ("a b=1", "byte 2"),
            ("a=\u{1b}[2J", "byte 1 (0x1b)"),
            ("a=ä", "byte 1"),
        ] {
            let why = cookie(text).unwrap_err();
            assert!(why.contains(part), "{text:?}: {why}");
        }
    }

    #[test]
    fn names_that_are_not_looked_up() {
        let read = resolve("Chat.example:443:127.0.0.1,[::1]").unwrap();
        assert_eq!((read.host.as_str(), read.port), ("chat.example", 443));
        assert_eq!(read.addresses.len(), 2);
        assert!(resolve("*:80:::1").unwrap().addresses[0].is_ipv6());
        for text in [
            "",
            "a",
            "a:1",
            "a:x:127.0.0.1",
            "a:70000:127.0.0.1",
            "a:1:nowhere",
            "a:1:",
            ":1:127.0.0.1",
            "127.0.0.1:1:127.0.0.2",
            "[::1]:1:127.0.0.2",
        ] {
            assert!(resolve(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn proxies_and_hosts() {
        assert_eq!(proxy("h:3128").unwrap(), "http://h:3128");
        assert_eq!(proxy("socks://h").unwrap(), "socks5://h");
        assert_eq!(proxy("SOCKS5H://h").unwrap(), "SOCKS5H://h");
        assert_eq!(proxy("").unwrap(), "");
        assert!(proxy("ftp://h").unwrap_err().contains("ftp://"));
        assert!(proxy("http://h\r\nX: y").unwrap_err().contains("byte 9"));
        assert!(host("chat.example:81").is_ok());
        for text in ["", "a b", "a/b", "u@h", "a\r\nb"] {
            assert!(host(text).is_err(), "{text:?}");
        }
    }
}
