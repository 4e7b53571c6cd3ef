//! Section limits: what a server should not take without end (RFC 6455 §10.4).

use tidewire_proto::deflate::Encoder;

use super::super::case::{Act, Answer, Case, End, Handshake, Lax, Talk, send};
use crate::raw::Frame;
use crate::raw::frame::{BINARY, CONTINUATION, Length, TEXT, fragments};

const RFC: &str = "6455 §10.4";
const MIB: usize = 1 << 20;
/// To how many MiB the bomb inflates: what comes back of more could not be told from a mistake.
const BOMB: usize = 48;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::talk(
            "limits/large-message",
            RFC,
            "a message of 16 MiB comes back, or is refused with 1009",
            End::EchoOrTooBig(vec![b'L'; 16 * MIB]),
            || vec![send([Frame::new(BINARY, vec![b'L'; 16 * MIB])])],
        ),
        Case::talk(
            "limits/many-fragments",
            RFC,
            "a message in 20000 fragments comes back, or is refused with 1009 or 1008",
            End::EchoOrTooBig(vec![b'f'; 20_000]),
            || vec![send(fragments(TEXT, &[b'f'; 20_000], 1))],
        ),
        Case::talk(
            "limits/empty-fragments",
            RFC,
            "a message behind 20000 empty fragments comes back, or is refused with 1009 or 1008",
            End::EchoOrTooBig(b"end".into()),
            || {
                let first = Frame::new(BINARY, b"").more();
                let middle = (0..20_000).map(|_| Frame::new(CONTINUATION, b"").more());
                let last = Frame::new(CONTINUATION, b"end");
                let all = std::iter::once(first).chain(middle).chain([last]);
                vec![send(all)]
            },
        ),
        Case::talk(
            "limits/claimed-length",
            RFC,
            "a frame that claims 8 EiB is refused at once, with 1009",
            End::Fails {
                codes: &[1009, 1002],
                lax: Lax::Silence,
            },
            || {
                vec![send([
                    Frame::new(BINARY, b"").length(Length::Claim(i64::MAX as u64))
                ])]
            },
        ),
        Case {
            name: "limits/head".to_owned(),
            rfc: "6585 §5",
            expected: "a request of 1 MiB is refused".to_owned(),
            act: Act::Handshake(Handshake {
                change: Box::new(|ask| ask.add("X-Fill", vec![b'x'; MIB])),
                part: usize::MAX,
                want: Answer::Refused {
                    best: &[431, 400, 413],
                    lax: true,
                },
            }),
        },
        Case {
            name: "limits/bomb".to_owned(),
            rfc: "7692 §8",
            expected: format!("48 KiB that inflate to {BOMB} MiB are refused with 1009"),
            act: Act::Talk(Talk {
                offer: Some("permessage-deflate"),
                steps: Box::new(|_| vec![send(bomb())]),
                end: End::Fails {
                    codes: &[1009, 1008],
                    lax: Lax::Taken,
                },
            }),
        },
    ]
}

/// Zeros, so well compressed that one fragment of about a KiB is one MiB.
fn bomb() -> Vec<Frame> {
    let mut encoder = Encoder::new(9, 15);
    let mut block = Vec::new();
    encoder.encode(&vec![0; MIB], false, &mut block);
    encoder.flush(&mut block);
    let first = Frame::new(BINARY, &block).rsv(4).more();
    let middle = (1..BOMB).map(|_| Frame::new(CONTINUATION, &block).more());
    let last = Frame::new(CONTINUATION, b"\x00");
    std::iter::once(first).chain(middle).chain([last]).collect()
}
