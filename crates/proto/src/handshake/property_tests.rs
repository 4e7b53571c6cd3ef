//! Properties of the handshake: it does not matter where the input is cut, and nothing panics.
#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;

use super::Key;
use super::client::{self, Request};
use super::http1::{HeadLimits, RequestReader, ResponseReader, write_request, write_response};
use super::origin::OriginPolicy;
use super::server::{self, Policy};
use super::subprotocol::SubprotocolPolicy;
use crate::deflate::DeflateConfig;

fn limits() -> HeadLimits {
    HeadLimits {
        max_bytes: 600,
        max_headers: 12,
    }
}

/// A reader's verdict, and what it left if it was not an error, for input cut at these places.
macro_rules! cut {
    ($reader:ident, $bytes:expr, $cuts:expr) => {{
        let bytes: &[u8] = $bytes;
        let mut reader = $reader::new(limits());
        let mut places: Vec<usize> = $cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        places.push(bytes.len());
        places.sort_unstable();
        let mut given = 0;
        let mut verdict = String::from("more");
        let mut left = Vec::new();
        let mut done = false;
        for place in places {
            let mut input = &bytes[given..place];
            given = place;
            if done {
                left.extend_from_slice(input);
                continue;
            }
            match reader.receive(&mut input) {
                Ok(None) => assert!(input.is_empty(), "all is taken until the head is whole"),
                Ok(Some(head)) => {
                    done = true;
                    left.extend_from_slice(input);
                    verdict = format!("{head:?} {:?}", reader.raw());
                }
                Err(error) => {
                    assert!(reader.receive(&mut &b"x"[..]).is_err(), "an error stays");
                    verdict = format!("{error:?}");
                    break;
                }
            }
        }
        (verdict, left)
    }};
}

/// Lines such as handshakes have, whole and broken, so that cuts and limits meet every rule.
fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::sample::select(vec![
            &b"Host: server.example.com\r\n"[..],
            b"Upgrade: websocket\r\n",
            b"Connection: keep-alive, Upgrade\r\n",
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            b"Sec-WebSocket-Version: 13\r\n",
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
            b"Sec-WebSocket-Protocol: chat, superchat\r\n",
            b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
            b"Origin: http://server.example.com\r\n",
            b"\r\n",
        ]).prop_map(<[u8]>::to_vec),
        1 => prop::sample::select(vec![
            &b" folded\r\n"[..], b"a : b\r\n", b": b\r\n", b"a\r\n", b"a: b\n", b"a: \rb\r\n",
            b"\n", b"\r", b"a: \x00\r\n",
        ]).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..20),
    ]
}

fn head(start: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    let tail = vec(any::<u8>(), 0..30);
    (
        prop::sample::select(start),
        vec(line(), 0..16),
        any::<bool>(),
        tail,
    )
        .prop_map(|(start, lines, end, tail)| {
            let end: &[u8] = if end { b"\r\n" } else { b"" };
            [start, &lines.concat(), end, &tail].concat()
        })
}

const REQUESTS: &[&[u8]] = &[b"GET /chat HTTP/1.1\r\n", b"GET / HTTP/1.0\r\n", b""];
const RESPONSES: &[&[u8]] = &[
    b"HTTP/1.1 101 Switching Protocols\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 x\r\n",
    b"HTTP/1.0 200 OK\r\n",
    b"",
];

fn everything() -> Policy {
    Policy {
        subprotocols: SubprotocolPolicy::FirstOffered,
        origin: OriginPolicy::SameHost,
        deflate: Some(DeflateConfig::default()),
    }
}

fn asked() -> Request {
    let request = Request::new("h", "/", Key::new(*b"the sample nonce")).unwrap();
    request
        .subprotocol("chat")
        .unwrap()
        .deflate(Some(DeflateConfig::default()))
}

fn judge_request(bytes: &[u8]) {
    let mut reader = RequestReader::new(HeadLimits::default());
    match reader.receive(&mut &bytes[..]) {
        Ok(None) => drop(reader.receive_eof().to_string()),
        Ok(Some(request)) => {
            let _ = server::is_upgrade(&request);
            let mut again = Vec::new();
            write_request(&request, b"", &mut again);
            let reread = RequestReader::new(HeadLimits {
                max_bytes: usize::MAX,
                max_headers: 100,
            })
            .receive(&mut &again[..])
            .unwrap()
            .unwrap();
            assert_eq!(
                reread.headers(),
                request.headers(),
                "what was read is written and reread"
            );
            let mut answer = Vec::new();
            match server::judge(&request, &everything()) {
                Ok(accepted) => write_response(&accepted.response, b"", &mut answer),
                Err(refusal) => {
                    let (response, body) = refusal.response();
                    write_response(&response, body.as_bytes(), &mut answer);
                }
            }
            let mut input = &answer[..];
            ResponseReader::new(HeadLimits::default())
                .receive(&mut input)
                .unwrap()
                .unwrap();
        }
        Err(error) => drop(error.to_string()),
    }
}

fn judge_response(bytes: &[u8]) {
    match ResponseReader::new(HeadLimits::default()).receive(&mut &bytes[..]) {
        Ok(Some(response)) => match client::judge(&asked(), &response) {
            Ok(agreed) => assert!(agreed.subprotocol.is_none_or(|name| name == "chat")),
            Err(error) => drop(error.to_string()),
        },
        Ok(None) => {}
        Err(error) => drop(error.to_string()),
    }
}

proptest! {
    #[test]
    fn a_request_may_be_cut_anywhere(bytes in head(REQUESTS), cuts in vec(any::<usize>(), 0..8)) {
        let whole = cut!(RequestReader, &bytes, [0usize; 0]);
        prop_assert_eq!(&whole, &cut!(RequestReader, &bytes, cuts));
        let each: Vec<usize> = (0..=bytes.len()).collect();
        prop_assert_eq!(&whole, &cut!(RequestReader, &bytes, each));
    }

    #[test]
    fn a_response_may_be_cut_anywhere(bytes in head(RESPONSES), cuts in vec(any::<usize>(), 0..8)) {
        let whole = cut!(ResponseReader, &bytes, [0usize; 0]);
        prop_assert_eq!(&whole, &cut!(ResponseReader, &bytes, cuts));
        let each: Vec<usize> = (0..=bytes.len()).collect();
        prop_assert_eq!(&whole, &cut!(ResponseReader, &bytes, each));
    }

    #[test]
    fn whatever_follows_a_head_is_left_alone(
        tail in vec(any::<u8>(), 0..200),
        cut in any::<usize>(),
    ) {
        let mut bytes = Vec::new();
        asked().write(&mut bytes);
        bytes.extend_from_slice(&tail);
        let (verdict, left) = cut!(RequestReader, &bytes, [cut]);
        prop_assert!(verdict.contains("websocket"), "{}", verdict);
        prop_assert_eq!(left, tail);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..400)) {
        judge_request(&bytes);
        judge_response(&bytes);
    }

    #[test]
    fn no_head_makes_it_panic(request in head(REQUESTS), response in head(RESPONSES)) {
        judge_request(&request);
        judge_response(&response);
    }

    #[test]
    fn no_header_value_makes_it_panic(
        name in prop::sample::select(vec![
            "Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version",
            "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Origin",
        ]),
        value in prop_oneof![
            vec(prop_oneof![0x20u8..=0x7e, 0x80u8..=0xff, Just(b'\t')], 0..80),
            "[a-z;=,\" \\\\0-9.:/\\[\\]@%-]{0,60}".prop_map(String::into_bytes),
        ],
    ) {
        let header = [name.as_bytes(), b": ", &value, b"\r\n"].concat();
        let lines = |start: &str, rest: &[(&str, &str)]| {
            let mut head = [start.as_bytes(), &header].concat();
            for (other, value) in rest.iter().filter(|(other, _)| *other != name) {
                head.extend_from_slice(format!("{other}: {value}\r\n").as_bytes());
            }
            head.extend_from_slice(b"\r\n");
            head
        };
        judge_request(&lines("GET / HTTP/1.1\r\n", &[
            ("Host", "h"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"),
        ]));
        judge_response(&lines("HTTP/1.1 101 x\r\n", &[
            ("Upgrade", "websocket"), ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ]));
    }
}
