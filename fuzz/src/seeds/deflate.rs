//! Seeds of `deflate`: RFC 7692 §7.2.3, corruption, windows, and lists of operations.

use super::Seeds;
use tidewire_proto::deflate::Encoder;

/// What parts messages in an input.
const NEXT: &[u8] = b"\xFF\0\xFF";

pub(super) fn seeds() -> Seeds {
    let streams: [(&str, &[&[u8]]); 16] = [
        ("rfc7692-hello", &[b"\xF2\x48\xCD\xC9\xC9\x07\x00"]),
        (
            "rfc7692-shared-window",
            &[b"\xF2\x48\xCD\xC9\xC9\x07\x00", b"\xF2\x00\x11\x00\x00"],
        ),
        (
            "rfc7692-stored",
            &[b"\x00\x05\x00\xFA\xFF\x48\x65\x6C\x6C\x6F\x00"],
        ),
        ("rfc7692-final", &[b"\xF3\x48\xCD\xC9\xC9\x07\x00\x00"]),
        (
            "rfc7692-two-blocks",
            &[b"\xF2\x48\x05\x00\x00\x00\xFF\xFF\xCA\xC9\xC9\x07\x00"],
        ),
        ("rfc7692-empty", &[b"\x00"]),
        ("nothing", &[b""]),
        ("empty-messages", &[b"\x00", b"\x00", b"\x02\x00"]),
        (
            "final-then-message",
            &[
                b"\xF3\x48\xCD\xC9\xC9\x07\x00",
                b"\xF2\x48\xCD\xC9\xC9\x07\x00",
            ],
        ),
        ("final-without-empty-block", &[b"\x03\x00"]),
        (
            "many-final-blocks",
            &[b"\x03\x00\x03\x00\x03\x00\x03\x00\x03\x00\x00"],
        ),
        ("missing-tail", &[b"\xF2\x48\xCD\xC9\xC9\x07"]),
        ("reserved-block", &[b"\x06"]),
        ("distance-too-far", &[b"\x4A\x04\x7F\x00\x00"]),
        ("stored-length-wrong", &[b"\x00\x05\x00\x00\x00Hello"]),
        ("error-after-output", &[b"\x00\x03\x00\xFC\xFFabc\x06\x06"]),
    ];
    let mut seeds = Seeds::new();
    for (name, messages) in streams {
        for (cut, how) in [(1, "bytes"), (200, "pieces")] {
            let input = [&[0, 7, cut], &messages.join(NEXT)[..]].concat();
            seeds.push((format!("decode-{name}-{how}"), input));
        }
    }
    for bits in 8..=15u8 {
        let mut encoder = Encoder::new(9, bits);
        let mut input = vec![0, bits - 8, 99];
        for _ in 0..3 {
            let text = "tides come and go; ".repeat(40);
            encoder.encode(text.as_bytes(), true, &mut input);
            input.extend_from_slice(NEXT);
        }
        seeds.push((format!("decode-window-{bits}"), input));
    }
    let mut bomb = vec![0, 7, 0];
    Encoder::new(9, 15).encode(&vec![0; 400_000], true, &mut bomb);
    seeds.push(("decode-bomb".to_owned(), bomb));
    for level in 0..=9u8 {
        let operations: [&[u8]; 6] = [
            b"\x03\x61\x13\x88",       // 5000 times `a`, the end
            b"\x04\x05tide \x40",      // a word 64 times
            b"\x0A\x0B",               // what there is once more, twice, the end
            b"\x01\x06\x08",           // an empty message, forget, back to the pool
            b"\x0C\x0A0123456789\x01", // as it stands, the end
            b"\x02\x00\x40\x00\x0D\x03abc",
        ];
        let input = [
            &[1 | level << 1, level, level * 25],
            &operations.concat()[..],
        ]
        .concat();
        seeds.push((format!("encode-level-{level}"), input));
    }
    for bits in 8..=15u8 {
        // Words, and with the end of each message all of it once more behind a final block.
        let operations: &[u8] = b"\x15\x05tide \x60\x15\x05ebbs \x03\x13a\x20\x00\x15\x05tide \x09";
        seeds.push((
            format!("encode-final-block-{bits}"),
            [&[13, bits - 8, 70], operations].concat(),
        ));
    }
    seeds
}
