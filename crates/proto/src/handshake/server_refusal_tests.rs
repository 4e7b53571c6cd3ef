//! Every rule a request can break, with its reason, its status and its answer.
#![allow(clippy::unwrap_used)]

use http::StatusCode;

use super::headers::ListError;
use super::http1::write_response;
use super::server::{Policy, judge};
use super::server::{Reason, Refusal};
use super::server_tests::with;

#[test]
fn every_broken_rule_has_its_reason_and_status() {
    use Reason::*;
    const KEY: &[u8] = b"+Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let list = ListError::NotAToken;
    let refused = |origin: &str| OriginRefused {
        host: "server.example.com".into(),
        origin: origin.into(),
    };
    for (name, lines, expected, status) in [
        ("no Host", &[&b"Host:-"[..]] as &[&[u8]], HostMissing, 400),
        (
            "two Hosts",
            &[b"+Host: server.example.com"],
            HostRepeated,
            400,
        ),
        ("empty Host", &[b"Host:"], HostMalformed, 400),
        ("two hosts in one", &[b"Host: a, b"], HostMalformed, 400),
        ("user in Host", &[b"Host: a@b"], HostMalformed, 400),
        ("Host not ASCII", &[b"Host: \xc3\xa9"], HostMalformed, 400),
        ("body", &[b"Content-Length: 5"], Body, 400),
        ("odd length", &[b"Content-Length: +0"], Body, 400),
        (
            "second length",
            &[b"Content-Length: 0", b"+Content-Length: 5"],
            Body,
            400,
        ),
        ("chunked", &[b"Transfer-Encoding: chunked"], Body, 400),
        ("no Upgrade", &[b"Upgrade:-"], NoUpgrade, 426),
        ("other Upgrade", &[b"Upgrade: h2c"], NoUpgrade, 426),
        (
            "Upgrade not a list",
            &[b"Upgrade: websocket;q=1"],
            UpgradeMalformed(list),
            400,
        ),
        (
            "no Connection",
            &[b"Connection:-"],
            ConnectionWithoutUpgrade,
            400,
        ),
        (
            "keep-alive",
            &[b"Connection: keep-alive"],
            ConnectionWithoutUpgrade,
            400,
        ),
        (
            "Connection",
            &[b"Connection: Upgrade; x"],
            ConnectionMalformed(list),
            400,
        ),
        (
            "no version",
            &[b"Sec-WebSocket-Version:-"],
            VersionMissing,
            426,
        ),
        (
            "version 8",
            &[b"Sec-WebSocket-Version: 8"],
            VersionUnsupported,
            426,
        ),
        (
            "version 013",
            &[b"Sec-WebSocket-Version: 013"],
            VersionUnsupported,
            426,
        ),
        (
            "versions",
            &[b"Sec-WebSocket-Version: 13, 8"],
            VersionUnsupported,
            426,
        ),
        (
            "two versions",
            &[b"+Sec-WebSocket-Version: 13"],
            VersionRepeated,
            400,
        ),
        ("no key", &[b"Sec-WebSocket-Key:-"], KeyMissing, 400),
        ("two keys", &[KEY], KeyRepeated, 400),
        ("empty key", &[b"Sec-WebSocket-Key:"], KeyMalformed, 400),
        (
            "15 bytes",
            &[b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"],
            KeyMalformed,
            400,
        ),
        (
            "17 bytes",
            &[b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWU="],
            KeyMalformed,
            400,
        ),
        (
            "not base64",
            &[b"Sec-WebSocket-Key: ************************"],
            KeyMalformed,
            400,
        ),
        (
            "unpadded key",
            &[b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"],
            KeyMalformed,
            400,
        ),
        (
            "key not ASCII",
            &[b"Sec-WebSocket-Key: \xff\xff\xff\xff"],
            KeyMalformed,
            400,
        ),
        (
            "two Origins",
            &[b"Origin: null", b"+Origin: null"],
            OriginRepeated,
            400,
        ),
        (
            "Origin",
            &[b"Origin: http://evil.example"],
            refused("http://evil.example"),
            403,
        ),
        ("null", &[b"Origin: null"], refused("null"), 403),
        ("no ASCII", &[b"Origin: \xff\tx"], refused("\\xff\\tx"), 403),
        (
            "protocol",
            &[b"Sec-WebSocket-Protocol: a b"],
            SubprotocolsMalformed(list),
            400,
        ),
        (
            "no token",
            &[b"Sec-WebSocket-Protocol: \xc3\xa9"],
            SubprotocolsMalformed(list),
            400,
        ),
        (
            "empty protocols",
            &[b"Sec-WebSocket-Protocol:"],
            SubprotocolsMalformed(ListError::Empty),
            400,
        ),
        (
            "twice",
            &[b"Sec-WebSocket-Protocol: a, b, a"],
            SubprotocolRepeated("a".into()),
            400,
        ),
        (
            "twice over lines",
            &[b"Sec-WebSocket-Protocol: a", b"+Sec-WebSocket-Protocol: a"],
            SubprotocolRepeated("a".into()),
            400,
        ),
        (
            "extension",
            &[b"Sec-WebSocket-Extensions: ;"],
            ExtensionsMalformed(list),
            400,
        ),
        (
            "empty extensions",
            &[b"Sec-WebSocket-Extensions:"],
            ExtensionsMalformed(ListError::Empty),
            400,
        ),
        (
            "extension not ASCII",
            &[b"Sec-WebSocket-Extensions: permessage-deflate; \xff"],
            ExtensionsMalformed(list),
            400,
        ),
    ] {
        let refusal = judge(&with(lines), &Policy::default()).unwrap_err();
        assert_eq!(*refusal.reason(), expected, "{name}");
        assert_eq!(refusal.status().as_u16(), status, "{name}");
    }
}

#[test]
fn a_refusal_is_a_whole_answer_that_says_what_to_do() {
    let refusal = judge(&with(&[b"Sec-WebSocket-Version: 8"]), &Policy::default()).unwrap_err();
    let (response, body) = refusal.response();
    let mut bytes = Vec::new();
    write_response(&response, body.as_bytes(), &mut bytes);
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: close, Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nContent-Type: text/plain; charset=utf-8\r\n\
         X-Content-Type-Options: nosniff\r\nContent-Length: 79\r\n\r\n\
         this version of WebSocket is not spoken here: send `Sec-WebSocket-Version: 13`\n"
    );

    let evil = format!("Origin: http://{}\u{e9}", "a".repeat(500));
    let refusal = judge(&with(&[evil.as_bytes()]), &Policy::default()).unwrap_err();
    let (response, body) = refusal.response();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(
        body.contains("`server.example.com`") && body.contains("http://aaa"),
        "{body}"
    );
    assert!(body.len() < 500, "a long origin is not echoed in full");
    assert_eq!(response.headers()["content-length"], body.len().to_string());
    assert_eq!(response.headers()["connection"], "close");

    assert_eq!(Refusal::timeout().status(), StatusCode::REQUEST_TIMEOUT);
    assert!(Refusal::timeout().to_string().starts_with("408: "));
}
