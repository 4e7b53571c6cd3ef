//! What is asked for: headers, cookies, who we are, subprotocols.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN, USER_AGENT};
use http::{HeaderName, HeaderValue};

use super::cookies;
use super::input::{self, Wrong};
use super::place::Place;
use crate::args::DialArgs;
use crate::args::dial_values::{CookieArg, HeaderArg, bad_byte, header_line};

/// The request's head beyond what the handshake writes by itself.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// Those that say who we are are marked as sensitive: they stay within the first host.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) offered: Vec<String>,
    pub(super) version: Option<u8>,
}

impl Request {
    /// What the flags ask for at `place`; `None` is a URL that is not understood.
    pub(super) fn of(args: &DialArgs, place: Option<&Place>) -> Result<Request, Wrong> {
        let mut request = Request {
            offered: args.subprotocol.clone(),
            version: args.protocol,
            ..Request::default()
        };
        for header in &args.headers {
            match header {
                HeaderArg::Line(name, value) => request.header("-H", name, value)?,
                HeaderArg::File(path) => request.file(path)?,
            }
        }
        for cookie in &args.cookie {
            request.cookies(cookie, place)?;
        }
        if let Some(agent) = &args.user_agent {
            request.only("-A", USER_AGENT, agent, false)?;
        }
        if let Some(host) = &args.host {
            request.only("--host", HOST, host, false)?;
        }
        if let Some(origin) = &args.origin {
            let own = place.filter(|_| origin == "auto");
            let origin = match own {
                Some(place) => &place.origin(args.host.as_deref()),
                None => origin,
            };
            request.only("-o", ORIGIN, origin, false)?;
        }
        if let Some(user) = &args.auth {
            request.only("-u", AUTHORIZATION, &basic(user)?, true)?;
        }
        if let Some(token) = &args.bearer {
            request.only("--bearer", AUTHORIZATION, &bearer(token)?, true)?;
        }
        Ok(request)
    }

    /// `flag` says where it stands.
    fn header(&mut self, flag: &str, name: &str, value: &str) -> Result<(), Wrong> {
        let wrong = |why: &str| Wrong::usage(format!("{flag} '{name}: …': {why}"));
        let parsed: HeaderName = name
            .parse()
            .map_err(|_| wrong("this is no header's name"))?;
        let advice = match parsed.as_str() {
            "sec-websocket-protocol" => {
                let names = value.split(',').map(|name| name.trim().to_owned());
                self.offered.extend(names.filter(|name| !name.is_empty()));
                return Ok(());
            }
            "sec-websocket-version" => {
                let version = value.parse().map_err(|_| wrong("this is no version"))?;
                self.version = Some(version);
                return Ok(());
            }
            "sec-websocket-extensions" => "the handshake writes it: see --deflate and --no-deflate",
            "content-length" | "transfer-encoding" | "te" | "trailer" | "expect" => {
                "a handshake has no body"
            }
            "upgrade" | "connection" => "the handshake writes it: leave it out",
            own if own.starts_with("sec-websocket-") => "the handshake writes it: leave it out",
            _ => {
                let secret = is_secret(parsed.as_str());
                return self.add(flag, parsed, value, secret);
            }
        };
        Err(wrong(advice))
    }

    fn file(&mut self, path: &std::path::Path) -> Result<(), Wrong> {
        let text = input::read_text("-H", path)?;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_end_matches('\r');
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let flag = format!("-H @{} line {}", path.display(), number + 1);
            let (name, value) =
                header_line(line).map_err(|why| Wrong::usage(format!("{flag}: {why}")))?;
            self.header(&flag, &name, &value)?;
        }
        Ok(())
    }

    fn cookies(&mut self, cookie: &CookieArg, place: Option<&Place>) -> Result<(), Wrong> {
        let pairs = match (cookie, place) {
            (CookieArg::Pairs(pairs), _) => pairs.clone(),
            (CookieArg::Jar(_), None) => return Ok(()),
            (CookieArg::Jar(path), Some(place)) => {
                let jar = input::read_text("--cookie", path)?;
                cookies::matching(&jar, place)
                    .map_err(|why| Wrong::usage(format!("--cookie @{} {why}", path.display())))?
            }
        };
        for (name, value) in pairs {
            self.add("--cookie", COOKIE, &format!("{name}={value}"), true)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        flag: &str,
        name: HeaderName,
        value: &str,
        secret: bool,
    ) -> Result<(), Wrong> {
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| Wrong::usage(format!("{flag}: this cannot be sent in a header")))?;
        value.set_sensitive(secret);
        self.headers.push((name, value));
        Ok(())
    }

    /// Takes the place of all others of this name.
    fn only(
        &mut self,
        flag: &str,
        name: HeaderName,
        value: &str,
        secret: bool,
    ) -> Result<(), Wrong> {
        self.headers.retain(|(other, _)| *other != name);
        self.add(flag, name, value, secret)
    }
}

/// Whether a header of this name says who somebody is, as far as a name can tell.
fn is_secret(name: &str) -> bool {
    [
        "auth", "token", "key", "secret", "cookie", "session", "password", "jwt",
    ]
    .iter()
    .any(|part| name.contains(part))
}

/// `Basic …` (RFC 7617) for `user:password`, or `user`, whose password is asked for.
fn basic(user: &str) -> Result<String, Wrong> {
    let pair = match user.split_once(':') {
        Some(_) => user.to_owned(),
        None => match input::ask(&format!("Password of {user}: "))? {
            Some(password) => format!("{user}:{password}"),
            None => {
                return Err(Wrong::usage(format!(
                    "-u {user}: there is no password, and no terminal to ask on: write -u \
                     {user}:PASSWORD"
                )));
            }
        },
    };
    match bad_byte(&pair, |byte| !byte.is_ascii_control()) {
        Some(byte) => Err(Wrong::usage(format!(
            "-u: {byte} is a control character, which Basic authentication cannot send"
        ))),
        None => Ok(format!("Basic {}", STANDARD.encode(pair))),
    }
}

/// `Bearer …` (RFC 6750).
fn bearer(token: &str) -> Result<String, Wrong> {
    let token = input::secret("--bearer", token)?;
    if token.is_empty() {
        return Err(Wrong::usage("--bearer: the token is empty"));
    }
    match bad_byte(&token, |byte| byte.is_ascii_graphic()) {
        Some(byte) => Err(Wrong::usage(format!(
            "--bearer: {byte} cannot stand in a token"
        ))),
        None => Ok(format!("Bearer {token}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        dial: DialArgs,
    }

    fn request(line: &[&str]) -> Result<Request, Wrong> {
        let line = Line::parse_from(std::iter::once(&"x").chain(line));
        Request::of(&line.dial, Place::of("wss://chat.example/x").as_ref())
    }

    fn lines(line: &[&str]) -> Vec<String> {
        let request = request(line).unwrap();
        let line = |(name, value): &(HeaderName, HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap())
        };
        request.headers.iter().map(line).collect()
    }

    #[test]
    fn flags_become_headers_and_duplicates_stay() {
        let given = [
            "-H",
            "X-A: 1",
            "-H",
            "X-A: 2",
            "-H",
            "Host: old",
            "--host",
            "new:1",
            "-o",
            "auto",
            "-A",
            "me/1",
            "--cookie",
            "a=1; b=2",
            "-u",
            "ann:p:w",
        ];
        assert_eq!(
            lines(&given),
            [
                "x-a: 1",
                "x-a: 2",
                "cookie: a=1",
                "cookie: b=2",
                "user-agent: me/1",
                "host: new:1",
                "origin: https://new:1",
                "authorization: Basic YW5uOnA6dw==",
            ]
        );
        assert_eq!(lines(&["--bearer", "t.k"]), ["authorization: Bearer t.k"]);
        let old = ["-H", "Authorization: x", "--bearer", "t"];
        assert_eq!(lines(&old), ["authorization: Bearer t"]);
    }

    #[test]
    fn what_says_who_we_are_is_marked() {
        let given = ["-H", "X-Api-Key: 1", "-H", "X-Trace: 2", "--bearer", "t"];
        let marks: Vec<bool> = request(&given)
            .unwrap()
            .headers
            .iter()
            .map(|(_, value)| value.is_sensitive())
            .collect();
        assert_eq!(marks, [true, false, true]);
    }

    #[test]
    fn headers_of_the_handshake_lead_to_their_flags() {
        let given = [
            "-s",
            "a, b",
            "-H",
            "Sec-WebSocket-Protocol: c,d",
            "-H",
            "sec-websocket-version: 8",
        ];
        let asked = request(&given).unwrap();
        assert_eq!(asked.offered, ["a", "b", "c", "d"]);
        assert_eq!((asked.version, asked.headers.len()), (Some(8), 0));
        for (line, part) in [
            ("Sec-WebSocket-Extensions: x", "--no-deflate"),
            ("Sec-WebSocket-Key: x", "leave it out"),
            ("Upgrade: x", "leave it out"),
            ("Content-Length: 5", "no body"),
        ] {
            let why = request(&["-H", line]).unwrap_err().to_string();
            assert!(why.starts_with("-H '") && why.contains(part), "{why}");
        }
    }

    #[test]
    fn a_file_of_headers_is_read_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("h.txt");
        let file = format!("@{}", path.display());
        std::fs::write(&path, "# mine\r\nX-A: 1\r\n\r\nX-A: 2").unwrap();
        assert_eq!(
            lines(&["-H", &file, "-H", "X-B: 3"]),
            ["x-a: 1", "x-a: 2", "x-b: 3"]
        );
        for (content, part) in [
            ("X-A: 1\nno colon", "line 2: \"no colon\" has no colon"),
            ("X-A: \u{1b}[2J", "line 1: byte 1 (0x1b)"),
            ("Upgrade: h2c", "line 1 'Upgrade"),
        ] {
            std::fs::write(&path, content).unwrap();
            let why = request(&["-H", &file]).unwrap_err().to_string();
            assert!(why.contains(part), "{why}");
        }
    }

    #[test]
    fn secrets_that_cannot_be_sent_are_named_by_their_byte() {
        let why = request(&["--bearer", "a b"]).unwrap_err().to_string();
        assert!(why.contains("--bearer: byte 2 (0x20)"), "{why}");
        let why = request(&["-u", "a:\u{7}"]).unwrap_err().to_string();
        assert!(why.contains("-u: byte 3 (0x07)"), "{why}");
        assert!(request(&["--bearer", "env:TIDEWIRE_NO_SUCH"]).is_err());
    }
}
