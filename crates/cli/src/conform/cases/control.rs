//! Section control (RFC 6455 §5.5).

use super::super::case::{Case, End, Lax, Step, send, text};
use crate::raw::frame::{CLOSE, CONTINUATION, Length, PING, PONG, TEXT};
use crate::raw::{Arrived, Frame};

const RFC: &str = "6455 §5.5";

fn answered(name: &str, expected: &str, data: Vec<u8>) -> Case {
    Case::talk(
        format!("control/{name}"),
        "6455 §5.5.2",
        expected,
        End::Open,
        move || {
            vec![
                send([Frame::new(PING, &data)]),
                Step::Await(vec![Arrived::Pong(data.clone())]),
            ]
        },
    )
}

fn wrong(name: &str, what: &str, frames: impl Fn() -> Vec<Frame> + 'static) -> Case {
    Case::broken(format!("control/{name}"), RFC, what, frames)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        answered(
            "ping",
            "a Ping is answered with its data",
            b"are you there?".into(),
        ),
        answered(
            "ping-empty",
            "an empty Ping is answered with an empty Pong",
            vec![],
        ),
        answered(
            "ping-125",
            "a Ping of 125 bytes that are no text is answered",
            vec![0xfe; 125],
        ),
    ];
    cases.push(Case::talk(
        "control/ping-byte-by-byte",
        "6455 §5.5.2",
        "a Ping that comes byte by byte is answered",
        End::Open,
        || {
            let ping = Frame::new(PING, b"slow").bytes();
            vec![
                Step::Dribble(ping, 1),
                Step::Await(vec![Arrived::Pong(b"slow".into())]),
            ]
        },
    ));
    cases.push(Case::talk(
        "control/pings-one-by-one",
        "6455 §5.5.2",
        "ten Pings, one after the other, are all answered",
        End::Open,
        || {
            let one = |n: u8| {
                [
                    send([Frame::new(PING, [n])]),
                    Step::Await(vec![Arrived::Pong(vec![n])]),
                ]
            };
            (0..10).flat_map(one).collect()
        },
    ));
    cases.push(Case::talk(
        "control/pings-at-once",
        "6455 §5.5.3",
        "of ten Pings at once the last at least is answered",
        End::Open,
        || {
            let pings = (0..10).map(|n| Frame::new(PING, [n]));
            vec![
                send(pings),
                Step::AwaitLastPong((0..10).map(|n| vec![n]).collect()),
            ]
        },
    ));
    cases.push(Case::talk(
        "control/pong-unasked",
        "6455 §5.5.3",
        "a Pong that nobody asked for is not answered",
        End::Open,
        || {
            vec![send([
                Frame::new(PONG, b"by the way"),
                Frame::new(PONG, b""),
            ])]
        },
    ));
    cases.push(wrong("ping-126", "a Ping of 126 bytes", || {
        vec![Frame::new(PING, [1; 126])]
    }));
    cases.push(wrong("pong-126", "a Pong of 126 bytes", || {
        vec![Frame::new(PONG, [1; 126])]
    }));
    cases.push(wrong("close-126", "a Close of 126 bytes", || {
        vec![Frame::close(Some(1000), &[b'x'; 124])]
    }));
    let (codes, lax) = (&[1002][..], Lax::Taken);
    cases.push(Case::talk(
        "control/ping-long-length",
        "6455 §5.2",
        "a Ping whose 5 bytes are counted in two fails the connection with 1002",
        End::Fails { codes, lax },
        || vec![send([Frame::new(PING, b"12345").length(Length::Two)])],
    ));
    cases.push(wrong("ping-fragmented", "a Ping in fragments", || {
        vec![
            Frame::new(PING, b"a").more(),
            Frame::new(CONTINUATION, b"b"),
        ]
    }));
    cases.push(wrong("pong-fragmented", "a Pong in fragments", || {
        vec![
            Frame::new(PONG, b"a").more(),
            Frame::new(CONTINUATION, b"b"),
        ]
    }));
    cases.push(wrong("close-fragmented", "a Close in fragments", || {
        vec![
            Frame::new(CLOSE, b"\x03\xe8").more(),
            Frame::new(CONTINUATION, b"b"),
        ]
    }));
    cases.push(Case::talk(
        "control/ping-before-message",
        "6455 §5.5.2",
        "a Ping and a message in one segment are both answered",
        End::Open,
        || {
            let frames = [Frame::new(PING, b"p"), Frame::new(TEXT, b"m")];
            vec![
                send(frames),
                Step::Await(vec![Arrived::Pong(b"p".into()), text(b"m")]),
            ]
        },
    ));
    cases
}
