//! Section fragments (RFC 6455 §5.4).

use super::super::case::{Case, End, Step, fails, message, send, text};
use crate::raw::frame::{BINARY, CONTINUATION, PING, TEXT, fragments};
use crate::raw::{Arrived, Frame};

const RFC: &str = "6455 §5.4";

fn joined(name: &str, expected: &str, opcode: u8, parts: &'static [&'static [u8]]) -> Case {
    let expected = format!("{expected} comes back whole");
    Case::talk(
        format!("fragments/{name}"),
        RFC,
        expected,
        End::Open,
        move || {
            let last = parts.len() - 1;
            let frames = parts.iter().enumerate().map(|(at, part)| {
                let frame = Frame::new(if at == 0 { opcode } else { CONTINUATION }, part);
                if at == last { frame } else { frame.more() }
            });
            vec![
                send(frames),
                Step::Await(vec![message(opcode, &parts.concat())]),
            ]
        },
    )
}

fn wrong(name: &str, what: &str, frames: impl Fn() -> Vec<Frame> + 'static) -> Case {
    Case::broken(format!("fragments/{name}"), RFC, what, frames)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        joined("two", "a text in two fragments", TEXT, &[b"Hel", b"lo"]),
        joined(
            "binary",
            "a binary message in three fragments",
            BINARY,
            &[b"\x00", b"\xff", b"\xfe"],
        ),
        joined(
            "empty-first",
            "a message whose first fragment is empty",
            TEXT,
            &[b"", b"a"],
        ),
        joined(
            "empty-middle",
            "a message with an empty fragment in the middle",
            TEXT,
            &[b"a", b"", b"b"],
        ),
        joined(
            "empty-last",
            "a message whose last fragment is empty",
            BINARY,
            &[b"a", b""],
        ),
        joined(
            "all-empty",
            "a message of three empty fragments",
            TEXT,
            &[b"", b"", b""],
        ),
    ];
    cases.push(Case::talk(
        "fragments/thousand",
        RFC,
        "a message in 1000 fragments of one byte comes back whole",
        End::Open,
        || {
            let data = [b'z'; 1000];
            vec![
                send(fragments(TEXT, &data, 1)),
                Step::Await(vec![text(data)]),
            ]
        },
    ));
    cases.push(Case::talk(
        "fragments/byte-by-byte",
        RFC,
        "two fragments that come byte by byte come back whole",
        End::Open,
        || {
            let bytes: Vec<u8> = fragments(TEXT, b"dribble", 4)
                .iter()
                .flat_map(Frame::bytes)
                .collect();
            vec![Step::Dribble(bytes, 1), Step::Await(vec![text(b"dribble")])]
        },
    ));
    cases.push(Case::talk(
        "fragments/ping-between",
        RFC,
        "a Ping between fragments is answered, and the message comes back",
        End::Open,
        || {
            let frames = [
                Frame::new(TEXT, b"a").more(),
                Frame::new(PING, b"now"),
                Frame::new(CONTINUATION, b"b"),
            ];
            vec![
                send(frames),
                Step::Await(vec![Arrived::Pong(b"now".into()), text(b"ab")]),
            ]
        },
    ));
    cases.push(Case::talk(
        "fragments/ping-answered-before-the-end",
        "6455 §5.5.2",
        "a Ping between fragments is answered before the message ends",
        End::Open,
        || {
            vec![
                send([Frame::new(TEXT, b"a").more(), Frame::new(PING, b"now")]),
                Step::Await(vec![Arrived::Pong(b"now".into())]),
                send([Frame::new(CONTINUATION, b"b")]),
                Step::Await(vec![text(b"ab")]),
            ]
        },
    ));
    cases.push(wrong(
        "nothing-to-continue",
        "a continuation of nothing",
        || vec![Frame::new(CONTINUATION, b"a")],
    ));
    cases.push(wrong(
        "nothing-to-continue-more",
        "a continuation of nothing, more to follow,",
        || {
            vec![
                Frame::new(CONTINUATION, b"a").more(),
                Frame::new(CONTINUATION, b"b"),
            ]
        },
    ));
    cases.push(wrong(
        "text-in-a-text",
        "a text frame between fragments of a text",
        || vec![Frame::new(TEXT, b"a").more(), Frame::new(TEXT, b"b")],
    ));
    cases.push(wrong(
        "binary-in-a-text",
        "a binary frame between fragments of a text",
        || {
            vec![
                Frame::new(TEXT, b"a").more(),
                Frame::new(BINARY, b"b").more(),
            ]
        },
    ));
    cases.push(Case::talk(
        "fragments/continued-after-the-end",
        RFC,
        "a continuation after a whole message fails the connection with 1002",
        fails(&[1002]),
        || {
            vec![
                send([Frame::new(TEXT, b"whole")]),
                Step::Await(vec![text(b"whole")]),
                send([Frame::new(CONTINUATION, b"more")]),
            ]
        },
    ));
    cases
}
