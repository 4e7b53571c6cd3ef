//! A server's answer, as a client reads and judges it: the same however it is cut, and RFC 6455 §4.1
//! checked again for whatever is accepted.
//!
//! Input: `[request][cut][bytes…]`. The key is always that of RFC 6455 §1.3.

use super::cut_sizes;
use super::heads::Head;
use http::{Response, StatusCode, Version};
use tidewire_proto::deflate::DeflateConfig;
use tidewire_proto::handshake::http1::{HeadLimits, ResponseReader};
use tidewire_proto::handshake::{HeadError, ResponseError};
use tidewire_proto::handshake::{Key, client};

/// The accept value of RFC 6455 §1.3.
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Reads and judges one answer.
pub fn run(input: &[u8]) {
    let [choices, cut, bytes @ ..] = input else {
        return;
    };
    let mut limits = HeadLimits::default();
    if choices & 0x80 != 0 {
        limits.max_bytes = 250;
        limits.max_headers = 6;
    }
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
    let Ok(Some(response)) = result else { return };
    assert!(bytes.starts_with(&raw) && left == bytes.len() - raw.len());
    let head = last_head(&raw);
    check_response(&response, &head);

    let (offers, deflate) = (offers(*choices), deflate(*choices));
    let key = Key::new(*b"the sample nonce");
    let mut request = client::Request::new("example.com", "/", key).expect("a legal request");
    for offer in offers {
        request = request.subprotocol(offer).expect("a legal offer");
    }
    let request = request.deflate(deflate.clone());
    match client::judge(&request, &response) {
        Ok(agreed) => check_agreed(&agreed, &head, offers, deflate.as_ref()),
        Err(ResponseError::NotUpgraded(status)) => {
            assert_eq!(status, response.status());
            assert_ne!(status, StatusCode::SWITCHING_PROTOCOLS);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn offers(choices: u8) -> &'static [&'static str] {
    match choices & 3 {
        0 => &[],
        1 => &["chat"],
        _ => &["chat", "superchat"],
    }
}

fn deflate(choices: u8) -> Option<DeflateConfig> {
    let config = DeflateConfig::default();
    match choices >> 2 & 3 {
        0 => None,
        1 => Some(config),
        2 => Some(config.server_max_window_bits(10).client_max_window_bits(9)),
        _ => Some(
            config
                .server_no_context_takeover(false)
                .client_no_context_takeover(false),
        ),
    }
}

type Read = (Result<Option<Response<()>>, ResponseError>, Vec<u8>, usize);

/// What the reader says, what it took, and how much it left.
fn read(limits: HeadLimits, bytes: &[u8], mut sizes: impl FnMut() -> usize) -> Read {
    let mut reader = ResponseReader::new(limits);
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
            let mut frames = &b"\x81\x01a"[..];
            assert!(matches!(reader.receive(&mut frames), Ok(None)) && frames.len() == 3);
        }
        Ok(None) if bytes.is_empty() => {
            assert_eq!(reader.receive_eof(), HeadError::ClosedBefore.into());
        }
        Ok(None) => assert_eq!(
            reader.receive_eof(),
            HeadError::ClosedWithin(bytes.len()).into()
        ),
    }
    (result, reader.into_raw(), rest.len())
}

fn same(a: &Read, b: &Read) -> bool {
    match (&a.0, &b.0) {
        // What was left of the input means nothing after an error.
        (Err(a), Err(b)) => a == b,
        (Ok(None), Ok(None)) => (&a.1, a.2) == (&b.1, b.2),
        (Ok(Some(this)), Ok(Some(that))) => {
            (this.status(), this.version(), this.headers())
                == (that.status(), that.version(), that.headers())
                && (&a.1, a.2) == (&b.1, b.2)
        }
        _ => false,
    }
}

/// The head of the final response: interim ones (1xx but 101) are in front of it.
fn last_head(raw: &[u8]) -> Head {
    let mut rest = raw;
    loop {
        let end = rest
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("a head ends")
            + 4;
        let head = Head::read(&rest[..end]);
        rest = &rest[end..];
        if rest.is_empty() {
            return head;
        }
        let status = head
            .start
            .split(' ')
            .nth(1)
            .expect("a status line has a status");
        assert!(
            status.starts_with('1') && status != "101",
            "{status} was passed over"
        );
    }
}

/// The response must hold what the bytes say, and nothing else.
fn check_response(response: &Response<()>, head: &Head) {
    let status = response.status();
    let version = if response.version() == Version::HTTP_11 {
        "HTTP/1.1"
    } else {
        "HTTP/1.0"
    };
    let start = format!("{version} {} ", status.as_str());
    assert!(
        head.start.starts_with(&start),
        "{} is not {start}",
        head.start
    );
    assert!(!status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers().len(), head.fields.len());
    for (name, _) in &head.fields {
        let seen = response.headers().get_all(name).iter();
        assert!(
            seen.map(|value| value.as_bytes()).eq(head.all(name)),
            "{name} differs"
        );
    }
}

/// RFC 6455 §4.1, "the client MUST validate the server's response", once more, from the bytes.
fn check_agreed(
    agreed: &client::Agreed,
    head: &Head,
    offers: &[&str],
    deflate: Option<&DeflateConfig>,
) {
    assert!(
        head.start.starts_with("HTTP/1.1 101 "),
        "item 1: {}",
        head.start
    );
    assert!(
        head.one("upgrade").eq_ignore_ascii_case(b"websocket"),
        "item 2"
    );
    assert!(head.lists("connection", "upgrade"), "item 3");
    assert_eq!(head.one("sec-websocket-accept"), ACCEPT, "item 4");
    match &agreed.subprotocol {
        Some(name) => {
            assert!(
                offers.contains(&name.as_str()),
                "item 6: {name} was not offered"
            );
            assert_eq!(head.one("sec-websocket-protocol"), name.as_bytes());
        }
        None => assert!(head.all("sec-websocket-protocol").is_empty(), "item 6"),
    }
    let answers = head.elements("sec-websocket-extensions");
    let Some(params) = agreed.deflate else {
        assert!(answers.is_empty(), "item 5: {answers:?} were not offered");
        return;
    };
    assert_eq!(answers.len(), 1, "item 5");
    let config = deflate.expect("item 5: deflate was not offered");
    let mut parts = answers[0]
        .split(';')
        .map(|part| part.trim_matches([' ', '\t']));
    assert!(
        parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("permessage-deflate"))
    );
    let flag = |name: &str| parts.clone().any(|part| part.eq_ignore_ascii_case(name));
    // RFC 7692 §7.1.1.1: what was asked for must be granted, and is what the server will do.
    assert_eq!(
        params.server_no_context_takeover,
        flag("server_no_context_takeover")
    );
    assert!(params.server_no_context_takeover || !config.server_no_context_takeover);
    assert!(params.client_no_context_takeover || !flag("client_no_context_takeover"));
    // RFC 7692 §7.1.2: windows as offered or smaller.
    assert!((8..=config.server_max_window_bits).contains(&params.server_max_window_bits));
    assert!((8..=config.client_max_window_bits).contains(&params.client_max_window_bits));
}
