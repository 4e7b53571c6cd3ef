//! What went wrong with the far connection: where, what, and what to do about it.

use super::wire::{Event, Stage};
use tidewire::tls::{CertificateProblem, TlsError};
use tidewire::{ConnectError, ConnectStage, Error, ResponseError};

fn event(stage: Stage, message: &impl ToString, hint: &str) -> Event {
    Event::Error {
        stage,
        message: message.to_string(),
        hint: hint.to_owned(),
    }
}

/// Why there is no connection. `asked`: the request has been sent.
pub(super) fn connecting(error: &ConnectError, asked: bool) -> Event {
    use ConnectError as E;
    let (stage, hint) = match error {
        E::InvalidUrl(_) => (
            Stage::Handshake,
            "Write the URL as wss://host/path or ws://host:port/path.",
        ),
        E::InvalidHeader(_) | E::InvalidCookie(_) => (
            Stage::Handshake,
            "A header's name is one word of letters, digits and hyphens; its value has one line.",
        ),
        E::InvalidRequest(_) => (
            Stage::Handshake,
            "Take it out: the handshake sets these headers itself, and a subprotocol is one word that comes once.",
        ),
        E::Resolve { .. } | E::Timeout(ConnectStage::Resolve) => (
            Stage::Dns,
            "Is the host's name spelled right, and does this machine reach its DNS server?",
        ),
        E::Unreachable(_) => (
            Stage::Tcp,
            "Does the server run, is the port right, and does no firewall stand in between?",
        ),
        E::Timeout(ConnectStage::Connect) => (
            Stage::Tcp,
            "Nobody answers at this address: a firewall may drop what is sent, or the port is wrong.",
        ),
        E::Proxy(_) | E::Timeout(ConnectStage::Proxy) => (
            Stage::Tcp,
            "The environment of the server names this proxy (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY): start it \
             without, or put the host into NO_PROXY.",
        ),
        E::Tls(error) => (Stage::Tls, tls(error)),
        E::Timeout(ConnectStage::Tls) => (
            Stage::Tls,
            "The server took the connection and says nothing: it may not speak TLS on this port. Try ws://.",
        ),
        E::Io(_) if asked => (
            Stage::Handshake,
            "The server took the request and hung up: does it speak TLS on this port (wss://), or is it no \
             WebSocket server?",
        ),
        E::Io(_) => (Stage::Tcp, "Try again: the connection broke."),
        E::Timeout(_) => (
            Stage::Handshake,
            "The server took the request and does not answer: is the path right, and is it a WebSocket server?",
        ),
        E::Handshake(error) => (Stage::Handshake, handshake(error)),
        _ => (Stage::Handshake, "See what the server answered."),
    };
    event(stage, error, hint)
}

fn tls(error: &TlsError) -> &'static str {
    match error {
        TlsError::Certificate {
            problem: CertificateProblem::UnknownIssuer,
            ..
        } => {
            "If it is a certificate of your own: start the server with its CA in SSL_CERT_FILE, or accept any \
             certificate for this connection."
        }
        TlsError::Certificate { .. } => {
            "To look at the certificate, accept any for this connection. Send nothing that is secret then."
        }
        TlsError::NotTls(_) => "Use ws:// on this port.",
        TlsError::NoRoots(_) => "Install the system's certificates (ca-certificates).",
        TlsError::Io(_) => "The server hung up: it may not speak TLS on this port. Try ws://.",
        _ => "The server and this client do not agree on TLS.",
    }
}

fn handshake(error: &ResponseError) -> &'static str {
    match error {
        ResponseError::AcceptWrong
        | ResponseError::AcceptMissing
        | ResponseError::AcceptRepeated => {
            "Sec-WebSocket-Accept has to be made from the key of this very request: base64 of SHA-1 of the key \
             and 258EAFA5-E914-47DA-95CA-C5AB0DC85B11. A cache or an echo in between answers so."
        }
        ResponseError::SubprotocolNotOffered(_)
        | ResponseError::SubprotocolRepeated
        | ResponseError::SubprotocolMalformed => {
            "The server has to pick one of the subprotocols that were offered, or none."
        }
        ResponseError::ExtensionNotOffered(_)
        | ResponseError::ExtensionsMalformed(_)
        | ResponseError::DeflateRepeated
        | ResponseError::DeflateAnswer(_) => {
            "The server uses an extension in a way that was not offered. Try without compression."
        }
        ResponseError::Head(_) | ResponseError::StatusLine => {
            "What answers there does not speak HTTP/1.1: is the port right?"
        }
        _ => {
            "The server's answer to the upgrade breaks RFC 6455: a proxy in between may have changed it."
        }
    }
}

/// Why an open connection failed; `None`: it was closed, which is told otherwise.
pub(super) fn open(error: &Error) -> Option<Event> {
    let hint = match error {
        Error::Protocol(_) => {
            "The server broke RFC 6455: the last frames show where. The connection had to end."
        }
        Error::Limit(_) => "The agent takes messages of up to 16 MiB.",
        Error::Timeout(_) => "The server did not answer the Close in time.",
        Error::Io(_) => "The network, the server or something in between cut the connection.",
        _ => return None,
    };
    Some(event(Stage::Protocol, error, hint))
}

/// What the page asked for cannot be done; the connection goes on.
pub(super) fn misuse(error: &Error) -> Event {
    let hint = "Codes to send are 1000 to 1003, 1007 to 1014 and 3000 to 4999, a reason has at most 123 bytes, and \
        a few Pings may wait at once.";
    event(Stage::Protocol, error, hint)
}

/// The page said what the agent does not take.
pub(super) fn page(message: &str, hint: &str) -> Event {
    event(Stage::Agent, &message, hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn each_error_has_its_stage() {
        let io = || io::Error::other("x");
        let resolve = ConnectError::Resolve {
            host: "a".to_owned(),
            error: io(),
        };
        let tls = ConnectError::Tls(TlsError::NotTls("x".to_owned()));
        for (error, asked, expected) in [
            (resolve, false, Stage::Dns),
            (
                ConnectError::Timeout(ConnectStage::Resolve),
                false,
                Stage::Dns,
            ),
            (
                ConnectError::Timeout(ConnectStage::Connect),
                false,
                Stage::Tcp,
            ),
            (
                ConnectError::Timeout(ConnectStage::Proxy),
                false,
                Stage::Tcp,
            ),
            (ConnectError::Timeout(ConnectStage::Tls), false, Stage::Tls),
            (
                ConnectError::Timeout(ConnectStage::Handshake),
                true,
                Stage::Handshake,
            ),
            (tls, false, Stage::Tls),
            (ConnectError::Io(io()), false, Stage::Tcp),
            (ConnectError::Io(io()), true, Stage::Handshake),
            (ConnectError::InvalidUrl("x"), false, Stage::Handshake),
            (
                ConnectError::Handshake(ResponseError::AcceptWrong),
                true,
                Stage::Handshake,
            ),
        ] {
            let told = connecting(&error, asked);
            let Event::Error { stage, hint, .. } = told else {
                panic!("{told:?}");
            };
            assert_eq!(stage, expected, "{error:?}");
            assert!(hint.len() > 10, "{error:?}");
        }
    }
}
