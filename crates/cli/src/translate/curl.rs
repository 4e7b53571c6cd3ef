//! A command for curl, as "Copy as cURL" of a browser writes it, as options of this tool.

use super::Expansion;
use super::shell::split;

/// What curl's option takes.
enum Kind {
    /// No value; means nothing here.
    Quiet,
    /// A value; means nothing here.
    QuietValue,
    /// No value; the same here under this name.
    Flag(&'static str),
    /// A value; the same here under this name.
    Value(&'static str),
    Header,
    Url,
    Method,
    /// A body, an upload: nothing that a handshake has.
    Body,
}

/// curl's options that say something of a request: short, long, meaning.
const OPTIONS: &[(char, &str, Kind)] = &[
    ('H', "header", Kind::Header),
    ('b', "cookie", Kind::Value("cookie")),
    ('u', "user", Kind::Value("auth")),
    ('\0', "oauth2-bearer", Kind::Value("bearer")),
    ('A', "user-agent", Kind::Value("user-agent")),
    ('e', "referer", Kind::Value("referer")),
    ('k', "insecure", Kind::Flag("insecure")),
    ('\0', "cacert", Kind::Value("ca")),
    ('E', "cert", Kind::Value("cert")),
    ('\0', "key", Kind::Value("key")),
    ('\0', "pass", Kind::Value("passphrase")),
    ('x', "proxy", Kind::Value("proxy")),
    ('\0', "noproxy", Kind::Value("noproxy")),
    ('\0', "resolve", Kind::Value("resolve")),
    ('\0', "unix-socket", Kind::Value("unix-socket")),
    ('4', "ipv4", Kind::Flag("ipv4")),
    ('6', "ipv6", Kind::Flag("ipv6")),
    ('L', "location", Kind::Flag("location")),
    ('\0', "max-redirs", Kind::Value("max-redirects")),
    ('\0', "connect-timeout", Kind::Value("connect-timeout")),
    ('\0', "url", Kind::Url),
    ('X', "request", Kind::Method),
    ('d', "data", Kind::Body),
    ('\0', "data-raw", Kind::Body),
    ('\0', "data-binary", Kind::Body),
    ('\0', "data-urlencode", Kind::Body),
    ('\0', "json", Kind::Body),
    ('F', "form", Kind::Body),
    ('T', "upload-file", Kind::Body),
    ('\0', "compressed", Kind::Quiet),
    ('\0', "http1.1", Kind::Quiet),
    ('\0', "http2", Kind::Quiet),
    ('\0', "path-as-is", Kind::Quiet),
    ('i', "include", Kind::Quiet),
    ('i', "show-headers", Kind::Quiet),
    ('v', "verbose", Kind::Quiet),
    ('s', "silent", Kind::Quiet),
    ('S', "show-error", Kind::Quiet),
    ('f', "fail", Kind::Quiet),
    ('g', "globoff", Kind::Quiet),
    ('G', "get", Kind::Quiet),
    ('N', "no-buffer", Kind::Quiet),
    ('#', "progress-bar", Kind::Quiet),
    ('o', "output", Kind::QuietValue),
    ('m', "max-time", Kind::QuietValue),
    ('w', "write-out", Kind::QuietValue),
];

/// Headers that the handshake sets by itself, or that belong to one connection (RFC 6455 §4.1).
const OWN: &[&str] = &[
    "connection",
    "upgrade",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-extensions",
    "content-length",
    "transfer-encoding",
];

/// Reads a command for curl.
///
/// # Errors
/// What of it cannot be done here, with the word or the byte at fault.
pub(super) fn read(command: &str) -> Result<Expansion, String> {
    if command.contains("^\"") || command.trim_start().starts_with("curl.exe ^") {
        return Err(
            "this is written for cmd.exe: in the browser choose \"Copy as cURL (bash)\"".to_owned(),
        );
    }
    let mut words = split(command)?.into_iter();
    let program = words.next().unwrap_or_default();
    if !matches!(
        program.rsplit(['/', '\\']).next(),
        Some("curl" | "curl.exe")
    ) {
        return Err(format!(
            "a command for curl begins with curl, not with {program:?}"
        ));
    }
    let mut found = Found::default();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            let (name, given) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let kind = kind_of(&word, |(_, long, _)| *long == name)?;
            found.take(&word, kind, || given.or_else(|| words.next()))?;
        } else if word.len() > 1 && word.starts_with('-') {
            found.bundle(&word, &mut words)?;
        } else {
            found.url(word)?;
        }
    }
    found.end()
}

fn kind_of(
    word: &str,
    is: impl Fn(&&(char, &'static str, Kind)) -> bool,
) -> Result<&'static Kind, String> {
    OPTIONS
        .iter()
        .find(is)
        .map(|(_, _, kind)| kind)
        .ok_or_else(|| format!("{word} of curl means nothing to a WebSocket: leave it out"))
}

#[derive(Default)]
struct Found {
    url: Option<String>,
    options: Vec<String>,
    host: Option<String>,
}

impl Found {
    /// `-sSL`, `-Hname:value`, `-kx proxy`.
    fn bundle(
        &mut self,
        word: &str,
        words: &mut impl Iterator<Item = String>,
    ) -> Result<(), String> {
        let mut letters = word[1..].chars();
        while let Some(letter) = letters.next() {
            let kind = kind_of(&format!("-{letter}"), |(short, ..)| *short == letter)?;
            let quiet = matches!(kind, Kind::Quiet | Kind::Flag(_));
            let rest = letters.as_str();
            self.take(&format!("-{letter}"), kind, || {
                if rest.is_empty() {
                    words.next()
                } else {
                    Some(rest.to_owned())
                }
            })?;
            if !quiet {
                break;
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        word: &str,
        kind: &Kind,
        value: impl FnOnce() -> Option<String>,
    ) -> Result<(), String> {
        let value = || value().ok_or_else(|| format!("{word} of curl lacks its value"));
        match kind {
            Kind::Quiet => {}
            Kind::QuietValue => _ = value()?,
            Kind::Flag(name) => self.options.push(format!("--{name}")),
            Kind::Value("referer") => self.header(&format!("Referer: {}", value()?))?,
            Kind::Value(name) => self.options.push(format!("--{name}={}", value()?)),
            Kind::Header => self.header(&value()?)?,
            Kind::Url => self.url(value()?)?,
            Kind::Method => match value()?.as_str() {
                "GET" => {}
                method => {
                    return Err(format!(
                        "a WebSocket begins with GET (RFC 6455 §4.1), not {method}: this request is another"
                    ));
                }
            },
            Kind::Body => {
                return Err(format!(
                    "{word} gives the request a body, and a handshake has none: this request is not a WebSocket's"
                ));
            }
        }
        Ok(())
    }

    /// `Name: value`, `Name;` (sent empty), `Name:` (not sent), `@file`.
    fn header(&mut self, text: &str) -> Result<(), String> {
        if text.starts_with('@') {
            self.options.push(format!("--header={text}"));
            return Ok(());
        }
        let (name, value) = match (text.split_once(':'), text.strip_suffix(';')) {
            (Some((name, value)), _) if value.trim().is_empty() => {
                _ = name;
                return Ok(());
            }
            (Some((name, value)), _) => (name.trim(), value.trim()),
            (None, Some(name)) => (name.trim(), ""),
            (None, None) => return Err(format!("{text:?} has no colon, so it is no header")),
        };
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            own if OWN.contains(&own) => {}
            "host" => self.host = Some(value.to_owned()),
            "origin" => self.options.push(format!("--origin={value}")),
            "sec-websocket-protocol" => {
                let names = value.split(',').map(str::trim).filter(|s| !s.is_empty());
                self.options
                    .extend(names.map(|name| format!("--subprotocol={name}")));
            }
            _ => self.options.push(format!("--header={name}: {value}")),
        }
        Ok(())
    }

    fn url(&mut self, url: String) -> Result<(), String> {
        match self.url.replace(url) {
            None => Ok(()),
            Some(first) => Err(format!("the command has two URLs; the first is {first}")),
        }
    }

    fn end(mut self) -> Result<Expansion, String> {
        let url = self.url.ok_or("the command has no URL")?;
        if let Some(host) = self.host {
            let authority = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
            let named = authority.rsplit('@').next().unwrap_or_default();
            if !named.eq_ignore_ascii_case(&host) {
                self.options.push(format!("--header=Host: {host}"));
            }
        }
        Ok(Expansion {
            url: Some(url),
            options: self.options,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// As Chrome copies a WebSocket's request.
    const CHROME: &str = r"curl 'wss://example.com/chat?x=1' \
  -H 'Upgrade: websocket' \
  -H 'Origin: https://example.com' \
  -H 'Cache-Control: no-cache' \
  -H 'Connection: Upgrade' \
  -b 'sid=abc; theme=dark' \
  -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' \
  -H 'User-Agent: Mozilla/5.0 (X11) it'\''s' \
  -H 'Sec-WebSocket-Version: 13' \
  -H 'Sec-WebSocket-Protocol: chat.v2, chat.v1' \
  -H 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits'";

    #[test]
    fn a_browsers_copy_keeps_what_is_the_users_and_leaves_the_handshake_to_us() {
        let found = read(CHROME).unwrap();
        assert_eq!(found.url.as_deref(), Some("wss://example.com/chat?x=1"));
        assert_eq!(
            found.options,
            [
                "--origin=https://example.com",
                "--header=Cache-Control: no-cache",
                "--cookie=sid=abc; theme=dark",
                "--header=User-Agent: Mozilla/5.0 (X11) it's",
                "--subprotocol=chat.v2",
                "--subprotocol=chat.v1",
            ]
        );
    }

    #[test]
    fn curls_own_ways_to_write_it() {
        for (command, options) in [
            ("curl -sSLk h", &["--location", "--insecure"][..]),
            ("curl -HA:1 h -H B:2", &["--header=A: 1", "--header=B: 2"]),
            ("/usr/bin/curl -kx p:1 h", &["--insecure", "--proxy=p:1"]),
            ("curl --proxy=p:1 --url h", &["--proxy=p:1"]),
            ("curl h -H 'A;' -H 'B:'", &["--header=A: "]),
            ("curl h -H @file", &["--header=@file"]),
            ("curl http://h:1/x -H 'Host: h:1'", &[]),
            ("curl http://h:1/x -H 'Host: o'", &["--header=Host: o"]),
            (
                "curl -u a:b h -e http://r -X GET",
                &["--auth=a:b", "--header=Referer: http://r"],
            ),
            ("curl -i -N --http1.1 --compressed -m 5 -o x h", &[]),
        ] {
            assert_eq!(read(command).unwrap().options, options, "{command}");
        }
    }

    #[test]
    fn what_is_no_handshake_is_said_with_the_word_at_fault() {
        for (command, part) in [
            ("", "begins with curl"),
            ("wget h", "begins with curl, not with \"wget\""),
            ("curl", "no URL"),
            ("curl a b", "two URLs"),
            ("curl -d x h", "-d gives the request a body"),
            ("curl --data-raw=x h", "gives the request a body"),
            ("curl -X POST h", "not POST"),
            ("curl h -H", "-H of curl lacks its value"),
            ("curl h -H x", "\"x\" has no colon"),
            ("curl --ftp-pasv h", "--ftp-pasv of curl means nothing"),
            ("curl -Z h", "-Z of curl means nothing"),
            ("curl 'h", "byte 5 is not closed"),
            ("curl h; rm -rf x", "';' at byte 6"),
            ("curl ^\"https://x^\"", "cmd.exe"),
        ] {
            let error = read(command).err().unwrap_or_default();
            assert!(error.contains(part), "{command}: {error}");
        }
    }
}
