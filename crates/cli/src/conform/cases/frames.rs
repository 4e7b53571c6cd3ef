//! Sections framing, lengths, reserved and masking (RFC 6455 §5.2, §5.3).

use super::super::case::{Case, End, Lax, Step, binary, fails, message, send, text};
use crate::raw::Frame;
use crate::raw::frame::{BINARY, CLOSE, CONTINUATION, Length, PING, TEXT};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = framing();
    cases.extend(lengths());
    cases.extend(reserved());
    cases.extend(masking());
    cases
}

/// A message that comes back.
fn echo(name: &str, rfc: &'static str, expected: &str, opcode: u8, data: Vec<u8>) -> Case {
    Case::talk(name, rfc, expected, End::Open, move || {
        let back = message(opcode, &data);
        vec![send([Frame::new(opcode, &data)]), Step::Await(vec![back])]
    })
}

/// A frame for which the connection is failed.
fn wrong(name: impl Into<String>, rfc: &'static str, what: &str, frame: Frame) -> Case {
    Case::broken(name, rfc, what, move || vec![frame.clone()])
}

fn framing() -> Vec<Case> {
    let rfc = "6455 §5.6";
    let bytes: Vec<u8> = (0..=255).collect();
    vec![
        echo(
            "framing/text",
            rfc,
            "a text message comes back as text",
            TEXT,
            b"Hello".into(),
        ),
        echo(
            "framing/binary",
            rfc,
            "a binary message comes back as binary, each byte",
            BINARY,
            bytes,
        ),
        echo(
            "framing/text-empty",
            rfc,
            "an empty text message comes back",
            TEXT,
            vec![],
        ),
        echo(
            "framing/binary-empty",
            rfc,
            "an empty binary message comes back",
            BINARY,
            vec![],
        ),
        Case::talk(
            "framing/many-at-once",
            "6455 §5.2",
            "100 messages in one segment come back in order",
            End::Open,
            || {
                let all: Vec<String> = (0..100).map(|n| format!("message {n}")).collect();
                let frames = all.iter().map(|data| Frame::new(TEXT, data));
                vec![send(frames), Step::Await(all.iter().map(text).collect())]
            },
        ),
        Case::talk(
            "framing/byte-by-byte",
            "6455 §5.2",
            "a message that comes byte by byte comes back",
            End::Open,
            || {
                let bytes = Frame::new(TEXT, vec![b'x'; 130]).bytes();
                vec![
                    Step::Dribble(bytes, 1),
                    Step::Await(vec![text([b'x'; 130])]),
                ]
            },
        ),
        Case::talk(
            "framing/both-kinds",
            "6455 §5.6",
            "text and binary in turn each keep their kind",
            End::Open,
            || {
                let kinds = [TEXT, BINARY, BINARY, TEXT, BINARY, TEXT];
                let frames = kinds.map(|kind| Frame::new(kind, b"same"));
                let back = kinds.map(|kind| message(kind, b"same"));
                vec![send(frames), Step::Await(back.to_vec())]
            },
        ),
    ]
}

fn lengths() -> Vec<Case> {
    let rfc = "6455 §5.2";
    let mut cases = Vec::new();
    for len in [1, 125, 126, 127, 65535, 65536, 1 << 20] {
        for (kind, opcode) in [("text", TEXT), ("binary", BINARY)] {
            let data: Vec<u8> = match opcode {
                TEXT => (0..len).map(|at| b'a' + (at % 26) as u8).collect(),
                _ => (0..len).map(|at| (at % 251) as u8).collect(),
            };
            let name = format!("lengths/{kind}-{len}");
            let expected = format!("a {kind} message of {len} bytes comes back");
            cases.push(echo(&name, rfc, &expected, opcode, data));
        }
    }
    for (name, what, length, len) in [
        (
            "two-bytes-for-125",
            "a length of 125 written in two bytes",
            Length::Two,
            125,
        ),
        (
            "eight-bytes-for-125",
            "a length of 125 written in eight bytes",
            Length::Eight,
            125,
        ),
        (
            "eight-bytes-for-65535",
            "a length of 65535 written in eight bytes",
            Length::Eight,
            65535,
        ),
    ] {
        let expected = format!("{what} fails the connection with 1002");
        let (codes, lax) = (&[1002][..], Lax::Taken);
        let end = End::Fails { codes, lax };
        cases.push(Case::talk(
            format!("lengths/{name}"),
            rfc,
            expected,
            end,
            move || vec![send([Frame::new(BINARY, vec![7; len]).length(length)])],
        ));
    }
    cases.push(Case::talk(
        "lengths/highest-bit",
        rfc,
        "a length with its highest bit set fails the connection with 1002",
        fails(&[1002, 1009]),
        || {
            vec![send(
                [Frame::new(BINARY, []).length(Length::Claim(1 << 63))],
            )]
        },
    ));
    cases
}

fn reserved() -> Vec<Case> {
    let rfc = "6455 §5.2";
    let mut cases = Vec::new();
    for (name, bits) in [("rsv1", 4), ("rsv2", 2), ("rsv3", 1), ("rsv-all", 7)] {
        let frame = Frame::new(TEXT, b"bits").rsv(bits);
        let what = format!(
            "{} on a text frame, agreed with nobody,",
            name.to_uppercase()
        );
        cases.push(wrong(format!("reserved/{name}"), rfc, &what, frame));
    }
    for (name, opcode) in [("ping", PING), ("close", CLOSE)] {
        let frame = match opcode {
            CLOSE => Frame::close(Some(1000), b""),
            _ => Frame::new(PING, b"x"),
        };
        let what = format!("RSV3 on a {name} frame");
        cases.push(wrong(
            format!("reserved/rsv3-{name}"),
            rfc,
            &what,
            frame.rsv(1),
        ));
    }
    cases.push(Case::talk(
        "reserved/rsv2-continuation",
        rfc,
        "RSV2 on a continuation frame fails the connection with 1002",
        fails(&[1002]),
        || {
            vec![send([
                Frame::new(TEXT, b"a").more(),
                Frame::new(CONTINUATION, b"b").rsv(2),
            ])]
        },
    ));
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        let frame = Frame::new(opcode, b"what?");
        let what = format!("the reserved opcode {opcode}");
        cases.push(wrong(
            format!("reserved/opcode-{opcode}"),
            rfc,
            &what,
            frame,
        ));
    }
    cases.push(Case::talk(
        "reserved/opcode-in-a-message",
        rfc,
        "the reserved opcode 3 between fragments fails the connection with 1002",
        fails(&[1002]),
        || vec![send([Frame::new(TEXT, b"a").more(), Frame::new(3, b"")])],
    ));
    cases
}

fn masking() -> Vec<Case> {
    let rfc = "6455 §5.1";
    let mut cases = vec![
        wrong(
            "masking/text",
            rfc,
            "a text frame without a mask",
            Frame::new(TEXT, b"bare").unmasked(),
        ),
        wrong(
            "masking/empty",
            rfc,
            "an empty frame without a mask",
            Frame::new(BINARY, b"").unmasked(),
        ),
        wrong(
            "masking/ping",
            rfc,
            "a Ping without a mask",
            Frame::new(PING, b"bare").unmasked(),
        ),
        wrong(
            "masking/close",
            rfc,
            "a Close without a mask",
            Frame::close(Some(1000), b"").unmasked(),
        ),
    ];
    cases.push(Case::talk(
        "masking/second-frame",
        rfc,
        "a continuation frame without a mask fails the connection with 1002",
        fails(&[1002]),
        || {
            vec![send([
                Frame::new(TEXT, b"a").more(),
                Frame::new(CONTINUATION, b"b").unmasked(),
            ])]
        },
    ));
    cases.push(Case::talk(
        "masking/zero",
        "6455 §5.3",
        "a mask of zeros, and one of ones, are masks like others",
        End::Open,
        || {
            let frames = [[0; 4], [255; 4]].map(|key| Frame::new(BINARY, b"masked").key(key));
            vec![send(frames), Step::Await(vec![binary(b"masked"); 2])]
        },
    ));
    cases
}
