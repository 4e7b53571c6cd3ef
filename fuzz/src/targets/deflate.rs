//! permessage-deflate alone: arbitrary bytes into the decoder under a budget, and what the encoder
//! makes of messages back through the decoder.
//!
//! Input: `[mode][window][cut][…]`. Mode bit 0: 0 decodes the rest, 1 reads operations from it; its
//! upper bits: the compression level.

use super::{Reader, cut_sizes, with_pool};
use tidewire_proto::deflate::{DecodeError, Decoder, Encoder};

/// The most that arbitrary bytes may inflate to here.
const BUDGET: usize = 200_000;

/// Decodes, or encodes and decodes.
pub fn run(input: &[u8]) {
    let [mode, window, cut, rest @ ..] = input else {
        return;
    };
    let bits = 8 + window % 8;
    if mode & 1 == 0 {
        decode_anything(bits, *cut, rest);
    } else {
        there_and_back(bits, (mode >> 1) % 10, *cut, rest);
    }
}

/// The budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Full;

/// What became of messages: how each ended, and all that came out.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    ends: Vec<Result<(), DecodeError<Full>>>,
    bytes: Vec<u8>,
}

/// Messages are parted by the bytes `FF 00 FF`, which need not mean anything to DEFLATE.
fn decode_anything(bits: u8, cut: u8, bytes: &[u8]) {
    let whole = with_pool(|pool| {
        let mut decoder = pool.decoder(bits);
        let outcome = decode(&mut decoder, bytes, || usize::MAX);
        pool.put_decoder(decoder);
        outcome
    });
    let parts = with_pool(|pool| {
        let mut decoder = pool.decoder(bits);
        let outcome = decode(&mut decoder, bytes, cut_sizes(cut));
        // An error stays until the decoder is reset, and then nothing of it is left.
        if let Some(Err(_)) = outcome.ends.last() {
            let again = decoder.decode(b"\0", true, &mut |_| Ok::<(), Full>(()));
            assert_eq!(again, Err(DecodeError::Corrupt));
            decoder.reset();
            let again = decoder.decode(b"\0", true, &mut |_| Err(Full));
            assert_eq!(again, Ok(()), "a reset decoder takes an empty message");
        }
        pool.put_decoder(decoder);
        outcome
    });
    assert_eq!(whole.ends, parts.ends, "cut {cut} changes how messages end");
    assert!(
        whole.bytes == parts.bytes,
        "cut {cut} changes what comes out"
    );
}

fn decode(decoder: &mut Decoder, bytes: &[u8], mut sizes: impl FnMut() -> usize) -> Outcome {
    let mut outcome = Outcome {
        ends: Vec::new(),
        bytes: Vec::new(),
    };
    for message in messages(bytes) {
        let mut rest = message;
        let end = loop {
            let (piece, after) = rest.split_at(sizes().min(rest.len()));
            rest = after;
            let fin = rest.is_empty();
            let result = decoder.decode(piece, fin, &mut |piece: &[u8]| {
                assert!(
                    !piece.is_empty() && piece.len() <= 32 * 1024,
                    "{} bytes",
                    piece.len()
                );
                // As a message's budget does it: bytes up to the limit count, whatever the pieces.
                let room = BUDGET - outcome.bytes.len();
                outcome
                    .bytes
                    .extend_from_slice(&piece[..piece.len().min(room)]);
                if piece.len() > room {
                    Err(Full)
                } else {
                    Ok(())
                }
            });
            if result.is_err() || fin {
                break result;
            }
        };
        outcome.ends.push(end);
        if end.is_err() {
            break;
        }
    }
    outcome
}

fn messages(bytes: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(3).position(|mark| mark == b"\xFF\0\xFF") {
        messages.push(&rest[..at]);
        rest = &rest[at + 3..];
    }
    messages.push(rest);
    messages
}

/// Operations: a byte for what to do, then what it does it with.
fn there_and_back(bits: u8, level: u8, cut: u8, bytes: &[u8]) {
    with_pool(|pool| {
        let mut encoder = pool.encoder(level, bits);
        let mut decoder = pool.decoder(bits);
        assert_eq!((encoder.level(), encoder.window_bits()), (level, bits));
        let mut sizes = cut_sizes(cut);
        let mut input = Reader(bytes);
        let (mut message, mut packed): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
        let mut budget = 64 * 1024usize;
        while !input.is_empty() {
            let op = input.byte();
            let fin = op & 1 == 1;
            let mut chunk = match op >> 1 & 7 {
                0 => Vec::new(),
                1 => {
                    let (byte, len) = (input.byte(), usize::from(input.pair()));
                    vec![byte; len]
                }
                2 => {
                    let word_len = usize::from(input.byte() % 32);
                    let word = input.take(word_len);
                    word.repeat(usize::from(input.byte()))
                }
                3 => {
                    // An encoder may forget between messages whenever it likes.
                    if message.is_empty() {
                        encoder.forget();
                    }
                    continue;
                }
                4 => {
                    if message.is_empty() {
                        pool.put_encoder(encoder);
                        encoder = pool.encoder(level, bits);
                    }
                    continue;
                }
                5 => message.clone(),
                _ => {
                    let len = usize::from(input.byte());
                    input.take(len).to_vec()
                }
            };
            chunk.truncate(budget);
            budget -= chunk.len();
            encoder.encode(&chunk, fin, &mut packed);
            message.extend_from_slice(&chunk);
            if fin && op & 0x10 != 0 && !message.is_empty() && message.len() <= budget.min(0xFFFF) {
                budget -= message.len();
                behind_a_final_block(&mut encoder, &mut message, &mut packed);
            }
            if fin {
                check_round(&mut decoder, &message, &packed, &mut sizes);
                message.clear();
                packed.clear();
            }
        }
        encoder.encode(b"", true, &mut packed);
        check_round(&mut decoder, &message, &packed, &mut sizes);
        pool.put_encoder(encoder);
        pool.put_decoder(decoder);
    });
}

/// The message twice over: once in a final block, stored, which ends a stream (RFC 7692 §7.2.3.4), and
/// once more behind it, in a new stream whose matches reach back over that end.
fn behind_a_final_block(encoder: &mut Encoder, message: &mut Vec<u8>, packed: &mut Vec<u8>) {
    let len = message.len() as u16;
    packed.clear();
    packed.push(0x01);
    packed.extend_from_slice(&len.to_le_bytes());
    packed.extend_from_slice(&(!len).to_le_bytes());
    packed.extend_from_slice(message);
    encoder.encode(message, true, packed);
    message.extend_from_within(..);
}

fn check_round(
    decoder: &mut Decoder,
    message: &[u8],
    packed: &[u8],
    sizes: &mut impl FnMut() -> usize,
) {
    let most = message.len() + message.len() / 8 + 32;
    assert!(
        packed.len() <= most,
        "{} bytes became {}",
        message.len(),
        packed.len()
    );
    assert!(
        !packed.is_empty(),
        "RFC 7692 §7.2.3.6: an empty message has one byte"
    );
    let mut back = Vec::new();
    let mut rest = packed;
    loop {
        let (piece, after) = rest.split_at(sizes().min(rest.len()));
        rest = after;
        let result = decoder.decode(piece, rest.is_empty(), &mut |piece: &[u8]| {
            back.extend_from_slice(piece);
            if back.len() > message.len() {
                Err(Full)
            } else {
                Ok(())
            }
        });
        assert_eq!(result, Ok(()), "what we encoded does not decode");
        if rest.is_empty() {
            break;
        }
    }
    assert!(back == message, "what came back is another message");
}
