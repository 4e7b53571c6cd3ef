//! Section utf8 (RFC 6455 §5.6, §8.1; RFC 3629).

use super::super::case::{Case, End, Step, binary, fails, send, text};
use crate::raw::frame::{BINARY, CONTINUATION, PING, TEXT, fragments};
use crate::raw::{Arrived, Frame};

const RFC: &str = "6455 §8.1";

/// Valid texts.
const GOOD: &[(&str, &str, &str)] = &[
    ("greek", "Greek with accents", "κόσμε"),
    (
        "boundaries",
        "the first and last character of each length",
        "\u{1}\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}",
    ),
    ("nul", "a NUL", "a\0b"),
    (
        "byte-order-mark",
        "a byte order mark, kept,",
        "\u{feff}text",
    ),
    (
        "noncharacters",
        "noncharacters",
        "\u{fffe}\u{fdd0}\u{1fffe}\u{10fffe}",
    ),
    ("emoji", "an emoji of several characters", "👩‍👩‍👧‍👦 🏳️‍🌈"),
];

/// Texts that are none.
const BAD: &[(&str, &str, &[u8])] = &[
    ("lone-continuation", "a continuation byte alone", b"a\x80b"),
    ("byte-fe", "the byte FE", b"\xfe"),
    ("byte-ff", "the byte FF", b"a\xff"),
    ("overlong-2", "/ in two bytes", b"\xc0\xaf"),
    ("overlong-2-highest", "U+7F in two bytes", b"\xc1\xbf"),
    ("overlong-3", "/ in three bytes", b"\xe0\x80\xaf"),
    ("overlong-4", "U+FFFF in four bytes", b"\xf0\x8f\xbf\xbf"),
    ("surrogate", "the surrogate U+D800", b"\xed\xa0\x80"),
    (
        "surrogate-pair",
        "a pair of surrogates (CESU-8)",
        b"\xed\xa0\xbd\xed\xb8\x80",
    ),
    ("too-high", "U+110000", b"\xf4\x90\x80\x80"),
    (
        "five-bytes",
        "a character of five bytes",
        b"\xf8\x88\x80\x80\x80",
    ),
    (
        "six-bytes",
        "a character of six bytes",
        b"\xfc\x84\x80\x80\x80\x80",
    ),
    (
        "cut-off",
        "a text that ends within a character",
        b"price: \xe2\x82",
    ),
    (
        "cut-short",
        "a character that another cuts short",
        b"\xe2\x82a",
    ),
    ("latin-1", "Latin-1", b"caf\xe9 au lait"),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(name, what, data) in GOOD {
        let expected = format!("{what} comes back");
        cases.push(Case::talk(
            format!("utf8/{name}"),
            RFC,
            expected,
            End::Open,
            move || {
                vec![
                    send([Frame::new(TEXT, data)]),
                    Step::Await(vec![text(data)]),
                ]
            },
        ));
    }
    cases.push(Case::talk(
        "utf8/split-characters",
        "6455 §5.6",
        "characters that are split between fragments come back whole",
        End::Open,
        || {
            let data = "κόσμε 𝄞 €";
            let mut frames = fragments(TEXT, data.as_bytes(), 1);
            frames.insert(1, Frame::new(PING, b"within a character"));
            let pong = Arrived::Pong(b"within a character".into());
            vec![send(frames), Step::Await(vec![pong, text(data)])]
        },
    ));
    cases.push(Case::talk(
        "utf8/binary-is-not-judged",
        "6455 §5.6",
        "bytes that are no UTF-8 come back as a binary message",
        End::Open,
        || {
            let data = b"\xff\xfe\xc0\x80\xed\xa0\x80";
            vec![
                send([Frame::new(BINARY, data)]),
                Step::Await(vec![binary(data)]),
            ]
        },
    ));
    for &(name, what, data) in BAD {
        let expected = format!("{what} in a text fails the connection with 1007");
        cases.push(Case::talk(
            format!("utf8/{name}"),
            RFC,
            expected,
            fails(&[1007]),
            move || vec![send([Frame::new(TEXT, data)])],
        ));
    }
    cases.extend(across_frames());
    cases
}

fn across_frames() -> Vec<Case> {
    let rest = Frame::new(CONTINUATION, b"the end").bytes();
    let masked_rest = vec![0x37; 100];
    vec![
        Case::talk(
            "utf8/wrong-across-fragments",
            RFC,
            "a character begun in one fragment and not ended in the next fails with 1007",
            fails(&[1007]),
            || {
                vec![send([
                    Frame::new(TEXT, b"\xe2\x82").more(),
                    Frame::new(CONTINUATION, b"("),
                ])]
            },
        ),
        Case::talk(
            "utf8/cut-off-in-the-last-fragment",
            RFC,
            "a message whose last fragment ends within a character fails with 1007",
            fails(&[1007]),
            || {
                vec![send([
                    Frame::new(TEXT, b"a").more(),
                    Frame::new(CONTINUATION, b"\xf0\x9f"),
                ])]
            },
        ),
        Case::talk(
            "utf8/fast-in-a-fragment",
            RFC,
            "a fragment that is no UTF-8 fails with 1007 before the message ends",
            End::FailsFast {
                codes: &[1007],
                rest,
            },
            || vec![send([Frame::new(TEXT, b"fine\xff").more()])],
        ),
        Case::talk(
            "utf8/fast-in-a-frame",
            RFC,
            "bytes that are no UTF-8 fail with 1007 before their frame ends",
            End::FailsFast {
                codes: &[1007],
                rest: masked_rest,
            },
            || {
                let mut data = b"fine\xed\xa0\x80".to_vec();
                data.resize(107, b'x');
                let mut frame = Frame::new(TEXT, data).bytes();
                frame.truncate(frame.len() - 100);
                vec![Step::Send(frame)]
            },
        ),
        Case::talk(
            "utf8/next-message-starts-anew",
            RFC,
            "a binary message that ends within a character does not spoil the next text",
            End::Open,
            || {
                let frames = [Frame::new(BINARY, b"\xe2\x82"), Frame::new(TEXT, "€")];
                vec![
                    send(frames),
                    Step::Await(vec![binary(b"\xe2\x82"), text("€")]),
                ]
            },
        ),
    ]
}
