//! Seeds of open connections: RFC 6455 §5.7, each violation, each limit, and pairs of peers.

use super::Seeds;
use crate::wire::{Form, Raw};
use tidewire_proto::deflate::Encoder;

/// No compression, roomy limits.
const PLAIN: u8 = 0;
/// Compression without context takeover.
const DEFLATE: u8 = 1;
/// Compression with context takeover.
const TAKEOVER: u8 = 2;
/// Compression with the smallest windows.
const NARROW: u8 = 3;
/// Frames of 500 and messages of 1000 bytes, two control frames waiting.
const SMALL: u8 = 1 << 2;
/// Messages of 130 bytes, one control frame waiting.
const TINY: u8 = 2 << 2;
/// 70,000 bytes.
const LARGE: u8 = 3 << 2;
const DIRECT: u8 = 0x10;
const CLOSING: u8 = 0x20;

const GREEK: &[u8] = "κόσμε, 水, 🌊".as_bytes();

/// A script: name, flags, and what builds the bytes for a reader that wants them masked or not.
type Script = (&'static str, u8, Box<dyn Fn(bool) -> Vec<u8>>);

/// Frames, one after another.
fn frames(list: &'static [(u8, &'static [u8])]) -> Box<dyn Fn(bool) -> Vec<u8>> {
    Box::new(move |masked| {
        let mut out = Vec::new();
        list.iter()
            .for_each(|(first, payload)| Raw::new(*first, masked, payload).put(&mut out));
        out
    })
}

/// One frame that is put together otherwise.
fn raw(change: fn(&mut Raw<'_>)) -> Box<dyn Fn(bool) -> Vec<u8>> {
    Box::new(move |masked| {
        let mut raw = Raw::new(0x82, masked, b"abc");
        change(&mut raw);
        raw.bytes()
    })
}

/// A frame of so many bytes of text.
fn long(first: u8, len: usize) -> Box<dyn Fn(bool) -> Vec<u8>> {
    Box::new(move |masked| Raw::new(first, masked, &vec![b'*'; len]).bytes())
}

/// Messages compressed one after another, each in frames of at most `size` bytes.
fn packed(
    bits: u8,
    takeover: bool,
    size: usize,
    messages: &'static [&'static [u8]],
) -> Box<dyn Fn(bool) -> Vec<u8>> {
    Box::new(move |masked| {
        let mut encoder = Encoder::new(6, bits);
        let mut out = Vec::new();
        for message in messages {
            let mut bytes = Vec::new();
            encoder.encode(message, true, &mut bytes);
            if !takeover {
                encoder.forget();
            }
            let last = bytes.chunks(size).count() - 1;
            for (at, piece) in bytes.chunks(size).enumerate() {
                let first = if at == 0 { 0x41 } else { 0 } | u8::from(at == last) << 7;
                Raw::new(first, masked, piece).put(&mut out);
            }
        }
        out
    })
}

/// A compressed text message with this payload as it stands.
fn inflate(payload: &'static [u8]) -> Box<dyn Fn(bool) -> Vec<u8>> {
    Box::new(move |masked| Raw::new(0xC1, masked, payload).bytes())
}

/// One small message that becomes a large one.
fn bomb(masked: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    Encoder::new(9, 15).encode(&vec![b'0'; 300_000], true, &mut bytes);
    Raw::new(0xC2, masked, &bytes).bytes()
}

/// A text message whose first byte is not UTF-8, and which then outgrows its limit.
fn bad_then_large(masked: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let text = [&b"\xFF"[..], &[b'x'; 300]].concat();
    Encoder::new(9, 15).encode(&text, true, &mut bytes);
    Raw::new(0xC1, masked, &bytes).bytes()
}

fn scripts() -> Vec<Script> {
    let mut all: Vec<Script> = vec![
        ("rfc6455-5.7-text", PLAIN, frames(&[(0x81, b"Hello")])),
        (
            "rfc6455-5.7-fragments",
            PLAIN,
            frames(&[(0x01, b"Hel"), (0x80, b"lo")]),
        ),
        (
            "rfc6455-5.7-ping-pong",
            PLAIN,
            frames(&[(0x89, b"Hello"), (0x8A, b"Hello")]),
        ),
        ("rfc6455-5.7-256-bytes", PLAIN, long(0x82, 256)),
        (
            "rfc6455-5.7-65536-bytes",
            LARGE | DIRECT,
            long(0x82, 65_536),
        ),
        (
            "rfc7692-7.2.3.1-hello",
            DEFLATE,
            inflate(b"\xF2\x48\xCD\xC9\xC9\x07\x00"),
        ),
        (
            "rfc7692-7.2.3.1-fragments",
            DEFLATE,
            frames(&[(0x41, b"\xF2\x48\xCD"), (0x80, b"\xC9\xC9\x07\x00")]),
        ),
        (
            "rfc7692-7.2.3.2-shared-window",
            TAKEOVER,
            frames(&[
                (0xC1, b"\xF2\x48\xCD\xC9\xC9\x07\x00"),
                (0xC1, b"\xF2\x00\x11\x00\x00"),
            ]),
        ),
        (
            "rfc7692-7.2.3.3-stored",
            DEFLATE,
            inflate(b"\x00\x05\x00\xFA\xFF\x48\x65\x6C\x6C\x6F\x00"),
        ),
        (
            "rfc7692-7.2.3.4-final",
            DEFLATE,
            inflate(b"\xF3\x48\xCD\xC9\xC9\x07\x00\x00"),
        ),
        (
            "rfc7692-7.2.3.5-two-blocks",
            DEFLATE,
            inflate(b"\xF2\x48\x05\x00\x00\x00\xFF\xFF\xCA\xC9\xC9\x07\x00"),
        ),
        ("rfc7692-7.2.3.6-empty", DEFLATE, inflate(b"\x00")),
        ("deflate-no-payload", DEFLATE, inflate(b"")),
        (
            "deflate-missing-tail",
            DEFLATE,
            inflate(b"\xF2\x48\xCD\xC9\xC9\x07"),
        ),
        ("deflate-garbage", DEFLATE, inflate(b"\xFF\xFF\xFF\xFF")),
        (
            "deflate-after-final",
            DEFLATE,
            inflate(b"\x03\x00\x03\x00\xF2\x48\xCD\xC9\xC9\x07\x00"),
        ),
        (
            "deflate-not-utf8",
            DEFLATE,
            inflate(b"\x00\x03\x00\xFC\xFFa\xFFb\x00"),
        ),
        (
            "deflate-not-utf8-then-garbage",
            DEFLATE,
            inflate(b"\x00\x01\x00\xFE\xFF\xFF\x06\x06\x06"),
        ),
        ("deflate-bomb", DEFLATE, Box::new(bomb)),
        (
            "deflate-not-utf8-then-over-limit",
            DEFLATE | TINY,
            Box::new(bad_then_large),
        ),
        (
            "deflate-over-limit",
            DEFLATE | TINY,
            packed(15, false, 9999, &[&[b'7'; 400]]),
        ),
        (
            "deflate-cut",
            DEFLATE,
            packed(15, false, 3, &[GREEK, b"", GREEK, b"after"]),
        ),
        (
            "deflate-takeover",
            TAKEOVER,
            packed(15, true, 7, &[GREEK, GREEK, b"tide tide tide"]),
        ),
        (
            "deflate-narrow",
            NARROW,
            packed(9, true, 999, &[GREEK, &[b'x'; 900], GREEK]),
        ),
        (
            "deflate-mixed-with-plain",
            TAKEOVER,
            frames(&[
                (0xC1, b"\xF2\x48\xCD\xC9\xC9\x07\x00"),
                (0x81, b"plain"),
                (0xC1, b"\xF2\x00\x11\x00\x00"),
            ]),
        ),
        (
            "rsv1-on-continuation",
            DEFLATE,
            frames(&[(0x41, b"\xF2"), (0xC0, b"\x48")]),
        ),
        ("rsv1-on-ping", DEFLATE, frames(&[(0xC9, b"")])),
        ("rsv1-not-agreed", PLAIN, frames(&[(0xC1, b"a")])),
        ("rsv2", PLAIN, frames(&[(0x89, b"x"), (0xA1, b"a")])),
        ("rsv3", PLAIN, frames(&[(0x91, b"a")])),
        ("opcode-3", PLAIN, frames(&[(0x83, b"")])),
        ("opcode-7", PLAIN, frames(&[(0x07, b"a")])),
        ("opcode-11", PLAIN, frames(&[(0x8B, b"")])),
        ("opcode-15", PLAIN, frames(&[(0x8F, b"")])),
        ("ping-fragmented", PLAIN, frames(&[(0x09, b"")])),
        ("close-fragmented", PLAIN, frames(&[(0x08, b"")])),
        ("ping-125", PLAIN, frames(&[(0x89, &[b'p'; 125])])),
        ("ping-126", PLAIN, frames(&[(0x89, &[b'p'; 126])])),
        (
            "pings-past-the-queue",
            SMALL,
            frames(&[(0x89, b"1"), (0x89, b"2"), (0x89, b"3"), (0x89, b"4")]),
        ),
        (
            "pings-within-a-message",
            PLAIN,
            frames(&[
                (0x01, b"a"),
                (0x89, b"1"),
                (0x00, b"b"),
                (0x8A, b"2"),
                (0x80, b"c"),
            ]),
        ),
        (
            "mask-wrong",
            PLAIN,
            raw(|raw| raw.mask = raw.mask.xor(Some([9, 8, 7, 6]))),
        ),
        (
            "mask-zero",
            PLAIN,
            raw(|raw| raw.mask = raw.mask.map(|_| [0; 4])),
        ),
        (
            "length-125-in-16-bits",
            PLAIN,
            raw(|raw| raw.form = Form::Bits16),
        ),
        (
            "length-3-in-64-bits",
            PLAIN,
            raw(|raw| raw.form = Form::Bits64),
        ),
        (
            "length-top-bit",
            PLAIN,
            raw(|raw| raw.claim = Some(1 << 63)),
        ),
        (
            "length-largest",
            PLAIN,
            raw(|raw| raw.claim = Some(u64::MAX >> 1)),
        ),
        (
            "length-claimed-not-sent",
            PLAIN,
            raw(|raw| raw.claim = Some(100_000)),
        ),
        (
            "cut-after-bad-utf8",
            PLAIN,
            raw(|raw| (raw.first, raw.claim, raw.payload) = (0x81, Some(20), b"ok \xFF")),
        ),
        (
            "cut-after-a-bad-opcode",
            PLAIN,
            raw(|raw| (raw.first, raw.claim, raw.payload) = (0x83, Some(20), b"")),
        ),
        ("length-126", PLAIN, long(0x81, 126)),
        ("length-125", PLAIN, long(0x81, 125)),
        ("frame-at-the-limit", SMALL, long(0x82, 500)),
        ("frame-over-the-limit", SMALL, long(0x82, 501)),
        (
            "message-over-the-limit",
            TINY,
            frames(&[(0x02, &[0; 60]), (0x80, &[0; 7])]),
        ),
        (
            "message-at-the-limit",
            TINY,
            frames(&[(0x02, &[0; 60]), (0x80, &[0; 6])]),
        ),
        (
            "empty-fragments",
            TINY,
            frames(&[(0x02, b""), (0, b""), (0, b""), (0, b"")]),
        ),
        (
            "empty-message",
            PLAIN,
            frames(&[(0x81, b""), (0x82, b""), (0x01, b""), (0x80, b"")]),
        ),
        (
            "continuation-of-nothing",
            PLAIN,
            frames(&[(0x81, b"a"), (0x80, b"b")]),
        ),
        (
            "message-inside-message",
            PLAIN,
            frames(&[(0x01, b"a"), (0x82, b"b")]),
        ),
        ("utf8-ff", PLAIN, frames(&[(0x81, b"\xFF")])),
        (
            "utf8-surrogate",
            PLAIN,
            frames(&[(0x81, b"\xCE\xBA\xED\xA0\x80edited")]),
        ),
        ("utf8-overlong", PLAIN, frames(&[(0x81, b"\xC0\xAF")])),
        (
            "utf8-above-10ffff",
            PLAIN,
            frames(&[(0x01, b"\xF4"), (0x80, b"\x90\x80\x80")]),
        ),
        (
            "utf8-cut-and-whole",
            PLAIN,
            frames(&[(0x01, b"\xF0\x9F"), (0, b"\x8C"), (0x80, b"\x8A")]),
        ),
        (
            "utf8-cut-and-broken",
            PLAIN,
            frames(&[(0x01, b"\xF0\x9F"), (0, b""), (0, b"A")]),
        ),
        (
            "utf8-ends-within-a-character",
            PLAIN,
            frames(&[(0x01, b"a\xF0\x9F"), (0x80, b"")]),
        ),
        ("direct-large", LARGE | DIRECT, long(0x81, 5000)),
        ("close", PLAIN, frames(&[(0x88, b""), (0x81, b"too late")])),
        ("close-1000", PLAIN, frames(&[(0x88, b"\x03\xE8")])),
        ("close-1014", PLAIN, frames(&[(0x88, b"\x03\xF6")])),
        (
            "close-reason",
            PLAIN,
            frames(&[(0x88, b"\x0F\xA0bye \xF0\x9F\x8C\x8A")]),
        ),
        ("close-one-byte", PLAIN, frames(&[(0x88, b"\x03")])),
        ("close-1005", PLAIN, frames(&[(0x88, b"\x03\xED")])),
        ("close-999", PLAIN, frames(&[(0x88, b"\x03\xE7")])),
        ("close-5000", PLAIN, frames(&[(0x88, b"\x13\x88")])),
        (
            "close-reason-not-utf8",
            PLAIN,
            frames(&[(0x88, b"\x03\xE8\xFF")]),
        ),
        ("close-all-wrong", PLAIN, frames(&[(0x88, b"\x03\xED\xFF")])),
        (
            "close-within-a-message",
            PLAIN,
            frames(&[(0x01, b"a"), (0x88, b"\x03\xE9"), (0x80, b"b")]),
        ),
        (
            "closing-messages-still-come",
            CLOSING,
            frames(&[(0x81, b"still"), (0x89, b"p"), (0x88, b"\x03\xE8")]),
        ),
        (
            "closing-violation",
            CLOSING,
            frames(&[(0x81, b"still"), (0x83, b"")]),
        ),
        ("closing-bad-code", CLOSING, frames(&[(0x88, b"\x03\xED")])),
    ];
    // Streams that stop anywhere.
    for (name, at) in [
        ("cut-within-header", 1),
        ("cut-within-mask", 3),
        ("cut-within-payload", 8),
    ] {
        let cut = move |masked| {
            let mut bytes = Raw::new(0x81, masked, b"Hello, sea").bytes();
            bytes.truncate(at);
            bytes
        };
        all.push((name, PLAIN, Box::new(cut)));
    }
    all
}

/// Seeds of `frames_server` (masked) and `frames_client`.
pub(super) fn stream(masked: bool) -> Seeds {
    let with_head = |(name, flags, build): Script| {
        let cut = name.len() as u8 % 5 * 60; // whole, pieces of 60 bytes, and random ones
        (
            name.to_owned(),
            [&[flags, cut], &build(masked)[..]].concat(),
        )
    };
    scripts().into_iter().map(with_head).collect()
}

/// Seeds of `differential`: every plain script in both roles.
pub(super) fn differential() -> Seeds {
    let mut seeds = Vec::new();
    for (role, masked) in [("server", true), ("client", false)] {
        for (name, flags, build) in scripts() {
            let small = if flags & (SMALL | TINY) == 0 { 0 } else { 2 };
            let closing = if flags & CLOSING == 0 { 0 } else { 4 };
            let head = [u8::from(!masked) | small | closing, 0];
            if name != "deflate-bomb" {
                seeds.push((
                    format!("{role}-{name}"),
                    [&head[..], &build(masked)].concat(),
                ));
            }
        }
        let mut flood = vec![u8::from(!masked) | 2, 0];
        for at in 0..20 {
            Raw::new(if at == 0 { 2 } else { 0 }, masked, b"").put(&mut flood);
        }
        seeds.push((format!("{role}-flood-of-empty-fragments"), flood));
    }
    seeds
}

/// Seeds of `pair`: each agreement with a walk through all commands.
pub(super) fn pair() -> Seeds {
    let mut seeds = Seeds::new();
    for agreement in [0u8, 1, 2, 3, 4, 12, 20, 0xE7, 0xFC] {
        for options in [0u8, 3] {
            let mut input = vec![agreement, options];
            for op in 0..32u8 {
                if !matches!(op >> 1 & 15, 10 | 11) {
                    input.extend_from_slice(&[op, op.wrapping_mul(7), 1, 44]);
                }
            }
            seeds.push((format!("all-commands-{agreement:02x}-{options}"), input));
        }
    }
    let few: [(&str, &[u8]); 8] = [
        ("close-both-at-once", &[1, 0, 20, 0, 21, 3]),
        (
            "close-with-messages-under-way",
            &[0, 0, 0, 0, 0, 9, 1, 2, 0, 9, 20, 0, 1, 3, 0, 9],
        ),
        (
            "close-within-a-fragmented-message",
            &[0, 0, 12, 0, 0, 0, 99, 5, 20, 1],
        ),
        (
            "close-with-a-code-that-may-not-be-sent",
            &[0, 0, 20, 6, 20, 7],
        ),
        ("silence", &[0, 0, 22, 30, 22, 30, 22, 30]),
        ("close-without-answer", &[0, 0, 20, 0, 22, 63]),
        ("slow-reader", &[0, 0, 0x38, 9, 9, 22, 30, 22, 30]),
        (
            "pings-past-the-queue",
            &[0, 1, 16, 0, 16, 0, 16, 0, 16, 0, 16, 0, 16, 0, 30, 30, 31],
        ),
    ];
    seeds.extend(few.map(|(name, input)| (name.to_owned(), input.to_vec())));
    seeds
}
