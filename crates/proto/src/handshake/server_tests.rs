//! Every rule a server judges a request by, from bytes to the answer.
#![allow(clippy::unwrap_used)]

use http::header::SEC_WEBSOCKET_EXTENSIONS;
use http::{HeaderMap, Request, StatusCode, Version};

use super::http1::{HeadLimits, RequestReader, write_response};
use super::origin::OriginPolicy;
use super::server::{Accepted, Policy, is_upgrade, judge};
use super::server::{Reason, Refusal};
use super::subprotocol::SubprotocolPolicy;
use crate::deflate::DeflateConfig;

const GOOD: &str = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
                    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                    Sec-WebSocket-Version: 13\r\n\r\n";

fn read(head: &[u8]) -> Request<()> {
    RequestReader::new(HeadLimits::default())
        .receive(&mut &head[..])
        .unwrap()
        .unwrap()
}

/// The good request with these lines before its first header, and without the headers they name
/// (a line that begins with `+` leaves those; one that ends with `-` only takes away).
pub(super) fn with(lines: &[&[u8]]) -> Request<()> {
    let mut head = b"GET /chat HTTP/1.1\r\n".to_vec();
    let mut names = Vec::new();
    for line in lines {
        if let Some(line) = line.strip_prefix(b"+") {
            head.extend_from_slice(line);
            head.extend_from_slice(b"\r\n");
            continue;
        }
        names.push(
            line.split(|&byte| byte == b':')
                .next()
                .unwrap()
                .to_ascii_lowercase(),
        );
        if !line.ends_with(b":-") {
            head.extend_from_slice(line);
            head.extend_from_slice(b"\r\n");
        }
    }
    for line in GOOD.lines().skip(1) {
        let name = line.split(':').next().unwrap().to_ascii_lowercase();
        if !names.iter().any(|taken| *taken == name.as_bytes()) {
            head.extend_from_slice(line.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
    }
    read(&head)
}

fn wire(accepted: &Accepted) -> String {
    let mut bytes = Vec::new();
    write_response(&accepted.response, b"", &mut bytes);
    String::from_utf8(bytes).unwrap()
}

fn policy(subprotocols: SubprotocolPolicy) -> Policy {
    Policy {
        subprotocols,
        ..Policy::default()
    }
}

#[test]
fn the_example_of_the_rfc() {
    let head = b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n\
                 Sec-WebSocket-Version: 13\r\n\r\n";
    let mut policy = policy(SubprotocolPolicy::Preferred(vec!["chat".into()]));
    policy.origin = OriginPolicy::List(vec!["http://example.com".into()]);
    let accepted = judge(&read(head), &policy).unwrap();
    assert_eq!(
        wire(&accepted),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
    );
}

#[test]
fn two_known_requests_get_their_known_answers() {
    let head = b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\
                 Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let accepted = judge(&read(head), &policy(SubprotocolPolicy::FirstOffered)).unwrap();
    assert_eq!(accepted.subprotocol.as_deref(), Some("chat"));
    assert!(wire(&accepted).contains("Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\n"));
    assert!(wire(&accepted).contains("Sec-WebSocket-Protocol: chat\r\n"));

    let head = b"GET / HTTP/1.1\r\nHost: localhost:4000\r\nConnection: keep-alive, Upgrade\r\n\
                 Cookie: session=1; theme=dark\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: wDqumtseNBJdhkihL6PW7w==\r\n\r\n";
    let accepted = judge(&read(head), &Policy::default()).unwrap();
    assert_eq!(accepted.subprotocol, None);
    assert!(wire(&accepted).contains("Sec-WebSocket-Accept: 0FFP+2nmNIf/h+4BP36k9uzrYGk=\r\n"));
    assert!(!wire(&accepted).contains("Protocol:"));
}

#[test]
fn what_clients_rightly_send_is_accepted() {
    for (name, lines) in [
        ("as it is", &[] as &[&[u8]]),
        ("firefox", &[b"Connection: keep-alive, Upgrade"]),
        (
            "two Connection lines",
            &[b"Connection: keep-alive", b"+Connection: upgrade"],
        ),
        ("case", &[b"connection: UPGRADE", b"UPGRADE: WebSocket"]),
        ("several protocols", &[b"Upgrade: h2c, websocket"]),
        (
            "two Upgrade lines",
            &[b"Upgrade: foo/2", b"+Upgrade: websocket"],
        ),
        ("no body", &[b"Content-Length: 0"]),
        ("same origin", &[b"Origin: http://server.example.com"]),
        (
            "behind a TLS proxy",
            &[b"Origin: https://server.example.com"],
        ),
        ("IPv6", &[b"Host: [::1]:4000", b"Origin: http://[::1]:4000"]),
        ("any header", &[b"X-Custom: \xff\xfe"]),
        (
            "the RFC's example key",
            &[b"Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC=="],
        ),
        (
            "unknown extension",
            &[b"Sec-WebSocket-Extensions: x-webkit-deflate-frame; a=\"1\""],
        ),
    ] {
        let accepted = judge(&with(lines), &Policy::default());
        assert!(accepted.is_ok(), "{name}: {}", accepted.unwrap_err());
    }
}

#[test]
fn method_version_and_target_are_judged_on_foreign_requests_too() {
    for method in ["POST", "HEAD", "get", "CONNECT", "BREW"] {
        let mut request = with(&[]);
        *request.method_mut() = method.parse().unwrap();
        let refusal = judge(&request, &Policy::default()).unwrap_err();
        assert_eq!(*refusal.reason(), Reason::Method(method.parse().unwrap()));
        assert_eq!(refusal.response().0.headers()["allow"], "GET");
        assert_eq!(refusal.response().1.is_empty(), method == "HEAD");
    }
    for version in [
        Version::HTTP_09,
        Version::HTTP_10,
        Version::HTTP_2,
        Version::HTTP_3,
    ] {
        let mut request = with(&[]);
        *request.version_mut() = version;
        let refusal = judge(&request, &Policy::default()).unwrap_err();
        assert_eq!(*refusal.reason(), Reason::HttpVersion(version));
        assert_eq!(refusal.status(), StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    }
    for (uri, expected) in [
        ("http://server.example.com/chat", None),
        ("http://SERVER.example.com:80/chat", None),
        ("http://other.example/chat", Some(Reason::HostNotTarget)),
        (
            "https://server.example.com:80/chat",
            Some(Reason::HostNotTarget),
        ),
        (
            "http://user@server.example.com/",
            Some(Reason::HostNotTarget),
        ),
    ] {
        let mut request = with(&[]);
        *request.uri_mut() = uri.parse().unwrap();
        let refusal = judge(&request, &Policy::default()).err();
        assert_eq!(
            refusal.as_ref().map(Refusal::reason),
            expected.as_ref(),
            "{uri}"
        );
    }
}

#[test]
fn subprotocols_are_picked_by_policy() {
    use SubprotocolPolicy::{FirstOffered, None, Preferred};
    let preferred = |names: &[&str]| Preferred(names.iter().map(|&name| name.into()).collect());
    let offer: &[&[u8]] = &[
        b"Sec-WebSocket-Protocol: chat,superchat",
        b"+Sec-WebSocket-Protocol: v1",
    ];
    for (name, lines, policy_, expected) in [
        ("none", offer, None, Option::None),
        ("first", offer, FirstOffered, Some("chat")),
        ("first of nothing", &[], FirstOffered, Option::None),
        (
            "server's order",
            offer,
            preferred(&["v1", "superchat"]),
            Some("v1"),
        ),
        ("no match", offer, preferred(&["v2"]), Option::None),
        ("exact case", offer, preferred(&["CHAT"]), Option::None),
        ("nothing offered", &[], preferred(&["v1"]), Option::None),
        (
            "never what is no token",
            offer,
            preferred(&["a\r\nb", "v1"]),
            Some("v1"),
        ),
    ] {
        let accepted = judge(&with(lines), &policy(policy_)).unwrap();
        assert_eq!(accepted.subprotocol.as_deref(), expected, "{name}");
        let header = accepted.response.headers().get("sec-websocket-protocol");
        assert_eq!(
            header.map(|value| value.to_str().unwrap()),
            expected,
            "{name}"
        );
    }
}

#[test]
fn the_first_acceptable_deflate_offer_is_answered() {
    let mut policy = Policy::default();
    let chrome: &[&[u8]] =
        &[b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"];
    let accepted = judge(&with(chrome), &policy).unwrap();
    assert!(accepted.deflate.is_none(), "not without a configuration");
    assert!(
        !accepted
            .response
            .headers()
            .contains_key("sec-websocket-extensions")
    );

    policy.deflate = Some(DeflateConfig::default());
    for (name, values, agreed) in [
        ("none offered", &[] as &[&str], None),
        (
            "chrome",
            &["permessage-deflate; client_max_window_bits"],
            Some(15),
        ),
        ("unknown only", &["foo; bar=1"], None),
        (
            "bits too small",
            &["permessage-deflate; server_max_window_bits=7"],
            None,
        ),
        (
            "huge bits",
            &["permessage-deflate; server_max_window_bits=99999999999999999999"],
            None,
        ),
        (
            "after unknown",
            &["foo, permessage-deflate; server_max_window_bits=10"],
            Some(10),
        ),
        (
            "after a bad one, before another",
            &[
                "permessage-deflate; server_max_window_bits=16, permessage-deflate; \
               server_max_window_bits=12, permessage-deflate",
            ],
            Some(12),
        ),
        (
            "on the second line",
            &[
                "permessage-deflate; nonsense",
                "permessage-deflate; server_max_window_bits=11",
            ],
            Some(11),
        ),
        (
            "quoted",
            &["permessage-deflate; server_max_window_bits=\"1\\0\""],
            Some(10),
        ),
        (
            "case",
            &["Permessage-Deflate; server_max_window_bits=9"],
            Some(9),
        ),
    ] {
        let mut request = with(&[]);
        for value in values {
            request
                .headers_mut()
                .append(SEC_WEBSOCKET_EXTENSIONS, value.parse().unwrap());
        }
        let accepted = judge(&request, &policy).unwrap();
        assert_eq!(
            accepted.deflate.map(|params| params.server_max_window_bits),
            agreed,
            "{name}"
        );
        let answer = accepted.response.headers().get(SEC_WEBSOCKET_EXTENSIONS);
        assert_eq!(answer.is_some(), agreed.is_some(), "{name}");
        assert!(answer.is_none_or(|answer| {
            let text = answer.to_str().unwrap();
            text.starts_with("permessage-deflate") && !text.contains(',')
        }));
    }
}

#[test]
fn a_request_for_a_page_is_not_an_upgrade() {
    for (name, lines, expected) in [
        ("upgrade", &[] as &[&[u8]], true),
        ("page", &[b"Upgrade:-"], false),
        ("h2c", &[b"Upgrade: h2c"], false),
        ("malformed, but meant", &[b"Upgrade: a b, WEBSOCKET"], true),
        ("not ASCII", &[b"Upgrade: \xff"], false),
    ] {
        assert_eq!(is_upgrade(&with(lines)), expected, "{name}");
    }
    let mut post = with(&[]);
    *post.headers_mut() = HeaderMap::new();
    assert!(!is_upgrade(&post));
}
