//! Why a connection was not made, in words for the user, and the exit code that belongs to it.

use tidewire::ConnectError;
use tidewire::tls::{CertificateProblem, TlsError};

use crate::exit::{Exit, error};
use crate::term;

/// How much of a refusal's body is shown, in bytes.
const BODY: usize = 2048;

/// Explains a connection that was not made.
pub(crate) fn explain(url: &str, failure: ConnectError) -> Exit {
    match failure {
        ConnectError::Refused(response) => {
            eprint!("{}", refused(&response));
            Exit::Refused
        }
        ConnectError::InvalidUrl(_)
        | ConnectError::InvalidHeader(_)
        | ConnectError::InvalidCookie(_)
        | ConnectError::InvalidRequest(_) => error(Exit::Usage, &failure.to_string()),
        ConnectError::Timeout(_) => no_answer(),
        ConnectError::Resolve { host, .. } => error(
            Exit::Dns,
            &format!("the host {host:?} has no address: check its spelling"),
        ),
        ConnectError::Unreachable(tried) => {
            let mut kinds = tried.attempts().iter().map(|(_, cause)| cause.kind());
            let sentence = if kinds.all(|kind| kind == std::io::ErrorKind::ConnectionRefused) {
                format!("{url}: nothing listens there: is the server running, and the port right?")
            } else {
                format!("{url}: {tried}")
            };
            error(Exit::Unreachable, &sentence)
        }
        ConnectError::Io(_) | ConnectError::Proxy(_) => {
            error(Exit::Unreachable, &term::line(&failure.to_string(), 500))
        }
        ConnectError::Tls(cause) => {
            let exit = error(Exit::Tls, &term::line(&cause.to_string(), 500));
            if let TlsError::Certificate {
                problem: CertificateProblem::UnknownIssuer,
                ..
            } = cause
            {
                eprintln!(
                    "hint: a CA of your own is trusted if SSL_CERT_FILE names its PEM file: \
                     SSL_CERT_FILE=ca.pem tidewire {url}"
                );
            }
            exit
        }
        other => error(Exit::BadHandshake, &term::line(&other.to_string(), 500)),
    }
}

/// The answer of a server that did not say 101: status, headers, body, and what may help.
fn refused(response: &http::Response<Vec<u8>>) -> String {
    let status = response.status();
    let mut out = format!("error: the server answered {status}, not 101 Switching Protocols\n");
    for (name, value) in response.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        out.push_str(&format!("  {name}: {}\n", term::line(&value, 300)));
    }
    let body = term::lossy_block(response.body().trim_ascii(), BODY);
    if !body.is_empty() {
        out.push_str(&format!("\n  {body}\n\n"));
    }
    if let Some(hint) = hint(response) {
        out.push_str(&format!("hint: {hint}\n"));
    }
    out
}

fn hint(response: &http::Response<Vec<u8>>) -> Option<&'static str> {
    let html = response
        .headers()
        .get(http::header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    Some(match response.status().as_u16() {
        200 if html => "this is a web page; the WebSocket is at another path",
        200 => "this answers plain HTTP; the WebSocket is at another path",
        301 | 302 | 303 | 307 | 308 => "connect to the address in `location` instead",
        400 | 426 => "is a proxy in between that drops `Upgrade`, or is this another port's job?",
        401 => "say who you are, for example -H 'Authorization: Bearer …'",
        403 => "the server may want an Origin that it knows: -o https://its.own.page",
        404 => "no WebSocket at this path; try another, such as /ws",
        407 => "a proxy in between asks who you are",
        429 => "too many requests; wait a little",
        500..=599 => "the server, or what stands in front of it, has a problem of its own",
        _ => return None,
    })
}

/// Says that a deadline passed before the connection was open.
fn no_answer() -> Exit {
    error(
        Exit::Timeout,
        "no WebSocket in time: nobody answered, or not to the end (--connect-timeout sets how long)",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_refusal_shows_status_headers_body_and_help() {
        let response = http::Response::builder()
            .status(401)
            .header("www-authenticate", "Bearer")
            .body(b"{\"error\":\"\x1b[31mtoken\"}\n".to_vec())
            .unwrap();
        let shown = refused(&response);
        assert!(
            shown.starts_with("error: the server answered 401 Unauthorized, not 101"),
            "{shown}"
        );
        assert!(shown.contains("  www-authenticate: Bearer\n"), "{shown}");
        assert!(shown.contains("{\"error\":\"\\x1b[31mtoken\"}"), "{shown}");
        assert!(shown.contains("hint: say who you are"), "{shown}");
    }
}
