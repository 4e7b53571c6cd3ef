//! An HTTP answer that is no WebSocket: its status, headers and body, and what may help.

use http::Response;
use http::header::{
    CONTENT_TYPE, HeaderName, LOCATION, PROXY_AUTHENTICATE, RETRY_AFTER, UPGRADE, WWW_AUTHENTICATE,
};

use super::Told;
use crate::exit::Exit;
use crate::term;

/// How much of the body is shown, in bytes.
const BODY: usize = 2048;
/// How much of a header's value is shown, in characters.
const VALUE: usize = 300;
/// How many headers are shown.
const HEADERS: usize = 50;

pub(super) const PROXY_LOGIN: &str = "say who you are to the proxy: --proxy http://USER:PASSWORD@HOST:PORT (write an @ in it as %40)";

type Answer = Response<Vec<u8>>;

/// Shows an answer under a sentence.
pub(super) fn told(sentence: &str, exit: Exit, answer: &Answer, hint: Option<String>) -> Told {
    let told = Told {
        answer: shown(answer),
        ..Told::new(exit, sentence)
    };
    match hint {
        Some(hint) => told.hint(hint),
        None => told,
    }
}

fn shown(answer: &Answer) -> String {
    let mut out = String::new();
    for (name, value) in answer.headers().iter().take(HEADERS) {
        let value = String::from_utf8_lossy(value.as_bytes());
        out.push_str(&format!("  {name}: {}\n", term::line(&value, VALUE)));
    }
    if answer.headers().len() > HEADERS {
        let more = answer.headers().len() - HEADERS;
        out.push_str(&format!("  … and {more} more headers\n"));
    }
    let body = term::lossy_block(answer.body().trim_ascii(), BODY);
    if !body.is_empty() {
        out.push_str(&format!("\n  {body}\n\n"));
    }
    out
}

/// A header's value as text; empty if it is not there.
fn value(answer: &Answer, name: HeaderName) -> String {
    let value = answer.headers().get(name);
    value.map_or_else(String::new, |value| {
        String::from_utf8_lossy(value.as_bytes()).into_owned()
    })
}

/// What may help with a server that refused.
pub(super) fn server_hint(answer: &Answer) -> Option<String> {
    let html = value(answer, CONTENT_TYPE).starts_with("text/html");
    let hint = match answer.status().as_u16() {
        200 if html => "this is a web page; the WebSocket is at another path",
        200..=299 => "this answers plain HTTP; the WebSocket is at another path",
        301 | 302 | 303 | 307 | 308 if answer.headers().contains_key(LOCATION) => {
            return Some(format!("-L follows to {}", value(answer, LOCATION)));
        }
        400 if speaks_of_tls(answer.body()) => {
            "this port speaks TLS: write wss:// instead of ws://"
        }
        400 | 426 => return Some(upgrade(answer)),
        401 => return Some(login(&value(answer, WWW_AUTHENTICATE))),
        403 => {
            "the server may want an Origin that it knows: -o auto, or -o https://its.own.page; or \
             another login"
        }
        404 | 410 => "no WebSocket at this path; try another, such as /ws",
        405 => "this path is there, but not for GET, as which a handshake comes",
        407 => "a proxy in between asks who you are",
        421 => "the server does not know this host name: see --host and --sni",
        429 | 503 if answer.headers().contains_key(RETRY_AFTER) => {
            let wait = value(answer, RETRY_AFTER);
            return Some(format!("too much to do; come back after: {wait}"));
        }
        429 => "too many requests; wait a little",
        502..=504 => "what stands in front does not reach the server behind it: is that running?",
        500..=599 => "the server has a problem of its own: look into its log",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Whether a server says that it wanted TLS, as nginx, Go and others do.
fn speaks_of_tls(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    text.contains("HTTPS port") || text.contains("HTTPS server")
}

fn upgrade(answer: &Answer) -> String {
    let versions = value(answer, HeaderName::from_static("sec-websocket-version"));
    if !versions.is_empty() {
        return format!("the server speaks version {versions} of the protocol: see -p");
    }
    let wanted = value(answer, UPGRADE);
    if !wanted.is_empty() && !wanted.to_ascii_lowercase().contains("websocket") {
        return format!("the server wants an upgrade to {wanted}, which is no WebSocket");
    }
    "does a proxy in between drop `Upgrade`? It must pass on Upgrade and Connection, over HTTP/1.1"
        .to_owned()
}

fn login(scheme: &str) -> String {
    let scheme = scheme.split(' ').next().unwrap_or_default();
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => "say who you are: -u USER:PASSWORD".to_owned(),
        "bearer" => "say who you are: --bearer TOKEN (or @FILE, or env:NAME)".to_owned(),
        _ => {
            "say who you are: -u USER:PASSWORD, --bearer TOKEN or -H 'Authorization: …'".to_owned()
        }
    }
}

/// What may help with a proxy that refused.
pub(super) fn proxy_hint(answer: &Answer) -> Option<String> {
    let hint = match answer.status().as_u16() {
        407 => {
            let scheme = value(answer, PROXY_AUTHENTICATE).to_ascii_lowercase();
            match scheme.is_empty() || scheme.contains("basic") {
                true => PROXY_LOGIN,
                false => "of the ways to say who you are, only Basic is spoken here",
            }
        }
        403 => "the proxy does not allow this host or port; many allow 443 alone",
        200..=299 => "the proxy did not open a tunnel",
        502..=504 => "the proxy cannot reach the server",
        400 | 405 | 501 => "is this a proxy for CONNECT at all?",
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn answer(status: u16, header: (&str, &str), body: &str) -> Answer {
        Response::builder()
            .status(status)
            .header(header.0, header.1)
            .body(body.as_bytes().to_vec())
            .unwrap()
    }

    #[test]
    fn an_answer_is_shown_escaped_and_bounded() {
        let mut nasty = answer(401, ("www-authenticate", "Bearer"), "");
        *nasty.body_mut() = b"{\"error\":\"\x1b[31mtoken\"}\nerror: fake\n".to_vec();
        let text = told("no", Exit::Refused, &nasty, server_hint(&nasty)).text();
        assert!(text.contains("  www-authenticate: Bearer\n"), "{text}");
        assert!(
            text.contains("{\"error\":\"\\x1b[31mtoken\"}\n  error: fake"),
            "{text}"
        );
        assert!(text.contains("hint: say who you are: --bearer"), "{text}");

        let mut long = answer(500, ("x", &"v".repeat(100_000)), &"b".repeat(100_000));
        for number in 0..1000 {
            long.headers_mut().append("x-n", number.into());
        }
        let text = told("no", Exit::Refused, &long, None).text();
        assert!(text.len() < 8000, "{} bytes", text.len());
        assert!(text.contains("951 more headers"), "{text}");
    }

    #[test]
    fn each_refusal_has_its_hint() {
        let none = ("x-a", "1");
        for (status, header, body, part) in [
            (
                200,
                ("content-type", "text/html; charset=utf-8"),
                "",
                "a web page",
            ),
            (200, none, "", "plain HTTP"),
            (301, ("location", "wss://b/"), "", "-L follows to wss://b/"),
            (
                400,
                none,
                "The plain HTTP request was sent to HTTPS port",
                "wss://",
            ),
            (
                400,
                none,
                "Client sent an HTTP request to an HTTPS server.",
                "wss://",
            ),
            (400, none, "", "drop `Upgrade`"),
            (426, ("sec-websocket-version", "13"), "", "version 13"),
            (426, ("upgrade", "h2c"), "", "upgrade to h2c"),
            (
                401,
                ("www-authenticate", "Basic realm=\"x\""),
                "",
                "-u USER:PASSWORD",
            ),
            (401, none, "", "-H 'Authorization"),
            (403, none, "", "-o auto"),
            (404, none, "", "/ws"),
            (503, ("retry-after", "7"), "", "after: 7"),
            (502, none, "", "in front"),
            (500, none, "", "its log"),
        ] {
            let hint = server_hint(&answer(status, header, body)).unwrap();
            assert!(hint.contains(part), "{status}: {hint}");
        }
        assert_eq!(server_hint(&answer(418, none, "")), None);
        let login = answer(407, ("proxy-authenticate", "Negotiate"), "");
        assert!(proxy_hint(&login).unwrap().contains("only Basic"));
    }
}
