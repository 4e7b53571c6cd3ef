//! Every rule an answer can break, with its variant.
#![allow(clippy::unwrap_used)]

use http::{StatusCode, Version};

use super::client_tests::{ACCEPT, CONNECTION, UPGRADE, answer, judged, plain};
use super::error::{HeadError, ResponseError};
use super::headers::ListError;

#[test]
fn every_broken_rule_has_its_variant() {
    use ResponseError::*;
    const TAKEOVER: &[u8] = b"Sec-WebSocket-Extensions: permessage-deflate; \
                              server_no_context_takeover; client_no_context_takeover";
    let overlong = [b"Sec-WebSocket-Accept: ", &[b'A'; 64][..]].concat();
    let longest = [b"Sec-WebSocket-Accept: ", &[b'A'; 10_000][..]].concat();
    for (name, lines, expected) in [
        (
            "no Upgrade",
            &[CONNECTION, ACCEPT] as &[&[u8]],
            UpgradeMissing,
        ),
        (
            "other Upgrade",
            &[b"Upgrade: h2c", CONNECTION, ACCEPT],
            UpgradeWrong,
        ),
        (
            "more Upgrade",
            &[b"Upgrade: websocket, h2c", CONNECTION, ACCEPT],
            UpgradeWrong,
        ),
        (
            "two Upgrades",
            &[UPGRADE, UPGRADE, CONNECTION, ACCEPT],
            UpgradeWrong,
        ),
        (
            "no Connection",
            &[UPGRADE, ACCEPT],
            ConnectionWithoutUpgrade,
        ),
        (
            "close",
            &[UPGRADE, b"Connection: close", ACCEPT],
            ConnectionWithoutUpgrade,
        ),
        (
            "Connection no list",
            &[UPGRADE, b"Connection: \xff, Upgrade", ACCEPT],
            ConnectionMalformed(ListError::NotAToken),
        ),
        ("no Accept", &[UPGRADE, CONNECTION], AcceptMissing),
        (
            "two Accepts",
            &[UPGRADE, CONNECTION, ACCEPT, ACCEPT],
            AcceptRepeated,
        ),
        (
            "empty Accept",
            &[UPGRADE, CONNECTION, b"Sec-WebSocket-Accept:"],
            AcceptWrong,
        ),
        (
            "another key's Accept",
            &[
                UPGRADE,
                CONNECTION,
                b"Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=",
            ],
            AcceptWrong,
        ),
        (
            "Accept in another case",
            &[
                UPGRADE,
                CONNECTION,
                b"Sec-WebSocket-Accept: S3PPLMBITXAQ9KYGZZHZRBK+XOO=",
            ],
            AcceptWrong,
        ),
        (
            "the key itself",
            &[
                UPGRADE,
                CONNECTION,
                b"Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ==",
            ],
            AcceptWrong,
        ),
        (
            "overlong Accept",
            &[UPGRADE, CONNECTION, &overlong],
            AcceptWrong,
        ),
        (
            "very long Accept",
            &[UPGRADE, CONNECTION, &longest],
            AcceptWrong,
        ),
        (
            "garbage",
            &[UPGRADE, CONNECTION, b"Sec-WebSocket-Accept: \xff\xfe=="],
            AcceptWrong,
        ),
        (
            "not offered",
            &[UPGRADE, CONNECTION, ACCEPT, b"Sec-WebSocket-Protocol: v2"],
            SubprotocolNotOffered("v2".into()),
        ),
        (
            "another case",
            &[UPGRADE, CONNECTION, ACCEPT, b"Sec-WebSocket-Protocol: Chat"],
            SubprotocolNotOffered("Chat".into()),
        ),
        (
            "the whole list",
            &[
                UPGRADE,
                CONNECTION,
                ACCEPT,
                b"Sec-WebSocket-Protocol: chat, superchat",
            ],
            SubprotocolMalformed,
        ),
        (
            "empty subprotocol",
            &[UPGRADE, CONNECTION, ACCEPT, b"Sec-WebSocket-Protocol:"],
            SubprotocolMalformed,
        ),
        (
            "subprotocol not ASCII",
            &[
                UPGRADE,
                CONNECTION,
                ACCEPT,
                b"Sec-WebSocket-Protocol: \xc3\xa9",
            ],
            SubprotocolMalformed,
        ),
        (
            "two subprotocols",
            &[
                UPGRADE,
                CONNECTION,
                ACCEPT,
                b"Sec-WebSocket-Protocol: chat",
                b"Sec-WebSocket-Protocol: chat",
            ],
            SubprotocolRepeated,
        ),
        (
            "unknown extension",
            &[
                UPGRADE,
                CONNECTION,
                ACCEPT,
                b"Sec-WebSocket-Extensions: foo",
            ],
            ExtensionNotOffered("foo".into()),
        ),
        (
            "broken extensions",
            &[
                UPGRADE,
                CONNECTION,
                ACCEPT,
                b"Sec-WebSocket-Extensions: permessage-deflate;",
            ],
            ExtensionsMalformed(ListError::NotAToken),
        ),
        (
            "deflate twice",
            &[UPGRADE, CONNECTION, ACCEPT, TAKEOVER, TAKEOVER],
            DeflateRepeated,
        ),
    ] {
        assert_eq!(judged(lines).err(), Some(expected), "{name}");
    }
    for parameters in [
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "client_max_window_bits=0",
        "server_max_window_bits",
        "unknown",
        "server_no_context_takeover; server_no_context_takeover",
    ] {
        let line = format!(
            "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; {parameters}"
        );
        let error = judged(&[UPGRADE, CONNECTION, ACCEPT, line.as_bytes()]).err();
        assert!(
            matches!(error, Some(DeflateAnswer(_))),
            "{parameters}: {error:?}"
        );
    }
}

#[test]
fn what_was_not_offered_is_not_taken() {
    let response = |line: &str| {
        format!(
            "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n{line}\r\n\r\n"
        )
    };
    assert_eq!(
        answer(
            &plain(),
            response("Sec-WebSocket-Extensions: permessage-deflate").as_bytes()
        )
        .err(),
        Some(ResponseError::ExtensionNotOffered(
            "permessage-deflate".into()
        ))
    );
    assert_eq!(
        answer(
            &plain(),
            response("Sec-WebSocket-Protocol: chat").as_bytes()
        )
        .err(),
        Some(ResponseError::SubprotocolNotOffered("chat".into()))
    );
}

#[test]
fn another_status_is_told_and_another_version_refused() {
    for (head, expected) in [
        (
            "HTTP/1.1 401 Unauthorized",
            ResponseError::NotUpgraded(StatusCode::UNAUTHORIZED),
        ),
        (
            "HTTP/1.1 200 OK",
            ResponseError::NotUpgraded(StatusCode::OK),
        ),
        (
            "HTTP/1.0 404 Not Found",
            ResponseError::NotUpgraded(StatusCode::NOT_FOUND),
        ),
        (
            "HTTP/1.0 101 x",
            ResponseError::HttpVersion(Version::HTTP_10),
        ),
        (
            "HTTP/1.1 101 x\r\nUpgrade : websocket",
            HeadError::SpaceBeforeColon.into(),
        ),
        (
            "HTTP/1.1 101 x\r\nUpgrade: websocket\nA: b",
            HeadError::BareLf.into(),
        ),
    ] {
        let error = answer(&plain(), format!("{head}\r\n\r\n").as_bytes()).err();
        assert_eq!(error, Some(expected), "{head}");
    }
}
