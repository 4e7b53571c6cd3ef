//! What a client sends, and every rule it judges the answer by.
#![allow(clippy::unwrap_used)]

use http::header::{HeaderName, HeaderValue};

use super::Key;
use super::client::{Agreed, Request, host_header, judge};
use super::error::{RequestMisuse, ResponseError};
use super::http1::{HeadLimits, RequestReader, ResponseReader, write_response};
use super::server::{self, Policy};
use super::subprotocol::SubprotocolPolicy;
use crate::deflate::DeflateConfig;

pub(super) fn plain() -> Request {
    Request::new(
        "server.example.com",
        "/chat",
        Key::new(*b"the sample nonce"),
    )
    .unwrap()
}

fn rich() -> Request {
    let request = plain()
        .subprotocol("chat")
        .unwrap()
        .subprotocol("superchat")
        .unwrap();
    request.deflate(Some(DeflateConfig::default()))
}

pub(super) fn answer(request: &Request, head: &[u8]) -> Result<Agreed, ResponseError> {
    let mut input = head;
    match ResponseReader::new(HeadLimits::default()).receive(&mut input)? {
        Some(response) => judge(request, &response),
        None => panic!("half an answer: {}", head.escape_ascii()),
    }
}

pub(super) const UPGRADE: &[u8] = b"Upgrade: websocket";
pub(super) const CONNECTION: &[u8] = b"Connection: Upgrade";
pub(super) const ACCEPT: &[u8] = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub(super) fn judged(lines: &[&[u8]]) -> Result<Agreed, ResponseError> {
    let mut head = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
    for line in lines {
        head.extend_from_slice(line);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    answer(&rich(), &head)
}

#[test]
fn a_request_is_written_as_the_rfc_prints_it() {
    let request = plain()
        .origin("http://example.com")
        .unwrap()
        .subprotocol("chat")
        .unwrap()
        .subprotocol("superchat")
        .unwrap()
        .header(
            HeaderName::from_static("cookie"),
            HeaderValue::from_static("a=1"),
        )
        .unwrap();
    let mut bytes = Vec::new();
    request.write(&mut bytes);
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\nOrigin: http://example.com\r\n\
         Sec-WebSocket-Protocol: chat, superchat\r\nCookie: a=1\r\n\r\n"
    );
}

#[test]
fn both_sides_agree() {
    let request = rich().origin("https://server.example.com").unwrap();
    let mut bytes = Vec::new();
    request.write(&mut bytes);
    let policy = Policy {
        subprotocols: SubprotocolPolicy::Preferred(vec!["superchat".into()]),
        deflate: Some(DeflateConfig::default()),
        ..Policy::default()
    };
    let head = RequestReader::new(HeadLimits::default())
        .receive(&mut &bytes[..])
        .unwrap()
        .unwrap();
    let accepted = server::judge(&head, &policy).unwrap();
    bytes.clear();
    write_response(&accepted.response, b"", &mut bytes);
    let agreed = answer(&request, &bytes).unwrap();
    assert_eq!(agreed.subprotocol.as_deref(), Some("superchat"));
    assert_eq!(agreed.subprotocol, accepted.subprotocol);
    assert!(agreed.deflate.is_some());
    assert_eq!(agreed.deflate, accepted.deflate);
}

#[test]
fn what_servers_rightly_answer_is_accepted() {
    for (name, lines, subprotocol, deflate) in [
        (
            "plain",
            &[UPGRADE, CONNECTION, ACCEPT] as &[&[u8]],
            None,
            false,
        ),
        (
            "keep-alive",
            &[UPGRADE, b"Connection: keep-alive, Upgrade", ACCEPT],
            None,
            false,
        ),
        (
            "two lines, any case",
            &[
                b"upgrade: WebSocket",
                b"CONNECTION: x",
                b"connection: upGRADE",
                ACCEPT,
            ],
            None,
            false,
        ),
        (
            "subprotocol",
            &[
                UPGRADE,
                CONNECTION,
                ACCEPT,
                b"Sec-WebSocket-Protocol: superchat",
            ],
            Some("superchat"),
            false,
        ),
        (
            "deflate",
            &[
                UPGRADE,
                CONNECTION,
                ACCEPT,
                b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
                  client_no_context_takeover; client_max_window_bits=\"12\"",
            ],
            None,
            true,
        ),
        (
            "other headers",
            &[b"Server: \xff", UPGRADE, CONNECTION, ACCEPT],
            None,
            false,
        ),
    ] {
        let agreed = judged(lines).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(agreed.subprotocol.as_deref(), subprotocol, "{name}");
        assert_eq!(agreed.deflate.is_some(), deflate, "{name}");
    }
}

#[test]
fn what_must_not_be_sent_is_refused_to_the_caller() {
    let key = || Key::new([0; 16]);
    for host in ["", "a b", "a\r\nb", "a/b", "user@a", "::1"] {
        assert_eq!(
            Request::new(host, "/", key()).err(),
            Some(RequestMisuse::Host),
            "{host:?}"
        );
    }
    for target in ["", "a", "http://a/", "/a b", "/a\r\nb", "/\u{e9}", "/#f"] {
        assert_eq!(
            Request::new("a", target, key()).err(),
            Some(RequestMisuse::Target),
            "{target:?}"
        );
    }
    assert_eq!(plain().origin("a\r\nb").err(), Some(RequestMisuse::Origin));
    for name in ["", "a b", "a,b", "\u{e9}", "a\r\nb"] {
        let expected = RequestMisuse::SubprotocolMalformed(name.into());
        assert_eq!(plain().subprotocol(name).err(), Some(expected));
    }
    assert_eq!(
        rich().subprotocol("chat").err(),
        Some(RequestMisuse::SubprotocolRepeated("chat".into()))
    );
    for name in [
        "connection",
        "upgrade",
        "sec-websocket-key",
        "sec-websocket-version",
        "sec-websocket-protocol",
        "sec-websocket-extensions",
        "sec-websocket-accept",
        "sec-websocket-anything",
        "content-length",
        "transfer-encoding",
    ] {
        let name = HeaderName::from_static(name);
        let error = plain()
            .header(name.clone(), HeaderValue::from_static("1"))
            .err();
        assert_eq!(error, Some(RequestMisuse::ReservedHeader(name)));
    }
    let bad_host = plain()
        .header(http::header::HOST, HeaderValue::from_static("a b"))
        .err();
    assert_eq!(bad_host, Some(RequestMisuse::Host));
    let mut request = plain();
    let error = loop {
        let name = HeaderName::from_static("cookie");
        match request.header(name, HeaderValue::from_static("a=1")) {
            Ok(more) => request = more,
            Err(error) => break error,
        }
    };
    assert_eq!(error, RequestMisuse::TooManyHeaders);
}

#[test]
fn host_and_origin_may_be_overridden() {
    let request = plain()
        .header(
            http::header::HOST,
            HeaderValue::from_static("other.example:81"),
        )
        .unwrap()
        .origin("http://a")
        .unwrap()
        .header(http::header::ORIGIN, HeaderValue::from_static("http://b"))
        .unwrap()
        .head();
    let values: Vec<_> = request.headers().get_all("host").iter().collect();
    assert_eq!(values, ["other.example:81"]);
    let values: Vec<_> = request.headers().get_all("origin").iter().collect();
    assert_eq!(values, ["http://b"]);
}

#[test]
fn host_headers_leave_out_default_ports_and_bracket_ipv6() {
    for (host, port, default_port, expected) in [
        ("example.com", 80, 80, "example.com"),
        ("example.com", 443, 443, "example.com"),
        ("example.com", 443, 80, "example.com:443"),
        ("127.0.0.1", 4000, 80, "127.0.0.1:4000"),
        ("::1", 4000, 80, "[::1]:4000"),
        ("[::1]", 80, 80, "[::1]"),
        ("fe80::1%eth0", 80, 80, "[fe80::1]"),
        ("[fe80::1%25eth0]", 81, 80, "[fe80::1]:81"),
    ] {
        assert_eq!(host_header(host, port, default_port), expected);
        assert!(
            Request::new(expected, "/", Key::new([0; 16])).is_ok(),
            "{expected}"
        );
    }
}
