//! What the client says on stderr: connected, refused and why, closed and how.

use tidewire::tls::{CertificateProblem, TlsError};
use tidewire::{CloseCode, CloseStory, ClosedBy, ConnectError, Error, WebSocket};

use crate::exit::Exit;
use crate::term;

/// How much of a refusal's body is shown, in bytes.
const BODY: usize = 2048;

/// Prints `error: …` and gives the code back.
pub(super) fn error(exit: Exit, sentence: &str) -> Exit {
    eprintln!("error: {sentence}");
    exit
}

/// Tells that the connection is open.
pub(super) fn connected(ws: &WebSocket, offered: &[String]) {
    eprintln!("Connected (press CTRL+C to quit)");
    match ws.subprotocol() {
        Some(name) => eprintln!("subprotocol: {}", term::line(&name, 100)),
        None if !offered.is_empty() => {
            eprintln!("subprotocol: none; the server chose none of those offered");
        }
        None => {}
    }
}

/// Explains a connection that was not made.
pub(super) fn not_connected(url: &str, failure: ConnectError) -> Exit {
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
pub(super) fn no_answer() -> Exit {
    error(
        Exit::Timeout,
        "no WebSocket in time: nobody answered, or not to the end (--connect-timeout sets how long)",
    )
}

/// Judges an ended conversation: the exit code, and the line for the user.
pub(super) fn ended(result: Result<(), Error>, story: Option<CloseStory>) -> (Exit, String) {
    let story = match &result {
        Err(Error::Closed(story)) => Some((**story).clone()),
        _ => story,
    };
    let (sent, received, by) = match story {
        Some(story) => (story.sent, story.received, story.by),
        None => (None, None, ClosedBy::Network),
    };
    // Whose code tells the story: the peer's, if it said one; ours, if we had to end it.
    let frame = match (&result, by) {
        (Err(Error::Protocol(_) | Error::Limit(_)), _) => sent,
        (_, ClosedBy::Network) => None,
        _ => received,
    };
    let code = frame
        .as_ref()
        .map_or(CloseCode::ABNORMAL, |frame| frame.code);
    let reason = frame.as_ref().map_or("", |frame| &frame.reason);
    let mut line = disconnected(code, reason);
    let exit = match &result {
        Err(error @ (Error::Protocol(_) | Error::Limit(_))) => {
            line += &format!("; {}", term::line(&error.to_string(), 300));
            Exit::Protocol
        }
        Err(error @ (Error::Timeout(_) | Error::Io(_))) => {
            line += &format!("; {}", term::line(&error.to_string(), 300));
            if matches!(error, Error::Timeout(_)) {
                Exit::Timeout
            } else {
                Exit::Abnormal
            }
        }
        _ => match code {
            CloseCode::ABNORMAL => Exit::Abnormal,
            code if code.is_clean() => Exit::Clean,
            CloseCode::PROTOCOL_ERROR
            | CloseCode::UNSUPPORTED
            | CloseCode::INVALID_PAYLOAD
            | CloseCode::MESSAGE_TOO_BIG => Exit::Protocol,
            _ => Exit::OtherCode,
        },
    };
    (exit, line)
}

/// The words that wscat has too, so that scripts find them, and what the code means.
fn disconnected(code: CloseCode, reason: &str) -> String {
    let reason = term::line(reason, 130);
    format!(
        "Disconnected (code: {}, reason: \"{reason}\"): {}",
        code.0,
        code.name()
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

    #[test]
    fn the_end_is_greppable_as_wscat_has_it_and_says_what_it_means() {
        assert_eq!(
            disconnected(CloseCode::ABNORMAL, ""),
            "Disconnected (code: 1006, reason: \"\"): abnormal closure"
        );
    }
}
