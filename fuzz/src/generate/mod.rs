//! Inputs made from scratch that get far: mostly legal, with one rule broken now and then.

pub mod frames;
pub mod handshake;
pub mod hub;

use crate::rng::Rng;
use tidewire_proto::deflate::Encoder;

/// An input of `frames_server`.
#[must_use]
pub fn frames_server(rng: &mut Rng) -> Vec<u8> {
    let flags = rng.byte() & 0x3F;
    with_head(rng, flags & if flags & 1 == 0 { 0x1F } else { 0x3F }, true)
}

/// An input of `frames_client`.
#[must_use]
pub fn frames_client(rng: &mut Rng) -> Vec<u8> {
    let flags = rng.byte() & 0x3F;
    with_head(rng, flags & if flags & 1 == 0 { 0x1F } else { 0x3F }, false)
}

fn with_head(rng: &mut Rng, flags: u8, masked: bool) -> Vec<u8> {
    let mut input = vec![flags, rng.byte()];
    frames::put(rng, masked, flags & 3 != 0, &mut input);
    input
}

/// An input of `differential`.
#[must_use]
pub fn differential(rng: &mut Rng) -> Vec<u8> {
    let flags = rng.byte() & if rng.one_in(4) { 7 } else { 3 };
    let mut input = vec![flags, rng.byte()];
    frames::put(rng, flags & 1 == 0, false, &mut input);
    input
}

/// An input of `pair`: any bytes are commands; long runs of one kind and of nothing are made rarer.
#[must_use]
pub fn pair(rng: &mut Rng) -> Vec<u8> {
    let mut input = vec![rng.byte(), rng.byte() & 3];
    for _ in 0..rng.within(1, 40) {
        let op = rng.byte();
        // A Close ends most of the fun, and so does silence.
        let rare = matches!(op >> 1 & 15, 10 | 11);
        input.push(if rare && !rng.one_in(6) {
            0x1E | (op & 1)
        } else {
            op
        });
        let (kind, len) = (rng.byte(), rng.within(0, 700) as u16);
        input.push(kind);
        input.extend_from_slice(&len.to_be_bytes());
    }
    input
}

/// An input of `deflate`.
#[must_use]
pub fn deflate(rng: &mut Rng) -> Vec<u8> {
    let (mode, window, cut) = (rng.byte(), rng.byte(), rng.byte());
    let mut input = vec![mode, window, cut];
    if mode & 1 == 1 {
        let len = rng.within(0, 200);
        input.extend(rng.bytes(len));
        return input;
    }
    let mut encoder = Encoder::new(mode >> 1, 8 + window % 8);
    for _ in 0..rng.within(1, 4) {
        let payload = payload(rng, 6000);
        let mut packed = Vec::new();
        encoder.encode(&payload, true, &mut packed);
        if rng.one_in(3) {
            // The first block of a stream of its own, made final: what follows begins anew.
            if let Some(first) = packed.first_mut() {
                *first |= 1;
            }
        }
        input.extend_from_slice(&packed);
        input.extend_from_slice(if rng.one_in(6) { b"" } else { b"\xFF\0\xFF" });
        if rng.one_in(2) {
            encoder.forget();
        }
    }
    input
}

/// A payload: empty, noise, or words that repeat.
#[must_use]
pub fn payload(rng: &mut Rng, most: usize) -> Vec<u8> {
    let len = match rng.below(8) {
        0 => 0,
        1 => rng.within(120, 130).min(most),
        2 => rng.below(most + 1),
        _ => rng.below(40.min(most) + 1),
    };
    match rng.below(3) {
        0 => rng.bytes(len),
        1 => vec![rng.byte(); len],
        _ => {
            let word_len = rng.within(1, 12);
            let word = rng.bytes(word_len);
            word.iter().copied().cycle().take(len).collect()
        }
    }
}

/// A text of about so many bytes.
#[must_use]
pub fn text(rng: &mut Rng, most: usize) -> String {
    let len = if rng.one_in(6) {
        rng.below(most + 1)
    } else {
        rng.below(30.min(most) + 1)
    };
    let mut text = String::new();
    while text.len() < len {
        match rng.below(6) {
            0 => text.push(char::from_u32(rng.below(0x11_0000) as u32).unwrap_or('\u{FFFD}')),
            1 => text.push_str(rng.pick(&["ß", "水", "🌊", "\u{7FF}", "\u{FFFF}", "\u{10FFFF}"])),
            _ => text.push(char::from(rng.within(0x20, 0x7E) as u8)),
        }
    }
    text
}
