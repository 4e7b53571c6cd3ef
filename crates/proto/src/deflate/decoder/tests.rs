//! The table of messages that RFC 7692 §7.2.3 allows and forbids, and what the decoder bounds.
#![allow(clippy::unwrap_used)]

use std::convert::Infallible;

use zlib_rs::{Deflate, DeflateFlush};

use super::{DecodeError, Decoder};
use crate::deflate::Encoder;

type Refused = DecodeError<Infallible>;
type Judged = Result<Vec<u8>, Refused>;

fn message(decoder: &mut Decoder, payload: &[u8]) -> Judged {
    let mut out = Vec::new();
    decoder.decode(payload, true, &mut |piece: &[u8]| {
        out.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(out)
}

/// As `message`, one byte at a time and `fin` alone at last.
fn dripped(decoder: &mut Decoder, payload: &[u8]) -> Judged {
    let mut out = Vec::new();
    let mut sink = |piece: &[u8]| {
        out.extend_from_slice(piece);
        Ok(())
    };
    for byte in payload {
        decoder.decode(&[*byte], false, &mut sink)?;
    }
    decoder.decode(&[], true, &mut sink)?;
    Ok(out)
}

/// One stream of DEFLATE, its last block final.
fn finished(deflate: &mut Deflate, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0; payload.len() * 2 + 64];
    let before = deflate.total_out();
    deflate
        .compress(payload, &mut out, DeflateFlush::Finish)
        .unwrap();
    out.truncate((deflate.total_out() - before) as usize);
    out
}

/// "Hello" in a fixed block of 50 bits, up to two bits before its end: the byte that follows
/// holds those (zeros) and the header of the next block above them.
const HELLO: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07];
/// The same with BFINAL, and padded to whole bytes (RFC 7692 §7.2.3.4).
const FINAL_HELLO: &[u8] = &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

#[test]
fn each_form_of_a_message_is_judged_by_the_rfc() {
    let hello = || Ok(b"Hello".to_vec());
    let truncated = || Err(DecodeError::Truncated);
    let corrupt = || Err(DecodeError::Corrupt);
    let table: Vec<(&str, Vec<u8>, Judged)> = vec![
        ("§7.2.3.1 one fixed block", [HELLO, &[0]].concat(), hello()),
        (
            "§7.2.3.3 a stored block",
            vec![
                0x00, 0x05, 0x00, 0xfa, 0xff, b'H', b'e', b'l', b'l', b'o', 0x00,
            ],
            hello(),
        ),
        (
            "§7.2.3.4 a final block, then the empty one",
            [FINAL_HELLO, &[0]].concat(),
            hello(),
        ),
        (
            "§7.2.3.5 two blocks in one message",
            vec![
                0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
            ],
            hello(),
        ),
        ("§7.2.3.6 the empty message", vec![0x00], Ok(vec![])),
        ("a final block alone", FINAL_HELLO.to_vec(), hello()),
        (
            "an empty final fixed block alone",
            vec![0x03, 0x00],
            Ok(vec![]),
        ),
        (
            "an empty final fixed block, then the empty one",
            vec![0x03, 0x00, 0x00],
            Ok(vec![]),
        ),
        ("the empty block itself final", vec![0x01], Ok(vec![])),
        (
            "data, then the empty block final",
            [HELLO, &[0x04]].concat(),
            hello(),
        ),
        (
            "a final block followed by another message's worth",
            [FINAL_HELLO, HELLO, &[0]].concat(),
            Ok(b"HelloHello".to_vec()),
        ),
        (
            "three final blocks",
            [FINAL_HELLO, FINAL_HELLO, FINAL_HELLO].concat(),
            Ok(b"HelloHelloHello".to_vec()),
        ),
        (
            "empty final blocks between",
            [&[0x03, 0x00], FINAL_HELLO, &[0x03, 0x00], HELLO, &[0]].concat(),
            Ok(b"HelloHello".to_vec()),
        ),
        (
            "a final stored block",
            vec![0x01, 0x05, 0x00, 0xfa, 0xff, b'H', b'e', b'l', b'l', b'o'],
            hello(),
        ),
        ("nothing at all", vec![], truncated()),
        (
            "no tail: the empty block is missing",
            HELLO.to_vec(),
            truncated(),
        ),
        ("cut inside a block", HELLO[..3].to_vec(), truncated()),
        (
            "a final block cut short",
            FINAL_HELLO[..4].to_vec(),
            truncated(),
        ),
        (
            "the tail not taken off",
            [HELLO, &[0x00, 0x00, 0x00, 0xff, 0xff]].concat(),
            truncated(),
        ),
        (
            "a stored block that would swallow the tail whole",
            vec![0x00, 0x04, 0x00, 0xfb, 0xff],
            truncated(),
        ),
        (
            "a stored block that would swallow the tail and wait",
            vec![0x00, 0x09, 0x00, 0xf6, 0xff, b'H'],
            truncated(),
        ),
        ("block type 3", vec![0x06, 0x00], corrupt()),
        (
            "stored lengths that disagree",
            vec![0x00, 0x05, 0x00, 0x05, 0x00],
            corrupt(),
        ),
        (
            "a match before the first byte",
            vec![0x02, 0x06, 0x40, 0x00, 0x00],
            corrupt(),
        ),
        (
            "garbage after a final block",
            [FINAL_HELLO, &[0xff, 0xff]].concat(),
            corrupt(),
        ),
        (
            "garbage after a final block, unfinished",
            [FINAL_HELLO, &[0x05]].concat(),
            truncated(),
        ),
    ];
    for (name, payload, expected) in table {
        assert_eq!(message(&mut Decoder::new(15), &payload), expected, "{name}");
        assert_eq!(
            dripped(&mut Decoder::new(15), &payload),
            expected,
            "{name}, dripped"
        );
        if expected.is_ok() {
            // What follows a good message is decoded as if nothing special had been.
            let mut decoder = Decoder::new(15);
            for _ in 0..3 {
                assert_eq!(message(&mut decoder, &payload), expected, "{name}, again");
                assert_eq!(
                    message(&mut decoder, &[HELLO, &[0]].concat()),
                    hello(),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn the_window_lives_from_message_to_message_until_reset() {
    // RFC 7692 §7.2.3.2: the second message is a match into the first.
    let mut decoder = Decoder::new(15);
    let second: &[u8] = &[0xf2, 0x00, 0x11, 0x00, 0x00];
    assert_eq!(
        message(&mut decoder, &[HELLO, &[0]].concat()).unwrap(),
        b"Hello"
    );
    assert_eq!(message(&mut decoder, second).unwrap(), b"Hello");
    decoder.reset();
    assert_eq!(message(&mut decoder, second), Err(DecodeError::Corrupt));
}

#[test]
fn the_window_lives_through_a_final_block() {
    for first in [
        [FINAL_HELLO, &[0]].concat(),
        FINAL_HELLO.to_vec(),
        [HELLO, &[0x04]].concat(),
    ] {
        let mut decoder = Decoder::new(15);
        let refers: &[u8] = &[0xf2, 0x00, 0x11, 0x00, 0x00];
        assert_eq!(message(&mut decoder, &first).unwrap(), b"Hello");
        assert_eq!(
            message(&mut decoder, refers).unwrap(),
            b"Hello",
            "{first:x?}"
        );
    }
    // In one message, too.
    let together = [FINAL_HELLO, &[0xf2, 0x00, 0x11, 0x00, 0x00]].concat();
    assert_eq!(
        message(&mut Decoder::new(15), &together).unwrap(),
        b"HelloHello"
    );
}

#[test]
fn all_of_a_full_window_lives_through_a_final_block() {
    for bits in 9..=15u8 {
        let window = 1usize << bits;
        // Two and a half windows of text with long-range repeats only.
        let text: Vec<u8> = (0..window * 5 / 2)
            .map(|i| ((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8)
            .collect();
        let mut deflate = Deflate::new(6, false, bits);
        let mut decoder = Decoder::new(bits);
        let payload = finished(&mut deflate, &text);
        assert_eq!(message(&mut decoder, &payload).unwrap(), text);
        // What a sender that keeps its window after BFINAL would send: all matches into it.
        deflate.reset();
        let reach = window - 300;
        deflate.set_dictionary(&text[text.len() - reach..]).unwrap();
        let again = &text[text.len() - reach..][..200];
        let payload = finished(&mut deflate, again);
        assert!(
            payload.len() < 60,
            "{bits} bits: {} bytes hold no match",
            payload.len()
        );
        assert_eq!(
            message(&mut decoder, &payload).unwrap(),
            again,
            "{bits} bits"
        );
    }
}

#[test]
fn a_limit_stops_inflation_at_once() {
    // 64 MiB of zeros in 64 KiB: the sink refuses, and no more is asked of it.
    let mut encoder = Encoder::new(9, 15);
    let mut bomb = Vec::new();
    for last in [false, true] {
        encoder.encode(&vec![0; 32 << 20], last, &mut bomb);
    }
    let mut decoder = Decoder::new(15);
    let (mut calls, mut total) = (0, 0);
    let stopped = decoder.decode(&bomb, true, &mut |piece: &[u8]| {
        calls += 1;
        total += piece.len();
        if total > 100_000 {
            Err("too large")
        } else {
            Ok(())
        }
    });
    assert_eq!(stopped, Err(DecodeError::Sink("too large")));
    assert!(
        total <= 100_000 + 32 * 1024 && calls <= 5,
        "{calls} calls, {total} bytes"
    );
    // It stays shut until it is emptied.
    assert_eq!(
        message(&mut decoder, &[HELLO, &[0]].concat()),
        Err(DecodeError::Corrupt)
    );
    decoder.reset();
    assert_eq!(
        message(&mut decoder, &[HELLO, &[0]].concat()).unwrap(),
        b"Hello"
    );
}

#[test]
fn a_flood_of_final_blocks_is_bounded() {
    // Fill the window, then ask for its restoration every three bytes.
    let mut deflate = Deflate::new(6, false, 15);
    let mut payload = finished(&mut deflate, &vec![b'x'; 40_000]);
    payload.extend([0x4b, 0x04, 0x00].repeat(300_000));
    let mut decoder = Decoder::new(15);
    assert_eq!(
        message(&mut decoder, &payload),
        Err(DecodeError::TooManyFinalBlocks)
    );
    // Small messages may be made of nothing but tiny streams.
    let small = [0x4b, 0x04, 0x00].repeat(600);
    assert_eq!(
        message(&mut Decoder::new(15), &small).unwrap(),
        b"a".repeat(600)
    );
    // And so may any number of messages, each with its own allowance.
    let mut decoder = Decoder::new(15);
    message(
        &mut decoder,
        &finished(&mut Deflate::new(6, false, 15), &vec![b'x'; 40_000]),
    )
    .unwrap();
    for _ in 0..200 {
        assert_eq!(
            message(&mut decoder, &[FINAL_HELLO, &[0]].concat()).unwrap(),
            b"Hello"
        );
    }
}

#[test]
fn an_error_is_final_until_reset_and_never_spins() {
    let mut decoder = Decoder::new(15);
    assert_eq!(message(&mut decoder, &[0x06]), Err(DecodeError::Corrupt));
    for _ in 0..1000 {
        assert_eq!(message(&mut decoder, HELLO), Err(DecodeError::Corrupt));
    }
    decoder.reset();
    assert_eq!(
        message(&mut decoder, &[HELLO, &[0]].concat()).unwrap(),
        b"Hello"
    );
}

#[test]
fn memory_does_not_follow_the_inflated_size() {
    let mut encoder = Encoder::new(6, 15);
    let mut payload = Vec::new();
    encoder.encode(&vec![7; 8 << 20], true, &mut payload);
    let mut decoder = Decoder::new(15);
    let mut total = 0;
    decoder
        .decode(&payload, true, &mut |piece: &[u8]| {
            assert!(piece.len() <= 32 * 1024);
            total += piece.len();
            Ok::<_, Infallible>(())
        })
        .unwrap();
    assert_eq!(total, 8 << 20);
}
