//! A request head, as a server reads and judges it: the same however it is cut, a well-formed answer
//! to each refusal, and RFC 6455 §4.2.1 checked again for whatever is accepted.
//!
//! Input: `[policy][cut][bytes…]`.

use super::cut_sizes;
use super::heads::{self, Head};
use http::{Request, StatusCode};
use std::collections::BTreeSet;
use tidewire_proto::deflate::DeflateConfig;
use tidewire_proto::handshake::http1::{HeadLimits, RequestReader, ResponseReader, write_response};
use tidewire_proto::handshake::origin::OriginPolicy;
use tidewire_proto::handshake::server::{self, Accepted, Policy};
use tidewire_proto::handshake::subprotocol::SubprotocolPolicy;
use tidewire_proto::handshake::{HeadError, Refusal, RequestError};
use tidewire_proto::handshake::{Key, client};

/// Reads and judges one request.
pub fn run(input: &[u8]) {
    let [choices, cut, bytes @ ..] = input else {
        return;
    };
    let (policy, limits) = (policy(*choices), limits(*choices));
    let whole = read(limits, bytes, || usize::MAX);
    let parts = read(limits, bytes, cut_sizes(*cut));
    assert!(
        same(&whole, &parts),
        "cut {cut}: {whole:?} became {parts:?}"
    );
    let by_byte = read(limits, bytes, || 1);
    assert!(
        same(&whole, &by_byte),
        "byte by byte: {whole:?} became {by_byte:?}"
    );

    let (result, raw, left) = whole;
    assert!(
        raw.len() <= limits.max_bytes,
        "{} bytes of head are kept",
        raw.len()
    );
    match result {
        Err(error) => check_refusal(&error.into()),
        Ok(None) => {
            assert_eq!(left, 0, "bytes were left without a request");
            assert_eq!(raw, bytes, "the bytes taken are not the bytes given");
        }
        Ok(Some(request)) => {
            assert!(bytes.starts_with(&raw) && left == bytes.len() - raw.len());
            check_request(&request, &raw);
            match server::judge(&request, &policy) {
                Ok(accepted) => check_accepted(&accepted, &policy, &Head::read(&raw)),
                Err(refusal) => check_refusal(&refusal),
            }
        }
    }
}

fn policy(choices: u8) -> Policy {
    let mut policy = Policy::default();
    policy.subprotocols = match choices & 3 {
        0 => SubprotocolPolicy::None,
        1 => SubprotocolPolicy::FirstOffered,
        _ => SubprotocolPolicy::Preferred(vec!["chat".into(), "superchat".into()]),
    };
    policy.origin = match choices >> 2 & 3 {
        0 => OriginPolicy::SameHost,
        1 => OriginPolicy::List(vec!["https://example.com".into(), "null".into()]),
        _ => OriginPolicy::Any,
    };
    policy.deflate = match choices >> 4 & 3 {
        0 => None,
        1 => Some(DeflateConfig::default()),
        2 => Some(DeflateConfig::default().client_max_window_bits(10)),
        _ => Some(
            DeflateConfig::default()
                .server_no_context_takeover(false)
                .client_no_context_takeover(false)
                .server_max_window_bits(9),
        ),
    };
    policy
}

fn limits(choices: u8) -> HeadLimits {
    let mut limits = HeadLimits::default();
    if choices & 0x80 != 0 {
        limits.max_bytes = 300;
        limits.max_headers = 8;
    }
    limits
}

type Read = (Result<Option<Request<()>>, RequestError>, Vec<u8>, usize);

/// What the reader says, what it took, and how much it left.
fn read(limits: HeadLimits, bytes: &[u8], mut sizes: impl FnMut() -> usize) -> Read {
    let mut reader = RequestReader::new(limits);
    let mut rest = bytes;
    let mut result = Ok(None);
    while !rest.is_empty() && matches!(result, Ok(None)) {
        let (mut piece, after) = rest.split_at(sizes().min(rest.len()));
        result = reader.receive(&mut piece);
        rest = &rest[rest.len() - after.len() - piece.len()..];
    }
    match &result {
        Err(error) => {
            let again = reader.receive(&mut &b"\r\n"[..]);
            assert!(again.is_err_and(|again| again == *error), "an error stays");
        }
        Ok(Some(_)) => {
            let mut frames = &b"\x81\x80abcd"[..];
            assert!(matches!(reader.receive(&mut frames), Ok(None)) && frames.len() == 6);
        }
        Ok(None) => {
            let expected = match bytes.len() {
                0 => HeadError::ClosedBefore,
                taken => HeadError::ClosedWithin(taken),
            };
            assert_eq!(reader.receive_eof(), expected.into());
        }
    }
    let taken = reader.raw().to_vec();
    assert_eq!(reader.into_raw(), taken);
    (result, taken, rest.len())
}

fn same(a: &Read, b: &Read) -> bool {
    let request = |request: &Request<()>| {
        let headers = request.headers().clone();
        (
            request.method().clone(),
            request.uri().clone(),
            request.version(),
            headers,
        )
    };
    match (&a.0, &b.0) {
        // What was left of the input means nothing after an error.
        (Err(a), Err(b)) => a == b,
        (Ok(None), Ok(None)) => (&a.1, a.2) == (&b.1, b.2),
        (Ok(Some(this)), Ok(Some(that))) => {
            request(this) == request(that) && (&a.1, a.2) == (&b.1, b.2)
        }
        _ => false,
    }
}

/// The request must hold what the bytes say, and nothing else.
fn check_request(request: &Request<()>, raw: &[u8]) {
    let head = Head::read(raw);
    let mut parts = head.start.split(' ');
    assert_eq!(parts.next(), Some(request.method().as_str()));
    let target = parts.next().expect("a request line has a target");
    assert!(
        target.starts_with('/') && !target.contains('#'),
        "target {target:?}"
    );
    assert_eq!(
        request.uri().to_string(),
        target,
        "the target is not what was sent"
    );
    assert_eq!((parts.next(), parts.next()), (Some("HTTP/1.1"), None));
    assert_eq!(request.headers().len(), head.fields.len());
    for (name, _) in &head.fields {
        let seen = request.headers().get_all(name).iter();
        assert!(
            seen.map(|value| value.as_bytes()).eq(head.all(name)),
            "{name} differs"
        );
    }
}

/// A refusal must be an answer that any HTTP client understands.
fn check_refusal(refusal: &Refusal) {
    let (response, body) = refusal.response();
    let status = response.status();
    assert!(status.is_client_error() || status == StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    let mut bytes = Vec::new();
    write_response(&response, body.as_bytes(), &mut bytes);
    let head = bytes
        .strip_suffix(body.as_bytes())
        .expect("the body comes last");
    let head = Head::read(head);
    assert!(
        head.start
            .starts_with(&format!("HTTP/1.1 {} ", status.as_str())),
        "{}",
        head.start
    );
    assert_eq!(
        head.one("content-length"),
        body.len().to_string().as_bytes()
    );
    assert!(head.lists("connection", "close"));
    assert!(
        !body.trim_end_matches('\n').chars().any(char::is_control),
        "body {body:?}"
    );
    if status == StatusCode::UPGRADE_REQUIRED {
        // RFC 6455 §4.4 and RFC 9110 §15.5.22.
        assert_eq!(head.one("sec-websocket-version"), b"13");
        assert!(head.lists("upgrade", "websocket") && head.lists("connection", "upgrade"));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        assert_eq!(head.one("allow"), b"GET");
    }
    let mut reader = ResponseReader::new(HeadLimits::default());
    let read = reader
        .receive(&mut &bytes[..])
        .expect("our own answer is readable");
    assert_eq!(read.expect("our own answer is whole").status(), status);
}

/// RFC 6455 §4.2.1 and §4.2.2, once more, from the bytes.
fn check_accepted(accepted: &Accepted, policy: &Policy, head: &Head) {
    assert!(head.start.starts_with("GET "), "{}", head.start);
    assert!(!head.one("host").is_empty());
    assert!(head.lists("upgrade", "websocket"), "§4.2.1 item 3");
    assert!(head.lists("connection", "upgrade"), "§4.2.1 item 4");
    let key = head.one("sec-websocket-key");
    let key_bytes = heads::key(key).expect("§4.2.1 item 5");
    assert_eq!(head.one("sec-websocket-version"), b"13", "§4.2.1 item 6");
    assert!(head.all("transfer-encoding").is_empty(), "a body");
    assert!(
        head.all("content-length")
            .iter()
            .all(|length| *length == b"0"),
        "a body"
    );
    assert!(head.all("origin").len() <= 1);

    let mut bytes = Vec::new();
    write_response(&accepted.response, b"", &mut bytes);
    let answer = Head::read(&bytes);
    assert!(
        answer.start.starts_with("HTTP/1.1 101 "),
        "{}",
        answer.start
    );
    let accept = tungstenite::handshake::derive_accept_key(key);
    assert_eq!(
        answer.one("sec-websocket-accept"),
        accept.as_bytes(),
        "§4.2.2 item 5.4"
    );

    let offers = head.elements("sec-websocket-protocol");
    assert_eq!(
        offers.iter().collect::<BTreeSet<_>>().len(),
        offers.len(),
        "an offer twice"
    );
    assert!(offers.iter().all(|offer| heads::is_token(offer.as_bytes())));
    match &accepted.subprotocol {
        Some(name) => {
            assert!(offers.contains(name), "{name} was not offered");
            assert_eq!(answer.one("sec-websocket-protocol"), name.as_bytes());
        }
        None => assert!(answer.all("sec-websocket-protocol").is_empty()),
    }
    let extensions = answer.all("sec-websocket-extensions");
    assert_eq!(extensions.len(), usize::from(accepted.deflate.is_some()));
    if let Some(params) = accepted.deflate {
        let config = policy
            .deflate
            .as_ref()
            .expect("deflate was not to be answered");
        let offered = head.all("sec-websocket-extensions").join(&b","[..]);
        let offered = String::from_utf8_lossy(&offered).to_ascii_lowercase();
        assert!(
            offered.contains("permessage-deflate"),
            "deflate was not offered"
        );
        assert!(params.server_max_window_bits <= config.server_max_window_bits);
        assert!(params.client_max_window_bits <= config.client_max_window_bits);
        assert!(params.server_no_context_takeover || !config.server_no_context_takeover);
        assert!(params.client_no_context_takeover || !config.client_no_context_takeover);
        let answered = String::from_utf8_lossy(extensions[0]);
        // RFC 7692 §7.1.2.2: what was not offered must not be answered.
        assert!(
            !answered.contains("client_max_window_bits")
                || offered.contains("client_max_window_bits"),
            "{offered} was answered with {answered}"
        );
    }
    our_client_agrees(accepted, &offers, key, key_bytes, &bytes);
}

/// Our own client must take the answer, had it sent this request.
fn our_client_agrees(
    accepted: &Accepted,
    offers: &[String],
    key: &[u8],
    key_bytes: [u8; 16],
    answer: &[u8],
) {
    let ours = Key::new(key_bytes);
    if ours.header().as_bytes() != key {
        return; // unused bits are set, which our own client never does
    }
    let mut request = client::Request::new("example.com", "/", ours).expect("a legal request");
    for offer in offers {
        request = request.subprotocol(offer).expect("a legal offer");
    }
    // It asked for nothing that an answer could break, but what it does itself it must be able to.
    request = request.deflate(accepted.deflate.map(|params| {
        DeflateConfig::default()
            .server_no_context_takeover(params.server_no_context_takeover)
            .client_no_context_takeover(params.client_no_context_takeover)
    }));
    let response = ResponseReader::new(HeadLimits::default()).receive(&mut &answer[..]);
    let response = response
        .expect("our own 101 is readable")
        .expect("our own 101 is whole");
    let agreed = client::judge(&request, &response).expect("our own 101 is acceptable");
    assert_eq!(agreed.subprotocol, accepted.subprotocol);
    assert_eq!(
        agreed.deflate, accepted.deflate,
        "both ends must agree on the same"
    );
}
