//! Section deflate: what is sent compressed, right and wrong (RFC 7692 §6, §7.2).

use tidewire_proto::deflate::{Encoder, Params};

use super::super::case::{Act, Case, End, Step, Talk, binary, fails, send, text};
use crate::raw::frame::{BINARY, CONTINUATION, PING, TEXT};
use crate::raw::{Arrived, Frame};

const PLAIN: &str = "permessage-deflate";
const RFC: &str = "7692 §7.2";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = windows();
    cases.extend(messages());
    cases.extend(blocks());
    cases.extend(wrong());
    cases
}

fn talk(
    name: &str,
    rfc: &'static str,
    expected: &str,
    offer: &'static str,
    end: End,
    steps: impl Fn(&Params) -> Vec<Step> + 'static,
) -> Case {
    Case {
        name: format!("deflate/{name}"),
        rfc,
        expected: expected.to_owned(),
        act: Act::Talk(Talk {
            offer: Some(offer),
            steps: Box::new(steps),
            end,
        }),
    }
}

/// What compresses as agreed.
fn encoder(agreed: &Params) -> impl FnMut(&[u8]) -> Vec<u8> + use<> {
    let (bits, takeover) = agreed.encoder(false);
    let mut encoder = Encoder::new(6, bits);
    move |data| {
        let mut out = Vec::new();
        encoder.encode(data, true, &mut out);
        if !takeover {
            encoder.forget();
        }
        out
    }
}

fn compressed(opcode: u8, bytes: impl AsRef<[u8]>) -> Frame {
    Frame::new(opcode, bytes).rsv(4)
}

/// Words that repeat themselves, and do not.
fn prose(len: usize) -> Vec<u8> {
    let words = (0u32..)
        .flat_map(|n| format!("{} tides, ", n.wrapping_mul(2_654_435_761) % 977).into_bytes());
    words.take(len).collect()
}

/// Bytes that cannot be compressed.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    });
    next.take(len).collect()
}

fn same_twice(params: &Params) -> Vec<Step> {
    let mut compress = encoder(params);
    let data = prose(2000);
    let mut steps = Vec::new();
    for _ in 0..3 {
        steps.push(send([compressed(TEXT, compress(&data))]));
        steps.push(Step::Await(vec![text(&data)]));
    }
    steps
}

fn windows() -> Vec<Case> {
    vec![
        talk(
            "takeover",
            "7692 §7.2.3.2",
            "the same message thrice, each referring to those before, comes back",
            PLAIN,
            End::Open,
            same_twice,
        ),
        talk(
            "server-no-takeover",
            "7692 §7.1.1.1",
            "server_no_context_takeover is agreed to, and what comes back depends on nothing before",
            "permessage-deflate; server_no_context_takeover",
            End::Open,
            same_twice,
        ),
        talk(
            "client-no-takeover",
            "7692 §7.1.1.2",
            "client_no_context_takeover: messages that depend on nothing before come back",
            "permessage-deflate; client_no_context_takeover",
            End::Open,
            same_twice,
        ),
        talk(
            "window-client-9",
            "7692 §7.1.2.2",
            "messages of a client with a small window come back",
            "permessage-deflate; client_max_window_bits=9",
            End::Open,
            |params| {
                let mut smaller = *params;
                smaller.client_max_window_bits = 9;
                same_twice(&smaller)
            },
        ),
    ]
}

fn messages() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, data) in [
        ("empty", Vec::new()),
        ("small", b"Hello".to_vec()),
        ("64-kib", prose(65536)),
        ("1-mib", prose(1 << 20)),
    ] {
        let expected = format!("a compressed text of {} bytes comes back", data.len());
        cases.push(talk(
            name,
            RFC,
            &expected,
            PLAIN,
            End::Open,
            move |params| {
                let mut compress = encoder(params);
                vec![
                    send([compressed(TEXT, compress(&data))]),
                    Step::Await(vec![text(&data)]),
                ]
            },
        ));
    }
    cases.push(talk(
        "noise",
        RFC,
        "256 KiB that cannot be compressed come back",
        PLAIN,
        End::Open,
        |params| {
            let data = noise(1 << 18);
            let mut compress = encoder(params);
            vec![
                send([compressed(BINARY, compress(&data))]),
                Step::Await(vec![binary(&data)]),
            ]
        },
    ));
    cases.push(talk(
        "uncompressed",
        "7692 §6",
        "a message without RSV1 is not inflated",
        PLAIN,
        End::Open,
        |params| {
            let mut compress = encoder(params);
            let frames = [
                compressed(TEXT, compress(b"one, one, one")),
                Frame::new(TEXT, b"plain"),
                compressed(TEXT, compress(b"one, one, two")),
            ];
            let back = [
                text(b"one, one, one"),
                text(b"plain"),
                text(b"one, one, two"),
            ];
            vec![send(frames), Step::Await(back.to_vec())]
        },
    ));
    cases.push(talk(
        "fragments",
        "7692 §6.1",
        "a compressed message in fragments, a Ping between, comes back",
        PLAIN,
        End::Open,
        |params| {
            let data = prose(3000);
            let bytes = encoder(params)(&data);
            let (one, rest) = bytes.split_at(1);
            let (two, three) = rest.split_at(rest.len() / 2);
            let frames = [
                compressed(TEXT, one).more(),
                Frame::new(PING, b"flat"),
                Frame::new(CONTINUATION, two).more(),
                Frame::new(CONTINUATION, b"").more(),
                Frame::new(CONTINUATION, three),
            ];
            vec![
                send(frames),
                Step::Await(vec![Arrived::Pong(b"flat".into()), text(&data)]),
            ]
        },
    ));
    cases
}

/// Messages as a compressor may write them (RFC 7692 §7.2.3).
fn blocks() -> Vec<Case> {
    // Of §7.2.3: "Hello" in a fixed block, a stored block, a final block, and two blocks.
    let hello: [(&str, &str, &[u8]); 4] = [
        (
            "block-fixed",
            "a fixed block",
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        ),
        (
            "block-stored",
            "a stored block",
            &[
                0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
            ],
        ),
        (
            "block-final",
            "a final block",
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        ),
        (
            "blocks-two",
            "two blocks",
            &[
                0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
            ],
        ),
    ];
    let one = |(name, what, bytes): (&str, &str, &'static [u8])| {
        let expected = format!("a message of {what} comes back");
        talk(
            name,
            "7692 §7.2.3",
            &expected,
            PLAIN,
            End::Open,
            move |_| {
                vec![
                    send([compressed(TEXT, bytes)]),
                    Step::Await(vec![text(b"Hello")]),
                ]
            },
        )
    };
    hello.into_iter().map(one).collect()
}

/// A message for which the connection is failed.
fn failed(
    name: &str,
    what: &str,
    codes: &'static [u16],
    frames: fn(&Params) -> Vec<Frame>,
) -> Case {
    let expected = format!("{what} fails the connection with {}", codes[0]);
    talk(
        name,
        "7692 §6",
        &expected,
        PLAIN,
        fails(codes),
        move |params| vec![send(frames(params))],
    )
}

fn wrong() -> Vec<Case> {
    vec![
        failed("rsv1-ping", "RSV1 on a Ping", &[1002], |_| {
            vec![compressed(PING, b"x")]
        }),
        failed("rsv1-close", "RSV1 on a Close", &[1002], |_| {
            vec![Frame::close(Some(1000), b"").rsv(4)]
        }),
        failed(
            "rsv1-continuation",
            "RSV1 on a continuation frame",
            &[1002],
            |params| {
                let bytes = encoder(params)(b"Hello");
                let (one, two) = bytes.split_at(3);
                vec![compressed(TEXT, one).more(), compressed(CONTINUATION, two)]
            },
        ),
        failed(
            "rsv1-continuation-only",
            "RSV1 on the second frame only",
            &[1002],
            |_| {
                vec![
                    Frame::new(TEXT, b"a").more(),
                    compressed(CONTINUATION, b"b"),
                ]
            },
        ),
        failed("rsv2", "RSV2 beside RSV1", &[1002], |params| {
            vec![Frame::new(TEXT, encoder(params)(b"Hello")).rsv(6)]
        }),
        failed(
            "data-reserved-block",
            "a block of the reserved type",
            &[1007, 1002],
            |_| vec![compressed(TEXT, b"\x07\x00")],
        ),
        failed(
            "data-stored-length",
            "a stored block whose length contradicts itself",
            &[1007, 1002],
            |_| vec![compressed(TEXT, b"\x00\x05\x00\xfb\xffHello\x00")],
        ),
        failed(
            "data-too-far-back",
            "a reference to before the beginning",
            &[1007, 1002],
            |_| {
                // A fixed block: a match of three bytes at distance one, with nothing before it.
                vec![compressed(BINARY, b"\x02\x02\x00")]
            },
        ),
        failed(
            "data-cut-off",
            "a block that does not end",
            &[1007, 1002],
            |_| vec![compressed(TEXT, b"\x00\xff\xff\x00\x00Hello")],
        ),
        failed(
            "utf8",
            "a compressed text that is no UTF-8",
            &[1007],
            |params| {
                vec![compressed(
                    TEXT,
                    encoder(params)(b"caf\xe9 caf\xe9 caf\xe9"),
                )]
            },
        ),
        failed(
            "utf8-cut-off",
            "a compressed text that ends within a character",
            &[1007],
            |params| vec![compressed(TEXT, encoder(params)(b"price price \xe2\x82"))],
        ),
    ]
}
