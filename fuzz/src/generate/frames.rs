//! Byte streams of an open connection: messages whole and in fragments, control frames between them,
//! compressed ones where that is agreed, and every violation the RFC names.

use crate::generate::{payload, text};
use crate::rng::Rng;
use crate::wire::{Form, Raw};
use tidewire_proto::deflate::Encoder;

/// Bytes that are not UTF-8, or not yet.
const BAD_TEXT: [&[u8]; 8] = [
    b"\xFF",
    b"ok\xC0\xAF",
    b"\xED\xA0\x80",
    b"\xF4\x90\x80\x80",
    b"cut \xE6\xB0",
    b"\xF0\x9F\x8C",
    b"\x80",
    b"valid first, then \xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xED\xA0\x80edited",
];

/// Appends a stream of one to eight messages and control frames.
pub fn put(rng: &mut Rng, masked: bool, deflate: bool, out: &mut Vec<u8>) {
    let mut encoder = deflate.then(|| Encoder::new(6, if rng.one_in(2) { 15 } else { 9 }));
    let takeover = rng.one_in(2);
    for _ in 0..rng.within(1, 8) {
        let mask = masked
            .then(|| rng.next_u64().to_be_bytes())
            .map(|b| [b[0], b[1], b[2], b[3]]);
        let put = |out: &mut Vec<u8>, first: u8, payload: &[u8]| {
            Raw {
                mask,
                ..Raw::new(first, false, payload)
            }
            .put(out);
        };
        match rng.below(20) {
            0..=3 => put(out, 0x81, text(rng, 900).as_bytes()),
            4..=5 => put(out, 0x82, &payload(rng, 900)),
            6 => put(out, 0x89, &payload(rng, 125)),
            7 => put(out, 0x8A, &payload(rng, 125)),
            8..=11 => {
                let (opcode, whole) = if rng.one_in(2) {
                    (1, text(rng, 1500).into_bytes())
                } else {
                    (2, payload(rng, 1500))
                };
                fragments(rng, out, opcode, &whole, &put);
            }
            12..=15 if deflate => {
                let Some(encoder) = &mut encoder else {
                    continue;
                };
                let is_text = rng.one_in(2);
                let message = if is_text {
                    text(rng, 3000).into_bytes()
                } else {
                    payload(rng, 5000)
                };
                let mut packed = Vec::new();
                encoder.encode(&message, true, &mut packed);
                if !takeover {
                    encoder.forget();
                }
                let opcode = if is_text { 0x41 } else { 0x42 };
                fragments(rng, out, opcode, &packed, &put);
            }
            12 => {
                let code = [1000, 1001, 3000, 4999, 1014, 1007][rng.below(6)] as u16;
                let mut body = code.to_be_bytes().to_vec();
                body.extend_from_slice(text(rng, 40).as_bytes());
                body.truncate(if rng.one_in(4) { 0 } else { 125 });
                put(out, 0x88, &body);
            }
            13 => put(out, 0x81, rng.pick(&BAD_TEXT)),
            14 => {
                let whole = rng.pick(&BAD_TEXT).to_vec();
                fragments(rng, out, 1, &whole, &put);
            }
            _ if rng.one_in(3) => broken(rng, out, mask),
            _ => put(out, 0x81, b"calm"),
        }
    }
    if rng.one_in(4) {
        let len = out.len().saturating_sub(rng.below(20));
        out.truncate(len.max(2));
    }
}

/// A message in one to five fragments, with a control frame between them now and then.
fn fragments(
    rng: &mut Rng,
    out: &mut Vec<u8>,
    opcode: u8,
    whole: &[u8],
    put: &impl Fn(&mut Vec<u8>, u8, &[u8]),
) {
    let mut rest = whole;
    let mut first = opcode;
    let mut left = rng.below(5);
    loop {
        let size = if left == 0 {
            rest.len()
        } else {
            rng.below(rest.len() + 1)
        };
        let (piece, after) = rest.split_at(size);
        rest = after;
        put(out, first | u8::from(left == 0) << 7, piece);
        if left == 0 {
            return;
        }
        if rng.one_in(4) {
            put(
                out,
                if rng.one_in(2) { 0x89 } else { 0x8A },
                &payload(rng, 20),
            );
        }
        (first, left) = (0, left - 1);
    }
}

/// A frame that breaks a rule of the header or of its place.
fn broken(rng: &mut Rng, out: &mut Vec<u8>, mask: Option<[u8; 4]>) {
    let long = [b'x'; 126];
    let mut raw = Raw {
        mask,
        ..Raw::new(0x82, false, b"abc")
    };
    match rng.below(14) {
        0 => raw.first |= 0x40 >> rng.below(3),
        1 => raw.first = 0x80 | [3, 4, 5, 6, 7, 11, 12, 13, 14, 15][rng.below(10)],
        2 => {
            raw.mask = if mask.is_some() {
                None
            } else {
                Some([1, 2, 3, 4])
            }
        }
        3 => {
            raw.form = if rng.one_in(2) {
                Form::Bits16
            } else {
                Form::Bits64
            }
        }
        4 => (raw.first, raw.payload) = (0x89, &long),
        5 => raw.first = [0x08, 0x09, 0x0A][rng.below(3)],
        6 => (raw.claim, raw.form) = (Some(1 << 63 | rng.next_u64() >> 40), Form::Bits64),
        7 => raw.claim = Some(rng.next_u64() >> rng.within(1, 60)),
        8 => raw.first = 0x80,
        9 => raw.first = 0x02,
        10 => (raw.first, raw.payload) = (0x88, &long[..1]),
        11 => {
            (raw.first, raw.payload) = (
                0x88,
                rng.pick(&[b"\x03\xED", b"\0\0", b"\x03\xF8", b"\x13\x88"]),
            )
        }
        12 => (raw.first, raw.payload) = (0x88, b"\x03\xE8\xFF"),
        _ => (raw.first, raw.payload) = (0xC1, b"\xFF\xFF\xFF"),
    }
    raw.put(out);
}
